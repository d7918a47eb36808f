//! When assets may be changed: windows without freezes, environment by environment; also as a calendar (RFC 5545).

use crate::error::Error;
use jiff::Timestamp;
use policy::Policy;
use policy::promises::ChangeType;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// When the assets of an environment may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Which assets, in words.
    pub assets: String,
    /// From when until when; always, where nothing says otherwise.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// When assets may be changed between two instants, in normal changes.
///
/// # Errors
/// If a window or a freeze of the policy cannot be read.
pub fn openings(policy: &Policy, span: (Timestamp, Timestamp)) -> Result<Vec<Opening>, Error> {
    let environments = policy.promises.windows.iter().flat_map(|window| &window.environment);
    let named: BTreeSet<String> = environments.map(|name| name.to_ascii_lowercase()).collect();
    let mut found = Vec::new();
    for environment in named.iter().map(|name| Some(name.as_str())).chain([None]) {
        let openness = policy.openness(environment, ChangeType::Normal, span);
        let openness =
            openness.ok_or_else(|| Error::Policy { first: "its windows or freezes cannot be read".to_owned() })?;
        let assets = environment.unwrap_or(if named.is_empty() { "every asset" } else { "every other asset" });
        let opening = |span| Opening { assets: assets.to_owned(), span };
        match openness.spans(span) {
            None => found.push(opening(None)),
            Some(spans) => found.extend(spans.into_iter().map(|span| opening(Some(span)))),
        }
    }
    Ok(found)
}

/// The same as a calendar to subscribe to: one event for each time that assets may be changed.
#[must_use]
pub fn as_calendar(policy: &Policy, openings: &[Opening], now: Timestamp) -> String {
    let stamp = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Plimsoll//Maintenance windows//EN\r\n");
    let _ = write!(text, "X-WR-CALNAME:{}\r\n", escaped(&policy.name));
    for (name, (from, until)) in openings.iter().filter_map(|one| Some((&one.assets, one.span?))) {
        // What is open now has begun before: its end tells it from the others, whenever it is asked for.
        let uid = format!("{}-{}@plimsoll", stamp(until), name.replace(' ', "-"));
        let _ = write!(
            text,
            "BEGIN:VEVENT\r\nUID:{}\r\nDTSTAMP:{}\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:Maintenance window: {}\r\nEND:VEVENT\r\n",
            escaped(&uid),
            stamp(now),
            stamp(from),
            stamp(until),
            escaped(name)
        );
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}

/// RFC 5545 section 3.3.11.
fn escaped(text: &str) -> String {
    let line: String = text.chars().filter(|sign| !sign.is_control()).collect();
    line.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,")
}
