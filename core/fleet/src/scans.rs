//! Scans: when each asset has to be looked at next, ready for all of them at once.

use crate::evaluate::Findings;
use crate::fact::Instant;
use crate::facts::Facts;
use crate::query::AssetFilter;
use jiff::Timestamp;
use lifecycle::{Asset, AssetId, PolicyRule, State};
use roaring::RoaringBitmap;

/// When the assets have to be looked at next, as of now; the past is asked of the assets themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scans {
    rule: PolicyRule,
    /// By asset, in milliseconds since 1970; the smallest number for one of which nothing is known.
    due: Vec<Instant>,
    /// The assets that somebody has looked at since they were registered.
    looked: RoaringBitmap,
}

/// How many assets were looked at in time, and how many were not and should have been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many were looked at, and need not be looked at again yet.
    pub in_time: u64,
    /// How many should have been looked at by now.
    pub overdue: u64,
}

impl Scans {
    /// Of all assets, as of an instant.
    #[must_use]
    pub fn of(facts: &Facts, state: &State, at: Timestamp) -> Self {
        let mut scans = Self { rule: state.policy_rule(), ..Self::default() };
        state.assets.iter().for_each(|(id, asset)| scans.note(facts, (id, asset), at));
        scans
    }

    /// Notes what was heard of an asset at an instant, none earlier than the ones before.
    pub fn note(&mut self, facts: &Facts, (id, asset): (&AssetId, &Asset), at: Timestamp) {
        let Some(number) = facts.asset_number(id) else { return };
        // A host's clock may be ahead of the ledger's; and all that is known of it counts, whenever this is called.
        let told = asset.looks.last().map(|(_, last)| *last);
        let known = asset.scanned_at.into_iter().chain(told).chain(asset.registrations.last().copied());
        let at = known.fold(at, Timestamp::max);
        let place = number as usize;
        if self.due.len() <= place {
            self.due.resize(place + 1, Instant::MIN);
        }
        let due = asset.scan_due(&asset.attributes, at, &self.rule);
        // What the policy does not cover need never be looked at.
        self.due[place] = due.unwrap_or(Timestamp::MAX).as_millisecond();
        match asset.scanned_by(at).is_some() {
            true => self.looked.insert(number),
            false => self.looked.remove(number),
        };
    }

    fn is_overdue(&self, asset: u32, now: Instant) -> bool {
        // Of what is not known here nobody can say that it was looked at.
        self.due.get(asset as usize).is_none_or(|due| *due < now)
    }
}

impl Findings {
    /// How many of the assets that are asked for were looked at in time.
    #[must_use]
    pub fn looked_at(&self, facts: &Facts, (filter, scans): (&AssetFilter, &Scans), now: Timestamp) -> Looked {
        let now = now.as_millisecond();
        let mut looked = Looked::default();
        for asset in self.covered(facts, filter).iter() {
            let is_overdue = scans.is_overdue(asset, now);
            looked.overdue += u64::from(is_overdue);
            looked.in_time += u64::from(!is_overdue && scans.looked.contains(asset));
        }
        looked
    }

    /// How many of the assets that are asked for are sound ([`Findings::each_sound`]) and were looked at in time.
    #[must_use]
    pub fn current(&self, facts: &Facts, (filter, scans): (&AssetFilter, &Scans), now: Timestamp) -> u64 {
        let in_time = |asset: &u32| !scans.is_overdue(*asset, now.as_millisecond());
        self.sound(facts, filter, now).iter().filter(in_time).count() as u64
    }
}
