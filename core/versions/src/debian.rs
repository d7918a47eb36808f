//! Debian versions: `[epoch:]upstream[-revision]`, Debian Policy section 5.6.12, as dpkg compares them.

use crate::error::{Error, invalid};
use crate::numbers::{compare_digits, split_digits};
use std::cmp::Ordering;

/// Orders two Debian versions.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    let (a, b) = (split(a)?, split(b)?);
    Ok(compare_digits(a.epoch.as_bytes(), b.epoch.as_bytes())
        .then_with(|| compare_part(a.upstream.as_bytes(), b.upstream.as_bytes()))
        .then_with(|| compare_part(a.revision.as_bytes(), b.revision.as_bytes())))
}

/// Says whether a version can be read.
pub(crate) fn check(version: &str) -> Result<(), Error> {
    split(version).map(|_| ())
}

struct Parts<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

fn split(version: &str) -> Result<Parts<'_>, Error> {
    let fail = |reason| Err(invalid("debian", version, reason));
    let trimmed = version.trim_ascii();
    // One pass finds what separates the parts, and what must not be there.
    let (mut colon, mut hyphen, mut is_odd) = (None, None, false);
    for (at, byte) in trimmed.bytes().enumerate() {
        match byte {
            b':' if colon.is_none() => (colon, hyphen) = (Some(at), None),
            b'-' => hyphen = Some(at),
            0..=b' ' | 0x7f => is_odd = true,
            _ => {}
        }
    }
    let start = colon.map_or(0, |at| at + 1);
    let (epoch, rest) = match colon {
        Some(at) => (&trimmed[..at], &trimmed[at + 1..]),
        None => ("0", trimmed),
    };
    if epoch.is_empty() || !epoch.bytes().all(|byte| byte.is_ascii_digit()) {
        return fail("the epoch is not a number");
    }
    if epoch.len() > 1 && epoch.parse::<i32>().is_err() {
        return fail("the epoch is too large");
    }
    let (upstream, revision) = match hyphen.map(|at| at - start) {
        Some(at) if at + 1 == rest.len() => return fail("the revision after the hyphen is empty"),
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, ""),
    };
    if upstream.is_empty() {
        return fail("the upstream version is empty");
    }
    if is_odd {
        return fail("it has white space or control characters inside");
    }
    Ok(Parts { epoch, upstream, revision })
}

/// Compares as dpkg does: runs of non-digits and runs of digits in turn.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        while starts_with_text(a) || starts_with_text(b) {
            let order = weight(a).cmp(&weight(b));
            if order.is_ne() {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let ((digits_a, rest_a), (digits_b, rest_b)) = (split_digits(a), split_digits(b));
        let order = compare_digits(digits_a, digits_b);
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn starts_with_text(part: &[u8]) -> bool {
    part.first().is_some_and(|byte| !byte.is_ascii_digit())
}

/// The tilde sorts before everything, even the end; letters before other characters.
fn weight(part: &[u8]) -> i32 {
    match part.first() {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}
