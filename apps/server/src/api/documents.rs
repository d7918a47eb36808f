//! Governing documents: the register, and what can be done with one.

use super::{Json, Path, Query, Reason, instant};
use crate::access::{ACKNOWLEDGES, Access, CALLS_REVIEWS, EVERYBODY, GOVERNS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use lifecycle::{Command, Described, Document, DocumentId, Level, PersonId};
use policy::Length;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (EVERYBODY, routes!(list_documents)),
        (EVERYBODY, routes!(get_document)),
        (GOVERNS, routes!(update_document)),
        (GOVERNS, routes!(retire_document)),
        (CALLS_REVIEWS, routes!(review_document)),
        (CALLS_REVIEWS, routes!(call_review)),
        (ACKNOWLEDGES, routes!(acknowledge_document)),
    ]
}

/// What a document is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum LevelShape {
    Policy,
    Standard,
    Procedure,
    Guideline,
}

impl From<Level> for LevelShape {
    fn from(level: Level) -> Self {
        match level {
            Level::Policy => Self::Policy,
            Level::Standard => Self::Standard,
            Level::Procedure => Self::Procedure,
            Level::Guideline => Self::Guideline,
        }
    }
}

impl From<LevelShape> for Level {
    fn from(shape: LevelShape) -> Self {
        match shape {
            LevelShape::Policy => Self::Policy,
            LevelShape::Standard => Self::Standard,
            LevelShape::Procedure => Self::Procedure,
            LevelShape::Guideline => Self::Guideline,
        }
    }
}

/// A text that is or was in force.
#[derive(Debug, Serialize, ToSchema)]
struct TextShape {
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The digest of the text.
    digest: String,
    /// The version that it came with; none for a policy that one person put in force.
    version: Option<String>,
}

/// A document of the register.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentShape {
    id: String,
    level: LevelShape,
    title: String,
    owner: String,
    /// The document above it that it carries out.
    implements: Option<String>,
    /// How often it is looked at again.
    review_every: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    reviewed_at: Option<Timestamp>,
    /// By when it must be looked at again; none before a text is in force, or once it is retired.
    #[schema(value_type = Option<String>, format = DateTime)]
    review_due_at: Option<Timestamp>,
    /// What asks for a look at once.
    review_called_for: Option<String>,
    /// The texts that were put in force, in the order of that; the day of the last one may still be to come.
    texts: Vec<TextShape>,
    is_retired: bool,
}

fn shape((id, document): (&DocumentId, &Document), state: &lifecycle::State, now: Timestamp) -> DocumentShape {
    let described = &document.described;
    let every = state.review_every(id, document);
    let is_in_force = document.is_active() && document.in_force(now).is_some();
    DocumentShape {
        id: id.to_string(),
        level: described.level.into(),
        title: described.title.clone(),
        owner: described.owner.to_string(),
        implements: described.implements.as_ref().map(ToString::to_string),
        review_every: every.to_string(),
        reviewed_at: document.reviewed_at,
        review_due_at: is_in_force.then(|| document.review_due(every)),
        review_called_for: document.called.as_ref().map(|(_, reason)| reason.clone()),
        texts: document
            .texts
            .iter()
            .map(|text| TextShape {
                since: text.since,
                digest: text.text.clone(),
                version: text.version.as_ref().map(ToString::to_string),
            })
            .collect(),
        is_retired: !document.is_active(),
    }
}

/// The register.
#[derive(Debug, Serialize, ToSchema)]
struct Documents {
    items: Vec<DocumentShape>,
}

/// The register of governing documents.
#[utoipa::path(get, path = "/api/v1/documents", tag = "documents", responses((status = 200, body = Documents)))]
async fn list_documents(State(app): State<App>) -> Answer<axum::Json<Documents>> {
    let record = app.organisation.store.record().await?;
    let state = &record.state;
    let items = state.documents.iter().map(|one| shape(one, state, app.now())).collect();
    Ok(axum::Json(Documents { items }))
}

async fn one(app: &App, id: &DocumentId) -> Answer<axum::Json<DocumentShape>> {
    let record = app.organisation.store.record().await?;
    let found = record.state.documents.get(id).map(|known| shape((id, known), &record.state, app.now()));
    found.map(axum::Json).ok_or_else(|| Problem::not_found("such document"))
}

/// A document with its text.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentText {
    document: DocumentShape,
    /// The text that was in force, if one was: of the policy the file with its prose, of others Markdown.
    text: Option<String>,
}

/// A document, with the text in force now or at an instant.
#[utoipa::path(get, path = "/api/v1/documents/{document}", tag = "documents", params(("document" = String, Path, description = "The document's id"), super::AtQuery),
    responses((status = 200, body = DocumentText), (status = 404, body = Problem)))]
