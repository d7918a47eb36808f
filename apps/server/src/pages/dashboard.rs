//! The dashboard: the load line, and what it rests on.

use super::text::{count, days, due, number, percent};
use super::{charts, figures_filter, page};
use crate::access::EVERYBODY;
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use fleet::{Ages, Filter, Group, GroupBy, Summary};
use jiff::Timestamp;
use lifecycle::Role;
use maud::{Markup, html};
use operations::{Gaps, View};

/// How many of the patches that fall due next are shown.
const NEXT: usize = 8;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![("GET", PageRoute { access: EVERYBODY, path: "/", handler: get(show) })]
}

/// What the dashboard shows.
struct Shown {
    summary: Summary,
    ages: Ages,
    gaps: Gaps,
    next: Vec<Group>,
    now: Timestamp,
    policy: String,
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let filter = figures_filter(&caller);
    let gather = |view: &View<'_>| {
        let facts = &view.record.facts;
        let due = Filter { is_overdue: Some(false), assets: filter.clone(), ..Filter::default() };
        let mut next = view.findings.groups(facts, (&due, GroupBy::Package), view.now);
        next.retain(|group| group.due.is_some());
        next.sort_by_key(|group| group.due);
        next.truncate(NEXT);
        Shown {
            summary: view.findings.summary_of(facts, &filter, view.now),
            ages: view.findings.ages(facts, &filter, view.now),
            gaps: view.gaps(&filter),
            next,
            now: view.now,
            policy: view.record.state.policy.as_ref().map(|policy| policy.name.clone()).unwrap_or_default(),
        }
    };
    let shown = app.organisation.view(None, app.now(), |view| tokio::task::block_in_place(|| gather(view))).await?;
    let points = app.trend.points();
    let may_open = caller.is_any(Role::SEES_ALL) || caller.is_any(&[Role::Developer]);
    let last = points.last().map(|(_, point)| point.pace);
    let body = html! {
        (gaps(&shown.gaps))
        div.card { (charts::load_line(&shown.summary.all)) }
        (figures(&shown, last.and_then(|pace| pace.mean()), may_open))
        div.columns {
            section.card { (charts::ages(&shown.ages)) }
            section.card { (charts::ahead(&shown.ages)) }
            @if !may_open || caller.owners.is_none() { section.card { (charts::months(&points)) } }
            @if may_open { section.card { (next(&shown)) } }
        }
        p.faint { "Under the policy “" (shown.policy) "”, as of " (super::text::instant(shown.now)) "." }
    };
    Ok(page(&app, &caller, ("Dashboard", "/"), &body))
}

/// What is not known: it stands above every figure.
pub(super) fn gaps(gaps: &Gaps) -> Markup {
    let words = gaps.words();
    html! {
        @if !words.is_empty() {
            div.notice.unsure role="note" {
                p { strong { "Not enough data to say that all is well." } }
                ul { @for word in &words { li { (super::text::plain(word)) } } }
            }
        }
    }
}

fn figures(shown: &Shown, mean: Option<jiff::SignedDuration>, may_open: bool) -> Markup {
    let summary = &shown.summary;
    let (assets, coverage) = (summary.assets, &shown.gaps.coverage);
    let in_time = assets.saturating_sub(shown.gaps.scans_overdue);
    // What nobody has looked at is not current.
    let current = assets.saturating_sub(summary.assets_overdue).saturating_sub(coverage.never_scanned);
    let link = |text: String, to: &str| html! { @if may_open { a href=(to) { (text) } } @else { (text) } };
    html! {
        dl.figures {
            div.figure.bad[summary.all.overdue > 0] { dt { "Overdue" } dd.value { (link(number(summary.all.overdue), "/findings?overdue=true")) } dd { small { "on " (count(summary.assets_overdue, "asset", "assets")) } } }
            div.figure { dt { "Owed in all" } dd.value { (link(number(summary.all.findings), "/findings")) } dd { small { (number(summary.all.suppressed)) " set aside by decisions" } } }
            div.figure { dt { "Mean time to patch, this month" } dd.value { @if let Some(mean) = mean { (days(mean)) small { " days" } } @else { "–" } } }
            div.figure { dt { "Assets that are current" } dd.value { (percent(current, assets)) } dd { small { (number(current)) " of " (number(assets)) ": nothing overdue, and looked at" } } }
            div.figure.unsure[in_time < assets] { dt { "Scan coverage" } dd.value { (percent(in_time, assets)) } dd { small { (number(in_time)) " of " (number(assets)) " looked at in time" } } }
            div.figure.unsure[coverage.undetermined > 0] { dt { "Undetermined" } dd.value { (link(number(coverage.undetermined), "/undetermined")) } dd { small { "packages and releases nobody could judge" } } }
            div.figure.unsure[summary.all.restart_pending > 0] { dt { "Restart pending" } dd.value { (link(number(summary.all.restart_pending), "/findings?state=restart-pending")) } dd { small { "patched on disk, still running" } } }
        }
    }
}

fn next(shown: &Shown) -> Markup {
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
                                th scope="row" { a href=(format!("/findings?package={}&overdue=false", super::encoded(&group.name))) { (super::text::plain(&group.name)) } }
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
