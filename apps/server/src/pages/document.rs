//! One governing document: its text, its history, and what can be done with it.

use super::tabs;
use super::text::{due, instant as at_instant, plain};
use super::{Form, documents, encoded, page, seen};
use crate::access::{ACKNOWLEDGES, CALLS_REVIEWS, EVERYBODY, GOVERNS};
use crate::api::{AtQuery, Path, Query};
use crate::app::App;
use crate::identity::{Caller, account::sign};
use crate::pages::moment::Moment;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{Command, Document, DocumentId, Duty, DutyKind, Role, Standing, VersionId};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/documents/{document}", handler: get(show) }),
        (
            "POST",
            PageRoute { access: ACKNOWLEDGES, path: "/documents/{document}/acknowledge", handler: post(acknowledge) },
        ),
        ("POST", PageRoute { access: CALLS_REVIEWS, path: "/documents/{document}/review", handler: post(review) }),
        (
            "POST",
            PageRoute { access: CALLS_REVIEWS, path: "/documents/{document}/call-review", handler: post(call_review) },
        ),
        ("POST", PageRoute { access: GOVERNS, path: "/documents/{document}/retire", handler: post(retire) }),
    ]
}

/// What a version says of the text that came with it.
struct Came {
    rationale: String,
    authors: String,
    approvals: String,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<AtQuery>,
    RawQuery(raw): RawQuery,
) -> Answer<Response> {
    let id = DocumentId::new(id)?;
    let moment = Moment::of(&app, query.at.as_deref())?;
    let (document, duty, history, review_due, may_review) = {
        let record = app.organisation.store.record().await?;
        let state = &record.state;
        let known = state.documents.get(&id).ok_or_else(|| Problem::not_found("such document"))?;
        let came = |version: &VersionId| {
            let version_of = state.versions.get(version)?;
            let names = |people: Vec<&lifecycle::PersonId>| {
                people.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let authors = names(version_of.authors.iter().collect());
            let approvals = names(version_of.approved_by());
            Some((version.clone(), Came { rationale: version_of.draft.rationale.clone(), authors, approvals }))
        };
        let history: BTreeMap<VersionId, Came> =
            known.texts.iter().filter_map(|text| came(text.version.as_ref()?)).collect();
        // What is not shown is not signed.
        let shown = known.in_force(moment.now).filter(|_| moment.at.is_none()).map(|text| text.text.as_str());
        let duty = shown.and_then(|text| to_acknowledge(state, &caller, (&id, text), moment.now));
        let may_review = id.is_policy() && state.owns_policy(&caller.person);
        (known.clone(), duty, history, known.review_due(state.review_every(&id, known)), may_review)
    };
    let in_force = document.in_force(moment.now).cloned();
    let text = match &in_force {
        Some(text) if !id.is_policy() => Some(app.organisation.text(&text.text).await?),
        _ => None,
    };
    let shown = match text {
        None => html! {},
        Some(text) => written(&app, &text, moment.at).await?,
    };
    let path = format!("/documents/{}", encoded(id.as_str()));
    let described = &document.described;
    let body = html! {
        (tabs::policy(&caller, "/documents"))
        (moment.notice(&app, raw.as_deref()))
        dl.pairs {
            dt { "Level" } dd { (described.level.word()) @if let Some(above) = &described.implements { ", carries out " a href=(format!("/documents/{}", encoded(above.as_str()))) { (above) } } }
            dt { "Owner" } dd { (described.owner) }
            dt { "In force" } dd { @if let Some(text) = &in_force { "since " (at_instant(text.since)) " · " span.mono { (text.text) } } @else { "nothing yet" } }
            dt { "Review" } dd { @if in_force.is_some() && document.is_active() { "by " span.late[review_due < moment.now] { (due(Some(review_due), moment.now)) } } @if let Some((since, why)) = &document.called { " · called for on " (at_instant(*since)) ": " (plain(why)) } }
        }
        @if id.is_policy() { p { a href=(moment.link("/policy")) { "The policy, with figures beside its promises" } } }
        @else if in_force.is_some() { (files(&path, &moment)) article.written { (shown) } }
        @if let Some(duty) = &duty { (acknowledge_form(&path, duty, moment.now)) }
        (history_table(&document, &history, moment.now))
        @if document.is_active() { (actions(&path, (&id, &document), (&caller, may_review))) }
    };
    Ok(page(&app, &caller, (&described.title, "/policy"), &body))
}

fn files(path: &str, moment: &Moment) -> Markup {
    html! { p { "As a file: " @for (place, format) in ["pdf", "docx", "md", "html"].iter().enumerate() { @if place > 0 { " · " } a href=(moment.link(&format!("{path}/files/{format}"))) { (format.to_uppercase()) } } } }
}

/// A document's Markdown as a piece of the page.
async fn written(app: &App, text: &str, at: Option<Timestamp>) -> Answer<Markup> {
    let record = app.organisation.store.record().await?;
    let adopted = record.facts.policies_by(at);
    let filled = operations::fill_document(text, adopted.last().map(|(_, policy, text)| (policy.as_ref(), *text)));
    Ok(match filled {
        Ok(markdown) => PreEscaped(super::policy::scrolling(&documents_html(&markdown))),
        Err(why) => {
            html! { div.notice.unsure { p { "Figures of the policy in force that it names are not there: " (plain(&why)) } } pre { (plain(text)) } }
        }
    })
}

fn documents_html(markdown: &str) -> String {
    ::documents::html(markdown)
}

/// What somebody owes of reading a text of a document, if they owe or owed it.
pub(super) fn to_acknowledge(
    state: &lifecycle::State,
    caller: &Caller,
    (document, text): (&DocumentId, &str),
    now: Timestamp,
) -> Option<Duty> {
    let duties = state.duties_of(&caller.person, now).into_iter();
    let own = duties.filter(|duty| {
        let is_of_text = duty.text.as_deref() == Some(text) && duty.subject == document.as_str();
        duty.kind == DutyKind::Acknowledge && is_of_text
    });
    // What is owed still stands before what is done.
    own.min_by_key(|duty| duty.standing(now))
}

/// The form by which somebody says that they have read it.
pub(super) fn acknowledge_form(path: &str, duty: &Duty, now: Timestamp) -> Markup {
    html! {
        section.card id="acknowledge" {
            @match (duty.standing(now), duty.done_at) {
                (Standing::Done, Some(done)) => p { span.pill.ok { "read" } " You said on " (at_instant(done)) " that you have read it." },
                _ => {
                    h2 { "Have you read it?" }
                    p { "You are asked to read this by " (due(Some(duty.due), now)) "." }
                    form.stack method="post" action=(format!("{path}/acknowledge")) {
                        input type="hidden" name="text" value=[duty.text.as_deref()];
                        div { label for="name" { "Your name, as you sign" } input id="name" name="name" required maxlength="200" autocomplete="name"; }
                        button type="submit" { "I have read it, and will keep to it" }
                        p.faint { "Kept are your id, the time, and the digest of exactly this text: " span.mono { (duty.text.as_deref().unwrap_or_default()) } }
                    }
                },
            }
        }
    }
}

fn history_table(document: &Document, history: &BTreeMap<VersionId, Came>, now: Timestamp) -> Markup {
    html! {
        h2 { "History" }
        div.scroll tabindex="0" role="region" aria-label="History" { table {
            thead { tr { th scope="col" { "In force since" } th scope="col" { "Version" } th scope="col" { "Why" } th scope="col" { "Written by" } th scope="col" { "Approved by" } } }
            tbody {
                @if document.texts.is_empty() { tr { td colspan="5" { "Nothing was in force yet." } } }
                @for text in document.texts.iter().rev() { @let came = text.version.as_ref().and_then(|version| history.get(version)); tr {
                    td.date { (at_instant(text.since)) @if text.since > now { " " span.pill { "ahead" } } }
                    td { @if let Some(version) = &text.version { a href=(format!("/versions/{}", encoded(version.as_str()))) { (version) } } @else { span.faint { "put in force by one person" } } br; span.mono.faint { (text.text) } }
                    td { (came.map(|came| plain(&came.rationale)).unwrap_or_default()) }
                    td { (came.map(|came| came.authors.clone()).unwrap_or_default()) }
                    td { (came.map(|came| came.approvals.clone()).unwrap_or_default()) }
                } }
            }
        } }
    }
}

fn actions(path: &str, (id, document): (&DocumentId, &Document), (caller, may_review): (&Caller, bool)) -> Markup {
    let is_lead = caller.is_any(&[Role::SecurityLead]);
    let is_owner = document.described.owner == caller.person;
    html! {
        @if is_lead || is_owner || caller.is_any(&[Role::Operator]) { p { a.button href=(format!("{path}/draft")) { "Draft a new version" } } }
        @if (is_lead || is_owner || may_review) && !document.texts.is_empty() {
            details id="review" { summary { "Review it: it holds as it is" }
                form.stack method="post" action=(format!("{path}/review")) { div { label for="words" { "What you looked at, and found" } textarea id="words" name="reason" required rows="3" {} } button type="submit" { "It holds" } } }
        }
        @if caller.is_any(&[Role::SecurityLead, Role::Auditor, Role::Operator, Role::Approver]) {
            details { summary { "Ask for a review at once" }
                form.stack method="post" action=(format!("{path}/call-review")) { div { label for="why" { "What asks for it: an incident, an audit's finding, technology that is new …" } textarea id="why" name="reason" required rows="2" {} } button type="submit" { "Ask" } } }
        }
        @if is_lead { (documents::form(Some((id, &document.described)))) }
        @if is_lead && !id.is_policy() {
            details { summary { "Take it out of the register" }
                form.stack method="post" action=(format!("{path}/retire")) { div { label for="reason" { "Why; its history stays" } textarea id="reason" name="reason" required rows="2" {} } button.danger type="submit" { "Retire" } } }
        }
    }
}

/// A signature, as a form sends it.
#[derive(Deserialize)]
struct Signed {
    text: String,
    name: String,
}

async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(signed): Form<Signed>,
) -> Answer<Response> {
    let document = DocumentId::new(id)?;
    sign(&app, &caller.person, &signed.name, Command::Acknowledge(document, signed.text)).await?;
    Ok(seen("/tasks"))
}

/// A reason, as a form sends it.
#[derive(Deserialize)]
struct Why {
    reason: String,
}

async fn act(app: &App, caller: &Caller, id: String, command: impl FnOnce(DocumentId) -> Command) -> Answer<Response> {
    let id = DocumentId::new(id)?;
    app.organisation.act(&caller.person, app.now(), command(id.clone())).await?;
    Ok(seen(&format!("/documents/{}", encoded(id.as_str()))))
}

async fn review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    act(&app, &caller, id, |id| Command::ReviewDocument(id, why.reason)).await
}

async fn call_review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    act(&app, &caller, id, |id| Command::CallReview(id, why.reason)).await
}

async fn retire(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(why): Form<Why>,
) -> Answer<Response> {
    act(&app, &caller, id, |id| Command::RetireDocument(id, why.reason)).await
}
