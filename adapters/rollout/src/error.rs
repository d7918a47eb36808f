//! What can go wrong on the way to a host.

/// Why a host could not be reached, or did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no host's name.
    #[error("`{}` is no host that could be reached", host.escape_debug())]
    Host {
        /// What it is.
        host: String,
    },
    /// A word that the other side could read as something else.
    #[error("`{}` is no word that is sent to a host", word.escape_debug())]
    Word {
        /// The word.
        word: String,
    },
    /// A program of this machine's own cannot be begun.
    #[error("failed to run `{program}` on this machine")]
    Begin {
        /// Which.
        program: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file of this machine's own cannot be used.
    #[error("failed to use `{path}`")]
    File {
        /// Which.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The host was not reached, or ended it badly.
    #[error("{host}: {said}")]
    Ended {
        /// The host.
        host: String,
        /// The end of what was said.
        said: String,
    },
}
