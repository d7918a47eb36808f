//! What an asset has, now or on a past day.

use super::asset::{missing, place};
use super::findings::{field, paging};
use super::moment::Moment;
use super::page;
use super::text::{number, plain};
use crate::access::SEES_ASSETS;
use crate::api::{FindingQuery, Part, Path, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use fleet::Thing;
use lifecycle::AssetId;
use maud::html;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![("GET", PageRoute { access: SEES_ASSETS, path: "/assets/{asset}/inventory", handler: get(show) })]
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(asset): Path<String>,
    Query(query): Query<FindingQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let asset = AssetId::new(asset)?;
    let part = Part::of(&format!("inventory {asset}"), &query, 200)?;
    let moment = Moment::of(&app, query.at.as_deref())?;
    let wanted = query.package.as_deref().unwrap_or("").to_lowercase();
    let things: Vec<Thing> = {
        let record = app.organisation.store.record().await?;
        caller.may_see(&record, &asset, moment.at)?;
        record.state.assets.get(&asset).ok_or_else(missing)?;
        let had = record.facts.things_at(&asset, moment.at);
        if had.is_none() && moment.at.is_some() {
            return Err(Problem::not_found("such asset, as of then"));
        }
        // One that is out of service has nothing.
        let all = had.unwrap_or_default().into_iter();
        let mut things: Vec<Thing> = all.filter(|thing| thing.name.to_lowercase().contains(&wanted)).cloned().collect();
        things.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        things
    };
    let total = things.len();
    let shown: Vec<&Thing> = things.iter().skip(part.offset).take(part.limit).collect();
    let path = format!("{}/inventory", place(&asset));
    let body = html! {
        p { a href=(moment.link(&place(&asset))) { "← " (asset) } }
        (moment.notice(&app, raw.as_deref()))
        form.filter method="get" action=(path) role="search" { (field("package", "Package", query.package.as_deref())) (moment.field()) div { button type="submit" { "Show" } } }
        p role="status" { (number(total as u64)) " things" }
        div.scroll tabindex="0" role="region" aria-label="Inventory" {
            table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Version" } th scope="col" { "Kind" } th scope="col" { "Source package" } th scope="col" { "Besides" } } }
                tbody { @for thing in &shown { tr {
                    th scope="row" { (plain(&thing.name)) }
                    td { (plain(&thing.version)) }
                    td { (plain(&thing.kind)) @if !thing.architecture.is_empty() { " " (plain(&thing.architecture)) } }
                    td { @if let Some((name, version)) = &thing.source { (plain(name)) " " (plain(version)) } }
                    td { @if let Some(offer) = &thing.offer { "offered: " (plain(&offer.version)) " (" (plain(&offer.suite)) ")" } @if let Some(runs) = &thing.still_runs { "still runs in " (plain(runs)) } }
                } } }
            }
        }
        (paging((&path, raw.as_deref()), (&part, shown.len(), total), part.next(shown.len(), total)))
    };
    Ok(page(&app, &caller, (&format!("Inventory of {asset}"), "/assets"), &body))
}
