//! Proofs that an entry is in the ledger: a JSON document that anybody can check with the public key alone.

use anyhow::{Context, Result};
use ledger::{Checkpoint, Entry, Hash, KeyChange, Note, Verifier, verify_inclusion};
use serde_json::Value;

/// What checking a proof found.
pub(super) enum Checked {
    /// It proves this entry.
    Holds(String),
    /// It proves nothing, for this reason.
    Fails(String),
}

/// Checks a proof against a key that signs the ledger, or did.
///
/// # Errors
/// If the document cannot be read as one.
pub(super) fn check(text: &str, key: &Verifier) -> Result<Checked> {
    let value: Value = serde_json::from_str(text).context("it is no proof")?;
    let part = |name: &str| value[name].as_str().with_context(|| format!("it is no proof: `{name}` is missing"));
    let (entry, note) = (part("entry")?, part("checkpoint")?);
    let number = value["number"].as_u64().context("it is no proof: `number` is missing")?;
    let hashes = value["proof"].as_array().context("it is no proof: `proof` is missing")?;
    let hash = |hash: &Value| Ok(Hash::parse(hash.as_str().context("a hash is no text")?)?);
    let hashes: Vec<Hash> = hashes.iter().map(hash).collect::<Result<_>>()?;
    let note = Note::parse(note.as_bytes()).context("its checkpoint is no signed note")?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    let keys = keys_after(key, &value["key_changes"], &checkpoint)?;
    if note.verify(&keys).is_err() {
        return Ok(Checked::Fails(
            "its checkpoint is not signed by this key, nor by one that this key vouches for".to_owned(),
        ));
    }
    Ok(match verify_inclusion(Hash::leaf(entry.as_bytes()), number, checkpoint.size, checkpoint.root, &hashes) {
        Ok(()) => Checked::Holds(entry.to_owned()),
        Err(_) => Checked::Fails(format!("this entry is not entry {number} of that ledger")),
    })
}

/// The key itself, and those that it vouches for, one after the other.
fn keys_after(key: &Verifier, changes: &Value, checkpoint: &Checkpoint) -> Result<Vec<Verifier>> {
    let mut keys = vec![key.clone()];
    for change in changes.as_array().into_iter().flatten() {
        let (Some(number), Some(entry)) = (change["number"].as_u64(), change["entry"].as_str()) else {
            anyhow::bail!("it is no proof: one of its changes of keys cannot be read");
        };
        let entry = Entry::parse(entry.as_bytes()).context("one of its changes of keys cannot be read")?;
        // Changes of before the key at hand are signed by keys that it says nothing of.
        let last = &keys[keys.len() - 1];
        if let Ok(Some(change)) = KeyChange::read(&entry, number, &checkpoint.origin, last)
            && number < checkpoint.size
        {
            keys.push(change.next);
        }
    }
    Ok(keys)
}
