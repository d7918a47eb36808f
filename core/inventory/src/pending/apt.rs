//! APT: lists, releases and pins, giving the candidates that apt itself would install (apt_preferences(5)).

mod pins;
mod release;

use super::{note_age, read_unpacked};
use crate::control::paragraphs;
use crate::directory::{Directory, EntryKind};
use crate::model::{Inventory, PackageType, PendingUpdate, SourcePackage};
use crate::readers::file_name;
use pins::{Offered, Pins};
use release::Release;
use std::cmp::Ordering;
use std::collections::HashMap;
use versions::Scheme;

const LISTS: &str = "var/lib/apt/lists";

/// A version that a list offers.
struct Offer {
    version: String,
    source: SourcePackage,
    release: usize,
    size_bytes: u64,
}

/// Collects the pending updates of a Debian-like host.
pub(super) fn collect(root: &Directory, inventory: &mut Inventory) {
    let entries = match root.list(LISTS) {
        Ok(entries) => entries,
        Err(error) => return inventory.unreadable(LISTS, error),
    };
    let files: Vec<String> =
        entries.into_iter().filter(|entry| entry.kind == EntryKind::File).map(|entry| entry.name).collect();
    let lists: Vec<&String> = files.iter().filter(|name| is_package_list(name)).collect();
    let native = inventory.packages.iter().find(|package| package.kind == PackageType::Deb && package.name == "dpkg");
    let native = native.map_or(String::new(), |package| package.architecture.clone());
    if lists.is_empty() || native.is_empty() {
        return;
    }
    let mut releases = Vec::new();
    let mut offers: HashMap<usize, Vec<Offer>> = HashMap::new();
    for name in lists {
        let path = format!("{LISTS}/{name}");
        let Some(bytes) = read_unpacked(root, &path, inventory) else { continue };
        note_age(root, &path, inventory);
        releases.push(release::of_list(root, LISTS, name, &files, inventory));
        read_list(&bytes, releases.len() - 1, &native, inventory, &mut offers);
    }
    let pins = Pins::read(root, inventory);
    let mut found = Vec::new();
    for (at, mut offered) in offers {
        let installed = &inventory.packages[at];
        offered.sort_by(|a, b| compare(&b.version, &a.version));
        if let Some(update) = decide(installed, &offered, &releases, &pins) {
            found.push(update);
        }
    }
    inventory.pending.append(&mut found);
}

fn is_package_list(name: &str) -> bool {
    let stem = name
        .trim_end_matches(".lz4")
        .trim_end_matches(".gz")
        .trim_end_matches(".xz")
        .trim_end_matches(".zst")
        .trim_end_matches(".bz2");
    stem.ends_with("_Packages")
}

/// Versions that cannot be read sort first and so never become candidates.
fn compare(a: &str, b: &str) -> Ordering {
    Scheme::Debian.compare(a, b).unwrap_or(Ordering::Equal)
}

/// Takes from a list what concerns installed packages.
fn read_list(
    bytes: &[u8],
    release: usize,
    native: &str,
    inventory: &Inventory,
    offers: &mut HashMap<usize, Vec<Offer>>,
) {
    let mut installed: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, package) in inventory.packages.iter().enumerate().filter(|(_, package)| package.kind == PackageType::Deb) {
        installed.entry(&package.name).or_default().push(at);
    }
    for paragraph in paragraphs(bytes) {
        // The name comes first in every index: most paragraphs end here.
        let Some((b"Package", name)) = paragraph.fields().next() else { continue };
        let Some(places) = std::str::from_utf8(name).ok().and_then(|name| installed.get(name)) else { continue };
        let (Some(version), Some(architecture)) = (paragraph.get("Version"), paragraph.get("Architecture")) else {
            continue;
        };
        for at in places {
            let own = &inventory.packages[*at].architecture;
            let same = |name: &str| if name == "all" { native.to_owned() } else { name.to_owned() };
            if same(own) != same(&architecture) {
                continue;
            }
            let name = &inventory.packages[*at].name;
            let source = crate::readers::source_of(&paragraph.get("Source").unwrap_or_default(), name, &version);
            let size_bytes = paragraph.get("Size").and_then(|size| size.parse().ok()).unwrap_or(0);
            offers.entry(*at).or_default().push(Offer {
                version: version.clone().into_owned(),
                source,
                release,
                size_bytes,
            });
        }
    }
}

/// apt's choice among the versions, highest first (`pkgPolicy::GetCandidateVer`).
fn decide(installed: &crate::Package, offers: &[Offer], releases: &[Release], pins: &Pins) -> Option<PendingUpdate> {
    let mut best: Option<(i32, &Offer)> = None;
    let mut considered: Vec<&str> = offers.iter().map(|offer| offer.version.as_str()).collect();
    considered.push(&installed.version);
    considered.sort_by(|a, b| compare(b, a));
    considered.dedup_by(|a, b| compare(a, b).is_eq());
    let mut best_version: Option<&str> = None;
    let mut best_priority = -1;
    for version in considered {
        let from: Vec<&Release> = offers
            .iter()
            .filter(|offer| compare(&offer.version, version).is_eq())
            .map(|offer| &releases[offer.release])
            .collect();
        let is_installed = compare(version, &installed.version).is_eq();
        let source = offers
            .iter()
            .find(|offer| compare(&offer.version, version).is_eq())
            .map(|offer| offer.source.name.as_str());
        let offered = Offered { package: &installed.name, source, version, from: &from, is_installed };
        let priority = pins.priority(&offered);
        if priority == 0
            || priority <= best_priority
            || (priority < 1000 && compare(version, &installed.version).is_lt())
        {
            continue;
        }
        best_priority = priority;
        best_version = Some(version);
        best = offers.iter().find(|offer| compare(&offer.version, version).is_eq()).map(|offer| (priority, offer));
    }
    let (_, offer) = best?;
    if compare(best_version?, &installed.version).is_le() {
        return None;
    }
    let passes =
        |version: &str| compare(version, &installed.version).is_gt() && compare(version, &offer.version).is_le();
    Some(PendingUpdate {
        name: installed.name.clone(),
        architecture: installed.architecture.clone(),
        installed: installed.version.clone(),
        candidate: offer.version.clone(),
        source: offer.source.clone(),
        suite: releases[offer.release].suite.clone(),
        is_security: offers
            .iter()
            .any(|other| compare(&other.version, &offer.version).is_eq() && releases[other.release].is_security()),
        holds_security_fix: offers.iter().any(|other| passes(&other.version) && releases[other.release].is_security()),
        advisories: Vec::new(),
        is_held: installed.is_held,
        size_bytes: offer.size_bytes,
    })
}

/// The part of a list's name that its release file shares.
fn list_prefix(name: &str) -> &str {
    let end = name.rfind("_Packages").unwrap_or(name.len());
    // `…_dists_bookworm_main_binary-amd64_Packages`, or a flat repository's `…_._Packages`.
    file_name(&name[..end])
}
