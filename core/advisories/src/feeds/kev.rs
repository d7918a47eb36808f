//! CISA's Known Exploited Vulnerabilities catalogue (JSON and CSV). Unknown fields are allowed: it has grown some.

use super::text::{begins_with_all, date, summary};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Exploited, Record, Vulnerability};
use serde::Deserialize;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "kev",
    title: "CISA known exploited vulnerabilities",
    addresses: &["https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"],
    stale_after_days: 14,
    by_line: false,
    revision: Revision::Whole(|_| Some("catalogue".to_owned())),
    detect: |document| {
        (begins_with_all(document, &["catalogVersion", "vulnerabilities"]) && !begins_with_all(document, &["$schema"]))
            || begins_with_all(document, &["cveID,vendorProject"])
    },
    read,
};

#[derive(Deserialize)]
struct Catalogue {
    /// How many entries it says it has.
    count: Option<usize>,
    vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    id: String,
    date_added: String,
    #[serde(default)]
    due_date: String,
    #[serde(default)]
    vulnerability_name: String,
    #[serde(default)]
    known_ransomware_campaign_use: String,
    #[serde(default)]
    forensic_triage: Option<serde_json::Value>,
    #[serde(default)]
    cwes: Option<serde_json::Value>,
}

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    if document.bytes.trim_ascii_start().first() != Some(&b'{') {
        return read_csv(document, out);
    }
    let catalogue: Catalogue = match serde_json::from_slice(document.bytes) {
        Ok(catalogue) => catalogue,
        Err(error) => return out.problem(document.name, error),
    };
    let listed = catalogue.vulnerabilities.len();
    if let Some(count) = catalogue.count.filter(|count| *count != listed) {
        out.problem(document.name, format!("it says that it has {count} entries, and has {listed}"));
    }
    for (at, value) in catalogue.vulnerabilities.into_iter().enumerate() {
        let place = format!("{} entry {}", document.name, at + 1);
        match serde_json::from_value::<Entry>(value) {
            Ok(entry) => translate(entry, &place, out),
            Err(error) => out.problem(place, error),
        }
    }
}

fn read_csv(document: &Document<'_>, out: &mut Reading<'_>) {
    for (at, row) in csv::Reader::from_reader(document.bytes).deserialize::<Entry>().enumerate() {
        let place = format!("{} row {}", document.name, at + 2);
        match row {
            Ok(entry) => translate(entry, &place, out),
            Err(error) => out.problem(place, error),
        }
    }
}

fn translate(entry: Entry, place: &str, out: &mut Reading<'_>) {
    let listed = date(&entry.date_added).unwrap_or_else(|| {
        // It is listed all the same; since when is not known, so it was always.
        out.problem(place, format!("`{}` has no date it was added on: `{}`", entry.id, entry.date_added));
        jiff::Timestamp::UNIX_EPOCH
    });
    let triage = entry.forensic_triage.is_some_and(|value| match value {
        serde_json::Value::Bool(flag) => flag,
        serde_json::Value::String(word) => matches!(word.to_ascii_lowercase().as_str(), "yes" | "true" | "required"),
        _ => false,
    });
    let weaknesses = match entry.cwes {
        Some(serde_json::Value::Array(list)) => {
            list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        Some(serde_json::Value::String(list)) => {
            list.split([',', ' ']).filter(|item| item.starts_with("CWE-")).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let exploited = Exploited {
        asserter: "cisa".to_owned(),
        listed,
        due: date(&entry.due_date),
        ransomware: entry.known_ransomware_campaign_use.eq_ignore_ascii_case("known"),
        forensic_triage: triage,
    };
    out.record(Record::Vulnerability(Box::new(Vulnerability {
        id: entry.id.trim().to_ascii_uppercase(),
        summary: summary(&entry.vulnerability_name),
        exploited: vec![exploited],
        weaknesses,
        ..Vulnerability::default()
    })));
}
