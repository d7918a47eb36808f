//! What can go wrong with the record.

use lifecycle::Refusal;
use std::sync::Arc;

/// Why something could not be kept or read. Where a change was asked for, nothing of it has happened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the database failed to {act}")]
    Database {
        /// What it was asked to do.
        act: &'static str,
        /// The cause.
        #[source]
        source: sea_orm::DbErr,
    },
    /// The database's address is none that is known.
    #[error("`{url}` is neither a path of a SQLite file nor an address of PostgreSQL")]
    Address {
        /// The address, without its password.
        url: String,
    },
    /// The database was written by a newer program.
    #[error("the database has version {found} of the schema, and this program knows {known}: use a newer program")]
    Schema {
        /// Its version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// A file failed.
    #[error("failed to {act} `{path}`")]
    File {
        /// What was tried.
        act: &'static str,
        /// The path.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The ledger is not what it should be.
    #[error("the ledger cannot be believed")]
    Ledger(#[from] ledger::Error),
    /// An entry cannot be taken in.
    #[error("the ledger cannot be followed")]
    Lifecycle(#[from] lifecycle::Error),
    /// An entry's document cannot be taken in.
    #[error("entry {number} cannot be taken in")]
    Facts {
        /// The entry's number.
        number: u64,
        /// The cause.
        #[source]
        source: fleet::Error,
    },
    /// Something is not as it was written.
    #[error("{place} is damaged: {what}")]
    Damaged {
        /// Where.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// The key that is at hand is not the one that signs this ledger.
    #[error(
        "the key at hand is `{found}`, and the ledger is signed by another one: put the folder `keys` back as it was saved last"
    )]
    Key {
        /// The public half of the key at hand.
        found: String,
    },
    /// The key that signs is not in its place.
    #[error(
        "the key that signs the ledger is not in `{folder}`: put the saved folder `keys` back; a new one is made only for a new record"
    )]
    NoKey {
        /// Where it should be.
        folder: String,
    },
    /// Something was to be changed in a record that was opened to be read.
    #[error("nothing was changed: the record was opened to be read")]
    ReadOnly,
    /// There is no record in a database.
    #[error("there is no record at `{url}`")]
    NoRecord {
        /// The address, without its password.
        url: String,
    },
    /// There is a record where none should be.
    #[error("there is a record already: restore into an empty place")]
    Occupied,
    /// The database does not answer.
    #[error("the database at `{url}` does not answer: is it running, and is the address right?")]
    Unreachable {
        /// The address, without its password.
        url: String,
        /// The cause.
        #[source]
        source: sea_orm::DbErr,
    },
    /// The storage for blobs failed.
    #[error("the storage at `{url}` failed")]
    Blobs {
        /// Where it is.
        url: String,
        /// The cause.
        #[source]
        source: Box<object_store::Error>,
    },
    /// Something cannot be written as JSON.
    #[error("cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The rules say no.
    #[error("refused by the rules")]
    Refused(#[from] Refusal),
    /// The caller could not make up what is to be done.
    #[error("{0}")]
    Plan(String),
    /// What was asked for could not be kept, alone or together with others.
    #[error("{}", if matches!(**.0, Error::Uncertain(_)) { "not confirmed" } else { "nothing was changed: the ledger cannot be written" })]
    Group(#[source] Arc<Error>),
    /// The database went away while it committed.
    #[error("the database went away in the middle: look whether it was kept before you do it again")]
    Uncertain(#[source] Box<Error>),
    /// The writer has ended.
    #[error("nothing was changed: the store is closed")]
    Closed,
}

impl Error {
    pub(crate) fn blobs(url: &str) -> impl FnOnce(object_store::Error) -> Self {
        let url = url.to_owned();
        move |source| Self::Blobs { url, source: Box::new(source) }
    }

    pub(crate) fn file(act: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File { act, path, source }
    }
}

/// An error with its causes, in one line.
#[must_use]
pub fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

/// Names what the database was asked to do.
pub(crate) trait Doing<T> {
    fn doing(self, act: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, sea_orm::DbErr> {
    fn doing(self, act: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Database { act, source })
    }
}

impl From<lifecycle::NoId> for Error {
    fn from(no_id: lifecycle::NoId) -> Self {
        Self::Refused(no_id.into())
    }
}
