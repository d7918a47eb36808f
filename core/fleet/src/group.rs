//! Groups: assets of which the same is said, now and before. What is derived for one of them holds for all.

use crate::facts::{Facts, Instant};
use lifecycle::Attributes;
use std::collections::HashMap;
use std::sync::Arc;

/// What is said about all assets of a group, since when; the first holds from the beginning.
pub(crate) type History = Vec<(Instant, Arc<Attributes>)>;

/// The groups as of an instant, and the group of each asset.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) histories: Vec<History>,
    pub(crate) policy_assets: Vec<Vec<(Instant, policy::Asset)>>,
    pub(crate) of_asset: Vec<u32>,
    numbers: HashMap<Vec<(Instant, String)>, u32>,
}

impl Groups {
    pub(crate) fn as_of(facts: &Facts, at: Instant) -> Self {
        let mut groups = Self::default();
        (0..facts.assets.len() as u32).for_each(|asset| groups.note(facts, asset, at));
        groups
    }

    /// Notes the group of an asset that is new or of which something else is said.
    pub(crate) fn note(&mut self, facts: &Facts, asset: u32, at: Instant) {
        let own = &facts.assets[asset as usize].attributes;
        let end = own.partition_point(|(since, _)| *since <= at).max(1);
        // The order of attributes decides nothing, and what they were before the first of them nobody knows.
        let key = own[..end].iter().enumerate().map(|(place, (since, attributes))| {
            (if place == 0 { 0 } else { *since }, format!("{:?}", relevant(attributes)))
        });
        let next = self.histories.len() as u32;
        let number = *self.numbers.entry(key.collect()).or_insert(next);
        if number == next {
            self.histories.push(own[..end].to_vec());
            let assets = own[..end].iter().map(|(since, attributes)| (*since, policy_asset(attributes)));
            self.policy_assets.push(assets.collect());
        }
        if self.of_asset.len() <= asset as usize {
            self.of_asset.resize(asset as usize + 1, 0);
        }
        self.of_asset[asset as usize] = number;
    }
}

/// What a policy looks at.
fn relevant(attributes: &Attributes) -> policy::Asset {
    policy_asset(attributes)
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
