//! The file's bytes, each block verified before the first read from it.

use super::{BLOCK_BYTES, HEADER_BYTES, hash};
use crate::error::Error;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of an index with the checksums of its blocks.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    bytes: &'a [u8],
    checks: &'a [u8],
    /// One bit a block: whether it was verified.
    verified: Box<[AtomicU64]>,
}

impl<'a> Blocks<'a> {
    /// Takes the bytes and the checksums of all blocks after the header.
    pub(super) fn new(bytes: &'a [u8], checks: &'a [u8]) -> Self {
        let words = (checks.len() / 8).div_ceil(64);
        Self { bytes, checks, verified: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The bytes of a range of the file.
    ///
    /// # Errors
    /// If the range lies outside the blocks, or a block of it is damaged.
    pub(super) fn get(&self, range: Range<usize>) -> Result<&'a [u8], Error> {
        let at = range.start;
        let bytes = self.bytes.get(range.clone()).ok_or(Error::Damaged { what: "a place beyond the end", at })?;
        let Some(last) = range.end.checked_sub(1).filter(|_| !bytes.is_empty()) else { return Ok(bytes) };
        let block_of = |at: usize| at.checked_sub(HEADER_BYTES).map(|at| at / BLOCK_BYTES);
        let (Some(first), Some(last)) = (block_of(at), block_of(last)) else {
            return Err(Error::Damaged { what: "a place inside the header", at });
        };
        (first..=last).try_for_each(|block| self.verify(block))?;
        Ok(bytes)
    }

    fn verify(&self, block: usize) -> Result<(), Error> {
        let at = HEADER_BYTES + block * BLOCK_BYTES;
        let bit = 1 << (block % 64);
        let word = self.verified.get(block / 64).ok_or(Error::Damaged { what: "a block beyond the end", at })?;
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let bytes = self.bytes.get(at..at + BLOCK_BYTES);
        let check = self.checks.get(block * 8..block * 8 + 8).and_then(|check| check.try_into().ok());
        match (bytes, check.map(u64::from_le_bytes)) {
            (Some(bytes), Some(check)) if hash(bytes) == check => {
                word.fetch_or(bit, Ordering::Relaxed);
                Ok(())
            }
            _ => Err(Error::Damaged { what: "a block does not match its checksum", at }),
        }
    }
}
