//! The API: one file a noun, and the shapes that they share.

mod agents;
mod assets;
mod decisions;
mod feeds;
mod findings;
mod inventories;
mod ledger;
mod people;
mod shapes;
mod tokens;

pub(crate) use agents::let_in;
pub(crate) use assets::{AssetQuery, exposure};
pub(crate) use decisions::{is_seen, seen_assets};
pub(crate) use findings::FindingQuery;
pub(crate) use people::erase;
pub(crate) use shapes::Reason;
pub(crate) use tokens::{issue, seen};

use crate::access::Access;
use crate::app::App;
use crate::identity::Caller;
use crate::problem::{Answer, Problem};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleet::AssetFilter;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use utoipa_axum::router::UtoipaMethodRouter;

/// Everything that programs can ask for, each with who may.
pub(crate) fn routes() -> Vec<(Access, UtoipaMethodRouter<App>)> {
    let all = [
        assets::routes(),
        inventories::routes(),
        findings::routes(),
        decisions::routes(),
        feeds::routes(),
        ledger::routes(),
        people::routes(),
        tokens::routes(),
        agents::routes(),
    ];
    all.into_iter().flatten().collect()
}

/// The most rows of one page.
pub(crate) const MOST_ROWS: usize = 1000;
/// No list is longer.
const MOST_OFFSET: usize = 1 << 40;
/// The rows of a page where nothing is said.
const ROWS: usize = 100;

/// What stands in the address after the question mark.
pub(crate) struct Query<T>(pub(crate) T);
/// What stands in the address's path.
pub(crate) struct Path<T>(pub(crate) T);
/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(value)| Self(value))
            .map_err(|error: QueryRejection| Problem::bad(error.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let read = <axum::extract::Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(value)| Self(value))
            .map_err(|error: PathRejection| Problem::bad(error.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        let read = axum::Json::<T>::from_request(request, state).await;
        read.map(|axum::Json(value)| Self(value)).map_err(|error: JsonRejection| match error.status() {
            // Well-formed JSON of another shape is as wrong as none.
            axum::http::StatusCode::UNPROCESSABLE_ENTITY => Problem::bad(error.body_text()),
            status => Problem::new(status, "request/malformed", error.body_text()),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        // INVARIANT: who is let in to a route that asks for somebody is somebody.
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthenticated)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Option<Self>> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

impl Caller {
    /// The assets that they see, as far as a filter goes.
    pub(crate) fn sees(&self) -> AssetFilter {
        AssetFilter { owners: self.owners.clone(), ..AssetFilter::default() }
    }
}

/// An instant or a day, as somebody writes it; a day is taken with all of its hours.
pub(crate) fn instant(text: Option<&str>) -> Answer<Option<Timestamp>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let day = || {
        let end = text.parse::<jiff::civil::Date>().ok()?.at(23, 59, 59, 0);
        end.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|end| end.timestamp())
    };
    let read = text.parse::<Timestamp>().ok().or_else(day);
    read.map(Some)
        .ok_or_else(|| Problem::bad(format!("`{text}` is no date (2026-11-23) and no instant (2026-11-23T10:00:00Z)")))
}

/// Forms send fields that nobody filled in as empty texts: they say nothing.
fn empty_is_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
    let some = Some(text).filter(|text| !text.is_empty());
    some.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PartQuery {
    /// The token of a page that was given with the one before.
    page_token: Option<String>,
    /// How many rows, 1000 at the most.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(deserialize_with = "empty_is_none")]
    limit: Option<usize>,
}

impl PartQuery {
    pub(crate) fn part(&self) -> Answer<Part> {
        Part::of(self.page_token.as_deref(), self.limit)
    }
}

/// Which part of a list is asked for: from which place on, and how many rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

impl Part {
    /// The part that a page token and a limit ask for.
    pub(crate) fn of(token: Option<&str>, limit: Option<usize>) -> Answer<Self> {
        let limit = limit.unwrap_or(ROWS);
        if limit == 0 || limit > MOST_ROWS {
            return Err(Problem::bad(format!("limit must lie between 1 and {MOST_ROWS}")));
        }
        let read = |token: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            std::str::from_utf8(&bytes)
                .ok()?
                .strip_prefix("1:")?
                .parse::<usize>()
                .ok()
                .filter(|offset| *offset <= MOST_OFFSET)
        };
        let offset = match token.filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => read(token).ok_or_else(|| Problem::bad("page_token is none that was given out"))?,
        };
        Ok(Self { offset, limit })
    }

    /// The token of the part before this one; none where that is the first.
    pub(crate) fn before(self) -> Option<String> {
        let offset = self.offset.saturating_sub(self.limit);
        (offset > 0).then(|| URL_SAFE_NO_PAD.encode(format!("1:{offset}")))
    }

    /// The token of the part behind this one; none if there is nothing behind it.
    pub(crate) fn next(self, rows: usize, total: usize) -> Option<String> {
        let end = self.offset + rows;
        (end < total && rows > 0).then(|| URL_SAFE_NO_PAD.encode(format!("1:{end}")))
    }
}
