//! Texts: numbers, days and distances as people read them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use maud::{Markup, html};

/// A number with its thousands apart.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something.
pub(crate) fn count(value: u64, one: &str, many: &str) -> String {
    if value == 1 { format!("1 {one}") } else { format!("{} {many}", number(value)) }
}

/// A part of a whole, in percent; nothing can be said of an empty whole.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_owned(),
        // What is not all is never shown as all, and what is not nothing never as nothing.
        _ if part == whole => "100 %".to_owned(),
        _ if part == 0 => "0 %".to_owned(),
        _ => format!("{:.1} %", (part as f64 / whole as f64 * 100.0).clamp(0.1, 99.9)),
    }
}

/// A day, in UTC.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

/// A day and an hour, in UTC.
pub(crate) fn instant(at: Timestamp) -> Markup {
    let text = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    html! { time datetime=(at) { (text) } }
}

/// A day, with how far it is from now.
pub(crate) fn due(at: Option<Timestamp>, now: Timestamp) -> Markup {
    let Some(at) = at else { return html! { span.faint { "with the next upgrade" } } };
    html! { time datetime=(at) { (day(at)) } " " span.distance { (distance(at, now)) } }
}

/// How far an instant is from now, in words.
pub(crate) fn distance(at: Timestamp, now: Timestamp) -> String {
    let apart = at.duration_since(now);
    let (far, is_past) = (apart.abs(), apart < SignedDuration::ZERO);
    let words = match (far.as_hours() / 24, far.as_hours(), far.as_mins()) {
        (days @ 2.., ..) => format!("{days} days"),
        (_, hours @ 2.., _) => format!("{hours} hours"),
        (_, _, minutes) => format!("{minutes} minutes"),
    };
    if is_past { format!("{words} ago") } else { format!("in {words}") }
}

/// A duration in days, as a figure.
pub(crate) fn days(duration: SignedDuration) -> String {
    format!("{:.1}", duration.as_secs_f64() / 86_400.0)
}

/// A text for one part of an address.
pub(crate) fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => address.push(char::from(byte)),
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address
}

/// A text as people may see it: what would act on a screen, or turn the line around, is shown by its number.
pub(crate) fn plain(text: &str) -> String {
    let is_odd = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        match is_odd(character) {
            true => shown.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
            false => shown.push(character),
        }
        shown
    })
}

/// How much is set aside beside a list, with where to see it; nothing where nothing is.
pub(crate) fn set_aside(count: u64, link: &str) -> Markup {
    html! {
        @if count > 0 { p { a href=(link) { (number(count)) " more set aside" } ", by a decision or because the policy does not cover the asset." } }
    }
}

#[cfg(test)]
mod tests {
    use super::{encoded, number, percent, plain};

    #[test]
    fn what_is_not_all_is_never_shown_as_all() {
        assert_eq!(percent(99_999, 100_000), "99.9 %");
        assert_eq!(percent(1, 100_000), "0.1 %");
        assert_eq!(
            (percent(7, 7), percent(0, 7), percent(0, 0)),
            ("100 %".to_owned(), "0 %".to_owned(), "–".to_owned())
        );
    }

    #[test]
    fn numbers_and_addresses_are_readable_and_whole() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(encoded("a/b c&d?é"), "a%2Fb%20c%26d%3F%C3%A9");
        assert_eq!(plain("a\u{202e}b\u{1b}[31m"), "a\\u{202e}b\\u{1b}[31m");
    }
}
