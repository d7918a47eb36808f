//! Deadlines: what is known of a vulnerability and of a group of assets over time, put to the policy.

use crate::fact::{Detail, Instant};
use crate::facts::Facts;
use crate::judgement::{Fix, Signals, Subject};
use crate::switch::Switch;
use jiff::Timestamp;
use policy::{Deadline, Policy};
use std::sync::Arc;

/// What a carrier's statement adds to a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Profile {
    pub(crate) has_fix: bool,
    pub(crate) patch_available: Option<Timestamp>,
    pub(crate) urgency: Option<String>,
    /// Tenths of a CVSS score.
    pub(crate) cvss: Option<u16>,
    pub(crate) published: Option<Timestamp>,
}

impl Profile {
    pub(crate) fn of(detail: &Detail) -> Self {
        Self {
            has_fix: matches!(detail.fix, Fix::Available(_)),
            patch_available: detail.patch_available,
            urgency: detail.urgency.clone(),
            cvss: detail.cvss,
            published: detail.published,
        }
    }
}

/// All that decides a deadline, beside the carriers and the first sight.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) policy: &'a Policy,
    /// The switches that led to it, the oldest first.
    pub(crate) switches: &'a [Switch],
    /// Whether the policy before each of them covered the assets.
    pub(crate) covered: &'a [bool],
    pub(crate) signals: &'a [(Instant, Arc<Signals>)],
    pub(crate) assets: &'a [(Instant, policy::Asset)],
    /// As of when.
    pub(crate) at: Instant,
    /// Whether somebody reads how it came about.
    pub(crate) is_told: bool,
}

pub(crate) fn timestamp(at: Instant) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
}

/// The newest of what is known as of an instant; the first of all where that begins later.
fn as_of<T>(history: &[(Instant, T)], at: Instant) -> Option<&T> {
    let end = history.partition_point(|(since, _)| *since <= at).max(1);
    history.get(..end).and_then(<[_]>::last).map(|(_, value)| value)
}

