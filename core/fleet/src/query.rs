//! Questions to the findings: lists, groups, what one finding rests on.

use crate::evaluate::{Cell, Findings, Key, State};
use crate::facts::{Facts, Instant, OPEN};
use crate::judgement::Fix;
use jiff::Timestamp;
use lifecycle::AssetId;
use rayon::prelude::*;
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
    /// A part of a package's or its source's name.
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
    /// The environment.
    pub environment: Option<String>,
    /// The team that owns it.
    pub owner: Option<String>,
    /// How much depends on it.
    pub criticality: Option<String>,
    /// Whether it can be reached from the internet.
    pub exposure: Option<lifecycle::Exposure>,
    /// A word to find it by.
    pub tag: Option<String>,
    /// A part of the operating system's name.
    pub platform: Option<String>,
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
    /// How many to pass over.
    pub offset: usize,
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

/// Holds a filter's parts against assets and vulnerabilities.
pub(crate) struct Sieve<'q> {
    filter: &'q Filter,
    ranks: Vec<bool>,
    /// By asset; none lets all through.
    pub(crate) assets: Option<Vec<bool>>,
    /// By thing; none lets all through.
    things: Option<Vec<bool>>,
    now: Instant,
}

/// Whether a text holds a part, whatever the case.
fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

impl<'q> Sieve<'q> {
    pub(crate) fn new(findings: &Findings, facts: &Facts, filter: &'q Filter, now: Timestamp) -> Self {
        let is_asked = |id: &String| filter.classes.is_empty() || filter.classes.contains(id);
        let ranks = findings.question.policy.classes.iter().map(|class| is_asked(&class.id)).collect();
        let assets = (filter.assets != AssetFilter::default())
            .then(|| (0..facts.assets.len()).map(|asset| filter.assets.fits(findings, facts, asset)).collect());
        let things = filter.package.as_ref().map(|part| {
            let fits = |facts: &crate::facts::ThingFacts| {
                holds(&facts.thing.name, part) || holds(facts.thing.patched_as(), part) || facts.thing.is_named(part)
            };
            facts.things.iter().map(fits).collect()
        });
        Self { filter, ranks, assets, things, now: now.as_millisecond() }
    }

    fn lets_vulnerability(&self, facts: &Facts, number: usize) -> bool {
        let known = &facts.vulnerabilities[number];
        let by_text = self.filter.vulnerability.as_ref().is_none_or(|part| {
            let signals = known.signals.last().map(|(_, signals)| signals);
            holds(&known.id, part)
                || signals.is_some_and(|signals| {
                    holds(&signals.title, part) || signals.aliases.iter().any(|alias| holds(alias, part))
                })
        });
        let by_package = || {
            let things = self.things.as_ref();
            things.is_none_or(|things| known.claims.iter().any(|claim| things[claim.thing as usize]))
        };
        by_text && by_package()
    }

    fn lets_key(&self, key: &Key) -> bool {
        let by_state = match self.filter.states.is_empty() {
            true => key.state != State::Suppressed,
            false => self.filter.states.contains(&key.state),
        };
        by_state
            && self.ranks.get(usize::from(key.rank)).copied().unwrap_or(true)
            && self.filter.is_overdue.is_none_or(|wanted| key.is_overdue(self.now) == wanted)
            && self.filter.due_before.is_none_or(|before| key.due < before.as_millisecond())
    }

    /// The assets that have a carrier of the asked name with the vulnerability; none lets all through.
    fn carriers(&self, findings: &Findings, facts: &Facts, number: usize) -> Option<Vec<bool>> {
        let things = self.things.as_ref()?;
        let mut fits = vec![false; facts.assets.len()];
        findings.each_carrier(facts, number, |thing, asset| fits[asset as usize] |= things[thing as usize]);
        Some(fits)
    }

    /// The assets of a cell that are asked for.
    fn assets<'c>(&'c self, cell: &'c Cell, carriers: Option<&'c Vec<bool>>) -> impl Iterator<Item = u32> + 'c {
        let is_asked = move |asset: &u32| {
            let at = *asset as usize;
            self.assets.as_ref().is_none_or(|assets| assets[at]) && carriers.is_none_or(|carriers| carriers[at])
        };
        cell.assets.iter().copied().filter(is_asked)
    }

    fn count(&self, cell: &Cell, carriers: Option<&Vec<bool>>) -> u64 {
        match (&self.assets, carriers) {
            (None, None) => cell.assets.len() as u64,
            _ => self.assets(cell, carriers).count() as u64,
        }
    }
}

