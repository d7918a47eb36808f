//! Events: what the ledger says has happened, one kind a row of [`Event`].

use crate::asset::Attributes;
use crate::decision::{DecisionKind, Reach};
use crate::error::Error;
use crate::id::{AssetId, DecisionId, FeedId, PersonId, TokenId};
use crate::person::{Credential, Role};
use crate::scan::ScanRule;
use crate::token::{Holder, TokenScope};
use jiff::Timestamp;
use ledger::Entry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", deny_unknown_fields)]
pub enum Event {
    /// An asset is there.
    #[serde(rename = "asset/registered")]
    AssetRegistered {
        /// Which.
        asset: AssetId,
        /// What is said about it.
        attributes: Attributes,
    },
    /// Something else is said about an asset.
    #[serde(rename = "asset/changed")]
    AssetChanged {
        /// Which.
        asset: AssetId,
        /// What is said about it now.
        attributes: Attributes,
    },
    /// An asset is gone.
    #[serde(rename = "asset/retired")]
    AssetRetired {
        /// Which.
        asset: AssetId,
        /// Why.
        reason: String,
    },
    /// An asset was looked at, and something had changed.
    #[serde(rename = "inventory/taken")]
    InventoryTaken {
        /// Which.
        asset: AssetId,
        /// The digest of what was found.
        digest: String,
        /// The digest of the document that tells what changed.
        document: String,
        /// When it was looked at.
        at: Timestamp,
        /// How many packages there are.
        packages: u64,
        /// How many files or entries could not be read.
        unread: u64,
        /// Whether a newer one was there already: then this one is history only.
        is_late: bool,
    },
    /// An asset was looked at, and nothing had changed.
    #[serde(rename = "asset/scanned")]
    AssetScanned {
        /// Which.
        asset: AssetId,
        /// When.
        at: Timestamp,
    },
    /// An asset was not looked at in time.
    #[serde(rename = "scan/missed")]
    ScanMissed {
        /// Which.
        asset: AssetId,
        /// By when it should have been.
        due: Timestamp,
    },
    /// Somebody has these roles, and no others.
    #[serde(rename = "person/roles-given")]
    RolesGiven {
        /// Who.
        person: PersonId,
        /// Which.
        roles: BTreeSet<Role>,
        /// The teams whose assets are theirs.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        teams: BTreeSet<String>,
    },
    /// Somebody signs in otherwise than before.
    #[serde(rename = "person/credential-changed")]
    CredentialChanged {
        /// Who.
        person: PersonId,
        /// By what.
        credential: Credential,
        /// Whether that is there now, or is no longer.
        is_there: bool,
    },
    /// What was known of somebody beside the id is erased.
    #[serde(rename = "person/erased")]
    PersonErased {
        /// Who.
        person: PersonId,
    },
    /// A token was given out.
    #[serde(rename = "token/issued")]
    TokenIssued {
        /// Which.
        token: TokenId,
        /// Whose it is.
        holder: Holder,
        /// The digest of its secret.
        digest: String,
        /// Until when it may be used.
        until: Timestamp,
        /// What it may be used for.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        scopes: BTreeSet<TokenScope>,
    },
    /// A token was taken back.
    #[serde(rename = "token/revoked")]
    TokenRevoked {
        /// Which.
        token: TokenId,
    },
    /// An asset's agent was enrolled, with a token that is used up by it; the one before it, if any, is out.
    #[serde(rename = "agent/enrolled")]
    AgentEnrolled {
        /// Whose agent.
        asset: AssetId,
        /// The token.
        token: TokenId,
        /// The digest of its public key.
        key: String,
    },
    /// An asset's agent is trusted no longer.
    #[serde(rename = "agent/revoked")]
    AgentRevoked {
        /// Whose agent.
        asset: AssetId,
        /// Why.
        reason: String,
    },
    /// Another state of a feed is in force.
    #[serde(rename = "feed/updated")]
    FeedUpdated {
        /// Which.
        feed: FeedId,
        /// The digest of its documents.
        digest: String,
        /// How many records it has.
        records: u64,
        /// The newest instant inside it.
        newest: Option<Timestamp>,
    },
    /// Packages were held against the advisories: what changed in what is said of them.
    #[serde(rename = "advisories/judged")]
    AdvisoriesJudged {
        /// The digest of the compiled index.
        index: String,
        /// The digest of the document that tells what changed.
        document: String,
        /// Of how many packages something else is said now.
        packages: u64,
        /// Of how many vulnerabilities something else is known now.
        vulnerabilities: u64,
    },
    /// A policy is in force.
    #[serde(rename = "policy/adopted")]
    PolicyAdopted {
        /// Its name.
        name: String,
        /// The digest of its text.
        document: String,
        /// What it asks of looking at assets; left out where it asks for what holds for all.
        #[serde(default, skip_serializing_if = "ScanRule::is_default")]
        rule: ScanRule,
    },
    /// Somebody asks for a decision on findings.
    #[serde(rename = "decision/requested")]
    DecisionRequested {
        /// Which.
        decision: DecisionId,
        /// What is to be decided.
        #[serde(rename = "decides")]
        kind: DecisionKind,
        /// What it speaks of.
        reach: Reach,
        /// Why.
        reason: String,
        /// Until when it is to hold.
        until: Timestamp,
        /// The decision that it renews.
        renews: Option<DecisionId>,
    },
    /// A decision is in force.
    #[serde(rename = "decision/approved")]
    DecisionApproved {
        /// Which.
        decision: DecisionId,
        /// The digest of what was approved: whoever approves has seen that.
        terms: String,
    },
    /// A decision was turned down.
    #[serde(rename = "decision/declined")]
    DecisionDeclined {
        /// Which.
        decision: DecisionId,
    },
    /// A decision was taken back.
    #[serde(rename = "decision/revoked")]
    DecisionRevoked {
        /// Which.
        decision: DecisionId,
    },
}