async fn get_document(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<super::AtQuery>,
) -> Answer<axum::Json<DocumentText>> {
    let id = DocumentId::new(id)?;
    let at = instant(query.at.as_deref())?.unwrap_or_else(|| app.now());
    let digest = {
        let record = app.organisation.store.record().await?;
        let known = record.state.documents.get(&id).ok_or_else(|| Problem::not_found("such document"))?;
        known.in_force(at).map(|text| text.text.clone())
    };
    let text = match digest {
        Some(digest) => Some(app.organisation.text(&digest).await?),
        None => None,
    };
    let axum::Json(document) = one(&app, &id).await?;
    Ok(axum::Json(DocumentText { document, text }))
}

/// What is said of a document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDocument {
    level: LevelShape,
    #[schema(min_length = 1)]
    title: String,
    /// Who answers for it.
    owner: String,
    implements: Option<String>,
    /// How often it is looked at again: `12 months`.
    #[schema(example = "12 months")]
    review_every: String,
}

/// Registers a document, or says something else of one.
#[utoipa::path(put, path = "/api/v1/documents/{document}", tag = "documents", params(("document" = String, Path, description = "The document's id")),
    request_body = NewDocument, responses((status = 200, body = DocumentShape), (status = 422, body = Problem)))]
async fn update_document(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(new): Json<NewDocument>,
) -> Answer<axum::Json<DocumentShape>> {
    let id = DocumentId::new(id)?;
    let described = Described {
        level: new.level.into(),
        title: new.title,
        owner: PersonId::new(new.owner)?,
        implements: new.implements.map(DocumentId::new).transpose()?,
        review_every: length(&new.review_every)?,
    };
    app.organisation.act(&caller.person, app.now(), Command::DescribeDocument(id.clone(), described)).await?;
    one(&app, &id).await
}

/// A length of time as somebody writes it.
pub(crate) fn length(text: &str) -> Answer<Length> {
    let wrong = || Problem::bad(format!("`{}` is no length of time: 12 months, 30 days", text.escape_debug()));
    Length::parse(text).ok_or_else(wrong)
}

async fn with_reason(
    app: &App,
    caller: &Caller,
    id: DocumentId,
    command: impl FnOnce(DocumentId) -> Command,
) -> Answer<axum::Json<DocumentShape>> {
    app.organisation.act(&caller.person, app.now(), command(id.clone())).await?;
    one(app, &id).await
}

/// Takes a document out of the register, which keeps its history.
#[utoipa::path(post, path = "/api/v1/documents/{document}/retire", tag = "documents", params(("document" = String, Path, description = "The document's id")),
    request_body = Reason, responses((status = 200, body = DocumentShape), (status = 404, body = Problem)))]
async fn retire_document(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(reason): Json<Reason>,
) -> Answer<axum::Json<DocumentShape>> {
    with_reason(&app, &caller, DocumentId::new(id)?, |id| Command::RetireDocument(id, reason.reason)).await
}

/// Says that a document was looked at and holds, with what was found.
#[utoipa::path(post, path = "/api/v1/documents/{document}/review", tag = "documents", params(("document" = String, Path, description = "The document's id")),
    request_body = Reason, responses((status = 200, body = DocumentShape), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn review_document(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(reason): Json<Reason>,
) -> Answer<axum::Json<DocumentShape>> {
    with_reason(&app, &caller, DocumentId::new(id)?, |id| Command::ReviewDocument(id, reason.reason)).await
}

/// Asks that a document is looked at at once: an incident, an audit's finding, technology that is new.
#[utoipa::path(post, path = "/api/v1/documents/{document}/call-review", tag = "documents", params(("document" = String, Path, description = "The document's id")),
    request_body = Reason, responses((status = 200, body = DocumentShape), (status = 404, body = Problem)))]
async fn call_review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(reason): Json<Reason>,
) -> Answer<axum::Json<DocumentShape>> {
    with_reason(&app, &caller, DocumentId::new(id)?, |id| Command::CallReview(id, reason.reason)).await
}

/// The text that somebody has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadText {
    /// Its digest.
    digest: String,
    /// One's name, as one signs; it must be the one that is known here, if one is.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// Says that one has read a document, by the digest of its text.
#[utoipa::path(post, path = "/api/v1/documents/{document}/acknowledge", tag = "documents", params(("document" = String, Path, description = "The document's id")),
    request_body = ReadText, responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn acknowledge_document(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(read): Json<ReadText>,
) -> Answer<StatusCode> {
    let command = Command::Acknowledge(DocumentId::new(id)?, read.digest);
    crate::identity::account::sign(&app, &caller.person, &read.name, command).await?;
    Ok(StatusCode::NO_CONTENT)
}
