//! Oversight: what the policy in force asks where something is departed from, late, or somebody else's to do.

use crate::governance::Seat;
use crate::role::Role;
use crate::time::after;
use jiff::Timestamp;
use policy::promises::{ExceptionNeed, ResponseStep, Spanned};
use policy::{Length, Policy};
use serde::{Deserialize, Serialize};

/// What a policy asks where a promise is departed from or not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Oversight {
    /// How deadlines may be departed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<ExceptionRule>,
    /// What follows from violations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseRule>,
    /// How often the vendors of managed services attest that they patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attest: Option<Length>,
    /// Within how long the vendors of managed services tell of a vulnerability that they know of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<Length>,
    /// The policy's roles, each with who is told where it does not act.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Escalation>,
    /// Who is told of what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<AlertRule>,
}

/// How deadlines may be departed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExceptionRule {
    /// How long an exception lasts at most.
    pub longest: Length,
    /// How often it is looked at again.
    pub review: Length,
    /// Who asks; whoever may ask for decisions where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested_by: Vec<Seat>,
    /// Who approves: one of each, all of them different people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<Seat>,
    /// What must come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<ExceptionNeed>,
    /// The compensating controls that count; any where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
}

/// What follows from violations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResponseRule {
    /// From which violation of one party on: 1 is the first.
    pub from: u32,
    /// Within how long they count together.
    pub within: Length,
    /// What follows.
    pub step: ResponseStep,
    /// Who sees to it.
    pub by: Seat,
}

/// A role of the policy, and who is told where it does not act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Escalation {
    /// The role.
    pub seat: Seat,
    /// Who is told, by the role's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// After how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Length>,
    /// Whether its people may carry out changes of the assets of their own teams.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub patches_own: bool,
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlertRule {
    /// How long before a deadline its owner is told.
    pub due_within: Length,
    /// After how long a feed that does not move is told of.
    pub feed_stale: Length,
    /// After how long an asset that says nothing is told of.
    pub asset_silent: Length,
    /// Who is told.
    pub to: Vec<Seat>,
    /// The feeds that the policy rests on: one that was never taken in is told of as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<String>,
}

impl Oversight {
    /// What is asked where no policy is in force.
    pub const NONE: Self =
        Self { exceptions: None, responses: Vec::new(), attest: None, notify: None, roles: Vec::new(), alerts: None };

    /// What a policy asks.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let promises = &policy.promises;
        let id = |id: &Spanned<String>| id.as_ref().clone();
        let seat = |id: &Spanned<String>| Seat::of(policy, id.as_ref());
        let seats = |ids: &[Spanned<String>]| ids.iter().map(seat).collect();
        let response = |rule: &policy::promises::Response| ResponseRule {
            from: *rule.from.as_ref(),
            within: *rule.within.as_ref(),
            step: rule.step,
            by: seat(&rule.by),
        };
        let role = |role: &policy::promises::Role| Escalation {
            seat: seat(&role.id),
            to: role.escalates_to.as_ref().map(|to| to.as_ref().clone()),
            after: role.escalates_after,
            patches_own: role.patches_own,
        };
        Self {
            exceptions: promises.exceptions.as_ref().map(|rule| ExceptionRule {
                longest: *rule.longest.as_ref(),
                review: *rule.review.as_ref(),
                requested_by: seats(&rule.requested_by),
                approved_by: seats(&rule.approved_by),
                needs: rule.needs.clone(),
                controls: rule.controls.clone(),
            }),
            responses: promises.responses.iter().map(response).collect(),
            attest: promises.vendors.as_ref().map(|vendors| *vendors.attest.as_ref()),
            notify: promises.vendors.as_ref().and_then(|vendors| vendors.notify),
            roles: promises.roles.iter().map(role).collect(),
            alerts: promises.alerts.as_ref().map(|rule| AlertRule {
                due_within: *rule.due_within.as_ref(),
                feed_stale: *rule.feed_stale.as_ref(),
                asset_silent: *rule.asset_silent.as_ref(),
                to: seats(&rule.to),
                feeds: promises.scanning.iter().flat_map(|scanning| &scanning.sources).map(id).collect(),
            }),
        }
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// The role whose people patch: the first that operators have.
    #[must_use]
    pub fn operations(&self) -> Option<&Seat> {
        self.roles.iter().map(|role| &role.seat).find(|seat| seat.holds.contains(&Role::Operator))
    }

    /// Whom something has reached that a role should have done by an instant: the role first, then each one that is told where the
    /// one before it does not act, with the instants from which on they are told.
    #[must_use]
    pub fn reached(&self, role: &str, since: Timestamp, now: Timestamp) -> Vec<(&Seat, Timestamp)> {
        let (mut reached, mut from, mut next) = (Vec::<(&Seat, Timestamp)>::new(), since, Some(role));
        while let Some(known) = next.and_then(|id| self.roles.iter().find(|role| role.seat.role == id)) {
            // Whoever was told is not told again: an escalation in a circle ends.
            if from > now || reached.iter().any(|(seat, _)| seat.role == known.seat.role) {
                break;
            }
            reached.push((&known.seat, from));
            from = known.after.map_or(Timestamp::MAX, |length| after(from, length));
            next = known.to.as_deref();
        }
        reached
    }
}
