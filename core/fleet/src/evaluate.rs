//! Evaluation: which findings there are as of an instant, with their states and due dates.
//!
//! A finding is one vulnerability on one asset. Findings that agree in all that can be shown of them stand together in a cell.

use crate::deadline::Ground;
use crate::facets::Facets;
use crate::fact::{Claim, Instant, OPEN, ThingFacts};
use crate::facts::Facts;
use crate::group::Groups;
use crate::judgement::Standing;
use crate::keys::Keys;
use crate::owed;
use crate::plain::Cells;
use crate::slot::{Begun, Decided, EMPTY, Profiles, Scratch, Slot};
use crate::switch::Switch;
use jiff::Timestamp;
use lifecycle::Decision;
use policy::Policy;
use rayon::prelude::*;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The state of a finding. One that is closed is in no cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The asset is affected.
    Open,
    /// The patch is on disk, and the old code still runs.
    RestartPending,
    /// It cannot be said whether the asset is affected.
    Undetermined,
    /// Somebody says that it does not count.
    Suppressed,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::RestartPending, Self::Undetermined, Self::Suppressed];
}

/// What findings of one vulnerability have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Key {
    /// When it is due, in milliseconds since 1970; the largest number for what has no date.
    pub(crate) due: Instant,
    pub(crate) rank: u16,
    pub(crate) state: State,
    /// No patch exists: a mitigation is owed.
    pub(crate) is_mitigation: bool,
    /// It was closed before.
    pub(crate) is_reopened: bool,
}

/// Findings of one vulnerability that agree in everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) key: Key,
    /// Not empty.
    pub(crate) assets: RoaringBitmap,
}

/// What is to be evaluated.
#[derive(Debug, Clone)]
pub struct Question {
    /// The policy.
    pub policy: Arc<Policy>,
    /// The decisions that hold.
    pub decisions: Vec<Decision>,
    /// As of when; now if there is none, and then every fact counts whatever the clock said when it came in.
    pub at: Option<Timestamp>,
}

/// The findings as of an instant.
#[derive(Debug)]
pub struct Findings {
    pub(crate) question: Question,
    /// The switches that led to its policy, the oldest first.
    pub(crate) switches: Vec<Switch>,
    pub(crate) groups: Groups,
    pub(crate) facets: Facets,
    /// By vulnerability: its cells in the order of their keys.
    pub(crate) cells: Vec<Vec<Cell>>,
    /// By vulnerability: its place among all by their ids.
    pub(crate) ranks: Vec<u32>,
    pub(crate) owed: owed::Kept,
}

/// The switches that led to the policy of a question, where it is the one that was in force.
fn switches_to(facts: &Facts, question: &Question) -> Vec<Switch> {
    let is_in_force = facts.policy_at(question.at).is_some_and(|policy| Arc::ptr_eq(&policy, &question.policy));
    if is_in_force { facts.switches(question.at) } else { Vec::new() }
}

/// As of when facts are looked at: at the end of all times every fact has come in.
pub(crate) fn instant(at: Option<Timestamp>) -> Instant {
    at.map_or(OPEN - 1, Timestamp::as_millisecond)
}

impl Findings {
    /// Evaluates everything from zero, on all cores.
    #[must_use]
    pub fn evaluate(facts: &Facts, question: Question) -> Self {
        let switches = switches_to(facts, &question);
        Self::evaluate_after(facts, question, switches)
    }

    /// The same for a policy that nobody put in force, as if these switches had led to it.
    #[must_use]
    pub fn evaluate_after(facts: &Facts, question: Question, switches: Vec<Switch>) -> Self {
        let mut findings = Self::begin_after(facts, question, switches);
        while findings.go_on(facts, usize::MAX) {}
        findings
    }

    /// Begins to evaluate from zero; [`Findings::go_on`] does the rest, part by part.
    #[must_use]
    pub fn begin(facts: &Facts, question: Question) -> Self {
        let switches = switches_to(facts, &question);
        Self::begin_after(facts, question, switches)
    }

