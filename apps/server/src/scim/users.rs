//! Users (RFC 7643, section 4.1).

use super::patch::{Act, Patch};
use super::{ListQuery, Scim, filter, list, route, text, truth, wrong};
use crate::api::{Json, Path, Query, erase};
use crate::app::App;
use crate::identity::{Caller, account::Account};
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch as patched, post, put};
use lifecycle::{Command, Person, PersonId, Role};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::{AccountChange, Plan};

/// The schema's name.
pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ALL: &str = "/scim/v2/Users";
const ONE: &str = "/scim/v2/Users/{user}";

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", route(ALL, get(list_users))),
        ("POST", route(ALL, post(create))),
        ("GET", route(ONE, get(one))),
        ("PUT", route(ONE, put(replace))),
        ("PATCH", route(ONE, patched(change))),
        ("DELETE", route(ONE, delete(remove))),
    ]
}

/// What is said of a user.
#[derive(Debug, Clone, Default)]
struct Said {
    name: Option<String>,
    email: Option<String>,
    external: Option<String>,
    is_active: Option<bool>,
}

/// Names and addresses longer than this are none.
const MOST_BYTES: usize = 200;

impl Said {
    fn of(body: &Value) -> Answer<Self> {
        let body = &plainly_named(body);
        let emails = body.get("emails").and_then(Value::as_array);
        let primary = emails.and_then(|all| all.iter().find(|email| email["primary"] == true).or_else(|| all.first()));
        Ok(Self {
            name: text(body, "/displayName").or_else(|| text(body, "/name/formatted")).or_else(|| full_name(body)),
            email: primary.and_then(|email| text(email, "/value")),
            external: text(body, "/externalId"),
            is_active: body.get("active").map(truth).transpose()?,
        })
    }
}

/// A resource with its attributes named as the schema names them: their names are not case-sensitive (RFC 7643, section 2.1).
fn plainly_named(body: &Value) -> Value {
    const NAMES: &[&str] = &["userName", "displayName", "externalId", "active", "emails", "name"];
    let Value::Object(all) = body else { return body.clone() };
    let name = |key: &String| NAMES.iter().find(|name| name.eq_ignore_ascii_case(key)).map(|name| (*name).to_owned());
    all.iter().map(|(key, value)| (name(key).unwrap_or_else(|| key.clone()), value.clone())).collect()
}

fn full_name(body: &Value) -> Option<String> {
    let parts = [text(body, "/name/givenName"), text(body, "/name/familyName")];
    let words: Vec<String> = parts.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn resource(app: &App, (id, person): (&PersonId, &Person), account: Option<&String>) -> Value {
    let account: Account = account.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let location = app.settings.address_of(&format!("{ALL}/{}", crate::pages::encoded(id.as_str())));
    let mut body = json!({
        "schemas": [SCHEMA], "id": id, "userName": id, "active": !person.roles.is_empty(),
        "meta": { "resourceType": "User", "location": location },
    });
    if let Some(name) = account.name {
        body["displayName"] = Value::from(name.clone());
        body["name"] = json!({ "formatted": name });
    }
    if let Some(email) = account.email {
        body["emails"] = json!([{ "value": email, "primary": true }]);
    }
    if let Some(external) = account.external {
        body["externalId"] = Value::from(external);
    }
    body
}

/// Everybody who was not erased, as resources.
async fn resources(app: &App) -> Answer<Vec<Value>> {
    let accounts: BTreeMap<String, String> = app.organisation.store.accounts().await?;
    let record = app.organisation.store.record().await?;
    let there = record.state.people.iter().filter(|(_, person)| !person.is_erased);
    Ok(there.map(|one| resource(app, one, accounts.get(one.0.as_str()))).collect())
}

async fn list_users(State(app): State<App>, Query(query): Query<ListQuery>) -> Answer<Scim> {
    let equals = filter::parse(query.filter.as_deref())?;
    // What is most often asked for needs no look at everybody.
    if let Some(equals) = equals.as_ref().filter(|equals| matches!(equals.attribute.as_str(), "id" | "username"))
        && let Ok(id) = PersonId::new(equals.value.as_str())
        && let Ok(one) = find(&app, &id).await
    {
        return Ok(list(vec![one], &query));
    }
    let mut all = resources(&app).await?;
    if let Some(equals) = equals {
        let pointer = match equals.attribute.as_str() {
            "id" => "/id",
            "username" => "/userName",
            "externalid" => "/externalId",
            "emails.value" | "emails" => "/emails/0/value",
            _ => return Err(wrong("invalidFilter", "users are found by userName, externalId, id or emails.value")),
        };
        all.retain(|user| text(user, pointer).is_some_and(|value| value.eq_ignore_ascii_case(&equals.value)));
    }
    Ok(list(all, &query))
}

async fn find(app: &App, id: &PersonId) -> Answer<Value> {
    let account = app.organisation.store.account(id).await?;
    let record = app.organisation.store.record().await?;
    let known = record.state.people.get_key_value(id).filter(|(_, person)| !person.is_erased);
    known.map(|one| resource(app, one, account.as_ref())).ok_or_else(|| Problem::not_found("such user"))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<Scim> {
    Ok(Scim(find(&app, &PersonId::new(id)?).await?))
}

async fn create(State(app): State<App>, caller: Caller, Json(body): Json<Value>) -> Answer<Response> {
    let name = text(&plainly_named(&body), "/userName").ok_or_else(|| wrong("invalidValue", "there is no userName"))?;
    let id = PersonId::new(name.as_str()).map_err(|error| wrong("invalidValue", error.to_string()))?;
    if app.organisation.store.record().await?.state.people.get(&id).is_some_and(|known| !known.is_erased) {
        return Err(wrong("uniqueness", format!("there is a user `{id}`")));
    }
    let said = Said::of(&body)?;
    let said = Said { is_active: Some(said.is_active.unwrap_or(true)), ..said };
    keep(&app, &caller, (&id, &said)).await?;
    let user = find(&app, &id).await?;
    let location = user["meta"]["location"].as_str().unwrap_or_default().to_owned();
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Scim(user)).into_response())
}

