//! Violations: promises that were broken, and what is done about them.

use super::{Json, Part, PartQuery, Path, Query, ROWS};
use crate::access::{Access, EVERYBODY, SAYS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use jiff::{Timestamp, civil::Date};
use lifecycle::{Command, Party, Violation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![(EVERYBODY, routes!(list_violations)), (SAYS, routes!(answer_violation)), (SAYS, routes!(excuse_violation))]
}

/// A violation.
#[derive(Debug, Serialize, ToSchema)]
struct ViolationShape {
    id: String,
    /// The day on which the promise was broken, in UTC.
    #[schema(value_type = String, format = Date)]
    day: Date,
    /// `deadline`, `scan` or `duty`.
    kind: &'static str,
    /// The person whose promise it was.
    person: Option<String>,
    /// The team that owns the assets.
    team: Option<String>,
    /// The role of the policy whose people owed it.
    role: Option<String>,
    /// How many findings, assets or duties it is about.
    count: u64,
    /// Which assets or duties, as they are known now; findings are told by `/api/v1/findings` as of the day's end.
    subjects: Vec<String>,
    /// Which violation of its party it is, of those that count together: 1 is the first.
    number: u64,
    /// What follows, by the policy of the time.
    step: Option<&'static str>,
    /// Who sees to it, by the role's id in the policy.
    by: Option<String>,
    /// `noted`, `open`, `answered` or `excused`.
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    told_at: Timestamp,
    answered_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    answered_at: Option<Timestamp>,
    answer: Option<String>,
}

fn shape((id, known): (&String, &Violation), state: &lifecycle::State) -> ViolationShape {
    let breach = &known.opened.breach;
    let (person, team, role) = match &breach.party {
        Party::Person(person) => (Some(person.to_string()), None, None),
        Party::Team(team) => (None, Some(team.clone()), None),
        Party::Role(role) => (None, None, Some(role.clone())),
        Party::Nobody => (None, None, None),
    };
    let answer = known.answer.as_ref();
    ViolationShape {
        id: id.clone(),
        day: breach.day,
        kind: breach.kind.word(),
        person,
        team,
        role,
        count: breach.count,
        subjects: state.broken_by(breach),
        number: known.opened.number,
        step: known.opened.step.map(lifecycle::ResponseStep::word),
        by: known.opened.by.clone(),
        state: known.word(),
        told_at: known.at,
        answered_by: answer.map(|answer| answer.by.to_string()),
        answered_at: answer.map(|answer| answer.at),
        answer: answer.map(|answer| answer.words.clone()),
    }
}

/// A page of violations.
#[derive(Debug, Serialize, ToSchema)]
struct Violations {
    items: Vec<ViolationShape>,
    total: usize,
    next_page_token: Option<String>,
    /// The last day of which is told what was broken on it; none before the first.
    #[schema(value_type = Option<String>, format = Date)]
    told_until: Option<Date>,
    /// Whether anything was ever held against advisories: else nobody knows which deadlines were missed.
    is_judged: bool,
}

/// The promises that were broken, by day, kind and party: whoever sees what everybody owes sees all of them, everybody else their own,
/// their team's, and what they see to.
#[utoipa::path(get, path = "/api/v1/violations", tag = "duties", params(PartQuery), responses((status = 200, body = Violations)))]
async fn list_violations(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PartQuery>,
) -> Answer<axum::Json<Violations>> {
    let part = Part::of("violations", &query, ROWS)?;
    let record = app.organisation.store.record().await?;
    let state = &record.state;
    let seen = state.violations.iter().filter(|(_, known)| state.sees_violation(known, &caller.person));
    let all: Vec<_> = seen.collect();
    let total = all.len();
    let (all, next_page_token) = part.of_list(all, |(id, _)| (*id).clone())?;
    let items = all.into_iter().map(|one| shape(one, state)).collect();
    Ok(axum::Json(Violations {
        items,
        total,
        next_page_token,
        told_until: state.told_until,
        is_judged: state.index.is_some(),
    }))
}

/// What is said of a violation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// What was done about it, or why it is excused.
    #[schema(min_length = 1)]
    words: String,
}

async fn say(
    app: &App,
    caller: &Caller,
    (id, words, is_excused): (String, String, bool),
) -> Answer<axum::Json<ViolationShape>> {
    let command = Command::AnswerViolation(id.clone(), words, is_excused);
    app.organisation.act(&caller.person, app.now(), command).await?;
    let record = app.organisation.store.record().await?;
    let found = record.state.violations.get_key_value(&id).map(|one| shape(one, &record.state));
    found.map(axum::Json).ok_or_else(|| Problem::not_found("such violation"))
}

/// Says what was done about a violation: by who has the role that sees to it.
#[utoipa::path(post, path = "/api/v1/violations/{violation}/answer", tag = "duties", params(("violation" = String, Path, description = "The violation's id")),
    request_body = Said, responses((status = 200, body = ViolationShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn answer_violation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(said): Json<Said>,
) -> Answer<axum::Json<ViolationShape>> {
    say(&app, &caller, (id, said.words, false)).await
}

/// Excuses a violation: it does not count against its party.
#[utoipa::path(post, path = "/api/v1/violations/{violation}/excuse", tag = "duties", params(("violation" = String, Path, description = "The violation's id")),
    request_body = Said, responses((status = 200, body = ViolationShape), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn excuse_violation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(said): Json<Said>,
) -> Answer<axum::Json<ViolationShape>> {
    say(&app, &caller, (id, said.words, true)).await
}