    pub(crate) fn begin_after(facts: &Facts, question: Question, switches: Vec<Switch>) -> Self {
        let groups = Groups::as_of(facts, (&question.policy, &switches), instant(question.at));
        let facets = Facets::as_of(facts, question.at.map(Timestamp::as_millisecond));
        let (cells, ranks, owed) = (Vec::new(), Vec::new(), owed::Kept::default());
        Self { question, switches, groups, facets, cells, ranks, owed }
    }

    /// Evaluates so many vulnerabilities more, on all cores; and says whether any are left. As of a past instant other facts may have
    /// come in since: they change nothing of it, unless [`Facts::is_other_since`] says so.
    #[must_use]
    pub fn go_on(&mut self, facts: &Facts, count: usize) -> bool {
        self.note_new_assets(facts);
        let (done, all) = (self.cells.len(), facts.vulnerabilities.len());
        let next: Vec<u32> = (done as u32..done.saturating_add(count).min(all) as u32).collect();
        let cells = self.cells_of(facts, &next);
        self.cells.extend(cells);
        self.owed.forget();
        let is_done = self.cells.len() == all;
        if is_done {
            self.ranks = ranks(facts);
        }
        !is_done
    }

    /// Notes the assets that have come in since.
    pub(crate) fn note_new_assets(&mut self, facts: &Facts) {
        let at = self.at();
        (self.groups.of_asset.len() as u32..facts.assets.len() as u32).for_each(|asset| {
            self.groups.note(facts, (&self.question.policy, &self.switches), (asset, at));
            self.facets.note(facts, asset, self.question.at.map(Timestamp::as_millisecond));
        });
        self.facets.sort(facts);
    }

    /// The instant as of which they are.
    pub(crate) fn at(&self) -> Instant {
        instant(self.question.at)
    }

    pub(crate) fn cells_of(&self, facts: &Facts, vulnerabilities: &[u32]) -> Vec<Vec<Cell>> {
        let scratch = || Scratch::new(facts.assets.len());
        let one = |scratch: &mut Scratch, number: &u32| self.cells_of_one(facts, *number as usize, scratch);
        match vulnerabilities.len() {
            0..8 => {
                let mut scratch = scratch();
                vulnerabilities.iter().map(|number| one(&mut scratch, number)).collect()
            }
            _ => vulnerabilities.par_iter().with_min_len(16).map_init(scratch, one).collect(),
        }
    }

    fn cells_of_one(&self, facts: &Facts, number: usize, scratch: &mut Scratch) -> Vec<Cell> {
        let profiles = Profiles::of(facts, &facts.vulnerabilities[number].claims);
        let mut keys = Keys::new(self, facts, number, &profiles);
        let mut cells = Cells::default();
        let rest = self.plain_cells(facts, (number, &profiles), &mut keys, &mut cells);
        if rest.as_ref().is_none_or(|rest| !rest.is_empty()) {
            self.gather(facts, (number, &profiles), rest.as_ref(), scratch);
            scratch.touched.sort_unstable();
            for asset in scratch.touched.drain(..) {
                let slot = std::mem::replace(&mut scratch.slots[asset as usize], EMPTY);
                // What was seen of it before it was registered counts from then on.
                if self.question.at.is_some() && !self.facets.there.contains(asset) {
                    continue;
                }
                if let Some(key) = keys.of(&slot, (asset, self.groups.of_asset[asset as usize])) {
                    cells.push(key, asset);
                }
            }
        }
        cells.into_sorted()
    }

