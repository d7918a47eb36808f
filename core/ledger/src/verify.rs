//! Verification of a whole ledger from its files: every byte is accounted for, and what was changed is named.

use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::error::Error;
use crate::hash::Hash;
use crate::key::Verifier;
use crate::note::Note;
use crate::rotation::{KeyChange, key_at};
use crate::tile::{FULL_WIDTH, HashTiles, Tile, decode_bundle, levels, subtree};
use crate::tree::{Frontier, root};
use rayon::prelude::*;

/// Where the files of a ledger come from; `None` where there is no such file.
pub trait Source {
    /// A tile of hashes.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn tile(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Error>;
    /// A bundle of entries.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn bundle(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Error>;
}

/// A thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tampering {
    /// The newest checkpoint is not signed by the key that was in force.
    Checkpoint {
        /// What is wrong with it.
        what: String,
    },
    /// A bundle of entries is not there, or not whole.
    Bundle {
        /// Its path.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// An entry is not the one that was written.
    EntryChanged {
        /// Its number.
        number: u64,
    },
    /// An entry was written, and is none that can be read or believed.
    EntryUnreadable {
        /// Its number.
        number: u64,
        /// What is wrong.
        what: String,
    },
    /// A tile of hashes is not there, or not whole.
    Tile {
        /// Its path.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// A hash in a tile is not that of what it stands for.
    HashChanged {
        /// The tile's path.
        path: String,
        /// Its place in the tile.
        place: u64,
    },
    /// Entries and hashes agree with each other, and not with the checkpoint: history was written anew.
    Rewritten {
        /// The root of what is there.
        found: Hash,
        /// The root that was signed.
        signed: Hash,
    },
    /// A checkpoint that somebody kept speaks of more entries than there are: an older state was put back.
    RolledBack {
        /// How many entries that checkpoint has.
        kept: u64,
        /// How many there are.
        size: u64,
    },
    /// A checkpoint that somebody kept has another root for the entries of its time: the history was forked.
    Forked {
        /// How many entries that checkpoint has.
        kept: u64,
    },
    /// A checkpoint that somebody kept is not signed by the key of its time.
    KeptUnsigned {
        /// How many entries it has.
        kept: u64,
        /// What is wrong.
        what: String,
    },
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The newest checkpoint.
    pub checkpoint: Checkpoint,
    /// Changes of keys, in their order.
    pub key_changes: Vec<KeyChange>,
    /// Everything that is not as it was written; none if all is well.
    pub tampering: Vec<Tampering>,
}

/// Verifies a ledger: its newest checkpoint (a signed note), all its files, and checkpoints that somebody kept, against the
/// key it began with.
///
/// `progress` is told how many entries were looked at.
///
/// # Errors
/// If the checkpoint cannot be read at all, or the storage fails. Tampering is a finding, not an error.
pub fn verify(
    newest: &[u8],
    first_key: &Verifier,
    kept: &[Vec<u8>],
    source: &mut dyn Source,
    mut progress: impl FnMut(u64),
) -> Result<Report, Error> {
    let note = Note::parse(newest)?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    let mut walk = Walk {
        checkpoint: &checkpoint,
        first_key,
        key_changes: Vec::new(),
        tampering: Vec::new(),
        frontier: Frontier::default(),
        above: vec![Vec::new(); usize::from(levels(checkpoint.size))],
    };
    let mut tiles = Tile::all(0, checkpoint.size).peekable();
    while tiles.peek().is_some() {
        let read = |tile: Tile| Ok((tile, source.bundle(&tile)?));
        let bundles: Vec<(Tile, Option<Vec<u8>>)> =
            tiles.by_ref().take(AT_ONCE).map(read).collect::<Result<_, Error>>()?;
        // Reading an entry costs ten times its hash, and both need nothing but the entry: all cores do that.
        let bundles: Vec<(Tile, Result<Bundle, String>)> =
            bundles.into_par_iter().map(|(tile, bytes)| (tile, Bundle::of(&tile, bytes.as_deref()))).collect();
        for (tile, bundle) in bundles {
            walk.bundle(&tile, bundle, source)?;
            progress(tile.start() + u64::from(tile.width));
        }
    }
    walk.tiles_above(checkpoint.size, source)?;
    let found = walk.frontier.root();
    let is_whole = walk.tampering.is_empty();
    if is_whole && found != checkpoint.root {
        walk.tampering.push(Tampering::Rewritten { found, signed: checkpoint.root });
    }
    if let Err(what) = signed_by(&note, key_at(first_key, &walk.key_changes, &checkpoint)) {
        walk.tampering.push(Tampering::Checkpoint { what });
    }
    for kept in kept {
        walk.kept(kept, source)?;
    }
    let Walk { key_changes, tampering, .. } = walk;
    Ok(Report { checkpoint, key_changes, tampering })
}

fn signed_by(note: &Note, key: &Verifier) -> Result<(), String> {
    note.verify(std::slice::from_ref(key)).map(|_| ()).map_err(|error| error.to_string())
}

/// So many bundles are read and taken apart at once.
const AT_ONCE: usize = 16;

/// A bundle, taken apart.
struct Bundle {
    /// The entries' hashes.
    made: Vec<Hash>,
    /// The entries that tell a change of keys, and those that cannot be read; none of those that are in order.
    told: Vec<Result<Option<Entry>, Error>>,
}

impl Bundle {
    fn of(tile: &Tile, bytes: Option<&[u8]>) -> Result<Self, String> {
        let bytes = bytes.ok_or_else(|| "it is not there".to_owned())?;
        let entries = decode_bundle(tile, bytes).map_err(|error| error.to_string())?;
        let told = |bytes: &&[u8]| Ok(Some(Entry::parse(bytes)?).filter(|entry| entry.kind == KeyChange::KIND));
        Ok(Self {
            made: entries.iter().map(|bytes| Hash::leaf(bytes)).collect(),
            told: entries.iter().map(told).collect(),
        })
    }
}

struct Walk<'k> {
    checkpoint: &'k Checkpoint,
    first_key: &'k Verifier,
    key_changes: Vec<KeyChange>,
    tampering: Vec<Tampering>,
    /// Over the entries as they are.
    frontier: Frontier,
    /// By level: the hashes that its tiles should have, made from the level below as it is.
    above: Vec<Vec<Hash>>,
}

