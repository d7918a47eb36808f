//! Governance: what the policy in force asks of people: who approves its next version, who reads it, who learns what.

use crate::id::{GroupId, PersonId};
use crate::oversight::Oversight;
use crate::person::{Person, Role};
use crate::state::State;
use ::policy::promises::Spanned;
use ::policy::{Length, Policy, Unit};
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
    pub(crate) const NONE: Self = Self {
        approvals: Vec::new(),
        review: None,
        acknowledgement: None,
        courses: Vec::new(),
        oversight: Oversight::NONE,
    };

    /// What a policy asks.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let promises = &policy.promises;
        let seats = |ids: &[Spanned<String>]| ids.iter().map(|id| Seat::of(policy, id.as_ref())).collect();
        let review = promises.review.as_ref();
        let course = |training: &::policy::promises::Training| Course {
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
        }
    }

    /// Whether it asks for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Seat {
    pub(crate) fn of(policy: &Policy, id: &str) -> Self {
        let role = policy.promises.role(id);
        let held = role.into_iter().flat_map(|role| &role.holds);
        let known = |word: &Spanned<String>| Role::ALL.iter().find(|role| role.word() == word.as_ref()).copied();
        Self {
            role: id.to_owned(),
            title: role.map_or_else(|| id.to_owned(), |role| role.title.clone()),
            holds: held.filter_map(known).collect(),
        }
    }

    /// Whether somebody has this role.
    #[must_use]
    pub fn is_held_by(&self, state: &State, person: &PersonId) -> bool {
        let is_here = |known: &&Person| !known.roles.is_empty();
        let Some(known) = state.people.get(person).filter(is_here) else { return false };
        if self.holds.iter().any(|role| known.roles.contains(role)) {
            return true;
        }
        let Ok(group) = GroupId::new(self.role.as_str()) else { return false };
        let was_put = state.groups.get(&group).is_some_and(|known| !known.by_themselves.contains(person));
        was_put && state.joined_group(&group, person).is_some()
    }
}

/// The seats that these people leave empty, where each takes one and as many are taken as can be.
#[must_use]
pub fn empty_seats<'s>(seats: &'s [Seat], people: &[&PersonId], state: &State) -> Vec<&'s Seat> {
    // Who sits where; whoever comes later moves others on where that makes room.
    let mut taken: Vec<Option<usize>> = vec![None; seats.len()];
    for person in 0..people.len() {
        let mut asked = vec![false; seats.len()];
        sit(person, (seats, people, state), &mut taken, &mut asked);
    }
    seats.iter().zip(taken).filter(|(_, taken)| taken.is_none()).map(|(seat, _)| seat).collect()
}

fn sit(person: usize, all: (&[Seat], &[&PersonId], &State), taken: &mut [Option<usize>], asked: &mut [bool]) -> bool {
    let (seats, people, state) = all;
    for place in 0..seats.len() {
        if asked[place] || !seats[place].is_held_by(state, people[person]) {
            continue;
        }
        asked[place] = true;
        if taken[place].is_none_or(|other| sit(other, all, taken, asked)) {
            taken[place] = Some(person);
            return true;
        }
    }
    false
}

/// What holds where a policy says nothing of it: fourteen days.
pub(crate) const USUAL: Length = Length { count: 14, unit: Unit::Days };

#[cfg(test)]
mod tests {
    use super::{Seat, empty_seats};
    use crate::person::{Person, Role};
    use crate::{PersonId, State};

    #[test]
    fn whoever_has_two_roles_makes_room_for_who_has_one() {
        let mut state = State::default();
        for (id, roles) in [("ada", &[Role::Approver, Role::SecurityLead][..]), ("ben", &[Role::Approver])] {
            let roles = roles.iter().copied().collect();
            state.people.insert(PersonId::new(id).expect("an id"), Person { roles, ..Person::default() });
        }
        let seat = |role: Role| Seat { role: role.word().to_owned(), title: String::new(), holds: [role].into() };
        let seats = [seat(Role::Approver), seat(Role::SecurityLead)];
        let [ada, ben] = ["ada", "ben"].map(|id| PersonId::new(id).expect("an id"));
        assert_eq!(empty_seats(&seats, &[&ada, &ben], &state), Vec::<&Seat>::new());
        assert_eq!(empty_seats(&seats, &[&ben], &state), [&seats[1]]);
        assert_eq!(empty_seats(&seats, &[&ada], &state).len(), 1, "one person takes one seat");
    }
}
