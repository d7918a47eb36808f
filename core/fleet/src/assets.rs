//! Lists of assets, with what is owed on each.

use crate::after::AfterAsset;
use crate::evaluate::{Cell, Findings, Key};
use crate::fact::{Instant, OPEN};
use crate::facts::Facts;
use crate::query::AssetFilter;
use crate::summary::{Counts, instants};
use jiff::Timestamp;
use lifecycle::{AssetId, Attributes};
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::collections::HashMap;

/// An asset in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetRow {
    /// Its id.
    pub asset: AssetId,
    /// What is said about it.
    pub attributes: Attributes,
    /// Its operating system, in words; may be empty.
    pub platform: String,
    /// What is owed on it.
    pub counts: Counts,
    /// When the first of that is due.
    pub due: Option<Timestamp>,
    /// How many packages it has.
    pub packages: u64,
    /// How many of them, and of what else is judged of it, could not be.
    pub undetermined: u64,
    /// How many files or entries could not be read when it was looked at.
    pub unread: u64,
    /// Whether anybody has looked at it.
    pub is_scanned: bool,
    /// What could not be read when it was looked at last.
    pub problems: Vec<String>,
    /// Why the policy does not cover it; none if it does.
    pub uncovered: Option<String>,
}

impl AssetRow {
    /// Where a list goes on behind it.
    #[must_use]
    pub fn after(&self) -> AfterAsset {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        AfterAsset { weight: (count(self.counts.overdue), count(self.counts.findings)), asset: self.asset.clone() }
    }
}

impl Findings {
    /// A part of the list of the assets that are asked for, those with most that is overdue first, then by id; and how many
    /// there are in all.
    #[must_use]
    pub fn assets(
        &self,
        facts: &Facts,
        asked: (&AssetFilter, Timestamp),
        (offset, limit): (usize, usize),
    ) -> (usize, Vec<AssetRow>) {
        self.assets_after(facts, asked, (None, offset, limit))
    }

    /// The same, behind an asset of the part before.
    #[must_use]
    pub fn assets_after(
        &self,
        facts: &Facts,
        (filter, now): (&AssetFilter, Timestamp),
        (after, offset, limit): (Option<&AfterAsset>, usize, usize),
    ) -> (usize, Vec<AssetRow>) {
        let wanted = self.facets.find(facts, filter);
        let weights = self.owed(facts.assets.len(), now.as_millisecond()).by_asset;
        let mut order: Vec<u32> = wanted.iter().collect();
        let total = order.len();
        if let Some(after) = after {
            let place = (Reverse(after.weight), &after.asset);
            order.retain(|asset| (Reverse(weights[*asset as usize]), &facts.assets[*asset as usize].id) > place);
        }
        let before = |a: &u32, b: &u32| {
            let id = |asset: &u32| &facts.assets[*asset as usize].id;
            weights[*b as usize].cmp(&weights[*a as usize]).then_with(|| id(a).cmp(id(b)))
        };
        // Only what is shown, and what stands before it, has to be in order.
        let end = offset.saturating_add(limit).min(order.len());
        if end < order.len() {
            order.select_nth_unstable_by(end, before);
            order.truncate(end);
        }
        order.sort_unstable_by(before);
        let page: Vec<u32> = order.into_iter().skip(offset).collect();
        let owed = self.owed_on(&page, now);
        (total, page.into_iter().zip(owed).map(|(asset, owed)| self.asset_row(facts, asset, owed)).collect())
    }

    /// What is owed on some assets, and when the first of it is due.
    fn owed_on(&self, assets: &[u32], now: Timestamp) -> Vec<(Counts, Instant)> {
        let instants = instants(now);
        let places: HashMap<u32, usize> = assets.iter().copied().zip(0..).collect();
        let wanted: RoaringBitmap = assets.iter().copied().collect();
        let mut owed = vec![(Counts::default(), OPEN); assets.len()];
        let of_one = |cells: &Vec<Cell>| -> Vec<(usize, Key)> {
            let of_cell = |cell: &Cell| {
                let found =
                    if cell.assets.is_disjoint(&wanted) { RoaringBitmap::new() } else { &cell.assets & &wanted };
                let key = cell.key;
                found
                    .into_iter()
                    .filter_map(|asset| places.get(&asset).copied())
                    .map(move |place| (place, key))
                    .collect::<Vec<_>>()
            };
            cells.iter().flat_map(of_cell).collect()
        };
        for (place, key) in self.cells.par_iter().with_min_len(256).flat_map_iter(of_one).collect::<Vec<_>>() {
            let (counts, due) = &mut owed[place];
            counts.add(&key, 1, instants);
            *due = (*due).min(if key.state.counts() { key.due } else { OPEN });
        }
        owed
    }

    fn asset_row(&self, facts: &Facts, asset: u32, (counts, due): (Counts, i64)) -> AssetRow {
        let at = self.at();
        let known = &facts.assets[asset as usize];
        let (mut packages, mut undetermined) = (0, 0);
        self.each_thing(facts, asset, |thing| {
            let facts = &facts.things[thing as usize];
            packages += u64::from(facts.thing.is_package());
            undetermined += u64::from(facts.is_open(at));
        });
        AssetRow {
            asset: known.id.clone(),
            attributes: known.said_at(at).cloned().unwrap_or_default(),
            platform: known.platform_at(at).to_owned(),
            counts,
            due: (due != OPEN).then(|| crate::deadline::timestamp(due)),
            packages,
            undetermined,
            unread: known.unread_at(at),
            is_scanned: known.is_seen(at),
            problems: known.problems.clone(),
            uncovered: self.groups.uncovered.contains(asset).then(|| self.coverage_of(facts, asset).reason),
        }
    }
}