impl Walk<'_> {
    /// Looks at a bundle of entries and the tile of their hashes.
    fn bundle(&mut self, tile: &Tile, bundle: Result<Bundle, String>, source: &mut dyn Source) -> Result<(), Error> {
        let written = self.tile(tile, source)?;
        let Bundle { made, told } = match bundle {
            Ok(bundle) => bundle,
            Err(what) => {
                self.tampering.push(Tampering::Bundle { path: tile.bundle_path(), what });
                // The hashes still show whether what follows is as it was.
                written.into_iter().flatten().for_each(|hash| self.append(hash));
                return Ok(());
            }
        };
        let written = written.unwrap_or_else(|| made.clone());
        // Where an entry and its hash differ, what was made of them says which of both is as it was.
        let are_entries_true = made == written || self.leads_on(tile, &made, source)?;
        for (at, told) in told.into_iter().enumerate() {
            let number = tile.start() + at as u64;
            match (made[at] == written[at], are_entries_true) {
                (true, _) => {}
                (false, true) => {
                    self.tampering.push(Tampering::HashChanged { path: tile.path(), place: at as u64 });
                }
                (false, false) => {
                    self.tampering.push(Tampering::EntryChanged { number });
                    continue;
                }
            }
            let change = |entry: Option<Entry>| entry.map(|entry| self.key_change(&entry, number)).transpose();
            match told.and_then(change) {
                Ok(change) => self.key_changes.extend(change.flatten()),
                Err(error) => {
                    self.tampering.push(Tampering::EntryUnreadable { number, what: error.to_string() });
                }
            }
        }
        (if are_entries_true { made } else { written }).into_iter().for_each(|hash| self.append(hash));
        Ok(())
    }

    /// Whether hashes in the place of a tile lead to the hash above it, or, at the right edge, to the signed root.
    fn leads_on(&self, tile: &Tile, hashes: &[Hash], source: &mut dyn Source) -> Result<bool, Error> {
        if hashes.len() as u64 == FULL_WIDTH {
            let above = Tile::holding(1, tile.index, self.checkpoint.size);
            let bytes = source.tile(&above)?.unwrap_or_default();
            let place = (tile.index - above.start()) as usize;
            return Ok(above.decode(&bytes).is_ok_and(|above| above[place] == subtree(hashes)));
        }
        let mut edge = self.frontier.clone();
        hashes.iter().for_each(|hash| edge.append(*hash, |_, _, _| {}));
        Ok(edge.root() == self.checkpoint.root)
    }

    /// The change of keys that an entry may tell.
    fn key_change(&self, entry: &Entry, number: u64) -> Result<Option<KeyChange>, Error> {
        let old = self.key_changes.last().map_or(self.first_key, |change| &change.next);
        KeyChange::read(entry, number, &self.checkpoint.origin, old)
    }

    fn append(&mut self, hash: Hash) {
        let above = &mut self.above;
        self.frontier.append(hash, |level, _, hash| {
            let place = above.get_mut(usize::from(level / 8)).filter(|_| level > 0 && level % 8 == 0);
            place.into_iter().for_each(|hashes| hashes.push(hash));
        });
    }

    /// The hashes of a tile as it is; a problem if it is not whole.
    fn tile(&mut self, tile: &Tile, source: &mut dyn Source) -> Result<Option<Vec<Hash>>, Error> {
        let hashes = match source.tile(tile)? {
            None => Err("it is not there".to_owned()),
            Some(bytes) => tile.decode(&bytes).map_err(|error| error.to_string()),
        };
        Ok(hashes.map_err(|what| self.tampering.push(Tampering::Tile { path: tile.path(), what })).ok())
    }

    /// Compares the tiles above the entries' own hashes with what the entries come to.
    fn tiles_above(&mut self, size: u64, source: &mut dyn Source) -> Result<(), Error> {
        for level in 1..levels(size) {
            for tile in Tile::all(level, size) {
                let Some(written) = self.tile(&tile, source)? else { continue };
                let made = std::mem::take(&mut self.above[usize::from(level)]);
                let start = tile.start() as usize;
                let differs = |at: &usize| made.get(start + at).is_some_and(|made| *made != written[*at]);
                for at in (0..written.len()).filter(differs) {
                    self.tampering.push(Tampering::HashChanged { path: tile.path(), place: at as u64 });
                }
                self.above[usize::from(level)] = made;
            }
        }
        Ok(())
    }

    /// Checks a checkpoint that somebody kept against what is there now.
    fn kept(&mut self, bytes: &[u8], source: &mut dyn Source) -> Result<(), Error> {
        let note = Note::parse(bytes)?;
        let old = Checkpoint::parse(&note.text)?;
        let (kept, newest) = (old.size, self.checkpoint);
        if let Err(what) = signed_by(&note, key_at(self.first_key, &self.key_changes, &old)) {
            self.tampering.push(Tampering::KeptUnsigned { kept, what });
        }
        if old.origin != newest.origin {
            let what = format!("it is of the ledger `{}`", old.origin);
            self.tampering.push(Tampering::KeptUnsigned { kept, what });
        } else if kept > newest.size {
            self.tampering.push(Tampering::RolledBack { kept, size: newest.size });
        } else {
            let read = |tile: &Tile| {
                let missing = || Error::Tile { path: tile.path(), what: "it is not there".to_owned() };
                source.tile(tile)?.ok_or_else(missing)
            };
            // What cannot be read was named above.
            match root(kept, &mut HashTiles::new(newest.size, read)) {
                Ok(found) if found == old.root => {}
                Ok(_) => self.tampering.push(Tampering::Forked { kept }),
                Err(Error::Storage { path, source }) => return Err(Error::Storage { path, source }),
                Err(_) => {}
            }
        }
        Ok(())
    }
}
