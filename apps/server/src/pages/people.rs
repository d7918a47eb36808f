//! People: what each is trusted with, and inviting them.

use super::tabs;
use super::text::plain;
use super::{encoded, page, seen};
use crate::access::{ADMINISTRATES, SEES_PEOPLE};
use crate::api::{Path, erase};
use crate::app::App;
use crate::identity::{Caller, account};
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawForm, State};
use axum::response::Response;
use axum::routing::{get, post};
use lifecycle::{Command, Person, PersonId, Role};
use maud::{Markup, html};
use std::collections::BTreeSet;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_PEOPLE, path: "/people", handler: get(show) }),
        ("POST", PageRoute { access: ADMINISTRATES, path: "/people", handler: post(change) }),
        ("POST", PageRoute { access: ADMINISTRATES, path: "/people/{person}/invite", handler: post(invite) }),
        ("POST", PageRoute { access: ADMINISTRATES, path: "/people/{person}/erase", handler: post(remove) }),
    ]
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let people = app.organisation.store.record().await?.state.people.clone();
    let accounts = app.organisation.store.accounts().await?;
    let is_administrator = caller.is_any(&[Role::Administrator]);
    let signs_in = |id: &PersonId| {
        let account = accounts
            .get(id.as_str())
            .and_then(|text| serde_json::from_str::<account::Account>(text).ok())
            .unwrap_or_default();
        let words = [
            (account.password.is_some(), "password"),
            (account.has_authenticator(), "authenticator"),
            (account.provider.is_some(), "identity provider"),
            (account.invitation.is_some(), "invited"),
        ];
        words.iter().filter(|(is_there, _)| *is_there).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    };
    let body = html! {
        (tabs::people(&caller, "/people"))
        div.scroll tabindex="0" role="region" aria-label="People" {
            table {
                thead { tr { th scope="col" { "Person" } th scope="col" { "Roles" } th scope="col" { "Teams" } th scope="col" { "Signs in by" } @if is_administrator { th scope="col" { "Do" } } } }
                tbody { @for (id, person) in &people { (line((id, person), &signs_in(id), (is_administrator, &caller))) } }
            }
        }
        @if is_administrator { (form(None)) }
    };
    Ok(page(&app, &caller, ("People", "/people"), &body))
}

fn line((id, person): (&PersonId, &Person), signs_in: &str, (is_administrator, caller): (bool, &Caller)) -> Markup {
    let path = format!("/people/{}", encoded(id.as_str()));
    html! {
        tr {
            th scope="row" { (id) @if person.is_erased { " " span.pill { "erased" } } }
            td { (person.roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")) @if person.roles.is_empty() { span.faint { "none" } } }
            td { (plain(&person.teams.iter().cloned().collect::<Vec<_>>().join(", "))) }
            td { @if signs_in.is_empty() { span.faint { "cannot" } } @else { (signs_in) } }
            @if is_administrator { td {
                @if *id != caller.person && !person.is_erased {
                    details { summary { "Change" } (form(Some((id, person)))) }
                    form.inline method="post" action=(format!("{path}/invite")) { button.second type="submit" { "Invite" } } " "
                    details { summary { "Erase" } form method="post" action=(format!("{path}/erase")) { p { "They sign in no longer, and what is known of them beside the id is forgotten. This cannot be undone." } button.danger type="submit" { "Erase " (id) } } }
                }
            } }
        }
    }
}

/// A form that gives somebody roles: somebody who is there, or somebody new.
fn form(known: Option<(&PersonId, &Person)>) -> Markup {
    let name = known.map_or("new", |(id, _)| id.as_str());
    html! {
        @if known.is_none() { h2 { "Somebody new" } }
        form.stack method="post" action="/people" {
            @if let Some((id, _)) = known { input type="hidden" name="person" value=(id); }
            @else { div { label for="person" { "Id: as they are to be called here" } input id="person" name="person" required maxlength="128"; } }
            fieldset { legend { "Roles" } @for role in Role::ALL { label { input type="checkbox" name="role" value=(role.word()) checked[known.is_some_and(|(_, person)| person.roles.contains(role))]; (role.word()) } } }
            div { label for=(format!("teams-{name}")) { "Teams, with commas between: a developer sees their assets alone" } input id=(format!("teams-{name}")) name="teams" value=(known.map_or_else(String::new, |(_, person)| person.teams.iter().cloned().collect::<Vec<_>>().join(", "))); }
            button type="submit" { @if known.is_some() { "Keep" } @else { "Add" } }
        }
    }
}

async fn change(State(app): State<App>, caller: Caller, RawForm(body): RawForm) -> Answer<Response> {
    // A field that may come several times is what forms' own reader does not read.
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(&body).map_err(|error| Problem::bad(error.to_string()))?;
    let values = |wanted: &str| {
        pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.trim().to_owned()).collect::<Vec<_>>()
    };
    let person = PersonId::new(values("person").pop().unwrap_or_default())?;
    let role = |word: String| {
        let known = Role::ALL.iter().find(|role| role.word() == word).copied();
        known.ok_or_else(|| Problem::bad(format!("`{word}` is no role")))
    };
    let roles = values("role").into_iter().map(role).collect::<Answer<BTreeSet<_>>>()?;
    let teams = values("teams")
        .iter()
        .flat_map(|text| text.split(','))
        .map(|team| team.trim().to_owned())
        .filter(|team| !team.is_empty())
        .collect();
    app.organisation.act(&caller.person, app.now(), Command::SetRoles(person, roles, teams)).await?;
    Ok(seen("/people"))
}

async fn invite(State(app): State<App>, caller: Caller, Path(person): Path<String>) -> Answer<Response> {
    let person = PersonId::new(person)?;
    let secret = account::invite(&app, &person, &caller.person).await?;
    let body = html! {
        div.notice.ok { p { "Give this link to " strong { (person) } ". It is shown this once, and holds for a week and for one use: whoever opens it first chooses the password." } }
        pre { (app.settings.address_of(&format!("/invitation/{secret}"))) }
        p { a href="/people" { "Back to the people" } }
    };
    Ok(page(&app, &caller, ("An invitation", "/people"), &body))
}

async fn remove(State(app): State<App>, caller: Caller, Path(person): Path<String>) -> Answer<Response> {
    erase(&app, &caller, PersonId::new(person)?).await?;
    Ok(seen("/people"))
}
