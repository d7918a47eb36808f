//! Every change of a ledger's files is found, and said to be where it is.
#![allow(clippy::expect_used, reason = "tests")]

mod memory;

use memory::{Memory, ORIGIN, entry, signer};
use plimsoll_ledger::{KeyChange, Report, Tampering, Tile, decode_bundle, verify};

fn check(memory: &Memory, checkpoint: &[u8], kept: &[Vec<u8>]) -> Report {
    verify(checkpoint, &signer(1).verifier(), kept, &mut memory.clone(), |_| {}).expect("it can be looked at")
}

#[test]
fn what_nobody_touched_is_whole() {
    for size in [0, 1, 2, 255, 256, 257, 700] {
        let memory = Memory::of(size, 50);
        let kept: Vec<Vec<u8>> =
            (0..=size).step_by(97).map(|old| Memory::of(old, 9).checkpoint(&[&signer(1)])).collect();
        let mut looked = 0;
        let newest = memory.checkpoint(&[&signer(1)]);
        let report =
            verify(&newest, &signer(1).verifier(), &kept, &mut memory.clone(), |at| looked = at).expect("looked at");
        assert_eq!((report.tampering, report.checkpoint.size, looked), (Vec::new(), size, size));
    }
}

/// The file in which a finding says that something is wrong.
fn place(found: &Tampering, size: u64) -> String {
    match found {
        Tampering::EntryChanged { number } | Tampering::EntryUnreadable { number, .. } => {
            Tile::holding(0, *number, size).bundle_path()
        }
        Tampering::HashChanged { path, .. } | Tampering::Tile { path, .. } | Tampering::Bundle { path, .. } => {
            path.clone()
        }
        Tampering::Checkpoint { .. } => "checkpoint".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Each bit of each file of a small ledger; of a larger one as many as there is time for.
#[test]
fn every_flipped_bit_is_found_in_its_file() {
    let small = Memory::of(5, 5);
    assert_eq!(small.files.keys().collect::<Vec<_>>(), ["tile/0/000.p/5", "tile/entries/000.p/5"]);
    flip_bits(&small, 1);
    let memory = Memory::of(300, 300).without_older_tiles();
    let paths: Vec<String> = memory.files.keys().cloned().collect();
    assert_eq!(paths, ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"]);
    flip_bits(&memory, 331);
}

/// Flips every bit whose number is a multiple of `step`; an odd step meets every bit of a byte.
fn flip_bits(memory: &Memory, step: usize) {
    let (checkpoint, size) = (memory.checkpoint(&[&signer(1)]), memory.size());
    let mut changed = memory.clone();
    for path in memory.files.keys() {
        for bit in (0..memory.files[path].len() * 8).step_by(step) {
            let flip = |changed: &mut Memory| changed.files.get_mut(path).expect("there")[bit / 8] ^= 1 << (bit % 8);
            flip(&mut changed);
            let report = check(&changed, &checkpoint, &[]);
            let places: Vec<String> = report.tampering.iter().map(|found| place(found, size)).collect();
            assert!(!places.is_empty() && places.iter().all(|place| place == path), "{path} bit {bit}: {places:?}");
            flip(&mut changed);
        }
    }
    for bit in 0..checkpoint.len() * 8 {
        let mut other = checkpoint.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let report = verify(&other, &signer(1).verifier(), &[], &mut memory.clone(), |_| {});
        assert!(report.is_err() || !report.expect("read").tampering.is_empty(), "checkpoint bit {bit}");
    }
}

#[test]
fn a_changed_entry_is_named_by_its_number_even_where_its_hash_was_changed_too() {
    let checkpoint = Memory::of(300, 300).checkpoint(&[&signer(1)]);
    for number in [0, 77, 255, 256, 299] {
        let honest = Memory::of(300, 300);
        let mut entries = honest.entries.clone();
        entries[number] = entry(9999).canonical().expect("canonical");
        let mut forged = Memory::new();
        forged.append(entries);
        // Only the entry; the entry and its hash; everything, up to the root.
        let tile = Tile::holding(0, number as u64, 300);
        let mut only_entry = honest.clone();
        only_entry.files.insert(tile.bundle_path(), forged.files[&tile.bundle_path()].clone());
        assert_eq!(check(&only_entry, &checkpoint, &[]).tampering, [Tampering::EntryChanged { number: number as u64 }]);
        let mut with_hash = only_entry.clone();
        with_hash.files.insert(tile.path(), forged.files[&tile.path()].clone());
        let found = check(&with_hash, &checkpoint, &[]).tampering;
        assert!(!found.is_empty(), "{number}");
        let rewritten = check(&forged, &checkpoint, &[]).tampering;
        assert!(matches!(rewritten.as_slice(), [Tampering::Rewritten { .. }]), "{number}: {rewritten:?}");
    }
}

#[test]
fn what_was_changed_in_a_long_ledger_is_named_wherever_it_is() {
    const SIZE: usize = 256 * 33 + 7;
    let honest = Memory::of(SIZE as u64, SIZE);
    let checkpoint = honest.checkpoint(&[&signer(1)]);
    assert_eq!(check(&honest, &checkpoint, &[]).tampering, []);
    for number in [256 * 16 - 1, 256 * 16, 256 * 32, SIZE - 1] {
        let tile = Tile::holding(0, number as u64, SIZE as u64);
        let mut entries = honest.entries.clone();
        entries[number] = entry(9999).canonical().expect("canonical");
        let mut forged = Memory::new();
        forged.append(entries);
        let mut changed = honest.clone();
        changed.files.insert(tile.bundle_path(), forged.files[&tile.bundle_path()].clone());
        assert_eq!(check(&changed, &checkpoint, &[]).tampering, [Tampering::EntryChanged { number: number as u64 }]);
        let mut missing = honest.clone();
        missing.files.remove(&tile.bundle_path());
        let found = check(&missing, &checkpoint, &[]).tampering;
        assert!(
            matches!(found.as_slice(), [Tampering::Bundle { path, .. }] if *path == tile.bundle_path()),
            "{found:?}"
        );
    }
}

#[test]
fn removed_reordered_and_cut_entries_are_found() {
    let honest = Memory::of(300, 300);
    let checkpoint = honest.checkpoint(&[&signer(1)]);
    let with = |entries: Vec<Vec<u8>>| {
        let mut memory = Memory::new();
        memory.append(entries);
        check(&memory, &checkpoint, &[]).tampering
    };
    let mut swapped = honest.entries.clone();
    swapped.swap(3, 4);
    let mut removed = honest.entries.clone();
    removed.remove(100);
    let mut doubled = honest.entries.clone();
    doubled.insert(5, doubled[5].clone());
    assert!([swapped, removed, doubled].into_iter().all(|entries| !with(entries).is_empty()));
    assert!(!with(honest.entries[..299].to_vec()).is_empty());
    for path in honest.files.keys().filter(|path| honest.clone().without_older_tiles().files.contains_key(*path)) {
        let mut missing = honest.clone();
        missing.files.remove(path);
        let found: Vec<String> =
            check(&missing, &checkpoint, &[]).tampering.iter().map(|found| place(found, 300)).collect();
        assert!(found.contains(path), "{path}: {found:?}");
        let mut cut = honest.clone();
        cut.files.get_mut(path).expect("there").pop();
        let found: Vec<String> =
            check(&cut, &checkpoint, &[]).tampering.iter().map(|found| place(found, 300)).collect();
        assert!(found.contains(path), "{path}: {found:?}");
    }
}

#[test]
fn a_kept_checkpoint_shows_what_was_put_back_or_forked() {
    let honest = Memory::of(300, 300);
    let (old, new) = (Memory::of(200, 200), honest.checkpoint(&[&signer(1)]));
    let rolled_back = check(&old, &old.checkpoint(&[&signer(1)]), std::slice::from_ref(&new));
    assert_eq!(rolled_back.tampering, [Tampering::RolledBack { kept: 300, size: 200 }]);
    let mut forked = Memory::of(150, 150);
    forked.append((0..200).map(|number| entry(number + 5000).canonical().expect("canonical")).collect());
    let report =
        check(&forked, &forked.checkpoint(&[&signer(1)]), &[new, Memory::of(150, 1).checkpoint(&[&signer(1)])]);
    assert_eq!(report.tampering, [Tampering::Forked { kept: 300 }]);
    // A checkpoint that the ledger's key never signed proves nothing against it, and is named.
    let foreign = check(&honest, &honest.checkpoint(&[&signer(1)]), &[honest.checkpoint(&[&signer(2)])]);
    assert!(matches!(foreign.tampering.as_slice(), [Tampering::KeptUnsigned { kept: 300, .. }]));
}

#[test]
fn a_new_key_is_believed_because_the_old_one_vouches_for_it() {
    let (first, second, thief) = (signer(1), signer(2), signer(3));
    let mut memory = Memory::of(10, 10);
    let before = memory.checkpoint(&[&first]);
    let at = jiff::Timestamp::UNIX_EPOCH;
    let change = KeyChange { number: 10, next: second.verifier() };
    let told = change.entry(ORIGIN, &first, at, "person-1").expect("an entry");
    memory.append(vec![told.canonical().expect("canonical")]);
    memory.append(vec![entry(11).canonical().expect("canonical")]);
    let report = check(&memory, &memory.checkpoint(&[&second]), std::slice::from_ref(&before));
    assert_eq!((report.tampering, report.key_changes), (Vec::new(), vec![change.clone()]));
    // The old key signs nothing any more, and the new one nothing of before.
    let by_old = check(&memory, &memory.checkpoint(&[&first]), &[]).tampering;
    assert!(matches!(by_old.as_slice(), [Tampering::Checkpoint { .. }]), "{by_old:?}");
    let kept = check(&memory, &memory.checkpoint(&[&second]), &[Memory::of(10, 1).checkpoint(&[&second])]).tampering;
    assert!(matches!(kept.as_slice(), [Tampering::KeptUnsigned { kept: 10, .. }]), "{kept:?}");
    // Vouched for by another key, or for another place.
    for (number, by) in [(10, &thief), (11, &first)] {
        let mut forged = Memory::of(10, 10);
        let told = KeyChange { number, next: thief.verifier() }.entry(ORIGIN, by, at, "thief").expect("an entry");
        forged.append(vec![told.canonical().expect("canonical")]);
        let found = check(&forged, &forged.checkpoint(&[&thief]), &[]).tampering;
        assert!(matches!(
            found.as_slice(),
            [Tampering::EntryUnreadable { number: 10, .. }, Tampering::Checkpoint { .. }]
        ));
    }
}

#[test]
fn fuzz_bundles() {
    let memory = Memory::of(20, 20);
    let tile = Tile { level: 0, index: 0, width: 20 };
    let seed = memory.files[&tile.bundle_path()].clone();
    testkit::fuzz::run(std::slice::from_ref(&seed), |input| {
        if let Ok(entries) = decode_bundle(&tile, input) {
            let again = plimsoll_ledger::encode_bundle(entries.into_iter()).expect("a bundle");
            assert_eq!(again, input);
        }
    });
}
