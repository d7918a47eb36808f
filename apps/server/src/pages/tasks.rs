//! My tasks: what one is to do, whatever it comes from, and what others have missed that one is told of.

use super::text::{due, plain};
use super::{encoded, page};
use crate::access::EVERYBODY;
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use lifecycle::{Duty, DutyKind, Standing, VersionId};
use maud::{Markup, html};
use operations::{Alert, AlertKind, Tasks};

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![("GET", PageRoute { access: EVERYBODY, path: "/tasks", handler: get(show) })]
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let now = app.now();
    let all = crate::api::alerts(&app).await?;
    let (tasks, titles, alerts) = {
        let record = app.organisation.store.record().await?;
        let title = |id: &VersionId| {
            let document = record.state.versions.get(id).map(|version| &version.draft.document);
            let found = document.and_then(|document| record.state.documents.get(document));
            (id.clone(), found.map_or_else(String::new, |document| document.described.title.clone()))
        };
        let titles: std::collections::BTreeMap<_, _> = record.state.versions.keys().map(title).collect();
        let told = all.iter().filter(|alert| alert.is_for(&record.state, &caller.person));
        let told: Vec<Alert> = told.map(|alert| alert.shown_to(&record.state, &caller.person)).collect();
        (Tasks::of(&record.state, &caller.person, now), titles, told)
    };
    let versions = [
        (&tasks.to_write, "is yours to finish or to answer objections of"),
        (&tasks.to_review, "waits for a security review"),
        (&tasks.to_approve, "waits for your approval"),
        (&tasks.to_publish, "is approved, and waits to be published"),
    ];
    let body = html! {
        @if tasks.count() == 0 && alerts.is_empty() && tasks.escalated.is_empty() { div.notice.ok { p { "Nothing waits for you." } } }
        @if !tasks.onboarding.is_empty() { (onboarding(&tasks.onboarding, now)) }
        @if !alerts.is_empty() {
            h2 { "What you are told of" }
            (alerts_table(&alerts, (&caller, now)))
        }
        @if !tasks.duties.is_empty() {
            h2 { "What you owe" }
            (duties_table(&tasks.duties, now))
        }
        @if tasks.count() > tasks.duties.len() {
            h2 { "What waits for you" }
            ul.waiting {
                @for (ids, words) in versions { @for id in ids {
                    li { a href=(format!("/versions/{}", encoded(id.as_str()))) { (plain(titles.get(id).map_or("", String::as_str))) ", version " (id) } " " (words) "." }
                } }
                @for id in &tasks.changes_to_approve {
                    li { a href=(format!("/changes/{}", encoded(id.as_str()))) { "Change " (id) } " waits for your approval." }
                }
                @for id in &tasks.to_decide { li { a href="/decisions" { "Decision " (id) } " waits for an answer." } }
            }
        }
        @if !tasks.escalated.is_empty() {
            h2 { "What others have missed" }
            p { "You are told of these because nobody has done them in time." }
            (escalated_table(&tasks.escalated, now))
        }
    };
    Ok(page(&app, &caller, ("My tasks", "/tasks"), &body))
}

/// What somebody who is new reads and learns first.
fn onboarding(duties: &[Duty], now: Timestamp) -> Markup {
    let done = duties.iter().filter(|duty| duty.standing(now) == Standing::Done).count();
    html! {
        section.notice aria-label="New here" {
            p { strong { "You are new here." } " This is what comes first: " (done) " of " (duties.len()) " done." }
            ul.waiting { @for duty in duties { li { (state(duty, now)) " " (what(duty)) ", by " (due(Some(duty.due), now)) @if duty.standing(now) != Standing::Done { " · " (way(duty)) } } } }
        }
    }
}

/// What the policy has somebody told of, each with where it is seen.
fn alerts_table(alerts: &[Alert], (caller, now): (&Caller, Timestamp)) -> Markup {
    let opens = caller.is_any(lifecycle::Role::SEES_ASSETS);
    html! {
        div.scroll tabindex="0" role="region" aria-label="What you are told of" { table {
            thead { tr { th scope="col" { "What" } th scope="col" { "Since or by" } th scope="col" { "Who is told" } } }
            tbody { @for alert in alerts { tr {
                th scope="row" {
                    @if alert.kind == AlertKind::Overdue { span.pill.bad { "overdue" } " " }
                    @if let Some(place) = place_of(alert).filter(|_| opens) { a href=(place) { (plain(&alert.words())) } } @else { (plain(&alert.words())) }
                    @if alert.kind != AlertKind::FeedStale && !alert.subjects.is_empty() { br; span.faint { (plain(&alert.subjects.join(", "))) @if alert.count as usize > alert.subjects.len() { " and others" } } }
                }
                td.date { @if alert.at.is_some() { (due(alert.at, now)) } @else { "–" } }
                td { (plain(&alert.told.iter().map(|seat| seat.title.clone()).collect::<Vec<_>>().join(", then "))) }
            } } }
        } }
    }
}

