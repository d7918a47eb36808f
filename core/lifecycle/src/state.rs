//! The state: all that stands now, made of events alone.

use crate::agent::Agent;
use crate::asset::{Asset, Attributes};
use crate::decision::{Decision, DecisionKind, Progress, Reach};
use crate::error::{Error, Refusal};
use crate::event::Event;
use crate::feed::Feed;
use crate::id::{AssetId, DecisionId, FeedId, PersonId, TokenId};
use crate::inventory::{Inventory, Pushed};
use crate::person::{AGENT, Credential, Person, Role, SYSTEM};
use crate::scan::ScanRule;
use crate::token::{Holder, Token, TokenScope};
use crate::{agent, asset, decision, feed, inventory, person, policy, scan, token};
use jiff::Timestamp;
use ledger::{Entry, KeyChange};
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
    /// The digest of the index that packages were last held against.
    pub index: Option<String>,
    /// The entries that tell a change of the ledger's key, by their numbers.
    pub key_changes: Vec<u64>,
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
    #[serde(default, skip_serializing_if = "ScanRule::is_default")]
    pub rule: ScanRule,
}

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Register an asset.
    RegisterAsset(AssetId, Attributes),
    /// Say something else about an asset.
    ChangeAsset(AssetId, Attributes),
    /// Take an asset out of service, with the reason.
    RetireAsset(AssetId, String),
    /// Take an inventory in.
    PushInventory(Pushed),
    /// Tell the scans that were missed.
    TellMissedScans,
    /// Give somebody these roles and teams, and no others.
    SetRoles(PersonId, BTreeSet<Role>, BTreeSet<String>),
    /// Say that somebody signs in otherwise: by what, and whether that is there now.
    ChangeCredential(PersonId, Credential, bool),
    /// Erase what is known of somebody.
    ErasePerson(PersonId),
    /// Give out a token with this digest of its secret.
    IssueToken {
        /// Its id.
        token: TokenId,
        /// Whose it is to be.
        holder: Holder,
        /// The digest of its secret.
        digest: String,
        /// Until when.
        until: Timestamp,
        /// For what.
        scopes: BTreeSet<TokenScope>,
    },
    /// Take a token back.
    RevokeToken(TokenId),
    /// Enrol the agent that holds a token, with the digest of its public key.
    EnrolAgent(TokenId, String),
    /// Trust an asset's agent no longer, with the reason.
    RevokeAgent(AssetId, String),
    /// Put a state of a feed in force.
    UpdateFeed {
        /// Which.
        feed: FeedId,
        /// The digest of its documents.
        digest: String,
        /// How many records it has.
        records: u64,
        /// The newest instant inside it.
        newest: Option<Timestamp>,
    },
    /// Say what changed in what the advisories say of the packages.
    JudgeAdvisories {
        /// The digest of the compiled index.
        index: String,
        /// The digest of the document that tells it.
        document: String,
        /// Of how many packages something else is said.
        packages: u64,
        /// Of how many vulnerabilities something else is known.
        vulnerabilities: u64,
    },
    /// Put a policy in force.
    AdoptPolicy {
        /// Its name.
        name: String,
        /// The digest of its text.
        document: String,
        /// What it asks of looking at assets.
        rule: ScanRule,
    },
    /// Ask for a decision on findings.
    RequestDecision {
        /// Its id.
        decision: DecisionId,
        /// What is to be decided.
        kind: DecisionKind,
        /// What it speaks of.
        reach: Reach,
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
        /// The decision that it renews.
        renews: Option<DecisionId>,
    },
    /// Approve a decision (`true`) or turn it down.
    AnswerDecision(DecisionId, bool),
    /// Take a decision back.
    RevokeDecision(DecisionId),
}

