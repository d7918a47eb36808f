//! Agents: let in, listed, turned away.

use super::shapes::Reason;
use super::{Json, Part, PartQuery, Path, Query, ROWS};
use crate::access::{Access, OPERATES, SEES_ASSETS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use lifecycle::{AssetId, Command};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![(SEES_ASSETS, routes!(list_agents)), (OPERATES, routes!(create_agent)), (OPERATES, routes!(revoke_agent))]
}

/// An asset's agent.
#[derive(Debug, Serialize, ToSchema)]
struct AgentShape {
    asset: String,
    #[schema(value_type = String, format = DateTime)]
    enrolled_at: Timestamp,
    /// When the asset was looked at last, as far as is noted.
    #[schema(value_type = Option<String>, format = DateTime)]
    scanned_at: Option<Timestamp>,
    /// When the agent spoke to this process last; none if it has not since the process began.
    #[schema(value_type = Option<String>, format = DateTime)]
    seen_at: Option<Timestamp>,
    /// The agent's version, where it has said it.
    version: Option<String>,
}

/// A page of agents.
#[derive(Debug, Serialize, ToSchema)]
struct Agents {
    items: Vec<AgentShape>,
    total: usize,
    next_page_token: Option<String>,
}

/// The agents that are enrolled.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", params(PartQuery), responses((status = 200, body = Agents)))]
async fn list_agents(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PartQuery>,
) -> Answer<axum::Json<Agents>> {
    let part = Part::of("agents", &query, ROWS)?;
    let record = app.organisation.store.record().await?;
    let agents = record.state.agents();
    let enrolled: Vec<_> = agents.filter(|(id, ..)| record.state.may_see(&caller.person, id).is_ok()).collect();
    let total = enrolled.len();
    let shape = |(id, asset, agent): (&AssetId, &lifecycle::Asset, &lifecycle::Agent)| {
        let contact = app.contacts.of(id);
        AgentShape {
            asset: id.to_string(),
            enrolled_at: agent.since,
            scanned_at: asset.scanned_at,
            seen_at: contact.as_ref().map(|contact| contact.at),
            version: contact.map(|contact| contact.version),
        }
    };
    let (enrolled, next_page_token) = part.of_list(enrolled, |(id, ..)| id.to_string())?;
    let items = enrolled.into_iter().map(shape).collect();
    Ok(axum::Json(Agents { items, total, next_page_token }))
}

/// An agent that is to be let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAgent {
    /// The asset that it will speak for.
    #[schema(min_length = 1, max_length = 128)]
    asset: String,
    /// Whether to register the asset where it is not there.
    #[serde(default)]
    register: bool,
}

/// A ticket as it is shown, this once.
#[derive(Debug, Serialize, ToSchema)]
struct ShownTicket {
    asset: String,
    /// For `plimsoll-agent enrol`; it holds once, for an hour.
    ticket: String,
    /// Where the agent reaches this service.
    server: String,
}

/// Lets an asset's agent in: the answer has a ticket that holds once.
#[utoipa::path(post, path = "/api/v1/agents", tag = "agents", request_body = NewAgent,
    responses((status = 201, body = ShownTicket), (status = 404, body = Problem)))]
async fn create_agent(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewAgent>,
) -> Answer<(StatusCode, axum::Json<ShownTicket>)> {
    let asset = AssetId::new(new.asset)?;
    let ticket = let_in(&app, &caller, (&asset, new.register)).await?;
    let server = app.settings.agents_address();
    Ok((StatusCode::CREATED, axum::Json(ShownTicket { asset: asset.to_string(), ticket, server })))
}

/// Makes a ticket for an asset's agent.
pub(crate) async fn let_in(app: &App, caller: &Caller, (asset, is_new): (&AssetId, bool)) -> Answer<String> {
    if app.settings.agents.is_none() {
        return Err(Problem::new(StatusCode::CONFLICT, "agent/none", "this service takes no agents"));
    }
    let authority = app.authority.fingerprint.clone();
    Ok(operations::enrolment(&app.organisation, (&caller.person, app.now()), (asset, is_new), authority)
        .await?
        .reveal())
}

/// Trusts an asset's agent no longer, from now on.
#[utoipa::path(post, path = "/api/v1/agents/{asset}/revoke", tag = "agents", params(("asset" = String, Path, description = "The asset's id")),
    request_body = Reason, responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn revoke_agent(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Json(said): Json<Reason>,
) -> Answer<StatusCode> {
    app.organisation.act(&caller.person, app.now(), Command::RevokeAgent(AssetId::new(asset)?, said.reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}
