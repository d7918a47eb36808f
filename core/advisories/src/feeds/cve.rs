//! CVE records, JSON 5 (<https://cveproject.github.io/cve-schema/>): CVSS of every container, CWE, CISA's SSVC.

use super::text::{begins_with_all, has_keys, instant, summary};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Exploited, Record, Severity, Ssvc, Vulnerability};
use serde_json::Value;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "cve",
    title: "CVE records with CISA's SSVC decision points",
    addresses: &[],
    stale_after_days: 7,
    by_line: true,
    revision: Revision::ByRecord,
    detect: |document| {
        begins_with_all(document, &["CVE_RECORD"])
            || begins_with_all(document, &["cveMetadata"])
            || has_keys(document, &["cveMetadata", "containers"])
    },
    read,
};

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let records = serde_json::Deserializer::from_slice(document.bytes).into_iter::<Value>();
    for (at, record) in records.enumerate() {
        match record {
            Ok(Value::Array(list)) => list.iter().for_each(|record| translate(record, document.name, out)),
            Ok(record) => translate(&record, document.name, out),
            Err(error) => return out.problem(format!("{} record {}", document.name, at + 1), error),
        }
    }
}

fn translate(record: &Value, place: &str, out: &mut Reading<'_>) {
    let metadata = &record["cveMetadata"];
    let Some(id) = metadata["cveId"].as_str() else { return out.problem(place, "the record has no cveId") };
    let time = |key: &str| metadata[key].as_str().and_then(instant);
    let mut vulnerability = Vulnerability {
        id: id.to_owned(),
        published: time("datePublished"),
        modified: time("dateUpdated"),
        ..Vulnerability::default()
    };
    if metadata["state"].as_str() == Some("REJECTED") {
        vulnerability.rejected = time("dateRejected").or_else(|| time("dateUpdated")).or(vulnerability.published);
        if vulnerability.rejected.is_none() {
            out.problem(format!("{place}: {id}"), "rejected, but without any date");
            vulnerability.rejected = Some(jiff::Timestamp::UNIX_EPOCH);
        }
    }
    let containers = &record["containers"];
    for container in std::iter::once(&containers["cna"]).chain(containers["adp"].as_array().into_iter().flatten()) {
        if !read_container(container, &mut vulnerability) {
            out.problem(format!("{place}: {id}"), "listed as exploited, but without a date that can be read");
        }
    }
    out.record(Record::Vulnerability(Box::new(vulnerability)));
}

/// Takes in a container; `false` if it lists the vulnerability as exploited on a day that cannot be read.
fn read_container(container: &Value, vulnerability: &mut Vulnerability) -> bool {
    let mut is_read = true;
    let source = container["providerMetadata"]["shortName"].as_str().unwrap_or("cve").to_owned();
    if vulnerability.summary.is_empty() {
        let description = container["title"].as_str().filter(|_| source != "CVE" && source != "CISA-ADP");
        let description = description.or_else(|| container["descriptions"][0]["value"].as_str());
        vulnerability.summary = summary(description.unwrap_or_default());
    }
    for metric in container["metrics"].as_array().into_iter().flatten() {
        for key in ["cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"] {
            if let Some(vector) = metric[key]["vectorString"].as_str() {
                vulnerability.severities.push(Severity { source: source.clone(), value: vector.to_owned() });
            }
        }
        match metric["other"]["type"].as_str() {
            Some("ssvc") => vulnerability.ssvc = Some(ssvc(&metric["other"]["content"])),
            Some("kev") => {
                let listed = metric["other"]["content"]["dateAdded"].as_str().and_then(instant);
                is_read &= listed.is_some();
                // It is listed all the same: the earliest day on which it can have been stands in.
                let listed = listed.or(vulnerability.published).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
                vulnerability.exploited.push(exploited(listed));
            }
            _ => {}
        }
    }
    for problem in container["problemTypes"].as_array().into_iter().flatten() {
        for description in problem["descriptions"].as_array().into_iter().flatten() {
            if let Some(weakness) = description["cweId"].as_str() {
                vulnerability.weaknesses.push(weakness.to_owned());
            }
        }
    }
    is_read
}

/// Reads decision points under any spelling of their keys; a value nobody defined (`Rapid`) counts as missing.
pub(super) fn ssvc(content: &Value) -> Ssvc {
    let mut points = Ssvc { exploitation: String::new(), automatable: None, total_impact: None };
    for (key, value) in content["options"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten() {
        let value = value.as_str().unwrap_or_default().to_ascii_lowercase();
        let key: String = key.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        match (key.as_str(), value.as_str()) {
            ("exploitation", _) => points.exploitation = value,
            ("automatable", "yes") => points.automatable = Some(true),
            ("automatable", "no") => points.automatable = Some(false),
            ("technicalimpact", "total") => points.total_impact = Some(true),
            ("technicalimpact", "partial") => points.total_impact = Some(false),
            _ => {}
        }
    }
    points
}

fn exploited(listed: jiff::Timestamp) -> Exploited {
    Exploited { asserter: "cisa".to_owned(), listed, due: None, ransomware: false, forensic_triage: false }
}
