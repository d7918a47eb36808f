//! A proof that an entry is in the ledger, as a document that anybody can check with the public key alone.

use crate::error::Error;
use serde_json::{Value, json};
use store::Proven;

/// The proof as a document: the entry as text, its number, the hashes beside its way to the root, the signed checkpoint, and the
/// changes of keys that lead from the first key to the one that signed it.
///
/// # Errors
/// If an entry is no text: then what is kept was damaged, and there is nothing to prove.
pub fn proof_as_json(proven: &Proven) -> Result<Value, Error> {
    let text = |number: u64, bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .map_err(|error| store::Error::Damaged { place: format!("the entry {number}"), what: error.to_string() })
    };
    let hashes: Vec<String> = proven.proof.iter().map(ToString::to_string).collect();
    let change = |(number, entry): &(u64, Vec<u8>)| Ok(json!({ "number": number, "entry": text(*number, entry)? }));
    let changes: Vec<Value> = proven.key_changes.iter().map(change).collect::<Result<_, store::Error>>()?;
    Ok(json!({
        "number": proven.number, "entry": text(proven.number, &proven.entry)?, "proof": hashes,
        "checkpoint": proven.checkpoint, "key_changes": changes,
    }))
}
