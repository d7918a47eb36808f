//! R package versions: numbers between dots and hyphens, the longer one later.

use crate::error::{Error, invalid};
use crate::numbers::{compare_longer_wins, is_number};
use std::cmp::Ordering;

/// Orders two R package versions.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    for version in [a, b] {
        if !version.split(['.', '-']).all(is_number) {
            return Err(invalid("cran", version, "its components are not all numbers"));
        }
    }
    Ok(compare_longer_wins(a.split(['.', '-']), b.split(['.', '-'])))
}
