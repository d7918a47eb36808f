//! Feeds: which state of the advisories was in force since when.

use crate::event::Event;
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{FeedId, PersonId};
use serde::{Deserialize, Serialize};

/// A feed as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The digest of its documents.
    pub digest: String,
    /// How many records it has.
    pub records: u64,
    /// The newest instant inside it.
    pub newest: Option<Timestamp>,
    /// Since when it is in force here.
    pub since: Timestamp,
}

/// Puts a state of a feed in force; nothing happens if it is in force already.
pub(crate) fn update(
    state: &State,
    feed: &FeedId,
    (digest, records, newest): (&str, u64, Option<Timestamp>),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may_judge(by, None)?;
    let is_same = state.feeds.get(feed).is_some_and(|known| known.digest == digest);
    let event = || Event::FeedUpdated { feed: feed.clone(), digest: digest.to_owned(), records, newest };
    Ok(if is_same { Vec::new() } else { vec![event()] })
}

/// Tells what changed in what the advisories say of the packages; nothing happens if nothing changed and the index is known.
pub(crate) fn judge(
    state: &State,
    (index, document): (&str, &str),
    (packages, vulnerabilities): (u64, u64),
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may_judge(by, Some(index))?;
    if packages == 0 && vulnerabilities == 0 && state.index.as_deref() == Some(index) {
        return Ok(Vec::new());
    }
    let (index, document) = (index.to_owned(), document.to_owned());
    Ok(vec![Event::AdvisoriesJudged { index, document, packages, vulnerabilities }])
}
