//! What can be wrong with a version.

/// A version that its scheme cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not a version of the scheme.
    #[error("`{version}` is not a {scheme} version: {reason}")]
    Invalid {
        /// The scheme's name.
        scheme: &'static str,
        /// The text as given.
        version: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The text is longer than any version may be.
    #[error("a {scheme} version of {length_bytes} bytes is too long to be one")]
    TooLong {
        /// The scheme's name.
        scheme: &'static str,
        /// Its length.
        length_bytes: usize,
    },
}

/// Builds the error for `version`.
pub(crate) fn invalid(scheme: &'static str, version: &str, reason: &'static str) -> Error {
    Error::Invalid { scheme, version: version.to_owned(), reason }
}