/// Says what happens if this is done now by somebody, or why it may not be.
///
/// # Errors
/// The refusal, if the rules say no.
pub fn decide(state: &State, command: &Command, by: &PersonId, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::RegisterAsset(asset, attributes) => asset::register(state, asset, attributes, by),
        Command::ChangeAsset(asset, attributes) => asset::change(state, asset, attributes, by),
        Command::RetireAsset(asset, reason) => asset::retire(state, asset, reason, by),
        Command::PushInventory(pushed) => inventory::push(state, pushed, by, now),
        Command::TellMissedScans => scan::miss(state, (by, now)),
        Command::SetRoles(person, roles, teams) => person::set_roles(state, person, (roles, teams), by),
        Command::ChangeCredential(person, credential, is_there) => {
            person::change_credential(state, person, (*credential, *is_there), by)
        }
        Command::ErasePerson(person) => person::erase(state, person, by),
        Command::IssueToken { token, holder, digest, until, scopes } => {
            token::issue(state, (token, holder, digest), (*until, scopes), (by, now))
        }
        Command::EnrolAgent(token, key) => agent::enrol(state, (token, key), (by, now)),
        Command::RevokeAgent(asset, reason) => agent::revoke(state, asset, reason, by),
        Command::RevokeToken(token) => token::revoke(state, token, by),
        Command::UpdateFeed { feed, digest, records, newest } => {
            feed::update(state, feed, (digest, *records, *newest), by)
        }
        Command::JudgeAdvisories { index, document, packages, vulnerabilities } => {
            feed::judge(state, (index, document), (*packages, *vulnerabilities), by)
        }
        Command::AdoptPolicy { name, document, rule } => policy::adopt(state, (name, document, rule), by),
        Command::RequestDecision { decision, kind, reach, reason, until, renews } => {
            let terms = (reason.as_str(), *until, renews.as_ref());
            decision::request(state, (decision, *kind, reach), terms, (by, now))
        }
        Command::AnswerDecision(decision, is_approved) => decision::answer(state, decision, *is_approved, (by, now)),
        Command::RevokeDecision(decision) => decision::revoke(state, decision, by),
    }
}

impl State {
    /// An asset that is still there.
    pub(crate) fn active_asset(&self, asset: &AssetId) -> Result<&Asset, Refusal> {
        let known = self.assets.get(asset).filter(|known| known.is_active());
        known.ok_or_else(|| Refusal::Unknown { what: "asset", id: asset.to_string() })
    }

    /// What the policy in force asks of looking at assets; what holds for all where none is.
    #[must_use]
    pub fn scan_rule(&self) -> ScanRule {
        self.policy.as_ref().map_or_else(ScanRule::default, |policy| policy.rule.clone())
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

    /// Takes the next entry of the ledger in.
    ///
    /// # Errors
    /// If it is not understood, or speaks of something that is not there. The state stays as it was.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Error> {
        let is_own = entry.kind == KeyChange::KIND;
        let event = (!is_own).then(|| Event::from_entry(self.entries, entry)).transpose()?;
        self.follow(event.as_ref(), entry)
    }

    /// The same, where the event that the entry tells is at hand; a change of the ledger's key is none.
    ///
    /// # Errors
    /// If it speaks of something that is not there. The state stays as it was.
    pub fn follow(&mut self, event: Option<&Event>, entry: &Entry) -> Result<(), Error> {
        match event {
            None => self.key_changes.push(self.entries),
            Some(event) => self.take(event.clone(), entry)?,
        }
        self.entries += 1;
        Ok(())
    }

