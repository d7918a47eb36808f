//! apk: the cached indexes (`APKINDEX.*.tar.gz`) of the repositories that are listed, and what the world asks for.

mod settings;

use super::{note_age, read_unpacked};
use crate::directory::Directory;
use crate::model::{Inventory, Offered, Package, PackageType, PendingUpdate, SourcePackage};
use crate::readers::ApkEntry;
use ecow::EcoString;
use settings::{Origin, Settings};
use std::collections::HashMap;
use std::io::Read;
use versions::Scheme;

const CACHES: &[&str] = &["var/cache/apk", "etc/apk/cache"];

/// A version of an installed package that an index offers.
struct Offer {
    entry: ApkEntry,
    suite: String,
    /// Whether the world lets the package have it.
    is_allowed: bool,
}

/// Collects the pending updates of an Alpine-like host.
pub(super) fn collect(root: &Directory, inventory: &mut Inventory) {
    let mut installed: HashMap<EcoString, usize> = HashMap::new();
    for (at, package) in inventory.packages.iter().enumerate().filter(|(_, package)| package.kind == PackageType::Apk) {
        installed.insert(package.name.clone(), at);
    }
    let Some(first) = installed.values().min() else { return };
    let architecture = inventory.packages[*first].architecture.clone();
    let settings = Settings::read(root, &architecture, inventory);
    let mut offers: HashMap<usize, Vec<Offer>> = HashMap::new();
    for (path, tag) in indexes(root, &settings, inventory) {
        let Some(bytes) = read_unpacked(root, &path, inventory) else { continue };
        note_age(root.changed_at(&path), inventory);
        match index_of(&bytes) {
            Some(index) => read_index((&path, &index, tag), &settings, &installed, &mut offers, inventory),
            None => inventory.unreadable(path, "the archive has no APKINDEX"),
        }
    }
    for (at, offers) in offers {
        // Alpine publishes fixes where it publishes everything, and does not mark them.
        inventory.packages[at].offered = Offered::Unmarked;
        inventory.pending.extend(update_of(&inventory.packages[at], &offers));
    }
}

/// The cached indexes of repositories that are listed, with their tags.
fn indexes<'s>(root: &Directory, settings: &'s Settings, inventory: &mut Inventory) -> Vec<(String, Option<&'s str>)> {
    let (mut listed, mut left) = (Vec::new(), Vec::new());
    for cache in CACHES {
        for entry in super::list(root, cache, inventory) {
            if !entry.name.starts_with("APKINDEX") {
                continue;
            }
            let path = format!("{cache}/{}", entry.name);
            match settings.origin(&entry.name) {
                Origin::Listed(tag) => listed.push((path, tag)),
                Origin::Left => left.push((path, None)),
            }
        }
    }
    // Where no name fits, apk has named its files in another way than is known: all of them count.
    if listed.is_empty() {
        return left;
    }
    for (path, _) in left {
        inventory.problem(path, "no repository that is set up has this index; it was left out");
    }
    listed
}

fn read_index(
    (path, index, tag): (&str, &[u8], Option<&str>),
    settings: &Settings,
    installed: &HashMap<EcoString, usize>,
    offers: &mut HashMap<usize, Vec<Offer>>,
    inventory: &mut Inventory,
) {
    for (number, entry) in crate::readers::apk_entries(index).enumerate() {
        if entry.has_two_names {
            inventory
                .unreadable(format!("{path} entry {}", number + 1), "two packages with no empty line between them");
        }
        let Some(at) = installed.get(entry.name.as_str()) else { continue };
        if let Err(error) = Scheme::Alpine.check(&entry.version) {
            inventory.unreadable(format!("{path}: {}", entry.name), error);
            continue;
        }
        let is_allowed = settings.allows(&entry.name, &entry.version, tag);
        // What a tag keeps away is not offered at all.
        if is_allowed || tag.is_none() {
            let suite = tag.map_or_else(|| crate::readers::file_name(path).to_owned(), |tag| format!("@{tag}"));
            offers.entry(*at).or_default().push(Offer { entry, suite, is_allowed });
        }
    }
}

/// The newest version that the world allows; where it holds all newer ones back, the newest of those, as held.
fn update_of(package: &Package, offers: &[Offer]) -> Option<PendingUpdate> {
    let newest = |is_allowed: bool| {
        let newer = offers.iter().filter(|offer| {
            offer.is_allowed == is_allowed
                && Scheme::Alpine.compare(&offer.entry.version, &package.version).is_ok_and(std::cmp::Ordering::is_gt)
        });
        // INVARIANT: the versions were checked, so this is a total order.
        newer.max_by(|a, b| {
            Scheme::Alpine.compare(&a.entry.version, &b.entry.version).unwrap_or(std::cmp::Ordering::Equal)
        })
    };
    let offer = newest(true).or_else(|| newest(false))?;
    let origin = if offer.entry.origin.is_empty() { &offer.entry.name } else { &offer.entry.origin };
    Some(PendingUpdate {
        name: package.name.clone(),
        architecture: package.architecture.clone(),
        installed: package.version.clone(),
        candidate: offer.entry.version.as_str().into(),
        source: SourcePackage { name: origin.as_str().into(), version: offer.entry.version.as_str().into() },
        suite: offer.suite.clone(),
        is_security: false,
        holds_security_fix: false,
        advisories: Vec::new(),
        fixes: Vec::new(),
        published_at: None,
        is_held: !offer.is_allowed || package.is_held,
        size_bytes: offer.entry.size_bytes,
    })
}

/// The index inside the (unpacked) archive; signature and index are two archives on end.
fn index_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(bytes);
    archive.set_ignore_zeros(true);
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        if entry.path().is_ok_and(|path| path.ends_with("APKINDEX")) {
            let mut index = Vec::new();
            // A sparse entry claims bytes that the archive does not have.
            let most = bytes.len() as u64 + 1;
            entry.by_ref().take(most).read_to_end(&mut index).ok()?;
            return Some(index).filter(|index| index.len() <= bytes.len());
        }
    }
    None
}
