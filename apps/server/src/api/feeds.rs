//! Feeds: which are in force, how old they are, and fetching them now.

use crate::access::{Access, EVERYBODY, OPERATES};
use crate::app::App;
use crate::problem::Answer;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![(EVERYBODY, routes!(list_feeds)), (OPERATES, routes!(sync_feeds)), (EVERYBODY, routes!(get_policy))]
}

/// A feed in force.
#[derive(Debug, Serialize, ToSchema)]
struct FeedShape {
    id: String,
    records: u64,
    /// The newest instant inside it.
    #[schema(value_type = Option<String>, format = DateTime)]
    newest_at: Option<Timestamp>,
    /// Since when this state of it is in force here.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// The feeds in force.
#[derive(Debug, Serialize, ToSchema)]
struct FeedsShape {
    items: Vec<FeedShape>,
    /// What is being done with them now, in words; empty if nothing is.
    work: String,
}

/// The feeds in force, with their age.
#[utoipa::path(get, path = "/api/v1/feeds", tag = "feeds", responses((status = 200, body = FeedsShape)))]
async fn list_feeds(State(app): State<App>) -> Answer<axum::Json<FeedsShape>> {
    let record = app.organisation.store.record().await?;
    let shape = |(id, feed): (&lifecycle::FeedId, &lifecycle::Feed)| FeedShape {
        id: id.to_string(),
        records: feed.records,
        newest_at: feed.newest,
        since: feed.since,
    };
    Ok(axum::Json(FeedsShape { items: record.state.feeds.iter().map(shape).collect(), work: app.work.words() }))
}

/// Fetches the feeds now, and holds everything against them; `GET /api/v1/feeds` tells how far that is.
#[utoipa::path(post, path = "/api/v1/feeds/sync", tag = "feeds", responses((status = 202)))]
async fn sync_feeds(State(app): State<App>) -> StatusCode {
    app.work.ask_for_sync();
    StatusCode::ACCEPTED
}

/// The policy in force.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyShape {
    name: String,
    /// The digest of its text.
    digest: String,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Its text.
    text: String,
}

/// The policy in force.
#[utoipa::path(get, path = "/api/v1/policy", tag = "policy", responses((status = 200, body = PolicyShape), (status = 409, body = crate::problem::Problem)))]
async fn get_policy(State(app): State<App>) -> Answer<axum::Json<PolicyShape>> {
    let known = app.organisation.store.record().await?.state.policy.clone();
    let known = known.ok_or(operations::Error::NoPolicy { at: None })?;
    let bytes = app.organisation.store.document(&known.document).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(axum::Json(PolicyShape { name: known.name, digest: known.document, since: known.since, text }))
}
