//! Decimal numbers of any length, compared as text: no version is too large to order.

use std::cmp::Ordering;

/// Orders two runs of ASCII digits by value; an empty run is zero.
pub(crate) fn compare_digits(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (strip_zeros(a), strip_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Says whether a run of digits is zero (or empty).
pub(crate) fn is_zero(digits: &[u8]) -> bool {
    strip_zeros(digits).is_empty()
}

/// Splits leading ASCII digits from the rest.
pub(crate) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Says whether the text is digits only, and at least one.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Orders digits between dots, the shorter list padded with zeros.
pub(crate) fn compare_dotted(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let ((x, rest_a), (y, rest_b)) = (split_digits(a), split_digits(b));
        let order = compare_digits(x, y);
        if order.is_ne() {
            return order;
        }
        a = rest_a.strip_prefix(b".").unwrap_or_default();
        b = rest_b.strip_prefix(b".").unwrap_or_default();
    }
    Ordering::Equal
}

/// Orders lists of numbers, the shorter one padded with zeros.
pub(crate) fn compare_padded<'a>(
    mut a: impl Iterator<Item = &'a str>,
    mut b: impl Iterator<Item = &'a str>,
) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => compare_digits(x.unwrap_or("0").as_bytes(), y.unwrap_or("0").as_bytes()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Orders lists of numbers where the longer one wins.
pub(crate) fn compare_longer_wins<'a>(
    mut a: impl Iterator<Item = &'a str>,
    mut b: impl Iterator<Item = &'a str>,
) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => compare_digits(x.as_bytes(), y.as_bytes()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn strip_zeros(digits: &[u8]) -> &[u8] {
    let start = digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len());
    &digits[start..]
}
