//! The ledger: all that has happened, in its order, with the proof of each.

use super::findings::field;
use super::text::{instant as at_instant, number, plain};
use super::{encoded, page};
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
use lifecycle::AssetId;
use maud::{Markup, html};
use serde::Deserialize;
use store::{EntriesFound, EntryFilter};

/// How many entries a page has.
const ROWS: usize = 50;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: SEES_ALL, path: "/ledger", handler: get(show) }),
        ("GET", PageRoute { access: SEES_ALL, path: "/ledger/{number}", handler: get(one) }),
    ]
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    /// What they are about.
    subject: String,
    #[serde(skip)]
    is_of_assets: bool,
    kind: String,
    actor: String,
    /// Only those before this one.
    before: Option<u64>,
}

/// What was found of what was asked for.
pub(super) struct Found {
    found: EntriesFound,
    /// Behind which entry the search began, and how many there are in all.
    before: u64,
    total: u64,
}

impl Asked {
    /// All that is about an asset.
    pub(super) fn about(asset: &AssetId, before: Option<u64>) -> Self {
        Self { subject: asset.to_string(), is_of_assets: true, before, ..Self::default() }
    }

    /// Goes through the ledger from where it is asked to.
    pub(super) async fn find(&self, app: &App) -> Answer<Found> {
        let store = &app.organisation.store;
        let total = store.record().await?.state.entries;
        let before = self.before.unwrap_or(total).min(total);
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (subject, kind, actor) = (text(&self.subject), text(&self.kind), text(&self.actor));
        let filter = EntryFilter { subject, is_of_assets: self.is_of_assets, kind, actor };
        Ok(Found { found: store.search(&filter, before, ROWS).await?, before, total })
    }

    fn is_of_all(&self) -> bool {
        self.subject.is_empty() && self.kind.is_empty() && self.actor.is_empty()
    }

    /// The address of the same entries before another one.
    fn link(&self, before: u64) -> String {
        let pairs = [("subject", &self.subject), ("kind", &self.kind), ("actor", &self.actor)];
        let said = pairs.iter().filter(|(_, text)| !text.is_empty());
        let said: String = said.map(|(name, text)| format!("{name}={}&", encoded(text))).collect();
        format!("/ledger?{said}before={before}")
    }
}

async fn show(State(app): State<App>, caller: Caller, Query(asked): Query<Asked>) -> Answer<Response> {
    let found = asked.find(&app).await?;
    let checkpoint = app.organisation.store.checkpoint().await?;
    let body = html! {
        p { (number(found.total)) " entries, the newest first. Each is bound to all before it: altering, removing or reordering one is found by whoever kept a checkpoint." }
        form.filter method="get" action="/ledger" role="search" aria-label="Filter entries" {
            (field("subject", "Of what (its whole id)", Some(&asked.subject)))
            (field("kind", "What: asset/retired, or asset/ for all of them", Some(&asked.kind)))
            (field("actor", "Who", Some(&asked.actor)))
            div { button type="submit" { "Show" } }
            div { a href="/ledger" { "Everything" } }
        }
        (entries(&found, true))
        (links(&found, |before| asked.link(before)))
        @if asked.is_of_all() {
            h2 { "The newest checkpoint" }
            p { "Keep it elsewhere: with it anybody can tell later whether this history is still the one that was. " code { "plimsoll ledger verify --checkpoint FILE" } " does so." }
            pre { (plain_lines(&checkpoint)) }
        }
    };
    Ok(page(&app, &caller, ("Ledger", "/ledger"), &body))
}

/// Entries in a table, with links to their proofs for who may see them.
pub(super) fn entries(Found { found, .. }: &Found, may_prove: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Entries" {
            table {
                thead { tr { th.number scope="col" { "Number" } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Of what" } th scope="col" { "What it says" } } }
                tbody {
                    @if found.entries.is_empty() { tr { td colspan="6" { "No entry fits, among those that were gone through." } } }
                    @for (place, entry) in &found.entries { tr {
                        td.number { @if may_prove { a href=(format!("/ledger/{place}")) { (number(*place)) } } @else { (number(*place)) } }
                        td.date { (at_instant(entry.at)) }
                        td.whole { (plain(&entry.actor)) }
                        td.whole { (plain(&entry.kind)) }
                        td { (plain(&entry.subject)) }
                        td { (in_short(entry)) }
                    } }
                }
            }
        }
    }
}

/// What an entry says, in one line of bounded length.
fn in_short(entry: &Entry) -> String {
    const MOST: usize = 160;
    let said = entry.body.as_object().into_iter().flatten();
    let words = |(name, value): (&String, &serde_json::Value)| match value {
        // What it is about stands beside it.
        serde_json::Value::String(text) if *text == entry.subject => None,
        serde_json::Value::String(text) => Some(format!("{name} {text}")),
        serde_json::Value::Null => None,
        other => Some(format!("{name} {other}")),
    };
    let whole = plain(&said.filter_map(words).collect::<Vec<_>>().join("; "));
    match whole.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

/// The links to newer and older entries; where not all could be gone through at once, that is said.
pub(super) fn links(Found { found, before, total }: &Found, link: impl Fn(u64) -> String) -> Markup {
    html! {
        @if found.from > 0 && found.entries.len() < ROWS {
            p.faint { "Entries " (number(found.from)) " to " (number(*before)) " were gone through; what is older is gone through next." }
        }
        nav.paging aria-label="Pages" {
            @if before < total { a rel="prev" href=(link(*total)) { "← Newest" } }
            @if found.from > 0 { a rel="next" href=(link(found.from)) { "Older →" } }
        }
    }
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
