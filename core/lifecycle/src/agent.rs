//! Agents: the program on an asset that reports it. It enrols once, with a token; the certificates that follow name that token.

use crate::asset::Asset;
use crate::event::Event;
use crate::person::SYSTEM;
use crate::token::{Holder, Token};
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{AssetId, PersonId, Role, TokenId};
use serde::{Deserialize, Serialize};

/// An asset's agent as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The token that it enrolled with: certificates that name another one are those of an agent before it.
    pub token: TokenId,
    /// The digest of the public key that it enrolled with.
    pub key: String,
    /// Since when.
    pub since: Timestamp,
}

impl State {
    /// The agent that an asset has now: one that was revoked, by itself or by the token that it enrolled with, is none.
    #[must_use]
    pub fn agent_of(&self, asset: &AssetId) -> Option<&Agent> {
        let agent = self.active_asset(asset).ok()?.agent.as_ref()?;
        self.tokens.get(&agent.token).filter(|token| !token.is_revoked).map(|_| agent)
    }

    /// The assets that have an agent now, each with it.
    pub fn agents(&self) -> impl Iterator<Item = (&AssetId, &Asset, &Agent)> {
        self.assets.iter().filter_map(|(id, asset)| Some((id, asset, self.agent_of(id)?)))
    }

    /// Whether whoever enrolled with this token is the agent of an asset now.
    #[must_use]
    pub fn is_agent(&self, asset: &AssetId, token: &TokenId) -> bool {
        self.agent_of(asset).is_some_and(|agent| agent.token == *token)
    }
}

/// Enrols an agent with its token. The same agent may ask again with the same key: the answer may have been lost on the way.
pub(crate) fn enrol(
    state: &State,
    (token, key): (&TokenId, &str),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    if by.as_str() != SYSTEM {
        state.may(by, &[Role::Administrator])?;
    }
    let unknown = || Refusal::Unknown { what: "token", id: token.to_string() };
    let known = state.tokens.get(token).filter(|_| state.admits(token, now)).ok_or_else(unknown)?;
    let Holder::Asset(asset) = &known.holder else { return Err(unknown()) };
    let agent = state.active_asset(asset)?.agent.as_ref();
    if agent.is_some_and(|agent| agent.token == *token && agent.key == key) {
        return Ok(Vec::new());
    }
    if known.is_used_up {
        return Err(Refusal::State { found: "used up", wanted: "unused" });
    }
    Ok(vec![Event::AgentEnrolled { asset: asset.clone(), token: token.clone(), key: key.to_owned() }])
}

/// Trusts an asset's agent no longer, with the reason.
pub(crate) fn revoke(state: &State, asset: &AssetId, reason: &str, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    state.may(by, Role::OPERATES)?;
    let known = state.active_asset(asset)?;
    if known.agent.is_none() {
        return Err(Refusal::Unknown { what: "agent of", id: asset.to_string() });
    }
    let revoked = Event::AgentRevoked { asset: asset.clone(), reason: crate::error::reason(reason)? };
    Ok(std::iter::once(revoked).chain(open_tickets(state, asset)).collect())
}

/// Takes back the tickets of an asset's agents that nobody has enrolled with: whoever has one stays out too.
pub(crate) fn open_tickets(state: &State, asset: &AssetId) -> impl Iterator<Item = Event> {
    let is_open =
        |known: &&Token| !known.is_revoked && !known.is_used_up && known.holder == Holder::Asset(asset.clone());
    state
        .tokens
        .iter()
        .filter(move |(_, known)| is_open(known))
        .map(|(token, _)| Event::TokenRevoked { token: token.clone() })
}
