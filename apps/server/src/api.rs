//! The API: one file a noun, and the shapes that they share.

mod agents;
mod alerts;
mod assets;
mod campaigns;
mod changes;
mod decisions;
mod documents;
mod feeds;
mod findings;
mod groups;
mod inventories;
mod ledger;
mod people;
mod shapes;
mod tokens;
mod versions;
mod violations;

pub(crate) use agents::let_in;
pub(crate) use alerts::{Alerts, alerts};
pub(crate) use assets::{AssetQuery, exposure};
pub(crate) use changes::{
    ActOn, ChangeAct, ChangeAnswer, NewChange, as_calendar, change_id, happens, log_of, plan, sees,
    unknown as unknown_change,
};
pub(crate) use decisions::{check_seen, is_seen, new_id, seen_assets};
pub(crate) use documents::length;
pub(crate) use findings::{FindingQuery, NOT_HELD_YET, by_spread, by_weight, findings_of, has_class};
pub(crate) use groups::{in_lines, take_people};
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
use lifecycle::AssetId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
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
        groups::routes(),
        documents::routes(),
        versions::routes(),
        campaigns::routes(),
        violations::routes(),
        alerts::routes(),
        changes::routes(),
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

    /// Says no to what somebody does not see of an asset: of now by whose it is now, of a past day by whose it was then, and by whose
    /// it is where it was not there.
    pub(crate) fn may_see(&self, record: &store::Record, asset: &AssetId, at: Option<Timestamp>) -> Answer<()> {
        let Some(owner) = at.and_then(|at| record.facts.owner_at(asset, at)) else {
            return Ok(record.state.may_see(&self.person, asset)?);
        };
        let is_seen = |owners: &BTreeSet<String>| owner.is_some_and(|owner| owners.contains(owner));
        match self.owners.as_ref().is_none_or(is_seen) {
            true => Ok(()),
            false => Err(Problem::not_found("such asset")),
        }
    }
}

/// An instant or a day, as somebody writes it; a day is taken with all of its hours.
pub(crate) fn instant(text: Option<&str>) -> Answer<Option<Timestamp>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let end = || Some(day(text)?.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    let read = text.parse::<Timestamp>().ok().or_else(end);
    read.map(Some)
        .ok_or_else(|| Problem::bad(format!("`{text}` is no date (2026-11-23) and no instant (2026-11-23T10:00:00Z)")))
}

/// A day as somebody writes it. A date that a time without its zone follows is none.
pub(crate) fn day(text: &str) -> Option<jiff::civil::Date> {
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    text.parse().ok().filter(|_| is_date)
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

/// As of when.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AtQuery {
    /// As of this day or instant instead of now.
    pub(crate) at: Option<String>,
}

/// What asks for a part of a list.
pub(crate) trait Listed: Clone + std::fmt::Debug {
    /// The token and the limit.
    fn page(&mut self) -> (&mut Option<String>, &mut Option<usize>);
}

impl Listed for PartQuery {
    fn page(&mut self) -> (&mut Option<String>, &mut Option<usize>) {
        (&mut self.page_token, &mut self.limit)
    }
}

/// Which part of a list is asked for: from which place on, and how many rows.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// How many rows came before. Where it is known behind which row the list goes on, that is for people to read.
    pub(crate) offset: usize,
    pub(crate) limit: usize,
    after: Option<String>,
    /// What the list is of: a token holds for the list, the filters and the day that it was given out with.
    about: String,
}

impl Part {
    /// The part of a list that a query asks for, so many rows if it does not say how many.
    pub(crate) fn of(list: &str, query: &impl Listed, usual: usize) -> Answer<Self> {
        let mut asked = query.clone();
        let (token, limit) = asked.page();
        let (token, limit) = (token.take(), limit.take().unwrap_or(usual));
        let about = ::ledger::digest(format!("{list} {asked:?}").as_bytes());
        let about: String = about.chars().rev().take(12).collect();
        if limit == 0 || limit > MOST_ROWS {
            return Err(Problem::bad(format!("limit must lie between 1 and {MOST_ROWS}")));
        }
        let read = |token: &str| {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
            let (kind, rest) = text.split_once(':')?;
            let rest = rest.strip_prefix(about.as_str())?.strip_prefix(':')?;
            let (offset, after) = match kind {
                "1" => (rest, None),
                "2" => rest.split_once(':').map(|(offset, after)| (offset, Some(after)))?,
                _ => return None,
            };
            let offset = offset.parse::<usize>().ok().filter(|offset| after.is_some() || *offset <= MOST_OFFSET)?;
            Some((offset, after.map(str::to_owned)))
        };
        let (offset, after) = match token.filter(|token| !token.is_empty()) {
            None => (0, None),
            Some(token) => read(&token).ok_or_else(not_given_out)?,
        };
        Ok(Self { offset, limit, after, about })
    }

    /// The row that the list goes on behind, if the token names one; and how many to pass over where it names none.
    pub(crate) fn after<T: DeserializeOwned>(&self) -> Answer<(Option<T>, usize)> {
        match &self.after {
            None => Ok((None, self.offset)),
            Some(text) => Ok((Some(serde_json::from_str(text).map_err(|_| not_given_out())?), 0)),
        }
    }

    /// The rows of this part of a list that is in the order of a key, which no two rows share; and the token of the part behind it.
    pub(crate) fn of_list<T, K>(&self, all: Vec<T>, key: impl Fn(&T) -> K) -> Answer<(Vec<T>, Option<String>)>
    where
        K: Serialize + DeserializeOwned + PartialOrd,
    {
        let (after, offset) = self.after::<K>()?;
        let is_before = |row: &T| after.as_ref().is_some_and(|after| key(row) <= *after);
        let mut rows: Vec<T> =
            all.into_iter().skip_while(is_before).skip(offset).take(self.limit.saturating_add(1)).collect();
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| has_more).map(&key);
        let token = last.and_then(|last| self.behind(rows.len(), Some(&last)));
        Ok((rows, token))
    }

    /// The token of the part before this one; none where that is the first.
    pub(crate) fn before(&self) -> Option<String> {
        let offset = self.offset.saturating_sub(self.limit);
        (offset > 0 && offset <= MOST_OFFSET).then(|| URL_SAFE_NO_PAD.encode(format!("1:{}:{offset}", self.about)))
    }

    /// The token of the part behind this one, which ends in a row; none if there is nothing behind it.
    pub(crate) fn behind<K: Serialize>(&self, rows: usize, last: Option<&K>) -> Option<String> {
        let last = serde_json::to_string(last?).ok()?;
        Some(URL_SAFE_NO_PAD.encode(format!("2:{}:{}:{last}", self.about, self.offset.saturating_add(rows))))
    }

    /// The token of the part behind this one, by the number of rows alone; none if there is nothing behind it.
    pub(crate) fn next(&self, rows: usize, total: usize) -> Option<String> {
        let end = self.offset.saturating_add(rows);
        (end < total && rows > 0).then(|| URL_SAFE_NO_PAD.encode(format!("1:{}:{end}", self.about)))
    }
}

fn not_given_out() -> Problem {
    Problem::bad("page_token is none that was given out for this list with these filters: begin without one")
}
