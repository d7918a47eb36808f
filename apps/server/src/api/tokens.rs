//! Tokens: secrets with which programs use this API in somebody's name.

use super::{Json, Path, instant};
use crate::access::{Access, OWN};
use crate::app::{App, random};
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use lifecycle::{Command, Holder, PersonId, Role, Token, TokenId, TokenScope};
use protocol::Ticket;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![(OWN, routes!(list_tokens)), (OWN, routes!(create_token)), (OWN, routes!(delete_token))]
}

/// What a token is for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ScopeShape {
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

impl From<ScopeShape> for TokenScope {
    fn from(shape: ScopeShape) -> Self {
        match shape {
            ScopeShape::Read => Self::Read,
            ScopeShape::Report => Self::Report,
            ScopeShape::Operate => Self::Operate,
            ScopeShape::Decide => Self::Decide,
            ScopeShape::Administrate => Self::Administrate,
        }
    }
}

/// A token; its secret is kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
struct TokenShape {
    id: String,
    /// In whose name it is used.
    person: String,
    scopes: Vec<&'static str>,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    is_revoked: bool,
}

/// The tokens that somebody sees: their own, and all of them where they administrate.
pub(crate) fn seen<'s>(
    state: &'s lifecycle::State,
    caller: &'s Caller,
) -> impl Iterator<Item = (&'s TokenId, &'s PersonId, &'s Token)> {
    state.tokens.iter().filter_map(|(id, token)| match &token.holder {
        Holder::Person(person) if *person == caller.person || caller.is_any(&[Role::Administrator]) => {
            Some((id, person, token))
        }
        _ => None,
    })
}

fn shape((id, person, token): (&TokenId, &PersonId, &Token)) -> TokenShape {
    TokenShape {
        id: id.to_string(),
        person: person.to_string(),
        scopes: token.scopes.iter().map(|scope| scope.word()).collect(),
        until: token.until,
        is_revoked: token.is_revoked,
    }
}

/// Tokens.
#[derive(Debug, Serialize, ToSchema)]
struct Tokens {
    items: Vec<TokenShape>,
}

/// One's own tokens; all of them for administrators.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = Tokens)))]
async fn list_tokens(State(app): State<App>, caller: Caller) -> Answer<axum::Json<Tokens>> {
    let record = app.organisation.store.record().await?;
    let items = seen(&record.state, &caller).map(shape).collect();
    Ok(axum::Json(Tokens { items }))
}

/// A token that is to be given out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it is for.
    #[schema(min_items = 1)]
    scopes: Vec<ScopeShape>,
    /// Until when: a day or an instant, within a year.
    until: String,
}

/// A token as it is shown, this once.
#[derive(Debug, Serialize, ToSchema)]
struct ShownToken {
    id: String,
    /// Send it as `Authorization: Bearer …`.
    token: String,
}

/// Gives oneself a token. It is shown this once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = ShownToken), (status = 422, body = Problem)))]
async fn create_token(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewToken>,
) -> Answer<(StatusCode, axum::Json<ShownToken>)> {
    let until = instant(Some(&new.until))?.ok_or_else(|| Problem::bad("until is missing"))?;
    let ticket = issue(&app, &caller, new.scopes.into_iter().map(Into::into).collect(), until).await?;
    Ok((StatusCode::CREATED, axum::Json(ShownToken { id: ticket.token.to_string(), token: ticket.reveal() })))
}

/// Gives somebody a token of their own. A token cannot make one that may do more than itself.
pub(crate) async fn issue(app: &App, caller: &Caller, scopes: Vec<TokenScope>, until: Timestamp) -> Answer<Ticket> {
    if scopes.is_empty() {
        return Err(Problem::bad("a token without a scope is good for nothing: name one at the least"));
    }
    if let Some(own) = &caller.scopes
        && scopes.iter().any(|scope| !own.contains(scope))
    {
        return Err(Problem::forbidden("a token cannot give out what it may not do itself"));
    }
    if caller.until.is_some_and(|own| until > own) {
        return Err(Problem::forbidden("a token cannot give out one that holds longer than itself"));
    }
    let ticket = Ticket::new(&random::<40>().map_err(|error| Problem::internal(&error))?, None);
    let ticket = ticket.map_err(|error| Problem::internal(&error))?;
    let command = Command::IssueToken {
        token: ticket.token.clone(),
        holder: Holder::Person(caller.person.clone()),
        digest: ticket.digest(),
        until,
        scopes: scopes.into_iter().collect(),
    };
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(ticket)
}

/// Takes a token back: it opens nothing from now on.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "tokens", params(("token" = String, Path, description = "The token's id")),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn delete_token(State(app): State<App>, caller: Caller, Path(token): Path<String>) -> Answer<StatusCode> {
    app.organisation.act(&caller.person, app.now(), Command::RevokeToken(TokenId::new(token)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
