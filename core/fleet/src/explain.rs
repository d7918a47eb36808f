//! Why: all that one finding rests on.

use crate::deadline::{Ground, timestamp};
use crate::evaluate::{Findings, State, ground, intervals_of};
use crate::fact::OPEN;
use crate::facts::Facts;
use crate::judgement::{Signals, Standing, Statement};
use crate::slot::{Decided, Profiles};
use crate::thing::Thing;
use jiff::Timestamp;
use lifecycle::{AssetId, Decision};
use policy::Deadline;

/// All that one finding rests on.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The asset.
    pub asset: AssetId,
    /// What was known of the vulnerability, since when; the last holds.
    pub signals: Vec<(Timestamp, Signals)>,
    /// The state; none if it is closed.
    pub state: Option<State>,
    /// Whether it was closed before.
    pub is_reopened: bool,
    /// When it was seen first.
    pub first_seen: Timestamp,
    /// When it was closed, if it is.
    pub closed_at: Option<Timestamp>,
    /// What carried it, from when until when.
    pub carriers: Vec<Carrier>,
    /// The deadline with its derivation; none if it is closed.
    pub deadline: Option<Deadline>,
    /// Whether the policy covers the asset, and why.
    pub coverage: policy::promises::Coverage,
}

/// Something that carried a vulnerability for a time.
#[derive(Debug, Clone)]
pub struct Carrier {
    /// What it is.
    pub thing: Thing,
    /// What was said of it.
    pub statement: Statement,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none if it still does.
    pub until: Option<Timestamp>,
    /// The decision that sets it aside, if one does.
    pub decision: Option<Decision>,
}

impl Facts {
    /// The team that owned an asset at an instant, if one did; `None` where the asset was not there.
    #[must_use]
    pub fn owner_at(&self, asset: &AssetId, at: Timestamp) -> Option<Option<&str>> {
        let (known, at) = (&self.assets[self.asset_number(asset)? as usize], at.as_millisecond());
        known.is_there(at).then(|| known.said_at(at).and_then(|said| said.owner.as_deref()))
    }

    /// What an asset had at an instant, or has now; `None` where it was not there.
    #[must_use]
    pub fn things_at(&self, asset: &AssetId, at: Option<Timestamp>) -> Option<Vec<&Thing>> {
        let (number, at) = (self.asset_number(asset)?, at.map(Timestamp::as_millisecond));
        self.assets[number as usize].is_there(at.unwrap_or(OPEN - 1)).then(|| {
            let mut things = Vec::new();
            self.each_thing_at(number, at, |thing| things.push(self.things[thing as usize].thing.as_ref()));
            things
        })
    }
}

impl Findings {
    /// What is known of a vulnerability, under any of its ids, as of the findings' instant; `None` if nothing was.
    #[must_use]
    pub fn signals_of<'f>(&self, facts: &'f Facts, vulnerability: &str) -> Option<&'f Signals> {
        let known = &facts.vulnerabilities[facts.find_vulnerability(vulnerability)? as usize];
        let is_known = known.signals.first().is_some_and(|(since, _)| *since <= self.at());
        known.signals_at(self.at()).filter(|_| is_known)
    }

    /// What a finding rests on; `None` if the asset never had it. The vulnerability may be named by an alias.
    #[must_use]
    pub fn explain(&self, facts: &Facts, vulnerability: &str, asset: &AssetId) -> Option<Explanation> {
        let asset_number = facts.asset_number(asset)?;
        let number = facts.find_vulnerability(vulnerability)?;
        let (slot, _) = self.slot_of(facts, number, asset_number);
        if slot.start == OPEN {
            return None;
        }
        let known = &facts.vulnerabilities[number as usize];
        let profiles = Profiles::of(facts, &known.claims);
        let decided = Decided::on(&self.question, facts, number as usize);
        let at = self.at();
        let mut carriers = Vec::new();
        for claim in &known.claims {
            for (from, until) in intervals_of(facts, claim.thing, asset_number) {
                let (from, until) = (from.max(claim.from), until.min(claim.until));
                if from < until && from <= at {
                    carriers.push(Carrier {
                        thing: facts.things[claim.thing as usize].thing.as_ref().clone(),
                        statement: facts.details[claim.detail as usize].statement(&known.id),
                        from: timestamp(from),
                        until: (until <= at).then(|| timestamp(until)),
                        decision: decided.find(facts, claim.thing, asset_number).cloned(),
                    });
                }
            }
        }
        carriers.sort_by(|a, b| (a.from, &a.thing).cmp(&(b.from, &b.thing)));
        let group = self.groups.of_asset[asset_number as usize];
        let deadline = slot.standing.map(|_| {
            let ground = Ground { is_told: true, ..ground(self, facts, number as usize, group) };
            ground.deadline(&profiles.in_mask(profiles.deciding(&slot)), slot.start)
        });
        let signals = known.signals.iter().filter(|(since, _)| *since <= at);
        Some(Explanation {
            asset: asset.clone(),
            signals: signals.map(|(since, signals)| (timestamp(*since), signals.as_ref().clone())).collect(),
            state: slot.standing.map(|standing| self.groups.state(standing, group)),
            coverage: self.coverage_of(facts, asset_number),
            is_reopened: slot.standing.is_some()
                && slot.has_past()
                && self.has_come_back(facts, number as usize, asset_number),
            first_seen: timestamp(slot.start),
            closed_at: slot.standing.is_none().then(|| timestamp(slot.ended)),
            carriers,
            deadline,
        })
    }
}

impl Findings {
    /// Whether the policy covers an asset, and why.
    #[must_use]
    pub fn coverage_of(&self, facts: &Facts, asset: u32) -> policy::promises::Coverage {
        let said = facts.assets[asset as usize].said_at(self.at()).cloned().unwrap_or_default();
        lifecycle::PolicyRule::of(self.policy()).coverage(said.subject())
    }
}

impl State {
    pub(crate) fn of(standing: Standing) -> Self {
        match standing {
            Standing::Affected => Self::Open,
            Standing::RestartPending => Self::RestartPending,
            Standing::Undetermined => Self::Undetermined,
            Standing::Suppressed => Self::Suppressed,
        }
    }
}
