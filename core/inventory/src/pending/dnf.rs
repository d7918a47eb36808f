//! DNF, YUM and zypper: the updates that the cached metadata of their repositories offers.

mod modules;
mod repodata;
mod settings;

use super::{note_age, read_unpacked};
use crate::directory::{Directory, EntryKind};
use crate::model::{Inventory, Offered, Package, PackageType, PendingUpdate, SourcePackage};
use ecow::EcoString;
use modules::Streams;
use repodata::{Errata, Offer, read_primary, read_updateinfo};
use settings::Settings;
use std::collections::HashMap;
use versions::Scheme;

const CACHES: &[&str] = &["var/cache/dnf", "var/cache/libdnf5", "var/cache/yum", "var/cache/zypp/raw"];

/// A repository with metadata on the host.
struct Repository {
    name: String,
    files: Vec<String>,
    /// Whether it says which updates are of security.
    has_errata: bool,
}

/// What all repositories say.
#[derive(Default)]
struct Metadata {
    repositories: Vec<Repository>,
    offers: HashMap<EcoString, Vec<Offer>>,
    errata: Errata,
    streams: Streams,
}

/// Collects the pending updates of an RPM host from its repositories' cached metadata.
pub(super) fn collect(root: &Directory, inventory: &mut Inventory) {
    let installed = installed(inventory);
    if installed.is_empty() {
        return;
    }
    let settings = Settings::read(root, inventory);
    let metadata = read(root, &settings, &installed, inventory);
    let native = native_architecture(inventory);
    let has_errata = metadata.repositories.iter().any(|repository| repository.has_errata);
    for ((name, architecture), own) in &installed {
        let Some(newest) = own
            .iter()
            .copied()
            .max_by(|a, b| compare(&inventory.packages[*a].version, &inventory.packages[*b].version))
        else {
            continue;
        };
        let package = &inventory.packages[newest];
        let offers = metadata.offers.get(name).map(Vec::as_slice).unwrap_or_default();
        let is_for_it = |offer: &&Offer| {
            replaces(&offer.architecture, architecture, &native) && metadata.streams.allow(offer, package)
        };
        let offers: Vec<&Offer> = offers.iter().filter(is_for_it).collect();
        let Some(best) = best_of(&offers, &metadata.repositories, &settings, package) else { continue };
        let repository = &metadata.repositories[best.offer.repository];
        let update = compare(&best.offer.version, &package.version)
            .is_gt()
            .then(|| update_of(package, &best, repository, metadata.errata.get(name).map(Vec::as_slice)));
        let offered = match (has_errata, update.is_some() && !repository.has_errata) {
            (false, _) => Offered::Elsewhere,
            (true, true) => Offered::Unmarked,
            (true, false) => Offered::Marked,
        };
        own.iter().for_each(|at| inventory.packages[*at].offered = offered);
        inventory.pending.extend(update);
    }
}

/// The installed packages by name and architecture; those whose version cannot be read are named.
fn installed(inventory: &mut Inventory) -> HashMap<(EcoString, EcoString), Vec<usize>> {
    let mut installed: HashMap<(EcoString, EcoString), Vec<usize>> = HashMap::new();
    let mut unreadable = Vec::new();
    for (at, package) in inventory.packages.iter().enumerate().filter(|(_, package)| package.kind == PackageType::Rpm) {
        let key = (package.name.clone(), package.architecture.clone());
        match Scheme::Rpm.check(&package.version) {
            Ok(()) => installed.entry(key).or_default().push(at),
            Err(error) => unreadable.push((key.0, error)),
        }
    }
    for (name, error) in unreadable {
        inventory.unreadable(name, format!("its updates are not known: {error}"));
    }
    installed
}

/// The architecture that most packages have.
fn native_architecture(inventory: &Inventory) -> EcoString {
    let mut counts: HashMap<&EcoString, usize> = HashMap::new();
    let rpms = inventory.packages.iter().filter(|package| package.kind == PackageType::Rpm);
    rpms.filter(|package| package.architecture != "noarch")
        .for_each(|package| *counts.entry(&package.architecture).or_default() += 1);
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0))).map(|(name, _)| name.clone()).unwrap_or_default()
}

/// Whether a package of one architecture may take the place of another's: `noarch` and the host's own change places.
fn replaces(offered: &str, installed: &str, native: &str) -> bool {
    let is_of_host = |name: &str| name == "noarch" || name == native || native.is_empty();
    offered == installed || (offered == "noarch") || (installed == "noarch" && is_of_host(offered))
}

/// Reads the metadata of all repositories that are asked.
fn read(
    root: &Directory,
    settings: &Settings,
    installed: &HashMap<(EcoString, EcoString), Vec<usize>>,
    inventory: &mut Inventory,
) -> Metadata {
    let names: std::collections::HashSet<&str> = installed.keys().map(|(name, _)| name.as_str()).collect();
    let mut metadata = Metadata { repositories: repositories(root, settings, inventory), ..Metadata::default() };
    for (at, repository) in metadata.repositories.iter_mut().enumerate() {
        for path in &repository.files {
            let Some(bytes) = read_unpacked(root, path, inventory) else { continue };
            if path.contains("modules.yaml") {
                metadata.streams.read(&String::from_utf8_lossy(&bytes));
                continue;
            }
            note_age(root.changed_at(path), inventory);
            if path.contains("updateinfo") {
                repository.has_errata = true;
                read_updateinfo(&bytes, path, |name| names.contains(name), &mut metadata.errata, inventory);
                continue;
            }
            let mut offers = Vec::new();
            read_primary((at, path), &bytes, |name| names.contains(name), &mut offers, inventory);
            for offer in offers {
                metadata.offers.entry(offer.name.clone()).or_default().push(offer);
            }
        }
    }
    metadata
}

