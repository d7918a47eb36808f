//! Proofs that an entry is in the ledger: a JSON document that anybody can check with the public key alone.

use anyhow::{Context, Result, bail};
use ledger::{Checkpoint, Hash, Note, Verifier, verify_inclusion};
use serde_json::{Value, json};
use store::Proven;

/// The proof as a document: the entry as text, its number, the hashes beside its way to the root, the signed checkpoint.
pub(super) fn as_json(proven: &Proven) -> Result<Value> {
    let entry = std::str::from_utf8(&proven.entry).context("the entry is not UTF-8")?;
    let hashes: Vec<String> = proven.proof.iter().map(ToString::to_string).collect();
    Ok(json!({ "number": proven.number, "entry": entry, "proof": hashes, "checkpoint": proven.checkpoint }))
}

/// Checks a proof, and answers with the entry.
pub(super) fn check(text: &str, key: &Verifier) -> Result<String> {
    let value: Value = serde_json::from_str(text).context("it is no proof")?;
    let part = |name: &str| value[name].as_str().with_context(|| format!("it is no proof: `{name}` is missing"));
    let (entry, note) = (part("entry")?, part("checkpoint")?);
    let number = value["number"].as_u64().context("it is no proof: `number` is missing")?;
    let hashes = value["proof"].as_array().context("it is no proof: `proof` is missing")?;
    let hash = |hash: &Value| Ok(Hash::parse(hash.as_str().context("a hash is no text")?)?);
    let hashes: Vec<Hash> = hashes.iter().map(hash).collect::<Result<_>>()?;
    let note = Note::parse(note.as_bytes()).context("its checkpoint is no signed note")?;
    note.verify(std::slice::from_ref(key)).context("its checkpoint is not signed by this key")?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    if verify_inclusion(Hash::leaf(entry.as_bytes()), number, checkpoint.size, checkpoint.root, &hashes).is_err() {
        bail!("the proof does not hold: this entry is not entry {number} of that ledger");
    }
    Ok(entry.to_owned())
}
