//! The editor: a document's text, checked as it is typed, and held against the fleet.

use super::tabs;
use super::text::{count, number, plain};
use super::{Form, encoded, page, seen};
use crate::access::{DRAFTS, EVERYBODY};
use crate::api::{Path, Query, instant};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{DocumentId, Role, State as Known, Transition, Version, VersionId};
use maud::{Markup, html};
use operations::{Drafted, Simulation, check_policy, simulate};
use policy::{Checked, Policy, Problem as Fault};
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: DRAFTS, path: "/documents/{document}/draft", handler: get(show) }),
        ("POST", PageRoute { access: DRAFTS, path: "/documents/{document}/draft", handler: post(keep) }),
        ("POST", PageRoute { access: EVERYBODY, path: "/policy/check", handler: post(check) }),
    ]
}

/// Which version is revised; none where another one is begun.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    version: Option<String>,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Answer<Response> {
    let document = DocumentId::new(id)?;
    let revised = which.version.map(VersionId::new).transpose()?;
    let (title, version, digest) = {
        let record = app.organisation.store.record().await?;
        let known = record.state.documents.get(&document).ok_or_else(|| Problem::not_found("such document"))?;
        let version = revised.as_ref().map(|id| record.state.versions.get(id).cloned());
        let version = version.map(|found| found.ok_or_else(|| Problem::not_found("such version"))).transpose()?;
        let own = version.as_ref().map(|version: &Version| version.draft.text.clone());
        let digest = own.or_else(|| known.in_force(app.now()).map(|text| text.text.clone()));
        (known.described.title.clone(), version, digest)
    };
    let text = match digest {
        Some(digest) => app.organisation.text(&digest).await?,
        None => String::new(),
    };
    let is_policy = document.is_policy();
    let draft = version.as_ref().map(|version| &version.draft);
    let transition = draft.map_or(Transition::FromSwitch, |draft| draft.transition);
    let checked = if is_policy {
        findings(&app, &caller, (&text, transition)).await?
    } else {
        html! {}
    };
    let body = html! {
        (tabs::policy(&caller, "/documents"))
        @if is_policy { p { "The policy as a file: classes, promises, and the prose of its sections under " code { "[text]" } ". It is checked as you type, and held against the fleet." } }
        @else { p { "Markdown. Figures of the policy are filled in where it names them: " code { "{{ scanning.exposed }}" } ", " code { "{{ table classes }}" } "." } }
        div.editor[is_policy] {
            form method="post" action=(format!("/documents/{}/draft", encoded(document.as_str()))) {
                @if let Some(id) = &revised { input type="hidden" name="version" value=(id); }
                div { label for="text" { "Text" } textarea.code id="text" name="text" rows="34" spellcheck="false" required hx-post=[is_policy.then_some("/policy/check")] hx-trigger="input changed delay:500ms, change from:closest form delay:100ms" hx-include="closest form" hx-target="#checked" hx-swap="innerHTML" hx-indicator="#checked" { "\n" (text) } }
                div { label for="rationale" { "Why it is wanted" } textarea id="rationale" name="rationale" rows="2" required { (plain(draft.map_or("", |draft| &draft.rationale))) } }
                div { label for="effective" { "Holds from; from its publication on if left empty" } input id="effective" name="effective" type="date" value=[draft.and_then(|draft| draft.effective_at).map(super::text::day)]; }
                @if is_policy { (transitions(draft.map(|draft| draft.transition))) }
                p { button type="submit" { "Keep the draft" } " " span.faint { "nothing changes before it is reviewed, approved and published" } }
            }
            @if is_policy { aside id="checked" aria-live="polite" aria-label="What the check finds" { (checked) } }
        }
    };
    Ok(page(&app, &caller, (&format!("{title}: a draft"), "/policy"), &body))
}

fn transitions(chosen: Option<Transition>) -> Markup {
    let chosen = chosen.unwrap_or(Transition::FromSwitch);
    html! {
        fieldset { legend { "Findings that are open when it comes into force" }
            @for rule in Transition::ALL { div { label { input type="radio" name="transition" value=(rule.word()) checked[*rule == chosen]; (rule.words()) } } }
        }
    }
}

/// A transition rule as a form names it; the usual one where it names none.
fn rule(word: &str) -> Transition {
    Transition::ALL.iter().find(|rule| rule.word() == word).copied().unwrap_or(Transition::FromSwitch)
}

/// A draft, as a form sends it.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    version: String,
    text: String,
    rationale: String,
    #[serde(default)]
    effective: String,
    #[serde(default)]
    transition: String,
}

