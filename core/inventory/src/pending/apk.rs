//! apk: cached indexes (`APKINDEX.*.tar.gz`) of the repositories in `/etc/apk/repositories`.

use super::{note_age, read_unpacked};
use crate::directory::Directory;
use crate::model::{Inventory, PackageType, PendingUpdate, SourcePackage};
use ecow::EcoString;
use std::collections::HashMap;
use std::io::Read;
use versions::Scheme;

const CACHES: &[&str] = &["var/cache/apk", "etc/apk/cache"];

/// Collects the pending updates of an Alpine-like host.
pub(super) fn collect(root: &Directory, inventory: &mut Inventory) {
    let mut installed: HashMap<EcoString, usize> = HashMap::new();
    for (at, package) in inventory.packages.iter().enumerate().filter(|(_, package)| package.kind == PackageType::Apk) {
        installed.insert(package.name.clone(), at);
    }
    let mut best: HashMap<usize, PendingUpdate> = HashMap::new();
    for cache in CACHES.iter().filter(|_| !installed.is_empty()) {
        for entry in super::list(root, cache, inventory) {
            if !entry.name.starts_with("APKINDEX") {
                continue;
            }
            let path = format!("{cache}/{}", entry.name);
            let Some(bytes) = read_unpacked(root, &path, inventory) else { continue };
            note_age(root.changed_at(&path), inventory);
            let Some(index) = index_of(&bytes) else {
                inventory.unreadable(path, "the archive has no APKINDEX");
                continue;
            };
            for offer in crate::readers::apk_entries(&index) {
                let Some(at) = installed.get(offer.name.as_str()) else { continue };
                inventory.packages[*at].is_offered = true;
                let package = &inventory.packages[*at];
                let current = best.get(at).map_or(package.version.as_str(), |update| update.candidate.as_str());
                match Scheme::Alpine.compare(&offer.version, current) {
                    Ok(order) if order.is_gt() => {}
                    Ok(_) => continue,
                    Err(error) => {
                        inventory.unreadable(format!("{path}: {}", offer.name), error);
                        continue;
                    }
                }
                let source = SourcePackage {
                    name: if offer.origin.is_empty() { offer.name } else { offer.origin }.into(),
                    version: offer.version.as_str().into(),
                };
                best.insert(
                    *at,
                    PendingUpdate {
                        name: package.name.clone(),
                        architecture: package.architecture.clone(),
                        installed: package.version.clone(),
                        candidate: offer.version.into(),
                        source,
                        suite: entry.name.clone(),
                        is_security: false,
                        holds_security_fix: false,
                        advisories: Vec::new(),
                        is_held: package.is_held,
                        size_bytes: offer.size_bytes,
                    },
                );
            }
        }
    }
    inventory.pending.extend(best.into_values());
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