    /// Gathers what is known of a vulnerability's findings on all assets, or on these.
    pub(crate) fn gather(
        &self,
        facts: &Facts,
        (number, profiles): (usize, &Profiles),
        only: Option<&RoaringBitmap>,
        scratch: &mut Scratch,
    ) {
        let at = self.at();
        let decided = Decided::on(&self.question, facts, number);
        let claims = &facts.vulnerabilities[number].claims;
        // Few assets are looked up one by one; of many, all that have a thing are gone through.
        let few = only.filter(|only| only.len() < 1 + facts.assets.len() as u64 / 64);
        let begun = Begun::of(claims.iter().map(|claim| (claim.thing, claim)));
        for claim in claims.iter().filter(|claim| claim.from <= at) {
            let profile = profiles.bit(claim);
            let standing = facts.details[claim.detail as usize].standing;
            let standing_on = |asset: u32| {
                let is_decided = !decided.0.is_empty() && decided.find(facts, claim.thing, asset).is_some();
                if is_decided { Standing::Suppressed } else { standing }
            };
            let mut add = |asset: u32, from: Instant, until: Instant| {
                let goes_on = claim.until < until && begun.goes_on(claim.thing, claim.until);
                let (from, until) = (from.max(claim.from), until.min(claim.until));
                if from < until && from <= at && only.is_none_or(|only| few.is_some() || only.contains(asset)) {
                    scratch.slot(asset).add((from, until), at, (profile, standing_on(asset)), goes_on);
                }
            };
            match few {
                None => each_interval(facts, &facts.things[claim.thing as usize], &mut add),
                Some(few) => few.iter().for_each(|asset| {
                    each_interval_of(facts, claim.thing, asset, |from, until| add(asset, from, until));
                }),
            }
        }
        for claim in former_claims(facts, number) {
            each_interval(facts, &facts.things[claim.thing as usize], &mut |asset, from, until| {
                let from = from.max(claim.from);
                if from < until.min(claim.until) {
                    scratch.slots[asset as usize].seen_before(from, at);
                }
            });
        }
    }

    /// Whether a finding was closed for a while and is there again. What was not judged yet is taken to have carried it all along
    /// once it is said to.
    pub(crate) fn has_come_back(&self, facts: &Facts, number: usize, asset: u32) -> bool {
        let at = self.at();
        let mut intervals = Vec::new();
        for claim in facts.vulnerabilities[number].claims.iter().filter(|claim| claim.from <= at) {
            let is_first = facts.things[claim.thing as usize].judged == Some(claim.from);
            let begins = if is_first { Instant::MIN } else { claim.from };
            each_interval_of(facts, claim.thing, asset, |from, until| {
                let is_real = from <= at && from.max(claim.from) < until.min(claim.until);
                intervals.extend(is_real.then(|| (from.max(begins), until.min(claim.until))));
            });
        }
        intervals.sort_unstable();
        let mut reach: Option<Instant> = None;
        for (from, until) in intervals {
            if reach.is_some_and(|reach| from > reach) {
                return true;
            }
            reach = reach.max(Some(until));
        }
        false
    }

    /// Calls `each` with every thing that an asset has as of the instant.
    pub(crate) fn each_thing(&self, facts: &Facts, asset: u32, each: impl FnMut(u32)) {
        facts.each_thing_at(asset, self.question.at.map(Timestamp::as_millisecond), each);
    }

    /// Calls `each` with every asset that has a thing as of the instant.
    pub(crate) fn each_holder(&self, facts: &Facts, thing: u32, mut each: impl FnMut(u32)) {
        let at = self.at();
        each_interval(facts, &facts.things[thing as usize], &mut |asset, from, until| {
            if from <= at && until > at {
                each(asset);
            }
        });
    }

    /// What is known of one finding, and what carries it now: things with the number of what is said of them.
    pub(crate) fn slot_of(&self, facts: &Facts, number: u32, asset: u32) -> (Slot, Vec<(u32, u32)>) {
        let at = self.at();
        let claims = &facts.vulnerabilities[number as usize].claims;
        let profiles = Profiles::of(facts, claims);
        let decided = Decided::on(&self.question, facts, number as usize);
        let (mut slot, mut carriers) = (EMPTY, Vec::new());
        let begun = Begun::of(claims.iter().map(|claim| (claim.thing, claim)));
        for claim in claims {
            let standing = match decided.find(facts, claim.thing, asset) {
                Some(_) => Standing::Suppressed,
                None => facts.details[claim.detail as usize].standing,
            };
            for (from, until) in intervals_of(facts, claim.thing, asset) {
                let goes_on = claim.until < until && begun.goes_on(claim.thing, claim.until);
                let (from, until) = (from.max(claim.from), until.min(claim.until));
                slot.add((from, until), at, (profiles.bit(claim), standing), goes_on);
                if from <= at && until > at && from < until {
                    carriers.push((claim.thing, claim.detail));
                }
            }
        }
        note_former(facts, (number, asset), at, &mut slot);
        (slot, carriers)
    }

