//! One version of a document: what it says, what it changes, what was said of it, and who is next.

use super::tabs;
use super::text::{instant as at_instant, plain};
use super::{Form, encoded, page, seen};
use crate::access::{DRAFTS, EVERYBODY, SAYS};
use crate::api::{Path, instant};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use lifecycle::{Command, PersonId, Role, Stage, Verdict, Version, VersionId};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeSet;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        ("GET", PageRoute { access: EVERYBODY, path: "/versions/{version}", handler: get(show) }),
        ("POST", PageRoute { access: DRAFTS, path: "/versions/{version}/submit", handler: post(submit) }),
        ("POST", PageRoute { access: SAYS, path: "/versions/{version}/notes", handler: post(note) }),
        ("POST", PageRoute { access: DRAFTS, path: "/versions/{version}/withdraw", handler: post(withdraw) }),
        ("POST", PageRoute { access: DRAFTS, path: "/versions/{version}/publish", handler: post(publish) }),
    ]
}

/// A version with what whoever looks at it may do.
struct Shown {
    id: VersionId,
    version: Version,
    title: String,
    lacks: Vec<String>,
    approvals: Vec<String>,
    /// Who could give the approvals that it lacks.
    could: Vec<String>,
    may: May,
    is_ahead: bool,
}

/// What somebody may do with it.
struct May {
    write: bool,
    submit: bool,
    take_back: bool,
    review: bool,
    object: bool,
    approve: bool,
    decline: bool,
    hear: bool,
    publish: bool,
}

impl Shown {
    fn of(state: &lifecycle::State, id: &VersionId, caller: &Caller, now: Timestamp) -> Answer<Self> {
        let version = state.versions.get(id).ok_or_else(|| Problem::not_found("such version"))?;
        let document = state.documents.get(&version.draft.document);
        let person = &caller.person;
        let is_lead = caller.is_any(&[Role::SecurityLead]);
        let is_own = version.is_open() && version.authors.contains(person);
        Ok(Self {
            id: id.clone(),
            version: version.clone(),
            title: document.map_or_else(|| id.to_string(), |document| document.described.title.clone()),
            lacks: if version.is_open() { state.lacks(version, now) } else { Vec::new() },
            approvals: if version.is_open() { state.approvals_lacking(version) } else { Vec::new() },
            could: state.could_approve(version).into_iter().map(ToString::to_string).collect(),
            may: May {
                write: state.may_write(version, person),
                submit: version.stage == Stage::Draft && (is_own || is_lead),
                take_back: state.is_withdrawable(id, now) && (is_own || is_lead),
                review: state.may_review(version, person),
                object: state.may_object(version, person),
                approve: state.may_approve(version, person, now),
                decline: state.may_approve(version, person, now) || version.approved_by().contains(&person),
                hear: version.stage == Stage::Review
                    && version.stakeholders.contains(person)
                    && !version.authors.contains(person),
                publish: state.may_publish(id, person, now),
            },
            is_ahead: state.is_ahead(id),
        })
    }
}

async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    let id = VersionId::new(id)?;
    let now = app.now();
    let shown = Shown::of(&app.organisation.store.record().await?.state, &id, &caller, now)?;
    let text = app.organisation.text(&shown.version.draft.text).await?;
    let path = format!("/versions/{}", encoded(id.as_str()));
    let is_open_policy = shown.version.draft.document.is_policy() && shown.version.is_open();
    let checked = match is_open_policy {
        true => {
            let text = text.clone();
            Some(app.apart(move || operations::check_policy(&text, now)).await??)
        }
        false => None,
    };
    let body = html! {
        (tabs::policy(&caller, "/documents"))
        (head(&shown))
        (waiting(&shown))
        @if let Some(checked) = checked.filter(operations::Checked::has_errors) { section.card { h2 { "What is wrong with it" } (super::editor::problems(&checked)) } }
        @if shown.version.draft.document.is_policy() { p { a.button href=(format!("{path}/compare")) { "What it changes, and what that comes to" } " " a href=(format!("{path}/files/pdf")) { "As PDF" } } }
        details open[!shown.version.draft.document.is_policy()] { summary { "Its text" } pre { @for line in text.lines() { (plain(line)) "\n" } } }
        (said(&shown.version))
        (doing(&shown, &path))
    };
    Ok(page(&app, &caller, (&format!("{}: version {id}", shown.title), "/policy"), &body))
}

