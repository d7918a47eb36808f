//! Sieves: a filter, made ready to be held against many findings.

use crate::evaluate::{Cell, Findings, Key, State};
use crate::fact::{Instant, OPEN};
use crate::facts::Facts;
use crate::query::{AssetFilter, Filter};
use jiff::Timestamp;
use rayon::prelude::*;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::sync::Arc;

/// Holds a filter's parts against assets and vulnerabilities.
pub(crate) struct Sieve<'q> {
    filter: &'q Filter,
    ranks: Vec<bool>,
    /// The assets that are asked for; none lets all through.
    pub(crate) assets: Option<Arc<RoaringBitmap>>,
    /// The things that are asked for; none lets all through.
    things: Option<RoaringBitmap>,
    /// By thing that is asked for: those of its holders that are asked for too, where not all are and it is of now.
    holders: FxHashMap<u32, RoaringBitmap>,
    /// The vulnerabilities in these, in rising order; none lets all through.
    of_things: Option<Vec<u32>>,
    pub(crate) now: Instant,
}

/// By thing that carries anything now: those of its holders that are among some assets.
fn holders_among(facts: &Facts, things: &RoaringBitmap, assets: &RoaringBitmap) -> FxHashMap<u32, RoaringBitmap> {
    let is_open =
        |(number, place): &(u32, u32)| facts.vulnerabilities[*number as usize].claims[*place as usize].until == OPEN;
    let carries = |thing: &u32| facts.things[*thing as usize].claims.iter().any(is_open);
    let things: RoaringBitmap = things.iter().filter(carries).collect();
    let all_held: u64 = things.iter().map(|thing| facts.things[thing as usize].holders.len()).sum();
    let all_had: usize = assets.iter().map(|asset| facts.assets[asset as usize].things.size()).sum();
    // The shorter of both ways: what is asked for may be many things of few assets, or few things of many.
    // A number takes two bytes, as a rule.
    let found = match (all_had as u64) < 2 * all_held {
        true => along_assets(facts, &things, assets),
        false => along_things(facts, &things, assets),
    };
    debug_assert_eq!(found, along_things(facts, &things, assets));
    debug_assert_eq!(found, along_assets(facts, &things, assets));
    found
}

fn along_things(facts: &Facts, things: &RoaringBitmap, assets: &RoaringBitmap) -> FxHashMap<u32, RoaringBitmap> {
    let things: Vec<u32> = things.iter().collect();
    let both = |thing: &u32| (*thing, &facts.things[*thing as usize].holders & assets);
    things.par_iter().with_min_len(64).map(both).filter(|(_, holders)| !holders.is_empty()).collect()
}

fn along_assets(facts: &Facts, things: &RoaringBitmap, assets: &RoaringBitmap) -> FxHashMap<u32, RoaringBitmap> {
    let mut is_asked = vec![false; facts.things.len()];
    things.iter().for_each(|thing| is_asked[thing as usize] = true);
    let assets: Vec<u32> = assets.iter().collect();
    let of_some = |assets: &[u32]| {
        let of_one = |asset: &u32| {
            let (asset, things) = (*asset, facts.assets[*asset as usize].things.iter());
            things.filter(|thing| is_asked[*thing as usize]).map(move |thing| (thing, asset))
        };
        assets.iter().flat_map(of_one).collect::<Vec<_>>()
    };
    let parts: Vec<Vec<(u32, u32)>> = assets.par_chunks(256).map(of_some).collect();
    let mut lists: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    parts.into_iter().flatten().for_each(|(thing, asset)| lists.entry(thing).or_default().push(asset));
    lists.into_iter().map(|(thing, list)| (thing, list.into_iter().collect())).collect()
}

/// Whether a text holds a part that is in small letters, whatever the text's case.
pub(crate) fn holds(text: &str, part: &str) -> bool {
    if text.is_ascii() {
        return part.is_empty()
            || text.as_bytes().windows(part.len()).any(|own| own.eq_ignore_ascii_case(part.as_bytes()));
    }
    text.to_lowercase().contains(part)
}

impl<'q> Sieve<'q> {
    pub(crate) fn new(findings: &Findings, facts: &Facts, filter: &'q Filter, now: Timestamp) -> Self {
        let is_asked = |id: &String| filter.classes.is_empty() || filter.classes.contains(id);
        let ranks = findings.question.policy.classes.iter().map(|class| is_asked(&class.id)).collect();
        let assets = (filter.assets != AssetFilter::default()).then(|| findings.facets.find(facts, &filter.assets));
        let things = filter.package.as_ref().map(|part| facts.things_named(part));
        let of_things = things.as_ref().map(|things| {
            let claims = things.iter().flat_map(|thing| &facts.things[thing as usize].claims);
            let mut found: Vec<u32> = claims.map(|(vulnerability, _)| *vulnerability).collect();
            found.sort_unstable();
            found.dedup();
            found
        });
        let mut holders = FxHashMap::default();
        if let (Some(things), Some(assets), None) = (&things, &assets, findings.question.at) {
            holders = holders_among(facts, things, assets);
        }
        Self { filter, ranks, assets, things, holders, of_things, now: now.as_millisecond() }
    }

