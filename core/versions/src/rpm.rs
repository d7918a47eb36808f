//! RPM versions: `[epoch:]version[-release]`, rpm-version(7), as `rpmvercmp` compares them.

use crate::error::{Error, invalid};
use crate::numbers::{compare_digits, split_digits};
use std::cmp::Ordering;

/// Orders two RPM versions. A missing epoch is zero; a missing release sorts before any release.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    let (a, b) = (split(a)?, split(b)?);
    let order = compare_digits(a.epoch, b.epoch).then_with(|| compare_part(a.version, b.version));
    Ok(order.then_with(|| match (a.release, b.release) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(x), Some(y)) => compare_part(x, y),
    }))
}

/// Says whether a version can be read.
pub(crate) fn check(version: &str) -> Result<(), Error> {
    split(version).map(|_| ())
}

struct Parts<'a> {
    epoch: &'a [u8],
    version: &'a [u8],
    release: Option<&'a [u8]>,
}

fn split(text: &str) -> Result<Parts<'_>, Error> {
    if text.is_empty() {
        return Err(invalid("rpm", text, "it is empty"));
    }
    if text.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
        return Err(invalid("rpm", text, "it has white space or control characters inside"));
    }
    let bytes = text.as_bytes();
    let (digits, rest) = split_digits(bytes);
    let (epoch, rest) = match rest.strip_prefix(b":") {
        Some(rest) => (digits, rest),
        None => (&b"0"[..], bytes),
    };
    let hyphen = rest.iter().rposition(|byte| *byte == b'-');
    let (version, release) = match hyphen {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    Ok(Parts { epoch, version, release })
}

/// Compares one part segment by segment; separators only separate.
fn compare_part<'a>(mut a: &'a [u8], mut b: &'a [u8]) -> Ordering {
    loop {
        (a, b) = (skip_separators(a), skip_separators(b));
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) => {}
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            // A caret sorts after the end of the version, but before anything that goes on otherwise.
            (Some(b'^'), Some(b'^')) => {}
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), Some(_)) => return Ordering::Less,
            (Some(_), Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(_)) => match compare_segment(a, b, x.is_ascii_digit()) {
                Step::Differ(order) => return order,
                Step::Same(rest_a, rest_b) => {
                    (a, b) = (rest_a, rest_b);
                    continue;
                }
            },
        }
        (a, b) = (&a[1..], &b[1..]);
    }
}

enum Step<'a> {
    Differ(Ordering),
    Same(&'a [u8], &'a [u8]),
}

fn compare_segment<'a>(a: &'a [u8], b: &'a [u8], is_number: bool) -> Step<'a> {
    let split = if is_number { split_digits } else { split_letters };
    let ((head_a, rest_a), (head_b, rest_b)) = (split(a), split(b));
    // Segments of different kinds: the number is the later one.
    if head_b.is_empty() {
        return Step::Differ(if is_number { Ordering::Greater } else { Ordering::Less });
    }
    let order = if is_number { compare_digits(head_a, head_b) } else { head_a.cmp(head_b) };
    if order.is_ne() { Step::Differ(order) } else { Step::Same(rest_a, rest_b) }
}

fn split_letters(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(text.len());
    text.split_at(end)
}

fn skip_separators(text: &[u8]) -> &[u8] {
    let separates = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'~' && *byte != b'^';
    let start = text.iter().position(|byte| !separates(byte)).unwrap_or(text.len());
    &text[start..]
}
