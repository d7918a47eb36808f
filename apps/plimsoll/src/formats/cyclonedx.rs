//! CycloneDX 1.6 with components and vulnerabilities (<https://cyclonedx.org/docs/1.6/json/>).

use super::{Report, verdict_in_words};
use advisories::vex::{Justification, Status};
use anyhow::Result;
use assessment::{Finding, Kind};
use matching::{Fix, Verdict};
use serde_json::{Value, json};

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let components: Vec<Value> = report.inventory.packages.iter().enumerate().map(|(at, package)| {
        json!({ "type": "library", "bom-ref": reference(at), "name": package.name, "version": package.version, "purl": inventory::purl::write(package) })
    }).collect();
    let vulnerabilities: Vec<Value> = report
        .findings()
        .chain(&report.assessment.suppressed)
        .filter(|finding| !finding.carriers.is_empty() && finding.kind == Kind::Vulnerability)
        .map(vulnerability)
        .collect();
    let value = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": report.now,
            "tools": { "components": [{ "type": "application", "name": "plimsoll", "version": env!("CARGO_PKG_VERSION") }] },
            "component": { "type": if report.inventory.os.is_some() { "operating-system" } else { "application" }, "bom-ref": "subject", "name": report.inventory.subject },
            "properties": report.assessment.coverage.gaps().iter().map(|gap| json!({ "name": "plimsoll:gap", "value": gap })).collect::<Vec<_>>(),
        },
        "components": components,
        "vulnerabilities": vulnerabilities,
    });
    super::indented::write(&value, out)
}

fn reference(at: usize) -> String {
    format!("package-{at}")
}

fn vulnerability(finding: &Finding) -> Value {
    let affects: Vec<Value> = finding
        .carriers
        .iter()
        .filter_map(|carrier| carrier.package)
        .map(|at| json!({ "ref": reference(at) }))
        .collect();
    let mut fixed: Vec<String> = finding
        .carriers
        .iter()
        .filter_map(|carrier| {
            if let Fix::Available(version) = &carrier.fix {
                Some(format!("{} {version}", carrier.source))
            } else {
                None
            }
        })
        .collect();
    fixed.sort();
    fixed.dedup();
    let mut value = json!({
        "bom-ref": format!("finding-{}", finding.id),
        "id": finding.id,
        "analysis": { "state": state(&finding.verdict), "detail": verdict_in_words(&finding.verdict) },
        "affects": affects,
        "properties": [
            { "name": "plimsoll:class", "value": finding.deadline.class },
            { "name": "plimsoll:due", "value": finding.deadline.due.map_or_else(|| "next upgrade".to_owned(), |due| due.to_string()) },
            { "name": "plimsoll:overdue", "value": finding.is_overdue.to_string() },
        ],
    });
    if !finding.title.is_empty() {
        value["description"] = json!(finding.title);
    }
    if matches!(&finding.verdict, Verdict::Suppressed(suppression) if suppression.status == Status::Accepted) {
        value["analysis"]["response"] = json!(["will_not_fix"]);
    }
    if let Verdict::Suppressed(suppression) = &finding.verdict
        && suppression.status == Status::NotAffected
        && let Some(word) = suppression.justification.and_then(Justification::cyclonedx)
    {
        value["analysis"]["justification"] = json!(word);
    }
    if !fixed.is_empty() {
        value["recommendation"] = json!(format!("Upgrade to {}", fixed.join(", ")));
    }
    if let Some((score, vector)) = &finding.signals.cvss {
        value["ratings"] = json!([rating(*score, vector)]);
    }
    if let Some(published) = finding.signals.published {
        value["published"] = json!(published);
    }
    let urls: Vec<Value> = finding
        .sources
        .iter()
        .filter(|source| !source.url.is_empty())
        .map(|source| json!({ "title": source.id, "url": source.url }))
        .collect();
    if !urls.is_empty() {
        value["advisories"] = json!(urls);
    }
    value
}

fn rating(score: f64, vector: &str) -> Value {
    let method = match vector.get(..8) {
        Some("CVSS:4.0") => "CVSSv4",
        Some("CVSS:3.1") => "CVSSv31",
        Some("CVSS:3.0") => "CVSSv3",
        _ if vector.contains('/') => "CVSSv2",
        _ => return json!({ "severity": advisories::severity::word(score), "method": "other" }),
    };
    json!({ "score": score, "severity": advisories::severity::word(score), "method": method, "vector": vector })
}

fn state(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Affected => "exploitable",
        Verdict::RestartPending { .. } | Verdict::Undetermined { .. } => "in_triage",
        Verdict::Suppressed(suppression) => match suppression.status {
            // Who accepts a risk does not say that there is none.
            Status::Accepted => "exploitable",
            Status::Fixed => "resolved",
            _ => "not_affected",
        },
    }
}
