//! What can fail in this crate.

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error("failed to read `{path}`")]
    Read {
        /// Its path below the given directory.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file is larger than a file of its kind may be.
    #[error("`{path}` is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Its path.
        path: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// A path leads around in circles, or through too many links.
    #[error("`{path}` passes through too many symbolic links")]
    TooManyLinks {
        /// The path.
        path: String,
    },
}
