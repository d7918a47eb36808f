//! Problems: what a request is answered where it cannot be done (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lifecycle::Refusal;
use serde::Serialize;

/// Why a request was not done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// The kind of problem: `urn:plimsoll:` and a stable code.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "urn:plimsoll:refusal/role")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong here.
    detail: String,
}

/// What a handler answers.
pub(crate) type Answer<T> = Result<T, Problem>;

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:plimsoll:{code}"),
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request/malformed", detail)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "refusal/unknown", format!("there is no {what}"))
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "access/unauthenticated", "sign in, or send a token that is valid")
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "access/forbidden", detail)
    }

    /// Something failed here; what it was is in the log, and not for whoever asked.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %store::in_words(error), "a request failed");
        let words = "something failed here; the service's log says what";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "service/failed", words)
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The kind of problem: `urn:plimsoll:` and a stable code.
    pub(crate) fn code(&self) -> &str {
        &self.kind
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn title(&self) -> &'static str {
        self.title
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // Pages show it in their own form.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<lifecycle::NoId> for Problem {
    fn from(no_id: lifecycle::NoId) -> Self {
        Refusal::from(no_id).into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NoId(_) => StatusCode::BAD_REQUEST,
            Refusal::Unknown { .. } => StatusCode::NOT_FOUND,
            Refusal::Exists { .. }
            | Refusal::State { .. }
            | Refusal::LastAdministrator
            | Refusal::NotReady { .. }
            | Refusal::NeedsApproval { .. } => StatusCode::CONFLICT,
            Refusal::Role { .. }
            | Refusal::OwnRequest
            | Refusal::OwnRoles
            | Refusal::OwnCredentials
            | Refusal::OwnDraft
            | Refusal::OwnTraining
            | Refusal::OwnDuty
            | Refusal::OwnViolation
            | Refusal::NoSeat { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, refusal.code(), refusal.to_string())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Refused(refusal) => refusal.into(),
            error @ store::Error::Plan(_) => {
                Self::new(StatusCode::CONFLICT, "record/not-possible", store::in_words(&error))
            }
            error => {
                tracing::error!(error = %store::in_words(&error), "the record failed");
                let words = "the record cannot be reached or written now; nothing was changed that was not confirmed";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "record/unavailable", words)
            }
        }
    }
}

impl From<operations::Error> for Problem {
    fn from(error: operations::Error) -> Self {
        match error {
            operations::Error::Store(error) => error.into(),
            error @ operations::Error::NoPolicy { .. } => {
                Self::new(StatusCode::CONFLICT, "policy/none", error.to_string())
            }
            error @ (operations::Error::Policy { .. } | operations::Error::Document { .. }) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "policy/errors", error.to_string())
            }
            error @ (operations::Error::Change { .. } | operations::Error::Order { .. }) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "change/not-possible", store::in_words(&error))
            }
            error @ operations::Error::Completions { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "training/file", error.to_string())
            }
            error => Self::internal(&error),
        }
    }
}
