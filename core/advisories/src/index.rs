//! The compiled index: one immutable, memory-mapped, checksummed file, addressed by its digest.
//!
//! Layout, all numbers little-endian: a header of one block (magic, format, digest of the body, sections, digest of the
//! header), then the sections, the last of which holds a checksum of each block of [`BLOCK_BYTES`]. A block is verified
//! before the first read from it, so damage anywhere is an error, never another answer. Identical inputs give an
//! identical file. Other programs' files are never migrated: a file of another format is compiled anew.

mod blocks;
mod build;
mod encode;
mod file;
mod range;
mod read;
mod record;
mod statement;

pub use build::{Builder, FeedState, Ready};
pub use file::seal;
pub use range::{Verdict, evaluate};
pub use read::{AdvisoryRef, Index, Meta, VulnerabilityRef};
pub use statement::{RangeRef, Statement, Statements};

use smallvec::SmallVec;

/// The format's number; it grows with every change of the layout.
pub const FORMAT: u32 = 4;
/// The length of a block in bytes: a page of memory, so that verifying it touches nothing else.
pub const BLOCK_BYTES: usize = 4096;
/// The header's length in bytes.
const HEADER_BYTES: usize = BLOCK_BYTES;
const MAGIC: &[u8; 8] = b"PLIMSOLL";
/// In a range's first byte: it begins before all versions, and only the fixed version follows.
const ALL_BEFORE: u8 = 0x80;
/// Separates ecosystem and name in keys.
const KEY_SEPARATOR: char = '\u{1f}';

/// The sections of the file, by their place in the header.
#[derive(Debug, Clone, Copy)]
enum Section {
    /// What the index says about itself, in JSON.
    Meta = 0,
    /// The table of packages: the ceiling of each, and where the statements about it stand.
    Packages = 1,
    /// Where a package's record stands: open addressing by the hash of its key.
    Slots = 2,
    /// The table of advisories.
    Advisories = 3,
    /// The table of vulnerabilities, by id.
    Vulnerabilities = 4,
    /// The table of texts that many advisories share.
    Dictionary = 5,
    /// The statements, package by package; read only where a ceiling does not settle the question.
    Statements = 6,
    /// A checksum for each block between the header and this section.
    Checks = 7,
}

const SECTIONS: usize = 8;

/// The hash of keys and blocks (XXH3, 64 bits): finds damage, and is no defence against forgery.
fn hash(bytes: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(bytes)
}

/// A key under which a package's statements are found: UTF-8, short enough to need no room of its own.
type Key = SmallVec<[u8; 128]>;

/// Makes the key of a package: ecosystem with release, separator, canonical name.
fn package_key(ecosystem: &str, name: &str) -> Key {
    let name = crate::ecosystem::canonical_name(ecosystem, name);
    let mut key = Key::with_capacity(ecosystem.len() + name.len() + 1);
    key.extend_from_slice(ecosystem.as_bytes());
    key.push(KEY_SEPARATOR as u8);
    key.extend_from_slice(name.as_bytes());
    key
}
