//! Inventories that programs hand in: bills of materials and lock files of a build, and what was observed elsewhere.

use super::{AtQuery, Path, Query, day, instant};
use crate::access::{Access, REPORTS, SEES_ASSETS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use fleet::Thing;
use inventory::Inventory;
use inventory::readers::{self, Document};
use lifecycle::AssetId;
use operations::Taken;
use protocol::Observed;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

/// The most bytes of a document.
const MOST_BYTES: usize = 64 << 20;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (REPORTS, routes!(create_inventory).layer(DefaultBodyLimit::max(MOST_BYTES))),
        (SEES_ASSETS, routes!(get_inventory)),
    ]
}

/// What is handed in.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
struct PushQuery {
    /// The name of the file, by which lock files are known (`Cargo.lock`); bills of materials are known by what is in them.
    file: Option<String>,
    /// When it was made, if not now.
    taken_at: Option<String>,
}

/// What became of an inventory.
#[derive(Debug, Serialize, ToSchema)]
struct TakenShape {
    /// `changed`, `unchanged`, `late` (older than the newest one) or `known` (taken in before).
    result: &'static str,
    /// How many packages it has.
    packages: u64,
    added: usize,
    removed: usize,
    /// How many entries could not be read: what they hold is not known.
    unread: u64,
    /// What could not be read, in words.
    problems: Vec<String>,
}

/// Takes a bill of materials (CycloneDX, SPDX) or a lock file in, as what the asset has now.
#[utoipa::path(post, path = "/api/v1/assets/{asset}/inventory", tag = "inventories",
    params(("asset" = String, Path, description = "The asset's id"), PushQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The document"),
    responses((status = 200, body = TakenShape), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn create_inventory(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Query(query): Query<PushQuery>,
    body: Bytes,
) -> Answer<axum::Json<TakenShape>> {
    let asset = AssetId::new(asset)?;
    let taken_at = taken(query.taken_at.as_deref())?.unwrap_or(app.now());
    let name = query.file.clone().unwrap_or_else(|| "bom.json".to_owned());
    let observed = crate::agents::in_turn(body.len(), |most| read((&name, query.file.is_some()), &body, most)).await?;
    let (packages, unread, problems) = (observed.packages(), observed.unread, observed.problems.clone());
    let advisories = app.advisories();
    let pushed = app.organisation.push(&caller.person, asset, (observed, taken_at), (advisories.as_ref(), app.now()));
    let (result, added, removed) = match pushed.await? {
        Taken::Changed { added, removed } => ("changed", added, removed),
        Taken::Unchanged => ("unchanged", 0, 0),
        Taken::Late => ("late", 0, 0),
        Taken::Known => ("known", 0, 0),
    };
    Ok(axum::Json(TakenShape { result, packages, added, removed, unread, problems }))
}

/// When something was observed, as somebody writes it. Of a day its beginning: nobody has looked later than is known.
fn taken(text: Option<&str>) -> Answer<Option<jiff::Timestamp>> {
    let date = text.and_then(day);
    let morning = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|morning| morning.timestamp());
    if morning.is_some() { Ok(morning) } else { instant(text) }
}

/// Reads a document; nothing where it unpacks to more bytes than it may.
fn read((name, is_named): (&str, bool), bytes: &[u8], most: usize) -> Answer<Option<Observed>> {
    let refuse = |words: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "inventory/refused", words);
    let hint = if is_named { "" } else { "; a lock file is known by its name: say it with ?file=" };
    let limits = inventory::Limits { bytes: most as u64 };
    let unpacked = match inventory::unpack(bytes.to_vec(), limits) {
        Ok(unpacked) => unpacked,
        // It is more than may be unpacked now, if that is what is wrong with it.
        Err(_) if most < MOST_BYTES => return Ok(None),
        Err(error) => return Err(refuse(store::in_words(&error))),
    };
    let mut found = Inventory { subject: name.to_owned(), ..Inventory::default() };
    if readers::read_document(&Document { name, bytes: &unpacked }, &mut found).is_none() {
        return Err(refuse(format!("it is of no kind that is known: no bill of materials and no lock file{hint}")));
    }
    if found.packages.is_empty() {
        let why = found.problems.first().map(|problem| format!("{}: {}", problem.place, problem.what));
        let why = why.unwrap_or_else(|| "it has no package at all: that tells nothing about the asset".to_owned());
        return Err(refuse(format!("{why}{hint}")));
    }
    host::sort(&mut found.packages);
    Observed::of(&found, &[]).map(Some).map_err(|error| refuse(store::in_words(&error)))
}

/// What an asset has.
#[derive(Debug, Serialize, ToSchema)]
struct InventoryShape {
    asset: String,
    /// What it has: packages, releases and what has to be restarted.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Thing>,
}

/// What an asset has.
#[utoipa::path(get, path = "/api/v1/assets/{asset}/inventory", tag = "inventories", params(AtQuery, ("asset" = String, Path, description = "The asset's id")),
    responses((status = 200, body = InventoryShape), (status = 404, body = Problem)))]
async fn get_inventory(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Query(query): Query<AtQuery>,
) -> Answer<axum::Json<InventoryShape>> {
    let asset = AssetId::new(asset)?;
    let at = instant(query.at.as_deref())?;
    let record = app.organisation.store.record().await?;
    caller.may_see(&record, &asset, at)?;
    let had = record.facts.things_at(&asset, at).ok_or_else(|| Problem::not_found("such asset"))?;
    let items = had.into_iter().cloned().collect();
    Ok(axum::Json(InventoryShape { asset: asset.to_string(), items }))
}
