//! RubyGems versions, as `Gem::Version` orders them.

use crate::error::{Error, invalid};
use crate::numbers::{compare_digits, is_zero};
use std::cmp::Ordering;

/// Orders two gem versions: a letter segment makes a prerelease, missing segments are zero.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    let (left, right) = (segments(a)?, segments(b)?);
    for at in 0..left.len().max(right.len()) {
        let x = left.get(at).copied().unwrap_or("0");
        let y = right.get(at).copied().unwrap_or("0");
        let order = match (starts_with_digit(x), starts_with_digit(y)) {
            (true, true) => compare_digits(x.as_bytes(), y.as_bytes()),
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => x.cmp(y),
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

fn segments(version: &str) -> Result<Vec<&str>, Error> {
    let trimmed = version.trim();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    if trimmed.is_empty() || !starts_with_digit(trimmed) || !trimmed.bytes().all(allowed) {
        return Err(invalid("rubygems", version, "it does not start with a number or has other characters"));
    }
    let mut all = Vec::new();
    let mut start = 0;
    let bytes = trimmed.as_bytes();
    for at in 1..=bytes.len() {
        let kind = |at: usize| bytes.get(at).map_or(0, |byte| class(*byte));
        if at == bytes.len() || kind(at) != kind(at - 1) {
            match &trimmed[start..at] {
                text if text.starts_with('-') => all.push("pre"),
                text if text.starts_with('.') => {}
                text => all.push(text),
            }
            start = at;
        }
    }
    Ok(canonical(all))
}

/// Drops zeros at the end of the release and at the end of the prerelease.
fn canonical(all: Vec<&str>) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::with_capacity(all.len());
    let first_word = all.iter().position(|part| !starts_with_digit(part)).unwrap_or(all.len());
    for (at, part) in all.iter().enumerate() {
        if at == first_word {
            drop_zeros(&mut kept);
        }
        kept.push(part);
    }
    drop_zeros(&mut kept);
    kept
}

fn drop_zeros(kept: &mut Vec<&str>) {
    while kept.last().is_some_and(|part| starts_with_digit(part) && is_zero(part.as_bytes())) {
        kept.pop();
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 1,
        b'.' => 2,
        b'-' => 3,
        _ => 4,
    }
}
