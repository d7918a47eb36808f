//! Entries: how an event stands in the ledger, and what it is about.

use crate::error::Error;
use crate::event::Event;
use jiff::Timestamp;
use ledger::Entry;
use rules::{AssetId, ChangeId, PersonId};
use serde_json::json;

/// How the kinds begin of what happens to changes.
const OF_CHANGES: &str = "change/";

/// What an event is about.
enum About<'e> {
    Asset(&'e AssetId),
    /// Something else, by its id.
    Other(&'e str),
}

impl Event {
    fn about(&self) -> About<'_> {
        match self {
            Self::AssetRegistered { asset, .. }
            | Self::AssetChanged { asset, .. }
            | Self::AssetRetired { asset, .. }
            | Self::InventoryTaken { asset, .. }
            | Self::AssetScanned { asset, .. }
            | Self::ScanMissed { asset, .. }
            | Self::AssetAttested { asset, .. }
            | Self::VendorNotified { asset, .. }
            | Self::AgentEnrolled { asset, .. }
            | Self::AgentRevoked { asset, .. } => About::Asset(asset),
            Self::RolesGiven { person, .. }
            | Self::CredentialChanged { person, .. }
            | Self::PersonErased { person } => About::Other(person.as_str()),
            Self::TokenIssued { token, .. } | Self::TokenRevoked { token } => About::Other(token.as_str()),
            Self::FeedUpdated { feed, .. } => About::Other(feed.as_str()),
            Self::AdvisoriesJudged { .. } => About::Other("advisories"),
            Self::PolicyAdopted { .. } => About::Other("policy"),
            Self::DocumentDescribed { document, .. }
            | Self::DocumentRetired { document, .. }
            | Self::DocumentReviewed { document, .. }
            | Self::ReviewCalled { document, .. }
            | Self::Acknowledged { document, .. } => About::Other(document.as_str()),
            Self::VersionDrafted { version, .. }
            | Self::VersionRevised { version, .. }
            | Self::VersionSubmitted { version, .. }
            | Self::VersionNoted { version, .. }
            | Self::VersionWithdrawn { version }
            | Self::VersionPublished { version, .. } => About::Other(version.as_str()),
            Self::GroupChanged { group, .. } | Self::GroupRemoved { group } => About::Other(group.as_str()),
            Self::CampaignOpened { campaign, .. } | Self::CampaignClosed { campaign } => {
                About::Other(campaign.as_str())
            }
            Self::TrainingCompleted(completion) => About::Other(completion.person.as_str()),
            Self::DutyMissed { duty, .. } | Self::DutyExcused { duty, .. } => About::Other(duty),
            Self::ViolationOpened(opened) => About::Other(&opened.id),
            Self::ViolationsTold { .. } => About::Other("violations"),
            Self::ViolationAnswered { violation, .. } => About::Other(violation),
            Self::DecisionRequested { decision, .. }
            | Self::DecisionApproved { decision, .. }
            | Self::DecisionDeclined { decision }
            | Self::DecisionReviewed { decision, .. }
            | Self::DecisionRevoked { decision } => About::Other(decision.as_str()),
            Self::Change { change, .. } => About::Other(change.as_str()),
        }
    }

    /// What it is about: the id of an asset, a person, a decision …
    #[must_use]
    pub fn subject(&self) -> &str {
        match self.about() {
            About::Asset(asset) => asset.as_str(),
            About::Other(id) => id,
        }
    }

    /// The asset that it is about, if it is about one.
    #[must_use]
    pub fn asset(&self) -> Option<&AssetId> {
        match self.about() {
            About::Asset(asset) => Some(asset),
            About::Other(_) => None,
        }
    }

    /// The document beside the ledger that tells the rest.
    #[must_use]
    pub fn document(&self) -> Option<&str> {
        match self {
            Self::InventoryTaken { document, .. }
            | Self::AdvisoriesJudged { document, .. }
            | Self::PolicyAdopted { document, .. } => Some(document),
            Self::VersionDrafted { draft, .. } | Self::VersionRevised { draft, .. } => Some(&draft.text),
            Self::TrainingCompleted(completion) => completion.evidence.as_deref(),
            Self::AssetAttested { said, .. } => said.evidence.as_deref(),
            Self::VendorNotified { notice, .. } => notice.said.evidence.as_deref(),
            Self::Change { what, .. } => what.document(),
            _ => None,
        }
    }

    /// The entry that tells it.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_entry(&self, at: Timestamp, actor: &PersonId) -> Result<Entry, serde_json::Error> {
        let mut value = match self {
            Self::Change { what, .. } => serde_json::to_value(what)?,
            event => serde_json::to_value(event)?,
        };
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        Ok(Entry::new(at, actor.as_str(), &kind, self.subject(), value["body"].take()))
    }

    /// Reads what an entry tells.
    ///
    /// # Errors
    /// If its kind is not known, or its body not of that kind, or about something else than the entry says.
    pub fn from_entry(number: u64, entry: &Entry) -> Result<Self, Error> {
        let wrong = |source| Error::Entry { number, kind: entry.kind.clone(), source };
        let told = json!({ "kind": entry.kind, "body": entry.body });
        if entry.kind.starts_with(OF_CHANGES) {
            let change =
                ChangeId::new(entry.subject.as_str()).map_err(|error| wrong(serde::de::Error::custom(error)))?;
            return Ok(Self::Change { change, what: serde_json::from_value(told).map_err(wrong)? });
        }
        let event: Self = serde_json::from_value(told).map_err(wrong)?;
        match event.subject() == entry.subject {
            true => Ok(event),
            false => Err(wrong(serde::de::Error::custom("its subject is not that of its body"))),
        }
    }
}
