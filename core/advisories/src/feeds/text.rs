//! Small readings that many feeds share: instants, one-line summaries, first bytes.

use crate::feeds::Document;
use jiff::{Timestamp, civil::Date, civil::DateTime, tz::TimeZone};

/// Reads an RFC 3339 instant, or a date (with or without a time) taken as UTC.
///
/// Some publishers write year 1 where they know no date: nothing before 1980 is one.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let earliest = Timestamp::from_second(315_532_800).ok()?;
    any_instant(text.trim()).filter(|instant| *instant >= earliest)
}

fn any_instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    // `2026-01-30T00:00:00+0000`, without the colon that RFC 3339 wants.
    let (civil, _) = text.split_once('+').unwrap_or((text, ""));
    if let Ok(at) = civil.parse::<DateTime>() {
        return at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    date(text.get(..10)?)
}

/// Reads `2026-11-23` as the start of that day in UTC.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    let date: Date = text.trim().parse().ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The first line of a text without control characters, cut at 160 characters.
pub(crate) fn summary(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let mut short: String = line.chars().filter(|character| !character.is_control()).take(160).collect();
    if line.chars().count() > 160 {
        short.push('…');
    }
    short
}

/// Says whether the first part of a document holds all of these texts.
pub(crate) fn begins_with_all(document: &Document<'_>, wanted: &[&str]) -> bool {
    let head = &document.bytes[..document.bytes.len().min(4096)];
    wanted.iter().all(|text| find(head, text.as_bytes()).is_some())
}

/// Says whether a JSON document's outermost object has all of these keys, in whatever order, as far as its first MiB goes.
pub(crate) fn has_keys(document: &Document<'_>, wanted: &[&str]) -> bool {
    let head = &document.bytes[..document.bytes.len().min(1 << 20)];
    if head.trim_ascii_start().first() != Some(&b'{') {
        return false;
    }
    let mut missing: Vec<&str> = wanted.to_vec();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = head.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let Some(end) = end_of_text(head, at) else { return false };
                // A key of the outermost object is a text at its level, with a colon after it.
                let is_key = depth == 1 && head[end..].trim_ascii_start().first() == Some(&b':');
                missing.retain(|key| !is_key || key.as_bytes() != &head[at + 1..end - 1]);
                if missing.is_empty() {
                    return true;
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// The first text that stands behind a key in a JSON document's first part.
pub(crate) fn text_of(document: &Document<'_>, key: &str) -> Option<String> {
    let head = &document.bytes[..document.bytes.len().min(4096)];
    let key = format!("\"{key}\"");
    let rest =
        head[find(head, key.as_bytes())? + key.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let end = end_of_text(rest, 0).filter(|_| rest.first() == Some(&b'"'))?;
    serde_json::from_slice(&rest[..end]).ok()
}

/// A part of a package URL with its percent signs resolved.
pub(crate) fn decoded(text: &str) -> std::borrow::Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

/// Where the JSON text that begins at `start` is over.
fn end_of_text(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Where `wanted` first stands in `bytes`.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len().max(1)).position(|window| window == wanted)
}

/// The last part of a document's name.
pub(crate) fn file_name<'a>(document: &Document<'a>) -> &'a str {
    document.name.rsplit(['/', '\\']).next().unwrap_or(document.name)
}

/// Says whether a text is a CVE id.
pub(crate) fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else { return false };
    year.len() == 4 && number.len() >= 4 && year.bytes().chain(number.bytes()).all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_wherever_they_stand() {
        let text = format!(
            r#"{{"affected": [{{"id": "no", "x": "{}\"modified\": "}}], "id" : "yes", "modified": "#,
            "y".repeat(9000)
        );
        let has = |wanted: &[&str]| has_keys(&Document { name: "x", bytes: text.as_bytes() }, wanted);
        assert!(has(&["id", "affected"]) && has(&["modified"]));
        assert!(!has(&["x"]) && !has(&["id", "y"]));
        assert!(!has_keys(&Document { name: "x", bytes: b"[\"id\": 1]" }, &["id"]));
        assert!(!has_keys(&Document { name: "x", bytes: b"{\"id" }, &["id"]));
    }
}
