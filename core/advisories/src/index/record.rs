//! Records as the index holds them: advisories, statements, vulnerabilities.

use super::ALL_BEFORE;
use super::build::Names;
use super::encode::{put_instant, put_number, put_score, put_text};
use super::range::{Verdict, evaluate};
use crate::ecosystem::Family;
use crate::model::{Advisory, Affected, Event, FixState, Range, RangeKind, Vulnerability};
use crate::severity;

/// An advisory, without its id, feed and vulnerabilities.
pub(super) fn encode_advisory(out: &mut Vec<u8>, dictionary: &mut Names, advisory: &Advisory) {
    put_instant(out, advisory.published);
    put_instant(out, advisory.modified);
    put_instant(out, advisory.withdrawn);
    put_text(out, &advisory.summary);
    // Most addresses of a publisher begin alike and end in the advisory's id.
    let url = advisory.url.as_deref().unwrap_or_default();
    let (head, tail) = url.split_at(url.rfind('/').map_or(0, |at| at + 1));
    put_number(out, u64::from(dictionary.number(head)));
    put_text(out, tail);
    put_number(out, advisory.severities.len() as u64);
    for severity in &advisory.severities {
        put_number(out, u64::from(dictionary.number(&severity.value)));
    }
}

/// A statement about a package, without its advisory.
pub(super) fn encode_statement(entry: &Affected) -> Vec<u8> {
    let mut out = Vec::new();
    let flag = |set: bool, bit: u8| if set { 1 << bit } else { 0 };
    out.push(
        entry.state as u8
            | (entry.subject as u8) << 3
            | flag(entry.module.is_some(), 5)
            | flag(!entry.architectures.is_empty(), 6)
            | flag(entry.urgency.is_some(), 7),
    );
    if let Some(module) = &entry.module {
        put_text(&mut out, module);
    }
    if !entry.architectures.is_empty() {
        put_number(&mut out, entry.architectures.len() as u64);
        entry.architectures.iter().for_each(|name| put_text(&mut out, name));
    }
    if let Some(urgency) = &entry.urgency {
        put_text(&mut out, urgency);
    }
    let ranges: Vec<&Range> = entry.ranges.iter().filter(|range| range.kind != RangeKind::Git).collect();
    put_number(&mut out, ranges.len() as u64);
    for range in &ranges {
        if let [Event::Introduced(start), Event::Fixed(fixed)] = range.events.as_slice()
            && start == "0"
        {
            // Most ranges are "all before this one".
            out.push(range.kind as u8 | ALL_BEFORE);
            put_text(&mut out, fixed);
            continue;
        }
        out.push(range.kind as u8);
        put_number(&mut out, range.events.len() as u64);
        for event in &range.events {
            let (tag, version) = tagged(event);
            out.push(tag);
            put_text(&mut out, version);
        }
    }
    let versions: Vec<&String> = entry.versions.iter().filter(|version| !is_covered(entry, version)).collect();
    put_number(&mut out, versions.len() as u64);
    versions.iter().for_each(|version| put_text(&mut out, version));
    out
}

fn tagged(event: &Event) -> (u8, &str) {
    match event {
        Event::Introduced(version) => (0, version),
        Event::Fixed(version) => (1, version),
        Event::LastAffected(version) => (2, version),
        Event::Limit(version) => (3, version),
    }
}

/// A listed version that a range already holds need not be stored again.
fn is_covered(entry: &Affected, version: &str) -> bool {
    if entry.state != FixState::ByRange {
        return false;
    }
    let Some(family) = Family::of(&entry.ecosystem) else { return false };
    entry.ranges.iter().any(|range| {
        let verdict = evaluate(family.scheme, range.kind, version, range.events.iter().map(tagged));
        matches!(verdict, Ok(Verdict::Affected { .. }))
    })
}

/// A vulnerability with all that the feeds say about it.
pub(super) fn encode_vulnerability(
    out: &mut Vec<u8>,
    id: &str,
    aliases: &[&str],
    (epss, rest): (Option<(f32, f32)>, Option<Vulnerability>),
) {
    put_text(out, id);
    put_number(out, aliases.len() as u64);
    aliases.iter().for_each(|alias| put_text(out, alias));
    // Published to five decimals; stored as such, with one added so that zero is "none".
    let scaled = |value: f32| (f64::from(value) * 1e5).round() as u64;
    put_number(out, epss.map_or(0, |(score, _)| scaled(score) + 1));
    put_number(out, epss.map_or(0, |(_, percentile)| scaled(percentile)));
    let Some(mut rest) = rest else {
        out.push(0);
        return;
    };
    out.push(1);
    put_text(out, &rest.summary);
    put_instant(out, rest.published);
    put_instant(out, rest.rejected);
    // The vector that decides comes first.
    let decisive = severity::decisive(&rest.severities).map(|(_, severity)| severity.clone());
    rest.severities
        .sort_by(|a, b| (Some(a) != decisive.as_ref(), &a.value).cmp(&(Some(b) != decisive.as_ref(), &b.value)));
    rest.severities.dedup_by(|a, b| a.value == b.value);
    put_number(out, rest.severities.len() as u64);
    for severity in &rest.severities {
        put_text(out, &severity.value);
        put_score(out, severity::score(&severity.value));
    }
    rest.weaknesses.sort();
    rest.weaknesses.dedup();
    put_number(out, rest.weaknesses.len() as u64);
    rest.weaknesses.iter().for_each(|weakness| put_text(out, weakness));
    let tri = |value: Option<bool>| match value {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    };
    out.push(u8::from(rest.ssvc.is_some()));
    if let Some(ssvc) = &rest.ssvc {
        put_text(out, &ssvc.exploitation);
        out.push(tri(ssvc.automatable));
        out.push(tri(ssvc.total_impact));
    }
    rest.exploited.sort_by(|a, b| a.asserter.cmp(&b.asserter));
    put_number(out, rest.exploited.len() as u64);
    for entry in &rest.exploited {
        put_text(out, &entry.asserter);
        put_instant(out, Some(entry.listed));
        put_instant(out, entry.due);
        out.push(u8::from(entry.ransomware) | u8::from(entry.forensic_triage) << 1);
    }
}
