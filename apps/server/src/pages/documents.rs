//! The register: every governing document, who answers for it, which version is in force, and what falls due.

use super::tabs;
use super::text::{due, instant as at_instant, plain};
use super::{Form, encoded, page, seen};
use crate::access::{EVERYBODY, GOVERNS};
use crate::api::length;
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{Command, Described, Document, DocumentId, Level, PersonId, Role, Version, VersionId};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/documents", handler: get(show) }),
        ("POST", PageRoute { access: GOVERNS, path: "/documents", handler: post(describe) }),
    ]
}

/// A document as a line of the register.
struct Line {
    id: DocumentId,
    document: Document,
    /// How many stand above it.
    depth: usize,
    review_due: Option<Timestamp>,
}

async fn show(State(app): State<App>, caller: Caller) -> Answer<Response> {
    let now = app.now();
    let record = app.organisation.store.record().await?;
    let state = &record.state;
    let mut lines = Vec::new();
    let roots = state.documents.iter().filter(|(_, document)| above(state, document).is_none());
    roots.for_each(|(id, _)| add(state, (id, 0), now, &mut lines));
    let open: Vec<(VersionId, Version)> = state
        .versions
        .iter()
        .filter(|(id, version)| version.is_open() || state.is_ahead(id))
        .map(|(id, version)| (id.clone(), version.clone()))
        .collect();
    drop(record);
    let body = html! {
        (tabs::policy(&caller, "/documents"))
        div.scroll tabindex="0" role="region" aria-label="Register" { table {
            thead { tr { th scope="col" { "Document" } th scope="col" { "Level" } th scope="col" { "Owner" } th scope="col" { "In force since" } th scope="col" { "Versions" } th scope="col" { "Review" } } }
            tbody {
                @if lines.is_empty() { tr { td colspan="6" { "No policy is in force yet, and no other document is registered." } } }
                @for line in &lines { (row(line, now)) }
            }
        } }
        h2 { "Versions on their way" }
        div.scroll tabindex="0" role="region" aria-label="Versions on their way" { table {
            thead { tr { th scope="col" { "Version" } th scope="col" { "Of" } th scope="col" { "Why" } th scope="col" { "By" } th scope="col" { "State" } } }
            tbody {
                @if open.is_empty() { tr { td colspan="5" { "None." } } }
                @for (id, version) in &open { tr {
                    th scope="row" { a href=(format!("/versions/{}", encoded(id.as_str()))) { (id) } }
                    td { (version.draft.document) }
                    td { (plain(&version.draft.rationale)) }
                    td { (version.authors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) }
                    td { span.pill { (version.stage.word()) } @if let Some((.., from)) = &version.published { " from " (at_instant(*from)) } }
                } }
            }
        } }
        @if caller.is_any(&[Role::SecurityLead]) { (form(None)) }
    };
    Ok(page(&app, &caller, ("Register of documents", "/policy"), &body))
}

/// The document that stands above one, if it is there still.
fn above<'s>(state: &'s lifecycle::State, document: &Document) -> Option<&'s Document> {
    let above = document.described.implements.as_ref()?;
    state.documents.get(above)
}

fn add(state: &lifecycle::State, (id, depth): (&DocumentId, usize), now: Timestamp, lines: &mut Vec<Line>) {
    let Some(document) = state.documents.get(id) else { return };
    let is_in_force = document.is_active() && document.in_force(now).is_some();
    let review_due = is_in_force.then(|| document.review_due(state.review_every(id, document)));
    lines.push(Line { id: id.clone(), document: document.clone(), depth, review_due });
    // Levels fall with each step, so that this ends.
    let below = state.documents.iter().filter(|(_, other)| other.described.implements.as_ref() == Some(id));
    below.for_each(|(below, _)| add(state, (below, depth + 1), now, lines));
}

fn row(line: &Line, now: Timestamp) -> Markup {
    let Line { id, document, depth, review_due } = line;
    let in_force = document.in_force(now);
    html! {
        tr {
            th scope="row" { @for _ in 0..*depth { span aria-hidden="true" { "└ " } } a href=(format!("/documents/{}", encoded(id.as_str()))) { (plain(&document.described.title)) } }
            td { (document.described.level.word()) }
            td { (document.described.owner) }
            td.date { @if !document.is_active() { span.pill { "retired" } } @else if let Some(text) = in_force { (at_instant(text.since)) } @else { span.pill.unsure { "nothing in force" } } }
            td.number { (document.texts.len()) }
            td.date { @if let Some(review) = review_due { span.late[*review < now] { (due(Some(*review), now)) } } @if let Some((_, why)) = &document.called { br; span.faint { (plain(why)) } } }
        }
    }
}

/// A form that registers a document, or says something else of one.
pub(super) fn form(known: Option<(&DocumentId, &Described)>) -> Markup {
    let said = known.map(|(_, described)| described);
    let text = |of: fn(&Described) -> String| said.map(of).unwrap_or_default();
    html! {
        details {
            summary { @if known.is_some() { "Say something else of it" } @else { "Register a standard, procedure or guideline" } }
            form.stack method="post" action="/documents" {
                @if let Some((id, _)) = known { input type="hidden" name="document" value=(id); }
                @else { div { label for="document" { "Id: letters, digits and -._" } input id="document" name="document" required maxlength="128"; } }
                div { label for="title" { "Title" } input id="title" name="title" required maxlength="200" value=(text(|said| said.title.clone())); }
                div { label for="level" { "Level" } select id="level" name="level" { @for level in Level::ALL.iter().filter(|level| said.is_some_and(|said| said.level == Level::Policy) == (**level == Level::Policy)) { option value=(level.word()) selected[said.is_some_and(|said| said.level == *level)] { (level.word()) } } } }
                div { label for="owner" { "Owner: the id of who answers for it" } input id="owner" name="owner" required value=(text(|said| said.owner.to_string())); }
                div { label for="implements" { "The document above it that it carries out; may be left empty" } input id="implements" name="implements" value=(text(|said| said.implements.as_ref().map(ToString::to_string).unwrap_or_default())); }
                div { label for="review_every" { "Reviewed every" } input id="review_every" name="review_every" required value=(if said.is_some() { text(|said| said.review_every.to_string()) } else { "12 months".to_owned() }); }
                button type="submit" { @if known.is_some() { "Keep" } @else { "Register" } }
            }
        }
    }
}

/// What is said of a document, as a form sends it.
#[derive(Deserialize)]
struct Said {
    document: String,
    title: String,
    level: String,
    owner: String,
    #[serde(default)]
    implements: String,
    review_every: String,
}

async fn describe(State(app): State<App>, caller: Caller, Form(said): Form<Said>) -> Answer<Response> {
    let level = Level::ALL.iter().find(|level| level.word() == said.level).copied();
    let id = DocumentId::new(said.document.trim())?;
    let above = said.implements.trim();
    let described = Described {
        level: level.ok_or_else(|| Problem::bad(format!("`{}` is no level", said.level.escape_debug())))?,
        title: said.title,
        owner: PersonId::new(said.owner.trim())?,
        implements: if above.is_empty() { None } else { Some(DocumentId::new(above)?) },
        review_every: length(&said.review_every)?,
    };
    app.organisation.act(&caller.person, app.now(), Command::DescribeDocument(id.clone(), described)).await?;
    Ok(seen(&format!("/documents/{}", encoded(id.as_str()))))
}
