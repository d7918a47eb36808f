//! Pace: how long it took from the first sight of findings until what carried them was gone from their assets.

use crate::evaluate::{each_interval, former_claims};
use crate::fact::{Claim, Instant, OPEN};
use crate::facts::Facts;
use crate::judgement::Standing;
use jiff::Timestamp;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;

/// What was patched within a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// How many findings were closed by a patch: what carried them went, and the asset stayed.
    pub closed: u64,
    /// How long they had been open together, in milliseconds.
    pub open_milliseconds: u128,
}

impl Pace {
    /// The mean time from the first sight to the patch; none where nothing was patched.
    #[must_use]
    pub fn mean(&self) -> Option<jiff::SignedDuration> {
        let mean = self.open_milliseconds.checked_div(u128::from(self.closed))?;
        i64::try_from(mean).ok().map(jiff::SignedDuration::from_millis)
    }

    /// Of one finding that was open for so many milliseconds.
    pub(crate) fn of(milliseconds: Instant) -> Self {
        Self { closed: 1, open_milliseconds: u128::try_from(milliseconds).unwrap_or(0) }
    }

    /// Both together.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.closed += other.closed;
        self.open_milliseconds += other.open_milliseconds;
        self
    }
}

/// One finding while it is gathered: its first sight, and when the last of what carried it went.
#[derive(Clone, Copy)]
pub(crate) struct Gathered {
    pub(crate) start: Instant,
    pub(crate) ended: Instant,
    /// The kinds of what carried it, as whoever asks tells them apart.
    pub(crate) mask: u32,
    /// Whether something carries it still, or a statement was taken back last: then no patch has closed it.
    is_patched: bool,
}

impl Facts {
    /// What was patched between each two of these instants, which stand in their order. A finding counts where it was closed last,
    /// unless it is there again; one that a publisher took back, that nobody could judge or that does not count, or whose asset has
    /// gone, was not patched. One that bore another id before was there since then.
    #[must_use]
    pub fn pace(&self, bounds: &[Timestamp]) -> Vec<Pace> {
        let bounds: Vec<Instant> = bounds.iter().map(|at| at.as_millisecond()).collect();
        let stretches = bounds.len().saturating_sub(1);
        let none = || vec![Pace::default(); stretches];
        let one = |mut paces: Vec<Pace>, number: usize| {
            self.each_patched(
                number,
                |_| 0,
                |_, Gathered { start, ended, .. }| {
                    let place = bounds.partition_point(|bound| *bound <= ended);
                    if let Some(pace) = place.checked_sub(1).and_then(|place| paces.get_mut(place)) {
                        *pace = pace.join(Pace::of(ended - start));
                    }
                },
            );
            paces
        };
        let join =
            |one: Vec<Pace>, other: Vec<Pace>| one.into_iter().zip(other).map(|(one, other)| one.join(other)).collect();
        (0..self.vulnerabilities.len()).into_par_iter().fold(none, one).reduce(none, join)
    }

    /// Calls `each` with the asset, the first sight and the end of every finding of a vulnerability that a patch has closed; `bit` tells
    /// kinds of carriers apart.
    pub(crate) fn each_patched(&self, number: usize, bit: impl Fn(&Claim) -> u32, mut each: impl FnMut(u32, Gathered)) {
        let claims = &self.vulnerabilities[number].claims;
        if claims.iter().all(|claim| self.things[claim.thing as usize].past.is_empty()) {
            return;
        }
        let mut found: FxHashMap<u32, Gathered> = FxHashMap::default();
        let is_owed = |claim: &&Claim| {
            matches!(self.details[claim.detail as usize].standing, Standing::Affected | Standing::RestartPending)
        };
        for claim in claims.iter().filter(is_owed) {
            each_interval(self, &self.things[claim.thing as usize], &mut |asset, from, until| {
                let (start, ended) = (from.max(claim.from), until.min(claim.until));
                if start >= ended {
                    return;
                }
                let is_patched = ended != OPEN && until <= claim.until && !self.assets[asset as usize].goes_at(until);
                let none = Gathered { start, ended: Instant::MIN, mask: 0, is_patched: false };
                let gathered = found.entry(asset).or_insert(none);
                gathered.start = gathered.start.min(start);
                gathered.mask |= bit(claim);
                match ended.cmp(&gathered.ended) {
                    Ordering::Greater => (gathered.ended, gathered.is_patched) = (ended, is_patched),
                    // Of two that end together both must have been patched.
                    Ordering::Equal => gathered.is_patched &= is_patched,
                    Ordering::Less => {}
                }
            });
        }
        for claim in former_claims(self, number) {
            each_interval(self, &self.things[claim.thing as usize], &mut |asset, from, until| {
                let start = from.max(claim.from);
                if let Some(gathered) = found.get_mut(&asset).filter(|_| start < until.min(claim.until)) {
                    gathered.start = gathered.start.min(start);
                }
            });
        }
        let patched = found.into_iter().filter(|(_, found)| found.is_patched);
        patched.for_each(|(asset, found)| each(asset, found));
    }
}
