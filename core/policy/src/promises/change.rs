//! Testing and approval, deployment, and what happens when it cannot wait.

use crate::length::Length;
use serde::{Deserialize, Serialize};
use std::fmt;
use toml::Spanned;

/// How patches are tested.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Testing {
    /// The environments that mirror production.
    pub environments: Vec<Spanned<String>>,
    /// The tests that must pass, by their names.
    pub tests: Vec<String>,
    /// How long a patch runs there before it goes on.
    pub soak: Length,
    /// Whether each change says beforehand how it is taken back.
    #[serde(default)]
    pub rollback_plan: bool,
    /// Classes of data that no such environment may hold.
    #[serde(default)]
    pub forbids_data: Vec<String>,
}

impl Testing {
    /// Whether an environment is one of those that patches are tested in.
    #[must_use]
    pub fn is_in(&self, environment: &str) -> bool {
        self.environments.iter().any(|known| known.as_ref().eq_ignore_ascii_case(environment))
    }

    /// Whether a ring is of such environments alone.
    #[must_use]
    pub fn has_ring(&self, ring: &Ring) -> bool {
        !ring.environment.is_empty() && ring.environment.iter().all(|environment| self.is_in(environment))
    }

    /// Whether such an environment may not hold data of a class.
    #[must_use]
    pub fn forbids(&self, class: &str) -> bool {
        self.forbids_data.iter().any(|known| known.eq_ignore_ascii_case(class))
    }
}

/// What a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeType {
    /// Approved beforehand by the policy for the assets it names.
    Standard,
    /// Passes every gate.
    Normal,
    /// Skips what the policy lets it skip, and owes it afterwards.
    Emergency,
}

impl ChangeType {
    /// Every type.
    pub const ALL: &[Self] = &[Self::Standard, Self::Normal, Self::Emergency];
}

impl fmt::Display for ChangeType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Standard => "standard",
            Self::Normal => "normal",
            Self::Emergency => "emergency",
        })
    }
}

/// What must be true before a change moves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The required tests have passed.
    Tests,
    /// It has run in the test environments for as long as it must.
    Soak,
    /// It says how it is taken back.
    RollbackPlan,
    /// Those it concerns have been told.
    Notice,
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tests => "tests",
            Self::Soak => "soak",
            Self::RollbackPlan => "rollback-plan",
            Self::Notice => "notice",
        })
    }
}

/// What a type of change must pass.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gate {
    /// Of which type.
    pub change: Spanned<ChangeType>,
    /// What must be true.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Who may ask for it.
    #[serde(default)]
    pub requested_by: Vec<Spanned<String>>,
    /// Who approves: every one of these, and none of them their own.
    #[serde(default)]
    pub approved_by: Vec<Spanned<String>>,
}

/// How patches are deployed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Deployment {
    /// The share of a ring's assets, in percent, whose failing stops it.
    pub failure_threshold: Spanned<u32>,
    /// So many assets of a change at once at most.
    #[serde(default)]
    pub at_once: Option<Spanned<u32>>,
    /// The share of a change's assets, in percent, that may be under way or lost at any instant before the last ring; two assets may
    /// always be.
    #[serde(default)]
    pub blast_radius: Option<Spanned<u32>>,
    /// What is patched without anybody's word.
    #[serde(default)]
    pub automatic: Option<Automatic>,
    /// When assets start again.
    #[serde(default)]
    pub reboot: Option<Reboot>,
    /// Who is told beforehand.
    #[serde(default)]
    pub notice: Option<Notice>,
}

/// What is patched without anybody's word.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Automatic {
    /// Assets of which criticality.
    #[serde(default)]
    pub criticality: Vec<String>,
    /// Assets of which environment.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// When assets start again.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reboot {
    /// By when after a patch that asks for it.
    pub within: Spanned<Length>,
    /// How often in one change at most.
    pub most: u32,
}

/// Who is told beforehand.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Notice {
    /// How long before customers are.
    pub customers: Option<Length>,
    /// How long before the business is.
    pub business: Option<Length>,
}

/// A stage of a rollout.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ring {
    /// Its id.
    pub id: Spanned<String>,
    /// Assets of which environment; of any where none is named.
    #[serde(default)]
    pub environment: Vec<String>,
    /// The share of these assets in percent; all of them where none is named.
    #[serde(default)]
    pub share: Option<Spanned<u32>>,
    /// How long it is watched before the next begins.
    pub soak: Length,
}

/// When assets may be changed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Window {
    /// Its id.
    pub id: Spanned<String>,
    /// When it opens first: a date and time without a zone, as `2026-01-04T02:00:00`.
    pub starts: Spanned<String>,
    /// How it comes again, as RFC 5545 section 3.3.10 writes it: `FREQ=WEEKLY;BYDAY=SU`.
    pub rule: Spanned<String>,
    /// How long it is open.
    pub lasts: Length,
    /// Whose clocks it follows; the policy's where none is named.
    #[serde(default)]
    pub time_zone: Option<Spanned<String>>,
    /// Assets of which environment; of any where none is named.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// When assets may not be changed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Freeze {
    /// Its first day.
    pub from: Spanned<String>,
    /// Its last day.
    pub until: Spanned<String>,
    /// Why.
    pub reason: String,
    /// The types of change that go on.
    #[serde(default)]
    pub except: Vec<ChangeType>,
}

/// What happens when it cannot wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Emergency {
    /// The classes whose findings are emergencies.
    pub classes: Vec<Spanned<String>>,
    /// What else is one, in words.
    #[serde(default)]
    pub triggers: Vec<String>,
    /// By when it is over.
    pub within: Spanned<Length>,
    /// What may be skipped.
    #[serde(default)]
    pub skips: Vec<Need>,
    /// What is owed afterwards.
    #[serde(default)]
    pub owes: Vec<Owed>,
}

/// What is owed after an emergency.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Owed {
    /// What, in words.
    pub what: String,
    /// By whom.
    pub by: Spanned<String>,
    /// By when.
    pub within: Length,
}
