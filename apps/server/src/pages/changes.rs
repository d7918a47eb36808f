//! Changes: what would serve what falls due, those that are there, and when assets may be changed.

use super::findings::paging;
use super::text::{instant as at_instant, number, plain};
use super::{Form, encoded, page, part_of, seen};
use crate::access::{CHANGES, OPERATES, SEES_ASSETS};
use crate::api::{NewChange, PartQuery, Path, Query, as_calendar, happens, plan};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use change::{Change, Happening, Stage};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{ChangeId, Role};
use maud::{Markup, html};
use operations::{Missing, Scope, change_standing, openings};
use policy::promises::ChangeType;
use serde::Deserialize;
use std::collections::BTreeSet;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ASSETS, path: "/changes", handler: get(show) }),
        ("POST", PageRoute { access: CHANGES, path: "/changes", handler: post(send) }),
        (
            "POST",
            PageRoute {
                access: OPERATES,
                path: "/vulnerabilities/{vulnerability}/emergency",
                handler: post(emergency),
            },
        ),
        (
            "GET",
            PageRoute {
                access: SEES_ASSETS,
                path: "/changes/calendar.ics",
                handler: get(async |State(app): State<App>| as_calendar(&app).await),
            },
        ),
    ]
}

/// What is proposed counts what falls due so far ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So many windows are shown.
const MOST_OPENINGS: usize = 12;

struct Shown {
    id: ChangeId,
    known: Change,
    standing: String,
}

/// What is being done comes first, the newest of it in front.
fn order(shown: &Shown) -> (bool, std::cmp::Reverse<Timestamp>, String) {
    (shown.known.is_over(), std::cmp::Reverse(shown.known.planned_at), shown.id.to_string())
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PartQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let (part, now) = (part_of("changes", &query)?, app.now());
    let (mut all, windows, plans, triggers) = {
        let record = app.organisation.store.record().await?;
        let plans = record.state.plans_changes(&caller.person);
        let shown = |(id, known): (&ChangeId, &Change)| Shown {
            id: id.clone(),
            known: known.clone(),
            standing: change_standing(&record, id, known, now),
        };
        let all: Vec<Shown> = record.state.changes.iter().map(shown).collect();
        let until = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let policy = record.facts.policy();
        let emergency = policy.as_ref().and_then(|policy| policy.promises.emergency.as_ref());
        let triggers = emergency.map(|emergency| emergency.triggers.clone()).unwrap_or_default();
        let windows = policy.map(|policy| openings(&policy, (now, until))).transpose()?.unwrap_or_default();
        (all, windows, plans, triggers)
    };
    all.sort_by_cached_key(order);
    let total = all.len();
    let (all, next) = part.of_list(all, order)?;
    let proposed = if caller.is_any(Role::OPERATES) { Some(proposed(&app, now).await?) } else { None };
    let body = html! {
        p { "A change is a plan that is written once: which assets go from which versions to which, ring by ring, and how it is taken back. Nothing is called verified that a fresh inventory does not show." }
        @if let Some(proposed) = &proposed { (proposed) }
        div.scroll tabindex="0" role="region" aria-label="Changes" { table {
            thead { tr { th scope="col" { "Change" } th scope="col" { "Type" } th scope="col" { "Assets" } th scope="col" { "State" } th scope="col" { "Until" } } }
            tbody {
                @if all.is_empty() { tr { td colspan="5" { "No change was ever planned." } } }
                @for shown in &all { (row(shown)) }
            }
        } }
        (paging(("/changes", raw.as_deref()), (&part, all.len(), total), next))
        h2 { "When assets may be changed" }
        (calendar(&windows))
        @if plans { (plan_form(now, &triggers)) }
    };
    Ok(page(&app, &caller, ("Changes", "/changes"), &body))
}

/// How a change stands, as a pill.
pub(super) fn pill(known: &Change) -> Markup {
    let word = known.stage.word();
    html! {
        @match known.stage {
            Stage::Stopped | Stage::Aborted | Stage::RollingBack => span.pill.bad { (word) },
            Stage::Paused | Stage::Planned => span.pill.unsure { (word) },
            Stage::Ended if known.needs_somebody() => span.pill.bad { (word) },
            Stage::Ended | Stage::RollingOut => span.pill.ok { (word) },
            Stage::Declined => span.pill { (word) },
        }
    }
}

