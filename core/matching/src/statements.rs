//! What the statements about one name and version come to.

use crate::{Fix, Reason, Verdict};
use advisories::index::{Index, Statement, Statements, Verdict as InRange};
use advisories::{Family, FixState, Subject};
use jiff::Timestamp;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use versions::Scheme;

/// The name and version under which a package is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    pub(crate) ecosystem: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) is_source: bool,
    pub(crate) is_binary: bool,
    pub(crate) architecture: &'a str,
    pub(crate) module: Option<&'a str>,
}

impl std::hash::Hash for Key<'_> {
    /// Name and version tell nearly all keys apart.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.version.hash(state);
    }
}

/// What was found out about one vulnerability for a key.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) fix: Fix,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) patch_available: Option<Timestamp>,
    pub(crate) urgency: Option<String>,
}

/// Vulnerability number → what is said about it.
pub(crate) type Judged = BTreeMap<u32, Finding>;

/// How one statement judges.
enum Judgement {
    /// It says nothing about this version.
    Silent,
    NotAffected,
    ByRange {
        fix: Fix,
        because: String,
    },
    ByState {
        fix: Fix,
        because: &'static str,
    },
    Undetermined {
        why: String,
    },
}

/// Judges a key of a family.
///
/// # Errors
/// If the index is damaged.
pub(crate) fn judge(index: &Index<'_>, family: &'static Family, key: Key<'_>) -> Result<Judged, advisories::Error> {
    let own = index.statements(key.ecosystem, key.name)?;
    let mut found = match own.spare(family.scheme, key.version) {
        true => Judged::new(),
        false => Judge { index, key, family, found: Judged::new() }.all(own.clone())?,
    };
    if !family.is_distribution || key.ecosystem == family.name {
        return Ok(found);
    }
    drop_what_a_later_version_settles(index, family, key, &mut found)?;
    // What is said about all releases holds where nothing is said about this one.
    let general = index.statements(family.name, key.name)?;
    let general_key = Key { ecosystem: family.name, ..key };
    if general.spare(family.scheme, key.version) {
        return Ok(found);
    }
    let mut others = Judge { index, key: general_key, family, found: Judged::new() }.all(general)?;
    if !others.is_empty() {
        let mut spoken = HashSet::new();
        for statement in own {
            let statement = statement?;
            if speaks_of(&statement, key) {
                spoken.extend(index.advisory(statement.advisory)?.vulnerabilities);
            }
        }
        others.retain(|vulnerability, _| !spoken.contains(vulnerability));
        found.extend(others);
    }
    Ok(found)
}

/// "Not fixed in this release" speaks of the release's own versions. Who has installed one that is at or after the fix of
/// the development release, from backports or by hand, has the fix.
fn drop_what_a_later_version_settles(
    index: &Index<'_>,
    family: &'static Family,
    key: Key<'_>,
    found: &mut Judged,
) -> Result<(), advisories::Error> {
    let is_open =
        |finding: &Finding| matches!(finding.fix, Fix::NotYet | Fix::WontFix | Fix::Deferred | Fix::EndOfLife);
    if !found.values().any(is_open) {
        return Ok(());
    }
    let unstable = format!("{}:unstable", family.name);
    for ecosystem in [family.name, unstable.as_str()] {
        for statement in index.statements(ecosystem, key.name)? {
            let statement = statement?;
            let has_fix = statement.state == FixState::ByRange
                && statement.ranges()?.iter().any(|range| range.events.iter().any(|(tag, _)| *tag == 1));
            let is_reached = has_fix
                && speaks_of(&statement, key)
                && matches!(statement.evaluate(family.scheme, key.version)?, Ok(InRange::Outside));
            if is_reached {
                let settled = index.advisory(statement.advisory)?.vulnerabilities;
                found.retain(|vulnerability, finding| !(is_open(finding) && settled.contains(vulnerability)));
            }
        }
    }
    Ok(())
}

/// Whether a statement is about what the key names.
fn speaks_of(statement: &Statement<'_>, key: Key<'_>) -> bool {
    let by_subject = match statement.subject {
        Subject::Source => key.is_source,
        Subject::Binary => key.is_binary,
        Subject::Either => true,
    };
    let by_architecture = statement.architectures.is_empty()
        || matches!(key.architecture, "" | "noarch")
        || statement.architectures.contains(&key.architecture);
    let by_module = match (statement.module, key.module) {
        (Some(stream), Some(own)) => stream == own,
        // A stream's fix says nothing about a package that belongs to none.
        (Some(_), None) => key.version.contains(".module"),
        (None, _) => true,
    };
    by_subject && by_architecture && by_module
}

struct Judge<'i, 'a> {
    index: &'i Index<'a>,
    key: Key<'i>,
    family: &'static Family,
    found: Judged,
}

