//! The record on SQLite and PostgreSQL, one code base for both.
//!
//! The ledger is the only thing that is written: every other table follows from it, and [`Store::replay`] rebuilds and
//! compares them. Nothing is acknowledged that is not durable.

mod accounts;
mod backup;
mod blobs;
mod commit;
mod database;
mod document;
mod error;
mod file;
mod jobs;
mod keys;
mod log;
mod plan;
mod put;
mod record;
mod replay;
mod rollouts;
mod schema;
mod search;
mod snapshot;
mod store;
mod tables;

pub use accounts::Session;
pub use backup::{BackedUp, Restored, backup, restore};
pub use database::without_password as shown;
pub use error::{Error, in_words};
pub use jobs::{Job, Outcome};
pub use keys::Keys;
pub use ledger::digest;
pub use plan::{AccountChange, Committed, NewJob, Plan, WritePoint};
pub use record::Record;
pub use replay::{Difference, DifferenceKind, Replayed, replay_at};
pub use rollouts::ChangeStep;
pub use search::{EntriesFound, EntryFilter};
pub use store::{Options, Proven, Store, Submitted, is_new, verify_at};
