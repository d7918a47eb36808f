//! Groups of findings, with what is owed in each.

use crate::evaluate::{Cell, Findings, Key};
use crate::fact::OPEN;
use crate::facts::Facts;
use crate::query::{AssetFilter, Filter};
use crate::sieve::Sieve;
use crate::summary::{Counts, instants};
use jiff::Timestamp;
use roaring::RoaringBitmap;
use std::collections::{BTreeSet, HashMap};

/// By what findings are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// By vulnerability.
    Vulnerability,
    /// By the source package that a patch is named after.
    Package,
    /// By asset.
    Asset,
    /// By class.
    Class,
    /// By state.
    State,
    /// By the assets' environment.
    Environment,
    /// By the assets' owner.
    Owner,
    /// By the assets' operating system.
    Platform,
}

/// A group of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they have in common; empty where it is not known.
    pub name: String,
    /// How many there are.
    pub counts: Counts,
    /// On how many assets.
    pub assets: u64,
    /// When the first of them is due.
    pub due: Option<Timestamp>,
    /// When the last of them is due.
    pub last_due: Option<Timestamp>,
}

/// A group that is being counted.
#[derive(Debug, Clone)]
struct Counted {
    counts: Counts,
    assets: RoaringBitmap,
    due: i64,
    last_due: Option<i64>,
}

impl Default for Counted {
    fn default() -> Self {
        Self { counts: Counts::default(), assets: RoaringBitmap::new(), due: OPEN, last_due: None }
    }
}

impl Counted {
    fn add(&mut self, key: &Key, count: u64, instants: (i64, i64)) {
        self.counts.add(key, count, instants);
        let due = if key.state.counts() { key.due } else { OPEN };
        self.due = self.due.min(due);
        self.last_due = self.last_due.max(Some(due).filter(|due| *due != OPEN));
    }
}

impl Findings {
    /// Groups of findings: those with most that is overdue first, then the largest.
    #[must_use]
    pub fn groups(&self, facts: &Facts, (filter, by): (&Filter, GroupBy), now: Timestamp) -> Vec<Group> {
        let groups = match by {
            GroupBy::Asset | GroupBy::Environment | GroupBy::Owner | GroupBy::Platform => {
                self.groups_of_assets(facts, (filter, by), now)
            }
            _ => self.groups_of_findings(facts, (filter, by), now),
        };
        let group = |(name, counted): (String, Counted)| Group {
            name,
            counts: counted.counts,
            assets: counted.assets.len(),
            due: (counted.due != OPEN).then(|| crate::deadline::timestamp(counted.due)),
            last_due: counted.last_due.map(crate::deadline::timestamp),
        };
        let mut groups: Vec<Group> = groups.into_iter().map(group).collect();
        groups.sort_by(|a, b| {
            let weight = |group: &Group| (group.counts.overdue, group.counts.findings);
            weight(b).cmp(&weight(a)).then_with(|| a.name.cmp(&b.name))
        });
        groups
    }

    /// The source packages whose patches fall due next on the assets that are asked for, what is overdue left aside, so many at most:
    /// each with what is owed of it and not overdue, in the order of the first due dates.
    #[must_use]
    pub fn next_due(&self, facts: &Facts, (assets, most): (&AssetFilter, usize), now: Timestamp) -> Vec<Group> {
        let filter = Filter { is_overdue: Some(false), assets: assets.clone(), ..Filter::default() };
        let group = |name: &str| {
            let filter = Filter { package: Some(format!("={name}")), ..filter.clone() };
            let named = self.groups(facts, (&filter, GroupBy::Package), now);
            named.into_iter().find(|group| group.name == name)
        };
        let names = self.names_due(facts, &Sieve::new(self, facts, &filter, now), most);
        let mut groups: Vec<Group> = names.into_iter().filter_map(group).collect();
        groups.sort_by(|a, b| a.due.cmp(&b.due).then_with(|| a.name.cmp(&b.name)));
        groups.truncate(most);
        groups
    }

    /// The source packages of what a sieve lets through and is due first.
    fn names_due<'f>(&self, facts: &'f Facts, sieve: &Sieve<'_>, most: usize) -> BTreeSet<&'f str> {
        let is_asked = |cell: &&Cell| {
            let is_on = |assets: &RoaringBitmap| !cell.assets.is_disjoint(assets);
            cell.key.due != OPEN && sieve.lets_key(&cell.key) && sieve.assets.as_deref().is_none_or(is_on)
        };
        let all = (0..).zip(&self.cells);
        let mut cells: Vec<(u32, &Cell)> =
            all.flat_map(|(number, cells)| cells.iter().filter(is_asked).map(move |cell| (number, cell))).collect();
        cells.sort_unstable_by_key(|(number, cell)| (cell.key.due, *number));
        let mut carriers: HashMap<u32, Vec<(&str, RoaringBitmap)>> = HashMap::new();
        let mut names = BTreeSet::new();
        let mut last = OPEN;
        for (number, cell) in cells {
            // What is due at the same instant as the last one that has room stands beside it.
            if names.len() >= most && cell.key.due > last {
                break;
            }
            last = cell.key.due;
            let assets = sieve.assets.as_deref().map_or_else(|| cell.assets.clone(), |asked| &cell.assets & asked);
            let carriers = carriers.entry(number).or_insert_with(|| self.by_package(facts, number));
            names.extend(carriers.iter().filter(|(_, carriers)| !carriers.is_disjoint(&assets)).map(|(name, _)| *name));
        }
        names
    }

