//! NuGet versions: up to four numbers and a SemVer 2 prerelease whose letters have no case.

use crate::error::{Error, invalid};
use crate::numbers::{compare_padded, is_number};
use crate::semver::compare_identifiers;
use std::cmp::Ordering;

/// Orders two NuGet versions.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    let (lower_a, lower_b) = (a.trim().to_ascii_lowercase(), b.trim().to_ascii_lowercase());
    let ((numbers_a, pre_a), (numbers_b, pre_b)) = (split(&lower_a)?, split(&lower_b)?);
    Ok(compare_padded(numbers_a.split('.'), numbers_b.split('.')).then_with(|| match (pre_a, pre_b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(x), Some(y)) => compare_identifiers(x, y),
    }))
}

fn split(version: &str) -> Result<(&str, Option<&str>), Error> {
    let text = version.split('+').next().unwrap_or(version);
    let (numbers, prerelease) = match text.split_once('-') {
        Some((numbers, prerelease)) => (numbers, Some(prerelease)),
        None => (text, None),
    };
    let numbers = numbers.strip_prefix('v').unwrap_or(numbers);
    if !numbers.split('.').all(is_number) {
        return Err(invalid("nuget", version, "its components are not all numbers"));
    }
    if prerelease.is_some_and(|text| text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(invalid("nuget", version, "its prerelease is empty or has white space"));
    }
    Ok((numbers, prerelease))
}
