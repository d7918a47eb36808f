//! What a version of the policy changes, in plain words; and what that comes to on the fleet, now and month by month.

use super::charts;
use super::tabs;
use super::text::{day, number, plain};
use super::{encoded, page};
use crate::access::{EVERYBODY, SEES_ALL};
use crate::api::Path;
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lifecycle::{Role, VersionId};
use maud::{Markup, html};
use operations::{Side, Simulation, simulate};
use policy::{CaseChange, Difference, Policy, diff};
use std::cmp::Ordering;
use std::sync::Arc;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/versions/{version}/compare", handler: get(show) }),
        ("GET", PageRoute { access: SEES_ALL, path: "/versions/{version}/simulation", handler: get(simulation) }),
    ]
}

/// How many months back a draft is replayed.
const MONTHS: u32 = 12;

async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    let id = VersionId::new(id)?;
    let (draft, base) = {
        let record = app.organisation.store.record().await?;
        let version = record.state.versions.get(&id).filter(|version| version.draft.document.is_policy());
        let version = version.ok_or_else(|| Problem::not_found("such version of the policy"))?;
        (version.draft.clone(), version.base.clone())
    };
    let text = app.organisation.text(&draft.text).await?;
    let before = match base {
        Some(base) => Some(app.organisation.text(&base).await?),
        None => None,
    };
    let found = before.map(|before| diff(&before, &text));
    let path = format!("/versions/{}", encoded(id.as_str()));
    let body = html! {
        (tabs::policy(&caller, "/documents"))
        p { a href=(path) { "Back to the version" } }
        @match found {
            None => p { "There was no policy before it." },
            Some(Err(error)) => div.notice.bad { p { "One of the two cannot be read: " (plain(&error.to_string())) } },
            Some(Ok(found)) => (in_words(&found)),
        }
        h2 { "What is open when it comes into force" }
        p { (draft.transition.words()) "." }
        @if caller.is_any(Role::SEES_ALL) {
            // What takes a while to work out comes in by itself; without scripts it is a page of its own.
            div hx-get=(format!("{path}/simulation")) hx-trigger="load" hx-swap="outerHTML" { p { a href=(format!("{path}/simulation")) { "What it comes to on the fleet, now and in the last twelve months" } } }
        }
    };
    Ok(page(&app, &caller, (&format!("What version {id} changes"), "/policy"), &body))
}

/// What changes, in words.
fn in_words(found: &Difference) -> Markup {
    let directions = [
        (Ordering::Less, "Findings that must be remediated sooner"),
        (Ordering::Greater, "Findings that may be remediated later"),
        (Ordering::Equal, "Findings that get another class or clock, and the same time"),
    ];
    html! {
        @if found.cases.is_empty() && found.values.is_empty() && !found.is_too_large { p { "They say the same." } }
        @if found.is_too_large { div.notice.unsure { p { "The tables tell more cases apart than can be looked at: which findings change is not known." } } }
        @for (wanted, title) in directions {
            @let cases: Vec<&CaseChange> = found.cases.iter().filter(|case| case.direction() == wanted).collect();
            @if !cases.is_empty() { h2 { (title) } (cases_table(title, &cases)) }
        }
        @if !found.values.is_empty() {
            h2 { "What is written otherwise" }
            div.scroll tabindex="0" role="region" aria-label="What is written otherwise" { table {
                thead { tr { th scope="col" { "What" } th scope="col" { "Before" } th scope="col" { "Now" } } }
                tbody { @for value in &found.values { tr {
                    th scope="row" { (plain(&value.name)) }
                    td { (value.before.as_deref().map_or_else(|| "–".to_owned(), plain)) }
                    td { (value.after.as_deref().map_or_else(|| "not any more".to_owned(), plain)) }
                } } }
            } }
        }
    }
}

fn cases_table(title: &str, cases: &[&CaseChange]) -> Markup {
    let side = |(class, due): &(String, policy::Due)| format!("{} ({due})", plain(class));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) { table {
            thead { tr { th scope="col" { "Which" } th scope="col" { "Before" } th scope="col" { "Now" } } }
            tbody { @for case in cases { tr {
                th scope="row" { (plain(&case.case)) @if case.others > 0 { " " span.faint { "and " (case.others) " other cases" } } }
                td { (side(&case.before)) }
                td { (side(&case.after)) @if case.is_other_clock { br; span.faint { "counted from something else" } } }
            } } }
        } }
    }
}

