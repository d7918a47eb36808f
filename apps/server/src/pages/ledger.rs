//! The ledger: all that has happened, in its order, with the proof of each.

use super::page;
use super::text::{instant as at_instant, number, plain};
use crate::access::SEES_ALL;
use crate::api::{Path, Query};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use ::ledger::Entry;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

/// How many entries a page has.
const ROWS: u64 = 50;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ALL, path: "/ledger", handler: get(show) }),
        ("GET", PageRoute { access: SEES_ALL, path: "/ledger/{number}", handler: get(one) }),
    ]
}

/// Which entries are asked for: those before this one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Before {
    before: Option<u64>,
}

async fn show(State(app): State<App>, caller: Caller, Query(query): Query<Before>) -> Answer<Response> {
    let store = &app.organisation.store;
    let total = store.record().await?.state.entries;
    let until = query.before.unwrap_or(total).min(total);
    let from = until.saturating_sub(ROWS);
    let entries = store.entries(from, until).await?;
    let read = |bytes: &Vec<u8>| Entry::parse(bytes).map_err(|error| Problem::internal(&error));
    let entries = entries.iter().map(read).collect::<Answer<Vec<_>>>()?;
    let checkpoint = store.checkpoint().await?;
    let body = html! {
        p { (number(total)) " entries, the newest first. Each is bound to all before it: altering, removing or reordering one is found by whoever kept a checkpoint." }
        div.scroll tabindex="0" role="region" aria-label="Entries" {
            table {
                thead { tr { th.number scope="col" { "Number" } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Of what" } } }
                tbody {
                    @for (place, entry) in entries.iter().enumerate().rev() { @let number = from + place as u64; tr {
                        td.number { a href=(format!("/ledger/{number}")) { (number) } }
                        td.date { (at_instant(entry.at)) }
                        td { (plain(&entry.actor)) }
                        td { (plain(&entry.kind)) }
                        td { (plain(&entry.subject)) }
                    } }
                }
            }
        }
        nav.paging aria-label="Pages" {
            @if until < total { a rel="prev" href=(format!("/ledger?before={}", (until + ROWS).min(total))) { "← Newer" } }
            @if from > 0 { a rel="next" href=(format!("/ledger?before={from}")) { "Older →" } }
        }
        h2 { "The newest checkpoint" }
        p { "Keep it elsewhere: with it anybody can tell later whether this history is still the one that was. " code { "plimsoll ledger verify --checkpoint FILE" } " does so." }
        pre { (plain_lines(&checkpoint)) }
    };
    Ok(page(&app, &caller, ("Ledger", "/ledger"), &body))
}

fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

async fn one(State(app): State<App>, caller: Caller, Path(number): Path<u64>) -> Answer<Response> {
    let store = &app.organisation.store;
    if number >= store.record().await?.state.entries {
        return Err(Problem::not_found("such entry"));
    }
    let proven = store.prove(number).await?;
    let entry = Entry::parse(&proven.entry).map_err(|error| Problem::internal(&error))?;
    let whole = serde_json::to_string_pretty(&entry.body).map_err(|error| Problem::internal(&error))?;
    let body = html! {
        p { a href=(format!("/ledger?before={}", number + 1)) { "← the ledger" } }
        dl.pairs {
            dt { "When" } dd { (at_instant(entry.at)) }
            dt { "Who" } dd { (plain(&entry.actor)) }
            dt { "What" } dd { (plain(&entry.kind)) }
            dt { "Of what" } dd { (plain(&entry.subject)) }
        }
        h2 { "What it says" }
        pre { (plain_lines(&whole)) }
        (proof(number, &proven))
    };
    Ok(page(&app, &caller, (&format!("Entry {number}"), "/ledger"), &body))
}

fn proof(number: u64, proven: &store::Proven) -> Markup {
    html! {
        h2 { "That it is in the ledger" }
        p { "The hashes beside its way to the root, and the signed root. Save " a href=(format!("/api/v1/ledger/entries/{number}/proof")) download=(format!("proof-{number}.json")) { "the proof" } " and check it without this service: " code { "plimsoll ledger check PROOF --key KEY" } ", with the ledger's first key of the " a href="/settings" { "settings" } "." }
        details {
            summary { (proven.proof.len()) " hashes" }
            ol { @for hash in &proven.proof { li.mono { (hash) } } }
        }
        pre { (plain_lines(&proven.checkpoint)) }
    }
}
