//! Records, measures with their targets, alerts, and what follows from violations.

use crate::length::Length;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// What is kept, and how long.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// What.
    pub kind: Spanned<RecordKind>,
    /// How long.
    pub keep: Spanned<Length>,
}

/// What the product keeps a record of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// What was found, and when.
    Findings,
    /// What assets had.
    Inventories,
    /// When they were looked at.
    Scans,
    /// What was changed, tested and approved.
    Changes,
    /// What was departed from.
    Exceptions,
    /// What was breached.
    Violations,
    /// Who has read the policy.
    Acknowledgements,
    /// Who has learned what.
    Training,
    /// What vendors say.
    Attestations,
    /// Every version of the policy.
    Policy,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Findings,
        Self::Inventories,
        Self::Scans,
        Self::Changes,
        Self::Exceptions,
        Self::Violations,
        Self::Acknowledgements,
        Self::Training,
        Self::Attestations,
        Self::Policy,
    ];

    /// What it is, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Inventories => "inventories",
            Self::Scans => "looks at assets",
            Self::Changes => "changes, with their tests and approvals",
            Self::Exceptions => "exceptions",
            Self::Violations => "violations",
            Self::Acknowledgements => "acknowledgements",
            Self::Training => "training",
            Self::Attestations => "attestations of vendors",
            Self::Policy => "versions of this policy",
        }
    }
}

/// A figure with its target, in percent or in a length of time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Measure {
    /// Which figure.
    pub of: Spanned<MeasureKind>,
    /// Of which class; of all where none is named.
    #[serde(default)]
    pub class: Option<Spanned<String>>,
    /// The least it should be, in percent.
    #[serde(default)]
    pub at_least: Option<Spanned<f64>>,
    /// The most it should be, as a length of time.
    #[serde(default)]
    pub at_most: Option<Spanned<Length>>,
}

/// The figures that the product measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureKind {
    /// The share of findings that were remediated by their deadline.
    DeadlinesKept,
    /// The mean time from the clock's start to the patch.
    TimeToPatch,
    /// The share of assets on which nothing is overdue.
    AssetsCurrent,
    /// The share of assets that were looked at as often as promised.
    ScanCoverage,
    /// The share of people who have read the policy.
    Acknowledged,
    /// The share of people whose training is up to date.
    Trained,
    /// The share of changes that were not taken back.
    ChangesKept,
}

impl MeasureKind {
    /// What it is, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::DeadlinesKept => "findings remediated by their deadline",
            Self::TimeToPatch => "mean time to patch",
            Self::AssetsCurrent => "assets that are current",
            Self::ScanCoverage => "assets looked at in time",
            Self::Acknowledged => "people who have acknowledged the policy",
            Self::Trained => "people whose training is up to date",
            Self::ChangesKept => "changes that were not taken back",
        }
    }

    /// Whether it is a length of time; the others are shares.
    #[must_use]
    pub fn is_time(self) -> bool {
        self == Self::TimeToPatch
    }

    /// Whether it can be asked of one class.
    #[must_use]
    pub fn is_of_class(self) -> bool {
        matches!(self, Self::DeadlinesKept | Self::TimeToPatch)
    }
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Alerts {
    /// How long before a deadline its owner is told.
    pub due_within: Spanned<Length>,
    /// After how long a feed that does not move is told of.
    pub feed_stale: Spanned<Length>,
    /// After how long an asset that says nothing is told of.
    pub asset_silent: Spanned<Length>,
    /// Who is told.
    pub to: Vec<Spanned<String>>,
}

/// What follows from violations.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Response {
    /// From the how manieth violation of one owner on.
    pub from: Spanned<u32>,
    /// Within how long they count together.
    pub within: Spanned<Length>,
    /// What follows.
    pub step: ResponseStep,
    /// Who sees to it.
    pub by: Spanned<String>,
}

/// What may follow from a violation, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseStep {
    /// Training.
    Training,
    /// A look at how the work is done.
    ProcessReview,
    /// A word with those above.
    Escalation,
    /// Rights are taken away.
    AccessRestriction,
}

impl ResponseStep {
    /// The step as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::ProcessReview => "process-review",
            Self::Escalation => "escalation",
            Self::AccessRestriction => "access-restriction",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::ProcessReview => "a review of the process",
            Self::Escalation => "escalation",
            Self::AccessRestriction => "restriction of access",
        }
    }
}
