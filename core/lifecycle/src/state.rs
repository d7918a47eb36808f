//! The state: all that stands now, made of events alone.

use crate::asset::Asset;
use crate::campaign::Campaign;
use crate::decision::Decision;
use crate::document::Document;
use crate::error::Refusal;
use crate::feed::Feed;
use crate::group::Group;
use crate::person::{Person, SYSTEM};
use crate::token::Token;
use crate::version::Version;
use crate::violation::Violations;
use ::change::{Came, Change};
use jiff::{Timestamp, civil::Date};
use obligations::Excuse;
use rules::{
    AGENT, AssetId, CampaignId, ChangeId, DecisionId, DocumentId, FeedId, Governance, GroupId, PersonId, PolicyRule,
    Role, TokenId, VersionId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All nouns with a life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// How many entries went in.
    pub entries: u64,
    /// Assets, also those that are gone.
    pub assets: BTreeMap<AssetId, Asset>,
    /// People.
    pub people: BTreeMap<PersonId, Person>,
    /// Tokens, also those that are over.
    pub tokens: BTreeMap<TokenId, Token>,
    /// Feeds.
    pub feeds: BTreeMap<FeedId, Feed>,
    /// Decisions on findings.
    pub decisions: BTreeMap<DecisionId, Decision>,
    /// The policy in force.
    pub policy: Option<PolicyInForce>,
    /// Since when it asks for what it asks of people: its courses by their ids, attestations, another look at exceptions.
    pub asked_since: BTreeMap<String, Timestamp>,
    /// Governing documents, also those that are gone.
    pub documents: BTreeMap<DocumentId, Document>,
    /// Versions of them, also those that came to nothing.
    pub versions: BTreeMap<VersionId, Version>,
    /// Groups of people.
    pub groups: BTreeMap<GroupId, Group>,
    /// Campaigns.
    pub campaigns: BTreeMap<CampaignId, Campaign>,
    /// What people have missed: by the duty, the days.
    pub missed: BTreeMap<String, BTreeSet<Timestamp>>,
    /// What people need not do for now, by the duty.
    pub excused: BTreeMap<String, Excuse>,
    /// What was broken, by the violation's id.
    pub violations: Violations,
    /// The last day of which is told what was broken on it.
    pub told_until: Option<Date>,
    /// The digest of the index that packages were last held against.
    pub index: Option<String>,
    /// The entries that tell a change of the ledger's key, by their numbers.
    pub key_changes: Vec<u64>,
    /// Changes, also those that are over.
    pub changes: BTreeMap<ChangeId, Change>,
    /// How far the assets have come of changes that are not over.
    pub came: BTreeMap<ChangeId, BTreeMap<AssetId, Came>>,
}

/// The policy in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInForce {
    /// Its name.
    pub name: String,
    /// The digest of its text.
    pub document: String,
    /// Since when.
    pub since: Timestamp,
    /// What it asks of looking at assets.
    #[serde(default, skip_serializing_if = "PolicyRule::is_default")]
    pub rule: PolicyRule,
}

impl State {
    /// An asset that is still there.
    pub(crate) fn active_asset(&self, asset: &AssetId) -> Result<&Asset, Refusal> {
        let known = self.assets.get(asset).filter(|known| known.is_active());
        known.ok_or_else(|| Refusal::Unknown { what: "asset", id: asset.to_string() })
    }

    /// What the policy in force asks of looking at assets; what holds for all where none is.
    #[must_use]
    pub fn policy_rule(&self) -> PolicyRule {
        self.policy.as_ref().map_or_else(PolicyRule::default, |policy| policy.rule.clone())
    }

    /// What the policy in force asks of people.
    #[must_use]
    pub fn governance(&self) -> &Governance {
        const NONE: &Governance = &Governance::NONE;
        self.policy.as_ref().map_or(NONE, |policy| &policy.rule.governance)
    }

    /// Says no if somebody has none of these roles.
    ///
    /// # Errors
    /// The refusal, which names the roles.
    pub fn may(&self, person: &PersonId, roles: &[Role]) -> Result<(), Refusal> {
        let has_one = self.people.get(person).is_some_and(|known| roles.iter().any(|role| known.roles.contains(role)));
        let words = || roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
        if has_one { Ok(()) } else { Err(Refusal::Role { person: person.to_string(), roles: words() }) }
    }

    /// Says no if somebody may not hand in inventories of an asset: its own agent may, and those who look after it.
    pub(crate) fn may_report(&self, by: &PersonId, asset: &AssetId) -> Result<(), Refusal> {
        match by.as_str().strip_prefix(AGENT) == Some(asset.as_str()) {
            true => Ok(()),
            false => self.may_see(by, asset).and_then(|()| self.may(by, Role::REPORTS)),
        }
    }

    /// Says no if an asset is none of somebody's: who sees all sees it, a developer sees those of their teams.
    ///
    /// # Errors
    /// The refusal; for who does not see it, it is not there.
    pub fn may_see(&self, person: &PersonId, asset: &AssetId) -> Result<(), Refusal> {
        let unknown = || Refusal::Unknown { what: "asset", id: asset.to_string() };
        let is_seen = match self.teams_seen(person)? {
            None => true,
            Some(teams) => {
                let owner = self.assets.get(asset).and_then(|known| known.attributes.owner.as_ref());
                owner.is_some_and(|owner| teams.contains(owner))
            }
        };
        if is_seen { Ok(()) } else { Err(unknown()) }
    }

    /// The teams whose assets somebody sees; none where they see all.
    ///
    /// # Errors
    /// The refusal, if they see no asset at all.
    pub fn teams_seen(&self, person: &PersonId) -> Result<Option<&BTreeSet<String>>, Refusal> {
        if self.may(person, Role::SEES_ALL).is_ok() {
            return Ok(None);
        }
        self.may(person, SEES)?;
        // INVARIANT: who has a role is known.
        Ok(self.people.get(person).map(|known| &known.teams))
    }

    /// Says no if somebody may not say what the advisories say. Whoever hands in an inventory says what the index in force says of
    /// what came with it; another index is put in force by who operates.
    pub(crate) fn may_judge(&self, by: &PersonId, index: Option<&str>) -> Result<(), Refusal> {
        let agent = by.as_str().strip_prefix(AGENT).and_then(|asset| AssetId::new(asset).ok());
        let reports =
            agent.is_some_and(|asset| self.active_asset(&asset).is_ok()) || self.may(by, Role::REPORTS).is_ok();
        let is_in_force = index.is_some() && index == self.index.as_deref();
        if by.as_str() == SYSTEM || reports && is_in_force { Ok(()) } else { self.may(by, Role::OPERATES) }
    }

    /// The decisions that hold at an instant, in the order of their ids.
    #[must_use]
    pub fn decisions_at(&self, at: Timestamp) -> Vec<Decision> {
        self.decisions.values().filter(|decision| decision.holds(at)).cloned().collect()
    }
}

/// Who sees assets, if only those of their teams.
const SEES: &[Role] = &[Role::Developer];
