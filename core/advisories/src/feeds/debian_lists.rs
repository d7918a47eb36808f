//! Debian security tracker source lists: `data/DSA/list`, `data/DLA/list` and `data/CVE/list`.
//!
//! Syntax: <https://security-team.debian.org/security_tracker.html>.

use super::text::{begins_with_all, is_cve, summary};
use super::{Document, Feed, Reading, Revision};
use crate::lifecycle::debian_release;
use crate::model::{Advisory, Affected, FixState, Record, Subject, Vulnerability};
use jiff::Timestamp;

/// The feed's entry in the list.
pub(super) const FEED: Feed = Feed {
    id: "debian_lists",
    title: "Debian security advisories (DSA, DLA) and CVE list",
    addresses: &[
        "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DSA/list",
        "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DLA/list",
        "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/CVE/list",
    ],
    stale_after_days: 7,
    by_line: false,
    revision: Revision::Whole(whole),
    detect: |document| is_advisory_list(document) || is_cve_list(document),
    read: |document, out| {
        let text = String::from_utf8_lossy(document.bytes);
        if is_cve_list(document) {
            read_cves(document.name, &text, out)
        } else {
            read_advisories(document.name, &text, out)
        }
    },
};

fn is_advisory_list(document: &Document<'_>) -> bool {
    document.bytes.starts_with(b"[")
        && (begins_with_all(document, &["] DSA-"]) || begins_with_all(document, &["] DLA-"]))
        || (document.bytes.starts_with(b"[") && begins_with_all(document, &["] DTSA-"]))
}

/// The CVE list is a catalogue. Lists of advisories are cut by time as a rule, and what an advisory says does not change.
fn whole(document: &Document<'_>) -> Option<String> {
    is_cve_list(document).then(|| "CVE".to_owned())
}

fn is_cve_list(document: &Document<'_>) -> bool {
    document.bytes.starts_with(b"CVE-") && begins_with_all(document, &["\n\t"])
}

/// Cuts a list into its entries: a headline and the indented lines below it, with the headline's line number.
fn entries(text: &str) -> impl Iterator<Item = (usize, &str, Vec<&str>)> {
    let mut lines = text.lines().enumerate().peekable();
    std::iter::from_fn(move || {
        let (at, head) = lines.by_ref().find(|(_, line)| !line.trim().is_empty())?;
        let mut body = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with(['\t', ' '])) {
            body.push(line.trim());
        }
        Some((at + 1, head, body))
    })
}

fn read_advisories(name: &str, text: &str, out: &mut Reading<'_>) {
    for (line, head, body) in entries(text) {
        let place = format!("{name} line {line}");
        let parsed = head.strip_prefix('[').and_then(|rest| rest.split_once("] "));
        let Some((date, title)) = parsed else {
            out.problem(place, format!("not the head of an advisory: `{}`", summary(head)));
            continue;
        };
        let (id, title) = title.split_once(' ').unwrap_or((title, ""));
        let published = advisory_date(date);
        if published.is_none() {
            out.problem(place.clone(), format!("`{id}` has the unreadable date `{date}`"));
        }
        let mut advisory = Advisory {
            id: id.to_owned(),
            summary: summary(title),
            published,
            url: Some(format!("https://security-tracker.debian.org/tracker/{id}")),
            ..Advisory::default()
        };
        for item in body {
            if let Some(ids) = item.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                advisory.resolves.extend(ids.split_whitespace().map(str::to_owned));
            } else if item.starts_with('[') {
                match package_line(item) {
                    Some(affected) => advisory.affected.push(affected),
                    None => out.problem(place.clone(), format!("`{id}`: unreadable line `{item}`")),
                }
            }
        }
        out.record(Record::Advisory(Box::new(advisory)));
    }
}

/// `12 Feb 2025`.
fn advisory_date(text: &str) -> Option<Timestamp> {
    const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut words = text.split_whitespace();
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = month.get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    super::text::date(&format!("{year:0>4}-{month:02}-{day:0>2}"))
}

