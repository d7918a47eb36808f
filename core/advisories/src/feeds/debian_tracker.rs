//! The Debian security tracker's JSON export: package → CVE → release → status.

use super::text::{begins_with_all, summary};
use super::{Document, Feed, Reading, Revision};
use crate::lifecycle::debian_release;
use crate::model::{Advisory, Affected, FixState, Record, Subject};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "debian_tracker",
    title: "Debian security tracker (JSON)",
    addresses: &["https://security-tracker.debian.org/tracker/data/json"],
    stale_after_days: 7,
    by_line: false,
    revision: Revision::Whole(|_| Some("tracker".to_owned())),
    detect: |document| begins_with_all(document, &["\"releases\"", "\"status\"", "\"repositories\""]),
    read,
};

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    description: String,
    #[serde(default)]
    releases: BTreeMap<String, Status>,
}

#[derive(Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    nodsa: Option<String>,
    #[serde(default)]
    nodsa_reason: Option<String>,
}

/// Reads package by package, so that the export's 60 MB never stand in memory as objects.
fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let mut deserializer = serde_json::Deserializer::from_slice(document.bytes);
    let visitor = Packages { place: document.name, out };
    if let Err(error) = deserializer.deserialize_map(visitor) {
        out.problem(document.name, error);
    }
}

struct Packages<'a, 'b> {
    place: &'a str,
    out: &'a mut Reading<'b>,
}

impl<'de> Visitor<'de> for Packages<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object of source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(package) = map.next_key::<String>()? {
            let issues: BTreeMap<String, serde_json::Value> = map.next_value()?;
            for (cve, issue) in issues {
                match Issue::deserialize(issue) {
                    Ok(issue) => translate(&package, &cve, issue, self.place, self.out),
                    Err(error) => self.out.problem(format!("{}: {package} {cve}", self.place), error),
                }
            }
        }
        Ok(())
    }
}

fn translate(package: &str, cve: &str, issue: Issue, place: &str, out: &mut Reading<'_>) {
    let mut affected = Vec::new();
    for (codename, status) in issue.releases {
        let Some(ecosystem) = debian_release(&codename) else {
            out.problem(format!("{place}: {package} {cve}"), format!("unknown release `{codename}`"));
            continue;
        };
        let mut entry = statement(&ecosystem, package, &status);
        // `high**` marks a severity that the tracker took from NVD.
        entry.urgency =
            status.urgency.map(|word| word.trim_end_matches('*').to_owned()).filter(|word| word != "not yet assigned");
        affected.push(entry);
    }
    out.record(Record::Advisory(Box::new(Advisory {
        id: format!("DEBIAN-TRACKER-{cve}-{package}"),
        aliases: vec![cve.to_owned()],
        summary: summary(&issue.description),
        url: Some(format!("https://security-tracker.debian.org/tracker/{cve}")),
        affected,
        ..Advisory::default()
    })));
}

fn statement(ecosystem: &str, package: &str, status: &Status) -> Affected {
    let state = |state| Affected::with_state(ecosystem, package, Subject::Source, state);
    match (status.status.as_str(), status.fixed_version.as_deref()) {
        // Version 0 says that the release's package was never affected.
        ("resolved", Some("0")) => state(FixState::NotAffected),
        ("resolved", Some(version)) => Affected::fixed_in(ecosystem, package, Subject::Source, version),
        ("undetermined", _) => state(FixState::Undetermined),
        ("open", _) if status.urgency.as_deref() == Some("end-of-life") => state(FixState::EndOfLife),
        ("open", _) => match (status.nodsa.is_some(), status.nodsa_reason.as_deref()) {
            (true, Some("ignored")) => state(FixState::WontFix),
            (true, _) => state(FixState::Deferred),
            (false, _) => state(FixState::NotFixedYet),
        },
        _ => state(FixState::Undetermined),
    }
}
