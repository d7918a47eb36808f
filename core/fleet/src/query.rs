//! Questions to the findings: lists, groups, what one finding rests on.

use crate::after::{AfterFinding, Place};
use crate::evaluate::{Cell, Findings, Key, State};
use crate::facets::Facet;
use crate::fact::{Instant, OPEN};
use crate::facts::Facts;
use crate::judgement::Fix;
use crate::sieve::{Sieve, count};
use jiff::Timestamp;
use lifecycle::AssetId;
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::cmp::Ordering;

/// Which findings are asked for; what is empty lets everything through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// States; empty means all that count: everything but suppressed ones.
    pub states: Vec<State>,
    /// Classes, by their ids.
    pub classes: Vec<String>,
    /// A part of the vulnerability's id, an alias or the title.
    pub vulnerability: Option<String>,
    /// The vulnerability's id, whole.
    pub exactly: Option<String>,
    /// A part of a package's or its source's name; `=name` for those whose patches bear just that name.
    pub package: Option<String>,
    /// Only what is overdue, or only what is not.
    pub is_overdue: Option<bool>,
    /// Only what is due before this instant.
    pub due_before: Option<Timestamp>,
    /// Which assets.
    pub assets: AssetFilter,
}

/// Which assets are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// A part of the id or the name.
    pub name: Option<String>,
    /// The id, whole.
    pub id: Option<AssetId>,
    /// The ids of which one must be its own.
    pub among: Option<std::collections::BTreeSet<AssetId>>,
    /// The environment.
    pub environment: Option<String>,
    /// The team that owns it.
    pub owner: Option<String>,
    /// The teams of which one must own it: who asks sees no others.
    pub owners: Option<std::collections::BTreeSet<String>>,
    /// How much depends on it.
    pub criticality: Option<String>,
    /// Whether it can be reached from the internet.
    pub exposure: Option<lifecycle::Exposure>,
    /// A word to find it by.
    pub tag: Option<String>,
    /// A part of the operating system's name.
    pub platform: Option<String>,
    /// What must not be known of it.
    pub unknown: Vec<Facet>,
}

/// By what a list is sorted; what is equal stands by due date, then by vulnerability and asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// What is due first comes first.
    #[default]
    Due,
    /// The strictest class comes first.
    Class,
    /// The highest CVSS score comes first.
    Cvss,
    /// The highest EPSS score comes first.
    Epss,
    /// By vulnerability.
    Vulnerability,
    /// By asset.
    Asset,
}

/// A list that is asked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Which findings.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// How many to pass over, behind what the list goes on after.
    pub offset: usize,
    /// The last finding of the part before, as that part named it.
    pub after: Option<AfterFinding>,
    /// How many at the most.
    pub limit: usize,
    /// The instant against which due dates are held.
    pub now: Timestamp,
}

/// A part of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// How many there are in all.
    pub total: u64,
    /// How many of them are overdue.
    pub overdue: u64,
    /// The findings.
    pub rows: Vec<Row>,
    /// The last of them, where there are more behind it.
    pub last: Option<AfterFinding>,
}

/// A finding in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The asset.
    pub asset: AssetId,
    /// The vulnerability.
    pub vulnerability: String,
    /// One line on it; may be empty.
    pub title: String,
    /// Its CVSS base score.
    pub cvss: Option<f64>,
    /// Its EPSS score.
    pub epss: Option<f64>,
    /// Whether a catalogue lists it as exploited.
    pub is_exploited: bool,
    /// The state.
    pub state: State,
    /// Whether it was closed before.
    pub is_reopened: bool,
    /// The class.
    pub class: String,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// Whether that is past.
    pub is_overdue: bool,
    /// Whether a mitigation is owed, because no patch exists.
    pub is_mitigation: bool,
    /// When it was seen first on the asset.
    pub first_seen: Timestamp,
    /// The packages that carry it, as `name version`, each with the version that fixes it, if there is one.
    pub carriers: Vec<(String, Option<String>)>,
}

impl Key {
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.due < now && self.state != State::Suppressed
    }
}

/// A cell in a list that is being made.
struct Candidate<'c> {
    order: (u64, Instant, u32),
    number: u32,
    /// How many of the cell's findings are asked for.
    count: u64,
    cell: &'c Cell,
}

