//! Changes: planned, judged, rolled out and taken back.

use super::{Json, Part, PartQuery, Path, Query, ROWS};
use crate::access::{ANSWERS, Access, CHANGES, SEES_ALL, SEES_ASSETS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use change::{Audience, Change, Exclusion, Happening, Precedence, Wanted};
use fleet::AssetFilter;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, ChangeId, Command};
use operations::{AssetStanding, Scope, asset_standings, change_standing, gate_lacks, step_words};
use policy::promises::ChangeType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (SEES_ASSETS, routes!(list_changes)),
        (CHANGES, routes!(plan_change)),
        (SEES_ASSETS, routes!(show_change)),
        (SEES_ALL, routes!(show_log)),
        (CHANGES, routes!(act_on_change)),
        (ANSWERS, routes!(answer_change)),
        (SEES_ASSETS, routes!(calendar)),
    ]
}

/// The days that a calendar shows.
const DAYS: i64 = 180;

/// A change, in short.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeShape {
    id: String,
    title: String,
    /// `standard`, `normal` or `emergency`.
    kind: String,
    /// `planned`, `declined`, `rolling out`, `paused`, `stopped`, `aborted`, `rolling back` or `ended`.
    stage: &'static str,
    /// The same in words, with what it waits for.
    standing: String,
    /// Whether somebody has to look at it.
    is_in_trouble: bool,
    assets: usize,
    /// How many assets have come how far.
    came: BTreeMap<&'static str, u64>,
    planned_by: String,
    #[schema(value_type = String, format = DateTime)]
    planned_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

fn shape(record: &store::Record, (id, known): (&ChangeId, &Change), now: Timestamp) -> ChangeShape {
    ChangeShape {
        id: id.to_string(),
        title: known.planned.title.clone(),
        kind: known.planned.kind.to_string(),
        stage: known.stage.word(),
        standing: change_standing(record, id, known, now),
        is_in_trouble: known.needs_somebody(),
        assets: known.planned.assets,
        came: known.came.iter().map(|(came, count)| (came.word(), *count)).collect(),
        planned_by: known.by.to_string(),
        planned_at: known.planned_at,
        until: known.planned.until,
    }
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
struct Changes {
    items: Vec<ChangeShape>,
    total: usize,
    next_page_token: Option<String>,
}

/// Changes, the newest first.
#[utoipa::path(get, path = "/api/v1/changes", tag = "changes", params(PartQuery), responses((status = 200, body = Changes)))]
async fn list_changes(State(app): State<App>, Query(query): Query<PartQuery>) -> Answer<axum::Json<Changes>> {
    let part = Part::of("changes", &query, ROWS)?;
    let now = app.now();
    let record = app.organisation.store.record().await?;
    let mut all: Vec<(&ChangeId, &Change)> = record.state.changes.iter().collect();
    let order = |(id, known): &(&ChangeId, &Change)| (std::cmp::Reverse(known.planned_at), (*id).clone());
    all.sort_by_cached_key(order);
    let total = all.len();
    let (all, next_page_token) = part.of_list(all, order)?;
    let items = all.into_iter().map(|one| shape(&record, one, now)).collect();
    Ok(axum::Json(Changes { items, total, next_page_token }))
}

/// An asset of a change.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeAsset {
    asset: String,
    /// Empty once the change is over for long.
    ring: String,
    state: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// What it waits for; empty where it does not wait.
    waits_for: String,
    /// What was said of it last.
    words: String,
    /// What its agent carries out now.
    step: Option<String>,
    /// The digest of its newest log.
    log: Option<String>,
}

/// What happened to a change.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeEvent {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    by: String,
    words: String,
}

/// What the assets of a change need together.
#[derive(Debug, Serialize, ToSchema)]
struct NeedsShape {
    /// So many bytes are fetched, of those packages whose size is known.
    size_bytes: u64,
    /// The packages whose size the repositories do not name.
    unsized_packages: BTreeSet<String>,
    /// On so many assets a reboot is to be expected.
    reboots: usize,
}

fn needs_shape(plan: &change::Plan) -> Option<NeedsShape> {
    let (size_bytes, of_no_size, reboots) = plan.needs_together()?;
    let unsized_packages = of_no_size.into_iter().map(str::to_owned).collect();
    Some(NeedsShape { size_bytes, unsized_packages, reboots })
}

