//! The plain way: most findings of a vulnerability come to the same for whole sets of assets, and are worked out as sets.
//!
//! What is not plain, such as findings that may have come back or whose first sight decides, is left for one by one.

use crate::evaluate::{Cell, Findings, Key};
use crate::fact::{Claim, OPEN};
use crate::facts::Facts;
use crate::judgement::Standing;
use crate::keys::{Keys, key};
use crate::slot::{Decided, Profiles};
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

/// More kinds of carriers than this are looked at one by one.
const MOST_KINDS: usize = 8;

/// Cells that are being made.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    cells: Vec<Cell>,
    places: FxHashMap<Key, usize>,
    last: Option<(Key, usize)>,
}

impl Cells {
    fn place(&mut self, key: Key) -> usize {
        if let Some((same, place)) = self.last
            && same == key
        {
            return place;
        }
        let cells = &mut self.cells;
        let place = *self.places.entry(key).or_insert_with(|| {
            cells.push(Cell { key, assets: RoaringBitmap::new() });
            cells.len() - 1
        });
        self.last = Some((key, place));
        place
    }

    /// Puts an asset into the cell of a key.
    pub(crate) fn push(&mut self, key: Key, asset: u32) {
        let place = self.place(key);
        self.cells[place].assets.insert(asset);
    }

    fn extend(&mut self, key: Key, assets: &RoaringBitmap) {
        let place = self.place(key);
        self.cells[place].assets |= assets;
    }

    pub(crate) fn into_sorted(self) -> Vec<Cell> {
        let mut cells = self.cells;
        cells.sort_unstable_by_key(|cell| cell.key);
        cells
    }
}

/// Assets that have the same kinds of carriers now.
struct Part {
    mask: u32,
    standing: Standing,
    assets: RoaringBitmap,
}

impl Findings {
    /// Makes the cells of what is plain, and says which assets are left; none if all are.
    pub(crate) fn plain_cells(
        &self,
        facts: &Facts,
        (number, profiles): (usize, &Profiles),
        keys: &mut Keys<'_>,
        cells: &mut Cells,
    ) -> Option<RoaringBitmap> {
        let is_of_now = self.question.at.is_none();
        if !is_of_now || !Decided::on(&self.question, facts, number).0.is_empty() {
            return None;
        }
        let (kinds, mut rest) = carriers(facts, &facts.vulnerabilities[number].claims, profiles);
        if kinds.len() > MOST_KINDS {
            return None;
        }
        for mut part in parts(kinds) {
            part.assets -= &rest;
            self.cells_of_part(&part, (profiles, keys), cells, &mut rest);
        }
        Some(rest)
    }

    fn cells_of_part(
        &self,
        part: &Part,
        (profiles, keys): (&Profiles, &mut Keys<'_>),
        cells: &mut Cells,
        rest: &mut RoaringBitmap,
    ) {
        let mask = profiles.deciding_of(part.mask, part.mask);
        if part.assets.len() < self.groups.members.len() as u64 {
            for asset in &part.assets {
                match keys.whenever(mask, self.groups.of_asset[asset as usize]) {
                    Some(derived) => {
                        let state = self.groups.state(part.standing, self.groups.of_asset[asset as usize]);
                        cells.push(key(derived, state, false), asset);
                    }
                    None => {
                        rest.insert(asset);
                    }
                }
            }
            return;
        }
        for (group, members) in self.groups.members.iter().enumerate().filter(|(_, members)| !members.is_empty()) {
            let both;
            let assets = match self.groups.members.len() {
                1 => &part.assets,
                _ => {
                    both = &part.assets & members;
                    &both
                }
            };
            if assets.is_empty() {
                continue;
            }
            match keys.whenever(mask, group as u32) {
                Some(derived) => {
                    let state = self.groups.state(part.standing, group as u32);
                    cells.extend(key(derived, state, false), assets);
                }
                None => *rest |= assets,
            }
        }
    }
}

/// The assets that have a kind of carrier: a profile's bit and a standing.
type Kind = ((u32, Standing), RoaringBitmap);

/// What carries a vulnerability now, by profile and standing, and the assets whose findings may have a past that counts.
fn carriers(facts: &Facts, claims: &[Claim], profiles: &Profiles) -> (Vec<Kind>, RoaringBitmap) {
    let mut by_thing: Vec<&Claim> = claims.iter().collect();
    by_thing.sort_by_key(|claim| claim.thing);
    let (mut kinds, mut past): (Vec<Kind>, RoaringBitmap) = Default::default();
    for own in by_thing.chunk_by(|one, other| one.thing == other.thing) {
        let thing = &facts.things[own[0].thing as usize];
        past |= &thing.past;
        let open = own.iter().find(|claim| claim.until == OPEN);
        if let Some(claim) = open {
            let kind = (profiles.bit(claim), facts.details[claim.detail as usize].standing);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, assets)) => *assets |= &thing.holders,
                None => kinds.push((kind, thing.holders.clone())),
            }
        }
        // Other words of the same weight, one after the other without a gap, are no past.
        let follows = |pair: &[&Claim]| pair[0].until == pair[1].from && profiles.bit(pair[0]) == profiles.bit(pair[1]);
        if open.is_none() || !own.windows(2).all(follows) {
            past |= &thing.holders;
        }
    }
    let mut now = RoaringBitmap::new();
    kinds.iter().for_each(|(_, assets)| now |= assets);
    (kinds, now & past)
}

/// Splits assets by all the kinds of carriers that they have.
fn parts(kinds: Vec<Kind>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for ((bit, standing), mut new) in kinds {
        let mut split = Vec::new();
        for part in &mut parts {
            let both = &part.assets & &new;
            if !both.is_empty() {
                part.assets -= &both;
                new -= &both;
                split.push(Part { mask: part.mask | bit, standing: part.standing.min(standing), assets: both });
            }
        }
        parts.extend(split);
        parts.push(Part { mask: bit, standing, assets: new });
        parts.retain(|part| !part.assets.is_empty());
    }
    parts
}