fn row(shown: &Shown) -> Markup {
    let Shown { id, known, standing } = shown;
    let came = known.came.iter().map(|(came, count)| format!("{count} {}", came.word())).collect::<Vec<_>>();
    html! { tr {
        th scope="row" { a href=(format!("/changes/{}", encoded(id.as_str()))) { (id) } br; span.faint { (plain(&known.planned.title)) } }
        td.date { (known.planned.kind) }
        td { (number(known.planned.assets as u64)) @if !came.is_empty() { br; span.faint { (came.join(", ")) } } }
        td { (pill(known)) " " @if known.needs_somebody() { span.late { "needs somebody" } } br; span.faint { (plain(standing)) } }
        td.date { (at_instant(known.planned.until)) }
    } }
}

/// Which changes would serve what falls due.
async fn proposed(app: &App, now: Timestamp) -> Answer<Markup> {
    let scope = Scope { due_until: now.checked_add(AHEAD).ok(), only_unplanned: true, ..Scope::default() };
    let (missing, proposals): (Missing, Vec<change::Proposal>) = app
        .view(None, |view| {
            let missing = view.candidates(&scope);
            let proposals = view.propose(&missing.candidates);
            (missing, proposals)
        })
        .await?;
    let due: u64 = proposals.iter().map(|one| one.due_count).sum();
    Ok(html! {
        section.notice aria-label="What falls due" {
            @if proposals.is_empty() { p { "Nothing that the assets’ own repositories offer falls due in the next 30 days, or is overdue." } }
            @else {
                p { strong { (proposals.len()) @if proposals.len() == 1 { " change" } @else { " changes" } } " would close " (number(due)) " findings that are overdue or fall due in the next 30 days." }
                ul.waiting { @for one in &proposals { li { (one.kind) ": " (number(one.candidates.len() as u64)) " assets, " (number(one.due_count)) " findings, the first due " (at_instant(one.due)) } } }
            }
            @if missing.planned > 0 { p { (number(missing.planned)) " more assets are in a change that is not over." } }
            @if missing.without > 0 { p.late { "On " (number(missing.without)) " more assets " (number(missing.due_without)) " findings fall due, and nothing is known of what their repositories offer for it." } }
        }
    })
}

fn calendar(windows: &[operations::Opening]) -> Markup {
    html! {
        p { a href="/changes/calendar.ics" { "As a calendar (iCalendar)" } ": windows without freezes, of normal changes. Programs subscribe at " code { "/api/v1/calendar.ics" } " with a token." }
        div.scroll tabindex="0" role="region" aria-label="Windows" { table {
            thead { tr { th scope="col" { "Assets" } th scope="col" { "From" } th scope="col" { "Until" } } }
            tbody {
                @if windows.is_empty() { tr { td colspan="3" { "No window opens in the next 30 days." } } }
                @for one in windows.iter().take(MOST_OPENINGS) { tr {
                    th scope="row" { (plain(&one.assets)) }
                    @match one.span { Some((from, until)) => { td.date { (at_instant(from)) } td.date { (at_instant(until)) } } None => td colspan="2" { "at any time" } }
                } }
            }
        } }
        @if windows.len() > MOST_OPENINGS { p { "And " (windows.len() - MOST_OPENINGS) " more in the next 30 days." } }
    }
}

fn plan_form(now: Timestamp, triggers: &[String]) -> Markup {
    let until = now.checked_add(AHEAD).unwrap_or(now).strftime("%Y-%m-%d").to_string();
    html! {
        details id="plan" {
            summary { "Plan a change" }
            form.stack method="post" action="/changes" {
                div { label for="id" { "Its id" } input id="id" name="id" required; }
                div { label for="title" { "What it is for" } input id="title" name="title" required; }
                div { label for="kind" { "Type" } select id="kind" name="kind" { option value="normal" { "normal: passes every gate" } option value="standard" { "standard: approved beforehand by the policy" } option value="emergency" { "emergency: skips what the policy lets it, and owes it" } } }
                @if !triggers.is_empty() { div { label for="trigger" { "What makes it an emergency, where no class of findings does" } select id="trigger" name="trigger" { option value="" { "–" } @for trigger in triggers { option value=(plain(trigger)) { (plain(trigger)) } } } } }
                div { label for="until" { "Until" } input id="until" name="until" type="date" required value=(until); }
                div { label for="due_by" { "Only assets on which something falls due by" } input id="due_by" name="due_by" type="date"; }
                div { label for="packages" { "Packages or their sources, with spaces between; all that is offered if left empty" } input id="packages" name="packages"; }
                div { label for="health" { "What holds on each asset before and after, with spaces between (" code { "unit:nginx.service port:443" } "); each host’s own settings count as well" } input id="health" name="health"; }
                div { label for="way_back" { "How it is taken back" } textarea id="way_back" name="way_back" rows="2" {} }
                button type="submit" { "Plan it" }
            }
        }
    }
}