fn head(shown: &Shown) -> Markup {
    let Version { draft, authors, drafted_at, published, .. } = &shown.version;
    html! {
        dl.pairs {
            dt { "State" } dd { (stage(shown)) }
            dt { "Of" } dd { a href=(format!("/documents/{}", encoded(draft.document.as_str()))) { (plain(&shown.title)) } }
            dt { "Why" } dd { (plain(&draft.rationale)) }
            dt { "Written by" } dd { (names(authors.iter())) ", begun on " (at_instant(*drafted_at)) }
            dt { "Holds" } dd { @match (published, draft.effective_at) { (Some((at, by, from)), _) => { "from " (at_instant(*from)) ", published on " (at_instant(*at)) " by " (by) }, (None, Some(from)) => { "from " (at_instant(from)) " or its publication, whichever is later" }, _ => { "from its publication" } } }
            @if draft.document.is_policy() { dt { "Transition" } dd { (draft.transition.words()) } }
            dt { "Digest" } dd { span.mono { (draft.text) } }
        }
    }
}

fn stage(shown: &Shown) -> Markup {
    html! { @match shown.version.stage {
        Stage::Published if shown.is_ahead => span.pill.ok { "published, its day is still to come" },
        Stage::Published => span.pill.ok { "published" },
        Stage::Review => span.pill.unsure { "in review" },
        Stage::Draft => span.pill { "draft" },
        other => span.pill.bad { (other.word()) },
    } }
}

fn names<'p>(people: impl Iterator<Item = &'p PersonId>) -> String {
    people.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What it lacks before it can be published.
fn waiting(shown: &Shown) -> Markup {
    let version = &shown.version;
    html! {
        @if version.stage == Stage::Draft { div.notice { p { "It is being written, and waits to be handed in for review." } } }
        @if version.stage == Stage::Review {
            @if shown.lacks.is_empty() && shown.approvals.is_empty() { div.notice.ok { p { "Everybody whose approval it takes has approved it: it can be published." } } }
            @else { div.notice.unsure { p { strong { "It lacks" } } ul {
                @for lack in &shown.lacks { li { (lack) } }
                @if !shown.approvals.is_empty() { li { "the approval of: " (plain(&shown.approvals.join(", "))) br;
                    @if shown.could.is_empty() { span.late { "nobody here could give it: an administrator gives somebody the role" } } @else { span.faint { "could be given by: " (shown.could.join(", ")) } }
                } }
            } } }
            @let unheard = version.unheard();
            @if let Some((_, until)) = version.input.filter(|_| !unheard.is_empty()) { p { "Input is waited for until " (at_instant(until)) " from: " (names(unheard.into_iter())) } }
        }
    }
}

/// What was said of it.
fn said(version: &Version) -> Markup {
    let terms = version.terms();
    html! {
        h2 { "What was said" }
        div.scroll tabindex="0" role="region" aria-label="What was said" { table {
            thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "In words" } } }
            tbody {
                @if version.notes.is_empty() { tr { td colspan="4" { "Nothing yet." } } }
                @for note in &version.notes { tr {
                    td.date { (at_instant(note.at)) }
                    td { (note.by) }
                    td { (verdict(note.verdict)) @if note.terms != terms { " " span.faint { "of another text" } } }
                    td { (plain(&note.words)) }
                } }
            }
        } }
    }
}

fn verdict(verdict: Verdict) -> Markup {
    html! { @match verdict {
        Verdict::Comment => "comment",
        Verdict::Input => span.pill.ok { "nothing against it" },
        Verdict::Sound => span.pill.ok { "found sound" },
        Verdict::Objection => span.pill.bad { "objection" },
        Verdict::Approved => span.pill.ok { "approved" },
        Verdict::Declined => span.pill.bad { "declined" },
    } }
}