impl AssetFilter {
    pub(crate) fn fits(&self, findings: &Findings, facts: &Facts, asset: usize) -> bool {
        let known = &facts.assets[asset];
        if !findings.is_there(facts, asset) {
            return false;
        }
        let Some(said) = known.said_at(findings.at()) else { return false };
        let is = |wanted: &Option<String>, own: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| own.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(wanted)))
        };
        let has_name =
            |part: &String| holds(known.id.as_str(), part) || said.name.as_ref().is_some_and(|name| holds(name, part));
        self.id.as_ref().is_none_or(|id| *id == known.id)
            && self.name.as_ref().is_none_or(has_name)
            && is(&self.environment, &said.environment)
            && is(&self.owner, &said.owner)
            && is(&self.criticality, &said.criticality)
            && self.exposure.is_none_or(|exposure| said.exposure == Some(exposure))
            && self.tag.as_ref().is_none_or(|tag| said.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
            && self.platform.as_ref().is_none_or(|part| holds(&known.platform, part))
    }
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
    cell: &'c Cell,
}

impl Candidate<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order).then(self.cell.key.cmp(&other.cell.key))
    }
}

impl Findings {
    /// A part of the list of findings.
    #[must_use]
    pub fn list(&self, facts: &Facts, query: &Query) -> Page {
        let sieve = Sieve::new(self, facts, &query.filter, query.now);
        let wanted = query.offset.saturating_add(query.limit);
        let parts = (0..self.cells.len()).into_par_iter().with_min_len(512);
        let parts =
            parts.fold(Part::default, |part, number| part.with(self, facts, (&sieve, query.sort), (number, wanted)));
        let whole = parts.reduce(Part::default, |one, other| one.join(other, wanted));
        let rows = match query.sort {
            Sort::Asset => self.rows_by_asset(facts, &sieve, query),
            _ => self.rows_by_cell(facts, &sieve, query, whole.candidates),
        };
        Page { total: whole.total, overdue: whole.overdue, rows }
    }

    fn rows_by_cell(
        &self,
        facts: &Facts,
        sieve: &Sieve<'_>,
        query: &Query,
        candidates: Vec<Candidate<'_>>,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut passed = 0;
        for candidate in candidates {
            let carriers = sieve.carriers(self, facts, candidate.number as usize);
            for asset in sieve.assets(candidate.cell, carriers.as_ref()) {
                if rows.len() == query.limit {
                    return rows;
                }
                passed += 1;
                if passed > query.offset {
                    rows.push(self.row(facts, candidate.number, asset, &candidate.cell.key, query.now));
                }
            }
        }
        rows
    }

    fn rows_by_asset(&self, facts: &Facts, sieve: &Sieve<'_>, query: &Query) -> Vec<Row> {
        let mut assets: Vec<u32> = (0..facts.assets.len() as u32).collect();
        assets.retain(|asset| sieve.assets.as_ref().is_none_or(|assets| assets[*asset as usize]));
        assets.sort_unstable_by_key(|asset| facts.assets[*asset as usize].id.as_str());
        let mut rows = Vec::new();
        let mut passed = 0;
        for asset in assets {
            let mut own = self.findings_of(facts, asset);
            own.retain(|(number, key)| sieve.lets_key(key) && sieve.lets_vulnerability(facts, *number as usize));
            own.retain(|(number, _)| {
                sieve.carriers(self, facts, *number as usize).is_none_or(|carriers| carriers[asset as usize])
            });
            own.sort_by_key(|(number, key)| (*key, self.ranks[*number as usize]));
            for (number, key) in own {
                if rows.len() == query.limit {
                    return rows;
                }
                passed += 1;
                if passed > query.offset {
                    rows.push(self.row(facts, number, asset, &key, query.now));
                }
            }
        }
        rows
    }

    fn row(&self, facts: &Facts, number: u32, asset: u32, key: &Key, now: Timestamp) -> Row {
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
        mut each: impl FnMut(u32, &Cell, &mut dyn Iterator<Item = u32>),
    ) {
        let sieve = Sieve::new(self, facts, filter, now);
        for (number, cells) in self.cells.iter().enumerate() {
            if cells.is_empty() || !sieve.lets_vulnerability(facts, number) {
                continue;
            }
            let carriers = sieve.carriers(self, facts, number);
            for cell in cells.iter().filter(|cell| sieve.lets_key(&cell.key)) {
                each(number as u32, cell, &mut sieve.assets(cell, carriers.as_ref()));
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
        (number, wanted): (usize, usize),
    ) -> Self {
        let cells = &findings.cells[number];
        if cells.is_empty() || !sieve.lets_vulnerability(facts, number) {
            return self;
        }
        let carriers = sieve.carriers(findings, facts, number);
        for cell in cells.iter().filter(|cell| sieve.lets_key(&cell.key)) {
            let count = sieve.count(cell, carriers.as_ref());
            if count == 0 {
                continue;
            }
            self.total += count;
            self.overdue += if cell.key.is_overdue(sieve.now) { count } else { 0 };
            let order = (findings.order(facts, sort, number, &cell.key), cell.key.due, findings.ranks[number]);
            self.candidates.push(Candidate { order, number: number as u32, cell });
        }
        // Every cell brings one finding at least: more than so many are never shown.
        if self.candidates.len() > 4 * wanted + 1024 {
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