impl Candidate<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order).then(self.cell.key.cmp(&other.cell.key))
    }

    /// Where the cell stands against the one of a finding.
    fn compare_to(&self, place: &Place) -> Ordering {
        self.order.cmp(&(place.order, place.key.due, place.rank)).then(self.cell.key.cmp(&place.key))
    }
}

/// A finding of a part.
struct Found {
    number: u32,
    asset: u32,
    key: Key,
}

impl Place {
    fn compare(&self, other: &Self, facts: &Facts, sort: Sort) -> Ordering {
        if sort == Sort::Asset {
            let id = |place: &Self| facts.assets[place.asset as usize].id.as_str();
            return id(self).cmp(id(other)).then((self.key, self.rank).cmp(&(other.key, other.rank)));
        }
        let own = |place: &Self| (place.order, place.key.due, place.rank, place.key, place.asset);
        own(self).cmp(&own(other))
    }
}

/// So few assets are gone through one by one.
const FEW_ASSETS: u64 = 32;

impl Findings {
    /// A part of the list of findings; nothing behind a finding that was never here.
    #[must_use]
    pub fn list(&self, facts: &Facts, query: &Query) -> Page {
        let sieve = Sieve::new(self, facts, &query.filter, query.now);
        let after = match &query.after {
            None => None,
            // Behind what was never here there is nothing.
            Some(after) => match after.place(self, facts, query.sort) {
                None => return Page::default(),
                known => known,
            },
        };
        if let Some(assets) = sieve.assets.as_ref().filter(|assets| assets.len() <= FEW_ASSETS) {
            return self.list_of_few(facts, (&sieve, assets), (query, after));
        }
        // One more than is asked for shows whether there are more, and the cell of the one before may hold nothing more.
        let wanted = query.offset.saturating_add(query.limit).saturating_add(2);
        let numbers = sieve.vulnerabilities(self);
        let parts = numbers.par_iter().with_min_len(256).fold(Part::default, |part, number| {
            part.with(self, facts, (&sieve, query.sort), (*number as usize, wanted, after.as_ref()))
        });
        let whole = parts.reduce(Part::default, |one, other| one.join(other, wanted));
        let found = match query.sort {
            Sort::Asset => self.found_by_asset(facts, &sieve, (query, after)),
            _ => self.found_by_cell(facts, &sieve, (query, after), whole.candidates),
        };
        self.page((whole.total, whole.overdue), found, facts, query)
    }

    /// How many findings a filter would let through besides, that are set aside: by a decision, or because the policy does not cover
    /// their assets. None where the filter asks for states itself.
    #[must_use]
    pub fn set_aside(&self, facts: &Facts, filter: &Filter, now: Timestamp) -> Option<u64> {
        if !filter.states.is_empty() {
            return None;
        }
        let filter = Filter { states: vec![State::Suppressed], ..filter.clone() };
        Some(self.list(facts, &Query { filter, now, ..Query::default() }).total)
    }

    /// The part of a list that was found: one more than is asked for, if there are more.
    fn page(&self, (total, overdue): (u64, u64), mut found: Vec<Found>, facts: &Facts, query: &Query) -> Page {
        let has_more = found.len() > query.limit;
        found.truncate(query.limit);
        let last = found.last().filter(|_| has_more).map(|last| {
            let order = self.order(facts, query.sort, last.number as usize, &last.key);
            AfterFinding::new(facts, (last.number, last.asset), &last.key, order)
        });
        let row = |found: Found| self.row(facts, (found.number, found.asset), &found.key, query.now);
        Page { total, overdue, rows: found.into_iter().map(row).collect(), last }
    }

