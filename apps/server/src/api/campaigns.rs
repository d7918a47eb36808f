//! Campaigns, courses and tasks: what people owe, and how it stands.

use super::{Json, Part, PartQuery, Path, Query, ROWS, instant};
use crate::access::{Access, EVERYBODY, EXCUSES, GOVERNS, SEES_DUTIES, TELLS_TRAINING};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use lifecycle::{CampaignId, Command, DocumentId, Duty, GroupId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (SEES_DUTIES, routes!(list_duties)),
        (EVERYBODY, routes!(list_tasks)),
        (EXCUSES, routes!(excuse_duty)),
        (SEES_DUTIES, routes!(list_campaigns)),
        (GOVERNS, routes!(open_campaign)),
        (GOVERNS, routes!(close_campaign)),
        (TELLS_TRAINING, routes!(import_completions)),
    ]
}

/// Something that somebody owes or has done.
#[derive(Debug, Serialize, ToSchema)]
struct DutyShape {
    id: String,
    /// `acknowledge`, `train`, `review`, `input`, `attest`, `review-exception`, `respond` or `settle`.
    kind: &'static str,
    /// The id of a document, a course, a version, an asset, a decision or a violation.
    subject: String,
    title: String,
    /// Who owes it: each of these may do it. Empty where nobody has the role for it.
    owners: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// By when; where it is done, by when again. None where it is done once and for all.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    done_at: Option<Timestamp>,
    /// `due`, `done`, `excused` or `missed`.
    standing: &'static str,
    /// Whether it is brought to mind.
    is_reminded: bool,
    campaign: Option<String>,
    /// Until when somebody was excused from it.
    #[schema(value_type = Option<String>, format = DateTime)]
    excused_until: Option<Timestamp>,
    excused_by: Option<String>,
    excuse: Option<String>,
}

fn shape(duty: Duty, now: Timestamp) -> DutyShape {
    DutyShape {
        standing: duty.standing(now).word(),
        is_reminded: duty.is_reminded(now),
        kind: duty.kind.word(),
        owners: duty.owners.iter().map(ToString::to_string).collect(),
        due_at: Some(duty.due).filter(|due| *due != Timestamp::MAX),
        id: duty.id,
        subject: duty.subject,
        title: duty.title,
        since: duty.since,
        done_at: duty.done_at,
        campaign: duty.campaign,
        excused_until: duty.excused.as_ref().map(|excuse| excuse.until),
        excused_by: duty.excused.as_ref().map(|excuse| excuse.by.to_string()),
        excuse: duty.excused.map(|excuse| excuse.reason),
    }
}

/// A page of what people owe.
#[derive(Debug, Serialize, ToSchema)]
struct Duties {
    items: Vec<DutyShape>,
    total: usize,
    next_page_token: Option<String>,
}

/// What everybody owes or has done: to read, to learn, to review, to say what they think.
#[utoipa::path(get, path = "/api/v1/duties", tag = "duties", params(PartQuery), responses((status = 200, body = Duties)))]
async fn list_duties(State(app): State<App>, Query(query): Query<PartQuery>) -> Answer<axum::Json<Duties>> {
    let part = Part::of("duties", &query, ROWS)?;
    let now = app.now();
    let mut all = app.organisation.store.record().await?.state.duties(now);
    all.sort_by(|one, other| one.id.cmp(&other.id));
    let total = all.len();
    let (all, next_page_token) = part.of_list(all, |duty| duty.id.clone())?;
    let items = all.into_iter().map(|duty| shape(duty, now)).collect();
    Ok(axum::Json(Duties { items, total, next_page_token }))
}

/// That somebody need not do something for now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Excused {
    /// The duty's id.
    #[schema(min_length = 1)]
    duty: String,
    /// Until when: a day or an instant.
    until: String,
    #[schema(min_length = 1)]
    reason: String,
}

