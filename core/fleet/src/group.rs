//! Groups: assets of which the policy sees the same, now and before. What is derived for one of them holds for all.

use crate::evaluate::State;
use crate::fact::Instant;
use crate::facts::Facts;
use crate::judgement::Standing;
use crate::switch::Switch;
use lifecycle::{Attributes, PolicyRule};
use policy::Policy;
use roaring::RoaringBitmap;
use std::collections::HashMap;

/// What the policy sees of an asset, since when; the first holds from the beginning.
pub(crate) type History = Vec<(Instant, policy::Asset)>;

/// The groups as of an instant, their members, and the group of each asset.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) histories: Vec<History>,
    pub(crate) members: Vec<RoaringBitmap>,
    pub(crate) of_asset: Vec<u32>,
    /// Whether the policy covers their assets; what it does not is owed by nobody.
    are_covered: Vec<bool>,
    /// Whether the policy before each switch covered them then.
    pub(crate) covered_before: Vec<Vec<bool>>,
    /// The assets that it does not cover.
    pub(crate) uncovered: RoaringBitmap,
    rule: PolicyRule,
    /// What the policies before each switch ask.
    rules_before: Vec<PolicyRule>,
    numbers: HashMap<(History, bool, Vec<bool>), u32>,
}

impl Groups {
    pub(crate) fn as_of(facts: &Facts, (policy, switches): (&Policy, &[Switch]), at: Instant) -> Self {
        let rules_before = switches.iter().map(|switch| PolicyRule::of(&switch.before)).collect();
        let mut groups = Self { rule: PolicyRule::of(policy), rules_before, ..Self::default() };
        (0..facts.assets.len() as u32).for_each(|asset| groups.note(facts, (policy, switches), (asset, at)));
        groups
    }

    /// Notes the group of an asset that is new or of which something else is said.
    pub(crate) fn note(
        &mut self,
        facts: &Facts,
        (policy, switches): (&Policy, &[Switch]),
        (asset, at): (u32, Instant),
    ) {
        let own = &facts.assets[asset as usize].attributes;
        let end = own.partition_point(|(since, _)| *since <= at).max(1);
        let mut history = History::with_capacity(1);
        for (place, (since, attributes)) in own[..end].iter().enumerate() {
            let asset = policy_asset(attributes);
            let mut relevant = policy.relevant(&asset);
            // What concerned the policies before decides the dates that go on.
            switches.iter().for_each(|switch| switch.before.relevant_into(&asset, &mut relevant));
            // What does not concern the policy changes nothing, and what they were before the first of them nobody knows.
            if history.last().is_none_or(|(_, last)| *last != relevant) {
                history.push((if place == 0 { 0 } else { *since }, relevant));
            }
        }
        let is_covered = own[..end].last().is_none_or(|(_, attributes)| self.rule.covers(attributes.subject()));
        let said_at = |at: Instant| own[..own.partition_point(|(since, _)| *since <= at).max(1)].last();
        let before = switches.iter().zip(&self.rules_before);
        let covered_before = before
            .map(|(switch, rule)| {
                said_at(switch.instant()).is_none_or(|(_, attributes)| rule.covers(attributes.subject()))
            })
            .collect();
        let same = (history, is_covered, covered_before);
        let number = match self.numbers.get(&same) {
            Some(number) => *number,
            None => {
                let number = self.histories.len() as u32;
                self.histories.push(same.0.clone());
                self.are_covered.push(is_covered);
                self.covered_before.push(same.2.clone());
                self.members.push(RoaringBitmap::new());
                self.numbers.insert(same, number);
                number
            }
        };
        match self.of_asset.get_mut(asset as usize) {
            Some(known) => {
                self.members[*known as usize].remove(asset);
                *known = number;
            }
            None => {
                // INVARIANT: assets are noted in the order of their numbers.
                self.of_asset.push(number);
            }
        }
        self.members[number as usize].insert(asset);
        match self.are_covered[number as usize] {
            true => self.uncovered.remove(asset),
            false => self.uncovered.insert(asset),
        };
    }
}

impl Groups {
    /// The state of findings of a standing on a group's assets: what the policy does not cover does not count.
    pub(crate) fn state(&self, standing: Standing, group: u32) -> State {
        if self.are_covered[group as usize] { State::of(standing) } else { State::Suppressed }
    }
}

/// What is said about an asset, as the policy wants it.
pub(crate) fn policy_asset(attributes: &Attributes) -> policy::Asset {
    policy::Asset {
        exposure: attributes.exposure,
        environment: attributes.environment.clone(),
        criticality: attributes.criticality.clone(),
        data_classes: attributes.data_classes.clone(),
        impact: attributes.impact.clone(),
    }
}
