//! SARIF 2.1.0 (OASIS). Every result has a location, as readers demand: the file in which the package was found.

use super::{Report, distance, fix_in_words};
use anyhow::Result;
use assessment::Finding;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in report.findings().chain(&report.assessment.suppressed) {
        rules.entry(&finding.id).or_insert(finding);
    }
    let places: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    let results: Vec<Value> = report
        .findings()
        .chain(&report.assessment.suppressed)
        .flat_map(|finding| results(report, finding, places[finding.id.as_str()]))
        .collect();
    let value = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Plimsoll", "version": env!("CARGO_PKG_VERSION"), "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().map(|finding| rule(finding)).collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": report.assessment.coverage.unread == 0,
                "toolExecutionNotifications": notifications(report),
            }],
            "results": results,
        }],
    });
    super::indented::write(&value, out)
}

/// Problems, what is not known, and what could not be judged: silence would look like a clean system.
fn notifications(report: &Report<'_>) -> Vec<Value> {
    let coverage = &report.assessment.coverage;
    let unknown = coverage.unknown.iter().map(|unknown| format!("not known: {unknown}"));
    let undetermined =
        coverage.undetermined.iter().map(|(name, version, why)| format!("undetermined: {name} {version}: {why}"));
    let idle = coverage.idle_statements.iter().map(|statement| format!("an exception without effect: {statement}"));
    let all = report.problems().into_iter().chain(unknown).chain(undetermined).chain(idle);
    all.map(|text| json!({ "level": "warning", "message": { "text": text } })).collect()
}

fn rule(finding: &Finding) -> Value {
    let title = if finding.title.is_empty() { &finding.id } else { &finding.title };
    let mut rule = json!({
        "id": finding.id,
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "help": { "text": help(finding) },
        "properties": { "tags": ["security", finding.deadline.class] },
    });
    if let Some((score, _)) = &finding.signals.cvss {
        rule["properties"]["security-severity"] = json!(format!("{score:.1}"));
    }
    if let Some(url) = finding.sources.iter().map(|source| &source.url).find(|url| url.starts_with("https://")) {
        rule["helpUri"] = json!(url);
    }
    rule
}

/// What to do about it.
fn help(finding: &Finding) -> String {
    let mut fixes: Vec<String> = finding
        .carriers
        .iter()
        .map(|carrier| format!("{} {}: {}", carrier.name, carrier.version, fix_in_words(&carrier.fix)))
        .collect();
    fixes.dedup();
    let due = finding.deadline.due.map_or_else(|| "with the next upgrade".to_owned(), super::day);
    let also = match finding.deadline.also.as_str() {
        "" => String::new(),
        also => format!(" Also owed: {also}."),
    };
    format!("Class {}, due {due}. {}.{also}", finding.deadline.class, fixes.join("; "))
}

fn results(report: &Report<'_>, finding: &Finding, rule: usize) -> Vec<Value> {
    // Tables have few classes or many: what is overdue, and the strictest third, is an error; the loosest third a note.
    let classes = report.policy.classes.len().max(1);
    let level = match finding.deadline.rank * 3 / classes {
        _ if finding.is_overdue => "error",
        0 => "error",
        1 => "warning",
        _ => "note",
    };
    let due = distance(finding.deadline.due, report.now);
    let make = |text: String, location: String, fingerprint: String| {
        let mut result = json!({
            "ruleId": finding.id, "ruleIndex": rule, "level": level,
            "message": { "text": text },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": location } } }],
            "partialFingerprints": { "findingPackageAndPlace/v1": fingerprint },
            "properties": { "class": finding.deadline.class, "due": finding.deadline.due, "overdue": finding.is_overdue },
        });
        if let matching::Verdict::Suppressed(suppression) = &finding.verdict {
            result["suppressions"] =
                json!([{ "kind": "external", "justification": format!("{}: {}", suppression.by, suppression.reason) }]);
        }
        result
    };
    if finding.carriers.is_empty() {
        let text = format!("{} ({due})", finding.title);
        return vec![make(text, location_uri(&report.inventory.subject), finding.id.clone())];
    }
    finding
        .carriers
        .iter()
        .map(|carrier| {
            let location = carrier.package.map_or("", |at| report.inventory.packages[at].location.as_str());
            let text = format!(
                "{} {} is affected by {}: {}; class {}, {due}",
                carrier.name,
                carrier.version,
                finding.id,
                fix_in_words(&carrier.fix),
                finding.deadline.class
            );
            let fingerprint = format!("{}/{}/{}/{location}", finding.id, carrier.name, carrier.version);
            make(text, location_uri(location), fingerprint)
        })
        .collect()
}

/// A path as a URI: relative to the target, or of the file system where it is absolute.
fn location_uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let encoded: String = path
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
                (byte as char).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    format!("{scheme}{encoded}")
}
