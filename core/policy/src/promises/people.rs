//! Roles, review, exceptions, vendors, training, acknowledgement.

use crate::length::Length;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Somebody who answers for something.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Role {
    /// Its id.
    pub id: Spanned<String>,
    /// Its title.
    pub title: String,
    /// What it answers for, in words.
    #[serde(default)]
    pub duties: Vec<String>,
    /// The roles of the product that its people have: `operator`, `approver` …
    #[serde(default)]
    pub holds: Vec<Spanned<String>>,
    /// How many people have it at least.
    #[serde(default = "one")]
    pub people: u32,
    /// Whether they may patch the applications that they own themselves.
    #[serde(default)]
    pub patches_own: bool,
    /// Who is told where it does not act.
    #[serde(default)]
    pub escalates_to: Option<Spanned<String>>,
    /// After how long.
    #[serde(default)]
    pub escalates_after: Option<Length>,
}

fn one() -> u32 {
    1
}

/// When the policy is looked at again.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Review {
    /// Who owns the policy.
    pub owner: Spanned<String>,
    /// How often it is looked at.
    pub every: Spanned<Length>,
    /// What makes it due at once.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Who approves a new version.
    pub approved_by: Vec<Spanned<String>>,
}

/// What makes a review due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Technology that was not there before.
    NewTechnology,
    /// An incident.
    Incident,
    /// An audit found something.
    AuditFinding,
    /// A framework has changed.
    FrameworkChange,
    /// The organisation works in another way.
    ChangeOfOperations,
}

/// How deadlines may be departed from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exceptions {
    /// What an exception may be asked for.
    #[serde(default)]
    pub criteria: Vec<String>,
    /// What must come with it.
    #[serde(default)]
    pub needs: Vec<ExceptionNeed>,
    /// The compensating controls that count.
    #[serde(default)]
    pub controls: Vec<String>,
    /// Who asks.
    pub requested_by: Vec<Spanned<String>>,
    /// Who approves: every one of these.
    pub approved_by: Vec<Spanned<String>>,
    /// How long it lasts at most.
    pub longest: Spanned<Length>,
    /// How often it is looked at again.
    pub review: Spanned<Length>,
}

/// What must come with an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionNeed {
    /// What could happen, and how likely.
    RiskAssessment,
    /// What stands in for the patch meanwhile.
    CompensatingControls,
    /// When and how it ends.
    RemediationPlan,
}

impl ExceptionNeed {
    /// The same in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::RiskAssessment => "an assessment of the risk",
            Self::CompensatingControls => "compensating controls",
            Self::RemediationPlan => "a plan by which it ends",
        }
    }
}

/// What those owe who manage services for the organisation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Vendors {
    /// How often they attest that they patch as the policy asks.
    pub attest: Spanned<Length>,
    /// By when a vendor tells of a vulnerability of its own.
    #[serde(default)]
    pub notify: Option<Length>,
}

/// What people learn.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Training {
    /// Its id.
    pub id: Spanned<String>,
    /// Its title.
    pub title: String,
    /// For whom, by the ids of roles; for all people where none is named.
    #[serde(default)]
    pub roles: Vec<Spanned<String>>,
    /// By when somebody new has done it.
    pub within: Length,
    /// How often it is done again.
    pub every: Spanned<Length>,
}

/// That people have read the policy.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Acknowledgement {
    /// By when, after a version is published or somebody comes.
    pub within: Spanned<Length>,
    /// How often again.
    pub every: Spanned<Length>,
    /// How long before it is due people are reminded.
    #[serde(default)]
    pub remind: Option<Spanned<Length>>,
    /// Who is told of those who have not.
    #[serde(default)]
    pub escalates_to: Option<Spanned<String>>,
}