/// `[bookworm] - src 1.2-3+deb12u1 (remark)`, `- src <unfixed> (bug #1; low)`.
fn package_line(line: &str) -> Option<Affected> {
    let (ecosystem, rest) = match line.strip_prefix('[') {
        Some(rest) => {
            let (codename, rest) = rest.split_once(']')?;
            (debian_release(codename)?, rest.trim())
        }
        None => ("Debian".to_owned(), line),
    };
    let rest = rest.strip_prefix('-')?.trim();
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (status, remark) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    let state = |state| Affected::with_state(&ecosystem, name, Subject::Source, state);
    let mut affected = match status {
        "<not-affected>" | "<removed>" if status == "<not-affected>" => state(FixState::NotAffected),
        "<unfixed>" => state(FixState::NotFixedYet),
        "<no-dsa>" | "<postponed>" => state(FixState::Deferred),
        "<ignored>" => state(FixState::WontFix),
        "<end-of-life>" => state(FixState::EndOfLife),
        "<undetermined>" => state(FixState::Undetermined),
        // Gone from unstable: older releases may still carry it, and no version fixes it there.
        "<removed>" => state(FixState::NotFixedYet),
        // An intent to package: Debian has no such package yet.
        "<itp>" => return None,
        "" => return None,
        version if version.starts_with('<') => return None,
        version => Affected::fixed_in(&ecosystem, name, Subject::Source, version),
    };
    let remark = remark.trim_start_matches('(').trim_end_matches(')');
    affected.urgency = remark.split([';', ',']).map(str::trim).find(|word| URGENCIES.contains(word)).map(str::to_owned);
    Some(affected)
}

const URGENCIES: &[&str] = &["unimportant", "low", "medium", "high"];

fn read_cves(name: &str, text: &str, out: &mut Reading<'_>) {
    for (line, head, body) in entries(text) {
        let (id, description) = head.split_once(' ').unwrap_or((head, ""));
        if !is_cve(id) && !id.starts_with("CVE-") && !id.starts_with("TEMP-") {
            out.problem(format!("{name} line {line}"), format!("not the head of a CVE entry: `{}`", summary(head)));
            continue;
        }
        if body.contains(&"REJECTED") {
            let vulnerability =
                Vulnerability { id: id.to_owned(), rejected: Some(Timestamp::UNIX_EPOCH), ..Vulnerability::default() };
            out.record(Record::Vulnerability(Box::new(vulnerability)));
            continue;
        }
        let mut affected = Vec::new();
        for item in body.iter().filter(|item| item.starts_with('[') || item.starts_with("- ")) {
            match package_line(item) {
                Some(entry) => affected.push(entry),
                None if item.contains("<itp>") || item.starts_with("[experimental]") => {}
                None => out.problem(format!("{name} line {line}"), format!("`{id}`: unreadable line `{item}`")),
            }
        }
        if affected.is_empty() {
            continue;
        }
        out.record(Record::Advisory(Box::new(Advisory {
            id: format!("DEBIAN-{id}"),
            aliases: vec![id.to_owned()],
            summary: summary(description.trim_start_matches(['(', '[']).trim_end_matches([')', ']'])),
            url: Some(format!("https://security-tracker.debian.org/tracker/{id}")),
            affected,
            ..Advisory::default()
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_lines_read_as_the_tracker_writes_them() {
        let line = package_line("[bookworm] - curl <no-dsa> (Minor issue; low)").expect("readable");
        assert_eq!(
            (line.ecosystem.as_str(), line.name.as_str(), line.state),
            ("Debian:12", "curl", FixState::Deferred)
        );
        assert_eq!(line.urgency.as_deref(), Some("low"));
        let line = package_line("- curl 8.1-1 (bug #1234; unimportant)").expect("readable");
        assert_eq!((line.ecosystem.as_str(), line.urgency.as_deref()), ("Debian", Some("unimportant")));
        assert!(package_line("[nonsense] - curl 1").is_none());
    }
}
