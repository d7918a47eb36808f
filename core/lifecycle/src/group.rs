//! Groups of people: kept here, read from a file, or said by an identity provider.

use crate::error::{MOST_NAME_BYTES, name};
use crate::event::Event;
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{GroupId, PersonId, Role};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who says who is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Administrators, here.
    Local,
    /// A file.
    File,
    /// An identity provider, when people sign in.
    Oidc,
    /// An identity provider, by itself (SCIM).
    Scim,
}

impl Source {
    /// Every source.
    pub const ALL: &[Self] = &[Self::Local, Self::File, Self::Oidc, Self::Scim];

    /// The source as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::File => "file",
            Self::Oidc => "oidc",
            Self::Scim => "scim",
        }
    }
}

/// A group as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name for people.
    pub title: String,
    /// Who says who is in it.
    pub source: Source,
    /// Who is in it, and since when.
    pub members: BTreeMap<PersonId, Timestamp>,
    /// Those of them who have put themselves there: it gives them no role of any policy.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub by_themselves: BTreeSet<PersonId>,
    /// Whether it is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_gone: bool,
}

/// Says who is in a group, and nobody else; one that is not known is there from then on. Nothing happens if that was so.
pub(crate) fn set(
    state: &State,
    (group, title, source): (&GroupId, &str, Source),
    members: &BTreeSet<PersonId>,
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may_provide(by)?;
    let title = name(title, MOST_NAME_BYTES)?;
    for person in members {
        state.active_person(person)?;
    }
    let known = state.groups.get(group).filter(|known| !known.is_gone);
    let there = known.into_iter().flat_map(|known| known.members.keys());
    // Who went and came back is not in it before somebody says so.
    let before: BTreeSet<PersonId> =
        there.clone().filter(|person| state.joined_group(group, person).is_some()).cloned().collect();
    let joined: BTreeSet<PersonId> = members.difference(&before).cloned().collect();
    let left: BTreeSet<PersonId> = there.filter(|person| !members.contains(person)).cloned().collect();
    if joined.contains(by) && state.is_seat(group) {
        return Err(Refusal::OwnRoles);
    }
    let is_same = known.is_some_and(|known| known.title == title && known.source == source);
    if is_same && joined.is_empty() && left.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Event::GroupChanged { group: group.clone(), title, source, joined, left }])
}

/// A group is gone, and nobody is in it.
pub(crate) fn remove(state: &State, group: &GroupId, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    state.may_provide(by)?;
    let known = state.groups.get(group).filter(|known| !known.is_gone);
    known.ok_or_else(|| Refusal::Unknown { what: "group", id: group.to_string() })?;
    Ok(vec![Event::GroupRemoved { group: group.clone() }])
}

impl State {
    /// Somebody who has a role here.
    pub(crate) fn active_person(&self, person: &PersonId) -> Result<(), Refusal> {
        let is_here = self.people.get(person).is_some_and(|known| !known.roles.is_empty());
        if is_here { Ok(()) } else { Err(Refusal::Unknown { what: "person", id: person.to_string() }) }
    }

    /// Says no to who may not say who is in a group: administrators do, and the system for an identity provider.
    pub(crate) fn may_provide(&self, by: &PersonId) -> Result<(), Refusal> {
        if by.as_str() == crate::SYSTEM { Ok(()) } else { self.may(by, &[Role::Administrator]) }
    }

    /// Since when somebody is in a group: they have been here all the time since.
    #[must_use]
    pub fn joined_group(&self, group: &GroupId, person: &PersonId) -> Option<Timestamp> {
        let since = *self.groups.get(group).filter(|known| !known.is_gone)?.members.get(person)?;
        let joined = self.people.get(person)?.joined_at()?;
        (since >= joined).then_some(since)
    }

    /// Whether being in a group gives somebody a role of the policy in force.
    fn is_seat(&self, group: &GroupId) -> bool {
        let governance = self.governance();
        let review = governance.review.iter().map(|rule| &rule.owner);
        let told = governance.acknowledgement.iter().filter_map(|rule| rule.escalates_to.as_ref());
        let roles = governance.oversight.roles.iter().map(|role| &role.seat);
        let mut seats = governance.approvals.iter().chain(review).chain(told).chain(roles);
        seats.any(|seat| seat.role == group.as_str())
    }

    pub(crate) fn change_group(
        &mut self,
        (group, title, source): (GroupId, String, Source),
        (joined, left): (BTreeSet<PersonId>, &BTreeSet<PersonId>),
        (by, at): (&str, Timestamp),
    ) {
        let new = || Group {
            title: String::new(),
            source,
            members: BTreeMap::new(),
            by_themselves: BTreeSet::new(),
            is_gone: false,
        };
        let known = self.groups.entry(group).or_insert_with(new);
        (known.title, known.source, known.is_gone) = (title, source, false);
        known.members.retain(|person, _| !left.contains(person));
        known.by_themselves.retain(|person| !left.contains(person));
        known.by_themselves.extend(joined.iter().filter(|person| person.as_str() == by).cloned());
        known.members.extend(joined.into_iter().map(|person| (person, at)));
    }
}
