//! Deadlines that were kept: of the findings that fell due in a stretch of time, how many a patch had closed by then.

use crate::evaluate::Findings;
use crate::fact::Instant;
use crate::facts::Facts;
use crate::judgement::Standing;
use crate::keys::Keys;
use crate::slot::Profiles;
use jiff::Timestamp;
use rayon::prelude::*;

/// How many deadlines fell into a stretch of time, and how many of them were kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many findings fell due.
    pub due: u64,
    /// How many of them a patch had closed by their deadline.
    pub kept: u64,
}

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
            self.add_closed(facts, number, &between, &mut all);
            all
        };
        let join =
            |one: Vec<Kept>, other: Vec<Kept>| one.into_iter().zip(other).map(|(one, other)| one.join(other)).collect();
        let all: Vec<Kept> = (0..self.cells.len()).into_par_iter().fold(none, one).reduce(none, join);
        self.classes().into_iter().zip(all).collect()
    }

    /// Adds what a patch has closed.
    fn add_closed(&self, facts: &Facts, number: usize, between: &std::ops::Range<Instant>, all: &mut [Kept]) {
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
                if let Some(kept) = all.get_mut(usize::from(rank)).filter(|_| between.contains(&due)) {
                    kept.due += 1;
                    kept.kept += u64::from(closed.ended <= due);
                }
            },
        );
    }
}
