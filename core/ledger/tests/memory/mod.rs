//! A ledger in memory: its files by path.
#![allow(dead_code, clippy::expect_used, reason = "tests use parts of it each")]

use plimsoll_ledger::{
    Checkpoint, Entry, Error, Frontier, Hash, HashTiles, Note, Signer, Source, Tile, changed_tiles, encode_bundle,
};
use std::collections::BTreeMap;

pub(crate) const ORIGIN: &str = "example.com/ledger";

/// A ledger's files, and what it takes to go on writing them.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) entries: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
    frontier: Frontier,
}

pub(crate) fn signer(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, plimsoll_ledger::KeyKind::Note, &[seed; 32]).expect("a key")
}

pub(crate) fn entry(number: u64) -> Entry {
    let at = jiff::Timestamp::from_second(1_790_000_000 + number as i64).expect("an instant");
    Entry::new(at, "system", "asset/registered", &format!("asset-{number}"), serde_json::json!({ "n": number }))
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { files: BTreeMap::new(), entries: Vec::new(), leaves: Vec::new(), frontier: Frontier::default() }
    }

    /// A ledger of so many entries, written in groups of a size.
    pub(crate) fn of(size: u64, group: usize) -> Self {
        let mut memory = Self::new();
        let all: Vec<Vec<u8>> = (0..size).map(|number| entry(number).canonical().expect("canonical")).collect();
        all.chunks(group.max(1)).for_each(|group| memory.append(group.to_vec()));
        memory
    }

    pub(crate) fn append(&mut self, entries: Vec<Vec<u8>>) {
        let old = self.frontier.size();
        for entry in entries {
            let leaf = Hash::leaf(&entry);
            self.frontier.append(leaf, |_, _, _| {});
            self.leaves.push(leaf);
            self.entries.push(entry);
        }
        for tile in changed_tiles(old, self.frontier.size()) {
            let hashes: Vec<u8> =
                (0..u64::from(tile.width)).flat_map(|at| self.subtree(tile.level, tile.start() + at).0).collect();
            if tile.level == 0 {
                let range = tile.start() as usize..tile.start() as usize + usize::from(tile.width);
                let bundle = encode_bundle(self.entries[range].iter().map(Vec::as_slice)).expect("a bundle");
                self.files.insert(tile.bundle_path(), bundle);
            }
            self.files.insert(tile.path(), hashes);
        }
    }

    /// The hash of a whole subtree of 256^level entries, by definition.
    fn subtree(&self, level: u8, index: u64) -> Hash {
        let count = 256_usize.pow(u32::from(level));
        let mut edge = Frontier::default();
        let start = index as usize * count;
        self.leaves[start..start + count].iter().for_each(|leaf| edge.append(*leaf, |_, _, _| {}));
        edge.root()
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.frontier.root()
    }

    pub(crate) fn checkpoint(&self, signers: &[&Signer]) -> Vec<u8> {
        let checkpoint =
            Checkpoint { origin: ORIGIN.to_owned(), size: self.size(), root: self.root(), extensions: Vec::new() };
        Note::sign(&checkpoint.to_string(), signers).expect("signed").to_string().into_bytes()
    }

    pub(crate) fn hashes(&self) -> HashTiles<impl FnMut(&Tile) -> Result<Vec<u8>, Error>> {
        HashTiles::new(self.size(), |tile: &Tile| Ok(self.files.get(&tile.path()).expect("there").clone()))
    }

    /// Only the files that belong to the newest checkpoint.
    pub(crate) fn without_older_tiles(mut self) -> Self {
        let mut wanted: Vec<String> = Vec::new();
        for level in 0..4 {
            for tile in Tile::all(level, self.size()) {
                wanted.push(tile.path());
                if level == 0 {
                    wanted.push(tile.bundle_path());
                }
            }
        }
        self.files.retain(|path, _| wanted.contains(path));
        self
    }
}

impl Source for Memory {
    fn tile(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.get(&tile.path()).cloned())
    }

    fn bundle(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.files.get(&tile.bundle_path()).cloned())
    }
}
