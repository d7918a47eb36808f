//! Proofs that an entry is in a tree, and that one tree continues another.
//!
//! Made as RFC 6962, sections 2.1.1 and 2.1.2 define them; verified by the algorithms of RFC 9162, sections 2.1.3.2 and
//! 2.1.4.2, which need nothing but the proof.

use crate::error::Error;
use crate::hash::Hash;
use crate::tree::{Hashes, range_root, split};

/// The hashes that lead from entry `index` to the root of a tree of `size` entries, from the bottom up.
///
/// # Errors
/// If there is no such entry, or a hash cannot be read.
pub fn inclusion(index: u64, size: u64, hashes: &mut dyn Hashes) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::Range { what: format!("entry {index}"), size });
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range_root(middle, end, hashes)?);
            end = middle;
        } else {
            path.push(range_root(start, middle, hashes)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that show that a tree of `new` entries begins with the tree of its first `old` ones, from the bottom up.
///
/// # Errors
/// If `old` is greater than `new`, or a hash cannot be read.
pub fn consistency(old: u64, new: u64, hashes: &mut dyn Hashes) -> Result<Vec<Hash>, Error> {
    if old > new {
        return Err(Error::Range { what: format!("earlier tree of {old} entries"), size: new });
    }
    // Every tree begins with the empty one, and with itself.
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range_root(middle, end, hashes)?);
            end = middle;
        } else {
            path.push(range_root(start, middle, hashes)?);
            start = middle;
        }
    }
    // The old tree's own root needs no telling.
    if start != 0 {
        path.push(range_root(start, end, hashes)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that an entry of this hash stands at `index` in the tree of `size` entries with this root.
///
/// # Errors
/// If the proof does not show it.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, root: Hash, proof: &[Hash]) -> Result<(), Error> {
    if index >= size {
        return Err(Error::Range { what: format!("entry {index}"), size });
    }
    let (mut place, mut last) = (index, size - 1);
    let mut found = leaf;
    for hash in proof {
        if last == 0 {
            return Err(Error::Proof { what: "it is too long" });
        }
        if place & 1 == 1 || place == last {
            found = Hash::node(hash, &found);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            found = Hash::node(&found, hash);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    match (last, found == root) {
        (0, true) => Ok(()),
        (0, false) => Err(Error::Proof { what: "it leads to another root" }),
        _ => Err(Error::Proof { what: "it is too short" }),
    }
}

/// Checks that the tree of `new` entries begins with the tree of `old` ones.
///
/// # Errors
/// If the proof does not show it.
pub fn verify_consistency(
    (old, old_root): (u64, Hash),
    (new, new_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), Error> {
    if old > new {
        return Err(Error::Range { what: format!("earlier tree of {old} entries"), size: new });
    }
    if old == 0 || old == new {
        let is_same = if old == 0 { old_root == Hash::empty() } else { old_root == new_root };
        return match (is_same, proof.is_empty()) {
            (true, true) => Ok(()),
            (false, _) => Err(Error::Proof { what: "the roots are not those of one tree" }),
            (true, false) => Err(Error::Proof { what: "it is too long" }),
        };
    }
    // Where the old tree is a whole subtree of the new one, its root begins the path.
    let (first, rest) = match old.is_power_of_two() {
        true => (old_root, proof),
        false => proof.split_first().map(|(first, rest)| (*first, rest)).ok_or(Error::Proof { what: "it is empty" })?,
    };
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        (place, last) = (place >> 1, last >> 1);
    }
    let (mut found_old, mut found_new) = (first, first);
    for hash in rest {
        if last == 0 {
            return Err(Error::Proof { what: "it is too long" });
        }
        if place & 1 == 1 || place == last {
            found_old = Hash::node(hash, &found_old);
            found_new = Hash::node(hash, &found_new);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            found_new = Hash::node(&found_new, hash);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    match (last, found_old == old_root, found_new == new_root) {
        (0, true, true) => Ok(()),
        (0, false, _) => Err(Error::Proof { what: "it does not lead to the earlier root" }),
        (0, ..) => Err(Error::Proof { what: "it does not lead to the later root" }),
        _ => Err(Error::Proof { what: "it is too short" }),
    }
}
