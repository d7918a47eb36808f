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
    /// A plan was written by another program in another form.
    #[error("the plan has form {found}, and this program knows {known}")]
    Form {
        /// Its form.
        found: u32,
        /// The one that is known.
        known: u32,
    },
    /// A plan could not be carried out, or could be read in two ways.
    #[error("the plan is none: {what}")]
    Plan {
        /// What is wrong.
        what: String,
    },
}
