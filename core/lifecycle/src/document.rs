//! Governing documents: the policy, and the standards, procedures and guidelines below it, each with an owner and a day of review.

use crate::error::{MOST_NAME_BYTES, name};
use crate::event::Event;
use crate::{Refusal, State};
use ::policy::Length;
use jiff::Timestamp;
use rules::{DocumentId, PersonId, Role, VersionId, after};
use serde::{Deserialize, Serialize};

/// What a document is (ISO/IEC 27002:2022 5.1: topic-specific documents below the policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// What is promised.
    Policy,
    /// What must hold for the promise to be kept.
    Standard,
    /// How it is done, step by step.
    Procedure,
    /// What is recommended.
    Guideline,
}

impl Level {
    /// Every level, the highest first.
    pub const ALL: &[Self] = &[Self::Policy, Self::Standard, Self::Procedure, Self::Guideline];

    /// The level as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Standard => "standard",
            Self::Procedure => "procedure",
            Self::Guideline => "guideline",
        }
    }
}

/// What is said of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Described {
    /// What it is.
    pub level: Level,
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: PersonId,
    /// The document above it that it carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implements: Option<DocumentId>,
    /// How often it is looked at again.
    pub review_every: Length,
}

/// A text that is or was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Since when.
    pub since: Timestamp,
    /// The digest of its text.
    pub text: String,
    /// The version that it came with; none for a policy that one person put in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionId>,
}

/// A document as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What is said of it.
    pub described: Described,
    /// Since when it is in the register.
    pub registered_at: Timestamp,
    /// The texts that were put in force, in the order of that.
    pub texts: Vec<InForce>,
    /// When it was looked at last and found to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_at: Option<Timestamp>,
    /// Since when something asks for a look at once, and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<(Timestamp, String)>,
    /// When it went, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<(Timestamp, String)>,
}

impl Document {
    /// The text in force at an instant.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> Option<&InForce> {
        self.texts.iter().rev().find(|text| text.since <= at)
    }

    /// By when it must be looked at again, where that is owed so often: from the last look, or from the day it was put in force; within
    /// fourteen days where something asks for it.
    #[must_use]
    pub fn review_due(&self, every: Length) -> Timestamp {
        let put = self.texts.iter().map(|text| text.since).next_back().unwrap_or(self.registered_at);
        let from = self.reviewed_at.map_or(put, |reviewed| reviewed.max(put));
        let regular = after(from, every);
        self.called.as_ref().map_or(regular, |(since, _)| regular.min(after(*since, CALLED)))
    }

    /// Whether it is there still.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.retired.is_none()
    }
}

/// How long there is for a review that something asks for.
const CALLED: Length = Length { count: 14, unit: ::policy::Unit::Days };

/// Registers a document, or says something else of one.
pub(crate) fn describe(
    state: &State,
    document: &DocumentId,
    described: &Described,
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::SecurityLead])?;
    if document.is_policy() != (described.level == Level::Policy) {
        return Err(Refusal::Reserved { id: document.to_string() });
    }
    state.active_person(&described.owner)?;
    let title = name(&described.title, MOST_NAME_BYTES)?;
    let described = Described { title, ..described.clone() };
    if let Some(above) = &described.implements {
        let known = state.active_document(above)?;
        if known.described.level >= described.level {
            return Err(Refusal::Hierarchy { above: above.to_string() });
        }
    }
    let known = state.documents.get(document);
    if document.is_policy() && known.is_none() {
        return Err(Refusal::Unknown { what: "document", id: document.to_string() });
    }
    // What stands below it must stay below it.
    let below = |other: &Document| other.is_active() && other.described.implements.as_ref() == Some(document);
    if let Some((id, _)) =
        state.documents.iter().find(|(_, other)| below(other) && other.described.level <= described.level)
    {
        return Err(Refusal::Hierarchy { above: id.to_string() });
    }
    let is_same = known.is_some_and(|known| known.is_active() && known.described == described);
    let told = Event::DocumentDescribed { document: document.clone(), described };
    Ok(if is_same { Vec::new() } else { vec![told] })
}

/// Takes a document out of the register, which keeps its history.
pub(crate) fn retire(state: &State, document: &DocumentId, reason: &str, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::SecurityLead])?;
    state.active_document(document)?;
    if document.is_policy() {
        return Err(Refusal::Reserved { id: document.to_string() });
    }
    let reason = crate::error::reason(reason)?;
    Ok(vec![Event::DocumentRetired { document: document.clone(), reason }])
}

/// A document was looked at, and holds as it is.
pub(crate) fn review(
    state: &State,
    document: &DocumentId,
    words: &str,
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let known = state.active_document(document)?;
    if known.in_force(now).is_none() {
        return Err(Refusal::State { found: "without a text in force", wanted: "in force" });
    }
    if known.described.owner != *by && !(document.is_policy() && state.owns_policy(by)) {
        state.may(by, &[Role::SecurityLead])?;
    }
    let words = crate::error::reason(words)?;
    Ok(vec![Event::DocumentReviewed { document: document.clone(), words }])
}

/// Something asks that a document is looked at at once: an incident, an audit's finding, technology that is new.
pub(crate) fn call_review(
    state: &State,
    document: &DocumentId,
    reason: &str,
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::SecurityLead, Role::Auditor, Role::Operator, Role::Approver])?;
    state.active_document(document)?;
    let reason = crate::error::reason(reason)?;
    Ok(vec![Event::ReviewCalled { document: document.clone(), reason }])
}

impl State {
    /// A document that is still there.
    pub(crate) fn active_document(&self, document: &DocumentId) -> Result<&Document, Refusal> {
        let known = self.documents.get(document).filter(|known| known.is_active());
        known.ok_or_else(|| Refusal::Unknown { what: "document", id: document.to_string() })
    }

    /// Whether somebody has the role that the policy in force names as its owner.
    #[must_use]
    pub fn owns_policy(&self, person: &PersonId) -> bool {
        self.governance().review.as_ref().is_some_and(|rule| self.holds(person, &rule.owner))
    }
}
