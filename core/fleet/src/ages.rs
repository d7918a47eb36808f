//! Ages: for how long what is overdue has been, and on which days the rest falls due.

use crate::evaluate::Findings;
use crate::fact::{Instant, OPEN};
use crate::facts::Facts;
use crate::query::AssetFilter;
use jiff::Timestamp;

/// The days after which what is overdue counts as older: a week, a month, a quarter.
pub const AGE_DAYS: [i64; 3] = [7, 30, 90];
/// How many days ahead are looked at.
pub const DAYS_AHEAD: usize = 30;

const DAY: Instant = 24 * 60 * 60 * 1000;

/// For how long what is overdue has been, and when the rest falls due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages {
    /// By class, the strictest first: what is overdue for up to each of [`AGE_DAYS`], and for longer.
    pub overdue: Vec<(String, [u64; AGE_DAYS.len() + 1])>,
    /// What falls due within each of the next days, from now on; what comes later is in none.
    pub ahead: [u64; DAYS_AHEAD],
}

impl Findings {
    /// For how long what is overdue has been on the assets that are asked for, against the clock's instant, and when the rest falls
    /// due.
    #[must_use]
    pub fn ages(&self, facts: &Facts, filter: &AssetFilter, now: Timestamp) -> Ages {
        let wanted = (*filter != AssetFilter::default()).then(|| self.facets.find(facts, filter));
        let now = now.as_millisecond();
        let classes = self.question.policy.classes.iter().map(|class| (class.id.clone(), Default::default()));
        let mut ages = Ages { overdue: classes.collect(), ..Ages::default() };
        for cell in self.cells.iter().flatten().filter(|cell| cell.key.state.counts() && cell.key.due != OPEN) {
            let count =
                || wanted.as_ref().map_or_else(|| cell.assets.len(), |wanted| cell.assets.intersection_len(wanted));
            let late = now.saturating_sub(cell.key.due);
            if late > 0 {
                let place = AGE_DAYS.iter().filter(|days| late > **days * DAY).count();
                if let Some((_, buckets)) = ages.overdue.get_mut(usize::from(cell.key.rank)) {
                    buckets[place] += count();
                }
            } else if let Some(day) = ages.ahead.get_mut(usize::try_from(-late / DAY).unwrap_or(usize::MAX)) {
                *day += count();
            }
        }
        ages
    }
}
