//! The order of packages in an inventory.

use inventory::Package;
use rayon::slice::ParallelSliceMut;

/// Sorts packages by name, and takes out what two readers found in one place.
pub fn sort(packages: &mut Vec<Package>) {
    // The first 16 bytes of a name, as a number, tell most names apart without a look at the text.
    let key = |package: &Package| {
        let mut head = [0_u8; 16];
        let length = package.name.len().min(16);
        head[..length].copy_from_slice(&package.name.as_bytes()[..length]);
        u128::from_be_bytes(head)
    };
    let order = |a: &Package, b: &Package| {
        (&a.name, &a.ecosystem, &a.version, &a.architecture, &a.location).cmp(&(
            &b.name,
            &b.ecosystem,
            &b.version,
            &b.architecture,
            &b.location,
        ))
    };
    let mut places: Vec<(u128, usize)> = packages.iter().enumerate().map(|(at, package)| (key(package), at)).collect();
    let by_place = |a: &(u128, usize), b: &(u128, usize)| {
        a.0.cmp(&b.0).then_with(|| order(&packages[a.1], &packages[b.1])).then(a.1.cmp(&b.1))
    };
    match places.len() {
        // Starting threads takes longer than sorting a few packages.
        0..5000 => places.sort_unstable_by(by_place),
        _ => places.par_sort_unstable_by(by_place),
    }
    // Each package is swapped into its place; where one has gone meanwhile is noted in `places` itself.
    for place in 0..places.len() {
        let mut from = places[place].1;
        while from < place {
            from = places[from].1;
        }
        packages.swap(place, from);
        places[place].1 = from;
    }
    packages.dedup_by(|a, b| a.kind == b.kind && order(a, b).is_eq());
}
