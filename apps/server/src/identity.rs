//! Identity: who a request is from. Sessions are for people in a browser, tokens for programs.

pub(crate) mod account;
pub(crate) mod password;
pub(crate) mod provider;
mod seal;
pub(crate) mod session;

pub(crate) use account::address_of_account;
pub(crate) use seal::Sealer;

use crate::app::{App, random};
use crate::error::Error;
use crate::problem::{Answer, Problem};
use axum::http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{Holder, PersonId, Role, State, TokenScope};
use protocol::Ticket;
use std::collections::BTreeSet;

/// Who a request is from.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) person: PersonId,
    pub(crate) roles: BTreeSet<Role>,
    /// The teams whose assets they see; none where they see all.
    pub(crate) owners: Option<BTreeSet<String>>,
    /// What a token is for; none for a session.
    pub(crate) scopes: Option<BTreeSet<TokenScope>>,
    /// Until when a token holds; none for a session.
    pub(crate) until: Option<Timestamp>,
    /// The digest of the session's secret; none for a token.
    pub(crate) session: Option<String>,
}

impl Caller {
    /// Whether they have one of these roles.
    pub(crate) fn is_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.roles.contains(role))
    }
}

/// Finds out who a request is from; nobody where it does not say. One that says so wrongly is refused.
pub(crate) async fn identify(app: &App, headers: &HeaderMap) -> Answer<Option<Caller>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().ok().and_then(|text| text.split_once(' '));
        let ticket = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let ticket = ticket.and_then(|(_, ticket)| Ticket::parse(ticket).ok());
        return by_ticket(app, &ticket.ok_or_else(Problem::unauthenticated)?).await.map(Some);
    }
    let mut found = None;
    for secret in session::secrets(headers, app.settings.is_secure()) {
        found = app.organisation.store.session(&session::digest(&secret), app.now()).await?;
        if found.is_some() {
            break;
        }
    }
    let Some(session) = found else { return Ok(None) };
    let record = app.organisation.store.record().await?;
    Ok(caller(&record.state, session.person).map(|caller| Caller { session: Some(session.digest), ..caller }))
}

/// Takes others' entries in where a token is not known here: another process may have given it out a moment ago.
pub(crate) async fn know(app: &App, ticket: &Ticket) -> Answer<()> {
    let is_known = app.organisation.store.record().await?.state.tokens.contains_key(&ticket.token);
    if !is_known {
        app.organisation.store.catch_up().await?;
    }
    Ok(())
}

async fn by_ticket(app: &App, ticket: &Ticket) -> Answer<Caller> {
    know(app, ticket).await?;
    let record = app.organisation.store.record().await?;
    let state = &record.state;
    let known = state.tokens.get(&ticket.token).filter(|known| ticket.is_of(&known.digest));
    let known = known.filter(|_| state.admits(&ticket.token, app.now())).ok_or_else(Problem::unauthenticated)?;
    let Holder::Person(person) = &known.holder else { return Err(Problem::unauthenticated()) };
    let caller = caller(state, person.clone()).ok_or_else(Problem::unauthenticated)?;
    Ok(Caller { scopes: Some(known.scopes.clone()), until: Some(known.until), ..caller })
}

fn caller(state: &State, person: PersonId) -> Option<Caller> {
    let known = state.people.get(&person).filter(|known| !known.is_erased)?;
    let roles = known.roles.clone();
    // Whoever sees no asset sees those of no team.
    let owners = state.teams_seen(&person).map_or_else(|_| Some(BTreeSet::new()), |teams| teams.cloned());
    Some(Caller { roles, owners, scopes: None, until: None, session: None, person })
}

/// The link by which the first administrator begins.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The digest of its secret.
    pub(crate) digest: String,
    pub(crate) person: PersonId,
    pub(crate) until: Timestamp,
}

/// How long that link holds.
const SETUP: SignedDuration = SignedDuration::from_hours(24);

/// The secret of the one-time link by which the first administrator begins, as long as nobody can sign in. It is kept nowhere but
/// in this process: the next one makes another.
pub(crate) async fn setup(app: &App, first: &PersonId) -> Result<Option<String>, Error> {
    if account::is_anybody_usable(app).await? {
        return Ok(None);
    }
    let administrators: Vec<String> = {
        let record = app.organisation.store.record().await?;
        let all = record.state.people.iter().filter(|(_, person)| person.roles.contains(&Role::Administrator));
        all.map(|(id, _)| id.to_string()).collect()
    };
    if !administrators.iter().any(|id| id == first.as_str()) {
        return Err(Error::Setting(format!(
            "nobody can sign in yet, and `{first}` administrates nothing here: name who is to begin with --as: {}",
            administrators.join(", ")
        )));
    }
    let secret = protocol::hexadecimal(&random::<32>()?);
    if let Ok(mut setup) = app.setup.lock() {
        let (digest, until) = (ledger::digest(secret.as_bytes()), app.now() + SETUP);
        *setup = Some(Setup { digest, person: first.clone(), until });
    }
    Ok(Some(secret))
}
