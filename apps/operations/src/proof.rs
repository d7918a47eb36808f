//! A proof that an entry is in the ledger, as a document that anybody can check with the public key alone.

use serde_json::{Value, json};
use store::Proven;

/// The proof as a document: the entry as text, its number, the hashes beside its way to the root, the signed checkpoint, and the
/// changes of keys that lead from the first key to the one that signed it.
#[must_use]
pub fn proof_as_json(proven: &Proven) -> Value {
    // INVARIANT: entries are canonical JSON, and that is UTF-8.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let hashes: Vec<String> = proven.proof.iter().map(ToString::to_string).collect();
    let change = |(number, entry): &(u64, Vec<u8>)| json!({ "number": number, "entry": text(entry) });
    let changes: Vec<Value> = proven.key_changes.iter().map(change).collect();
    json!({
        "number": proven.number, "entry": text(&proven.entry), "proof": hashes, "checkpoint": proven.checkpoint,
        "key_changes": changes,
    })
}
