//! OpenVEX 0.2.0 (<https://github.com/openvex/spec>): one statement a finding.

use super::{Report, fix_in_words, verdict_in_words};
use advisories::vex::{Justification, Status};
use anyhow::Result;
use assessment::{Finding, Kind};
use matching::Verdict;
use serde_json::{Value, json};

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let statements: Vec<Value> = report
        .findings()
        .chain(&report.assessment.suppressed)
        .filter(|finding| finding.kind == Kind::Vulnerability)
        .map(|finding| statement(report, finding))
        .collect();
    let id = blake3::hash(serde_json::to_string(&statements)?.as_bytes()).to_hex();
    let value = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:blake3:{id}"),
        "author": "plimsoll",
        "timestamp": report.now,
        "version": 1,
        "tooling": concat!("plimsoll ", env!("CARGO_PKG_VERSION")),
        "statements": statements,
    });
    super::indented::write(&value, out)
}

fn statement(report: &Report<'_>, finding: &Finding) -> Value {
    let products: Vec<Value> = finding
        .carriers
        .iter()
        .map(|carrier| json!({ "@id": carrier.purl, "identifiers": { "purl": carrier.purl } }))
        .collect();
    let mut value = json!({
        "vulnerability": { "name": finding.id, "aliases": finding.aliases },
        "timestamp": report.now,
        "products": products,
    });
    match &finding.verdict {
        Verdict::Affected | Verdict::RestartPending { .. } => {
            let fixes: Vec<String> = finding
                .carriers
                .iter()
                .map(|carrier| format!("{}: {}", carrier.name, fix_in_words(&carrier.fix)))
                .collect();
            value["status"] = json!("affected");
            value["action_statement"] = json!(fixes.join("; "));
        }
        Verdict::Undetermined { why } => {
            value["status"] = json!("under_investigation");
            value["status_notes"] = json!(why);
        }
        // Who accepts a risk does not say that there is none.
        Verdict::Suppressed(suppression) if suppression.status == Status::Accepted => {
            value["status"] = json!("affected");
            value["action_statement"] = json!(verdict_in_words(&finding.verdict));
        }
        Verdict::Suppressed(suppression) if suppression.status == Status::Fixed => {
            value["status"] = json!("fixed");
            value["status_notes"] = json!(verdict_in_words(&finding.verdict));
        }
        Verdict::Suppressed(suppression) => {
            value["status"] = json!("not_affected");
            if let Some(word) = suppression.justification.and_then(Justification::openvex) {
                value["justification"] = json!(word);
            }
            value["impact_statement"] = json!(verdict_in_words(&finding.verdict));
        }
    }
    value
}
