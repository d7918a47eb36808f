//! Lists of the package debian-security-support: sources whose support ended early or is limited.

use super::text::{date, file_name};
use super::{Document, Feed, Reading, Revision};
use crate::model::{Record, SupportNote};

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "debian_support",
    title: "Debian packages with limited or ended security support",
    addresses: &[],
    stale_after_days: 365,
    by_line: false,
    revision: Revision::Whole(|document| Some(file_name(document).to_owned())),
    detect: |document| file_name(document).starts_with("security-support-"),
    read,
};

fn read(document: &Document<'_>, out: &mut Reading<'_>) {
    let name = file_name(document);
    let release = name
        .strip_prefix("security-support-ended.deb")
        .map(|rest| rest.trim_end_matches(|c: char| !c.is_ascii_digit()));
    let ecosystem = release.map_or_else(|| "Debian".to_owned(), |number| format!("Debian:{number}"));
    for (at, line) in String::from_utf8_lossy(document.bytes).lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (package, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let note = if release.is_some() {
            ended(&ecosystem, package, rest.trim())
        } else {
            Some(SupportNote {
                ecosystem: ecosystem.clone(),
                package: package.to_owned(),
                ended: None,
                last_version: None,
                reason: rest.trim().to_owned(),
            })
        };
        match note {
            Some(note) => out.record(Record::SupportNote(note)),
            None => out.problem(format!("{} line {}", document.name, at + 1), "no version and date"),
        }
    }
}

/// `package  last-version  date  reason`.
fn ended(ecosystem: &str, package: &str, rest: &str) -> Option<SupportNote> {
    let (version, rest) = rest.split_once(char::is_whitespace)?;
    let rest = rest.trim();
    let (day, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some(SupportNote {
        ecosystem: ecosystem.to_owned(),
        package: package.to_owned(),
        ended: Some(date(day)?),
        last_version: Some(version.to_owned()),
        reason: reason.trim().to_owned(),
    })
}
