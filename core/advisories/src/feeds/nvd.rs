//! NVD's vulnerability data, API and feed form 2.0: CVSS of every source, CWE, rejection, CISA's fields.
//!
//! Its CPE configurations are not read: distributions and languages are matched by their own data.

use super::text::{begins_with_all, date, instant, summary};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Exploited, Record, Severity, Vulnerability};
use serde::Deserialize;
use serde_json::Value;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "nvd",
    title: "NVD: CVSS scores and weaknesses",
    addresses: &["https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-modified.json.gz"],
    stale_after_days: 3,
    by_line: false,
    revision: Revision::ByRecord,
    detect: |document| begins_with_all(document, &["NVD_CVE"]),
    read,
};

#[derive(Deserialize)]
struct Page {
    vulnerabilities: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    cve: Value,
}

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    match serde_json::from_slice::<Page>(document.bytes) {
        Ok(page) => page.vulnerabilities.iter().for_each(|item| translate(&item.cve, document.name, out)),
        Err(error) => out.problem(document.name, error),
    }
}

fn translate(cve: &Value, place: &str, out: &mut Reading<'_>) {
    let Some(id) = cve["id"].as_str() else { return out.problem(place, "a record without id") };
    let time = |key: &str| cve[key].as_str().and_then(instant);
    let descriptions = cve["descriptions"].as_array().into_iter().flatten();
    let english = descriptions.into_iter().find(|text| text["lang"].as_str() == Some("en"));
    let rejected = cve["vulnStatus"].as_str() == Some("Rejected");
    let mut vulnerability = Vulnerability {
        id: id.to_owned(),
        summary: summary(english.and_then(|text| text["value"].as_str()).unwrap_or_default()),
        published: time("published"),
        modified: time("lastModified"),
        rejected: if rejected { time("lastModified").or_else(|| time("published")) } else { None },
        ..Vulnerability::default()
    };
    for metrics in cve["metrics"].as_object().into_iter().flat_map(|metrics| metrics.values()) {
        for metric in metrics.as_array().into_iter().flatten() {
            if let Some(vector) = metric["cvssData"]["vectorString"].as_str() {
                let source = metric["source"].as_str().unwrap_or("nvd").to_owned();
                vulnerability.severities.push(Severity { source, value: vector.to_owned() });
            }
            // The interface also carries CISA's SSVC, under its own spelling of the keys.
            if metric["ssvcData"].is_object() {
                vulnerability.ssvc = Some(super::cve::ssvc(&metric["ssvcData"]));
            }
        }
    }
    for weakness in cve["weaknesses"].as_array().into_iter().flatten() {
        for description in weakness["description"].as_array().into_iter().flatten() {
            vulnerability
                .weaknesses
                .extend(description["value"].as_str().filter(|id| id.starts_with("CWE-")).map(str::to_owned));
        }
    }
    if let Some(listed) = cve["cisaExploitAdd"].as_str().and_then(date) {
        let due = cve["cisaActionDue"].as_str().and_then(date);
        let asserter = "cisa".to_owned();
        vulnerability.exploited.push(Exploited { asserter, listed, due, ransomware: false, forensic_triage: false });
    }
    out.record(Record::Vulnerability(Box::new(vulnerability)));
}
