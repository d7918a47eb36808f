//! The facts as of some entry in a file beside the record, so that opening need not follow the ledger from its beginning.
//!
//! It is no part of the record: without it everything is the same, and slower. The form is [`MAGIC`], the number of entries
//! (8 bytes, little-endian), the root of the ledger at that size (32 bytes), the SHA-256 of the rest (32 bytes), and the rest:
//! what [`Facts::write_snapshot`] makes.

use crate::error::Error;
use crate::file::write_whole;
use crate::log;
use fleet::Facts;
use ledger::Hash;
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

const MAGIC: &[u8; 16] = b"plimsoll facts\n\x01";
const DIGEST_BYTES: usize = 32;

/// Facts that were kept.
pub(crate) struct Kept {
    pub(crate) mark: Mark,
    pub(crate) facts: Facts,
}

/// Which state of the ledger facts follow from, and the digest of their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) entries: u64,
    root: Hash,
    digest: [u8; DIGEST_BYTES],
}

impl Mark {
    /// Whether a ledger of so many entries begins as the one that it was made of.
    pub(crate) async fn is_of(&self, on: &impl ConnectionTrait, entries: u64) -> Result<bool, Error> {
        Ok(self.entries <= entries && log::root(on, self.entries).await? == self.root)
    }

    /// Whether facts are the ones that were kept.
    pub(crate) fn is_met_by(&self, facts: &Facts) -> Result<bool, Error> {
        Ok(digest(&written(facts)?) == self.digest)
    }
}

/// The mark of the snapshot in a file; none if there is no file, or it is none.
pub(crate) fn mark(path: &Path) -> Option<Mark> {
    let mut head = [0; MAGIC.len() + size_of::<u64>() + Hash::BYTES + DIGEST_BYTES];
    std::io::Read::read_exact(&mut fs::File::open(path).ok()?, &mut head).ok()?;
    Some(parse(&head)?.0)
}

fn parse(bytes: &[u8]) -> Option<(Mark, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (entries, rest) = rest.split_first_chunk()?;
    let (root, rest) = rest.split_first_chunk()?;
    let (digest, rest) = rest.split_first_chunk()?;
    Some((Mark { entries: u64::from_le_bytes(*entries), root: Hash(*root), digest: *digest }, rest))
}

/// Reads the snapshot in a file; none if there is no file, or it is none, damaged, or of another version.
pub(crate) fn read(path: &Path) -> Option<Kept> {
    let bytes = fs::read(path).ok()?;
    let (mark, rest) = parse(&bytes)?;
    let (found, facts) = rayon::join(|| Sha256::digest(rest), || Facts::read_snapshot(rest));
    let is_whole = found.as_slice() == mark.digest;
    Some(Kept { mark, facts: facts.ok().filter(|_| is_whole)? })
}

fn written(facts: &Facts) -> Result<Vec<Vec<u8>>, Error> {
    facts.write_snapshot().map_err(|error| Error::Damaged { place: "the facts".to_owned(), what: error.to_string() })
}

fn digest(parts: &[Vec<u8>]) -> [u8; DIGEST_BYTES] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// A snapshot that is made, and not in its file yet.
pub(crate) struct Made {
    mark: Mark,
    parts: Vec<Vec<u8>>,
}

impl Made {
    /// Of the facts that follow from the first `entries` of a ledger.
    pub(crate) fn of(facts: &Facts, entries: u64, root: Hash) -> Result<Self, Error> {
        let parts = written(facts)?;
        Ok(Self { mark: Mark { entries, root, digest: digest(&parts) }, parts })
    }

    /// Puts it in the place of the one before: whole, or not at all.
    pub(crate) fn put(&self, path: &Path) -> Result<(), Error> {
        let Mark { entries, root, digest } = &self.mark;
        let head = [MAGIC.as_slice(), &entries.to_le_bytes(), &root.0, digest].concat();
        let parts: Vec<&[u8]> = std::iter::once(head.as_slice()).chain(self.parts.iter().map(Vec::as_slice)).collect();
        write_whole(path, &parts).map_err(Error::file("write", path))
    }
}