    /// The findings of one asset, in the order of their vulnerabilities' numbers.
    pub(crate) fn findings_of(&self, facts: &Facts, asset: u32) -> Vec<(u32, Key)> {
        let group = self.groups.of_asset[asset as usize];
        let slots = self.slots_of(facts, asset).into_iter();
        slots
            .filter_map(|(number, slot)| {
                let claims = &facts.vulnerabilities[number as usize].claims;
                let profiles = Profiles::of(facts, claims);
                Some((number, Keys::new(self, facts, number as usize, &profiles).of(&slot, (asset, group))?))
            })
            .collect()
    }

    /// The findings of one asset that some things carry, in the order of their vulnerabilities' numbers.
    pub(crate) fn findings_in_things(&self, facts: &Facts, asset: u32, things: &RoaringBitmap) -> Vec<(u32, Key)> {
        let group = self.groups.of_asset[asset as usize];
        let mut numbers = BTreeSet::new();
        self.each_thing(facts, asset, |thing| {
            let claims = facts.things[thing as usize].claims.iter().filter(|_| things.contains(thing));
            numbers.extend(claims.map(|(number, _)| *number));
        });
        let finding = |number: u32| {
            // What else carries it decides its due date too.
            let (slot, carriers) = self.slot_of(facts, number, asset);
            carriers.iter().find(|(thing, _)| things.contains(*thing))?;
            let profiles = Profiles::of(facts, &facts.vulnerabilities[number as usize].claims);
            Some((number, Keys::new(self, facts, number as usize, &profiles).of(&slot, (asset, group))?))
        };
        numbers.into_iter().filter_map(finding).collect()
    }

