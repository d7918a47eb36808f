//! What keeps the service from starting, or from going on.

use std::path::PathBuf;

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record failed.
    #[error(transparent)]
    Operations(#[from] operations::Error),
    /// The record failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// An address cannot be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// No thread can be begun.
    #[error("failed to begin a thread")]
    Threads,
    /// A file cannot be read or written.
    #[error("failed to {act} `{}`", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A certificate cannot be made or read.
    #[error("failed to make or read a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A key cannot be made or read.
    #[error("failed to make or read a key")]
    Key(#[from] ledger::Error),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
    /// What is set cannot be used.
    #[error("{0}")]
    Setting(String),
    /// There is no randomness.
    #[error("the system gives no random numbers")]
    Random,
}

impl Error {
    pub(crate) fn file(act: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { act, path, source }
    }
}
