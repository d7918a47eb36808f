//! Assets: what can be patched, and what is owed on it.

use super::shapes::{AttributesShape, CountsShape, Reason};
use super::{AtQuery, Json, Listed, Part, Path, Query, ROWS, instant};
use crate::access::{Access, EVERYBODY, OPERATES, SEES_ASSETS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use fleet::{AssetFilter, AssetRow, Facet};
use jiff::Timestamp;
use lifecycle::{AssetId, Attributes, Command};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{Plan, Record};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (EVERYBODY, routes!(get_summary)),
        (SEES_ASSETS, routes!(list_assets)),
        (OPERATES, routes!(create_asset)),
        (SEES_ASSETS, routes!(get_asset)),
        (OPERATES, routes!(update_asset)),
        (OPERATES, routes!(retire_asset)),
        (OPERATES, routes!(attest_asset)),
        (OPERATES, routes!(note_vendor_notice)),
    ]
}

/// Which assets are asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AssetQuery {
    /// A part of the id or the name.
    pub(crate) name: Option<String>,
    pub(crate) environment: Option<String>,
    /// The team that owns it.
    pub(crate) owner: Option<String>,
    pub(crate) criticality: Option<String>,
    /// `exposed` or `internal`.
    pub(crate) exposure: Option<String>,
    pub(crate) tag: Option<String>,
    /// A part of the operating system's name.
    pub(crate) platform: Option<String>,
    /// What must not be known of it: `owner`, `environment`, `criticality`, `exposure`, `platform` or `tag`, with commas between.
    pub(crate) unknown: Option<String>,
    /// `overdue`: only those that should have been looked at by now, and were not.
    pub(crate) scan: Option<String>,
    /// As of this day or instant instead of now.
    pub(crate) at: Option<String>,
    /// The token of a page that was given with the one before.
    pub(crate) page_token: Option<String>,
    /// How many rows, 1000 at the most.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(deserialize_with = "super::empty_is_none")]
    pub(crate) limit: Option<usize>,
}

impl Listed for AssetQuery {
    fn page(&mut self) -> (&mut Option<String>, &mut Option<usize>) {
        (&mut self.page_token, &mut self.limit)
    }
}

impl AssetQuery {
    /// The filter of what somebody asks for, and sees.
    pub(crate) fn filter(&self, caller: &Caller) -> Answer<AssetFilter> {
        let words = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(other) = words(&self.scan).filter(|word| word != "overdue") {
            return Err(Problem::bad(format!("`{other}` is no state of a scan: it is `overdue`")));
        }
        Ok(AssetFilter {
            name: words(&self.name),
            environment: words(&self.environment),
            owner: words(&self.owner),
            criticality: words(&self.criticality),
            exposure: words(&self.exposure).map(|word| exposure(&word)).transpose()?,
            tag: words(&self.tag),
            platform: words(&self.platform),
            unknown: words(&self.unknown).map(|words| unknown(&words)).transpose()?.unwrap_or_default(),
            ..caller.sees()
        })
    }
}

impl AssetQuery {
    /// The filter with what only the record knows.
    pub(crate) fn narrowed(&self, filter: AssetFilter, view: &operations::View<'_>) -> AssetFilter {
        match self.scan.as_deref() {
            Some("overdue") => AssetFilter { among: Some(view.scans_overdue(&filter)), ..filter },
            _ => filter,
        }
    }
}

/// What must not be known of an asset, by its words.
fn unknown(words: &str) -> Answer<Vec<Facet>> {
    let none = |word: &str| {
        let known = Facet::ALL.map(Facet::word).join(", ");
        Problem::bad(format!("`{word}` is nothing that may be known or not: {known} are"))
    };
    words.split(',').map(str::trim).map(|word| Facet::of_word(word).ok_or_else(|| none(word))).collect()
}

/// An exposure by its word.
pub(crate) fn exposure(word: &str) -> Answer<lifecycle::Exposure> {
    match word {
        "exposed" => Ok(lifecycle::Exposure::Exposed),
        "internal" => Ok(lifecycle::Exposure::Internal),
        other => Err(Problem::bad(format!("`{other}` is no exposure: it is `exposed` or `internal`"))),
    }
}

/// An asset in a list.
#[derive(Debug, Serialize, ToSchema)]
struct AssetShape {
    id: String,
    attributes: AttributesShape,
    /// Its operating system, in words; may be empty.
    platform: String,
    counts: CountsShape,
    /// When the first of what is owed is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    packages: u64,
    /// How many packages could not be judged.
    undetermined: u64,
    /// How many files could not be read.
    unread: u64,
    /// Whether anybody has looked at it.
    is_scanned: bool,
    /// Why the policy does not cover it, so that nothing is owed on it; null if it does.
    uncovered_because: Option<String>,
}

