//! The Merkle tree of RFC 6962, as far as it must be known to append to it and to find its root.

use crate::error::Error;
use crate::hash::Hash;

/// Where the hashes of whole subtrees come from.
pub trait Hashes {
    /// The hash of the subtree over the entries `index << level .. (index + 1) << level`, all of which exist.
    ///
    /// # Errors
    /// If it cannot be read.
    fn get(&mut self, level: u8, index: u64) -> Result<Hash, Error>;
}

/// The right edge of a tree: all that is needed to append to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Hashes of the whole subtrees that the tree is made of, the largest first.
    parts: Vec<Hash>,
}

impl Frontier {
    /// The edge of a tree that is stored.
    ///
    /// # Errors
    /// If a hash cannot be read.
    pub fn load(size: u64, hashes: &mut dyn Hashes) -> Result<Self, Error> {
        let parts = whole_subtrees(0, size).map(|(level, index)| hashes.get(level, index)).collect::<Result<_, _>>()?;
        Ok(Self { size, parts })
    }

    /// How many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends an entry's hash; every whole subtree that this completes is told, the smallest first, the entry's own hash
    /// among them.
    pub fn append(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, Hash)) {
        let mut hash = leaf;
        completed(0, self.size, hash);
        let mut index = self.size;
        for level in 1..=u64::BITS as u8 {
            if index & 1 == 0 {
                break;
            }
            let Some(left) = self.parts.pop() else { break };
            hash = Hash::node(&left, &hash);
            index >>= 1;
            completed(level, index, hash);
        }
        self.parts.push(hash);
        self.size += 1;
    }

    /// The hash of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        joined(&self.parts)
    }
}

/// The hash of the first `size` entries.
///
/// # Errors
/// If a hash cannot be read.
pub fn root(size: u64, hashes: &mut dyn Hashes) -> Result<Hash, Error> {
    range_root(0, size, hashes)
}

/// The hash over the entries `start..end`, where `start` is a multiple of the largest power of two up to their number.
pub(crate) fn range_root(start: u64, end: u64, hashes: &mut dyn Hashes) -> Result<Hash, Error> {
    let parts: Vec<Hash> =
        whole_subtrees(start, end).map(|(level, index)| hashes.get(level, index)).collect::<Result<_, _>>()?;
    Ok(joined(&parts))
}

/// The whole subtrees that a range is made of, from left to right: their levels and places.
fn whole_subtrees(start: u64, end: u64) -> impl Iterator<Item = (u8, u64)> {
    let mut at = start;
    let size = end - start;
    (0..u64::BITS as u8).rev().filter(move |level| size >> level & 1 == 1).map(move |level| {
        let index = at >> level;
        at += 1 << level;
        (level, index)
    })
}

fn joined(parts: &[Hash]) -> Hash {
    parts.iter().rev().copied().reduce(|right, left| Hash::node(&left, &right)).unwrap_or_else(Hash::empty)
}

/// The largest power of two below a size of two or more.
pub(crate) fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}
