//! Documents as files: PDF, DOCX, Markdown, HTML.

use crate::access::EVERYBODY;
use crate::api::{AtQuery, Path, Query, instant};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use crate::routes::PageRoute;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use documents::Sheet;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lifecycle::{DocumentId, VersionId};
use operations::{PolicyDocument, policy_document};
use policy::Policy;
use serde::Deserialize;

pub(super) fn routes() -> Vec<(&'static str, PageRoute)> {
    vec![
        (
            "GET",
            PageRoute {
                access: EVERYBODY,
                path: "/policy/documents/{document}/files/{format}",
                handler: get(of_policy),
            },
        ),
        (
            "GET",
            PageRoute { access: EVERYBODY, path: "/documents/{document}/files/{format}", handler: get(of_document) },
        ),
        ("GET", PageRoute { access: EVERYBODY, path: "/versions/{version}/files/{format}", handler: get(of_version) }),
    ]
}

/// What is written, before it is a file.
struct Manuscript {
    title: String,
    imprint: String,
    at: Timestamp,
    markdown: String,
    name: String,
}

/// As of when, whether with figures of the organisation, and of which team.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    pub(super) at: Option<String>,
    examples: Option<String>,
    pub(super) team: Option<String>,
}

impl Wanted {
    /// Whether what there is in the organisation itself is wanted too.
    pub(super) fn has_examples(&self) -> bool {
        matches!(self.examples.as_deref(), Some("1" | "true"))
    }
}

async fn of_policy(
    State(app): State<App>,
    caller: Caller,
    Path((document, format)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Answer<Response> {
    let at = instant(wanted.at.as_deref())?;
    let (known, _) = super::policy::in_force(&app, at).await?;
    let team = wanted.team.as_deref().filter(|team| !team.is_empty());
    let examples = match wanted.has_examples() {
        true => Some(super::policy::examples(&app, &caller, (at, team)).await?),
        false => None,
    };
    let asked =
        PolicyDocument { policy: &known.policy, text: &known.text, id: &document, examples: examples.as_deref() };
    let markdown = policy_document(&asked).ok_or_else(|| Problem::not_found("document of this name"))?;
    let digest = store::digest(known.text.as_bytes());
    let imprint = imprint(&app, (&DocumentId::policy(), &digest), known.since).await?;
    let manuscript = Manuscript {
        title: known.policy.name.clone(),
        imprint,
        at: known.since,
        markdown: markdown.map_err(unwritten)?,
        name: document,
    };
    file(&app, manuscript, &format).await
}

/// A document that lacks what it names is none.
fn unwritten(why: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "policy/unwritten", format!("this document cannot be written: {why}"))
}

async fn of_document(
    State(app): State<App>,
    Path((document, format)): Path<(String, String)>,
    Query(query): Query<AtQuery>,
) -> Answer<Response> {
    let id = DocumentId::new(document)?;
    let at = instant(query.at.as_deref())?;
    let (title, put) = {
        let record = app.organisation.store.record().await?;
        let known = record.state.documents.get(&id).filter(|_| !id.is_policy());
        let known = known.ok_or_else(|| Problem::not_found("such document"))?;
        let put = known.in_force(at.unwrap_or_else(|| app.now())).cloned();
        (known.described.title.clone(), put.ok_or_else(|| Problem::not_found("text of it in force then"))?)
    };
    let text = app.organisation.text(&put.text).await?;
    let markdown = {
        let record = app.organisation.store.record().await?;
        let adopted = record.facts.policies_by(at);
        operations::fill_document(&text, adopted.last().map(|(_, policy, text)| (policy.as_ref(), *text)))
    };
    let imprint = imprint(&app, (&id, &put.text), put.since).await?;
    let markdown = markdown.map_err(unwritten)?;
    file(&app, Manuscript { title, imprint, at: put.since, markdown, name: id.to_string() }, &format).await
}

async fn of_version(State(app): State<App>, Path((version, format)): Path<(String, String)>) -> Answer<Response> {
    let id = VersionId::new(version)?;
    let (digest, drafted_at, stage) = {
        let record = app.organisation.store.record().await?;
        let known = record.state.versions.get(&id).filter(|version| version.draft.document.is_policy());
        let known = known.ok_or_else(|| Problem::not_found("such version of the policy"))?;
        (known.draft.text.clone(), known.drafted_at, known.stage.word())
    };
    let text = app.organisation.text(&digest).await?;
    let policy = Policy::parse(&text).map_err(|error| unwritten(error.to_string()))?;
    let asked = PolicyDocument { policy: &policy, text: &text, id: "whole", examples: None };
    let markdown = policy_document(&asked).ok_or_else(|| Problem::not_found("document of this name"))?;
    let imprint = format!("Version {id}, {stage} · {digest}");
    let markdown = markdown.map_err(unwritten)?;
    file(
        &app,
        Manuscript { title: policy.name.clone(), imprint, at: drafted_at, markdown, name: id.to_string() },
        &format,
    )
    .await
}

/// What stands below a document's title: since when it holds, which version it is and who approved it, when it is looked at again,
/// and the digest of its text.
async fn imprint(app: &App, (id, digest): (&DocumentId, &str), since: Timestamp) -> Answer<String> {
    let record = app.organisation.store.record().await?;
    let state = &record.state;
    let mut words = vec![format!("In force since {}", day(since))];
    if let Some(document) = state.documents.get(id) {
        let put = document.texts.iter().rev().find(|put| put.text == digest && put.since <= since);
        let version = put.and_then(|put| put.version.as_ref());
        if let Some((version, known)) = version.and_then(|version| state.versions.get_key_value(version)) {
            let people: Vec<String> = known.approved_by().iter().map(ToString::to_string).collect();
            words.push(format!("version {version}, approved by {}", people.join(" and ")));
        }
        words.push(format!("owner {}", document.described.owner));
        words.push(format!("next review by {}", day(document.review_due(state.review_every(id, document)))));
    }
    words.push(digest.to_owned());
    Ok(words.join(" · "))
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}

/// A manuscript in a format.
async fn file(app: &App, manuscript: Manuscript, format: &str) -> Answer<Response> {
    let kind = match format {
        "pdf" => "application/pdf",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "md" => "text/markdown; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        _ => return Err(Problem::not_found("such format: there are pdf, docx, md and html")),
    };
    let name: String = manuscript
        .name
        .chars()
        .map(|sign| if sign.is_ascii_alphanumeric() || "-._".contains(sign) { sign } else { '-' })
        .collect();
    let disposition = format!("attachment; filename=\"{name}.{format}\"");
    let format = format.to_owned();
    // Setting a page takes a while, and nobody else waits for it.
    let set = move || {
        let Manuscript { title, imprint, at, markdown, .. } = &manuscript;
        let sheet = Sheet { title, imprint, at: *at };
        Ok(match format.as_str() {
            "pdf" => documents::pdf(&sheet, markdown)?,
            "docx" => documents::docx(&sheet, markdown)?,
            "md" => markdown.clone().into_bytes(),
            _ => documents::page(title, markdown).into_bytes(),
        })
    };
    let bytes: Result<Vec<u8>, documents::Error> = app.apart(set).await?;
    let bytes = bytes.map_err(|error| unwritten(store::in_words(&error)))?;
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}
