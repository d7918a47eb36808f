//! Feeds on disk and on the network: download, import, check, and compile them into the index.
//!
//! Translates only: what a record means is decided in `advisories`.

mod archive;
mod compile;
mod error;
mod import;
mod mapped;
mod store;
mod sync;
mod trial;

pub use archive::{Visitor, visit};
pub use compile::{Compiled, compile};
pub use error::Error;
pub use import::{Imported, import};
pub use mapped::MappedIndex;
pub use store::{Document, Store};
pub use sync::{Outcome, Sync, client_builder, sync};

/// What long work reports as it goes on. The doors decide how to show it.
pub trait Progress: Send + std::marker::Sync {
    /// A piece of work begins; `total` is its size, if that is known.
    fn begin(&self, name: &str, total: Option<u64>);
    /// It has come so far.
    fn advance(&self, name: &str, done: u64);
    /// It is over, with a word on how.
    fn end(&self, name: &str, word: &str);
}

/// Shows nothing.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64) {}
    fn end(&self, _: &str, _: &str) {}
}
