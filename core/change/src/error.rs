//! Why an order cannot be made or read.

/// Why an order cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A package's name or version is none that a package manager would take: it could be read as something else.
    #[error("`{word}` is no name or version of a package")]
    Word {
        /// The word.
        word: String,
    },
    /// A package that is asked for has no update here.
    #[error("nothing newer than what is installed is offered for `{package}`")]
    NotOffered {
        /// The package.
        package: String,
    },
    /// Nobody has looked at what the repositories offer.
    #[error(
        "nothing is known of what the host's repositories offer: their lists were never fetched, or cannot be read"
    )]
    NotKnown,
}