impl Ground<'_> {
    /// Instants after `start` at which something else became known.
    pub(crate) fn changes(&self, start: Instant) -> Vec<Instant> {
        let signals = self.signals.iter().skip(1).map(|(since, _)| *since);
        let assets = self.assets.iter().skip(1).map(|(since, _)| *since);
        let mut changes: Vec<Instant> =
            signals.chain(assets).filter(|since| *since > start && *since <= self.at).collect();
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    fn policy_facts(&self, profile: &Profile, (start, at): (Instant, Instant)) -> policy::Facts {
        let unknown = Signals::default();
        let signals = as_of(self.signals, at).map_or(&unknown, |signals| signals.as_ref());
        let own = signals.cvss.as_ref().map(|(score, _)| *score);
        let is_end_of_life = signals.subject == Subject::EndOfLife;
        let is_unexplained_update = matches!(signals.subject, Subject::SecurityUpdate | Subject::Restart);
        policy::Facts {
            // An advisory's score is kept only where it outranks what is said of the vulnerability itself.
            cvss: profile.cvss.map(|tenths| f64::from(tenths) / 10.0).or(own),
            epss: signals.epss,
            is_exploited: signals.listed.is_some(),
            lacks_catalogue: !as_of(&self.facts.catalogue, self.at).copied().unwrap_or(false),
            is_used_by_ransomware: signals.is_used_by_ransomware,
            exploitation: signals.exploitation.clone(),
            automatable: signals.automatable,
            total_impact: signals.total_impact,
            vendor_urgency: profile.urgency.clone(),
            is_fix_available: profile.has_fix || is_end_of_life || is_unexplained_update,
            is_end_of_life,
            is_unexplained_update,
            asset: as_of(self.assets, at).cloned().unwrap_or_default(),
            published: signals.published.or(profile.published),
            patch_available: profile.patch_available,
            listed: signals.listed,
            catalogue_due: signals.catalogue_due,
            first_seen: Some(timestamp(start)),
            moved_at: None,
            now: timestamp(at),
        }
    }

    /// The deadline of a finding that was first seen at `start`, on carriers with these profiles.
    ///
    /// Each change of what is known is put to the policy anew. A move to a stricter class starts that class's clock at the
    /// move; the due date is the earliest of all that applied. Where a patch exists, the clocks of patches count alone.
    ///
    /// Where the finding was open when the policy came into force, that one's transition rule says what of the policy before goes on.
    pub(crate) fn deadline(&self, profiles: &[&Profile], start: Instant) -> Deadline {
        let own = self.by_policy(profiles, start);
        match self.switches.split_last() {
            Some((last, earlier)) if start < last.instant() => {
                let Some((true, covered)) = self.covered.split_last() else {
                    return last.begin((self.policy, own));
                };
                let before = Ground { policy: &last.before, switches: earlier, covered, ..*self };
                last.carry((self.policy, own), before.deadline(profiles, start))
            }
            _ => own,
        }
    }

    /// The same by the policy alone, as if it had always been there.
    fn by_policy(&self, profiles: &[&Profile], start: Instant) -> Deadline {
        let has_fix = profiles.iter().any(|profile| profile.has_fix);
        let counting = || profiles.iter().filter(|profile| profile.has_fix == has_fix);
        let mut deadline: Option<Deadline> = None;
        let at_once = |at: Instant, moved_at: Option<Timestamp>| {
            let derive = |profile: &&&Profile| {
                let facts = policy::Facts { moved_at, ..self.policy_facts(profile, (start, at)) };
                self.derive(&facts)
            };
            counting().map(|profile| derive(&profile)).reduce(earlier)
        };
        let mut strictest = usize::MAX;
        for at in std::iter::once(start).chain(self.changes(start)) {
            let Some(mut now) = at_once(at, None) else { continue };
            match deadline.take() {
                None => {
                    strictest = now.rank;
                    deadline = Some(now);
                }
                Some(before) => {
                    if now.rank < strictest {
                        strictest = now.rank;
                        now = at_once(at, Some(timestamp(at))).unwrap_or(now);
                        deadline = Some(after_move(before, now));
                    } else {
                        deadline = Some(after_stay(before, now));
                    }
                }
            }
        }
        // INVARIANT: there is a carrier, so that something was derived.
        deadline.unwrap_or_else(|| self.derive(&policy::Facts::default()))
    }

    fn derive(&self, facts: &policy::Facts) -> Deadline {
        let derive = if self.is_told { policy::derive } else { policy::derive_without_words };
        derive(self.policy, facts)
    }
}

/// Of two carriers the strictest class and the earliest date count.
fn earlier(one: Deadline, other: Deadline) -> Deadline {
    let due = |deadline: &Deadline| deadline.due.unwrap_or(Timestamp::MAX);
    let (rank, class, also) = match other.rank < one.rank {
        true => (other.rank, other.class.clone(), other.also.clone()),
        false => (one.rank, one.class.clone(), one.also.clone()),
    };
    let first = if due(&other) < due(&one) { other } else { one };
    Deadline { rank, class, also, ..first }
}

/// The deadline after something became known that asks for no stricter class: what applied goes on to apply, and what is earlier
/// applies too.
fn after_stay(before: Deadline, now: Deadline) -> Deadline {
    let is_earlier = now.due.is_some_and(|due| before.due.is_none_or(|known| due < known));
    match (is_earlier, now.rank == before.rank) {
        (true, true) => now,
        (true, false) => after_move(before, now),
        (false, _) => {
            let Deadline { class, rank, also, inputs, .. } = now;
            Deadline { class, rank, also, inputs, ..before }
        }
    }
}

/// The deadline after a move: the earliest of what applied.
fn after_move(before: Deadline, now: Deadline) -> Deadline {
    let mut steps = before.steps;
    // What applied before is told by what was recorded then.
    steps.extend(now.steps.into_iter().filter(|step| step.class == now.class));
    let due = steps.iter().filter_map(|step| step.due).min();
    Deadline { due, steps, ..Deadline { steps: Vec::new(), ..now } }
}