/// Excuses somebody from a duty until an instant; nobody excuses themselves.
#[utoipa::path(post, path = "/api/v1/duties/excuse", tag = "duties", request_body = Excused,
    responses((status = 200, body = DutyShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn excuse_duty(
    State(app): State<App>,
    caller: Caller,
    Json(excused): Json<Excused>,
) -> Answer<axum::Json<DutyShape>> {
    let (until, now) = (instant(Some(&excused.until))?.ok_or_else(|| Problem::bad("until is missing"))?, app.now());
    let command = Command::ExcuseDuty(excused.duty.clone(), until, excused.reason);
    app.organisation.act(&caller.person, now, command).await?;
    let found = app.organisation.store.record().await?.state.duty(&excused.duty, now);
    found.map(|duty| axum::Json(shape(duty, now))).ok_or_else(|| Problem::not_found("such duty"))
}

/// What one is to do.
#[derive(Debug, Serialize, ToSchema)]
struct TasksShape {
    duties: Vec<DutyShape>,
    /// What somebody who is new reads and learns first, done or not.
    onboarding: Vec<DutyShape>,
    /// Versions whose soundness one may judge.
    versions_to_review: Vec<String>,
    versions_to_approve: Vec<String>,
    versions_to_publish: Vec<String>,
    versions_to_write: Vec<String>,
    decisions_to_answer: Vec<String>,
    /// What others have missed, and one is told of.
    escalated: Vec<DutyShape>,
}

/// What whoever asks is to do.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "duties", responses((status = 200, body = TasksShape)))]
async fn list_tasks(State(app): State<App>, caller: Caller) -> Answer<axum::Json<TasksShape>> {
    let now = app.now();
    let tasks = operations::Tasks::of(&app.organisation.store.record().await?.state, &caller.person, now);
    let ids = |all: Vec<lifecycle::VersionId>| all.iter().map(ToString::to_string).collect();
    Ok(axum::Json(TasksShape {
        duties: tasks.duties.into_iter().map(|duty| shape(duty, now)).collect(),
        onboarding: tasks.onboarding.into_iter().map(|duty| shape(duty, now)).collect(),
        versions_to_review: ids(tasks.to_review),
        versions_to_approve: ids(tasks.to_approve),
        versions_to_publish: ids(tasks.to_publish),
        versions_to_write: ids(tasks.to_write),
        decisions_to_answer: tasks.to_decide.iter().map(ToString::to_string).collect(),
        escalated: tasks.escalated.into_iter().map(|duty| shape(duty, now)).collect(),
    }))
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
struct CampaignShape {
    id: String,
    document: String,
    /// The digest of the text that is to be read.
    digest: String,
    /// The groups whose people are to read it; everybody where none is named.
    groups: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<Timestamp>,
}

/// Campaigns.
#[derive(Debug, Serialize, ToSchema)]
struct Campaigns {
    items: Vec<CampaignShape>,
}

fn campaign_shape((id, campaign): (&CampaignId, &lifecycle::Campaign)) -> CampaignShape {
    CampaignShape {
        id: id.to_string(),
        document: campaign.document.to_string(),
        digest: campaign.text.clone(),
        groups: campaign.groups.iter().map(ToString::to_string).collect(),
        since: campaign.since,
        due_at: campaign.due,
        closed_at: campaign.closed_at,
    }
}

/// The campaigns that were opened; who has read what is among the duties.
#[utoipa::path(get, path = "/api/v1/campaigns", tag = "duties", responses((status = 200, body = Campaigns)))]
async fn list_campaigns(State(app): State<App>) -> Answer<axum::Json<Campaigns>> {
    let record = app.organisation.store.record().await?;
    Ok(axum::Json(Campaigns { items: record.state.campaigns.iter().map(campaign_shape).collect() }))
}

/// A campaign that is to be opened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCampaign {
    /// Its id.
    #[schema(min_length = 1, max_length = 128)]
    id: String,
    /// The document whose text in force is to be read.
    document: String,
    /// The groups whose people are to read it; everybody where none is named.
    #[serde(default)]
    groups: Vec<String>,
    /// By when: a day or an instant.
    due: String,
}

/// Opens a campaign.
#[utoipa::path(post, path = "/api/v1/campaigns", tag = "duties", request_body = NewCampaign,
    responses((status = 201, body = CampaignShape), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn open_campaign(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewCampaign>,
) -> Answer<(StatusCode, axum::Json<CampaignShape>)> {
    let id = CampaignId::new(new.id)?;
    let groups: BTreeSet<GroupId> = new.groups.into_iter().map(GroupId::new).collect::<Result<_, _>>()?;
    let due = instant(Some(&new.due))?.ok_or_else(|| Problem::bad("due is missing"))?;
    let command = Command::OpenCampaign(id.clone(), DocumentId::new(new.document)?, groups, due);
    app.organisation.act(&caller.person, app.now(), command).await?;
    let record = app.organisation.store.record().await?;
    let found = record.state.campaigns.get_key_value(&id).map(campaign_shape);
    let found = found.ok_or_else(|| Problem::not_found("such campaign"))?;
    Ok((StatusCode::CREATED, axum::Json(found)))
}

/// Ends a campaign: who has not read it by then owes it no longer.
#[utoipa::path(post, path = "/api/v1/campaigns/{campaign}/close", tag = "duties", params(("campaign" = String, Path, description = "The campaign's id")),
    responses((status = 204), (status = 404, body = Problem)))]
async fn close_campaign(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    app.organisation.act(&caller.person, app.now(), Command::CloseCampaign(CampaignId::new(id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Completions as a learning management system tells them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Told {
    /// A table (CSV with `person` or `email`, `course`, `completed_at`), or xAPI statements as JSON.
    text: String,
}

/// What could not be taken.
#[derive(Debug, Serialize, ToSchema)]
struct WrongShape {
    /// Its line, or its place among the statements.
    line: u64,
    what: String,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
struct TakenShape {
    told: usize,
    /// How many of them were new.
    new: usize,
    problems: Vec<WrongShape>,
}

/// Takes completions of courses in.
#[utoipa::path(post, path = "/api/v1/training/completions", tag = "duties", request_body = Told,
    responses((status = 200, body = TakenShape), (status = 422, body = Problem)))]
async fn import_completions(
    State(app): State<App>,
    caller: Caller,
    Json(told): Json<Told>,
) -> Answer<axum::Json<TakenShape>> {
    let taken = app.organisation.take_completions(&caller.person, &told.text, app.now()).await?;
    let problems = taken.problems.into_iter().map(|wrong| WrongShape { line: wrong.line, what: wrong.what }).collect();
    Ok(axum::Json(TakenShape { told: taken.told, new: taken.new, problems }))
}
