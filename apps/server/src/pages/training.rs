//! Training: the courses that the policy asks for, who has done them, and what a learning management system tells.

use super::campaigns::{Tally, person_row, rows};
use super::tabs;
use super::text::{day, plain};
use super::{Form, encoded, page};
use crate::access::{SEES_DUTIES, TELLS_TRAINING};
use crate::api::{Path, in_lines};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{Course, Duty, DutyKind, Role, Standing};
use maud::{Markup, html};
use operations::{NewPerson, new_people};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_DUTIES, path: "/training", handler: get(show) }),
        ("GET", PageRoute { access: SEES_DUTIES, path: "/training/{course}", handler: get(one) }),
        ("POST", PageRoute { access: TELLS_TRAINING, path: "/training", handler: post(take) }),
    ]
}

fn for_whom(course: &Course) -> String {
    let titles: Vec<String> = course.seats.iter().map(|seat| plain(&seat.title)).collect();
    if titles.is_empty() { "everybody".to_owned() } else { titles.join(", ") }
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let now = app.now();
    let (courses, duties, new) = {
        let record = app.organisation.store.record().await?;
        let duties: Vec<Duty> =
            record.state.duties(now).into_iter().filter(|duty| duty.kind == DutyKind::Train).collect();
        (record.state.governance().courses.clone(), duties, new_people(&record.state, now))
    };
    let tally = |course: &Course| Tally::of(duties.iter().filter(|duty| duty.subject == course.id), now);
    let body = html! {
        (tabs::policy(&caller, "/training"))
        div.scroll tabindex="0" role="region" aria-label="Courses" { table {
            thead { tr { th scope="col" { "Course" } th scope="col" { "For" } th scope="col" { "Within" } th scope="col" { "Again every" } th.number scope="col" { "People" } th.number scope="col" { "Have done it" } th.number scope="col" { "Missed" } th scope="col" { "Share" } } }
            tbody {
                @if courses.is_empty() { tr { td colspan="8" { "The policy in force asks for no course." } } }
                @for course in &courses { tr {
                    th scope="row" { a href=(format!("/training/{}", encoded(&course.id))) { (plain(&course.title)) } br; span.faint { (course.id) } }
                    td { (for_whom(course)) }
                    td { (course.within) }
                    td { (course.every) }
                    (tally(course).cells())
                } }
            }
        } }
        (newcomers(&new, now))
        @if caller.is_any(&[Role::SecurityLead, Role::Administrator]) && !courses.is_empty() { (take_form()) }
    };
    Ok(page(&app, &caller, ("Training", "/policy"), &body))
}

/// Who is new, and how far they are with what they read and learn first.
fn newcomers(new: &[NewPerson], now: Timestamp) -> Markup {
    const MOST: usize = 100;
    let so_many =
        |one: &NewPerson, standing: Standing| one.duties.iter().filter(|duty| duty.standing(now) == standing).count();
    html! {
        h2 { "New people" }
        @if new.is_empty() { p { "Nobody who came within the last 90 days has anything left to read or learn." } }
        @else { div.scroll tabindex="0" role="region" aria-label="New people" { table {
            thead { tr { th scope="col" { "Person" } th scope="col" { "Here since" } th.number scope="col" { "Done" } th.number scope="col" { "Missed" } th scope="col" { "Left" } } }
            tbody { @for one in new.iter().take(MOST) { tr {
                th scope="row" { (one.person) }
                td.date { (day(one.since)) }
                td.number { (so_many(one, Standing::Done)) " of " (one.duties.len()) }
                td.number { (so_many(one, Standing::Missed)) }
                td { @for (place, duty) in one.duties.iter().filter(|duty| duty.standing(now) != Standing::Done).enumerate() { @if place > 0 { "; " } (super::tasks::what(duty)) } }
            } } }
        } }
        @if new.len() > MOST { p { "And " (new.len() - MOST) " more." } } }
    }
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    const MOST: usize = 500;
    let now = app.now();
    let (course, duties) = {
        let record = app.organisation.store.record().await?;
        let course = record.state.governance().courses.iter().find(|course| course.id == id).cloned();
        let is_own = |duty: &Duty| duty.kind == DutyKind::Train && duty.subject == id;
        let duties = record.state.duties(now).into_iter().filter(is_own).collect();
        (course, rows(&record.state, duties, (&caller.person, now)))
    };
    let course = course.ok_or_else(|| Problem::not_found("such course in the policy in force"))?;
    let names = app.organisation.names().await?;
    let body = html! {
        (tabs::policy(&caller, "/training"))
        p { "For " (for_whom(&course)) ", within " (course.within) ", again every " (course.every) "." }
        div.scroll tabindex="0" role="region" aria-label="People" { table {
            thead { tr { th scope="col" { "Person" } th scope="col" { "State" } th scope="col" { "By" } th scope="col" { "Done on" } } }
            tbody {
                @if duties.is_empty() { tr { td colspan="4" { "Nobody has one of these roles." } } }
                @for row in duties.iter().take(MOST) { (person_row(row, &names, now)) }
            }
        } }
        @if duties.len() > MOST { p { "And " (duties.len() - MOST) " more." } }
    };
    Ok(page(&app, &caller, (&course.title, "/policy"), &body))
}

fn take_form() -> Markup {
    html! {
        details {
            summary { "Take in what a learning management system tells" }
            form.stack method="post" action="/training" {
                div { label for="text" { "A table (CSV) with the columns person or email, course, completed_at; or xAPI statements (JSON)" } textarea.code id="text" name="text" rows="10" required spellcheck="false" {} }
                button type="submit" { "Take it in" }
            }
        }
    }
}

/// What is told, as a form sends it.
#[derive(Deserialize)]
struct Told {
    text: String,
}

async fn take(State(app): State<App>, caller: Caller, Form(told): Form<Told>) -> Answer<Response> {
    let taken = app.organisation.take_completions(&caller.person, &told.text, app.now()).await?;
    let body = html! {
        (tabs::policy(&caller, "/training"))
        div.notice.ok { p { (taken.told) " completions were told, " (taken.new) " of them are new." } }
        @if !taken.problems.is_empty() { div.notice.unsure { p { strong { (taken.problems.len()) " could not be taken." } } p { (plain(&in_lines(&taken.problems))) } } }
        p { a href="/training" { "Back to the courses" } }
    };
    Ok(page(&app, &caller, ("Training", "/policy"), &body))
}