impl<'a> Judge<'_, 'a> {
    fn all(mut self, statements: Statements<'_, 'a>) -> Result<Judged, advisories::Error> {
        let mut denied = HashSet::new();
        let (mut by_range, mut by_state) = (Vec::new(), Vec::new());
        let (key, index) = (self.key, self.index);
        for statement in statements {
            let statement = statement?;
            if !speaks_of(&statement, key) {
                continue;
            }
            let vulnerabilities = || index.advisory(statement.advisory).map(|advisory| advisory.vulnerabilities);
            match self.one(&statement)? {
                // A distribution's fixed version that is reached settles the vulnerability for this release.
                Judgement::Silent if self.family.is_distribution => by_range.push(statement.advisory),
                Judgement::Silent => {}
                Judgement::NotAffected => denied.extend(vulnerabilities()?),
                Judgement::ByRange { fix, because } => {
                    by_range.push(statement.advisory);
                    self.add(&statement, (Verdict::Affected, fix, &because), &HashSet::new())?;
                }
                Judgement::ByState { fix, because } => by_state.push((statement, fix, because)),
                Judgement::Undetermined { why } => {
                    self.add(
                        &statement,
                        (Verdict::Undetermined { why: why.clone() }, Fix::Unknown, &why),
                        &HashSet::new(),
                    )?;
                }
            }
        }
        // "Open" and its like hold only while no fixed version is published for the vulnerability.
        let mut ranged = HashSet::new();
        for advisory in by_range.into_iter().filter(|_| !by_state.is_empty()) {
            ranged.extend(index.advisory(advisory)?.vulnerabilities);
        }
        for (statement, fix, because) in by_state {
            self.add(&statement, (Verdict::Affected, fix, because), &ranged)?;
        }
        self.found.retain(|vulnerability, _| !denied.contains(vulnerability));
        Ok(self.found)
    }

    fn one(&self, statement: &Statement<'a>) -> Result<Judgement, advisories::Error> {
        let by_state = |fix, because| Judgement::ByState { fix, because };
        Ok(match statement.state {
            FixState::ByRange => return self.ranges(statement),
            FixState::NotAffected => Judgement::NotAffected,
            FixState::NotFixedYet => by_state(Fix::NotYet, "affected, no fixed version yet"),
            FixState::WontFix => by_state(Fix::WontFix, "affected, the publisher will not fix it"),
            FixState::Deferred => by_state(Fix::Deferred, "affected, the fix is put off to a later update"),
            FixState::EndOfLife => by_state(Fix::EndOfLife, "affected, out of support"),
            FixState::Undetermined => {
                Judgement::Undetermined { why: "the publisher does not know whether it is affected".to_owned() }
            }
        })
    }

    fn ranges(&self, statement: &Statement<'a>) -> Result<Judgement, advisories::Error> {
        let version = self.key.version;
        Ok(match statement.evaluate(self.family.scheme, version)? {
            Ok(InRange::Outside) => Judgement::Silent,
            Ok(InRange::Affected { introduced, fixed }) => self.in_range(introduced, fixed, statement.module.is_some()),
            Ok(InRange::Listed) => {
                Judgement::ByRange { fix: Fix::Unknown, because: format!("{version} is listed as affected") }
            }
            Err(error) => Judgement::Undetermined { why: error.to_string() },
        })
    }

    fn in_range(&self, introduced: &str, fixed: Option<&str>, has_module: bool) -> Judgement {
        let version = self.key.version;
        if version.contains(".module") && (!has_module || self.key.module.is_none()) {
            return Judgement::Undetermined { why: format!("`{version}` is of a module whose stream is not known") };
        }
        let from = if introduced == "0" { String::new() } else { format!("from {introduced} ") };
        match fixed {
            Some(fixed) => Judgement::ByRange {
                fix: Fix::Available(fixed.into()),
                because: format!("{version} is affected {from}before {fixed}"),
            },
            None => Judgement::ByRange {
                fix: Fix::Unknown,
                because: format!("{version} is affected {from}with no fixed version named"),
            },
        }
    }

    /// Adds what a statement says about each of its vulnerabilities, save those that are settled otherwise.
    fn add(
        &mut self,
        statement: &Statement<'a>,
        (verdict, fix, because): (Verdict, Fix, &str),
        settled: &HashSet<u32>,
    ) -> Result<(), advisories::Error> {
        let advisory = self.index.advisory(statement.advisory)?;
        for vulnerability in advisory.vulnerabilities.iter().filter(|number| !settled.contains(number)) {
            let reason = Reason {
                advisory: statement.advisory,
                ecosystem: self.key.ecosystem.into(),
                name: self.key.name.into(),
                version: self.key.version.into(),
                because: because.to_owned(),
            };
            let finding = Finding {
                verdict: verdict.clone(),
                fix: fix.clone(),
                reasons: vec![reason],
                patch_available: advisory.published.filter(|_| matches!(fix, Fix::Available(_))),
                urgency: statement.urgency.map(str::to_owned),
            };
            match self.found.entry(*vulnerability) {
                Entry::Vacant(place) => drop(place.insert(finding)),
                Entry::Occupied(place) => place.into_mut().merge(finding, self.family.scheme),
            }
        }
        Ok(())
    }
}

impl Finding {
    /// Joins two statements on one vulnerability: affected outweighs undetermined, the later fix is the one to reach.
    pub(crate) fn merge(&mut self, new: Self, scheme: Scheme) {
        let is_later = match (&self.fix, &new.fix) {
            (Fix::Available(a), Fix::Available(b)) => scheme.compare(b, a).is_ok_and(std::cmp::Ordering::is_gt),
            (Fix::Available(_), _) => false,
            (_, Fix::Available(_)) => true,
            _ => false,
        };
        let (was_affected, is_affected) = (self.verdict == Verdict::Affected, new.verdict == Verdict::Affected);
        // The first publication of a patch counts: a later regression fix does not renew the time given.
        self.patch_available = match (self.patch_available, new.patch_available) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.urgency = self.urgency.take().or(new.urgency);
        let mut reasons = new.reasons;
        if (is_affected && !was_affected) || (is_later && is_affected == was_affected) {
            self.verdict = new.verdict;
            self.fix = new.fix;
            reasons.append(&mut self.reasons);
            self.reasons = reasons;
        } else {
            self.reasons.append(&mut reasons);
        }
    }
}