    fn take(&mut self, event: Event, entry: &Entry) -> Result<(), Error> {
        match event {
            Event::AssetRegistered { asset, attributes } => match self.assets.get_mut(&asset) {
                Some(known) => known.come_back(attributes, entry.at),
                None => {
                    self.assets.insert(asset, Asset::new(attributes, entry.at));
                }
            },
            Event::AssetChanged { asset, attributes } => self.asset(&asset)?.attributes = attributes,
            Event::AssetRetired { asset, reason } => self.asset(&asset)?.retired = Some((entry.at, reason)),
            Event::InventoryTaken { is_late: true, asset, at, .. } => {
                self.asset(&asset)?.late_inventories.insert(at);
            }
            Event::InventoryTaken { asset, digest, document, at, packages, unread, .. } => {
                let told = entry.at;
                let known = self.asset(&asset)?;
                known.note_look(at, told);
                known.inventory = Some(Inventory { digest, document, taken_at: at, packages, unread });
            }
            Event::AssetScanned { asset, at } => self.asset(&asset)?.note_look(at, entry.at),
            Event::ScanMissed { asset, due } => self.asset(&asset)?.missed_scans.push(due),
            Event::RolesGiven { person, roles, teams } => {
                self.people.insert(person, Person { roles, teams, is_erased: false });
            }
            Event::CredentialChanged { .. } => {}
            Event::PersonErased { person } => {
                self.people.insert(person, Person { is_erased: true, ..Person::default() });
            }
            Event::TokenIssued { token, holder, digest, until, scopes } => {
                self.tokens
                    .insert(token, Token { holder, digest, until, scopes, is_revoked: false, is_used_up: false });
            }
            Event::TokenRevoked { token } => {
                let known = self.tokens.get_mut(&token);
                known.ok_or_else(|| missing(self.entries, "token", token.as_str()))?.is_revoked = true;
            }
            Event::AgentEnrolled { asset, token, key } => {
                let number = self.entries;
                let known = self.tokens.get_mut(&token).ok_or_else(|| missing(number, "token", token.as_str()))?;
                known.is_used_up = true;
                self.asset(&asset)?.agent = Some(Agent { token, key, since: entry.at });
            }
            Event::AgentRevoked { asset, .. } => self.asset(&asset)?.agent = None,
            Event::FeedUpdated { feed, digest, records, newest } => {
                self.feeds.insert(feed, Feed { digest, records, newest, since: entry.at });
            }
            Event::AdvisoriesJudged { index, .. } => self.index = Some(index),
            Event::PolicyAdopted { name, document, rule } => {
                self.policy = Some(PolicyInForce { name, document, since: entry.at, rule });
            }
            decision => self.take_decision(decision, entry)?,
        }
        Ok(())
    }

    fn take_decision(&mut self, event: Event, entry: &Entry) -> Result<(), Error> {
        match event {
            Event::DecisionRequested { decision, kind, reach, reason, until, renews } => {
                let requested_by = self.actor(entry)?;
                let (approved_by, progress) = (None, Progress::Requested);
                let known = Decision { kind, reach, reason, until, requested_by, approved_by, progress, renews };
                self.decisions.insert(decision, known);
            }
            Event::DecisionApproved { decision, .. } => {
                let by = self.actor(entry)?;
                let known = self.decision(&decision)?;
                known.approved_by = Some(by);
                known.progress = Progress::Approved { since: entry.at, revoked_at: None };
            }
            Event::DecisionDeclined { decision } => self.decision(&decision)?.progress = Progress::Declined,
            Event::DecisionRevoked { decision } => {
                let known = self.decision(&decision)?;
                known.progress = match known.progress {
                    Progress::Approved { since, .. } => Progress::Approved { since, revoked_at: Some(entry.at) },
                    _ => Progress::Declined,
                };
            }
            _ => {}
        }
        Ok(())
    }

    fn actor(&self, entry: &Entry) -> Result<PersonId, Error> {
        PersonId::new(entry.actor.as_str()).map_err(|_| missing(self.entries, "person", &entry.actor))
    }

    fn asset(&mut self, asset: &AssetId) -> Result<&mut Asset, Error> {
        let number = self.entries;
        self.assets.get_mut(asset).ok_or_else(|| missing(number, "asset", asset.as_str()))
    }

    fn decision(&mut self, decision: &DecisionId) -> Result<&mut Decision, Error> {
        let number = self.entries;
        self.decisions.get_mut(decision).ok_or_else(|| missing(number, "decision", decision.as_str()))
    }
}

/// Who sees assets, if only those of their teams.
const SEES: &[Role] = &[Role::Developer];

fn missing(number: u64, what: &'static str, id: &str) -> Error {
    Error::Missing { number, what, id: id.to_owned() }
}
