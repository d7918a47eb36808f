//! Groups: assets of which the policy sees the same, now and before. What is derived for one of them holds for all.

use crate::fact::Instant;
use crate::facts::Facts;
use lifecycle::Attributes;
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
    numbers: HashMap<History, u32>,
}

impl Groups {
    pub(crate) fn as_of(facts: &Facts, policy: &Policy, at: Instant) -> Self {
        let mut groups = Self::default();
        (0..facts.assets.len() as u32).for_each(|asset| groups.note(facts, policy, (asset, at)));
        groups
    }

    /// Notes the group of an asset that is new or of which something else is said.
    pub(crate) fn note(&mut self, facts: &Facts, policy: &Policy, (asset, at): (u32, Instant)) {
        let own = &facts.assets[asset as usize].attributes;
        let end = own.partition_point(|(since, _)| *since <= at).max(1);
        let mut history = History::with_capacity(1);
        for (place, (since, attributes)) in own[..end].iter().enumerate() {
            let relevant = policy.relevant(&policy_asset(attributes));
            // What does not concern the policy changes nothing, and what they were before the first of them nobody knows.
            if history.last().is_none_or(|(_, last)| *last != relevant) {
                history.push((if place == 0 { 0 } else { *since }, relevant));
            }
        }
        let number = match self.numbers.get(&history) {
            Some(number) => *number,
            None => {
                let number = self.histories.len() as u32;
                self.histories.push(history.clone());
                self.members.push(RoaringBitmap::new());
                self.numbers.insert(history, number);
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
    }
}

/// What is said about an asset, as the policy wants it.
pub(crate) fn policy_asset(attributes: &Attributes) -> policy::Asset {
    policy::Asset {
        exposure: attributes.exposure.map(|exposure| match exposure {
            lifecycle::Exposure::Exposed => policy::Exposure::Exposed,
            lifecycle::Exposure::Internal => policy::Exposure::Internal,
        }),
        environment: attributes.environment.clone(),
        criticality: attributes.criticality.clone(),
        data_classes: attributes.data_classes.clone(),
        impact: attributes.impact.clone(),
    }
}
