//! Entries: what happened, as canonical JSON (RFC 8785), so that one entry has one form.

use crate::error::Error;
use crate::plainly;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most bytes of an entry: a bundle has two for its length.
pub const MOST_ENTRY_BYTES: usize = u16::MAX as usize;

/// The version of the form that is written.
const VERSION: u32 = 1;

/// One thing that happened. Large things are named by their digest and kept elsewhere; people are named by their id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The form's version.
    pub version: u32,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: the id of a person, an agent or the system.
    pub actor: String,
    /// What kind of thing: `asset/registered`.
    pub kind: String,
    /// What it is about: the id of an asset, a change, a key.
    pub subject: String,
    /// The rest, by its kind.
    pub body: Value,
}

impl Entry {
    /// An entry of the form that is written today.
    #[must_use]
    pub fn new(at: Timestamp, actor: &str, kind: &str, subject: &str, body: Value) -> Self {
        Self { version: VERSION, at, actor: actor.to_owned(), kind: kind.to_owned(), subject: subject.to_owned(), body }
    }

    /// The one form that it has in the ledger.
    ///
    /// # Errors
    /// If it is too large, or holds a number that JSON cannot hold.
    pub fn canonical(&self) -> Result<Vec<u8>, Error> {
        let bytes = serde_json_canonicalizer::to_vec(self).map_err(|error| Error::Entry { what: error.to_string() })?;
        match bytes.len() {
            size if size > MOST_ENTRY_BYTES => Err(Error::EntryTooLarge { size, most: MOST_ENTRY_BYTES }),
            _ => Ok(bytes),
        }
    }

    /// Whether bytes of which it was read are plainly its one form.
    fn is_plainly(&self, bytes: &[u8]) -> bool {
        // An instant can be written in several ways, of which one is its own.
        let begins = format!("{{\"actor\":\"{}\",\"at\":\"{}\",\"body\":", self.actor, self.at);
        bytes.len() <= MOST_ENTRY_BYTES && bytes.starts_with(begins.as_bytes()) && plainly::is_canonical(bytes)
    }

    /// Reads the form in the ledger.
    ///
    /// # Errors
    /// If it is no entry, of a version that is not known, or not in its one form.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let entry: Self = serde_json::from_slice(bytes).map_err(|error| Error::Entry { what: error.to_string() })?;
        if entry.version != VERSION {
            return Err(Error::Entry { what: format!("its version is {}, and {VERSION} is known", entry.version) });
        }
        match entry.is_plainly(bytes) || entry.canonical()? == bytes {
            true => Ok(entry),
            false => Err(Error::Entry { what: "it is not in its canonical form".to_owned() }),
        }
    }
}
