//! Dashboards: how much is owed and how much of it is overdue, by class and by group, as of an instant.

use crate::evaluate::{Findings, State};
use crate::facts::Facts;
use crate::query::AssetFilter;
use jiff::{SignedDuration, Timestamp};
use roaring::RoaringBitmap;

/// Counts of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that count: open, restart pending and undetermined.
    pub findings: u64,
    /// Those of them that are overdue.
    pub overdue: u64,
    /// Those that fall due within seven days and are not overdue.
    pub due_soon: u64,
    /// Those whose patch is on disk while the old code still runs.
    pub restart_pending: u64,
    /// Those of which it cannot be said whether the asset is affected.
    pub undetermined: u64,
    /// Those that were closed and have come back.
    pub reopened: u64,
    /// Those that somebody says do not count; they are in none of the others.
    pub suppressed: u64,
}

/// The state of a fleet in figures; what is not known of it, [`Findings::coverage`] tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// All findings.
    pub all: Counts,
    /// By class, the strictest first.
    pub classes: Vec<(String, Counts)>,
    /// How many assets are registered.
    pub assets: u64,
    /// How many of them have something overdue.
    pub assets_overdue: u64,
    /// How many distinct package versions there are on assets.
    pub distinct_packages: u64,
    /// How many packages there are on assets.
    pub packages: u64,
}

/// What falls due within this counts as soon.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Counts {
    pub(crate) fn add(&mut self, key: &crate::evaluate::Key, count: u64, (now, soon): (i64, i64)) {
        if !key.state.counts() {
            self.suppressed += count;
            return;
        }
        self.findings += count;
        match key.due {
            due if due < now => self.overdue += count,
            due if due < soon => self.due_soon += count,
            _ => {}
        }
        match key.state {
            State::RestartPending => self.restart_pending += count,
            State::Undetermined => self.undetermined += count,
            _ => {}
        }
        if key.is_reopened {
            self.reopened += count;
        }
    }
}

pub(crate) fn instants(now: Timestamp) -> (i64, i64) {
    let soon = now.checked_add(SOON).unwrap_or(Timestamp::MAX);
    (now.as_millisecond(), soon.as_millisecond())
}

impl Findings {
    /// How many findings there are on all assets, against the clock's instant.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> Counts {
        let mut counts = Counts::default();
        let instants = instants(now);
        self.cells.iter().flatten().for_each(|cell| counts.add(&cell.key, cell.assets.len(), instants));
        counts
    }

    /// The fleet in figures, against the clock's instant.
    #[must_use]
    pub fn summary(&self, facts: &Facts, now: Timestamp) -> Summary {
        self.summary_of(facts, &AssetFilter::default(), now)
    }

    /// The assets that are asked for in figures, against the clock's instant.
    #[must_use]
    pub fn summary_of(&self, facts: &Facts, filter: &AssetFilter, now: Timestamp) -> Summary {
        // Findings are on assets that are there: where all are asked for, nothing has to be looked up.
        let wanted = (*filter != AssetFilter::default()).then(|| self.facets.find(facts, filter));
        let there = wanted.as_deref().unwrap_or(&self.facets.there);
        let instants = instants(now);
        let mut summary = Summary::default();
        let mut classes: Vec<(String, Counts)> =
            self.question.policy.classes.iter().map(|class| (class.id.clone(), Counts::default())).collect();
        let mut is_overdue = RoaringBitmap::new();
        for cell in self.cells.iter().flatten() {
            let count =
                wanted.as_ref().map_or_else(|| cell.assets.len(), |wanted| cell.assets.intersection_len(wanted));
            if count == 0 {
                continue;
            }
            summary.all.add(&cell.key, count, instants);
            if let Some((_, counts)) = classes.get_mut(usize::from(cell.key.rank)) {
                counts.add(&cell.key, count, instants);
            }
            if cell.key.is_overdue(instants.0) {
                is_overdue |= &cell.assets;
            }
        }
        summary.classes = classes;
        summary.assets = there.len();
        summary.assets_overdue = there.intersection_len(&is_overdue);
        let packages = (0..).zip(&facts.things).filter(|(_, thing)| thing.thing.is_package());
        for (number, thing) in packages {
            let count = match self.question.at {
                None if wanted.is_none() => thing.holders.len(),
                _ => self.count_on(facts, number, there),
            };
            summary.packages += count;
            summary.distinct_packages += u64::from(count > 0);
        }
        summary
    }
}

impl State {
    /// Whether it counts as something that is owed.
    #[must_use]
    pub fn counts(self) -> bool {
        self != Self::Suppressed
    }

    /// The state in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::RestartPending => "restart pending",
            Self::Undetermined => "undetermined",
            Self::Suppressed => "suppressed",
        }
    }
}
