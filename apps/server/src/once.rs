//! Once: a request with an `Idempotency-Key` is done once, however often it is sent (draft-ietf-httpapi-idempotency-key-header).

use crate::app::App;
use crate::identity::Caller;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::response::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Mutex;

/// How long an answer is kept.
const HOURS: i64 = 24;
/// The most bytes of a body or an answer that this holds for; inventories, which are larger, are taken in once by themselves.
const MOST_BYTES: usize = 1 << 20;

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The digest of what was asked.
    asked: String,
    status: u16,
    kind: String,
    body: String,
}

/// What is being done now, by key.
static RUNNING: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Whoever does something under a key; the key is free again when this is dropped.
struct Running(String);

impl Running {
    fn begin(key: &str) -> Option<Self> {
        let mut running = RUNNING.lock().ok()?;
        running.get_or_insert_default().insert(key.to_owned()).then(|| Self(key.to_owned()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(mut running) = RUNNING.lock()
            && let Some(running) = running.as_mut()
        {
            running.remove(&self.0);
        }
    }
}

/// Does a request once.
pub(crate) async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").cloned();
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let Some(key) = key.filter(|_| request.method() == Method::POST && length.unwrap_or(0) <= MOST_BYTES) else {
        return next.run(request).await;
    };
    match done_once(&app, (&key, request), next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn done_once(app: &App, (key, request): (&HeaderValue, Request), next: Next) -> Result<Response, Problem> {
    // INVARIANT: the guard has let somebody in. One person's key is not another's.
    let caller = request.extensions().get::<Caller>().cloned().ok_or_else(Problem::unauthenticated)?;
    let parts = format!("{} {} {:?}", caller.person, request.uri(), key);
    let name = ledger::digest(parts.as_bytes());
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request/too-large",
            "with an Idempotency-Key the body may have 1 MiB",
        )
    })?;
    let asked = ledger::digest(&body);
    let conflict = || {
        Problem::new(StatusCode::CONFLICT, "request/running", "a request with this Idempotency-Key is being done now")
    };
    let running = Running::begin(&name).ok_or_else(conflict)?;
    if let Some(text) = app.organisation.store.answer(&name, app.now()).await? {
        // What was answered may hold a secret that was to be shown once: it is sealed.
        let unsealed = app.sealer.unseal(&text, &name).unwrap_or_default();
        let kept: Kept = serde_json::from_slice(&unsealed).map_err(|error| Problem::internal(&error))?;
        if kept.asked != asked {
            let words = "this Idempotency-Key was used for another request";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "request/key-reused", words));
        }
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        return Ok((status, [(header::CONTENT_TYPE, kept.kind)], kept.body).into_response());
    }
    // What was begun is done and kept, also where whoever asked has gone: they ask again.
    let app = app.clone();
    let done = tokio::spawn(async move {
        let _running = running;
        let response = next.run(Request::from_parts(head, Body::from(body))).await;
        if !response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|error| Problem::internal(&error))?;
        if let Err(problem) = keep(&app, (&name, asked), (&parts, &bytes)).await {
            // It is done: to say that it is not would be worse than to do it twice when it is asked for again.
            tracing::error!(why = problem.detail(), "what was answered could not be kept under its Idempotency-Key");
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    });
    done.await.map_err(|error| Problem::internal(&error))?
}

async fn keep(app: &App, (name, asked): (&str, String), (parts, bytes): (&Parts, &[u8])) -> Result<(), Problem> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = String::from_utf8_lossy(bytes).into_owned();
    let kept = Kept { asked, status: parts.status.as_u16(), kind: kind.to_owned(), body };
    let text = serde_json::to_vec(&kept).map_err(|error| Problem::internal(&error))?;
    let text = app.sealer.seal(&text, name).map_err(|error| Problem::internal(&error))?;
    let until = app.now() + SignedDuration::from_hours(HOURS);
    Ok(app.organisation.store.put_answer(name, until, &text).await?)
}
