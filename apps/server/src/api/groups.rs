//! Groups of people, and files of people.

use super::{Json, Path};
use crate::access::{ADMINISTRATES, Access, SEES_PEOPLE};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use lifecycle::{Command, Group, GroupId, PersonId, Source};
use operations::{PeopleFile, Wrong};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (SEES_PEOPLE, routes!(list_groups)),
        (ADMINISTRATES, routes!(update_group)),
        (ADMINISTRATES, routes!(delete_group)),
        (ADMINISTRATES, routes!(import_people)),
    ]
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
struct GroupShape {
    id: String,
    title: String,
    /// Whose word it is: `local`, `file`, `oidc` or `scim`.
    source: &'static str,
    members: Vec<String>,
}

fn shape((id, group): (&GroupId, &Group)) -> GroupShape {
    GroupShape {
        id: id.to_string(),
        title: group.title.clone(),
        source: group.source.word(),
        members: group.members.keys().map(ToString::to_string).collect(),
    }
}

/// Groups.
#[derive(Debug, Serialize, ToSchema)]
struct Groups {
    items: Vec<GroupShape>,
}

/// Every group, with who is in it.
#[utoipa::path(get, path = "/api/v1/groups", tag = "people", responses((status = 200, body = Groups)))]
async fn list_groups(State(app): State<App>) -> Answer<axum::Json<Groups>> {
    let record = app.organisation.store.record().await?;
    let there = record.state.groups.iter().filter(|(_, group)| !group.is_gone);
    Ok(axum::Json(Groups { items: there.map(shape).collect() }))
}

/// Who is in a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    #[schema(min_length = 1)]
    title: String,
    members: Vec<String>,
}

/// Says who is in a group, and nobody else.
#[utoipa::path(put, path = "/api/v1/groups/{group}", tag = "people", params(("group" = String, Path, description = "The group's id")),
    request_body = NewGroup, responses((status = 200, body = GroupShape), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn update_group(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(new): Json<NewGroup>,
) -> Answer<axum::Json<GroupShape>> {
    let id = GroupId::new(id)?;
    let members = new.members.into_iter().map(PersonId::new).collect::<Result<_, _>>()?;
    let command = Command::SetGroup(id.clone(), new.title, Source::Local, members);
    app.organisation.act(&caller.person, app.now(), command).await?;
    let record = app.organisation.store.record().await?;
    let found = record.state.groups.get_key_value(&id).map(shape);
    found.map(axum::Json).ok_or_else(|| Problem::not_found("such group"))
}

/// Does away with a group.
#[utoipa::path(delete, path = "/api/v1/groups/{group}", tag = "people", params(("group" = String, Path, description = "The group's id")),
    responses((status = 204), (status = 404, body = Problem)))]
async fn delete_group(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    app.organisation.act(&caller.person, app.now(), Command::RemoveGroup(GroupId::new(id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A file of people.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// CSV with the columns `person`, `name`, `email`, `roles`, `teams`, `groups`; only the first must be there.
    csv: String,
}

/// What came of a file of people.
#[derive(Debug, Serialize, ToSchema)]
struct Imported {
    /// How many people it tells of.
    people: usize,
    /// How many of them came in, or have other roles now.
    changed: usize,
    /// How many groups have other people now.
    groups: usize,
}

/// Takes a file of people in; with any error nothing is done.
#[utoipa::path(post, path = "/api/v1/people/import", tag = "people", request_body = Table,
    responses((status = 200, body = Imported), (status = 422, body = Problem)))]
async fn import_people(
    State(app): State<App>,
    caller: Caller,
    Json(table): Json<Table>,
) -> Answer<axum::Json<Imported>> {
    let taken = take_people(&app, &caller, &table.csv).await?;
    let operations::PeopleTaken { people, changed, groups } = taken;
    Ok(axum::Json(Imported { people, changed, groups }))
}

/// Takes a file of people in.
pub(crate) async fn take_people(app: &App, caller: &Caller, csv: &str) -> Answer<operations::PeopleTaken> {
    let file = PeopleFile::read(csv).map_err(|wrong| {
        let words = in_lines(&wrong);
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "people/file", format!("nothing was done: {words}"))
    })?;
    Ok(app.organisation.take_people(&caller.person, file, app.now()).await?)
}

/// What is wrong with a file, the first twenty things.
pub(crate) fn in_lines(wrong: &[Wrong]) -> String {
    const MOST: usize = 20;
    let mut words: Vec<String> =
        wrong.iter().take(MOST).map(|one| format!("line {}: {}", one.line, one.what)).collect();
    if wrong.len() > MOST {
        words.push(format!("and {} more", wrong.len() - MOST));
    }
    words.join("; ")
}
