//! Composer versions, ordered as PHP's `version_compare` does.

use crate::error::{Error, invalid};
use crate::numbers::compare_digits;
use std::cmp::Ordering;

/// Orders two Composer versions.
///
/// PHP's placeholder `#`, which equals any number at once, is refused: no order can hold it.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    let (lower_a, lower_b) = (a.trim().to_lowercase(), b.trim().to_lowercase());
    for (lower, version) in [(&lower_a, a), (&lower_b, b)] {
        if lower.is_empty() || lower.contains('#') || lower.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid("packagist", version, "it is empty or has `#` or white space inside"));
        }
    }
    let (left, right) = (parts(&lower_a), parts(&lower_b));
    for at in 0..left.len().max(right.len()) {
        let (x, y) = (left.get(at).copied(), right.get(at).copied());
        let order = rank(x).cmp(&rank(y)).then_with(|| compare_same_rank(x, y));
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

/// Cuts at separators and between digits and others.
fn parts(version: &str) -> Vec<&str> {
    let text = version.strip_prefix('v').unwrap_or(version);
    let mut all = Vec::new();
    for piece in text.split(['.', '-', '_', '+']) {
        let mut start = 0;
        let bytes = piece.as_bytes();
        for at in 1..bytes.len() {
            if bytes[at].is_ascii_digit() != bytes[at - 1].is_ascii_digit() && piece.is_char_boundary(at) {
                all.push(&piece[start..at]);
                start = at;
            }
        }
        if start < piece.len() {
            all.push(&piece[start..]);
        }
    }
    all
}

/// unknown < dev < alpha < beta < rc < end < number < patch level; PHP looks at how a word begins (`post` is `p`).
fn rank(part: Option<&str>) -> u8 {
    match part {
        None => 5,
        Some(part) if part.as_bytes().first().is_some_and(u8::is_ascii_digit) => 6,
        Some(word) if word.starts_with("dev") => 1,
        Some(word) if word.starts_with('a') => 2,
        Some(word) if word.starts_with('b') => 3,
        Some(word) if word.starts_with("rc") => 4,
        Some(word) if word.starts_with('p') => 7,
        Some(_) => 0,
    }
}

fn compare_same_rank(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b, rank(a)) {
        (Some(x), Some(y), 6) => compare_digits(x.as_bytes(), y.as_bytes()),
        (Some(x), Some(y), 0) => x.cmp(y),
        _ => Ordering::Equal,
    }
}
