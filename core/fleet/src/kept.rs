//! Deadlines that were kept: of the findings that fell due in a stretch of time, how many a patch had closed by then; and those that
//! were missed, by day and team.

use crate::evaluate::Findings;
use crate::fact::Instant;
use crate::facts::Facts;
use crate::judgement::Standing;
use crate::keys::Keys;
use crate::slot::{Decided, Profiles};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// How many deadlines fell into a stretch of time, and how many of them were kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many findings fell due.
    pub due: u64,
    /// How many of them a patch had closed by their deadline.
    pub kept: u64,
}

/// Deadlines that one team missed on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The day, in UTC.
    pub day: Date,
    /// The team that owns the assets; none where nobody does.
    pub owner: Option<String>,
    /// How many findings fell due that day and were not closed by then.
    pub findings: u64,
}

/// How many deadlines were missed, by the day's number and the team.
type Late<'f> = BTreeMap<(Instant, Option<&'f str>), u64>;

/// Milliseconds of a day.
const A_DAY: Instant = 86_400_000;

impl Kept {
    fn join(self, other: Self) -> Self {
        Self { due: self.due + other.due, kept: self.kept + other.kept }
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
            self.each_closed(facts, number, |_, due, rank, ended| {
                if let Some(kept) = all.get_mut(usize::from(rank)).filter(|_| between.contains(&due)) {
                    kept.due += 1;
                    kept.kept += u64::from(ended <= due);
                }
            });
            all
        };
        let join =
            |one: Vec<Kept>, other: Vec<Kept>| one.into_iter().zip(other).map(|(one, other)| one.join(other)).collect();
        let all: Vec<Kept> = (0..self.cells.len()).into_par_iter().fold(none, one).reduce(none, join);
        self.classes().into_iter().zip(all).collect()
    }

    /// The deadlines between two instants that were missed, by the day in UTC and the team that owns the assets, in that order: what
    /// fell due and is there still, and what a patch has closed too late; as of the instant of these findings. What a decision sets
    /// aside by then, and what the policy does not cover, had no deadline.
    #[must_use]
    pub fn missed<'f>(&'f self, facts: &'f Facts, (from, until): (Timestamp, Timestamp)) -> Vec<Missed> {
        let between = from.as_millisecond()..until.as_millisecond();
        let said = |asset: u32| facts.assets[asset as usize].said_at(self.at());
        let owner = |asset: u32| -> Option<&'f str> { said(asset).and_then(|said| said.owner.as_deref()) };
        let at = self.at();
        let one = |mut all: Late<'f>, number: usize| {
            let decided = Decided::on(&self.question, facts, number);
            let mut note = |due: Instant, owner| *all.entry((due.div_euclid(A_DAY), owner)).or_default() += 1;
            let open =
                self.cells[number].iter().filter(|cell| cell.key.state.counts() && between.contains(&cell.key.due));
            open.for_each(|cell| cell.assets.iter().for_each(|asset| note(cell.key.due, owner(asset))));
            self.each_closed(facts, number, |asset, due, _, ended| {
                // What was closed after these findings is open in them.
                let is_late = between.contains(&due) && ended > due && ended <= at;
                if is_late && !decided.sets_aside(facts, number, asset) {
                    note(due, owner(asset));
                }
            });
            all
        };
        let join = |one: Late<'f>, mut all: Late<'f>| {
            one.into_iter().for_each(|(key, count)| *all.entry(key).or_default() += count);
            all
        };
        let all = (0..self.cells.len()).into_par_iter().fold(BTreeMap::new, one).reduce(BTreeMap::new, join);
        let missed = |((day, owner), findings): ((Instant, Option<&'f str>), u64)| Missed {
            day: crate::deadline::timestamp(day * A_DAY).to_zoned(TimeZone::UTC).date(),
            owner: owner.map(str::to_owned),
            findings,
        };
        all.into_iter().map(missed).collect()
    }

    /// Calls `each` with the asset, the deadline, the class's rank and the end of every finding that a patch has closed.
    fn each_closed(&self, facts: &Facts, number: usize, mut each: impl FnMut(u32, Instant, u16, Instant)) {
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
                each(asset, due, rank, closed.ended);
            },
        );
    }
}
