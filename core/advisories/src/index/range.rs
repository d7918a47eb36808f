//! Whether a version lies in a range of events (OSV schema, section "Evaluation").

use crate::model::RangeKind;
use std::cmp::Ordering;
use versions::{Error, Scheme};

/// What a range says about a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// The version lies outside.
    Outside,
    /// The version is affected.
    Affected {
        /// The event that let it in.
        introduced: &'a str,
        /// The lowest fixed version after it, if one is named.
        fixed: Option<&'a str>,
    },
    /// No range holds the version, but it is listed as affected.
    Listed,
}

/// Decides for one range of events (0 introduced, 1 fixed, 2 last affected, 3 limit): the latest event at or before the version counts, whatever their order in the record.
///
/// # Errors
/// If the version, or an event that the answer hangs on, cannot be read.
pub fn evaluate<'a>(
    scheme: Scheme,
    kind: RangeKind,
    version: &str,
    events: impl Iterator<Item = (u8, &'a str)> + Clone,
) -> Result<Verdict<'a>, Error> {
    // SEMVER ranges are ordered by SemVer even where the ecosystem has an order of its own; Go's is a superset.
    let scheme = match (kind, scheme) {
        (RangeKind::SemVer, Scheme::Go | Scheme::Npm) | (RangeKind::Ecosystem, _) => scheme,
        _ => Scheme::SemVer,
    };
    if let Some(fixed) = only_fixed(events.clone()) {
        // Most ranges are "all before this one": one comparison decides, and reads both versions.
        return Ok(match compare_event(scheme, version, fixed)? {
            Ordering::Less => Verdict::Affected { introduced: "0", fixed: Some(fixed) },
            _ => Verdict::Outside,
        });
    }
    let mut introduced: Option<&str> = None;
    let mut ended: Option<(&str, bool)> = None;
    let mut fixed: Option<&str> = None;
    let (mut has_limit, mut below_limit) = (false, false);
    for (tag, event) in events {
        let order = compare_event(scheme, version, event)?;
        match tag {
            0 if order.is_ge() => introduced = Some(later(scheme, introduced, event)?),
            1 if order.is_ge() => ended = Some(end(scheme, ended, event, true)?),
            1 => fixed = Some(earlier(scheme, fixed, event)?),
            2 if order.is_gt() => ended = Some(end(scheme, ended, event, false)?),
            3 => {
                has_limit = true;
                below_limit |= order.is_lt();
            }
            _ => {}
        }
    }
    let Some(introduced) = introduced.filter(|_| !has_limit || below_limit) else { return Ok(Verdict::Outside) };
    let is_ended = match ended {
        None => false,
        Some((end, is_fix)) => match compare_event(scheme, end, introduced)? {
            Ordering::Greater => true,
            // Introduced and fixed in one version: nothing was ever affected. Reintroduced after a last one: it is.
            Ordering::Equal => is_fix || introduced == end,
            Ordering::Less => false,
        },
    };
    Ok(if is_ended { Verdict::Outside } else { Verdict::Affected { introduced, fixed } })
}

/// The fixed version of a range that begins before all versions and has no other event.
fn only_fixed<'a>(mut events: impl Iterator<Item = (u8, &'a str)>) -> Option<&'a str> {
    match (events.next(), events.next(), events.next()) {
        (Some((0, "0")), Some((1, fixed)), None) if fixed != "0" => Some(fixed),
        _ => None,
    }
}

/// Compares with an event; `0` stands before all versions.
fn compare_event(scheme: Scheme, version: &str, event: &str) -> Result<Ordering, Error> {
    if event == "0" {
        return scheme.check(version).map(|()| if version == "0" { Ordering::Equal } else { Ordering::Greater });
    }
    if version == "0" {
        return scheme.check(event).map(|()| Ordering::Less);
    }
    scheme.compare(version, event)
}

fn later<'a>(scheme: Scheme, known: Option<&'a str>, event: &'a str) -> Result<&'a str, Error> {
    Ok(match known {
        Some(known) if compare_event(scheme, known, event)?.is_ge() => known,
        _ => event,
    })
}

fn earlier<'a>(scheme: Scheme, known: Option<&'a str>, event: &'a str) -> Result<&'a str, Error> {
    Ok(match known {
        Some(known) if compare_event(scheme, known, event)?.is_le() => known,
        _ => event,
    })
}

fn end<'a>(
    scheme: Scheme,
    known: Option<(&'a str, bool)>,
    event: &'a str,
    is_fix: bool,
) -> Result<(&'a str, bool), Error> {
    Ok(match known {
        Some((known, was_fix)) if compare_event(scheme, known, event)?.is_ge() => (known, was_fix),
        _ => (event, is_fix),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Tag::{Fixed, Introduced, LastAffected, Limit};

    #[derive(Clone, Copy)]
    enum Tag {
        Introduced,
        Fixed,
        LastAffected,
        Limit,
    }

    fn verdict(version: &str, events: &[(Tag, &'static str)]) -> Verdict<'static> {
        let events = events.iter().map(|(tag, event)| (*tag as u8, *event));
        evaluate(Scheme::SemVer, RangeKind::SemVer, version, events).expect("readable")
    }

    #[test]
    fn the_latest_event_before_the_version_decides() {
        let twice = [(Introduced, "0"), (Fixed, "1.2.0"), (Introduced, "2.0.0"), (Fixed, "2.1.0")];
        assert_eq!(verdict("1.1.0", &twice), Verdict::Affected { introduced: "0", fixed: Some("1.2.0") });
        assert_eq!(verdict("1.2.0", &twice), Verdict::Outside);
        assert_eq!(verdict("2.0.5", &twice), Verdict::Affected { introduced: "2.0.0", fixed: Some("2.1.0") });
        assert_eq!(verdict("2.1.0", &twice), Verdict::Outside);
        let last = [(Introduced, "1.0.0"), (LastAffected, "1.5.0")];
        assert_eq!(verdict("1.5.0", &last), Verdict::Affected { introduced: "1.0.0", fixed: None });
        assert_eq!(verdict("1.5.1", &last), Verdict::Outside);
        assert_eq!(verdict("0.9.0", &last), Verdict::Outside);
        assert_eq!(verdict("3.0.0", &[(Introduced, "0"), (Limit, "2.0.0")]), Verdict::Outside);
    }

    #[test]
    fn an_unreadable_version_is_no_answer() {
        assert!(evaluate(Scheme::SemVer, RangeKind::SemVer, "main", [(0, "0")].into_iter()).is_err());
    }
}
