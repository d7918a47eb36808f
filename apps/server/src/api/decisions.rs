//! Decisions on findings: exceptions and false positives, asked for by one and approved by another.

use super::{Json, Part, PartQuery, Path, Query, ROWS, instant};
use crate::access::{ANSWERS, ASKS, Access, DECIDES, EVERYBODY};
use crate::app::{App, random};
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use lifecycle::{Assessment, AssetId, Command, Decision, DecisionId, DecisionKind, Reach, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (EVERYBODY, routes!(list_decisions)),
        (ASKS, routes!(create_decision)),
        (ANSWERS, routes!(approve_decision)),
        (ANSWERS, routes!(decline_decision)),
        (ANSWERS, routes!(review_decision)),
        (DECIDES, routes!(revoke_decision)),
    ]
}

/// What is decided.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum KindShape {
    /// The finding is there, and is accepted for a time.
    Exception,
    /// The finding is not there.
    FalsePositive,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
struct DecisionShape {
    id: String,
    kind: KindShape,
    vulnerability: String,
    /// The package; none means every one.
    package: Option<String>,
    /// The assets; empty, with none that are not shown, means all of them.
    assets: Vec<String>,
    /// How many more there are that whoever asks does not see.
    assets_not_shown: usize,
    reason: String,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    requested_by: String,
    /// Who approved it last.
    approved_by: Option<String>,
    /// Everybody who approved it, in the order of that.
    approvals: Vec<String>,
    /// The approvals that it lacks still, by the titles of the policy's roles.
    approvals_missing: Vec<String>,
    /// What could happen meanwhile, and how likely it is.
    risk: String,
    /// What stands in for the patch.
    controls: Vec<String>,
    /// When and how it ends.
    plan: String,
    /// When it was looked at last since it is in force.
    #[schema(value_type = Option<String>, format = DateTime)]
    reviewed_at: Option<Timestamp>,
    /// By whom.
    reviewed_by: Option<String>,
    /// What they found.
    reviewed_words: Option<String>,
    /// `requested`, `approved`, `revoked` or `declined`.
    state: &'static str,
    /// The decision that it renews.
    renews: Option<String>,
}

fn shape((id, decision): (&DecisionId, &Decision), (state, caller): (&lifecycle::State, &Caller)) -> DecisionShape {
    let (seen, assets_not_shown) = seen_assets(state, caller, decision);
    DecisionShape {
        id: id.to_string(),
        kind: match decision.kind {
            DecisionKind::Exception => KindShape::Exception,
            DecisionKind::FalsePositive => KindShape::FalsePositive,
        },
        vulnerability: decision.reach.vulnerability.clone(),
        package: decision.reach.package.clone(),
        assets: seen.into_iter().map(ToString::to_string).collect(),
        assets_not_shown,
        reason: decision.reason.clone(),
        until: decision.until,
        requested_by: decision.requested_by.to_string(),
        approved_by: decision.approved_by.as_ref().map(ToString::to_string),
        approvals: decision.approvers().iter().map(ToString::to_string).collect(),
        approvals_missing: match decision.progress {
            lifecycle::Progress::Requested => {
                state.approvals_missing(decision).into_iter().map(str::to_owned).collect()
            }
            _ => Vec::new(),
        },
        risk: decision.assessment.risk.clone(),
        controls: decision.assessment.controls.iter().cloned().collect(),
        plan: decision.assessment.plan.clone(),
        reviewed_at: decision.reviewed.as_ref().map(|look| look.at),
        reviewed_by: decision.reviewed.as_ref().map(|look| look.by.to_string()),
        reviewed_words: decision.reviewed.as_ref().map(|look| look.words.clone()),
        state: decision.word(),
        renews: decision.renews.as_ref().map(ToString::to_string),
    }
}

/// Whether a decision is somebody's affair: it speaks of all assets, or of one that they see, or waits for their word.
pub(crate) fn is_seen(state: &lifecycle::State, (caller, now): (&Caller, Timestamp), decision: &Decision) -> bool {
    let assets = &decision.reach.assets;
    let person = &caller.person;
    let is_asked = state.may_decide(decision, person, now) || state.may_review_decision(decision, person, now);
    is_asked
        || caller.is_any(Role::SEES_ASSETS) && assets.is_empty()
        || assets.iter().any(|asset| state.may_see(&caller.person, asset).is_ok())
}

/// The assets of a decision that somebody sees, and how many more there are.
pub(crate) fn seen_assets<'d>(
    state: &lifecycle::State,
    caller: &Caller,
    decision: &'d Decision,
) -> (Vec<&'d AssetId>, usize) {
    let all = &decision.reach.assets;
    let seen: Vec<_> = all.iter().filter(|asset| state.may_see(&caller.person, asset).is_ok()).collect();
    let hidden = all.len() - seen.len();
    (seen, hidden)
}

/// A page of decisions.
#[derive(Debug, Serialize, ToSchema)]
struct Decisions {
    items: Vec<DecisionShape>,
    total: usize,
    next_page_token: Option<String>,
}

/// The decisions on findings.
#[utoipa::path(get, path = "/api/v1/decisions", tag = "decisions", params(PartQuery), responses((status = 200, body = Decisions)))]
async fn list_decisions(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PartQuery>,
) -> Answer<axum::Json<Decisions>> {
    let part = Part::of("decisions", &query, ROWS)?;
    let record = app.organisation.store.record().await?;
    let (state, now) = (&record.state, app.now());
    let seen: Vec<_> =
        state.decisions.iter().filter(|(_, decision)| is_seen(state, (&caller, now), decision)).collect();
    let total = seen.len();
    let (seen, next_page_token) = part.of_list(seen, |(id, _)| id.to_string())?;
    let items = seen.into_iter().map(|one| shape(one, (state, &caller))).collect();
    Ok(axum::Json(Decisions { items, total, next_page_token }))
}

