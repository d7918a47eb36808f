//! What a policy asks of changes: gates, tests, notices, emergencies.

use crate::governance::Seat;
use policy::promises::{ChangeType, Need, Spanned};
use policy::{Length, Policy};
use serde::{Deserialize, Serialize};

/// What a policy asks of changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChangeRule {
    /// What each type must pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateRule>,
    /// The tests that must pass, by their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
    /// How long a change runs in the test environments before it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soak: Option<Length>,
    /// How long before it begins customers are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<Length>,
    /// How long before it begins the business is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business: Option<Length>,
    /// What emergencies may skip, and owe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyRule>,
}

/// What a type of change must pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GateRule {
    /// Of which type.
    pub change: ChangeType,
    /// What must be true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Who may ask for it; whoever operates where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested_by: Vec<Seat>,
    /// Who approves: one of each, all of them different people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<Seat>,
}

/// What emergencies may skip, and owe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EmergencyRule {
    /// What may be skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skips: Vec<Need>,
    /// What is owed afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owes: Vec<OwedRule>,
}

/// What is owed after an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OwedRule {
    /// What, in words.
    pub what: String,
    /// By whom.
    pub by: Seat,
    /// By when.
    pub within: Length,
}

impl ChangeRule {
    /// What is asked where no policy is in force.
    pub const NONE: Self =
        Self { gates: Vec::new(), tests: Vec::new(), soak: None, customers: None, business: None, emergency: None };

    /// What a policy asks.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let promises = &policy.promises;
        let seat = |id: &Spanned<String>| Seat::of(policy, id.as_ref());
        let seats = |ids: &[Spanned<String>]| ids.iter().map(seat).collect();
        let gate = |gate: &policy::promises::Gate| GateRule {
            change: *gate.change.as_ref(),
            needs: gate.needs.clone(),
            requested_by: seats(&gate.requested_by),
            approved_by: seats(&gate.approved_by),
        };
        let owed = |owed: &policy::promises::Owed| OwedRule {
            what: owed.what.clone(),
            by: seat(&owed.by),
            within: owed.within,
        };
        let testing = promises.testing.as_ref();
        let notice = promises.deployment.as_ref().and_then(|deployment| deployment.notice.as_ref());
        Self {
            gates: promises.gates.iter().map(gate).collect(),
            tests: testing.map(|testing| testing.tests.clone()).unwrap_or_default(),
            soak: testing.map(|testing| testing.soak),
            customers: notice.and_then(|notice| notice.customers),
            business: notice.and_then(|notice| notice.business),
            emergency: promises
                .emergency
                .as_ref()
                .map(|rule| EmergencyRule { skips: rule.skips.clone(), owes: rule.owes.iter().map(owed).collect() }),
        }
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// What a type of change must pass.
    #[must_use]
    pub fn gate(&self, kind: ChangeType) -> Option<&GateRule> {
        self.gates.iter().find(|gate| gate.change == kind)
    }
}
