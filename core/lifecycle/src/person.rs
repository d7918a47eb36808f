//! People and what they may do. The ledger knows their ids alone.

use crate::event::Event;
use crate::token::{Holder, Token};
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{AGENT, PersonId, Role};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the system does by itself, it does under this id: nobody is called so.
pub const SYSTEM: &str = "system";

/// Whether an id is none of a person.
fn is_reserved(id: &PersonId) -> bool {
    id.as_str() == SYSTEM || id.as_str().starts_with(AGENT)
}

/// A person as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// What they are trusted with; nothing once they have gone.
    pub roles: BTreeSet<Role>,
    /// The teams whose assets are theirs.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<String>,
    /// Whether what is known of them beside the id was erased.
    pub is_erased: bool,
    /// Since when they are here without a break; none once they have gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Timestamp>,
    /// Since when somebody else goes by this id, where it was another's before who was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anew: Option<Timestamp>,
    /// Since when they have each of their roles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub since: BTreeMap<Role, Timestamp>,
    /// When they left each team that they are in no more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_teams: BTreeMap<String, Timestamp>,
    /// When they gave up each role that they have no more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_roles: BTreeMap<Role, Timestamp>,
    /// The texts that they have read and said so, by their digests, with the last time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acknowledged: BTreeMap<String, Timestamp>,
    /// The courses that they have done, with the last time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub completed: BTreeMap<String, Timestamp>,
}

impl Person {
    /// Since when they are here; none once they have gone.
    #[must_use]
    pub fn joined_at(&self) -> Option<Timestamp> {
        self.joined
    }

    /// They have these roles and teams from an instant on, and no others.
    pub(crate) fn take(&mut self, (roles, teams): (BTreeSet<Role>, BTreeSet<String>), at: Timestamp) {
        self.left_teams.extend(self.teams.difference(&teams).map(|team| (team.clone(), at)));
        self.left_roles.extend(self.roles.difference(&roles).map(|role| (*role, at)));
        if self.is_erased {
            (self.left_teams, self.left_roles) = Default::default();
            self.anew = Some(at);
            // Somebody else may be called so now: what was read and done under this id is in the ledger.
            (self.acknowledged, self.completed) = Default::default();
        }
        self.joined = if roles.is_empty() { None } else { self.joined.or(Some(at)) };
        self.since.retain(|role, _| roles.contains(role));
        roles.iter().for_each(|role| {
            self.since.entry(*role).or_insert(at);
        });
        (self.roles, self.teams, self.is_erased) = (roles, teams, false);
    }

    /// What is known of them beside their id is erased; what they have read and learned is the organisation's proof, and stays.
    pub(crate) fn erase(&mut self) {
        (self.roles, self.teams, self.since) = Default::default();
        self.joined = None;
        self.is_erased = true;
    }
}

/// How somebody signs in. The secrets themselves are kept beside the ledger, where they can be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// By a link that holds once.
    Invitation,
    /// By a password.
    Password,
    /// By a code of an authenticator beside it.
    Authenticator,
    /// By an identity provider.
    Provider,
}

/// Gives somebody these roles and teams, and no others. The first person may make themselves an administrator: somebody must begin.
pub(crate) fn set_roles(
    state: &State,
    person: &PersonId,
    (roles, teams): (&BTreeSet<Role>, &BTreeSet<String>),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    if is_reserved(person) {
        return Err(Refusal::Reserved { id: person.to_string() });
    }
    let is_first = state.people.is_empty();
    if !is_first {
        state.may(by, &[Role::Administrator])?;
        if person == by {
            return Err(Refusal::OwnRoles);
        }
    } else if !roles.contains(&Role::Administrator) {
        return Err(Refusal::LastAdministrator);
    }
    if state.people.get(person).is_some_and(|known| known.roles == *roles && known.teams == *teams && !known.is_erased)
    {
        return Ok(Vec::new());
    }
    Ok(vec![Event::RolesGiven { person: person.clone(), roles: roles.clone(), teams: teams.clone() }])
}

/// Changes how somebody signs in: their own affair, save that an administrator invites, and takes credentials away.
pub(crate) fn change_credential(
    state: &State,
    person: &PersonId,
    (credential, is_there): (Credential, bool),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    let known = state.people.get(person).filter(|known| !known.is_erased);
    known.ok_or_else(|| Refusal::Unknown { what: "person", id: person.to_string() })?;
    let is_own = person == by && credential != Credential::Invitation;
    // One that was taken up holds no longer.
    let is_by_system = by.as_str() == SYSTEM && credential == Credential::Invitation && !is_there;
    if !is_own && !is_by_system {
        state.may(by, &[Role::Administrator])?;
        if is_there && credential != Credential::Invitation {
            return Err(Refusal::OwnCredentials);
        }
    }
    let changed = Event::CredentialChanged { person: person.clone(), credential, is_there };
    // Whoever begins anew begins without what they had.
    let is_anew = credential == Credential::Invitation && is_there;
    Ok(std::iter::once(changed).chain(own_tokens(state, person).filter(|_| is_anew)).collect())
}

/// Takes back somebody's tokens.
fn own_tokens(state: &State, person: &PersonId) -> impl Iterator<Item = Event> {
    let is_own = |known: &Token| !known.is_revoked && known.holder == Holder::Person(person.clone());
    let own = state.tokens.iter().filter(move |(_, known)| is_own(known));
    own.map(|(token, _)| Event::TokenRevoked { token: token.clone() })
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
    let erased = Event::PersonErased { person: person.clone() };
    Ok(std::iter::once(erased).chain(own_tokens(state, person)).collect())
}
