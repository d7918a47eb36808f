//! The ledger: append-only, tamper-evident, verifiable offline.
//!
//! It stores nothing: tiles and entries are bytes that it is handed and hands back. Time and keys are arguments.

mod checkpoint;
mod entry;
mod error;
mod hash;
mod key;
mod note;
mod plainly;
mod proof;
mod rotation;
mod tile;
mod timestamp;
mod tree;
mod verify;

pub use checkpoint::Checkpoint;
pub use entry::{Entry, MOST_ENTRY_BYTES};
pub use error::Error;
pub use hash::{Hash, digest};
pub use key::{KeyKind, Signer, Verifier};
pub use note::{Note, Signature};
pub use proof::{consistency, inclusion, verify_consistency, verify_inclusion};
pub use rotation::KeyChange;
pub use tile::{FULL_WIDTH, HashTiles, Tile, changed_tiles, decode_bundle, encode_bundle};
pub use timestamp::{TimestampProof, TimestampRequest, TrustedCertificate, verify_timestamp};
pub use tree::{Frontier, Hashes, root};
pub use verify::{Report, Source, Tampering, verify};
