//! Groups of people, and files of people.

use super::tabs;
use super::text::plain;
use super::{Form, encoded, page, seen};
use crate::access::{ADMINISTRATES, SEES_PEOPLE};
use crate::api::{Path, take_people};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use lifecycle::{Command, Group, GroupId, PersonId, Role, Source};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeSet;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_PEOPLE, path: "/groups", handler: get(show) }),
        ("POST", PageRoute { access: ADMINISTRATES, path: "/groups", handler: post(change) }),
        ("POST", PageRoute { access: ADMINISTRATES, path: "/groups/{group}/remove", handler: post(remove) }),
        ("POST", PageRoute { access: ADMINISTRATES, path: "/people/import", handler: post(import) }),
    ]
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let groups: Vec<(GroupId, Group)> = {
        let record = app.organisation.store.record().await?;
        let there = record.state.groups.iter().filter(|(_, group)| !group.is_gone);
        let here = |(id, group): (&GroupId, &Group)| {
            let mut group = group.clone();
            // Who has gone is in no group.
            group.members.retain(|person, _| record.state.joined_group(id, person).is_some());
            (id.clone(), group)
        };
        there.map(here).collect()
    };
    let is_administrator = caller.is_any(&[Role::Administrator]);
    let body = html! {
        (tabs::people(&caller, "/groups"))
        p { "A group whose id is that of a role of the policy gives its people that role there: the courses that it asks for, and the approvals." }
        div.scroll tabindex="0" role="region" aria-label="Groups" { table {
            thead { tr { th scope="col" { "Group" } th scope="col" { "Whose word" } th scope="col" { "People" } @if is_administrator { th scope="col" { "Do" } } } }
            tbody {
                @if groups.is_empty() { tr { td colspan="4" { "There is none." } } }
                @for (id, group) in &groups { (row((id, group), is_administrator)) }
            }
        } }
        @if is_administrator { h2 { "A new group" } (form(None)) (import_form()) }
    };
    Ok(page(&app, &caller, ("Groups", "/people"), &body))
}

fn row((id, group): (&GroupId, &Group), is_administrator: bool) -> Markup {
    const MOST: usize = 12;
    let source = match group.source {
        Source::Local => "administrators here",
        Source::File => "a file",
        Source::Oidc => "the identity provider, at each sign-in",
        Source::Scim => "the identity provider (SCIM)",
    };
    html! { tr {
        th scope="row" { (id) @if group.title != id.as_str() { br; span.faint { (plain(&group.title)) } } }
        td { (source) }
        td { (group.members.len()) ": " (group.members.keys().take(MOST).map(ToString::to_string).collect::<Vec<_>>().join(", ")) @if group.members.len() > MOST { " …" } }
        @if is_administrator { td {
            details { summary { "Change" } (form(Some((id, group)))) }
            form.inline method="post" action=(format!("/groups/{}/remove", encoded(id.as_str()))) { button.danger type="submit" { "Remove" } }
        } }
    } }
}

fn form(known: Option<(&GroupId, &Group)>) -> Markup {
    let name = known.map_or("new", |(id, _)| id.as_str());
    html! {
        form.stack method="post" action="/groups" {
            @if let Some((id, _)) = known { input type="hidden" name="group" value=(id); }
            @else { div { label for="group" { "Id: letters, digits and -._" } input id="group" name="group" required maxlength="128"; } }
            div { label for=(format!("title-{name}")) { "Name" } input id=(format!("title-{name}")) name="title" required maxlength="200" value=[known.map(|(_, group)| group.title.as_str())]; }
            div { label for=(format!("members-{name}")) { "People: ids, with spaces between" } textarea id=(format!("members-{name}")) name="members" rows="3" { (known.map_or_else(String::new, |(_, group)| group.members.keys().map(ToString::to_string).collect::<Vec<_>>().join(" "))) } }
            button type="submit" { @if known.is_some() { "Keep" } @else { "Add" } }
        }
    }
}

fn import_form() -> Markup {
    html! {
        h2 { "A file of people" }
        form.stack method="post" action="/people/import" {
            div { label for="csv" { "A table (CSV) with the columns person, name, email, roles, teams, groups; several words in one field have ; between them. Whoever is new and has no role named is an employee. Names and addresses lie beside the ledger, and can be erased." } textarea.code id="csv" name="csv" rows="8" required spellcheck="false" placeholder="person,name,email,roles,groups" {} }
            button type="submit" { "Take it in" }
        }
    }
}

/// A group, as a form sends it.
#[derive(Deserialize)]
struct Sent {
    group: String,
    title: String,
    #[serde(default)]
    members: String,
}

async fn change(State(app): State<App>, caller: Caller, Form(sent): Form<Sent>) -> Answer<Response> {
    let members = sent.members.split_whitespace().flat_map(|part| part.split(',')).filter(|id| !id.is_empty());
    let members = members.map(PersonId::new).collect::<Result<BTreeSet<_>, _>>()?;
    let command = Command::SetGroup(GroupId::new(sent.group.trim())?, sent.title, Source::Local, members);
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(seen("/groups"))
}

async fn remove(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    app.organisation.act(&caller.person, app.now(), Command::RemoveGroup(GroupId::new(id)?)).await?;
    Ok(seen("/groups"))
}

/// A file of people, as a form sends it.
#[derive(Deserialize)]
struct Table {
    csv: String,
}

async fn import(State(app): State<App>, caller: Caller, Form(table): Form<Table>) -> Answer<Response> {
    let taken = take_people(&app, &caller, &table.csv).await?;
    let body = html! {
        (tabs::people(&caller, "/groups"))
        div.notice.ok { p { "The file tells of " (taken.people) " people: " (taken.changed) " came in or have other roles now, and " (taken.groups) " groups have other people." } }
        p { a href="/people" { "The people" } " · " a href="/groups" { "The groups" } }
    };
    Ok(page(&app, &caller, ("A file of people", "/people"), &body))
}
