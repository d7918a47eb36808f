//! How many assets of a ring, or of a group, have come how far.

use super::{Place, Stop};
use jiff::Timestamp;

/// How many assets of a ring have come how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    places: [u32; PLACES],
    /// When one of them moved last.
    pub(super) rested_at: Timestamp,
    /// When it was through first: what comes late does not halt the rings behind it.
    pub(super) through_at: Option<Timestamp>,
    /// So many had failed, and so many were lost, when somebody let it go on.
    forgiven: (u32, u32),
}

/// How many places there are.
const PLACES: usize = Place::RolledBack as usize + 1;
/// So many percent of those that are through may be lost.
const MOST_LOST_PERCENT: u32 = 1;
/// One alone is no pattern.
const PATTERN: u32 = 2;

impl Default for Count {
    fn default() -> Self {
        Self { places: [0; PLACES], rested_at: Timestamp::MIN, through_at: None, forgiven: (0, 0) }
    }
}

impl Count {
    /// How many are at a place.
    #[must_use]
    pub fn at(&self, place: Place) -> u32 {
        self.places[place as usize]
    }

    pub(super) fn enter(&mut self, place: Place) {
        self.places[place as usize] += 1;
    }

    pub(super) fn leave(&mut self, place: Place) {
        self.places[place as usize] -= 1;
        // Who is heard of again makes no room for others to fail.
        self.forgiven = (self.forgiven.0.min(self.failing()), self.forgiven.1.min(self.lost()));
    }

    /// How many are under way.
    #[must_use]
    pub fn under_way(&self) -> u32 {
        self.at(Place::Begun) + self.at(Place::Installed) + self.at(Place::RollingBack)
    }

    /// How many got through: verified.
    #[must_use]
    pub fn through(&self) -> u32 {
        self.at(Place::Verified)
    }

    /// How many are lost: silent, or failed and not as they were before.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.at(Place::Silent) + self.at(Place::Broken) + self.at(Place::Stuck)
    }

    /// How many are under way, lost, or wait for a restart that could go wrong.
    pub(super) fn at_risk(&self) -> u32 {
        self.under_way() + self.lost() + self.at(Place::RestartPending)
    }

    /// How many have failed, the lost ones included.
    #[must_use]
    pub fn failing(&self) -> u32 {
        self.lost() + self.at(Place::Failed)
    }

    /// Whether the next ring may follow: nothing is waiting or under way, and half of what was not left out got through at least.
    #[must_use]
    pub fn is_through(&self) -> bool {
        self.at(Place::Waiting) + self.under_way() == 0 && self.through() * 2 >= self.used()
    }

    /// How many are in it that were not left out.
    pub(super) fn used(&self) -> u32 {
        self.places.iter().sum::<u32>() - self.at(Place::Excluded)
    }

    /// Whether anything is in it that was not left out.
    pub(super) fn is_used(&self) -> bool {
        self.used() > 0
    }

    /// What has failed until now counts no longer.
    pub(super) fn forgive(&mut self) {
        self.forgiven = (self.failing(), self.lost());
    }

    /// Why the rollout stops, if it does.
    pub(super) fn stop(&self, ring: usize, threshold: u32) -> Option<Stop> {
        let failing = self.failing().saturating_sub(self.forgiven.0);
        let lost = self.lost().saturating_sub(self.forgiven.1);
        let through = self.through() + failing;
        // One in the hundred may have been switched off meanwhile.
        if lost >= PATTERN && lost * 100 > MOST_LOST_PERCENT * through {
            return Some(Stop::Lost { ring, lost });
        }
        let all = self.used();
        // The share of the ring that the policy names; or that share of those that are through, if it is more than one.
        let of_ring = failing * 100 > threshold * all;
        let of_through = failing >= PATTERN && failing * 100 > threshold * through;
        (failing > 0 && (of_ring || of_through)).then_some(Stop::Failing { ring, failing, through })
    }
}

/// A group of assets that never all change at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Its name.
    pub(super) name: String,
    /// The groups that have to be through before it, by their numbers.
    pub(super) after: Vec<usize>,
    /// For each ring, how many have come how far.
    rings: Vec<Count>,
}

impl Group {
    pub(super) fn new(rings: usize) -> Self {
        Self { name: String::new(), after: Vec::new(), rings: vec![Count::default(); rings] }
    }

    pub(super) fn enter(&mut self, ring: usize, place: Place) {
        self.rings[ring].enter(place);
    }

    pub(super) fn leave(&mut self, ring: usize, place: Place) {
        self.rings[ring].leave(place);
    }

    /// How many are under way.
    pub(super) fn under_way(&self) -> u32 {
        self.rings.iter().map(Count::under_way).sum()
    }

    /// Whether one is under way, waits for a restart, or is lost: the others are needed then.
    pub(super) fn is_busy(&self) -> bool {
        self.rings.iter().any(|ring| ring.at_risk() > 0)
    }

    /// Whether what others wait for is done, as far as a ring goes.
    pub(super) fn is_through(&self, ring: usize) -> bool {
        self.rings[..=ring].iter().all(|ring| {
            let all: u32 = ring.places.iter().sum();
            all == ring.through() + ring.at(Place::Excluded)
        })
    }
}
