//! Hashes of the Merkle tree (RFC 6962, section 2.1), with SHA-256.

use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A hash: of a leaf, of a node, of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Its size in bytes.
    pub const BYTES: usize = 32;

    /// The hash of a tree without entries.
    #[must_use]
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash of an entry.
    #[must_use]
    pub fn leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// The hash of a node above two others.
    #[must_use]
    pub fn node(left: &Self, right: &Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// Reads the Base64 form of checkpoints.
    ///
    /// # Errors
    /// If it is not the Base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(Error::Checkpoint { what: "its root is not the Base64 of 32 bytes" })
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&STANDARD.encode(self.0))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Hash({self})")
    }
}

/// The digest under which a document beside the ledger is named: `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
