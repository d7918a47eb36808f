//! Versions of documents: drafts, what is said of them, and their publication.

use super::{Json, Path, instant};
use crate::access::{Access, DRAFTS, EVERYBODY, SAYS};
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use lifecycle::{Command, DocumentId, PersonId, Transition, Verdict, Version, VersionId};
use operations::Drafted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    vec![
        (EVERYBODY, routes!(list_versions)),
        (EVERYBODY, routes!(get_version)),
        (DRAFTS, routes!(draft_version)),
        (DRAFTS, routes!(submit_version)),
        (SAYS, routes!(note_version)),
        (DRAFTS, routes!(withdraw_version)),
        (DRAFTS, routes!(publish_version)),
        (EVERYBODY, routes!(check_policy)),
    ]
}

/// What holds for findings that are open when another policy comes into force.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum TransitionShape {
    /// Their deadlines are counted anew, as if the new policy had always been there.
    Recount,
    /// Where the new policy gives less time, that is counted from the switch on; nothing is due later than it was.
    FromSwitch,
    /// They keep the dates that they have.
    Keep,
}

impl From<TransitionShape> for Transition {
    fn from(shape: TransitionShape) -> Self {
        match shape {
            TransitionShape::Recount => Self::Recount,
            TransitionShape::FromSwitch => Self::FromSwitch,
            TransitionShape::Keep => Self::Keep,
        }
    }
}

/// What somebody says of a version.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum VerdictShape {
    /// A comment, which decides nothing.
    Comment,
    /// Who is concerned has nothing against it.
    Input,
    /// The security review finds it sound.
    Sound,
    /// Something speaks against it.
    Objection,
    /// It is approved.
    Approved,
    /// It is turned down.
    Declined,
}

impl From<VerdictShape> for Verdict {
    fn from(shape: VerdictShape) -> Self {
        match shape {
            VerdictShape::Comment => Self::Comment,
            VerdictShape::Input => Self::Input,
            VerdictShape::Sound => Self::Sound,
            VerdictShape::Objection => Self::Objection,
            VerdictShape::Approved => Self::Approved,
            VerdictShape::Declined => Self::Declined,
        }
    }
}

/// What was said of a version.
#[derive(Debug, Serialize, ToSchema)]
struct NoteShape {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    by: String,
    /// `comment`, `input`, `sound`, `objection`, `approved` or `declined`.
    verdict: &'static str,
    words: String,
    /// Whether it was said of the version as it is now.
    is_of_now: bool,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
struct VersionShape {
    id: String,
    document: String,
    /// The digest of its text.
    digest: String,
    rationale: String,
    /// `draft`, `in review`, `published`, `declined` or `withdrawn`.
    stage: &'static str,
    /// `recount`, `from-switch` or `keep`.
    transition: &'static str,
    /// From when on it is to hold; of a published one, from when on it holds.
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_at: Option<Timestamp>,
    authors: Vec<String>,
    /// The digest of what is reviewed and approved: it is named by whoever says something of it.
    terms: String,
    stakeholders: Vec<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    input_until: Option<Timestamp>,
    notes: Vec<NoteShape>,
    /// What it lacks before it can be approved.
    lacks: Vec<String>,
    /// Whose approval it lacks, by their titles.
    approvals_lacking: Vec<String>,
}

fn shape((id, version): (&VersionId, &Version), state: &lifecycle::State, now: Timestamp) -> VersionShape {
    let terms = version.terms();
    let note = |note: &lifecycle::Note| NoteShape {
        at: note.at,
        by: note.by.to_string(),
        verdict: note.verdict.word(),
        words: note.words.clone(),
        is_of_now: note.terms == terms,
    };
    let published = version.published.as_ref().map(|(.., effective_at)| *effective_at);
    let is_open = version.is_open();
    VersionShape {
        id: id.to_string(),
        document: version.draft.document.to_string(),
        digest: version.draft.text.clone(),
        rationale: version.draft.rationale.clone(),
        stage: version.stage.word(),
        transition: version.draft.transition.word(),
        effective_at: published.or(version.draft.effective_at),
        authors: version.authors.iter().map(ToString::to_string).collect(),
        stakeholders: version.stakeholders.iter().map(ToString::to_string).collect(),
        input_until: version.input.map(|(_, until)| until),
        notes: version.notes.iter().map(note).collect(),
        lacks: if is_open { state.lacks(version, now) } else { Vec::new() },
        approvals_lacking: if is_open { state.approvals_lacking(version) } else { Vec::new() },
        terms,
    }
}

/// Versions.
#[derive(Debug, Serialize, ToSchema)]
struct Versions {
    items: Vec<VersionShape>,
}

/// The versions of all documents.
#[utoipa::path(get, path = "/api/v1/versions", tag = "documents", responses((status = 200, body = Versions)))]
async fn list_versions(State(app): State<App>) -> Answer<axum::Json<Versions>> {
    let record = app.organisation.store.record().await?;
    let state = &record.state;
    let items = state.versions.iter().map(|one| shape(one, state, app.now())).collect();
    Ok(axum::Json(Versions { items }))
}

async fn one(app: &App, id: &VersionId) -> Answer<VersionShape> {
    let record = app.organisation.store.record().await?;
    let found = record.state.versions.get(id).map(|known| shape((id, known), &record.state, app.now()));
    found.ok_or_else(|| Problem::not_found("such version"))
}

/// A version with its text.
#[derive(Debug, Serialize, ToSchema)]
struct VersionText {
    version: VersionShape,
    text: String,
}

/// A version, with its text.
#[utoipa::path(get, path = "/api/v1/versions/{version}", tag = "documents", params(("version" = String, Path, description = "The version's id")),
    responses((status = 200, body = VersionText), (status = 404, body = Problem)))]