    /// The list where only a few assets are asked for: all their findings, in order.
    fn list_of_few(
        &self,
        facts: &Facts,
        (sieve, assets): (&Sieve<'_>, &RoaringBitmap),
        (query, after): (&Query, Option<Place>),
    ) -> Page {
        let mut all = Vec::new();
        for asset in assets {
            let asked = self.asked_of(facts, sieve, asset);
            all.extend(asked.into_iter().map(|(number, key)| {
                let place = self.place_of(facts, (number, asset), &key, query.sort);
                (place, Found { number, asset, key })
            }));
        }
        let overdue = all.iter().filter(|(_, found)| found.key.is_overdue(sieve.now)).count() as u64;
        let total = all.len() as u64;
        all.sort_by(|(a, _), (b, _)| a.compare(b, facts, query.sort));
        let is_before =
            |place: &Place| after.as_ref().is_some_and(|after| place.compare(after, facts, query.sort).is_le());
        let behind = all.into_iter().filter(|(place, _)| !is_before(place)).map(|(_, found)| found);
        let found = behind.skip(query.offset).take(query.limit.saturating_add(1)).collect();
        self.page((total, overdue), found, facts, query)
    }

    fn place_of(&self, facts: &Facts, (number, asset): (u32, u32), key: &Key, sort: Sort) -> Place {
        let order = self.order(facts, sort, number as usize, key);
        Place { order, rank: self.ranks[number as usize], key: *key, asset }
    }

    /// The findings of an asset that are asked for.
    fn asked_of(&self, facts: &Facts, sieve: &Sieve<'_>, asset: u32) -> Vec<(u32, Key)> {
        let mut own = match sieve.things() {
            None => self.findings_of(facts, asset),
            Some(things) => self.findings_in_things(facts, asset, things),
        };
        own.retain(|(number, key)| sieve.lets_key(key) && sieve.lets_vulnerability(facts, *number as usize));
        own
    }

    fn found_by_cell(
        &self,
        facts: &Facts,
        sieve: &Sieve<'_>,
        (query, after): (&Query, Option<Place>),
        candidates: Vec<Candidate<'_>>,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        let mut passed = 0;
        for candidate in candidates {
            // Of the cell that the part before ended in, what comes behind its last row is left.
            let is_last = after.filter(|after| candidate.compare_to(after).is_eq());
            if is_last.is_none() && passed + (candidate.count as usize) <= query.offset {
                passed += candidate.count as usize;
                continue;
            }
            let asked = sieve.assets_of(self, facts, candidate.number as usize);
            let is_asked = |asset: &u32| {
                asked.as_ref().is_none_or(|asked| asked.contains(*asset))
                    && is_last.is_none_or(|after| *asset > after.asset)
            };
            for asset in candidate.cell.assets.iter().filter(is_asked) {
                if found.len() > query.limit {
                    return found;
                }
                passed += 1;
                if passed > query.offset {
                    found.push(Found { number: candidate.number, asset, key: candidate.cell.key });
                }
            }
        }
        found
    }

    fn found_by_asset(&self, facts: &Facts, sieve: &Sieve<'_>, (query, after): (&Query, Option<Place>)) -> Vec<Found> {
        let id = |asset: u32| facts.assets[asset as usize].id.as_str();
        let start = after.map_or(0, |after| self.facets.order.partition_point(|asset| id(*asset) < id(after.asset)));
        let asked = |asset: &&u32| sieve.assets.as_ref().is_none_or(|assets| assets.contains(**asset));
        let mut found = Vec::new();
        let mut passed = 0;
        for asset in self.facets.order[start..].iter().filter(asked).copied() {
            let mut own: Vec<(Place, u32)> = self
                .asked_of(facts, sieve, asset)
                .into_iter()
                .map(|(number, key)| (self.place_of(facts, (number, asset), &key, Sort::Asset), number))
                .collect();
            own.sort_by(|(a, _), (b, _)| a.compare(b, facts, Sort::Asset));
            for (place, number) in own {
                if found.len() > query.limit {
                    return found;
                }
                if after.is_some_and(|after| place.compare(&after, facts, Sort::Asset).is_le()) {
                    continue;
                }
                passed += 1;
                if passed > query.offset {
                    found.push(Found { number, asset, key: place.key });
                }
            }
        }
        found
    }

    fn row(&self, facts: &Facts, (number, asset): (u32, u32), key: &Key, now: Timestamp) -> Row {
        let known = &facts.vulnerabilities[number as usize];
        let signals = known.signals_at(self.at());
        let (slot, carriers) = self.slot_of(facts, number, asset);
        let carrier = |(thing, detail): &(u32, u32)| {
            let fix = match &facts.details[*detail as usize].fix {
                Fix::Available(version) => Some(version.clone()),
                _ => None,
            };
            (facts.things[*thing as usize].thing.label(), fix)
        };
        Row {
            asset: facts.assets[asset as usize].id.clone(),
            vulnerability: known.id.clone(),
            title: signals.map(|signals| signals.title.clone()).unwrap_or_default(),
            cvss: signals.and_then(|signals| signals.cvss.as_ref().map(|(score, _)| *score)),
            epss: signals.and_then(|signals| signals.epss.map(|(score, _)| score)),
            is_exploited: signals.is_some_and(|signals| signals.listed.is_some()),
            state: key.state,
            is_reopened: key.is_reopened,
            class: self.class(key),
            due: (key.due != OPEN).then(|| crate::deadline::timestamp(key.due)),
            is_overdue: key.is_overdue(now.as_millisecond()),
            is_mitigation: key.is_mitigation,
            first_seen: crate::deadline::timestamp(slot.start),
            carriers: carriers.iter().map(carrier).collect(),
        }
    }

    pub(crate) fn class(&self, key: &Key) -> String {
        self.question.policy.classes.get(usize::from(key.rank)).map(|class| class.id.clone()).unwrap_or_default()
    }

    /// Calls `each` with every cell that is asked for, and the assets of it that are.
    pub(crate) fn each_cell(
        &self,
        facts: &Facts,
        filter: &Filter,
        now: Timestamp,
        mut each: impl FnMut(u32, &Key, &RoaringBitmap),
    ) {
        let sieve = Sieve::new(self, facts, filter, now);
        for number in sieve.vulnerabilities(self) {
            let cells = &self.cells[number as usize];
            if cells.is_empty() || !sieve.lets_vulnerability(facts, number as usize) {
                continue;
            }
            let asked = sieve.assets_of(self, facts, number as usize);
            for cell in cells.iter().filter(|cell| sieve.lets_key(&cell.key)) {
                match &asked {
                    None => each(number, &cell.key, &cell.assets),
                    Some(asked) => each(number, &cell.key, &(&cell.assets & asked.as_ref())),
                }
            }
        }
    }

    /// What a list is sorted by first.
    fn order(&self, facts: &Facts, sort: Sort, number: usize, key: &Key) -> u64 {
        let signals = || facts.vulnerabilities[number].signals_at(self.at());
        // The higher score comes first; what has none comes last. Scores are not negative.
        let falling = |score: Option<f64>| score.map_or(u64::MAX, |score| u64::MAX - 1 - (score * 1e6) as u64);
        match sort {
            Sort::Due | Sort::Asset => 0,
            Sort::Class => u64::from(key.rank),
            Sort::Cvss => falling(signals().and_then(|signals| signals.cvss.as_ref().map(|(score, _)| *score))),
            Sort::Epss => falling(signals().and_then(|signals| signals.epss.map(|(score, _)| score))),
            Sort::Vulnerability => u64::from(self.ranks[number]),
        }
    }
}

/// A part of what a list is made of: the first cells of it, and counts.
#[derive(Default)]
struct Part<'c> {
    total: u64,
    overdue: u64,
    candidates: Vec<Candidate<'c>>,
}

