//! The ledger: its entries, the signed checkpoint, and proofs that anybody can check without this service.

use super::{Path, Query};
use crate::access::{Access, SEES_ALL};
use crate::app::App;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![(SEES_ALL, routes!(list_entries)), (SEES_ALL, routes!(get_checkpoint)), (SEES_ALL, routes!(get_proof))]
}

/// The most entries of one page.
const MOST_ENTRIES: u64 = 1000;

/// Which entries are asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct EntriesQuery {
    /// The number of the first.
    from: u64,
    /// How many, 1000 at the most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
struct EntriesPage {
    /// The number of the first.
    from: u64,
    /// The entries as they were written.
    #[schema(value_type = Vec<Object>)]
    items: Vec<serde_json::Value>,
    /// How many there are in all.
    total: u64,
}

/// Entries as they were written, in their order.
#[utoipa::path(get, path = "/api/v1/ledger/entries", tag = "ledger", params(EntriesQuery), responses((status = 200, body = EntriesPage), (status = 400, body = Problem)))]
async fn list_entries(State(app): State<App>, Query(query): Query<EntriesQuery>) -> Answer<axum::Json<EntriesPage>> {
    let store = &app.organisation.store;
    let limit = query.limit.unwrap_or(100);
    if limit == 0 || limit > MOST_ENTRIES {
        return Err(Problem::bad(format!("limit must lie between 1 and {MOST_ENTRIES}")));
    }
    let total = store.record().await?.state.entries;
    let (from, until) = (query.from.min(total), query.from.saturating_add(limit).min(total));
    let bytes = store.entries(from, until).await?;
    let read = |bytes: &Vec<u8>| serde_json::from_slice(bytes).map_err(|error| Problem::internal(&error));
    Ok(axum::Json(EntriesPage { from, items: bytes.iter().map(read).collect::<Answer<_>>()?, total }))
}

/// The newest checkpoint, a signed note (C2SP): keep it, and nothing before it can be altered unseen.
#[utoipa::path(get, path = "/api/v1/ledger/checkpoint", tag = "ledger", responses((status = 200, body = String, content_type = "text/plain")))]
async fn get_checkpoint(State(app): State<App>) -> Answer<String> {
    Ok(app.organisation.store.checkpoint().await?)
}

/// The proof that an entry is in the ledger; `plimsoll ledger check` checks it with the public key alone.
#[utoipa::path(get, path = "/api/v1/ledger/entries/{number}/proof", tag = "ledger", params(("number" = u64, Path, description = "The entry's number")),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn get_proof(State(app): State<App>, Path(number): Path<u64>) -> Answer<axum::Json<serde_json::Value>> {
    let store = &app.organisation.store;
    if number >= store.record().await?.state.entries {
        return Err(Problem::not_found("such entry"));
    }
    Ok(axum::Json(operations::proof_as_json(&store.prove(number).await?)?))
}
