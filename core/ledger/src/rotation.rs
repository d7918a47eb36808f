//! Changes of the ledger's key, each vouched for by the key before it, so that the first key leads to all others.

use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::error::Error;
use crate::key::{KeyKind, Signer, Verifier};
use crate::note::Note;
use jiff::Timestamp;
use serde_json::json;

/// A change of keys: from entry `number` on, checkpoints are signed with `next`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The number of the entry that tells it.
    pub number: u64,
    /// The key from then on.
    pub next: Verifier,
}

/// The second line of what the old key signs: no checkpoint reads like it.
const MARK: &str = "plimsoll key change v1";

impl KeyChange {
    /// The kind of the entry that tells a change of keys.
    pub const KIND: &'static str = "ledger/key-changed";

    fn text(&self, origin: &str) -> String {
        format!("{origin}\n{MARK}\n{}\n{}\n", self.number, self.next)
    }

    /// The entry that tells it, signed with the old key.
    ///
    /// # Errors
    /// If the new key is none for checkpoints.
    pub fn entry(&self, origin: &str, old: &Signer, at: Timestamp, actor: &str) -> Result<Entry, Error> {
        if self.next.kind != KeyKind::Note {
            return Err(Error::Key { what: "a witness's key signs no checkpoints of its own" });
        }
        let note = Note::sign(&self.text(origin), &[old])?;
        Ok(Entry::new(at, actor, Self::KIND, &self.next.name, json!({ "note": note.to_string() })))
    }

    /// Reads what an entry with this number tells; `None` if it is of another kind.
    ///
    /// # Errors
    /// If it tells a change that the old key has not signed for this place in this ledger.
    pub fn read(entry: &Entry, number: u64, origin: &str, old: &Verifier) -> Result<Option<Self>, Error> {
        if entry.kind != Self::KIND {
            return Ok(None);
        }
        let wrong = |what: String| Error::KeyChange { what };
        let note = entry.body["note"].as_str().ok_or_else(|| wrong("it has no note".to_owned()))?;
        let note = Note::parse(note.as_bytes())?;
        note.verify(std::slice::from_ref(old))?;
        let next = note.text.lines().nth(3).ok_or_else(|| wrong("it names no key".to_owned()))?;
        let change = Self { number, next: Verifier::parse(next)? };
        match note.text == change.text(origin) && change.next.kind == KeyKind::Note {
            true => Ok(Some(change)),
            false => Err(wrong(format!("it was signed for another place than entry {number} of `{origin}`"))),
        }
    }
}

/// The key that signs a checkpoint of this size, among the first and those that changes brought.
pub(crate) fn key_at<'k>(first: &'k Verifier, changes: &'k [KeyChange], checkpoint: &Checkpoint) -> &'k Verifier {
    changes.iter().rev().find(|change| change.number < checkpoint.size).map_or(first, |change| &change.next)
}
