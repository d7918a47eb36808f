//! What has happened to an asset: in short beside what it has, and every entry of the ledger on a page of its own.

use super::asset::{Shown, missing, place};
use super::ledger::{Asked, entries, links};
use super::moment::Moment;
use super::page;
use super::text::{instant as at_instant, plain};
use crate::access::SEES_ASSETS;
use crate::api::{Path, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::Answer;
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use lifecycle::{AssetId, Role};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![("GET", PageRoute { access: SEES_ASSETS, path: "/assets/{asset}/history", handler: get(show) })]
}

/// Which entries are asked for: those before this one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Before {
    before: Option<u64>,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Query(query): Query<Before>,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    {
        let record = app.organisation.store.record().await?;
        record.state.may_see(&caller.person, &asset)?;
        record.state.assets.get(&asset).ok_or_else(missing)?;
    }
    let asked = Asked::about(&asset, query.before);
    let found = asked.find(&app).await?;
    let path = format!("{}/history", place(&asset));
    let body = html! {
        p { a href=(place(&asset)) { "← " (asset) } }
        p { "Every entry of the ledger under its id, the newest first. Decisions have ids of their own; what came and went with an inventory stands beside what it has." }
        (entries(&found, caller.is_any(Role::SEES_ALL)))
        (links(&found, |before| format!("{path}?before={before}")))
    };
    Ok(page(&app, &caller, (&format!("History of {asset}"), "/assets"), &body))
}

/// What has happened to an asset, the newest first.
pub(super) fn summary(shown: &Shown, moment: &Moment) -> Markup {
    let end = moment.at.unwrap_or(Timestamp::MAX);
    let mut lines: Vec<(Timestamp, Markup)> = Vec::new();
    let asset = &shown.asset;
    for (place, at) in asset.registrations.iter().enumerate() {
        lines.push((*at, html! { @if place == 0 { "registered" } @else { "registered again" } }));
    }
    if let Some((at, why)) = &asset.retired {
        lines.push((*at, html! { "taken out of service: " (plain(why)) }));
    }
    if let Some(agent) = &shown.agent {
        lines.push((agent.since, html! { "an agent enrolled" }));
    }
    for (first, last) in &asset.looks {
        lines.push((*last, html! { "looked at, again and again since " (at_instant(*first)) }));
    }
    for at in &asset.late_inventories {
        lines.push((*at, html! { "looked at; that was told after a newer look" }));
    }
    for due in &asset.missed_scans {
        lines.push((*due, html! { span.late { "a look was due, and did not happen" } }));
    }
    for (at, (came, went)) in &shown.changes {
        let list = |word: &str, labels: &[String]| html! { @if !labels.is_empty() { div { (labels.len()) " " (word) ": " (plain(&labels.iter().take(12).cloned().collect::<Vec<_>>().join(", "))) @if labels.len() > 12 { " …" } } } };
        lines.push((*at, html! { (list("came", came)) (list("went", went)) }));
    }
    lines.retain(|(at, _)| *at <= end);
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    html! {
        details {
            summary { "History" }
            div.scroll tabindex="0" role="region" aria-label="History" { table {
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } } }
                tbody { @for (at, what) in lines.iter().take(MOST_HISTORY) { tr { td.date { (at_instant(*at)) } td { (what) } } } }
            } }
            @if lines.len() > MOST_HISTORY { p.faint { "… and " (lines.len() - MOST_HISTORY) " lines before" } }
            p { a href=(format!("{}/history", place(&shown.id))) { "Every entry of the ledger on it" } ", with who did what" }
        }
    }
}

/// How many lines of an asset's history are shown.
const MOST_HISTORY: usize = 200;