/// A decision that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDecision {
    /// Its id: letters, digits and `-._:/@`; one is made up where none is given.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    id: Option<String>,
    kind: KindShape,
    #[schema(min_length = 1)]
    vulnerability: String,
    package: Option<String>,
    #[serde(default)]
    assets: Vec<String>,
    #[schema(min_length = 1)]
    reason: String,
    /// Until when: a day or an instant.
    until: String,
    renews: Option<String>,
    /// What could happen meanwhile, and how likely it is; the policy says whether an exception needs it.
    #[serde(default)]
    risk: String,
    /// What stands in for the patch.
    #[serde(default)]
    controls: BTreeSet<String>,
    /// When and how it ends.
    #[serde(default)]
    plan: String,
}

/// An id that nobody guesses.
pub(crate) fn new_id() -> Answer<String> {
    Ok(protocol::hexadecimal(&random::<6>().map_err(|error| Problem::internal(&error))?))
}

/// Asks for a decision; somebody else has to approve it.
#[utoipa::path(post, path = "/api/v1/decisions", tag = "decisions", request_body = NewDecision,
    responses((status = 201, body = DecisionShape), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn create_decision(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewDecision>,
) -> Answer<(StatusCode, axum::Json<DecisionShape>)> {
    let id = DecisionId::new(new.id.map_or_else(new_id, Ok)?)?;
    let renews = new.renews.map(DecisionId::new).transpose()?;
    if let Some(renewed) = &renews {
        check_seen(&app, &caller, renewed).await?;
    }
    let until = instant(Some(&new.until))?.ok_or_else(|| Problem::bad("until is missing"))?;
    let command = Command::RequestDecision {
        decision: id.clone(),
        kind: match new.kind {
            KindShape::Exception => DecisionKind::Exception,
            KindShape::FalsePositive => DecisionKind::FalsePositive,
        },
        reach: Reach {
            vulnerability: new.vulnerability,
            package: new.package.as_deref().map(operations::package_name).transpose().map_err(Problem::bad)?,
            assets: new.assets.into_iter().map(AssetId::new).collect::<Result<_, _>>()?,
        },
        reason: new.reason,
        until,
        renews,
        assessment: Assessment { risk: new.risk, controls: new.controls, plan: new.plan },
    };
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok((StatusCode::CREATED, axum::Json(one(&app, &caller, &id).await?)))
}

async fn one(app: &App, caller: &Caller, id: &DecisionId) -> Answer<DecisionShape> {
    let record = app.organisation.store.record().await?;
    let found = record.state.decisions.get(id);
    found
        .map(|decision| shape((id, decision), (&record.state, caller)))
        .ok_or_else(|| Problem::not_found("such decision"))
}

/// Says no to a decision that is none of somebody's affair in the same words as to one that there is none of.
pub(crate) async fn check_seen(app: &App, caller: &Caller, id: &DecisionId) -> Answer<()> {
    let record = app.organisation.store.record().await?;
    let found = record.state.decisions.get(id).filter(|decision| {
        let is_own = decision.requested_by == caller.person;
        is_own || caller.is_any(Role::DECIDES) || is_seen(&record.state, (caller, app.now()), decision)
    });
    found.map(|_| ()).ok_or_else(|| Problem::not_found("such decision"))
}

async fn act(app: &App, caller: &Caller, (id, command): (DecisionId, Command)) -> Answer<axum::Json<DecisionShape>> {
    check_seen(app, caller, &id).await?;
    app.organisation.act(&caller.person, app.now(), command).await?;
    one(app, caller, &id).await.map(axum::Json)
}

/// Approves what somebody else has asked for.
#[utoipa::path(post, path = "/api/v1/decisions/{decision}/approve", tag = "decisions", params(("decision" = String, Path, description = "The decision's id")),
    responses((status = 200, body = DecisionShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn approve_decision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<axum::Json<DecisionShape>> {
    let id = DecisionId::new(id)?;
    act(&app, &caller, (id.clone(), Command::AnswerDecision(id, true))).await
}

/// Turns down what somebody else has asked for.
#[utoipa::path(post, path = "/api/v1/decisions/{decision}/decline", tag = "decisions", params(("decision" = String, Path, description = "The decision's id")),
    responses((status = 200, body = DecisionShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn decline_decision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<axum::Json<DecisionShape>> {
    let id = DecisionId::new(id)?;
    act(&app, &caller, (id.clone(), Command::AnswerDecision(id, false))).await
}

/// What was found when a decision was looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    #[schema(min_length = 1)]
    words: String,
}

/// Says that an exception was looked at and still holds.
#[utoipa::path(post, path = "/api/v1/decisions/{decision}/review", tag = "decisions", params(("decision" = String, Path, description = "The decision's id")),
    request_body = Reviewed, responses((status = 200, body = DecisionShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn review_decision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(reviewed): Json<Reviewed>,
) -> Answer<axum::Json<DecisionShape>> {
    let id = DecisionId::new(id)?;
    act(&app, &caller, (id.clone(), Command::ReviewDecision(id, reviewed.words))).await
}

/// Takes a decision back before its end: its findings count again from now on.
#[utoipa::path(post, path = "/api/v1/decisions/{decision}/revoke", tag = "decisions", params(("decision" = String, Path, description = "The decision's id")),
    responses((status = 200, body = DecisionShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn revoke_decision(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<axum::Json<DecisionShape>> {
    let id = DecisionId::new(id)?;
    act(&app, &caller, (id.clone(), Command::RevokeDecision(id))).await
}
