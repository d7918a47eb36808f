//! Dashboards: how much is owed and how much of it is overdue, by class and by group, as of an instant.

use crate::evaluate::{Findings, State};
use crate::facts::{Facts, OPEN};
use crate::query::Filter;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Counts of findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that count: open, restart pending and undetermined.
    pub findings: u64,
    /// Those of them that are overdue.
    pub overdue: u64,
    /// Those that fall due within seven days and are not overdue.
    pub due_soon: u64,
    /// Those whose patch is on disk while the old code still runs.
    pub restart_pending: u64,
    /// Those of which it cannot be said whether the asset is affected.
    pub undetermined: u64,
    /// Those that were closed and have come back.
    pub reopened: u64,
    /// Those that somebody says do not count; they are in none of the others.
    pub suppressed: u64,
}

/// The state of a fleet in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// All findings.
    pub all: Counts,
    /// By class, the strictest first.
    pub classes: Vec<(String, Counts)>,
    /// How many assets are registered.
    pub assets: u64,
    /// How many of them nobody has looked at: nothing is known of these.
    pub never_scanned: u64,
    /// How many of them have something overdue.
    pub assets_overdue: u64,
    /// How many packages on assets could not be judged.
    pub undetermined_packages: u64,
    /// How many distinct package versions there are on assets.
    pub distinct_packages: u64,
    /// How many packages there are on assets.
    pub packages: u64,
}

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
}

/// What falls due within this counts as soon.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Counts {
    pub(crate) fn add(&mut self, key: &crate::evaluate::Key, count: u64, (now, soon): (i64, i64)) {
        if !key.state.counts() {
            self.suppressed += count;
            return;
        }
        self.findings += count;
        match key.due {
            due if due < now => self.overdue += count,
            due if due < soon => self.due_soon += count,
            _ => {}
        }
        match key.state {
            State::RestartPending => self.restart_pending += count,
            State::Undetermined => self.undetermined += count,
            _ => {}
        }
        if key.is_reopened {
            self.reopened += count;
        }
    }
}

pub(crate) fn instants(now: Timestamp) -> (i64, i64) {
    let soon = now.checked_add(SOON).unwrap_or(Timestamp::MAX);
    (now.as_millisecond(), soon.as_millisecond())
}

impl Findings {
    /// The fleet in figures, against the clock's instant.
    #[must_use]
    pub fn summary(&self, facts: &Facts, now: Timestamp) -> Summary {
        let instants = instants(now);
        let mut summary = Summary::default();
        let mut classes: Vec<(String, Counts)> =
            self.question.policy.classes.iter().map(|class| (class.id.clone(), Counts::default())).collect();
        let mut is_overdue = vec![false; facts.assets.len()];
        for cell in self.cells.iter().flatten() {
            let count = cell.assets.len() as u64;
            summary.all.add(&cell.key, count, instants);
            if let Some((_, counts)) = classes.get_mut(usize::from(cell.key.rank)) {
                counts.add(&cell.key, count, instants);
            }
            if cell.key.is_overdue(instants.0) {
                cell.assets.iter().for_each(|asset| is_overdue[*asset as usize] = true);
            }
        }
        summary.classes = classes;
        let at = self.at();
        for asset in (0..facts.assets.len()).filter(|asset| self.is_there(facts, *asset)) {
            summary.assets += 1;
            summary.assets_overdue += u64::from(is_overdue[asset]);
            summary.never_scanned += u64::from(facts.assets[asset].first.is_none_or(|first| first > at));
        }
        for thing in facts.things.iter().filter(|facts| facts.thing.is_package()) {
            // Of the past, what is there now is counted where it was there already.
            let ended =
                thing.spans.iter().filter(|span| span.from <= at && span.until > at && span.until != OPEN).count();
            let later = thing.spans.iter().filter(|span| span.from > at && span.until == OPEN).count();
            let count = (thing.holders.len() + ended as u64).saturating_sub(later as u64);
            summary.packages += count;
            summary.distinct_packages += u64::from(count > 0);
            summary.undetermined_packages += if thing.is_determined(at) { 0 } else { count };
        }
        summary
    }