    /// The vulnerabilities that may be asked for, in rising order.
    pub(crate) fn vulnerabilities(&self, findings: &Findings) -> Vec<u32> {
        match &self.of_things {
            Some(found) => found.iter().copied().filter(|number| (*number as usize) < findings.cells.len()).collect(),
            None => (0..findings.cells.len() as u32).collect(),
        }
    }

    pub(crate) fn lets_vulnerability(&self, facts: &Facts, number: usize) -> bool {
        let known = &facts.vulnerabilities[number];
        if self.filter.exactly.as_ref().is_some_and(|id| *id != known.id) {
            return false;
        }
        self.filter.vulnerability.as_ref().is_none_or(|part| {
            let part = part.to_lowercase();
            let signals = known.signals.last().map(|(_, signals)| signals);
            holds(&known.id, &part)
                || signals.is_some_and(|signals| {
                    holds(&signals.title, &part) || signals.aliases.iter().any(|alias| holds(alias, &part))
                })
        })
    }

    pub(crate) fn lets_key(&self, key: &Key) -> bool {
        let by_state = match self.filter.states.is_empty() {
            true => key.state != State::Suppressed,
            false => self.filter.states.contains(&key.state),
        };
        by_state
            && self.ranks.get(usize::from(key.rank)).copied().unwrap_or(true)
            && self.filter.is_overdue.is_none_or(|wanted| key.is_overdue(self.now) == wanted)
            && self.filter.due_before.is_none_or(|before| key.due < before.as_millisecond())
    }

    /// The assets on which a vulnerability may be asked for: those that are, and have a carrier of the asked name; none lets
    /// all through.
    pub(crate) fn assets_of(
        &self,
        findings: &Findings,
        facts: &Facts,
        number: usize,
    ) -> Option<Cow<'_, RoaringBitmap>> {
        let Some(things) = &self.things else { return self.assets.as_deref().map(Cow::Borrowed) };
        let mut found = RoaringBitmap::new();
        let at = findings.at();
        let claims = facts.vulnerabilities[number].claims.iter().filter(|claim| claim.from <= at && claim.until > at);
        for claim in claims.filter(|claim| things.contains(claim.thing)) {
            match findings.question.at {
                None => match &self.assets {
                    None => found |= &facts.things[claim.thing as usize].holders,
                    Some(_) => self.holders.get(&claim.thing).into_iter().for_each(|holders| found |= holders),
                },
                Some(_) => findings.each_holder(facts, claim.thing, |asset| {
                    if self.assets.as_ref().is_none_or(|assets| assets.contains(asset)) {
                        found.insert(asset);
                    }
                }),
            }
        }
        Some(Cow::Owned(found))
    }

    /// The things that are asked for; none lets all through.
    pub(crate) fn things(&self) -> Option<&RoaringBitmap> {
        self.things.as_ref()
    }
}

/// How many assets of a cell are among those that are asked for.
pub(crate) fn count(cell: &Cell, asked: Option<&RoaringBitmap>) -> u64 {
    asked.map_or_else(|| cell.assets.len(), |asked| cell.assets.intersection_len(asked))
}

impl Facts {
    /// The things with a part in their name or their source's, or that a package URL names, or whose patches are named after what
    /// follows `=`.
    fn things_named(&self, part: &str) -> RoaringBitmap {
        let small = part.to_lowercase();
        if part.starts_with("pkg:") {
            let is_named = |(_, facts): &(usize, &crate::fact::ThingFacts)| facts.thing.is_named(part);
            return self.things.iter().enumerate().filter(is_named).map(|(number, _)| number as u32).collect();
        }
        if let Some(name) = part.strip_prefix('=') {
            let is_its = |(_, facts): &(u32, &crate::fact::ThingFacts)| facts.thing.patched_as() == name;
            return (0..).zip(&self.things).filter(is_its).map(|(number, _)| number).collect();
        }
        let mut found = RoaringBitmap::new();
        let named = self.names.iter().filter(|(name, _)| name.contains(&small));
        named.for_each(|(_, things)| found.extend(things));
        found
    }
}
