//! Coverage: what is not known of the assets that are asked for.

use crate::evaluate::{Findings, State};
use crate::facts::Facts;
use crate::query::AssetFilter;
use crate::thing::Thing;
use lifecycle::{AssetId, Attributes};
use roaring::RoaringBitmap;

/// What is not known of some assets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many assets there are.
    pub assets: u64,
    /// How many of them nobody has looked at.
    pub never_scanned: u64,
    /// How many of them could not be read in full when somebody did.
    pub partly_read: u64,
    /// How many packages, releases and what else is judged on them could not be.
    pub undetermined: u64,
    /// How many findings on them could not be decided.
    pub undecided: u64,
}

/// Something that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undetermined {
    /// What it is.
    pub thing: Thing,
    /// Why; empty if it was not held against any advisories yet.
    pub why: String,
    /// On how many of the assets it is.
    pub assets: u64,
}

impl Findings {
    /// What is not known of the assets that are asked for.
    #[must_use]
    pub fn coverage(&self, facts: &Facts, filter: &AssetFilter) -> Coverage {
        let (wanted, at) = (self.facets.find(facts, filter), self.at());
        let is_unseen = |asset: &u32| !facts.assets[*asset as usize].is_seen(at);
        let open = (0..facts.things.len() as u32).filter(|thing| !facts.things[*thing as usize].is_determined(at));
        let undecided = self.cells.iter().flatten().filter(|cell| cell.key.state == State::Undetermined);
        Coverage {
            assets: wanted.len(),
            never_scanned: wanted.iter().filter(is_unseen).count() as u64,
            partly_read: wanted.iter().filter(|asset| facts.assets[*asset as usize].unread_at(at) > 0).count() as u64,
            undetermined: open.map(|thing| self.count_on(facts, thing, &wanted)).sum(),
            undecided: undecided.map(|cell| cell.assets.intersection_len(&wanted)).sum(),
        }
    }

    /// What could not be judged on the assets that are asked for, what is on most of them first.
    #[must_use]
    pub fn undetermined(&self, facts: &Facts, filter: &AssetFilter) -> Vec<Undetermined> {
        let (wanted, at) = (self.facets.find(facts, filter), self.at());
        let mut found = Vec::new();
        for (number, known) in (0..).zip(&facts.things).filter(|(_, known)| !known.is_determined(at)) {
            let assets = self.count_on(facts, number, &wanted);
            if assets > 0 {
                let end = known.undetermined.partition_point(|(since, _)| *since <= at);
                let why = known.undetermined[..end].last().map(|(_, why)| why.clone()).unwrap_or_default();
                found.push(Undetermined { thing: known.thing.as_ref().clone(), why, assets });
            }
        }
        found.sort_by(|a, b| b.assets.cmp(&a.assets).then_with(|| a.thing.cmp(&b.thing)));
        found
    }

    /// The assets that are asked for, with what was said about them.
    pub fn each_asset<'f>(
        &self,
        facts: &'f Facts,
        filter: &AssetFilter,
    ) -> impl Iterator<Item = (&'f AssetId, &'f Attributes)> + use<'f> {
        let at = self.at();
        self.facets.find(facts, filter).into_iter().filter_map(move |asset| {
            let known = &facts.assets[asset as usize];
            Some((&known.id, known.said_at(at)?))
        })
    }

    /// The assets that are asked for of which all is known that was looked for, and nothing is overdue: somebody has looked at them, all
    /// of it could be read and judged.
    pub fn each_sound<'f>(
        &self,
        facts: &'f Facts,
        filter: &AssetFilter,
        now: jiff::Timestamp,
    ) -> impl Iterator<Item = (&'f AssetId, &'f Attributes)> + use<'f> {
        let at = self.at();
        let mut sound = self.facets.find(facts, filter);
        for cell in self.cells.iter().flatten() {
            if cell.key.is_overdue(now.as_millisecond()) || cell.key.state == State::Undetermined {
                sound -= &cell.assets;
            }
        }
        for (number, known) in (0..).zip(&facts.things).filter(|(_, known)| !known.is_determined(at)) {
            match self.question.at {
                None => sound -= &known.holders,
                Some(_) => self.each_holder(facts, number, |asset| {
                    sound.remove(asset);
                }),
            }
        }
        sound.into_iter().filter_map(move |asset| {
            let known = &facts.assets[asset as usize];
            (known.is_seen(at) && known.unread_at(at) == 0).then(|| Some((&known.id, known.said_at(at)?)))?
        })
    }

    pub(crate) fn count_on(&self, facts: &Facts, thing: u32, wanted: &RoaringBitmap) -> u64 {
        if self.question.at.is_none() {
            return facts.things[thing as usize].holders.intersection_len(wanted);
        }
        let mut count = 0;
        self.each_holder(facts, thing, |asset| count += u64::from(wanted.contains(asset)));
        count
    }
}
