//! Deadlines that were kept: of the findings that fell due in a stretch of time, how many a patch had closed by then; and those that
//! were missed, by team.

use crate::evaluate::Findings;
use crate::fact::Instant;
use crate::facts::Facts;
use crate::judgement::Standing;
use crate::keys::Keys;
use crate::pace::Pace;
use crate::slot::{Decided, Profiles};
use jiff::Timestamp;
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// How many deadlines fell into a stretch of time, how many of them were kept, and how long what was patched within it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many findings fell due.
    pub due: u64,
    /// How many of them a patch had closed by their deadline.
    pub kept: u64,
    /// What a patch has closed within the stretch, whenever it was due.
    pub pace: Pace,
}

/// Deadlines that one team missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The team that owns the assets; none where nobody does.
    pub owner: Option<String>,
    /// How many findings.
    pub findings: u64,
}

/// A finding that a patch has closed.
struct Closed {
    asset: u32,
    due: Instant,
    /// The place of its class.
    rank: u16,
    /// Its first sight.
    start: Instant,
    ended: Instant,
}

/// How many deadlines were missed, by the team.
type Late<'f> = BTreeMap<Option<&'f str>, u64>;

impl Kept {
    /// Both together.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { due: self.due + other.due, kept: self.kept + other.kept, pace: self.pace.join(other.pace) }
    }
}

impl Findings {
    /// The deadlines between two instants, by the policy's classes, the strictest first. Findings of now count that fell due and are
    /// there still, and those that a patch has closed, early or late. One that a decision sets aside, that a publisher took back, or
    /// whose asset has gone or is not covered, had no deadline to keep.
    ///
    /// Deadlines are those of the policy that these findings were made with, and of the policies before it as far as they go on.
    #[must_use]
    pub fn kept(&self, facts: &Facts, (from, until): (Timestamp, Timestamp)) -> Vec<(String, Kept)> {
        let between = from.as_millisecond()..until.as_millisecond();
        let classes = self.question.policy.classes.len();
        let none = || vec![Kept::default(); classes];
        let one = |mut all: Vec<Kept>, number: usize| {
            let open =
                self.cells[number].iter().filter(|cell| cell.key.state.counts() && between.contains(&cell.key.due));
            for cell in open {
                if let Some(kept) = all.get_mut(usize::from(cell.key.rank)) {
                    kept.due += cell.assets.len();
                }
            }
            self.each_closed(facts, number, |Closed { due, rank, start, ended, .. }| {
                let Some(kept) = all.get_mut(usize::from(rank)) else { return };
                if between.contains(&due) {
                    kept.due += 1;
                    kept.kept += u64::from(ended <= due);
                }
                if between.contains(&ended) {
                    kept.pace = kept.pace.join(Pace::of(ended - start));
                }
            });
            all
        };
        let join =
            |one: Vec<Kept>, other: Vec<Kept>| one.into_iter().zip(other).map(|(one, other)| one.join(other)).collect();
        let all: Vec<Kept> = (0..self.cells.len()).into_par_iter().fold(none, one).reduce(none, join);
        self.classes().into_iter().zip(all).collect()
    }

    /// The deadlines that were missed from the instant of other findings to that of these, by the team that owns the assets, in its
    /// order: what is overdue and was not, because it fell due, was set aside until then, or has become known or come back; and what
    /// fell due and was patched too late within that time. What a decision sets aside by then, and what the policy does not cover,
    /// has no deadline.
    #[must_use]
    pub fn missed<'f>(&'f self, facts: &'f Facts, before: &'f Self) -> Vec<Missed> {
        let between = before.at() + 1..self.at().saturating_add(1);
        let said = |asset: u32| facts.assets[asset as usize].said_at(self.at());
        let owner = |asset: u32| -> Option<&'f str> { said(asset).and_then(|said| said.owner.as_deref()) };
        let at = self.at();
        let one = |mut all: Late<'f>, number: usize| {
            let decided = Decided::on(&self.question, facts, number);
            let mut note = |owner| *all.entry(owner).or_default() += 1;
            let new = self.overdue_of(number) - before.overdue_of(number);
            new.iter().for_each(|asset| note(owner(asset)));
            self.each_closed(facts, number, |Closed { asset, due, ended, .. }| {
                // What was closed after these findings is open in them.
                let is_late = between.contains(&due) && ended > due && ended <= at;
                if is_late && !decided.sets_aside(facts, number, asset) {
                    note(owner(asset));
                }
            });
            all
        };
        let join = |one: Late<'f>, mut all: Late<'f>| {
            one.into_iter().for_each(|(key, count)| *all.entry(key).or_default() += count);
            all
        };
        let all = (0..self.cells.len()).into_par_iter().fold(BTreeMap::new, one).reduce(BTreeMap::new, join);
        let missed = |(owner, findings): (Option<&'f str>, u64)| Missed { owner: owner.map(str::to_owned), findings };
        all.into_iter().map(missed).collect()
    }

    /// The assets on which a vulnerability is owed and overdue as of the instant of these findings.
    fn overdue_of(&self, number: usize) -> RoaringBitmap {
        let at = self.at();
        let overdue = self.cells.get(number).into_iter().flatten();
        let overdue = overdue.filter(|cell| cell.key.state.counts() && cell.key.due <= at);
        overdue.fold(RoaringBitmap::new(), |all, cell| all | &cell.assets)
    }

    /// Calls `each` with every finding of a vulnerability that a patch has closed.
    fn each_closed(&self, facts: &Facts, number: usize, mut each: impl FnMut(Closed)) {
        let profiles = Profiles::of(facts, &facts.vulnerabilities[number].claims);
        let mut keys = Keys::new(self, facts, number, &profiles);
        facts.each_patched(
            number,
            |claim| profiles.bit(claim),
            |asset, closed| {
                let group = self.groups.of_asset[asset as usize];
                if !self.groups.state(Standing::Affected, group).counts() {
                    return;
                }
                let (due, rank, _) = keys.derived(profiles.deciding_of(closed.mask, closed.mask), group, closed.start);
                each(Closed { asset, due, rank, start: closed.start, ended: closed.ended });
            },
        );
    }
}
