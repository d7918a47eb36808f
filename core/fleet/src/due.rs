//! What falls due, asset by asset.

use crate::evaluate::{Findings, State};
use crate::facts::Facts;
use jiff::Timestamp;
use lifecycle::AssetId;
use std::collections::BTreeMap;

/// Findings of a class that fall due on an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Falling {
    /// The class.
    pub class: String,
    /// How many.
    pub count: u64,
    /// When the first of them does.
    pub first: Timestamp,
}

impl Findings {
    /// The findings with a patch that are due by an instant, asset by asset, the strictest class first; those that are overdue
    /// included. What waits for a restart, or for a patch to appear, is none that a patch would end.
    #[must_use]
    pub fn falling_due(&self, facts: &Facts, until: Timestamp) -> BTreeMap<AssetId, Vec<Falling>> {
        let until = until.as_millisecond();
        let mut found: BTreeMap<u32, BTreeMap<u16, (u64, i64)>> = BTreeMap::new();
        for cell in self.cells.iter().flatten() {
            let key = &cell.key;
            if key.state != State::Open || key.is_mitigation || key.due > until {
                continue;
            }
            for asset in &cell.assets {
                let (count, first) = found.entry(asset).or_default().entry(key.rank).or_insert((0, i64::MAX));
                *count += 1;
                *first = (*first).min(key.due);
            }
        }
        let classes = &self.question.policy.classes;
        let falling = |(rank, (count, first)): (u16, (u64, i64))| Falling {
            class: classes.get(usize::from(rank)).map(|class| class.id.clone()).unwrap_or_default(),
            count,
            first: Timestamp::from_millisecond(first).unwrap_or(Timestamp::MAX),
        };
        let named = |(asset, classes): (u32, BTreeMap<u16, (u64, i64)>)| {
            (facts.assets[asset as usize].id.clone(), classes.into_iter().map(falling).collect())
        };
        found.into_iter().map(named).collect()
    }
}
