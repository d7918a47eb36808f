//! What another policy makes of the same findings.

use crate::evaluate::{Cell, Findings};
use crate::fact::Instant;
use jiff::Timestamp;

/// How many findings another policy moves, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moves {
    /// How many are due earlier than they were.
    pub sooner: u64,
    /// How many are due later, or have no date any more.
    pub later: u64,
    /// How many keep their date.
    pub same: u64,
    /// How many are overdue by the other one alone.
    pub newly_overdue: u64,
    /// How many are overdue by the first alone.
    pub no_longer_overdue: u64,
    /// How many are owed by the other one alone: the first does not cover their assets.
    pub newly_owed: u64,
    /// How many are owed by the first alone.
    pub no_longer_owed: u64,
}

impl Findings {
    /// What becomes of these findings in others that were made of the same facts by another policy, against the clock's instant.
    #[must_use]
    pub fn moves_to(&self, others: &Self, now: Timestamp) -> Moves {
        let mut moves = Moves::default();
        for (before, after) in self.cells.iter().zip(&others.cells) {
            for (one, other) in before.iter().flat_map(|one| after.iter().map(move |other| (one, other))) {
                moves.add((one, other), now.as_millisecond());
            }
        }
        moves
    }
}

impl Moves {
    fn add(&mut self, (before, after): (&Cell, &Cell), now: Instant) {
        let count = before.assets.intersection_len(&after.assets);
        let (was, is) = (before.key.is_overdue(now), after.key.is_overdue(now));
        let place = match (before.key.state.counts(), after.key.state.counts()) {
            (true, true) => match after.key.due.cmp(&before.key.due) {
                std::cmp::Ordering::Less => &mut self.sooner,
                std::cmp::Ordering::Greater => &mut self.later,
                std::cmp::Ordering::Equal => &mut self.same,
            },
            (false, true) => &mut self.newly_owed,
            (true, false) => &mut self.no_longer_owed,
            (false, false) => return,
        };
        *place += count;
        match (was, is) {
            (false, true) => self.newly_overdue += count,
            (true, false) => self.no_longer_overdue += count,
            _ => {}
        }
    }
}
