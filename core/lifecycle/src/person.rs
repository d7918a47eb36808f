//! People and what they may do. The ledger knows their ids alone; names lie in a table that can be erased.

use crate::event::Event;
use crate::id::PersonId;
use crate::{Refusal, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What somebody is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees everything, changes nothing.
    Auditor,
    /// Owns packages and asks for exceptions.
    Developer,
    /// Registers assets and patches them.
    Operator,
    /// Owns the policy and decides on findings.
    SecurityLead,
    /// Approves exceptions.
    Executive,
    /// Gives roles and tokens.
    Administrator,
}

/// A person as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// What they are trusted with; nothing once they have gone.
    pub roles: BTreeSet<Role>,
    /// Whether what is known of them beside the id was erased.
    pub is_erased: bool,
}

/// Gives somebody these roles and no others. The first person may make themselves an administrator: somebody must begin.
pub(crate) fn set_roles(
    state: &State,
    person: &PersonId,
    roles: &BTreeSet<Role>,
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    let is_first = state.people.is_empty();
    if !is_first {
        state.may(by, &[Role::Administrator])?;
        if person == by {
            return Err(Refusal::OwnRoles);
        }
    } else if !roles.contains(&Role::Administrator) {
        return Err(Refusal::LastAdministrator);
    }
    if state.people.get(person).is_some_and(|known| known.roles == *roles && !known.is_erased) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::RolesGiven { person: person.clone(), roles: roles.clone() }])
}

/// Erases what is known of somebody who has gone; their id stays where it stood.
pub(crate) fn erase(state: &State, person: &PersonId, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::Administrator])?;
    let known = state.people.get(person).filter(|known| !known.is_erased);
    let known = known.ok_or_else(|| Refusal::Unknown { what: "person", id: person.to_string() })?;
    let administrators = state.people.values().filter(|other| other.roles.contains(&Role::Administrator)).count();
    if known.roles.contains(&Role::Administrator) && administrators < 2 {
        return Err(Refusal::LastAdministrator);
    }
    Ok(vec![Event::PersonErased { person: person.clone() }])
}