/// A change that is wanted, as a form has it.
#[derive(Debug, Deserialize)]
struct Wanted {
    id: String,
    title: String,
    kind: ChangeType,
    until: String,
    #[serde(default)]
    due_by: String,
    #[serde(default)]
    packages: String,
    #[serde(default)]
    way_back: String,
    #[serde(default)]
    health: String,
    #[serde(default)]
    trigger: String,
}

/// The end of a day, in UTC.
fn end_of(day: &str) -> Answer<Timestamp> {
    let wrong = || Problem::bad(format!("`{}` is no day", day.escape_debug()));
    let day: Date = day.parse().map_err(|_| wrong())?;
    let next = day.tomorrow().ok().and_then(|next| next.to_zoned(jiff::tz::TimeZone::UTC).ok());
    next.map(|next| next.timestamp()).ok_or_else(wrong)
}

async fn send(State(app): State<App>, caller: Caller, Form(wanted): Form<Wanted>) -> Answer<Response> {
    let new = NewChange {
        id: wanted.id,
        kind: wanted.kind,
        title: wanted.title,
        until: end_of(&wanted.until)?,
        way_back: wanted.way_back,
        packages: wanted.packages.split_whitespace().map(str::to_owned).collect(),
        due_by: Some(wanted.due_by.as_str()).filter(|day| !day.is_empty()).map(end_of).transpose()?,
        left_out: Default::default(),
        order: Vec::new(),
        health: wanted.health.split_whitespace().map(str::to_owned).collect(),
        trigger: Some(wanted.trigger).filter(|trigger| !trigger.is_empty()),
    };
    let id = plan(&app, &caller, new).await?;
    Ok(seen(&format!("/changes/{}", encoded(id.as_str()))))
}

/// How long an emergency may be carried out where the policy does not say it.
const EMERGENCY: SignedDuration = SignedDuration::from_hours(72);

/// Plans and starts an emergency change of everything that carries a vulnerability.
async fn emergency(State(app): State<App>, caller: Caller, Path(vulnerability): Path<String>) -> Answer<Response> {
    let now = app.now();
    let missing = || Problem::not_found("vulnerability of this id that was known here");
    let packages = app.view(None, |view| {
        let facts = &view.record.facts;
        let known = view.findings.signals_of(facts, &vulnerability).ok_or_else(missing)?;
        Ok::<_, Problem>(carriers(view, &known.id))
    });
    let packages = packages.await??;
    if packages.is_empty() {
        // No package named would be every package.
        let words = "nothing here carries it any more: there is nothing to change";
        return Err(Problem::new(axum::http::StatusCode::CONFLICT, "change/nothing", words));
    }
    let (id, until) = {
        let record = app.organisation.store.record().await?;
        let plain: String = vulnerability
            .to_ascii_lowercase()
            .chars()
            .filter(|sign| sign.is_ascii_alphanumeric() || *sign == '-')
            .collect();
        let is_free = |id: &String| !record.state.changes.keys().any(|known| known.as_str() == id);
        let id = (1..1000).map(|number| format!("emergency-{plain}-{number}")).find(is_free).unwrap_or_default();
        let policy = record.facts.policy();
        let within = policy.as_ref().and_then(|policy| policy.promises.emergency.as_ref());
        let within = within.map_or(EMERGENCY, |rule| SignedDuration::from_hours(rule.within.as_ref().longest_hours()));
        (id, now.checked_add(within).unwrap_or(Timestamp::MAX))
    };
    let new = NewChange {
        id,
        kind: ChangeType::Emergency,
        title: format!("Emergency: {vulnerability}"),
        until,
        way_back: "each host keeps the packages of before".to_owned(),
        packages,
        due_by: None,
        left_out: Default::default(),
        order: Vec::new(),
        health: BTreeSet::new(),
        trigger: None,
    };
    let id = plan(&app, &caller, new).await?;
    happens(&app, &caller, &id, Happening::Started {}).await?;
    Ok(seen(&format!("/changes/{}", encoded(id.as_str()))))
}

/// The packages by whose updates a vulnerability goes.
fn carriers(view: &operations::View<'_>, vulnerability: &str) -> BTreeSet<String> {
    let filter = fleet::Filter { exactly: Some(vulnerability.to_owned()), ..fleet::Filter::default() };
    let groups = view.findings.groups(&view.record.facts, (&filter, fleet::GroupBy::Package), view.now);
    groups.into_iter().map(|group| group.name).collect()
}