impl From<AssetRow> for AssetShape {
    fn from(row: AssetRow) -> Self {
        Self {
            id: row.asset.to_string(),
            attributes: row.attributes.into(),
            platform: row.platform,
            counts: row.counts.into(),
            due_at: row.due,
            packages: row.packages,
            undetermined: row.undetermined,
            unread: row.unread,
            is_scanned: row.is_scanned,
            uncovered_because: row.uncovered,
        }
    }
}

/// A page of assets.
#[derive(Debug, Serialize, ToSchema)]
struct AssetsPage {
    items: Vec<AssetShape>,
    total: usize,
    /// What is not known of the assets that were asked for; nothing of it is safe.
    gaps: Vec<String>,
    next_page_token: Option<String>,
}

/// The assets that are asked for, those with most that is overdue first.
#[utoipa::path(get, path = "/api/v1/assets", tag = "assets", params(AssetQuery), responses((status = 200, body = AssetsPage)))]
async fn list_assets(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AssetQuery>,
) -> Answer<axum::Json<AssetsPage>> {
    let (filter, part) = (query.filter(&caller)?, Part::of("assets", &query, ROWS)?);
    let (after, offset) = part.after()?;
    let answer = app.view(instant(query.at.as_deref())?, |view| {
        let filter = query.narrowed(filter, view);
        let page = (after.as_ref(), offset, part.limit.saturating_add(1));
        let found = view.findings.assets_after(&view.record.facts, (&filter, view.now), page);
        (found, view.gaps(&filter).words())
    });
    let ((total, mut rows), gaps) = answer.await?;
    let has_more = rows.len() > part.limit;
    rows.truncate(part.limit);
    let last = rows.last().filter(|_| has_more).map(AssetRow::after);
    let next_page_token = part.behind(rows.len(), last.as_ref());
    Ok(axum::Json(AssetsPage { items: rows.into_iter().map(Into::into).collect(), total, gaps, next_page_token }))
}

/// One asset.
#[utoipa::path(get, path = "/api/v1/assets/{asset}", tag = "assets", params(("asset" = String, Path, description = "The asset's id")),
    responses((status = 200, body = AssetShape), (status = 404, body = Problem)))]
async fn get_asset(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
) -> Answer<axum::Json<AssetShape>> {
    one(&app, &caller, AssetId::new(asset)?).await.map(axum::Json)
}

async fn one(app: &App, caller: &Caller, asset: AssetId) -> Answer<AssetShape> {
    let filter = AssetFilter { id: Some(asset), ..caller.sees() };
    let answer = app.view(None, |view| view.findings.assets(&view.record.facts, (&filter, view.now), (0, 1)).1.pop());
    answer.await?.map(Into::into).ok_or_else(|| Problem::not_found("such asset"))
}

/// An asset that is to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAsset {
    /// Its id: letters, digits and `-._:/@`.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:@-]+$")]
    id: String,
    #[serde(default)]
    attributes: AttributesShape,
}

/// Registers an asset.
#[utoipa::path(post, path = "/api/v1/assets", tag = "assets", request_body = NewAsset,
    responses((status = 201, body = AssetShape), (status = 409, body = Problem)))]
async fn create_asset(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewAsset>,
) -> Answer<(StatusCode, axum::Json<AssetShape>)> {
    let asset = AssetId::new(new.id)?;
    let command = Command::RegisterAsset(asset.clone(), new.attributes.into());
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok((StatusCode::CREATED, axum::Json(one(&app, &caller, asset).await?)))
}

/// Says something else about an asset: what is left out is not known any more. With `If-Match` only if nobody else has since.
#[utoipa::path(put, path = "/api/v1/assets/{asset}", tag = "assets", params(("asset" = String, Path, description = "The asset's id")),
    request_body = AttributesShape, responses((status = 200, body = AssetShape), (status = 404, body = Problem), (status = 412, body = Problem)))]
async fn update_asset(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    headers: HeaderMap,
    Json(attributes): Json<AttributesShape>,
) -> Answer<axum::Json<AssetShape>> {
    let asset = AssetId::new(asset)?;
    let changed = || {
        let words = "somebody has changed it since";
        Problem::new(StatusCode::PRECONDITION_FAILED, "request/changed-meanwhile", words)
    };
    let mut expected = None;
    if let Some(wanted) = headers.get(header::IF_MATCH) {
        let shape = one(&app, &caller, asset.clone()).await?;
        let current = serde_json::to_vec(&shape).map_err(|error| Problem::internal(&error))?;
        if wanted.as_bytes() != b"*" && wanted.as_bytes() != crate::routes::etag(&current).as_bytes() {
            return Err(changed());
        }
        expected = Some(Attributes::from(shape.attributes));
    }
    let (id, is_changed) = (asset.clone(), Arc::new(AtomicBool::new(false)));
    let told = Arc::clone(&is_changed);
    let planner = move |record: &Record| {
        let known = record.state.assets.get(&id).map(|known| &known.attributes);
        if expected.as_ref().is_some_and(|expected| known != Some(expected)) {
            told.store(true, Ordering::Release);
            return Ok(Plan::default());
        }
        Ok(Plan { commands: vec![Command::ChangeAsset(id, attributes.into())], ..Plan::default() })
    };
    app.organisation.store.commit(&caller.person, app.now(), planner).await?;
    if is_changed.load(Ordering::Acquire) {
        return Err(changed());
    }
    one(&app, &caller, asset).await.map(axum::Json)
}

