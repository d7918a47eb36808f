//! Groups (RFC 7643, section 4.2).

use super::patch::{Act, Patch, one_of};
use super::{ListQuery, Scim, filter, list, route, text, wrong};
use crate::api::{Json, Path, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch as patched, post, put};
use lifecycle::{Command, Group, GroupId, PersonId, Source};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::Plan;

/// The schema's name.
pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ALL: &str = "/scim/v2/Groups";
const ONE: &str = "/scim/v2/Groups/{group}";

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", route(ALL, get(list_groups))),
        ("POST", route(ALL, post(create))),
        ("GET", route(ONE, get(one))),
        ("PUT", route(ONE, put(replace))),
        ("PATCH", route(ONE, patched(change))),
        ("DELETE", route(ONE, delete(remove))),
    ]
}

fn resource(app: &App, (id, group): (&GroupId, &Group)) -> Value {
    let location = app.settings.address_of(&format!("{ALL}/{}", crate::pages::encoded(id.as_str())));
    let members: Vec<Value> = group.members.keys().map(|person| json!({ "value": person })).collect();
    json!({
        "schemas": [SCHEMA], "id": id, "displayName": group.title, "members": members,
        "meta": { "resourceType": "Group", "location": location },
    })
}

async fn list_groups(State(app): State<App>, Query(query): Query<ListQuery>) -> Answer<Scim> {
    let equals = filter::parse(query.filter.as_deref())?;
    let record = app.organisation.store.record().await?;
    let there = record.state.groups.iter().filter(|(_, group)| !group.is_gone);
    let mut all: Vec<Value> = there.map(|one| resource(&app, one)).collect();
    if let Some(equals) = equals {
        let pointer = match equals.attribute.as_str() {
            "id" => "/id",
            "displayname" => "/displayName",
            _ => return Err(wrong("invalidFilter", "groups are found by displayName or id")),
        };
        all.retain(|group| text(group, pointer).is_some_and(|value| value.eq_ignore_ascii_case(&equals.value)));
    }
    Ok(list(all, &query))
}

async fn find(app: &App, id: &GroupId) -> Answer<Group> {
    let record = app.organisation.store.record().await?;
    let known = record.state.groups.get(id).filter(|group| !group.is_gone).cloned();
    known.ok_or_else(|| Problem::not_found("such group"))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<Scim> {
    let id = GroupId::new(id)?;
    Ok(Scim(resource(&app, (&id, &find(&app, &id).await?))))
}

fn members(value: Option<&Value>) -> Answer<BTreeSet<PersonId>> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(BTreeSet::new()) };
    let one = |member: &Value| {
        let id = text(member, "/value").or_else(|| member.as_str().map(str::to_owned));
        let id = id.ok_or_else(|| wrong("invalidValue", "a member has no value"))?;
        PersonId::new(id).map_err(|error| wrong("invalidValue", error.to_string()))
    };
    match value {
        Value::Array(all) => all.iter().map(one).collect(),
        single => Ok([one(single)?].into()),
    }
}

/// Sets a group as a change makes it of what it is when that is written: two that come at once undo nothing of each other.
async fn set(
    app: &App,
    caller: &Caller,
    id: &GroupId,
    change: impl FnOnce(Group) -> Answer<(String, BTreeSet<PersonId>)> + Send + 'static,
) -> Answer<()> {
    let id = id.clone();
    let plan = move |record: &store::Record| {
        let state = &record.state;
        let none = Group {
            title: id.to_string(),
            source: Source::Scim,
            members: BTreeMap::new(),
            by_themselves: std::collections::BTreeSet::new(),
            is_gone: false,
        };
        let mut known = state.groups.get(&id).filter(|group| !group.is_gone).cloned().unwrap_or(none);
        // Who has gone is in no group.
        known.members.retain(|person, _| state.joined_group(&id, person).is_some());
        let (title, members) = change(known).map_err(|problem| store::Error::Plan(problem.detail().to_owned()))?;
        let command = Command::SetGroup(id, title, Source::Scim, members);
        Ok(Plan { commands: vec![command], ..Plan::default() })
    };
    app.organisation.store.commit(&caller.person, app.now(), plan).await?;
    Ok(())
}

async fn create(State(app): State<App>, caller: Caller, Json(body): Json<Value>) -> Answer<Response> {
    let title = text(&body, "/displayName").ok_or_else(|| wrong("invalidValue", "there is no displayName"))?;
    let wanted = || wrong("invalidValue", "a displayName has a letter or a digit, and 128 signs at the most");
    let id = GroupId::named(&title).ok_or_else(wanted)?;
    if find(&app, &id).await.is_ok() {
        return Err(wrong("uniqueness", format!("there is a group `{id}`")));
    }
    let people = members(body.get("members"))?;
    set(&app, &caller, &id, |_| Ok((title, people))).await?;
    let group = resource(&app, (&id, &find(&app, &id).await?));
    let location = group["meta"]["location"].as_str().unwrap_or_default().to_owned();
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Scim(group)).into_response())
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Answer<Scim> {
    let id = GroupId::new(id)?;
    find(&app, &id).await?;
    let (title, people) = (text(&body, "/displayName"), members(body.get("members"))?);
    set(&app, &caller, &id, |known| Ok((title.unwrap_or(known.title), people))).await?;
    Ok(Scim(resource(&app, (&id, &find(&app, &id).await?))))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(patch): Json<Patch>,
) -> Answer<Scim> {
    let id = GroupId::new(id)?;
    let known = find(&app, &id).await?;
    let changes = patch.changes()?;
    // What is wrong with the changes is told as what it is, before anything is written.
    changed(known, changes.clone())?;
    set(&app, &caller, &id, |known| changed(known, changes)).await?;
    Ok(Scim(resource(&app, (&id, &find(&app, &id).await?))))
}

/// A group with changes made to it.
fn changed(known: Group, changes: Vec<(Act, String, Value)>) -> Answer<(String, BTreeSet<PersonId>)> {
    let (mut title, mut people) = (known.title, known.members.into_keys().collect::<BTreeSet<_>>());
    for (act, path, value) in changes {
        if let Some(one) = one_of(&path, "members")? {
            people.retain(|person| act != Act::Remove || person.as_str() != one);
            continue;
        }
        match (path.to_ascii_lowercase().as_str(), act) {
            ("members", Act::Add) => people.extend(members(Some(&value))?),
            ("members", Act::Replace) => people = members(Some(&value))?,
            ("members", Act::Remove) => {
                let gone = members(Some(&value))?;
                // Without a value all of them are meant.
                people.retain(|person| !value.is_null() && !gone.contains(person));
            }
            ("displayname", Act::Add | Act::Replace) => {
                title = value
                    .as_str()
                    .map(str::to_owned)
                    .ok_or_else(|| wrong("invalidValue", "a displayName is a text"))?;
            }
            // What is not kept here need not be changed here.
            _ => {}
        }
    }
    Ok((title, people))
}

async fn remove(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    app.organisation.act(&caller.person, app.now(), Command::RemoveGroup(GroupId::new(id)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
