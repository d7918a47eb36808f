//! Semantic Versioning 2.0.0 (section 11) and its dialects: npm, Go and pub.

use crate::error::{Error, invalid};
use crate::numbers::{compare_digits, compare_dotted, is_number};
use std::cmp::Ordering;

/// Orders two semantic versions; build metadata takes no part.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    Ok(parse("semver", a)?.compare(&parse("semver", b)?))
}

/// npm's dialect: `=` and `v` may stand before the version.
pub(crate) fn compare_npm(a: &str, b: &str) -> Result<Ordering, Error> {
    Ok(parse("npm", without_equals(a))?.compare(&parse("npm", without_equals(b))?))
}

/// Says whether a version of npm's dialect can be read.
pub(crate) fn check_npm(version: &str) -> Result<(), Error> {
    parse("npm", without_equals(version)).map(|_| ())
}

fn without_equals(version: &str) -> &str {
    version.trim_ascii().trim_start_matches('=').trim_ascii_start()
}

/// Go's dialect: module versions, and toolchain versions such as `go1.22rc1`.
pub(crate) fn compare_go(a: &str, b: &str) -> Result<Ordering, Error> {
    let (x, y) = (toolchain(a), toolchain(b));
    let (x, y) = (x.as_deref().unwrap_or(a), y.as_deref().unwrap_or(b));
    Ok(parse("go", x)?.compare(&parse("go", y)?))
}

/// pub's dialect: build metadata is ordered too, and none comes first.
pub(crate) fn compare_pub(a: &str, b: &str) -> Result<Ordering, Error> {
    let (a, b) = (parse("pub", a)?, parse("pub", b)?);
    Ok(a.compare(&b).then_with(|| match (a.build, b.build) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(x), Some(y)) => compare_identifiers(x, y),
    }))
}

struct Parts<'a> {
    numbers: &'a str,
    prerelease: Option<&'a str>,
    build: Option<&'a str>,
}

impl Parts<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        compare_dotted(self.numbers.as_bytes(), other.numbers.as_bytes()).then_with(|| {
            match (self.prerelease, other.prerelease) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(x), Some(y)) => compare_identifiers(x, y),
            }
        })
    }
}

fn parse<'a>(scheme: &'static str, version: &'a str) -> Result<Parts<'a>, Error> {
    let text = version.trim_ascii();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    // Most versions are numbers between dots: one pass over the bytes reads those.
    let end = text.bytes().position(|byte| !byte.is_ascii_digit() && byte != b'.').unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let (rest, build) = split_optional(rest, b'+');
    let prerelease = rest.strip_prefix('-');
    let has_gap = numbers.is_empty() || numbers.starts_with('.') || numbers.ends_with('.') || numbers.contains("..");
    if has_gap || (prerelease.is_none() && !rest.is_empty()) {
        return Err(invalid(scheme, version, "its components are not all numbers"));
    }
    let allowed = |byte: u8| byte.is_ascii_graphic();
    if !prerelease.unwrap_or_default().bytes().chain(build.unwrap_or_default().bytes()).all(allowed) {
        return Err(invalid(scheme, version, "it has characters that no version may have"));
    }
    Ok(Parts { numbers, prerelease, build })
}

fn split_optional(text: &str, separator: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Dot-separated identifiers: numbers before words, fewer before more.
pub(crate) fn compare_identifiers(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match (is_number(x), is_number(y)) {
                (true, true) => compare_digits(x.as_bytes(), y.as_bytes()),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => x.cmp(y),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Rewrites `go1.22rc1` as `1.22-rc.1`, and `1.22rc1` too; the vulnerability database writes `1.22.0-rc.1`.
fn toolchain(version: &str) -> Option<String> {
    let text = version.trim();
    let text = text.strip_prefix("go").unwrap_or(text);
    // `go version` adds the builder's remarks after a space: `go1.22.1 X:nocoverageredesign`.
    let text = text.split(' ').next().unwrap_or(text);
    for word in ["rc", "beta"] {
        if let Some((head, tail)) = text.split_once(word)
            && head.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && is_number(tail)
        {
            return Some(format!("{head}-{word}.{tail}"));
        }
    }
    (text.len() != version.len()).then(|| text.to_owned())
}