fn place_of(alert: &Alert) -> Option<String> {
    let owner = alert.team.as_ref().map(|team| format!("&owner={}", encoded(team))).unwrap_or_default();
    Some(match alert.kind {
        AlertKind::Overdue => format!("/findings?overdue=true{owner}"),
        AlertKind::DueSoon => format!("/findings?overdue=false{owner}"),
        AlertKind::ScanOverdue | AlertKind::AssetSilent | AlertKind::ForbiddenData => {
            format!("/assets?{}", owner.trim_start_matches('&'))
        }
        AlertKind::FeedStale => "/feeds".to_owned(),
    })
}

/// Duties, each with what leads to doing it.
fn duties_table(duties: &[Duty], now: Timestamp) -> Markup {
    const MOST: usize = 200;
    html! {
        div.scroll tabindex="0" role="region" aria-label="What you owe" { table {
            thead { tr { th scope="col" { "What" } th scope="col" { "By" } th scope="col" { "State" } th scope="col" { "Do" } } }
            tbody { @for duty in duties.iter().take(MOST) { tr {
                th scope="row" { (what(duty)) }
                td.date { (due(Some(duty.due), now)) }
                td { (state(duty, now)) }
                td { (way(duty)) }
            } } }
        } }
        @if duties.len() > MOST { p { "And " (duties.len() - MOST) " more, as their days come." } }
    }
}

fn escalated_table(duties: &[Duty], now: Timestamp) -> Markup {
    const MOST: usize = 200;
    html! {
        div.scroll tabindex="0" role="region" aria-label="What others have missed" { table {
            thead { tr { th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Was due" } } }
            tbody { @for duty in duties.iter().take(MOST) { tr {
                th scope="row" { (duty.owners.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) }
                td { (what(duty)) }
                td.date { (due(Some(duty.due), now)) }
            } } }
        } }
        @if duties.len() > MOST { p { "And " (duties.len() - MOST) " more: " a href="/campaigns" { "reading" } ", " a href="/training" { "training" } "." } }
    }
}

/// What is owed, in words.
pub(super) fn what(duty: &Duty) -> String {
    plain(&operations::duty_words(duty))
}

/// How it stands.
pub(super) fn state(duty: &Duty, now: Timestamp) -> Markup {
    html! { @match duty.standing(now) {
        Standing::Done => span.pill.ok { "done" },
        Standing::Missed => span.pill.bad { "missed" },
        Standing::Excused => { span.pill { "excused" } @if let Some(excuse) = &duty.excused { " " span.faint { "until " (super::text::day(excuse.until)) " by " (excuse.by) ": " (plain(&excuse.reason)) } } }
        Standing::Due if duty.is_reminded(now) => span.pill.unsure { "due soon" },
        Standing::Due => span.pill { "due" },
    } }
}

/// Where it is done.
fn way(duty: &Duty) -> Markup {
    let subject = encoded(&duty.subject);
    html! { @match duty.kind {
        DutyKind::Acknowledge if duty.subject == lifecycle::POLICY => a href="/policy#acknowledge" { "Read it" },
        DutyKind::Acknowledge => a href=(format!("/documents/{subject}#acknowledge")) { "Read it" },
        DutyKind::Train => span.faint { "in your learning management system, which tells it here" },
        DutyKind::Review => a href=(format!("/documents/{subject}#review")) { "Look at it" },
        DutyKind::Input => a href=(format!("/versions/{subject}")) { "Read the draft" },
        DutyKind::Attest => a href=(format!("/assets/{subject}#attest")) { "Note what it says" },
        DutyKind::ReviewException => a href="/decisions" { "Look at it" },
        DutyKind::Respond => a href="/violations" { "Say what was done" },
        DutyKind::Settle => a href=(format!("/changes/{subject}")) { "Say what was done" },
    } }
}
