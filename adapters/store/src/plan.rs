//! Plans: what a caller wants done, and what has happened.

use crate::accounts::Session;
use crate::error::Error;
use crate::record::Record;
use crate::tables::{Cell, Row};
use jiff::Timestamp;
use ledger::Signer;
use lifecycle::{Command, Event, PersonId};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What is to be done, made up by a caller who has seen the record.
#[derive(Debug, Default)]
pub struct Plan {
    /// Commands, each judged against the record as it is before the first of them.
    pub commands: Vec<Command>,
    /// Documents that they name by digest.
    pub documents: Vec<Vec<u8>>,
    /// Work that follows from it.
    pub jobs: Vec<NewJob>,
    /// How people sign in from now on.
    pub accounts: Vec<AccountChange>,
    /// Who is signed in from now on.
    pub sessions: Vec<Session>,
    /// A change of the ledger's key, from the next entry on.
    pub key: Option<Signer>,
}

/// How somebody signs in from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountChange {
    /// Who.
    pub person: PersonId,
    /// How, as a text of the caller's; none where nothing is to be known any more.
    pub body: Option<String>,
    /// Whether everybody who is signed in under their name is signed out.
    pub ends_sessions: bool,
}

/// Work to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id: the same id is the same work, and is done once.
    pub id: String,
    /// The queue.
    pub queue: String,
    /// What is to be done, for who takes it.
    pub body: String,
    /// Not before this instant.
    pub not_before: Timestamp,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The number of the first entry.
    pub first: u64,
    /// What the entries tell; none if there was nothing to do.
    pub events: Vec<Event>,
    /// The checkpoint that covers them.
    pub checkpoint: String,
}

/// Makes up what is to be done.
pub(crate) type Planner = Box<dyn FnOnce(&Record) -> Result<Plan, Error> + Send>;

pub(crate) struct Request {
    pub(crate) planner: Planner,
    pub(crate) by: PersonId,
    pub(crate) at: Timestamp,
    /// What must still be kept of how somebody signs in, or nothing is done.
    pub(crate) expects: Vec<(PersonId, Option<String>)>,
    pub(crate) answer: oneshot::Sender<Result<Committed, Error>>,
}

/// Called before each write; an error stops the transaction there.
pub type WritePoint = Arc<dyn Fn(&'static str) -> std::io::Result<()> + Send + Sync>;

impl NewJob {
    /// The row of a job that waits.
    pub(crate) fn row(self) -> Row {
        vec![
            Cell::Text(self.id),
            Cell::Text(self.queue),
            Cell::Text(self.body),
            Cell::Integer(self.not_before.as_millisecond()),
            Cell::Integer(0),
            Cell::from(""),
            Cell::Integer(0),
            Cell::from("waiting"),
            Cell::from(""),
        ]
    }
}
