//! Python versions: PEP 440, and setuptools' older order for texts that PEP 440 does not know.
//!
//! All legacy versions sort before all PEP 440 versions, as `packaging` had it while it read both.

use crate::error::{Error, invalid};
use crate::numbers::{compare_digits, compare_padded, is_number, split_digits};
use std::cmp::Ordering;

/// Orders two Python versions.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    let (a, b) = (a.trim(), b.trim());
    for version in [a, b] {
        if version.is_empty() || version.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
            return Err(invalid("pep440", version, "it is empty or has white space inside"));
        }
    }
    let (lower_a, lower_b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    Ok(match (parse(&lower_a), parse(&lower_b)) {
        (Some(x), Some(y)) => x.compare(&y),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => legacy_key(&lower_a).cmp(&legacy_key(&lower_b)),
    })
}

/// A prerelease: its kind (0 alpha, 1 beta, 2 candidate) and number.
type Numbered<'a> = (u8, &'a str);

struct Version<'a> {
    epoch: &'a str,
    release: &'a str,
    pre: Option<Numbered<'a>>,
    post: Option<&'a str>,
    dev: Option<&'a str>,
    local: Option<&'a str>,
}

impl Version<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        compare_digits(self.epoch.as_bytes(), other.epoch.as_bytes())
            .then_with(|| compare_padded(self.release.split('.'), other.release.split('.')))
            .then_with(|| compare_numbered(self.pre_key(), other.pre_key()))
            .then_with(|| compare_optional(self.post, other.post, Ordering::Less))
            .then_with(|| compare_optional(self.dev, other.dev, Ordering::Greater))
            .then_with(|| compare_local(self.local, other.local))
    }

    /// `1.0.dev1` sorts before `1.0a1`; `1.0` and `1.0.post1` after `1.0rc1`.
    fn pre_key(&self) -> (u8, &str) {
        match self.pre {
            Some((kind, number)) => (kind + 1, number),
            None if self.post.is_none() && self.dev.is_some() => (0, "0"),
            None => (9, "0"),
        }
    }
}

fn compare_numbered(a: (u8, &str), b: (u8, &str)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| compare_digits(a.1.as_bytes(), b.1.as_bytes()))
}

/// `missing` says how "not there" compares with "there".
fn compare_optional(a: Option<&str>, b: Option<&str>, missing: Ordering) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => missing,
        (Some(_), None) => missing.reverse(),
        (Some(x), Some(y)) => compare_digits(x.as_bytes(), y.as_bytes()),
    }
}

fn compare_local(a: Option<&str>, b: Option<&str>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else { return a.is_some().cmp(&b.is_some()) };
    let (mut left, mut right) = (a.split(['.', '-', '_']), b.split(['.', '-', '_']));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (is_number(x), is_number(y)) {
                (true, true) => compare_digits(x.as_bytes(), y.as_bytes()),
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => x.cmp(y),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Reads a lower-case version; `None` where PEP 440 (appendix B) does not match.
fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, local) = match text.split_once('+') {
        Some((text, local)) => (text, Some(local)),
        None => (text, None),
    };
    if local.is_some_and(|local| !is_local(local)) {
        return None;
    }
    let (epoch, text) = text.split_once('!').unwrap_or(("0", text));
    let mut rest = text;
    let release = take_release(&mut rest)?;
    let pre = take_word(
        &mut rest,
        &[("alpha", 0), ("a", 0), ("beta", 1), ("b", 1), ("preview", 2), ("pre", 2), ("rc", 2), ("c", 2)],
    );
    let post = take_post(&mut rest);
    let dev = take_word(&mut rest, &[("dev", 0)]).map(|(_, number)| number);
    (is_number(epoch) && rest.is_empty()).then_some(Version { epoch, release, pre, post, dev, local })
}

fn is_local(local: &str) -> bool {
    local.split(['.', '-', '_']).all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn take_release<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let bytes = rest.as_bytes();
    let mut end = split_digits(bytes).0.len();
    if end == 0 {
        return None;
    }
    while bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + split_digits(&bytes[end + 1..]).0.len();
    }
    let (release, tail) = rest.split_at(end);
    *rest = tail;
    Some(release)
}

/// Takes `[.-_]?word[.-_]?number?`.
fn take_word<'a>(rest: &mut &'a str, words: &[(&str, u8)]) -> Option<Numbered<'a>> {
    let text = rest.strip_prefix(['.', '-', '_']).unwrap_or(rest);
    let (tail, kind) = words.iter().find_map(|(word, kind)| Some((text.strip_prefix(word)?, *kind)))?;
    let after = tail.strip_prefix(['.', '-', '_']).unwrap_or(tail);
    let (digits, _) = split_digits(after.as_bytes());
    if digits.is_empty() {
        *rest = tail;
        return Some((kind, "0"));
    }
    let (number, tail) = after.split_at(digits.len());
    *rest = tail;
    Some((kind, number))
}

/// Takes `.post1`, `-r1`, `rev1` and the bare `-1`.
fn take_post<'a>(rest: &mut &'a str) -> Option<&'a str> {
    if let Some((_, number)) = take_word(rest, &[("post", 0), ("rev", 0), ("r", 0)]) {
        return Some(number);
    }
    let tail = rest.strip_prefix('-')?;
    let digits = split_digits(tail.as_bytes()).0.len();
    if digits == 0 {
        return None;
    }
    let (number, tail) = tail.split_at(digits);
    *rest = tail;
    Some(number)
}

/// setuptools' key: numbers padded, words starred, `final` marks where prereleases end.
fn legacy_key(version: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in legacy_parts(version).into_iter().chain(["*final".to_owned()]) {
        if part.starts_with('*') {
            if part.as_str() < "*final" {
                while parts.last().is_some_and(|last| last == "*final-") {
                    parts.pop();
                }
            }
            while parts.last().is_some_and(|last| last == "00000000") {
                parts.pop();
            }
        }
        parts.push(part);
    }
    parts
}

fn legacy_parts(version: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let same_kind = |character: char| match first {
            '0'..='9' => character.is_ascii_digit(),
            'a'..='z' => character.is_ascii_lowercase(),
            '.' | '-' => false,
            _ => !character.is_ascii_alphanumeric() && character != '.' && character != '-',
        };
        let end =
            rest.char_indices().skip(1).find(|(_, character)| !same_kind(*character)).map_or(rest.len(), |(at, _)| at);
        let (part, tail) = rest.split_at(end);
        rest = tail;
        match part {
            "." => {}
            "pre" | "preview" | "rc" => parts.push("*c".to_owned()),
            "-" => parts.push("*final-".to_owned()),
            "dev" => parts.push("*@".to_owned()),
            part if first.is_ascii_digit() => parts.push(format!("{part:0>8}")),
            part => parts.push(format!("*{part}")),
        }
    }
    parts
}