/// A whole change.
#[derive(Debug, Serialize, ToSchema)]
struct WholeChange {
    #[serde(flatten)]
    change: ChangeShape,
    /// The digest of its plan.
    plan: String,
    way_back: String,
    /// What it needs beside its packages; none where its plan does not say it.
    needs: Option<NeedsShape>,
    /// What holds on each asset before it begins and after, beside what the assets' own settings name.
    health: Vec<String>,
    /// What its gate lacks.
    lacks: Vec<String>,
    /// What is owed after it and was not settled, by number.
    owed: BTreeMap<usize, String>,
    /// The assets that the caller may see.
    assets_seen: Vec<ChangeAsset>,
    events: Vec<ChangeEvent>,
}

/// Whether somebody sees an asset.
pub(crate) fn sees(record: &store::Record, caller: &Caller, asset: &str) -> bool {
    AssetId::new(asset).is_ok_and(|asset| record.state.may_see(&caller.person, &asset).is_ok())
}

fn asset_shape(app: &App, id: &ChangeId, standing: AssetStanding) -> ChangeAsset {
    let step = app.orders.step(id, &standing);
    let AssetStanding { asset, ring, state, since, waits_for, words, log, .. } = standing;
    ChangeAsset { asset, ring, state, since, waits_for, words, log, step }
}

pub(crate) fn unknown() -> Problem {
    Problem::not_found("change of this id")
}

pub(crate) fn change_id(text: &str) -> Answer<ChangeId> {
    Ok(ChangeId::new(text)?)
}

async fn whole(app: &App, caller: &Caller, id: &ChangeId) -> Answer<WholeChange> {
    let (steps, now) = (app.organisation.change_steps(id).await?, app.now());
    let record = app.organisation.store.record().await?;
    let known = record.state.changes.get(id).ok_or_else(unknown)?;
    let standings = asset_standings(&record, id, &steps, now);
    let seen = standings.into_iter().filter(|standing| sees(&record, caller, &standing.asset));
    let is_whole = |step: &&store::ChangeStep| match &step.what {
        Happening::Asset { asset, .. } => sees(&record, caller, asset.as_str()),
        _ => true,
    };
    let event =
        |step: &store::ChangeStep| ChangeEvent { at: step.at, by: step.by.to_string(), words: step_words(&step.what) };
    let open = known.owed.iter().enumerate().filter(|(_, owed)| owed.settled.is_none());
    let plan = record.rollouts.get(id).map(|rolled| rolled.rollout.plan());
    Ok(WholeChange {
        change: shape(&record, (id, known), now),
        plan: known.planned.plan.clone(),
        way_back: plan.map(|plan| plan.way_back.clone()).unwrap_or_default(),
        needs: plan.and_then(needs_shape),
        health: plan.map(|plan| plan.health.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        lacks: gate_lacks(&record, id, known, now),
        owed: open.map(|(number, owed)| (number, owed.what.clone())).collect(),
        assets_seen: seen.map(|standing| asset_shape(app, id, standing)).collect(),
        events: steps.iter().filter(is_whole).map(event).collect(),
    })
}

/// A change, with its assets and what has happened.
#[utoipa::path(get, path = "/api/v1/changes/{change}", tag = "changes", params(("change" = String, Path, description = "The change's id")),
    responses((status = 200, body = WholeChange), (status = 404, body = Problem)))]
async fn show_change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<axum::Json<WholeChange>> {
    whole(&app, &caller, &change_id(&id)?).await.map(axum::Json)
}

/// The newest log of an asset in a change.
pub(crate) async fn log_of(app: &App, id: &ChangeId, asset: &str) -> Answer<String> {
    let steps = app.organisation.change_steps(id).await?;
    let log = steps.iter().rev().find_map(|step| match &step.what {
        Happening::Asset { asset: own, log: Some(log), .. } if own.as_str() == asset => Some(log.clone()),
        _ => None,
    });
    let log = log.ok_or_else(|| Problem::not_found("log of this asset in this change"))?;
    let bytes = app.organisation.store.document(&log).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the package manager of an asset said last in a change.
#[utoipa::path(get, path = "/api/v1/changes/{change}/assets/{asset}/log", tag = "changes",
    params(("change" = String, Path, description = "The change's id"), ("asset" = String, Path, description = "The asset's id")),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = Problem)))]