/// Keeps what is said of somebody: whether they are here in the ledger, what they are called beside it.
async fn keep(app: &App, caller: &Caller, (id, said): (&PersonId, &Said)) -> Answer<()> {
    let texts = [&said.name, &said.email, &said.external];
    if texts.iter().any(|text| text.as_ref().is_some_and(|text| text.len() > MOST_BYTES)) {
        return Err(wrong("invalidValue", format!("names and addresses have {MOST_BYTES} bytes at the most")));
    }
    let text = app.organisation.store.account(id).await?;
    let read = text.as_deref().map(serde_json::from_str::<Account>).transpose();
    let account = read.map_err(|error| Problem::internal(&error))?.unwrap_or_default();
    let account = Account {
        name: said.name.clone().or(account.name),
        email: said.email.clone().or(account.email),
        external: said.external.clone().or(account.external),
        ..account
    };
    let body = serde_json::to_string(&account).map_err(|error| Problem::internal(&error))?;
    let (person, is_active) = (id.clone(), said.is_active);
    let plan = move |record: &store::Record| {
        let known = record.state.people.get(&person);
        let roles = known.map(|known| known.roles.clone()).unwrap_or_default();
        let teams = known.map(|known| known.teams.clone()).unwrap_or_default();
        let (goes, comes) =
            (is_active == Some(false) && !roles.is_empty(), is_active == Some(true) && roles.is_empty());
        let command = match (goes || known.is_none() && !comes, comes) {
            (true, _) => Some(Command::SetRoles(person.clone(), BTreeSet::new(), teams)),
            // What they were trusted with before is said anew by people.
            (_, true) => Some(Command::SetRoles(person.clone(), [Role::Employee].into(), teams)),
            _ => None,
        };
        let accounts = vec![AccountChange { person, body: Some(body), ends_sessions: goes }];
        Ok(Plan { commands: command.into_iter().collect(), accounts, ..Plan::default() })
    };
    app.organisation.store.commit_on_account(&caller.person, app.now(), (id.clone(), text), plan).await?;
    Ok(())
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Answer<Scim> {
    let id = PersonId::new(id)?;
    find(&app, &id).await?;
    if text(&body, "/userName").is_some_and(|name| name != id.as_str()) {
        return Err(wrong("mutability", "a userName is an id here, and stays"));
    }
    keep(&app, &caller, (&id, &Said::of(&body)?)).await?;
    Ok(Scim(find(&app, &id).await?))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(patch): Json<Patch>,
) -> Answer<Scim> {
    let id = PersonId::new(id)?;
    find(&app, &id).await?;
    let mut said = Said::default();
    for (act, path, value) in patch.changes()? {
        let word = value.as_str().map(str::to_owned);
        match path.to_ascii_lowercase().as_str() {
            "active" if act != Act::Remove => said.is_active = Some(truth(&value)?),
            "displayname" | "name.formatted" if act != Act::Remove => said.name = word,
            "externalid" if act != Act::Remove => said.external = word,
            "emails" if act != Act::Remove => said.email = Said::of(&json!({ "emails": value }))?.email,
            "active" => return Err(wrong("mutability", "whether somebody is active is true or false, and stays said")),
            path if path.starts_with("emails[") && act != Act::Remove => said.email = word,
            "username" if word.as_deref() != Some(id.as_str()) => {
                return Err(wrong("mutability", "a userName is an id here, and stays"));
            }
            // What is not kept here need not be changed here.
            _ => {}
        }
    }
    keep(&app, &caller, (&id, &said)).await?;
    Ok(Scim(find(&app, &id).await?))
}

async fn remove(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<StatusCode> {
    let id = PersonId::new(id)?;
    find(&app, &id).await?;
    erase(&app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