    /// Groups of findings: those with most that is overdue first, then the largest.
    #[must_use]
    pub fn groups(&self, facts: &Facts, (filter, by): (&Filter, GroupBy), now: Timestamp) -> Vec<Group> {
        let instants = instants(now);
        let mut groups: HashMap<String, (Counts, HashSet<u32>, i64)> = HashMap::new();
        let mut note = |name: &str, key: &crate::evaluate::Key, assets: &[u32]| {
            let group = match groups.get_mut(name) {
                Some(group) => group,
                None => groups.entry(name.to_owned()).or_insert((Counts::default(), HashSet::new(), OPEN)),
            };
            group.0.add(key, assets.len() as u64, instants);
            group.1.extend(assets);
            group.2 = group.2.min(key.due);
        };
        self.each_cell(facts, filter, now, |number, cell, assets| {
            let assets: Vec<u32> = assets.collect();
            if assets.is_empty() {
                return;
            }
            let mut parts: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
            match by {
                GroupBy::Vulnerability => note(&facts.vulnerabilities[number as usize].id, &cell.key, &assets),
                GroupBy::Class => note(&self.class(&cell.key), &cell.key, &assets),
                GroupBy::State => note(cell.key.state.word(), &cell.key, &assets),
                GroupBy::Package => {
                    for (name, assets) in self.by_package(facts, number, &assets) {
                        note(name, &cell.key, &assets);
                    }
                }
                GroupBy::Asset | GroupBy::Environment | GroupBy::Owner | GroupBy::Platform => {
                    for asset in assets {
                        parts.entry(self.name_of(facts, asset, by)).or_default().push(asset);
                    }
                    parts.iter().for_each(|(name, assets)| note(name, &cell.key, assets));
                }
            }
        });
        let mut groups: Vec<Group> = groups
            .into_iter()
            .map(|(name, (counts, assets, due))| Group {
                name,
                counts,
                assets: assets.len() as u64,
                due: (due != OPEN).then(|| crate::deadline::timestamp(due)),
            })
            .collect();
        groups.sort_by(|a, b| {
            let weight = |group: &Group| (group.counts.overdue, group.counts.findings);
            weight(b).cmp(&weight(a)).then_with(|| a.name.cmp(&b.name))
        });
        groups
    }

    fn name_of<'f>(&self, facts: &'f Facts, asset: u32, by: GroupBy) -> &'f str {
        let known = &facts.assets[asset as usize];
        let said = known.said_at(self.at());
        match by {
            GroupBy::Environment => said.and_then(|said| said.environment.as_deref()).unwrap_or_default(),
            GroupBy::Owner => said.and_then(|said| said.owner.as_deref()).unwrap_or_default(),
            GroupBy::Platform => &known.platform,
            _ => known.id.as_str(),
        }
    }

    /// Which of some assets carry a vulnerability in which source package.
    fn by_package<'f>(&self, facts: &'f Facts, number: u32, assets: &[u32]) -> BTreeMap<&'f str, Vec<u32>> {
        let mut found: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        self.each_carrier(facts, number as usize, |thing, asset| {
            if assets.binary_search(&asset).is_ok() {
                found.entry(facts.things[thing as usize].thing.patched_as()).or_default().push(asset);
            }
        });
        for assets in found.values_mut() {
            assets.sort_unstable();
            assets.dedup();
        }
        found
    }
}

impl State {
    /// Whether it counts as something that is owed.
    #[must_use]
    pub fn counts(self) -> bool {
        self != Self::Suppressed
    }

    /// The state in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::RestartPending => "restart pending",
            Self::Undetermined => "undetermined",
            Self::Suppressed => "suppressed",
        }
    }
}
