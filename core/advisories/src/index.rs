//! The compiled index: one immutable, memory-mapped, checksummed file, addressed by its digest.
//!
//! Layout, all numbers little-endian: a header of [`HEADER_BYTES`] (magic, format, digest of the body, sections, digest
//! of the header), then the sections. Identical inputs give an identical file. Other programs' files are never migrated:
//! a file of another format is compiled anew.

mod build;
mod encode;
mod file;
mod range;
mod read;

pub use build::{Builder, FeedState, Ready};
pub use range::{Verdict, evaluate};
pub use read::{AdvisoryRef, Index, Meta, RangeRef, Statement, VulnerabilityRef};

/// The format's number; it grows with every change of the layout.
pub const FORMAT: u32 = 1;
/// The header's length in bytes.
pub const HEADER_BYTES: usize = 512;
const MAGIC: &[u8; 8] = b"PLIMSOLL";
/// Separates ecosystem and name in keys.
const KEY_SEPARATOR: char = '\u{1f}';

/// The sections of the file, by their place in the header.
#[derive(Debug, Clone, Copy)]
enum Section {
    Meta = 0,
    Statements = 1,
    AdvisoryOffsets = 2,
    Advisories = 3,
    Vulnerabilities = 4,
    Dictionary = 5,
}

const SECTIONS: usize = 6;

/// Makes the key under which a package's statements are found.
fn package_key(ecosystem: &str, name: &str) -> String {
    let name = crate::ecosystem::canonical_name(ecosystem, name);
    let mut key = String::with_capacity(ecosystem.len() + name.len() + 1);
    key.push_str(ecosystem);
    key.push(KEY_SEPARATOR);
    key.push_str(&name);
    key
}