/// The offer that counts for a package.
struct Best<'a> {
    offer: &'a Offer,
    /// Whether the settings hold it back.
    is_held: bool,
}

/// What the package manager would take: of the repositories with the first priority, the newest that no setting holds
/// back; where only what is held back is newer than the package, that.
fn best_of<'a>(
    offers: &[&'a Offer],
    repositories: &[Repository],
    settings: &Settings,
    package: &Package,
) -> Option<Best<'a>> {
    let name_of = |offer: &Offer| repositories[offer.repository].name.as_str();
    let newest = |is_held: bool| {
        let all = || offers.iter().copied().filter(|offer| settings.holds_back(offer, name_of(offer)) == is_held);
        let first = all().map(|offer| settings.priority(name_of(offer))).min()?;
        let offer = all()
            .filter(|offer| settings.priority(name_of(offer)) == first)
            .max_by(|a, b| compare(&a.version, &b.version).then(b.repository.cmp(&a.repository)))?;
        Some(Best { offer, is_held })
    };
    let is_newer = |best: &Best<'_>| compare(&best.offer.version, &package.version).is_gt();
    let free = newest(false);
    if free.as_ref().is_some_and(is_newer) {
        return free;
    }
    newest(true).filter(is_newer).or(free)
}

/// Describes an update: all errata between the installed version and the candidate count, not only the candidate's own.
fn update_of(
    package: &Package,
    best: &Best<'_>,
    repository: &Repository,
    errata: Option<&[repodata::Erratum]>,
) -> PendingUpdate {
    let offer = best.offer;
    let is_modular = |version: &str| version.contains(".module");
    let is_passed = |erratum: &&repodata::Erratum| {
        compare(&erratum.version, &package.version).is_gt()
            && compare(&erratum.version, &offer.version).is_le()
            && is_modular(&erratum.version) == is_modular(&offer.version)
            && (erratum.architecture.is_empty() || erratum.architecture == offer.architecture)
    };
    let passed: Vec<&repodata::Erratum> = errata.unwrap_or_default().iter().filter(is_passed).collect();
    let mut advisories: Vec<String> = passed.iter().map(|erratum| erratum.id.clone()).collect();
    advisories.sort();
    advisories.dedup();
    let source = SourcePackage { name: offer.name.clone(), version: offer.version.clone() };
    PendingUpdate {
        name: package.name.clone(),
        architecture: package.architecture.clone(),
        installed: package.version.clone(),
        candidate: offer.version.clone(),
        source: offer.source.clone().unwrap_or(source),
        suite: repository.name.clone(),
        is_security: passed.iter().any(|erratum| erratum.is_security && erratum.version == offer.version),
        holds_security_fix: passed.iter().any(|erratum| erratum.is_security),
        advisories,
        fixes: Vec::new(),
        published_at: None,
        is_held: best.is_held || package.is_held,
        size_bytes: offer.size_bytes,
    }
}

/// Orders two versions that were let pass.
fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    // INVARIANT: versions that cannot be read never get here, so this is a total order.
    Scheme::Rpm.compare(a, b).unwrap_or(std::cmp::Ordering::Equal)
}

/// The repositories that are asked, with their files: `cache/<repository>-<hash>/repodata/*-primary.xml.gz`.
fn repositories(root: &Directory, settings: &Settings, inventory: &mut Inventory) -> Vec<Repository> {
    let mut found = Vec::new();
    for cache in CACHES {
        let folders = super::list(root, cache, inventory);
        for entry in folders.iter().filter(|entry| entry.kind == EntryKind::Folder) {
            let folder = format!("{cache}/{}/repodata", entry.name);
            let name = entry.name.rsplit_once('-').filter(|(_, hash)| hash.len() == 16);
            let name = name.map_or(entry.name.as_str(), |(name, _)| name);
            let mut files = Vec::new();
            for entry in super::list(root, &folder, inventory) {
                if ["primary.xml", "updateinfo.xml", "modules.yaml"].iter().any(|part| entry.name.contains(part)) {
                    files.push(format!("{folder}/{}", entry.name));
                }
            }
            if files.is_empty() {
                note_yum(root, &format!("{cache}/{}", entry.name), inventory);
            } else if settings.is_asked(name) {
                found.push(Repository { name: name.to_owned(), files, has_errata: false });
            }
        }
    }
    found
}

/// YUM 3 keeps its metadata below architecture and release, as databases of its own.
fn note_yum(root: &Directory, folder: &str, inventory: &mut Inventory) {
    for release in super::list(root, folder, inventory) {
        for repository in super::list(root, &format!("{folder}/{}", release.name), inventory) {
            let place = format!("{folder}/{}/{}", release.name, repository.name);
            if root.exists(&format!("{place}/repomd.xml")) {
                inventory.problem(place, "YUM 3 keeps this metadata as a database, which is not read");
            }
        }
    }
}
