//! What can fail with feeds.

use std::path::PathBuf;

/// Why feeds could not be worked with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("failed to {action} `{}`", path.display())]
    File {
        /// What was to be done.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// An archive could not be read.
    #[error("failed to read the archive `{}`", path.display())]
    Archive {
        /// Its path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// There is no feed of this name.
    #[error("no feed is called `{id}`")]
    UnknownFeed {
        /// The name.
        id: String,
    },
    /// Nothing has been imported or downloaded yet.
    #[error("there is no index in `{}`", path.display())]
    NoIndex {
        /// The data directory.
        path: PathBuf,
    },
    /// The index could not be built or read.
    #[error("failed to use the index")]
    Index(#[from] advisories::Error),
    /// The network client could not be set up.
    #[error("failed to set up the network client")]
    Client(#[source] reqwest::Error),
}

impl Error {
    /// Wraps an input or output error with its place.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
