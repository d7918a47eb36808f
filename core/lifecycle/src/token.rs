//! Tokens: who may speak to the service, until when. The secret itself is nowhere, only its digest.

use crate::event::Event;
use crate::{Refusal, State};
use jiff::{SignedDuration, Timestamp};
use rules::{AssetId, PersonId, Role, TokenId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most days a token may live.
const MOST_DAYS: i32 = 366;

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// A person.
    Person(PersonId),
    /// An asset's agent, which enrols with it once.
    Asset(AssetId),
}

/// What a token may be used for, beside what its holder's roles allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenScope {
    /// To read.
    Read,
    /// To hand in inventories.
    Report,
    /// To register and change assets and what watches them.
    Operate,
    /// To ask for and to give decisions.
    Decide,
    /// To change people, tokens and settings.
    Administrate,
}

impl TokenScope {
    /// Every scope there is.
    pub const ALL: &[Self] = &[Self::Read, Self::Report, Self::Operate, Self::Decide, Self::Administrate];

    /// The scope as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Report => "report",
            Self::Operate => "operate",
            Self::Decide => "decide",
            Self::Administrate => "administrate",
        }
    }
}

/// A token as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Whose it is.
    pub holder: Holder,
    /// The digest of its secret.
    pub digest: String,
    /// Until when it may be used.
    pub until: Timestamp,
    /// What it may be used for: one without any is good for nothing but to enrol.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<TokenScope>,
    /// Whether it was taken back.
    pub is_revoked: bool,
    /// Whether an agent has enrolled with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_used_up: bool,
}

impl State {
    /// Whether a token may be used at an instant: it is known, not over, not taken back, and whose it is is still there.
    #[must_use]
    pub fn admits(&self, token: &TokenId, now: Timestamp) -> bool {
        self.tokens.get(token).is_some_and(|known| {
            let is_there = match &known.holder {
                Holder::Person(person) => self.people.get(person).is_some_and(|known| !known.is_erased),
                Holder::Asset(asset) => self.active_asset(asset).is_ok(),
            };
            is_there && !known.is_revoked && now < known.until
        })
    }
}

/// Checks an end: after now, and not further away than so many days.
pub(crate) fn check_end(until: Timestamp, now: Timestamp, most_days: i32) -> Result<(), Refusal> {
    let left = until.duration_since(now);
    match left > SignedDuration::ZERO && left <= SignedDuration::from_hours(i64::from(most_days) * 24) {
        true => Ok(()),
        false => Err(Refusal::End { until, most_days }),
    }
}

/// Gives out a token: to oneself, to an agent by who operates, to anybody by an administrator.
pub(crate) fn issue(
    state: &State,
    (token, holder, digest): (&TokenId, &Holder, &str),
    (until, scopes): (Timestamp, &BTreeSet<TokenScope>),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    match holder {
        Holder::Person(person) if person == by && state.may(by, Role::ALL).is_ok() => {}
        Holder::Person(_) => state.may(by, &[Role::Administrator])?,
        Holder::Asset(_) => state.may(by, Role::OPERATES)?,
    }
    check_end(until, now, MOST_DAYS)?;
    if state.tokens.contains_key(token) {
        return Err(Refusal::Exists { what: "token", id: token.to_string() });
    }
    match holder {
        Holder::Person(person) if !state.people.contains_key(person) => {
            Err(Refusal::Unknown { what: "person", id: person.to_string() })
        }
        Holder::Asset(asset) => state.active_asset(asset).map(|_| ()),
        Holder::Person(_) => Ok(()),
    }?;
    let (token, holder, digest) = (token.clone(), holder.clone(), digest.to_owned());
    Ok(vec![Event::TokenIssued { token, holder, digest, until, scopes: scopes.clone() }])
}

/// Takes a token back.
pub(crate) fn revoke(state: &State, token: &TokenId, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    let holder = state.tokens.get(token).map(|known| &known.holder);
    match holder {
        Some(Holder::Person(person)) if person == by => {}
        Some(Holder::Asset(_)) => state.may(by, Role::OPERATES)?,
        _ => state.may(by, &[Role::Administrator])?,
    }
    match state.tokens.get(token) {
        None => Err(Refusal::Unknown { what: "token", id: token.to_string() }),
        Some(known) if known.is_revoked => Ok(Vec::new()),
        Some(_) => Ok(vec![Event::TokenRevoked { token: token.clone() }]),
    }
}