async fn keep(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(sent): Form<Sent>,
) -> Answer<Response> {
    let document = DocumentId::new(id)?;
    let version = match sent.version.as_str() {
        "" => next_version(&app.organisation.store.record().await?.state, &document)?,
        known => VersionId::new(known)?,
    };
    let drafted = Drafted {
        document,
        // Forms send lines as the web has them.
        text: sent.text.replace("\r\n", "\n"),
        rationale: sent.rationale,
        effective_at: effective(&sent.effective, app.now())?,
        transition: rule(&sent.transition),
    };
    app.organisation.draft(&caller.person, version.clone(), drafted, app.now()).await?;
    Ok(seen(&format!("/versions/{}", encoded(version.as_str()))))
}

/// A day on which a version is to hold begins with its first hour; today is from its publication on.
fn effective(said: &str, now: Timestamp) -> Answer<Option<Timestamp>> {
    let day = crate::api::day(said);
    let begins = day.and_then(|day| Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()));
    let at = if begins.is_some() { begins } else { instant(Some(said))? };
    let is_today = day.is_some_and(|day| day == now.to_zoned(jiff::tz::TimeZone::UTC).date());
    Ok(at.filter(|_| !is_today))
}

/// The id of the next version of a document: its own, and a number.
fn next_version(state: &Known, document: &DocumentId) -> Answer<VersionId> {
    let count = state.versions.values().filter(|version| version.draft.document == *document).count();
    let free = (count + 1..).find_map(|number| {
        let id = VersionId::new(format!("{document}-{number}")).ok()?;
        (!state.versions.contains_key(&id)).then_some(id)
    });
    free.ok_or_else(|| Problem::bad("no id is left for another version"))
}

/// The text alone, as it is typed.
#[derive(Deserialize)]
struct Typed {
    text: String,
    #[serde(default)]
    transition: String,
}

async fn check(State(app): State<App>, caller: Caller, Form(typed): Form<Typed>) -> Answer<Response> {
    let found = findings(&app, &caller, (&typed.text.replace("\r\n", "\n"), rule(&typed.transition))).await?;
    Ok(found.into_response())
}

/// What the check finds in a text, and what it comes to on the fleet.
async fn findings(app: &App, caller: &Caller, (text, transition): (&str, Transition)) -> Answer<Markup> {
    let (text_apart, now) = (text.to_owned(), app.now());
    let checked = app.apart(move || check_policy(&text_apart, now)).await??;
    let is_shown = caller.is_any(Role::SEES_ALL) && !checked.has_errors();
    let simulated = match Policy::parse(text) {
        Ok(policy) if is_shown => {
            let policy = Arc::new(policy);
            app.view(None, |view| simulate(view, (&policy, transition), 0, |_, _| {})).await.ok()
        }
        _ => None,
    };
    Ok(html! { (problems(&checked)) @if let Some(simulated) = &simulated { (in_short(simulated)) } })
}

/// What a check found.
pub(super) fn problems(checked: &Checked) -> Markup {
    let errors = checked.problems.iter().filter(|problem| problem.is_error).count();
    let fault = |problem: &Fault| {
        html! { li {
            span.late[problem.is_error] { @if problem.is_error { "error" } @else { "warning" } }
            @if let Some(line) = problem.line { ", line " (line) } ": " (plain(&problem.what))
            @if !problem.example.is_empty() { br; span.faint { "for example: " (plain(&problem.example)) } }
            @if !problem.hint.is_empty() { br; span.faint { (plain(&problem.hint)) } }
        } }
    };
    html! {
        @if errors > 0 { p { span.pill.bad { (count(errors as u64, "error", "errors")) } " It could not be handed in." } } @else { p { span.pill.ok { "no errors" } } }
        ul { @for problem in checked.problems.iter().take(50) { (fault(problem)) } }
        @if !checked.proven.is_empty() { details { summary { "What was proven" } ul { @for proven in &checked.proven { li { (plain(proven)) } } } } }
    }
}

/// What it comes to, in short.
fn in_short(found: &Simulation) -> Markup {
    let moves = &found.moves;
    html! {
        h2 { "On the fleet as it is" }
        table {
            thead { tr { th scope="col" { "" } th.number scope="col" { "In force" } th.number scope="col" { "Draft" } } }
            tbody {
                tr { th scope="row" { "Owed" } td.number { (number(found.current.all.findings)) } td.number { (number(found.draft.all.findings)) } }
                tr { th scope="row" { "Overdue" } td.number { (number(found.current.all.overdue)) } td.number { (number(found.draft.all.overdue)) } }
                tr { th scope="row" { "Patches due within 30 days" } td.number { (number(found.current.patches)) } td.number { (number(found.draft.patches)) } }
            }
        }
        p { (number(moves.sooner)) " due sooner, " (number(moves.later)) " later, " (number(moves.same)) " as before." }
    }
}