impl<'c> Part<'c> {
    fn with(
        mut self,
        findings: &'c Findings,
        facts: &Facts,
        (sieve, sort): (&Sieve<'_>, Sort),
        (number, wanted, after): (usize, usize, Option<&Place>),
    ) -> Self {
        let cells = &findings.cells[number];
        if cells.is_empty() || !sieve.lets_vulnerability(facts, number) {
            return self;
        }
        let asked = sieve.assets_of(findings, facts, number);
        for cell in cells.iter().filter(|cell| sieve.lets_key(&cell.key)) {
            let count = count(cell, asked.as_deref());
            if count == 0 {
                continue;
            }
            self.total += count;
            self.overdue += if cell.key.is_overdue(sieve.now) { count } else { 0 };
            let order = (findings.order(facts, sort, number, &cell.key), cell.key.due, findings.ranks[number]);
            let candidate = Candidate { order, number: number as u32, count, cell };
            if after.is_none_or(|after| candidate.compare_to(after).is_ge()) {
                self.candidates.push(candidate);
            }
        }
        // Every cell brings one finding at least: more than so many are never shown.
        if self.candidates.len() > wanted.saturating_mul(4).saturating_add(1024) {
            self.cut(wanted);
        }
        self
    }

    fn cut(&mut self, wanted: usize) {
        if self.candidates.len() > wanted && wanted > 0 {
            self.candidates.select_nth_unstable_by(wanted - 1, Candidate::compare);
            self.candidates.truncate(wanted);
        }
    }

    fn join(mut self, other: Self, wanted: usize) -> Self {
        self.total += other.total;
        self.overdue += other.overdue;
        self.candidates.extend(other.candidates);
        self.cut(wanted);
        self.candidates.sort_unstable_by(Candidate::compare);
        self
    }
}