async fn show_log(State(app): State<App>, Path((id, asset)): Path<(String, String)>) -> Answer<Response> {
    let text = log_of(&app, &change_id(&id)?, &asset).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// A change that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChange {
    pub(crate) id: String,
    /// `standard`, `normal` or `emergency`.
    #[schema(value_type = String)]
    pub(crate) kind: ChangeType,
    pub(crate) title: String,
    /// Until when it may be carried out.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) until: Timestamp,
    /// How it is taken back.
    #[serde(default)]
    pub(crate) way_back: String,
    /// Packages, by their own names or those of their sources; all that is offered where none is named.
    #[serde(default)]
    pub(crate) packages: BTreeSet<String>,
    /// Only assets on which something falls due by then.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) due_by: Option<Timestamp>,
    /// Assets that are left out, each with the reason.
    #[serde(default)]
    pub(crate) left_out: BTreeMap<String, String>,
    /// Groups of assets, each with the one that has to be through before it begins.
    #[serde(default)]
    pub(crate) order: Vec<Before>,
    /// What holds on each asset before it begins and after: `unit:NAME`, or a port of its own (`port:NUMBER`).
    #[serde(default)]
    pub(crate) health: BTreeSet<String>,
    /// What makes it an emergency, where no class of findings does: one of the policy's own triggers.
    #[serde(default)]
    pub(crate) trigger: Option<String>,
}

/// That a group of assets has to be through before another one begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Before {
    /// The group that goes first.
    first: String,
    /// The group that waits for it.
    then: String,
}

/// Plans a change of what the assets' own repositories offer.
pub(crate) async fn plan(app: &App, caller: &Caller, new: NewChange) -> Answer<ChangeId> {
    let id = change_id(&new.id)?;
    let scope =
        Scope { assets: AssetFilter::default(), packages: new.packages, due_until: new.due_by, only_unplanned: false };
    let missing = app.view(None, |view| view.candidates(&scope)).await?;
    let left_out = new.left_out.into_iter().map(|(asset, reason)| Exclusion { asset, reason }).collect();
    let wanted = Wanted {
        kind: new.kind,
        title: new.title,
        way_back: new.way_back,
        until: new.until,
        left_out,
        precedence: new.order.into_iter().map(|Before { first, then }| Precedence { first, then }).collect(),
        trigger: new.trigger,
        health: new.health.iter().map(|text| text.parse().map_err(Problem::bad)).collect::<Answer<_>>()?,
    };
    let planned = (missing.candidates.as_slice(), wanted);
    app.organisation.plan_change(&caller.person, id.clone(), planned, app.now()).await?;
    Ok(id)
}

/// Plans a change of what the assets' own repositories offer; from here on its plan never changes.
#[utoipa::path(post, path = "/api/v1/changes", tag = "changes", request_body = NewChange,
    responses((status = 201, body = WholeChange), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn plan_change(State(app): State<App>, caller: Caller, Json(new): Json<NewChange>) -> Answer<Response> {
    let id = plan(&app, &caller, new).await?;
    let body = axum::Json(whole(&app, &caller, &id).await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/api/v1/changes/{id}"))], body).into_response())
}

/// What whoever operates does with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChangeAct {
    /// Starts it: the test environments first.
    Start,
    /// Holds it: nothing more begins.
    Pause,
    /// Lets it go on.
    Resume,
    /// Ends it where it stands.
    Abort,
    /// Takes back what it has done.
    Rollback,
    /// Says that customers were told.
    TellCustomers,
    /// Says that the business was told.
    TellBusiness,
    /// Says that a test has passed.
    TestPassed,
    /// Says that a test has failed.
    TestFailed,
    /// Leaves an asset out.
    LeaveOut,
}

/// What is done, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActOn {
    pub(crate) act: ChangeAct,
    /// Why, or what was told or seen.
    #[serde(default)]
    pub(crate) why: String,
    /// The test, or the asset, that it is about.
    #[serde(default)]
    pub(crate) of: String,
}

