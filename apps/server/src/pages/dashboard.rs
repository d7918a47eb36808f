//! The dashboard: the load line, and what it rests on.

use super::moment::{Moment, gaps};
use super::text::{count, days, due, number, percent};
use super::{charts, figures_filter, page};
use crate::access::EVERYBODY;
use crate::api::{AtQuery, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::kept::Kept;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use fleet::{Ages, AssetFilter, Group, Summary};
use jiff::Timestamp;
use lifecycle::{Decision, Role};
use maud::{Markup, html};
use operations::{Gaps, View};

/// How many of the patches that fall due next are shown.
const NEXT: usize = 8;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![("GET", PageRoute { access: EVERYBODY, path: "/", handler: get(show) })]
}

/// The figures of a dashboard, by which assets they are about and as of when.
pub(crate) type Figures = Kept<(AssetFilter, Option<Timestamp>), Shown>;

/// The figures of the dashboard.
#[derive(Debug)]
pub(crate) struct Shown {
    summary: Summary,
    ages: Ages,
    gaps: Gaps,
    next: Vec<Group>,
    now: Timestamp,
    policy: String,
    current: Option<u64>,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AtQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let moment = Moment::of(&app, query.at.as_deref())?;
    let at = moment.at;
    let question = (figures_filter(&caller), at);
    let waiting = waiting(&app.organisation.store.record().await?.state, &caller, app.now());
    let (asked, app_of_figures) = (question.clone(), app.clone());
    let compute = async move { app_of_figures.view(asked.1, |view| gather(view, &asked.0)).await };
    let shown = app.figures.answer(&question, app.as_of(at).await?, compute).await?;
    let points = app.trend.points();
    let may_open = caller.is_any(Role::SEES_ASSETS);
    let opened = Some(&moment).filter(|_| may_open);
    // The trend is of the whole, and of now.
    let is_of_whole = caller.owners.is_none() || !may_open;
    let last = points.last().filter(|_| is_of_whole && at.is_none());
    let mean = last.and_then(|(_, point)| point.pace.mean());
    let body = html! {
        (moment.notice(&app, raw.as_deref()))
        (gaps(&shown.gaps, opened))
        @if waiting > 0 { div.notice { p { a href="/decisions" { (count(waiting as u64, "decision waits", "decisions wait")) " for you" } } } }
        @if shown.summary.assets == 0 { (begin(&caller)) }
        div.card { (charts::load_line(&shown.summary.all)) }
        (figures(&shown, mean, opened))
        div.columns {
            section.card.wide { (charts::ages(&shown.ages, opened)) }
            section.card { (charts::ahead(&shown.ages, opened)) }
            @if is_of_whole { section.card { (charts::months(&points)) } }
            @if may_open { section.card.wide { (next(&shown, &moment)) } }
        }
        p.faint { "Under the policy “" (shown.policy) "”, as of " (super::text::instant(shown.now)) "." }
    };
    Ok(page(&app, &caller, ("Dashboard", "/"), &body))
}

fn gather(view: &View<'_>, filter: &AssetFilter) -> Shown {
    let facts = &view.record.facts;
    let gaps = view.gaps(filter);
    Shown {
        current: view.current(filter, &gaps),
        summary: view.findings.summary_of(facts, filter, view.now),
        ages: view.findings.ages(facts, filter, view.now),
        gaps,
        next: view.findings.next_due(facts, (filter, NEXT), view.now),
        now: view.now,
        policy: view.findings.policy().name.clone(),
    }
}

fn figures(shown: &Shown, mean: Option<jiff::SignedDuration>, opened: Option<&Moment>) -> Markup {
    let summary = &shown.summary;
    let (assets, coverage) = (shown.gaps.coverage.assets, &shown.gaps.coverage);
    let uncovered = coverage.uncovered;
    let (in_time, current) = (shown.gaps.looked_at, shown.current);
    let link = |text: String, to: &str| html! { @if let Some(moment) = opened { a href=(moment.link(to)) { (text) } } @else { (text) } };
    html! {
        dl.figures {
            div.figure.bad[summary.all.overdue > 0] { dt { "Overdue" } dd.value { (link(number(summary.all.overdue), "/findings?overdue=true")) } dd { small { "on " (count(summary.assets_overdue, "asset", "assets")) } } }
            div.figure { dt { "Owed in all" } dd.value { (link(number(summary.all.findings), "/findings")) } dd { small { (link(number(summary.all.suppressed), "/findings?state=suppressed")) " set aside, by the scope or by decisions" } } }
            div.figure { dt { "Mean time to patch, this month" } dd.value { @if let Some(mean) = mean { (days(mean)) small { " days" } } @else { "–" } } }
            div.figure { dt { "Assets that are current" } dd.value { @if let Some(current) = current { (percent(current, assets)) } @else { "–" } } dd { small { @if let Some(current) = current { (number(current)) " of " (number(assets)) ": looked at in time, all judged, nothing overdue" } @else { "not known: the advisories are missing something, or too old" } } } }
            div.figure.unsure[in_time < assets] { dt { "Scan coverage" } dd.value { (percent(in_time, assets)) } dd { small { (number(in_time)) " of " (number(assets)) " looked at in time" @if uncovered > 0 { "; " (count(uncovered, "asset is", "assets are")) " not covered by the policy" } } } }
            div.figure.unsure[coverage.undetermined > 0] { dt { "Undetermined" } dd.value { (link(number(coverage.undetermined), "/undetermined")) } dd { small { "packages and releases nobody could judge" } } }
            div.figure.unsure[summary.all.restart_pending > 0] { dt { "Restart pending" } dd.value { (link(number(summary.all.restart_pending), "/findings?state=restart-pending")) } dd { small { "patched on disk, still running" } } }
        }
    }
}

fn next(shown: &Shown, moment: &Moment) -> Markup {
    html! {
        h2 { "Patches that fall due next" }
        @if shown.next.is_empty() { p.faint { "None, as far as is known." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Patches that fall due next" {
                table {
                    thead { tr { th scope="col" { "Patch" } th scope="col" { "First due" } th.number scope="col" { "Findings" } th.number scope="col" { "Assets" } } }
                    tbody {
                        @for group in &shown.next {
                            tr {
                                th scope="row" { a href=(moment.link(&format!("/findings?package=%3D{}&overdue=false", super::encoded(&group.name)))) { (super::text::plain(&group.name)) } }
                                td.date { (due(group.due, shown.now)) }
                                td.number { (number(group.counts.findings)) }
                                td.number { (number(group.assets)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How many decisions wait for somebody.
fn waiting(state: &lifecycle::State, caller: &Caller, now: Timestamp) -> usize {
    let waits = |decision: &&Decision| {
        decision.waits(now) && decision.requested_by != caller.person && caller.is_any(decision.kind.approvers())
    };
    state.decisions.values().filter(waits).count()
}

/// What to do first, where there is nothing yet.
fn begin(caller: &Caller) -> Markup {
    html! {
        @if caller.is_any(Role::OPERATES) {
            div.notice { p { strong { "Begin: " } a href="/feeds" { "fetch the feeds" } ", then " a href="/agents" { "let an agent in" } " or " a href="/assets" { "register an asset" } "." } }
        }
    }
}
