//! Governance: what the policy in force asks of people: who approves its next version, who reads it, who learns what.

use crate::changes::ChangeRule;
use crate::oversight::Oversight;
use crate::role::Role;
use policy::promises::Spanned;
use policy::{Length, Policy, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a policy asks of people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Governance {
    /// Who approves a new version: one of each, all of them different people. Where none is named, one person puts it in force.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Seat>,
    /// When it is looked at again, and by whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewRule>,
    /// That people have read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<AcknowledgementRule>,
    /// What people learn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub courses: Vec<Course>,
    /// What it asks where a promise is departed from or not kept.
    #[serde(skip_serializing_if = "Oversight::is_empty")]
    pub oversight: Oversight,
    /// What it asks of changes.
    #[serde(skip_serializing_if = "ChangeRule::is_empty")]
    pub changes: ChangeRule,
}

/// A role of the policy, and who has it here: whoever has one of these roles of the product, or is in the group of its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Seat {
    /// The role's id in the policy.
    pub role: String,
    /// Its title.
    pub title: String,
    /// The roles of the product that its people have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holds: BTreeSet<Role>,
}

/// When the policy is looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReviewRule {
    /// How often.
    pub every: Length,
    /// By whom.
    pub owner: Seat,
}

/// That people have read the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AcknowledgementRule {
    /// By when, after a version is in force or somebody comes.
    pub within: Length,
    /// How often again.
    pub every: Length,
    /// How long before it is due people are reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Length>,
    /// Who is told of those who have not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_to: Option<Seat>,
}

/// What people learn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Course {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// For whom; for everybody where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<Seat>,
    /// By when somebody new has done it.
    pub within: Length,
    /// How often it is done again.
    pub every: Length,
}

impl Governance {
    /// What is asked where no policy is in force.
    pub const NONE: Self = Self {
        approvals: Vec::new(),
        review: None,
        acknowledgement: None,
        courses: Vec::new(),
        oversight: Oversight::NONE,
        changes: ChangeRule::NONE,
    };

    /// What a policy asks.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let promises = &policy.promises;
        let seats = |ids: &[Spanned<String>]| ids.iter().map(|id| Seat::of(policy, id.as_ref())).collect();
        let review = promises.review.as_ref();
        let course = |training: &policy::promises::Training| Course {
            id: training.id.as_ref().clone(),
            title: training.title.clone(),
            seats: seats(&training.roles),
            within: training.within,
            every: *training.every.as_ref(),
        };
        Self {
            approvals: review.map(|review| seats(&review.approved_by)).unwrap_or_default(),
            review: review.map(|review| ReviewRule {
                every: *review.every.as_ref(),
                owner: Seat::of(policy, review.owner.as_ref()),
            }),
            acknowledgement: promises.acknowledgement.as_ref().map(|rule| AcknowledgementRule {
                within: *rule.within.as_ref(),
                every: *rule.every.as_ref(),
                remind: rule.remind.as_ref().map(|remind| *remind.as_ref()),
                escalates_to: rule.escalates_to.as_ref().map(|role| Seat::of(policy, role.as_ref())),
            }),
            courses: promises.training.iter().map(course).collect(),
            oversight: Oversight::of(policy),
            changes: ChangeRule::of(policy),
        }
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Seat {
    /// A role of a policy, by its id.
    #[must_use]
    pub fn of(policy: &Policy, id: &str) -> Self {
        let role = policy.promises.role(id);
        let held = role.into_iter().flat_map(|role| &role.holds);
        let known = |word: &Spanned<String>| Role::ALL.iter().find(|role| role.word() == word.as_ref()).copied();
        Self {
            role: id.to_owned(),
            title: role.map_or_else(|| id.to_owned(), |role| role.title.clone()),
            holds: held.filter_map(known).collect(),
        }
    }
}

/// What holds where a policy says nothing of it: fourteen days.
pub const USUAL: Length = Length { count: 14, unit: Unit::Days };
