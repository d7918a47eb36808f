//! Coverage: what is not known of the assets that are asked for.

use crate::evaluate::{Cell, Findings, State};
use crate::fact::ThingFacts;
use crate::facts::Facts;
use crate::query::AssetFilter;
use crate::thing::Thing;
use lifecycle::{AssetId, Attributes};
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::sync::Arc;

/// What is not known of some assets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many assets there are that the policy covers.
    pub assets: u64,
    /// How many of them nobody has looked at.
    pub never_scanned: u64,
    /// How many of them could not be read in full when somebody did.
    pub partly_read: u64,
    /// How many packages, releases and what else is judged on them could not be.
    pub undetermined: u64,
    /// How many findings on them could not be decided.
    pub undecided: u64,
    /// How many assets there are besides that the policy does not cover.
    pub uncovered: u64,
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
        let wanted = self.covered(facts, filter);
        let undecided = self.cells.iter().flatten().filter(|cell| cell.key.state == State::Undetermined);
        Coverage {
            assets: wanted.len(),
            uncovered: self.facets.find(facts, filter).intersection_len(&self.groups.uncovered),
            never_scanned: wanted.len() - wanted.intersection_len(&self.facets.seen),
            partly_read: wanted.intersection_len(&self.facets.partly_read),
            undetermined: self.open_things(facts).iter().map(|thing| self.count_on(facts, thing, &wanted)).sum(),
            undecided: undecided.map(|cell| cell.assets.intersection_len(&wanted)).sum(),
        }
    }

    /// The assets that are asked for and that the policy covers.
    pub(crate) fn covered(&self, facts: &Facts, filter: &AssetFilter) -> Arc<RoaringBitmap> {
        let wanted = self.facets.find(facts, filter);
        if self.groups.uncovered.is_empty() { wanted } else { Arc::new(wanted.as_ref() - &self.groups.uncovered) }
    }

    /// What could not be judged on the assets that are asked for, what is on most of them first.
    #[must_use]
    pub fn undetermined(&self, facts: &Facts, filter: &AssetFilter) -> Vec<Undetermined> {
        let (wanted, at) = (self.covered(facts, filter), self.at());
        let mut found = Vec::new();
        for number in self.open_things(facts).iter() {
            let (known, assets) = (&facts.things[number as usize], self.count_on(facts, number, &wanted));
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
        let wanted = RoaringBitmap::clone(&self.facets.find(facts, filter));
        wanted.into_iter().filter_map(move |asset| {
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
        self.sound(facts, filter, now).into_iter().filter_map(move |asset| {
            let known = &facts.assets[asset as usize];
            Some((&known.id, known.said_at(at)?))
        })
    }

    /// The numbers of those.
    pub(crate) fn sound(&self, facts: &Facts, filter: &AssetFilter, now: jiff::Timestamp) -> RoaringBitmap {
        let mut sound = self.covered(facts, filter).as_ref() & &self.facets.seen;
        sound -= &self.facets.partly_read;
        let is_unsound =
            |cell: &&Cell| cell.key.is_overdue(now.as_millisecond()) || cell.key.state == State::Undetermined;
        for cell in self.cells.iter().flatten().filter(is_unsound) {
            sound -= &cell.assets;
        }
        for number in self.open_things(facts).iter() {
            match self.question.at {
                None => sound -= &facts.things[number as usize].holders,
                Some(_) => self.each_holder(facts, number, |asset| {
                    sound.remove(asset);
                }),
            }
        }
        sound
    }

    /// The things of which nothing could be said.
    fn open_things<'f>(&self, facts: &'f Facts) -> Cow<'f, RoaringBitmap> {
        let Some(at) = self.question.at.map(jiff::Timestamp::as_millisecond) else { return Cow::Borrowed(&facts.open) };
        let all = (0..).zip(&facts.things);
        let is_open = |(_, known): &(u32, &ThingFacts)| known.is_open(at);
        Cow::Owned(all.filter(is_open).map(|(number, _)| number).collect())
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
