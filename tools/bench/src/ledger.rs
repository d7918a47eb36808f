//! Proofs and verification of large ledgers.

use super::Row;
use super::measure::median;
use anyhow::{Context, Result, bail};
use ledger::{
    Checkpoint, Entry, Error, Frontier, Hash, HashTiles, KeyKind, Note, Signer, Source, Tile, encode_bundle, inclusion,
    verify, verify_inclusion,
};
use std::path::{Path, PathBuf};
use std::time::Instant;

const PROVED: u64 = 10_000_000;
const VERIFIED: u64 = 1_000_000;
const ORIGIN: &str = "example.com/ledger";

/// The hashes of a tree by level of tiles.
struct Tree {
    levels: Vec<Vec<Hash>>,
    frontier: Frontier,
}

impl Tree {
    fn of(leaves: impl Iterator<Item = Hash>) -> Self {
        let mut tree = Self { levels: vec![Vec::new(); 4], frontier: Frontier::default() };
        let Self { levels, frontier } = &mut tree;
        for leaf in leaves {
            frontier.append(leaf, |level, _, hash| {
                if level % 8 == 0 && usize::from(level / 8) < levels.len() {
                    levels[usize::from(level / 8)].push(hash);
                }
            });
        }
        tree
    }

    fn tile(&self, tile: &Tile) -> Vec<u8> {
        let start = tile.start() as usize;
        let hashes = &self.levels[usize::from(tile.level)][start..start + usize::from(tile.width)];
        hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

/// One proof after the other at ten million entries, each from tiles that are read anew.
pub(super) fn proofs(rows: &mut Vec<Row>) -> Result<()> {
    println!("hashing {PROVED} entries");
    let leaf = |number: u64| Hash::leaf(&number.to_be_bytes());
    let tree = Tree::of((0..PROVED).map(leaf));
    let root = tree.frontier.root();
    let mut times = Vec::new();
    for round in 0..1001_u64 {
        let index = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) % PROVED;
        let start = Instant::now();
        let mut hashes = HashTiles::new(PROVED, |tile: &Tile| Ok(tree.tile(tile)));
        let proof = inclusion(index, PROVED, &mut hashes)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
        verify_inclusion(leaf(index), index, PROVED, root, &proof)?;
    }
    let micros = median(times);
    let figures = format!("{micros:.0} µs (median of 1,001, tiles in memory)");
    rows.push(Row::plain(format!("one proof of inclusion among {PROVED} entries"), figures, "1 ms", micros > 1000.0));
    Ok(())
}

/// A ledger's files in a folder.
struct Folder(PathBuf);

impl Folder {
    fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        std::fs::read(self.0.join(path)).map(Some).map_err(|source| Error::Storage { path: path.to_owned(), source })
    }
}

impl Source for Folder {
    fn tile(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Error> {
        self.read(&tile.path())
    }

    fn bundle(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, Error> {
        self.read(&tile.bundle_path())
    }
}

/// A million entries, verified from their files.
pub(super) fn verification(work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let mut folder = Folder(work.join("ledger"));
    let entry = |number: u64| -> Result<Vec<u8>> {
        let at = jiff::Timestamp::from_second(1_790_000_000 + number as i64)?;
        let body = serde_json::json!({ "asset": format!("host-{}", number % 100_000), "at": at });
        Ok(Entry::new(at, "agent", "asset/scanned", &format!("host-{}", number % 100_000), body).canonical()?)
    };
    println!("writing a ledger of {VERIFIED} entries");
    let entries: Vec<Vec<u8>> = (0..VERIFIED).map(entry).collect::<Result<_>>()?;
    let tree = Tree::of(entries.iter().map(|entry| Hash::leaf(entry)));
    for tile in (0..4).flat_map(|level| Tile::all(level, VERIFIED)) {
        folder.write(&tile.path(), &tree.tile(&tile))?;
        if tile.level == 0 {
            let start = tile.start() as usize;
            let bundle = &entries[start..start + usize::from(tile.width)];
            folder.write(&tile.bundle_path(), &encode_bundle(bundle.iter().map(Vec::as_slice))?)?;
        }
    }
    let signer = Signer::from_seed(ORIGIN, KeyKind::Note, &[7; 32])?;
    let root = tree.frontier.root();
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: VERIFIED, root, extensions: Vec::new() };
    let note = Note::sign(&checkpoint.to_string(), &[&signer])?.to_string();
    drop((entries, tree));
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        let report = verify(note.as_bytes(), &signer.verifier(), &[], &mut folder, |_| {})?;
        times.push(start.elapsed().as_secs_f64());
        if !report.tampering.is_empty() {
            bail!("a ledger that nobody touched is called {:?}", report.tampering);
        }
    }
    let seconds = median(times);
    let what = format!("verifying a ledger of {VERIFIED} entries, from files");
    rows.push(Row::plain(what, format!("{seconds:.2} s (median of 5)"), "2 s", seconds > 2.0));
    Ok(())
}
