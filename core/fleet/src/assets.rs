//! Lists of assets, with what is owed on each.

use crate::evaluate::Findings;
use crate::fact::OPEN;
use crate::facts::Facts;
use crate::query::AssetFilter;
use crate::summary::{Counts, instants};
use jiff::Timestamp;
use lifecycle::{AssetId, Attributes};

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
}

impl Findings {
    /// A part of the list of the assets that are asked for, those with most that is overdue first, then by id; and how many
    /// there are in all.
    #[must_use]
    pub fn assets(
        &self,
        facts: &Facts,
        (filter, now): (&AssetFilter, Timestamp),
        (offset, limit): (usize, usize),
    ) -> (usize, Vec<AssetRow>) {
        let instants = instants(now);
        let wanted = self.facets.find(facts, filter);
        let mut counts = vec![(Counts::default(), OPEN); facts.assets.len()];
        for cell in self.cells.iter().flatten() {
            for asset in &cell.assets {
                let (counts, due) = &mut counts[asset as usize];
                counts.add(&cell.key, 1, instants);
                *due = (*due).min(if cell.key.state.counts() { cell.key.due } else { OPEN });
            }
        }
        let mut order: Vec<u32> = wanted.iter().collect();
        order.sort_by(|a, b| {
            let weight = |asset: &u32| (counts[*asset as usize].0.overdue, counts[*asset as usize].0.findings);
            let id = |asset: &u32| &facts.assets[*asset as usize].id;
            weight(b).cmp(&weight(a)).then_with(|| id(a).cmp(id(b)))
        });
        let total = order.len();
        let page = order.into_iter().skip(offset).take(limit);
        (total, page.map(|asset| self.asset_row(facts, asset, counts[asset as usize])).collect())
    }

    fn asset_row(&self, facts: &Facts, asset: u32, (counts, due): (Counts, i64)) -> AssetRow {
        let at = self.at();
        let known = &facts.assets[asset as usize];
        let (mut packages, mut undetermined) = (0, 0);
        self.each_thing(facts, asset, |thing| {
            let facts = &facts.things[thing as usize];
            packages += u64::from(facts.thing.is_package());
            undetermined += u64::from(!facts.is_determined(at));
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
        }
    }
}