/// Takes an asset out of service: nothing is owed on it any more.
#[utoipa::path(post, path = "/api/v1/assets/{asset}/retire", tag = "assets", params(("asset" = String, Path, description = "The asset's id")),
    request_body = Reason, responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn retire_asset(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Json(said): Json<Reason>,
) -> Answer<StatusCode> {
    app.organisation.act(&caller.person, app.now(), Command::RetireAsset(AssetId::new(asset)?, said.reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the vendor of a managed service says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Attested {
    #[schema(min_length = 1)]
    vendor: String,
    /// What it says of its patching.
    #[schema(min_length = 1)]
    statement: String,
    /// What it has handed in, as text; its digest is in the ledger.
    evidence: Option<String>,
}

/// Notes what the vendor of an asset says of its patching; the policy must leave the asset to its vendor.
#[utoipa::path(post, path = "/api/v1/assets/{asset}/attestation", tag = "assets", params(("asset" = String, Path, description = "The asset's id")),
    request_body = Attested, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn attest_asset(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Json(said): Json<Attested>,
) -> Answer<StatusCode> {
    let told = (said.vendor, said.statement, said.evidence.map(String::into_bytes));
    app.organisation.attest(&caller.person, AssetId::new(asset)?, told, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the vendor of a managed service tells of a vulnerability of its own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ToldByVendor {
    #[schema(min_length = 1)]
    vendor: String,
    /// A CVE, or what the vendor calls it.
    #[schema(min_length = 1)]
    vulnerability: String,
    /// Since when the vendor knew of it, as it says itself.
    #[schema(value_type = String, format = DateTime)]
    known_since: Timestamp,
    /// What it says of it.
    #[schema(min_length = 1)]
    statement: String,
    /// What it has handed in, as text; its digest is in the ledger.
    evidence: Option<String>,
}

/// Notes what the vendor of an asset tells of a vulnerability of its own; the policy must leave the asset to its vendor.
#[utoipa::path(post, path = "/api/v1/assets/{asset}/vendor-notices", tag = "assets", params(("asset" = String, Path, description = "The asset's id")),
    request_body = ToldByVendor, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn note_vendor_notice(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Json(said): Json<ToldByVendor>,
) -> Answer<StatusCode> {
    let told = (said.vendor, said.statement, said.evidence.map(String::into_bytes));
    let about = (AssetId::new(asset)?, said.vulnerability, said.known_since);
    app.organisation.note_vendor_notice(&caller.person, about, told, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A class of findings.
#[derive(Debug, Serialize, ToSchema)]
struct ClassShape {
    class: String,
    counts: CountsShape,
}

/// The state of the fleet in figures.
#[derive(Debug, Serialize, ToSchema)]
struct SummaryShape {
    counts: CountsShape,
    /// By class, the strictest first.
    classes: Vec<ClassShape>,
    assets: u64,
    assets_overdue: u64,
    packages: u64,
    /// How many packages and releases could not be judged.
    undetermined: u64,
    /// How many assets are current: looked at in time, judged in full, with nothing overdue.
    assets_current: Option<u64>,
    /// How many assets were looked at in time.
    assets_looked_at: u64,
    /// What is not known, in words; nothing of it is safe.
    gaps: Vec<String>,
}

/// How much is owed, and how much of it is overdue.
#[utoipa::path(get, path = "/api/v1/summary", tag = "findings", params(AtQuery), responses((status = 200, body = SummaryShape)))]
async fn get_summary(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AtQuery>,
) -> Answer<axum::Json<SummaryShape>> {
    let filter = crate::pages::figures_filter(&caller);
    let answer = app.view(instant(query.at.as_deref())?, |view| {
        let summary = view.findings.summary_of(&view.record.facts, &filter, view.now);
        let gaps = view.gaps(&filter);
        let current = view.current(&filter, &gaps);
        (summary, gaps, current)
    });
    let (summary, gaps, assets_current) = answer.await?;
    let class = |(class, counts): (String, fleet::Counts)| ClassShape { class, counts: counts.into() };
    Ok(axum::Json(SummaryShape {
        counts: summary.all.into(),
        classes: summary.classes.into_iter().map(class).collect(),
        assets: summary.assets,
        assets_overdue: summary.assets_overdue,
        packages: summary.packages,
        undetermined: gaps.coverage.undetermined,
        assets_current,
        assets_looked_at: gaps.looked_at,
        gaps: gaps.words(),
    }))
}