/// What whoever looks at it can do.
fn doing(shown: &Shown, path: &str) -> Markup {
    let version = &shown.version;
    let is_open = version.is_open();
    html! {
        @if is_open { h2 { "Do" } }
        @if is_open { (say_form(shown, path)) }
        @if shown.may.write { p { a.button href=(format!("/documents/{}/draft?version={}", encoded(version.draft.document.as_str()), encoded(shown.id.as_str()))) { "Revise it" } @if version.stage == Stage::Review { " " span.faint { "what was said of it holds no longer then" } } } }
        @if shown.may.submit { (submit_form(path)) }
        @if shown.may.publish { form method="post" action=(format!("{path}/publish")) { p { button type="submit" { "Publish" } } } }
        @if shown.may.take_back { details { summary { "Take it back" } form method="post" action=(format!("{path}/withdraw")) { p { "It stays in the history, and is never put in force." } button.danger type="submit" { "Take it back" } } } }
    }
}

fn say_form(shown: &Shown, path: &str) -> Markup {
    let button = |verdict: Verdict, class: &str, words: &str| html! { button type="submit" class=(class) name="verdict" value=(verdict.word()) { (words) } " " };
    let may = &shown.may;
    html! {
        form.stack method="post" action=(format!("{path}/notes")) {
            input type="hidden" name="terms" value=(shown.version.terms());
            div { label for="words" { "In words" } textarea id="words" name="words" rows="3" {} }
            (button(Verdict::Comment, "second", "Comment"))
            @if may.hear { (button(Verdict::Input, "", "Nothing against it")) }
            @if may.review { (button(Verdict::Sound, "", "I find it sound")) }
            @if may.approve { (button(Verdict::Approved, "", "I approve it")) }
            @if may.object { (button(Verdict::Objection, "danger", "I object")) }
            @if may.decline { (button(Verdict::Declined, "danger", "I decline it")) }
        }
    }
}

fn submit_form(path: &str) -> Markup {
    html! {
        form.stack method="post" action=(format!("{path}/submit")) {
            div { label for="people" { "Whose input is wanted: ids, with spaces between; may be left empty" } input id="people" name="people"; }
            div { label for="until" { "Waited for until" } input id="until" name="until" type="date"; }
            button type="submit" { "Hand it in for review" }
        }
    }
}

/// Whose input is wanted, as a form sends it.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    people: String,
    #[serde(default)]
    until: String,
}

async fn submit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(asked): Form<Asked>,
) -> Answer<Response> {
    let id = VersionId::new(id)?;
    let people = asked.people.split([' ', ',', '\n']).filter(|id| !id.is_empty()).map(PersonId::new);
    let people = people.collect::<Result<BTreeSet<_>, _>>()?;
    let until = instant(Some(&asked.until))?;
    app.organisation.submit_version(&caller.person, id.clone(), (people, until), app.now()).await?;
    Ok(back(&id))
}

fn back(id: &VersionId) -> Response {
    seen(&format!("/versions/{}", encoded(id.as_str())))
}

/// What somebody says, as a form sends it.
#[derive(Deserialize)]
struct Said {
    verdict: String,
    #[serde(default)]
    words: String,
    terms: String,
}

async fn note(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Form(said): Form<Said>,
) -> Answer<Response> {
    let id = VersionId::new(id)?;
    let verdict = Verdict::ALL.iter().find(|verdict| verdict.word() == said.verdict).copied();
    let verdict = verdict.ok_or_else(|| Problem::not_found("such verdict"))?;
    let command = Command::NoteVersion { version: id.clone(), verdict, words: said.words, terms: said.terms };
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok(back(&id))
}

async fn withdraw(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    let id = VersionId::new(id)?;
    app.organisation.act(&caller.person, app.now(), Command::WithdrawVersion(id.clone())).await?;
    Ok(back(&id))
}

async fn publish(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer<Response> {
    let id = VersionId::new(id)?;
    app.organisation.publish_version(&caller.person, id.clone(), app.now()).await?;
    Ok(back(&id))
}
