//! Where a list goes on: behind the last row of the part before, whatever has come in or gone since.

use crate::evaluate::{Findings, Key};
use crate::facts::Facts;
use crate::query::Sort;
use lifecycle::AssetId;
use serde::{Deserialize, Serialize};

/// A finding in a list, by what the list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterFinding {
    order: u64,
    key: Key,
    vulnerability: String,
    asset: AssetId,
}

/// An asset in a list, by what the list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterAsset {
    /// How much was overdue on it, and how much was owed in all.
    pub(crate) weight: (u32, u32),
    pub(crate) asset: AssetId,
}

/// The same finding, as it stands among those there are now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) order: u64,
    /// The vulnerability's place among all by their ids, as it is now.
    pub(crate) rank: u32,
    pub(crate) key: Key,
    pub(crate) asset: u32,
}

impl AfterFinding {
    pub(crate) fn new(facts: &Facts, (number, asset): (u32, u32), key: &Key, order: u64) -> Self {
        Self {
            order,
            key: *key,
            vulnerability: facts.vulnerabilities[number as usize].id.clone(),
            asset: facts.assets[asset as usize].id.clone(),
        }
    }

    /// Whether its vulnerability and its asset are known here: a replica may be a moment behind the one that named it.
    #[must_use]
    pub fn is_known(&self, facts: &Facts) -> bool {
        facts.vulnerability_numbers.contains_key(&self.vulnerability) && facts.asset_number(&self.asset).is_some()
    }

    /// Where it stands; none if nothing of that name was ever known here.
    pub(crate) fn place(&self, findings: &Findings, facts: &Facts, sort: Sort) -> Option<Place> {
        let number = facts.vulnerability_numbers.get(&self.vulnerability)?;
        let rank = findings.ranks[*number as usize];
        Some(Place {
            // What comes in between moves all the places behind it.
            order: if sort == Sort::Vulnerability { u64::from(rank) } else { self.order },
            rank,
            key: self.key,
            asset: facts.asset_number(&self.asset)?,
        })
    }
}