impl ActOn {
    pub(crate) fn happening(self) -> Answer<Happening> {
        let Self { act, why, of } = self;
        let told = |audience| Happening::Noticed { audience, words: why.clone() };
        let tested =
            |has_passed| Happening::Tested { test: of.clone(), has_passed, words: why.clone(), evidence: None };
        Ok(match act {
            ChangeAct::Start => Happening::Started {},
            ChangeAct::Pause => Happening::Paused { reason: why },
            ChangeAct::Resume => Happening::Resumed { reason: why },
            ChangeAct::Abort => Happening::Aborted { reason: why },
            ChangeAct::Rollback => Happening::TakenBack { reason: why },
            ChangeAct::TellCustomers => told(Audience::Customers),
            ChangeAct::TellBusiness => told(Audience::Business),
            ChangeAct::TestPassed => tested(true),
            ChangeAct::TestFailed => tested(false),
            ChangeAct::LeaveOut => {
                let asset = AssetId::new(of)?;
                Happening::Asset { asset, came: change::Came::LeftOut, words: why, log: None }
            }
        })
    }
}

/// Has something happen to a change, and what follows from it.
pub(crate) async fn happens(app: &App, caller: &Caller, id: &ChangeId, what: Happening) -> Answer<()> {
    let now = app.now();
    app.organisation.act(&caller.person, now, Command::Change(id.clone(), what)).await?;
    app.organisation.follow_changes(now).await?;
    Ok(())
}

/// Starts, holds, ends or takes back a change, or says what was tested or told.
#[utoipa::path(post, path = "/api/v1/changes/{change}/acts", tag = "changes", params(("change" = String, Path, description = "The change's id")),
    request_body = ActOn, responses((status = 200, body = WholeChange), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn act_on_change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(act): Json<ActOn>,
) -> Answer<axum::Json<WholeChange>> {
    let id = change_id(&id)?;
    happens(&app, &caller, &id, act.happening()?).await?;
    whole(&app, &caller, &id).await.map(axum::Json)
}

/// How a change is judged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "answer")]
pub(crate) enum ChangeAnswer {
    /// Approves the plan that was read.
    Approve {
        /// The digest of the plan that was read.
        plan: String,
    },
    /// Turns it down.
    Decline {
        /// Why.
        why: String,
    },
    /// Settles what was owed.
    Settle {
        /// Which, by its number.
        owed: usize,
        /// What was done.
        why: String,
    },
}

impl ChangeAnswer {
    pub(crate) fn happening(self) -> Happening {
        match self {
            Self::Approve { plan } => Happening::Approved { plan },
            Self::Decline { why: reason } => Happening::Declined { reason },
            Self::Settle { owed, why: words } => Happening::Settled { owed, words },
        }
    }
}

/// Approves a change or turns it down, as the gate of the policy says, or settles what was owed after it.
#[utoipa::path(post, path = "/api/v1/changes/{change}/answers", tag = "changes", params(("change" = String, Path, description = "The change's id")),
    request_body = ChangeAnswer, responses((status = 200, body = WholeChange), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn answer_change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(answer): Json<ChangeAnswer>,
) -> Answer<axum::Json<WholeChange>> {
    let id = change_id(&id)?;
    happens(&app, &caller, &id, answer.happening()).await?;
    whole(&app, &caller, &id).await.map(axum::Json)
}

/// The times at which assets may be changed, as a calendar.
pub(crate) async fn as_calendar(app: &App) -> Answer<Response> {
    let now = app.now();
    let policy = app.organisation.store.record().await?.facts.policy();
    let policy = policy.ok_or(operations::Error::NoPolicy { at: None })?;
    let until = now.checked_add(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MAX);
    let text = operations::as_calendar(&policy, &operations::openings(&policy, (now, until))?, now);
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}

/// The times at which assets may be changed, as a calendar (RFC 5545) of the next 180 days.
#[utoipa::path(get, path = "/api/v1/calendar.ics", tag = "changes", responses((status = 200, body = String, content_type = "text/calendar")))]
async fn calendar(State(app): State<App>) -> Answer<Response> {
    as_calendar(&app).await
}
