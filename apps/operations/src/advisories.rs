//! The compiled index, wherever its bytes live.

use crate::error::Error;
use advisories::index::{FeedState, Index};
use feeds::MappedIndex;
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

/// A compiled index that tasks can share.
#[derive(Clone)]
pub struct Advisories {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    /// Its digest.
    pub digest: String,
    /// The feeds inside.
    pub feeds: Vec<FeedState>,
}

impl Advisories {
    /// Opens an index: a mapped file, or bytes.
    ///
    /// # Errors
    /// If it is none, or damaged.
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, Error> {
        let index = Index::open(bytes.as_ref())?;
        let (digest, feeds) = (index.digest(), index.meta()?.feeds);
        Ok(Self { bytes: Arc::new(bytes), digest, feeds })
    }

    /// The current index of a data directory; none if there is none.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn current(data: &Path) -> Result<Option<Self>, Error> {
        struct Mapped(MappedIndex);
        impl AsRef<[u8]> for Mapped {
            fn as_ref(&self) -> &[u8] {
                self.0.bytes()
            }
        }
        let mapped = MappedIndex::current(&feeds::Store::new(data))?;
        mapped.map(|mapped| Self::new(Mapped(mapped))).transpose()
    }

    /// Whether they are an earlier state of what is in force: a feed inside is older than the one that is known, and none is newer.
    #[must_use]
    pub fn are_older_than(&self, state: &lifecycle::State) -> bool {
        let ordered = self.feeds.iter().filter_map(|feed| {
            let known = state.feeds.iter().find(|(id, _)| id.as_str() == feed.feed)?.1;
            Some(feed.newest?.cmp(&known.newest?))
        });
        let orders: Vec<Ordering> = ordered.collect();
        orders.contains(&Ordering::Less) && !orders.contains(&Ordering::Greater)
    }

    /// The index inside.
    pub(crate) fn index(&self) -> Result<Index<'_>, Error> {
        Ok(Index::open((*self.bytes).as_ref())?)
    }

    /// Whether a catalogue of what is exploited is among the feeds.
    pub(crate) fn has_catalogue(&self) -> bool {
        self.feeds.iter().any(|state| state.feed == "kev" && state.records > 0)
    }
}

impl std::fmt::Debug for Advisories {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Advisories").field("digest", &self.digest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;
    use lifecycle::{Feed, FeedId, State};

    fn day(number: i64) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * number)
    }

    #[test]
    fn an_index_is_older_where_a_feed_of_it_is_and_none_is_newer() {
        let known = |newest| Feed { digest: String::new(), records: 1, newest: Some(newest), since: day(0) };
        let feeds = [("kev", day(5)), ("osv", day(5))];
        let feeds = feeds.map(|(id, newest)| (FeedId::new(id).expect("an id"), known(newest))).into_iter().collect();
        let state = State { feeds, ..State::default() };
        let older = |all: &[(&str, i64)]| {
            let feed = |(id, number): &(&str, i64)| FeedState {
                feed: (*id).to_owned(),
                newest: Some(day(*number)),
                ..FeedState::default()
            };
            let feeds = all.iter().map(feed).collect();
            Advisories { bytes: Arc::new(Vec::new()), digest: String::new(), feeds }.are_older_than(&state)
        };
        assert!(older(&[("kev", 4), ("osv", 5)]) && older(&[("kev", 4)]));
        assert!(!older(&[("kev", 5), ("osv", 5)]) && !older(&[("kev", 4), ("osv", 6)]) && !older(&[("nvd", 1)]));
    }
}
