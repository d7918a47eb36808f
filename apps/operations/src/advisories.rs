//! The compiled index, wherever its bytes live.

use crate::error::Error;
use advisories::index::{FeedState, Index};
use feeds::MappedIndex;
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
