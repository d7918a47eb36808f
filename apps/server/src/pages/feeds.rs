//! Feeds: what is in force, how old it is, and fetching it now, with its progress.

use super::text::{distance, instant as at_instant, number};
use super::{page, seen};
use crate::access::{EVERYBODY, OPERATES};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lifecycle::Role;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/feeds", handler: get(show) }),
        (
            "GET",
            PageRoute {
                access: EVERYBODY,
                path: "/feeds/work",
                handler: get(async |State(app): State<App>| work(&app).into_response()),
            },
        ),
        ("POST", PageRoute { access: OPERATES, path: "/feeds/sync", handler: post(sync) }),
    ]
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let now = app.now();
    let (feeds, policy, index) = {
        let record = app.organisation.store.record().await?;
        (record.state.feeds.clone(), record.state.policy.clone(), record.state.index.clone())
    };
    let body = html! {
        (work(&app))
        @if index.is_none() { div.notice.bad { p { strong { "Nothing was held against advisories yet: nothing is called safe." } } } }
        div.scroll tabindex="0" role="region" aria-label="Feeds" {
            table {
                thead { tr { th scope="col" { "Feed" } th.number scope="col" { "Records" } th scope="col" { "Newest record" } th scope="col" { "In force since" } } }
                tbody {
                    @if feeds.is_empty() { tr { td colspan="4" { "No feed is in force." } } }
                    @for (id, feed) in &feeds { tr {
                        th scope="row" { (id) }
                        td.number { (number(feed.records)) }
                        td.date { @if let Some(newest) = feed.newest { (at_instant(newest)) " " span.distance { (distance(newest, now)) } } @else { "not known" } }
                        td.date { (at_instant(feed.since)) }
                    } }
                }
            }
        }
        @if let Some(policy) = &policy { p.faint { "Policy in force: “" (policy.name) "” since " (at_instant(policy.since)) ", " span.mono { (policy.document) } } }
        @if caller.is_any(Role::OPERATES) { form method="post" action="/feeds/sync" { button type="submit" { "Fetch the feeds now" } } }
    };
    Ok(page(&app, &caller, ("Feeds", "/feeds"), &body))
}

/// What is being done, renewed by itself while something is; without scripts whoever reloads sees it.
fn work(app: &App) -> Markup {
    let (words, last, unjudged) = (app.work.words(), app.work.last(), app.work.unjudged());
    let is_busy = !words.is_empty();
    html! {
        div id="work" aria-live="polite" data-hx-get="/feeds/work" data-hx-swap="outerHTML" data-hx-trigger=(if is_busy { "every 1s" } else { "every 5s" }) {
            @if let Some(failed) = &unjudged { div.notice.bad { p { "Packages could not be held against the advisories (" (at_instant(failed.at)) "): " (super::text::plain(&failed.words)) ". What was judged before stays; it is tried again by itself." } } }
            @if is_busy { div.notice { p { "Now: " (super::text::plain(&words)) "…" } } }
            @else if let Some(ended) = last { div.notice.bad[ended.is_failure].ok[!ended.is_failure] { p { "Fetched " (at_instant(ended.at)) ": " (super::text::plain(&ended.words)) "." } } }
        }
    }
}

async fn sync(State(app): State<App>) -> Response {
    app.work.ask_for_sync();
    seen("/feeds")
}
