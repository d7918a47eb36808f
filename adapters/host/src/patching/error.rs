//! What can go wrong with an order.

use crate::root::CommandError;
use std::path::PathBuf;

/// Why a host could not be patched, or brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// Nobody knows how to patch it.
    #[error("`{}` has no package manager that orders can be carried out with", root.display())]
    NoDriver {
        /// Its root.
        root: PathBuf,
    },
    /// A file of an order cannot be read or written.
    #[error("failed to use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file of an order says what it never should.
    #[error("`{}` is not as it was written", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// There is no such order here.
    #[error("there is no order `{id}` here")]
    Unknown {
        /// Its id.
        id: String,
    },
    /// Somebody else is at it.
    #[error("another order is being carried out here")]
    Busy,
    /// An order before was cut short.
    #[error(
        "the order `{id}` was cut short while it was {step}: bring it to its end first (roll its change back, or `plimsoll patch resume {id}` on the host)"
    )]
    CutShort {
        /// Its id.
        id: String,
        /// What it was at.
        step: &'static str,
    },
    /// It is not at a step from which this is done.
    #[error("the order `{id}` is {step}")]
    Step {
        /// Its id.
        id: String,
        /// The step that it is at.
        step: &'static str,
    },
    /// The package manager would do something else than was ordered.
    #[error("what would be done is not what was ordered: {what}; make another order")]
    Changed {
        /// What differs.
        what: String,
    },
    /// What a snapshot is to be made of is nothing.
    #[error("{what}")]
    Snapshot {
        /// In words.
        what: String,
    },
    /// There is too little room.
    #[error("{needed} bytes of room are needed below `/var`, and {free} are free")]
    Room {
        /// So many.
        needed: u64,
        /// And so many.
        free: u64,
    },
    /// A command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The order itself is none.
    #[error(transparent)]
    Order(#[from] change::Error),
}