impl Event {
    /// What it is about: the id of an asset, a person, a decision …
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::AssetRegistered { asset, .. }
            | Self::AssetChanged { asset, .. }
            | Self::AssetRetired { asset, .. }
            | Self::InventoryTaken { asset, .. }
            | Self::AssetScanned { asset, .. }
            | Self::ScanMissed { asset, .. }
            | Self::AgentEnrolled { asset, .. }
            | Self::AgentRevoked { asset, .. } => asset.as_str(),
            Self::RolesGiven { person, .. }
            | Self::CredentialChanged { person, .. }
            | Self::PersonErased { person } => person.as_str(),
            Self::TokenIssued { token, .. } | Self::TokenRevoked { token } => token.as_str(),
            Self::FeedUpdated { feed, .. } => feed.as_str(),
            Self::AdvisoriesJudged { .. } => "advisories",
            Self::PolicyAdopted { .. } => "policy",
            Self::DecisionRequested { decision, .. }
            | Self::DecisionApproved { decision, .. }
            | Self::DecisionDeclined { decision }
            | Self::DecisionRevoked { decision } => decision.as_str(),
        }
    }

    /// The asset that it is about, if it is about one.
    #[must_use]
    pub fn asset(&self) -> Option<&AssetId> {
        match self {
            Self::AssetRegistered { asset, .. }
            | Self::AssetChanged { asset, .. }
            | Self::AssetRetired { asset, .. }
            | Self::InventoryTaken { asset, .. }
            | Self::AssetScanned { asset, .. }
            | Self::ScanMissed { asset, .. }
            | Self::AgentEnrolled { asset, .. }
            | Self::AgentRevoked { asset, .. } => Some(asset),
            _ => None,
        }
    }

    /// The document beside the ledger that tells the rest.
    #[must_use]
    pub fn document(&self) -> Option<&str> {
        match self {
            Self::InventoryTaken { document, .. }
            | Self::AdvisoriesJudged { document, .. }
            | Self::PolicyAdopted { document, .. } => Some(document),
            _ => None,
        }
    }

    /// The entry that tells it.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_entry(&self, at: Timestamp, actor: &PersonId) -> Result<Entry, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        Ok(Entry::new(at, actor.as_str(), &kind, self.subject(), value["body"].take()))
    }

    /// Reads what an entry tells.
    ///
    /// # Errors
    /// If its kind is not known, or its body not of that kind, or about something else than the entry says.
    pub fn from_entry(number: u64, entry: &Entry) -> Result<Self, Error> {
        let wrong = |source| Error::Entry { number, kind: entry.kind.clone(), source };
        let event: Self = serde_json::from_value(json!({ "kind": entry.kind, "body": entry.body })).map_err(wrong)?;
        match event.subject() == entry.subject {
            true => Ok(event),
            false => Err(wrong(serde::de::Error::custom("its subject is not that of its body"))),
        }
    }
}
