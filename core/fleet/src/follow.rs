//! Following: findings are evaluated anew only where an event touches them, and equal an evaluation from zero.

use crate::deadline::timestamp;
use crate::evaluate::{Cell, Findings, Key, instant, ranks};
use crate::fact::Adopted;
use crate::facts::Facts;
use crate::group::Groups;
use crate::keys::Keys;
use crate::slot::Profiles;
use lifecycle::Decision;
use policy::Policy;
use roaring::RoaringBitmap;
use std::sync::Arc;

/// What an event touches: findings of these must be evaluated anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Vulnerabilities, by their numbers, each once.
    pub vulnerabilities: Vec<u32>,
    /// Assets, by their numbers.
    pub assets: Vec<u32>,
    /// Whether another policy is in force, or a catalogue came or went: everything is touched.
    pub is_all: bool,
}

impl Findings {
    /// Evaluates anew what an event touches that was taken into the facts. They must be of now, not of a past instant.
    pub fn follow(&mut self, facts: &Facts, touched: &Touched) {
        self.make_room(facts);
        let at = self.at();
        self.note_new_assets(facts);
        if touched.is_all {
            self.question.policy = facts.policy().unwrap_or_else(|| Arc::clone(&self.question.policy));
            self.switches = facts.switches(None);
            self.groups = Groups::as_of(facts, (&self.question.policy, &self.switches), at);
            let all: Vec<u32> = (0..facts.vulnerabilities.len() as u32).collect();
            self.cells = self.cells_of(facts, &all);
            self.owed.forget();
            return;
        }
        for asset in &touched.assets {
            self.groups.note(facts, (&self.question.policy, &self.switches), (*asset, at));
            self.facets.note(facts, *asset, None);
            self.follow_asset(facts, *asset);
        }
        self.follow_vulnerabilities(facts, &touched.vulnerabilities);
    }

    /// The policy that they were made with.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.question.policy
    }

    /// The ids of the policy's classes, the strictest first.
    #[must_use]
    pub fn classes(&self) -> Vec<String> {
        self.question.policy.classes.iter().map(|class| class.id.clone()).collect()
    }

    /// The decisions that they were made with.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.question.decisions
    }

    /// How many findings there are of the vulnerabilities that an event touched.
    #[must_use]
    pub fn findings_in(&self, touched: &Touched) -> u64 {
        let of_one = |number: &u32| self.cells[*number as usize].iter().map(|cell| cell.assets.len()).sum::<u64>();
        touched.vulnerabilities.iter().map(of_one).sum()
    }

    /// Puts other decisions in force: what the ones of before and the ones of now speak of is evaluated anew.
    pub fn decide(&mut self, facts: &Facts, decisions: Vec<Decision>) {
        let before = std::mem::replace(&mut self.question.decisions, decisions);
        let now = &self.question.decisions;
        let changed =
            before.iter().filter(|one| !now.contains(one)).chain(now.iter().filter(|one| !before.contains(one)));
        let mut touched: Vec<u32> =
            changed.flat_map(|decision| facts.vulnerabilities_named(&decision.reach.vulnerability)).collect();
        touched.sort_unstable();
        touched.dedup();
        self.follow_vulnerabilities(facts, &touched);
    }

    fn follow_vulnerabilities(&mut self, facts: &Facts, vulnerabilities: &[u32]) {
        let cells = self.cells_of(facts, vulnerabilities);
        for (number, cells) in vulnerabilities.iter().zip(cells) {
            let before = std::mem::replace(&mut self.cells[*number as usize], cells);
            self.owed.replace(&before, &self.cells[*number as usize]);
        }
    }

    fn follow_asset(&mut self, facts: &Facts, asset: u32) {
        let group = self.groups.of_asset[asset as usize];
        for (number, slot) in self.slots_of(facts, asset) {
            let profiles = Profiles::of(facts, &facts.vulnerabilities[number as usize].claims);
            let key = Keys::new(self, facts, number as usize, &profiles).of(&slot, (asset, group));
            let before = move_to(&mut self.cells[number as usize], asset, key);
            self.owed.move_one(asset, before.as_ref(), key.as_ref());
        }
    }

    /// Room for vulnerabilities that have come in since.
    fn make_room(&mut self, facts: &Facts) {
        if self.cells.len() < facts.vulnerabilities.len() {
            self.cells.resize_with(facts.vulnerabilities.len(), Vec::new);
            self.ranks = ranks(facts);
        }
    }
}

/// Moves an asset into the cell of a key, out of the one it was in, whose key is the answer; without a key it is in none.
fn move_to(cells: &mut Vec<Cell>, asset: u32, key: Option<Key>) -> Option<Key> {
    let mut before = None;
    if let Some(place) = cells.iter().position(|cell| cell.assets.contains(asset)) {
        before = Some(cells[place].key);
        if key == before {
            return before;
        }
        cells[place].assets.remove(asset);
        if cells[place].assets.is_empty() {
            cells.remove(place);
        }
    }
    let Some(key) = key else { return before };
    match cells.binary_search_by_key(&key, |cell| cell.key) {
        Err(place) => cells.insert(place, Cell { key, assets: RoaringBitmap::from_iter([asset]) }),
        Ok(place) => {
            cells[place].assets.insert(asset);
        }
    }
    before
}

impl Facts {
    /// The policy that was adopted last.
    #[must_use]
    pub fn policy(&self) -> Option<Arc<Policy>> {
        self.policies.last().map(|adopted| Arc::clone(&adopted.policy))
    }

    /// The policies that were adopted by an instant, or by now, in their order: since when, the policy, its text.
    #[must_use]
    pub fn policies_by(&self, at: Option<jiff::Timestamp>) -> Vec<(jiff::Timestamp, Arc<Policy>, &str)> {
        let end = self.policies.partition_point(|adopted| adopted.since <= instant(at));
        fn one(adopted: &Adopted) -> (jiff::Timestamp, Arc<Policy>, &str) {
            (timestamp(adopted.since), Arc::clone(&adopted.policy), adopted.text.as_str())
        }
        self.policies[..end].iter().map(one).collect()
    }

    /// The policy that was in force at an instant.
    #[must_use]
    pub fn policy_at(&self, at: Option<jiff::Timestamp>) -> Option<Arc<Policy>> {
        let end = self.policies.partition_point(|adopted| adopted.since <= instant(at));
        self.policies[..end].last().map(|adopted| Arc::clone(&adopted.policy))
    }
}