    /// What is known of each finding that an asset has or had.
    pub(crate) fn slots_of(&self, facts: &Facts, asset: u32) -> Vec<(u32, Slot)> {
        let at = self.at();
        let mut slots: HashMap<u32, Slot> = HashMap::new();
        let mut known: HashMap<u32, (Profiles, Decided<'_>)> = HashMap::new();
        let own = &facts.assets[asset as usize];
        let mut things: Vec<u32> = own.things.iter().chain(own.spanned.iter().copied()).collect();
        things.sort_unstable();
        things.dedup();
        for thing in things {
            let intervals = intervals_of(facts, thing, asset);
            let claimed = facts.things[thing as usize].claims.iter();
            let claim_of = |(number, place): &(u32, u32)| {
                (*number, &facts.vulnerabilities[*number as usize].claims[*place as usize])
            };
            let begun = Begun::of(claimed.clone().map(claim_of));
            for (number, place) in claimed {
                let vulnerability = &facts.vulnerabilities[*number as usize];
                let claim = &vulnerability.claims[*place as usize];
                let (profiles, decided) = known.entry(*number).or_insert_with(|| {
                    let decided = Decided::on(&self.question, facts, *number as usize);
                    (Profiles::of(facts, &vulnerability.claims), decided)
                });
                let profile = profiles.bit(claim);
                let standing = match decided.find(facts, thing, asset) {
                    Some(_) => Standing::Suppressed,
                    None => facts.details[claim.detail as usize].standing,
                };
                for (from, until) in &intervals {
                    let interval = ((*from).max(claim.from), (*until).min(claim.until));
                    let goes_on = claim.until < *until && begun.goes_on(*number, claim.until);
                    slots.entry(*number).or_insert(EMPTY).add(interval, at, (profile, standing), goes_on);
                }
            }
        }
        // One that was gone before it was there is among them: it may have been there before that was known.
        let mut slots: Vec<(u32, Slot)> = slots.into_iter().collect();
        slots.iter_mut().for_each(|(number, slot)| note_former(facts, (*number, asset), at, slot));
        slots.sort_unstable_by_key(|(number, _)| *number);
        slots
    }
}

/// What was said of things under former ids of a vulnerability.
pub(crate) fn former_claims(facts: &Facts, number: usize) -> impl Iterator<Item = &Claim> {
    let former = &facts.vulnerabilities[number].formerly;
    former.iter().flat_map(|former| &facts.vulnerabilities[*former as usize].claims)
}

/// Notes since when a finding was there under former ids.
fn note_former(facts: &Facts, (number, asset): (u32, u32), at: Instant, slot: &mut Slot) {
    for claim in former_claims(facts, number as usize) {
        each_interval_of(facts, claim.thing, asset, |from, until| {
            let from = from.max(claim.from);
            if from < until.min(claim.until) {
                slot.seen_before(from, at);
            }
        });
    }
}

/// Calls `each` with every interval in which an asset has a thing.
pub(crate) fn each_interval(facts: &Facts, thing: &ThingFacts, each: &mut impl FnMut(u32, Instant, Instant)) {
    let mut spans = thing.spans.iter().peekable();
    for asset in &thing.holders {
        let mut is_spanned = false;
        while let Some(span) = spans.next_if(|span| span.asset <= asset) {
            each(span.asset, span.from, span.until);
            is_spanned |= span.asset == asset && span.until == OPEN;
        }
        if let (false, Some(first)) = (is_spanned, facts.assets[asset as usize].first) {
            each(asset, first, OPEN);
        }
    }
    spans.for_each(|span| each(span.asset, span.from, span.until));
}

/// Calls `each` with every interval in which an asset has a thing.
fn each_interval_of(facts: &Facts, thing: u32, asset: u32, mut each: impl FnMut(Instant, Instant)) {
    let thing = &facts.things[thing as usize];
    let spans = thing.spans_of(asset);
    spans.iter().for_each(|span| each(span.from, span.until));
    let is_open = spans.iter().any(|span| span.until == OPEN);
    if let Some(first) = facts.assets[asset as usize].first.filter(|_| !is_open && thing.holders.contains(asset)) {
        each(first, OPEN);
    }
}

impl Facts {
    /// Calls `each` with every thing that an asset has as of an instant, or of now; in rising order.
    pub(crate) fn each_thing_at(&self, asset: u32, at: Option<Instant>, each: impl FnMut(u32)) {
        let own = &self.assets[asset as usize];
        let Some(at) = at else { return own.things.iter().for_each(each) };
        let is_there =
            |thing: &u32| intervals_of(self, *thing, asset).iter().any(|(from, until)| *from <= at && *until > at);
        let mut things: Vec<u32> = own.things.iter().chain(own.spanned.iter().copied()).collect();
        things.sort_unstable();
        things.dedup();
        things.into_iter().filter(is_there).for_each(each);
    }
}

/// The intervals in which an asset has a thing.
pub(crate) fn intervals_of(facts: &Facts, thing: u32, asset: u32) -> Vec<(Instant, Instant)> {
    let mut intervals = Vec::new();
    each_interval_of(facts, thing, asset, |from, until| intervals.push((from, until)));
    intervals
}

/// The place of each vulnerability among all, by the numbers in their ids: CVE-2024-9999 before CVE-2024-10000.
pub(crate) fn ranks(facts: &Facts) -> Vec<u32> {
    let key = |id: &str| id.split('-').map(|part| part.parse::<u64>().map_err(|_| part.to_owned())).collect::<Vec<_>>();
    let mut order: Vec<(Vec<Result<u64, String>>, usize)> =
        facts.vulnerabilities.iter().enumerate().map(|(number, known)| (key(&known.id), number)).collect();
    order.sort_unstable();
    let mut ranks = vec![0; order.len()];
    for (rank, (_, number)) in order.into_iter().enumerate() {
        ranks[number] = rank as u32;
    }
    ranks
}

/// What decides the deadlines of a vulnerability's findings on a group of assets, without a word on how they come about.
pub(crate) fn ground<'a>(findings: &'a Findings, facts: &'a Facts, number: usize, group: u32) -> Ground<'a> {
    Ground {
        facts,
        policy: &findings.question.policy,
        switches: &findings.switches,
        covered: &findings.groups.covered_before[group as usize],
        signals: &facts.vulnerabilities[number].signals,
        assets: &findings.groups.histories[group as usize],
        at: findings.at(),
        is_told: false,
    }
}