async fn simulation(
    State(app): State<App>,
    caller: Caller,
    headers: axum::http::HeaderMap,
    Path(id): Path<String>,
) -> Answer<Response> {
    let id = VersionId::new(id)?;
    let draft = {
        let record = app.organisation.store.record().await?;
        let version = record.state.versions.get(&id).filter(|version| version.draft.document.is_policy());
        version.map(|version| version.draft.clone()).ok_or_else(|| Problem::not_found("such version of the policy"))?
    };
    let text = app.organisation.text(&draft.text).await?;
    let policy = Policy::parse(&text).map_err(|error| {
        Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "policy/errors", error.to_string())
    })?;
    let policy = Arc::new(policy);
    let found = app.view(None, |view| simulate(view, (&policy, draft.transition), MONTHS, |_, _| {})).await?;
    let shown = html! { section { (simulated(&found)) } };
    // What a script asks for goes into the page that it asks from.
    if headers.contains_key("hx-request") {
        return Ok(shown.into_response());
    }
    let body = html! { (tabs::policy(&caller, "/documents")) p { a href=(format!("/versions/{}/compare", encoded(id.as_str()))) { "What it changes" } } (shown) };
    Ok(page(&app, &caller, (&format!("What version {id} comes to"), "/policy"), &body))
}

/// What a draft comes to.
fn simulated(found: &Simulation) -> Markup {
    let moves = &found.moves;
    let rows = [
        (moves.sooner, "due sooner"),
        (moves.later, "due later"),
        (moves.same, "due when they were"),
        (moves.newly_overdue, "overdue by the draft alone"),
        (moves.no_longer_overdue, "overdue by the policy in force alone"),
        (moves.newly_owed, "owed by the draft alone"),
        (moves.no_longer_owed, "owed by the policy in force alone"),
    ];
    let openings = |side: &Side| side.openings.map_or_else(|| "not said".to_owned(), number);
    html! {
        h2 { "On the fleet as it is" }
        dl.figures { @for (count, words) in rows { div.figure { dt { (words) } dd.value { (number(count)) } } } }
        div.columns {
            section.card { h2 { "In force" } (classes(&found.current)) }
            section.card { h2 { "Draft" } (classes(&found.draft)) }
        }
        h2 { "Overdue, month by month" }
        p.faint { "Each day before evaluated by both, as if each had always been in force; the last is now, with the draft put in force today by its own rule for findings that are open. Teams and scope as they are now." }
        (charts::pairs(&found.months.iter().map(|month| (day(month.at), month.current, month.draft)).collect::<Vec<_>>()))
        div.scroll tabindex="0" role="region" aria-label="By team and by work" { table {
            thead { tr { th scope="col" { "" } th.number scope="col" { "In force" } th.number scope="col" { "Draft" } } }
            tbody {
                @for (team, current, draft) in &found.teams { tr { th scope="row" { "Overdue, " @if team.is_empty() { "team not known" } @else { (plain(team)) } } td.number { (number(*current)) } td.number { (number(*draft)) } } }
                tr { th scope="row" { "Patches to deploy within 30 days" } td.number { (number(found.current.patches)) } td.number { (number(found.draft.patches)) } }
                tr { th scope="row" { "Assets to change within 30 days" } td.number { (number(found.current.assets)) } td.number { (number(found.draft.assets)) } }
                tr { th scope="row" { "Windows that open in these days" } td.number { (openings(&found.current)) } td.number { (openings(&found.draft)) } }
                tr { th scope="row" { "Assets that are not covered" } td.number { (number(found.current.uncovered)) } td.number { (number(found.draft.uncovered)) } }
            }
        } }
    }
}

fn classes(side: &Side) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "Class" } th.number scope="col" { "Owed" } th.number scope="col" { "Overdue" } } }
        tbody { @for (class, counts) in &side.classes { tr { th scope="row" { (plain(class)) } td.number { (number(counts.findings)) } td.number { span.late[counts.overdue > 0] { (number(counts.overdue)) } } } } }
    } }
}
