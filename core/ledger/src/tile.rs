//! Tiles: the tree and its entries in files that never change (C2SP tlog-tiles).

use crate::error::Error;
use crate::hash::Hash;
use crate::tree::Hashes;
use std::collections::HashMap;

/// The hashes in a full tile, and the entries in a full bundle.
pub const FULL_WIDTH: u64 = 256;
/// Levels of the tree from one level of tiles to the next.
const HEIGHT: u8 = 8;

/// The place of a tile: `width` hashes at a level of tiles; those of level 0 are hashes of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// The level, from 0; a hash of level `n` covers 256ⁿ entries.
    pub level: u8,
    /// Which of the level, from 0.
    pub index: u64,
    /// How many hashes it holds: 256, fewer only at the right edge.
    pub width: u16,
}

impl Tile {
    /// The path that C2SP gives it: `tile/0/x001/067`, `tile/1/000.p/8`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, self.tail())
    }

    /// The path of the bundle of entries that a tile of level 0 has the hashes of: `tile/entries/000.p/8`.
    #[must_use]
    pub fn bundle_path(&self) -> String {
        format!("tile/entries/{}", self.tail())
    }

    fn tail(&self) -> String {
        let mut parts = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            parts.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        parts.reverse();
        let partial = if u64::from(self.width) < FULL_WIDTH { format!(".p/{}", self.width) } else { String::new() };
        parts.join("/") + &partial
    }

    /// The number of its first entry or hash, within its level.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.index * FULL_WIDTH
    }

    /// Reads its hashes.
    ///
    /// # Errors
    /// If the bytes are not as many hashes as its width.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<Hash>, Error> {
        if bytes.len() != usize::from(self.width) * Hash::BYTES {
            let what = format!("it has {} bytes, and not {} hashes", bytes.len(), self.width);
            return Err(Error::Tile { path: self.path(), what });
        }
        let (hashes, _) = bytes.as_chunks::<{ Hash::BYTES }>();
        Ok(hashes.iter().copied().map(Hash).collect())
    }

    /// The tile of a level that holds hash `place` in a tree of `size` entries, as wide as it is then.
    #[must_use]
    pub fn holding(level: u8, place: u64, size: u64) -> Self {
        let index = place / FULL_WIDTH;
        let width = (hashes_at(level, size) - index * FULL_WIDTH).min(FULL_WIDTH) as u16;
        Self { level, index, width }
    }

    /// All tiles of a level in a tree of `size` entries.
    pub fn all(level: u8, size: u64) -> impl Iterator<Item = Self> {
        (0..hashes_at(level, size).div_ceil(FULL_WIDTH))
            .map(move |index| Self::holding(level, index * FULL_WIDTH, size))
    }
}

/// How many hashes the tiles of a level hold.
fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0)
}

/// The levels that a tree of this size has tiles at.
pub(crate) fn levels(size: u64) -> u8 {
    (0..=u8::MAX).find(|level| hashes_at(*level, size) == 0).unwrap_or(0)
}

/// The tiles that a tree of `new` entries has and one of `old` had not, or less wide: what is to be written, each level from
/// left to right.
pub fn changed_tiles(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    (0..levels(new)).flat_map(move |level| {
        let (before, after) = (hashes_at(level, old), hashes_at(level, new));
        let range = if before == after { 0..0 } else { before / FULL_WIDTH..after.div_ceil(FULL_WIDTH) };
        range.map(move |index| Tile::holding(level, index * FULL_WIDTH, new))
    })
}

/// Writes entries as a bundle: each behind its length, two bytes, the higher first.
///
/// # Errors
/// If an entry is too large.
pub fn encode_bundle<'e>(entries: impl Iterator<Item = &'e [u8]>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len())
            .map_err(|_| Error::EntryTooLarge { size: entry.len(), most: crate::MOST_ENTRY_BYTES })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// Reads the entries of a bundle.
///
/// # Errors
/// If the bytes are cut off, or hold another number of entries than the bundle's width.
pub fn decode_bundle<'b>(tile: &Tile, bytes: &'b [u8]) -> Result<Vec<&'b [u8]>, Error> {
    let damaged = |what: String| Error::Tile { path: tile.bundle_path(), what };
    let mut entries = Vec::with_capacity(usize::from(tile.width));
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((entry, tail)) = tail.split_at_checked(length) else {
            return Err(damaged(format!("entry {} is cut off", tile.start() + entries.len() as u64)));
        };
        entries.push(entry);
        rest = tail;
    }
    match rest.is_empty() && entries.len() == usize::from(tile.width) {
        true => Ok(entries),
        false => Err(damaged(format!("it holds {} entries and not {}", entries.len(), tile.width))),
    }
}

/// The hashes of a tree, from its tiles; each tile is read once.
pub struct HashTiles<R> {
    size: u64,
    read: R,
    known: HashMap<Tile, Vec<Hash>>,
}

impl<R: FnMut(&Tile) -> Result<Vec<u8>, Error>> HashTiles<R> {
    /// The tiles of a tree of `size` entries, which `read` brings.
    pub fn new(size: u64, read: R) -> Self {
        Self { size, read, known: HashMap::new() }
    }
}

impl<R: FnMut(&Tile) -> Result<Vec<u8>, Error>> Hashes for HashTiles<R> {
    fn get(&mut self, level: u8, index: u64) -> Result<Hash, Error> {
        if index.checked_add(1).and_then(|end| end.checked_mul(1 << level)).is_none_or(|end| end > self.size) {
            return Err(Error::Range { what: format!("subtree {index} of level {level}"), size: self.size });
        }
        let (tiles, inner) = (level / HEIGHT, level % HEIGHT);
        let first = index << inner;
        let tile = Tile::holding(tiles, first, self.size);
        let hashes = match self.known.entry(tile) {
            std::collections::hash_map::Entry::Occupied(place) => place.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => place.insert(tile.decode(&(self.read)(&tile)?)?),
        };
        let start = (first - tile.start()) as usize;
        Ok(subtree(&hashes[start..start + (1 << inner)]))
    }
}

/// The hash above hashes whose number is a power of two.
pub(crate) fn subtree(hashes: &[Hash]) -> Hash {
    match hashes {
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Hash::node(&subtree(left), &subtree(right))
        }
    }
}
