//! What can go wrong.

/// Why an organisation could not be played.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record failed.
    #[error("failed to play the day {day}")]
    Day {
        /// Which.
        day: jiff::civil::Date,
        /// The cause.
        #[source]
        source: operations::Error,
    },
    /// Something is in the record already.
    #[error("there is a record already: a demonstration begins in an empty place")]
    NotEmpty,
    /// The record cannot be opened.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The ledger's key cannot be made.
    #[error("failed to make the demonstration's key")]
    Key(#[from] ledger::Error),
    /// A setting makes no sense.
    #[error("{0}")]
    Settings(String),
}
