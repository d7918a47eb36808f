//! The facts as of some entry in a file beside the record, so that opening need not follow the ledger from its beginning.
//!
//! It is no part of the record: without it everything is the same, and slower. The form is [`MAGIC`], the length of a note (2 bytes,
//! little-endian), the note, and the rest: what [`Facts::write_snapshot`] makes. The note (C2SP signed-note) names the number of
//! entries, the root of the ledger at that size and the SHA-256 of the rest, and the ledger's key has signed it: whoever can write
//! the file and does not have the key can at most take it away.

use crate::error::Error;
use crate::file::write_whole;
use crate::log;
use fleet::Facts;
use ledger::{Hash, Note, Signer, Verifier};
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::path::Path;

const MAGIC: &[u8; 16] = b"plimsoll facts\n\x02";
/// The first line of the note: no checkpoint reads like it.
const TITLE: &str = "plimsoll facts v2";
const DIGEST_BYTES: usize = 32;
/// More bytes than any snapshot has.
const MOST_BYTES: u64 = 16 << 30;

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
    /// Whether a ledger of so many entries begins as the one that it was made of. Nothing begins as nothing does.
    pub(crate) async fn is_of(&self, on: &impl ConnectionTrait, entries: u64) -> Result<bool, Error> {
        let is_within = self.entries > 0 && self.entries <= entries;
        Ok(is_within && log::root(on, self.entries).await? == self.root)
    }

    /// Whether facts are the ones that were kept.
    pub(crate) fn is_met_by(&self, facts: &Facts) -> Result<bool, Error> {
        Ok(digest(&written(facts)?) == self.digest)
    }

    fn text(&self) -> String {
        format!("{TITLE}\n{}\n{}\n{}\n", self.entries, self.root, Hash(self.digest))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (title, entries) = (lines.next()?, lines.next()?.parse().ok()?);
        let (root, digest) = (Hash::parse(lines.next()?).ok()?, Hash::parse(lines.next()?).ok()?.0);
        (title == TITLE && lines.next().is_none()).then_some(Self { entries, root, digest })
    }
}

/// The mark of the snapshot in a file, whoever signed it; none if there is no file, or it is none.
pub(crate) fn mark(path: &Path) -> Option<Mark> {
    let mut file = open(path)?;
    let note = note(&mut file)?;
    Mark::parse(&note.text)
}

/// Reads the snapshot in a file; none if there is no file, or it is none, damaged, of another version, or signed by nobody who is
/// trusted.
pub(crate) fn read(path: &Path, trusted: &[Verifier]) -> Option<Kept> {
    let mut file = open(path)?;
    let note = note(&mut file)?;
    note.verify(trusted).ok()?;
    let mark = Mark::parse(&note.text)?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest).ok()?;
    let (found, facts) = rayon::join(|| Sha256::digest(&rest), || Facts::read_snapshot(&rest));
    let is_whole = found.as_slice() == mark.digest;
    Some(Kept { mark, facts: facts.ok().filter(|_| is_whole)? })
}

/// A file, and nothing that only looks like one.
fn open(path: &Path) -> Option<std::io::Take<fs::File>> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    Some(fs::File::open(path).ok()?.take(MOST_BYTES))
}

fn note(file: &mut impl Read) -> Option<Note> {
    let mut head = [0; MAGIC.len() + size_of::<u16>()];
    file.read_exact(&mut head).ok()?;
    let length = u16::from_le_bytes(head.strip_prefix(MAGIC)?.try_into().ok()?);
    let mut bytes = vec![0; usize::from(length)];
    file.read_exact(&mut bytes).ok()?;
    Note::parse(&bytes).ok()
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
    note: String,
    parts: Vec<Vec<u8>>,
}

impl Made {
    /// Of the facts that follow from the first `entries` of a ledger.
    pub(crate) fn of(facts: &Facts, (entries, root): (u64, Hash), signer: &Signer) -> Result<Self, Error> {
        let parts = written(facts)?;
        let mark = Mark { entries, root, digest: digest(&parts) };
        Ok(Self { note: Note::sign(&mark.text(), &[signer])?.to_string(), parts })
    }

    /// Puts it in the place of the one before: whole, or not at all.
    pub(crate) fn put(&self, path: &Path) -> Result<(), Error> {
        let length = u16::try_from(self.note.len()).unwrap_or(u16::MAX).to_le_bytes();
        let head = [MAGIC.as_slice(), &length, self.note.as_bytes()].concat();
        let parts: Vec<&[u8]> = std::iter::once(head.as_slice()).chain(self.parts.iter().map(Vec::as_slice)).collect();
        write_whole(path, &parts).map_err(Error::file("write", path))
    }
}