    fn groups_of_findings(
        &self,
        facts: &Facts,
        (filter, by): (&Filter, GroupBy),
        now: Timestamp,
    ) -> HashMap<String, Counted> {
        let instants = instants(now);
        let mut groups: HashMap<String, Counted> = HashMap::new();
        let mut note = |name: &str, key: &Key, assets: &RoaringBitmap| {
            let group = match groups.get_mut(name) {
                Some(group) => group,
                None => groups.entry(name.to_owned()).or_default(),
            };
            group.add(key, assets.len(), instants);
            group.assets |= assets;
        };
        let mut packages: (u32, Vec<(&str, RoaringBitmap)>) = (u32::MAX, Vec::new());
        self.each_cell(facts, filter, now, |number, key, assets| {
            if assets.is_empty() {
                return;
            }
            match by {
                GroupBy::Vulnerability => note(&facts.vulnerabilities[number as usize].id, key, assets),
                GroupBy::Class => note(&self.class(key), key, assets),
                GroupBy::Package => {
                    if packages.0 != number {
                        packages = (number, self.by_package(facts, number));
                    }
                    let parts = packages.1.iter().map(|(name, carriers)| (name, carriers & assets));
                    parts.filter(|(_, both)| !both.is_empty()).for_each(|(name, both)| note(name, key, &both));
                }
                _ => note(key.state.word(), key, assets),
            }
        });
        groups
    }

    /// Every asset is in one group, so that what is in a cell is counted by the asset's own.
    fn groups_of_assets(
        &self,
        facts: &Facts,
        (filter, by): (&Filter, GroupBy),
        now: Timestamp,
    ) -> HashMap<String, Counted> {
        let instants = instants(now);
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut names: Vec<&str> = Vec::new();
        let mut number_of = |asset: u32| {
            let name = self.name_of(facts, asset, by);
            *numbers.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as u32 - 1
            })
        };
        let of_asset: Vec<u32> = (0..facts.assets.len() as u32).map(&mut number_of).collect();
        let mut groups = vec![Counted::default(); names.len()];
        let mut counts = vec![0_u64; names.len()];
        let mut touched: Vec<u32> = Vec::new();
        let mut seen = RoaringBitmap::new();
        self.each_cell(facts, filter, now, |_, key, assets| {
            seen |= assets;
            for asset in assets {
                let group = of_asset[asset as usize];
                if counts[group as usize] == 0 {
                    touched.push(group);
                }
                counts[group as usize] += 1;
            }
            for group in touched.drain(..) {
                groups[group as usize].add(key, std::mem::take(&mut counts[group as usize]), instants);
            }
        });
        for asset in &seen {
            groups[of_asset[asset as usize] as usize].assets.insert(asset);
        }
        let named = names.into_iter().map(str::to_owned).zip(groups);
        named.filter(|(_, group)| !group.assets.is_empty()).collect()
    }

    fn name_of<'f>(&self, facts: &'f Facts, asset: u32, by: GroupBy) -> &'f str {
        let known = &facts.assets[asset as usize];
        let said = known.said_at(self.at());
        match by {
            GroupBy::Environment => said.and_then(|said| said.environment.as_deref()).unwrap_or_default(),
            GroupBy::Owner => said.and_then(|said| said.owner.as_deref()).unwrap_or_default(),
            GroupBy::Platform => known.platform_at(self.at()),
            _ => known.id.as_str(),
        }
    }

    /// The assets that carry a vulnerability, by the source package that does.
    fn by_package<'f>(&self, facts: &'f Facts, number: u32) -> Vec<(&'f str, RoaringBitmap)> {
        let mut found: Vec<(&str, RoaringBitmap)> = Vec::new();
        let at = self.at();
        let claims = facts.vulnerabilities[number as usize].claims.iter();
        for claim in claims.filter(|claim| claim.from <= at && claim.until > at) {
            let facts_of_thing = &facts.things[claim.thing as usize];
            let name = facts_of_thing.thing.patched_as();
            let place = found.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
                found.push((name, RoaringBitmap::new()));
                found.len() - 1
            });
            match self.question.at {
                None => found[place].1 |= &facts_of_thing.holders,
                Some(_) => self.each_holder(facts, claim.thing, |asset| {
                    found[place].1.insert(asset);
                }),
            }
        }
        found
    }
}
