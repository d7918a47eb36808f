//! Roots and proofs against an independent implementation, tiles against the specification's own figures.
#![allow(clippy::expect_used, reason = "tests")]

mod memory;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use memory::Memory;
use plimsoll_ledger::{
    Frontier, Hash, Tile, changed_tiles, consistency, inclusion, root, verify_consistency, verify_inclusion,
};
use sha2::Sha256;

fn bytes(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.0).collect()
}

#[test]
fn roots_and_proofs_are_those_of_another_implementation() {
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let all = Memory::of(600, 7);
    let mut roots = vec![Hash::empty()];
    for size in 1..=600_u64 {
        other.push(all.entries[size as usize - 1].clone());
        let mut hashes = all.hashes();
        let found = root(size, &mut hashes).expect("a root");
        assert_eq!(found.0.as_slice(), other.root().as_bytes().as_slice(), "{size}");
        roots.push(found);
        let is_thorough = size <= 70 || [255, 256, 257, 511, 512, 513, 600].contains(&size);
        for at in (0..size).filter(|at| is_thorough || at % 97 == 0) {
            let leaf = Hash::leaf(&all.entries[at as usize]);
            let proof = inclusion(at, size, &mut hashes).expect("a proof");
            assert_eq!(bytes(&proof), other.prove_inclusion(at as usize).as_bytes(), "{at} of {size}");
            verify_inclusion(leaf, at, size, found, &proof).expect("it holds");
            refuse_inclusion(leaf, (at, size), found, &proof);
            if at > 0 {
                let proof = consistency(at, size, &mut hashes).expect("a proof");
                assert_eq!(bytes(&proof), other.prove_consistency((size - at) as usize).as_bytes(), "{at} to {size}");
                verify_consistency((at, roots[at as usize]), (size, found), &proof).expect("it holds");
                refuse_consistency((at, roots[at as usize]), (size, found), &proof);
            }
        }
    }
    assert_eq!(all.root(), roots[600]);
}

/// A proof holds for one entry, one place, one size and one root, and has no hash too many or too few.
fn refuse_inclusion(leaf: Hash, (at, size): (u64, u64), root: Hash, proof: &[Hash]) {
    let other = Hash::leaf(b"other");
    assert!(verify_inclusion(other, at, size, root, proof).is_err());
    assert!(verify_inclusion(leaf, at, size, other, proof).is_err());
    assert!(verify_inclusion(leaf, size, size, root, proof).is_err());
    assert!(verify_inclusion(leaf, at, size, root, &[proof, &[other]].concat()).is_err());
    if let Some((_, short)) = proof.split_last() {
        assert!(verify_inclusion(leaf, at, size, root, short).is_err());
        let mut changed = proof.to_vec();
        changed[0] = other;
        assert!(verify_inclusion(leaf, at, size, root, &changed).is_err());
        assert!(verify_inclusion(leaf, at ^ 1, size, root, proof).is_err());
    }
}

fn refuse_consistency(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) {
    let other = Hash::leaf(b"other");
    assert!(verify_consistency((old.0, other), new, proof).is_err());
    assert!(verify_consistency(old, (new.0, other), proof).is_err());
    assert!(verify_consistency(new, old, proof).is_err());
    assert!(verify_consistency(old, new, &[proof, &[other]].concat()).is_err());
    if let Some((_, short)) = proof.split_last() {
        assert!(verify_consistency(old, new, short).is_err());
    }
}

#[test]
fn every_tree_continues_the_empty_one_and_itself() {
    let all = Memory::of(5, 1);
    let (size, root) = (all.size(), all.root());
    verify_consistency((0, Hash::empty()), (size, root), &[]).expect("it holds");
    verify_consistency((size, root), (size, root), &[]).expect("it holds");
    assert!(verify_consistency((0, root), (size, root), &[]).is_err());
    assert!(consistency(6, 5, &mut all.hashes()).is_err() && inclusion(5, 5, &mut all.hashes()).is_err());
    assert_eq!(Frontier::load(size, &mut all.hashes()).expect("loaded").root(), root);
}

/// The examples of C2SP tlog-tiles, sections "Merkle Tree" and "Partial Tiles".
#[test]
fn tiles_are_those_of_the_specification() {
    assert_eq!(Tile { level: 0, index: 1_234_067, width: 256 }.path(), "tile/0/x001/x234/067");
    assert_eq!(Tile { level: 2, index: 0, width: 8 }.path(), "tile/2/000.p/8");
    assert_eq!(Tile { level: 0, index: 999, width: 1 }.bundle_path(), "tile/entries/999.p/1");
    let widths = |size: u64| -> Vec<(u8, usize, u16)> {
        let levels = (0..8).map(|level| (level, Tile::all(level, size).collect::<Vec<_>>()));
        levels.filter_map(|(level, all)| Some((level, all.len(), all.last()?.width))).collect()
    };
    // 273 full and one of 112; one full and one of 17; one of 1.
    assert_eq!(widths(70_000), [(0, 274, 112), (1, 2, 17), (2, 1, 1)]);
    assert_eq!(widths(256), [(0, 1, 256), (1, 1, 1)]);
    assert_eq!(widths(0), []);
}

#[test]
fn what_changes_is_what_was_not_there() {
    for (old, new) in [(0, 1), (0, 300), (255, 256), (256, 257), (3, 700), (65_535, 65_537), (9, 9)] {
        let before: Vec<Tile> = (0..4).flat_map(|level| Tile::all(level, old)).collect();
        let after: Vec<Tile> = (0..4).flat_map(|level| Tile::all(level, new)).collect();
        let expected: Vec<Tile> = after.into_iter().filter(|tile| !before.contains(tile)).collect();
        assert_eq!(changed_tiles(old, new).collect::<Vec<_>>(), expected, "{old} to {new}");
    }
}
