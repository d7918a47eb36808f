//! What is owed on each asset, kept with every change: lists of assets begin with those on which most is overdue.

use crate::evaluate::{Cell, Findings, Key};
use crate::fact::Instant;
use crate::facts::Facts;
use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};

/// By asset: how much of what counts is overdue as of an instant, and how much there is of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) by_asset: Vec<(u32, u32)>,
    now: Instant,
}

/// What is owed, once somebody has asked: until then nothing has to be kept.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<Owed>>);

/// Where more findings than this change at once, what is owed is counted anew when somebody asks.
const MANY: u64 = 50_000;

impl Owed {
    fn of(cells: &[Vec<Cell>], assets: usize, now: Instant) -> Self {
        let mut owed = Self { by_asset: vec![(0, 0); assets], now };
        cells.iter().flatten().for_each(|cell| owed.add(cell, 1));
        owed
    }

    /// Counts a cell's findings in, or out.
    fn add(&mut self, cell: &Cell, count: i32) {
        for asset in cell.assets.iter().filter(|_| cell.key.state.counts()) {
            self.add_one(asset, &cell.key, count);
        }
    }

    fn add_one(&mut self, asset: u32, key: &Key, count: i32) {
        let place = asset as usize;
        if self.by_asset.len() <= place {
            self.by_asset.resize(place + 1, (0, 0));
        }
        let late = if key.is_overdue(self.now) { count } else { 0 };
        let (overdue, all) = &mut self.by_asset[place];
        (*overdue, *all) = (changed(*overdue, late), changed(*all, count));
    }

    /// What was not overdue then and is now; or the other way round, where now is before then.
    fn go_to(&mut self, cells: &[Vec<Cell>], now: Instant) {
        let (first, last, count) = if now >= self.now { (self.now, now, 1) } else { (now, self.now, -1) };
        let crosses = |cell: &&Cell| cell.key.state.counts() && (first..last).contains(&cell.key.due);
        for cell in cells.iter().flatten().filter(crosses) {
            for asset in &cell.assets {
                let overdue = &mut self.by_asset[asset as usize].0;
                *overdue = changed(*overdue, count);
            }
        }
        self.now = now;
    }
}

/// A count with so many more, or fewer.
fn changed(count: u32, by: i32) -> u32 {
    debug_assert!(count.checked_add_signed(by).is_some(), "more was counted out than in");
    count.saturating_add_signed(by)
}

impl Kept {
    fn get(&mut self) -> Option<&mut Owed> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut()
    }

    /// Forgets what was counted.
    pub(crate) fn forget(&mut self) {
        self.0 = Mutex::default();
    }

    /// The cells of a vulnerability are replaced by others.
    pub(crate) fn replace(&mut self, before: &[Cell], after: &[Cell]) {
        let Some(owed) = self.get() else { return };
        let many = |cells: &[Cell]| cells.iter().map(|cell| cell.assets.len()).sum::<u64>();
        if many(before) + many(after) > MANY {
            return self.forget();
        }
        before.iter().for_each(|cell| owed.add(cell, -1));
        after.iter().for_each(|cell| owed.add(cell, 1));
    }

    /// A finding of an asset has another key, or comes or goes.
    pub(crate) fn move_one(&mut self, asset: u32, before: Option<&Key>, after: Option<&Key>) {
        let Some(owed) = self.get() else { return };
        for (key, count) in [(before, -1), (after, 1)] {
            if let Some(key) = key.filter(|key| key.state.counts()) {
                owed.add_one(asset, key, count);
            }
        }
    }
}

impl Findings {
    /// Counts what is owed on each asset, where it was not yet: whoever lists assets next does not wait for that.
    pub fn count_ahead(&self, facts: &Facts, now: Timestamp) {
        drop(self.owed(facts.assets.len(), now.as_millisecond()));
    }

    /// What is owed on each of so many assets, against an instant.
    pub(crate) fn owed(&self, assets: usize, now: Instant) -> Owed {
        // What somebody left half counted is counted anew.
        let mut kept = self.owed.0.lock().unwrap_or_else(|poisoned| {
            let mut kept = poisoned.into_inner();
            *kept = None;
            kept
        });
        let owed = kept.get_or_insert_with(|| Owed::of(&self.cells, assets, now));
        if owed.now != now {
            owed.go_to(&self.cells, now);
        }
        if owed.by_asset.len() < assets {
            owed.by_asset.resize(assets, (0, 0));
        }
        owed.clone()
    }
}