async fn get_version(State(app): State<App>, Path(id): Path<String>) -> Answer<axum::Json<VersionText>> {
    let version = one(&app, &VersionId::new(id)?).await?;
    let text = app.organisation.text(&version.digest).await?;
    Ok(axum::Json(VersionText { version, text }))
}

/// A draft.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewVersion {
    /// The document's id: `policy` is the policy.
    document: String,
    /// Of the policy the file with its prose, of others Markdown.
    text: String,
    /// Why it is wanted.
    #[schema(min_length = 1)]
    rationale: String,
    /// From when on it is to hold: a day or an instant; from its publication on if that is later, or nothing is said.
    effective_at: Option<String>,
    transition: Option<TransitionShape>,
}

/// Drafts a version, or revises one: then what was said of it before holds no longer.
#[utoipa::path(put, path = "/api/v1/versions/{version}", tag = "documents", params(("version" = String, Path, description = "The version's id")),
    request_body = NewVersion, responses((status = 200, body = VersionShape), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn draft_version(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(new): Json<NewVersion>,
) -> Answer<axum::Json<VersionShape>> {
    let id = VersionId::new(id)?;
    let drafted = Drafted {
        document: DocumentId::new(new.document)?,
        text: new.text,
        rationale: new.rationale,
        effective_at: instant(new.effective_at.as_deref())?,
        transition: new.transition.map_or(Transition::FromSwitch, Into::into),
    };
    app.organisation.draft(&caller.person, id.clone(), drafted, app.now()).await?;
    one(&app, &id).await.map(axum::Json)
}

/// Whose input is waited for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Stakeholders {
    people: Vec<String>,
    /// Until when: a day or an instant.
    input_until: Option<String>,
}

/// Hands a draft in for review.
#[utoipa::path(post, path = "/api/v1/versions/{version}/submit", tag = "documents", params(("version" = String, Path, description = "The version's id")),
    request_body = Stakeholders, responses((status = 200, body = VersionShape), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn submit_version(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(asked): Json<Stakeholders>,
) -> Answer<axum::Json<VersionShape>> {
    let id = VersionId::new(id)?;
    let people = asked.people.into_iter().map(PersonId::new).collect::<Result<_, _>>()?;
    let until = instant(asked.input_until.as_deref())?;
    app.organisation.submit_version(&caller.person, id.clone(), (people, until), app.now()).await?;
    one(&app, &id).await.map(axum::Json)
}

/// Something that is said of a version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    verdict: VerdictShape,
    #[serde(default)]
    words: String,
    /// The digest of what was read, as the version names it.
    terms: String,
}

/// Says something of a version: a comment, input, that it is sound, an objection, an approval.
#[utoipa::path(post, path = "/api/v1/versions/{version}/notes", tag = "documents", params(("version" = String, Path, description = "The version's id")),
    request_body = NewNote, responses((status = 201, body = VersionShape), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn note_version(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(new): Json<NewNote>,
) -> Answer<(StatusCode, axum::Json<VersionShape>)> {
    let id = VersionId::new(id)?;
    let (verdict, words, terms) = (new.verdict.into(), new.words, new.terms);
    let command = Command::NoteVersion { version: id.clone(), verdict, words, terms };
    app.organisation.act(&caller.person, app.now(), command).await?;
    Ok((StatusCode::CREATED, axum::Json(one(&app, &id).await?)))
}

/// Takes a version back before it is published.
#[utoipa::path(post, path = "/api/v1/versions/{version}/withdraw", tag = "documents", params(("version" = String, Path, description = "The version's id")),
    responses((status = 200, body = VersionShape), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn withdraw_version(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<axum::Json<VersionShape>> {
    let id = VersionId::new(id)?;
    app.organisation.act(&caller.person, app.now(), Command::WithdrawVersion(id.clone())).await?;
    one(&app, &id).await.map(axum::Json)
}

/// Publishes a version that is approved: it holds from its day on.
#[utoipa::path(post, path = "/api/v1/versions/{version}/publish", tag = "documents", params(("version" = String, Path, description = "The version's id")),
    responses((status = 200, body = VersionShape), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn publish_version(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<axum::Json<VersionShape>> {
    let id = VersionId::new(id)?;
    app.organisation.publish_version(&caller.person, id.clone(), app.now()).await?;
    one(&app, &id).await.map(axum::Json)
}

/// The text of a policy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    text: String,
}

/// Something that is wrong with a policy, or may be.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyProblem {
    code: &'static str,
    is_error: bool,
    line: Option<usize>,
    what: String,
    hint: String,
    /// A case in which it does not hold; may be empty.
    example: String,
}

/// What a check found.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedShape {
    problems: Vec<PolicyProblem>,
    /// What was proven, in words.
    proven: Vec<String>,
}

/// Checks the text of a policy, and keeps nothing of it.
#[utoipa::path(post, path = "/api/v1/policy/check", tag = "policy", request_body = PolicyText, responses((status = 200, body = CheckedShape)))]
async fn check_policy(State(app): State<App>, Json(new): Json<PolicyText>) -> Answer<axum::Json<CheckedShape>> {
    let now = app.now();
    let checked = app.apart(move || operations::check_policy(&new.text, now)).await??;
    let problem = |problem: policy::Problem| PolicyProblem {
        code: problem.code,
        is_error: problem.is_error,
        line: problem.line,
        what: problem.what,
        hint: problem.hint,
        example: problem.example,
    };
    let problems = checked.problems.into_iter().map(problem).collect();
    Ok(axum::Json(CheckedShape { problems, proven: checked.proven }))
}
