//! DNF and YUM: cached repodata (`primary.xml`, `updateinfo.xml`), <https://createrepo-c.readthedocs.io>.

mod modules;

use super::{note_age, read_unpacked};
use crate::directory::{Directory, EntryKind};
use crate::model::{Inventory, PackageType, PendingUpdate, SourcePackage};
use crate::readers::{CUT_OFF, source_of_rpm};
use ecow::{EcoString, eco_format};
use modules::Streams;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use versions::Scheme;

const CACHES: &[&str] = &["var/cache/dnf", "var/cache/libdnf5", "var/cache/yum", "var/cache/zypp/raw"];

/// The newest offer by name and architecture.
type Best = HashMap<(EcoString, EcoString), Offer>;

#[derive(Default, Clone)]
struct Offer {
    name: EcoString,
    architecture: EcoString,
    version: EcoString,
    source: Option<SourcePackage>,
    size_bytes: u64,
    repository: String,
}

/// Collects the pending updates of an RPM host from its repositories' cached metadata.
pub(super) fn collect(root: &Directory, inventory: &mut Inventory) {
    let mut installed: HashMap<EcoString, Vec<usize>> = HashMap::new();
    let mut unreadable = Vec::new();
    for (at, package) in inventory.packages.iter().enumerate().filter(|(_, package)| package.kind == PackageType::Rpm) {
        match Scheme::Rpm.check(&package.version) {
            Ok(()) => installed.entry(package.name.clone()).or_default().push(at),
            Err(error) => unreadable.push((package.name.clone(), error)),
        }
    }
    for (name, error) in unreadable {
        inventory.unreadable(name, format!("its updates are not known: {error}"));
    }
    if installed.is_empty() {
        return;
    }
    let files = metadata_files(root, inventory);
    let mut streams = Streams::default();
    for (_, path) in files.iter().filter(|(_, path)| path.contains("modules.yaml")) {
        let Some(bytes) = read_unpacked(root, path, inventory) else { continue };
        streams.read(&String::from_utf8_lossy(&bytes));
    }
    let mut best = Best::new();
    let mut advisories: HashMap<(EcoString, EcoString), Vec<(String, bool)>> = HashMap::new();
    for (repository, path) in files.into_iter().filter(|(_, path)| !path.contains("modules.yaml")) {
        let Some(bytes) = read_unpacked(root, &path, inventory) else { continue };
        note_age(root.changed_at(&path), inventory);
        if path.contains("updateinfo") {
            read_updateinfo(&bytes, &path, &mut advisories, inventory);
        } else {
            let mut offers = Vec::new();
            read_primary((&repository, &path), &bytes, &installed, &mut offers, inventory);
            for offer in offers {
                let mut own = installed.get(&offer.name).into_iter().flatten();
                if own.any(|at| streams.allow(&offer, &inventory.packages[*at])) {
                    keep_newest(&mut best, offer);
                }
            }
        }
    }
    let mut found = Vec::new();
    for ((name, architecture), offer) in best {
        let own = installed[&name].iter().filter(|at| inventory.packages[**at].architecture == architecture);
        let own: Vec<usize> = own.copied().collect();
        own.iter().for_each(|at| inventory.packages[*at].is_offered = true);
        let newest = own.iter().map(|at| &inventory.packages[*at]).max_by(|a, b| compare(&a.version, &b.version));
        let Some(package) = newest.filter(|package| compare(&offer.version, &package.version).is_gt()) else {
            continue;
        };
        let named = advisories.get(&(name.clone(), offer.version.clone())).cloned().unwrap_or_default();
        found.push(PendingUpdate {
            installed: package.version.clone(),
            candidate: offer.version.clone(),
            source: offer.source.unwrap_or(SourcePackage { name: name.clone(), version: offer.version }),
            suite: offer.repository,
            is_security: named.iter().any(|(_, is_security)| *is_security),
            holds_security_fix: named.iter().any(|(_, is_security)| *is_security),
            advisories: named.into_iter().map(|(id, _)| id).collect(),
            is_held: package.is_held,
            size_bytes: offer.size_bytes,
            name,
            architecture,
        });
    }
    inventory.pending.append(&mut found);
}

/// Orders two versions that were let pass.
fn compare(a: &str, b: &str) -> std::cmp::Ordering {
    // INVARIANT: versions that cannot be read never get here, so this is a total order.
    Scheme::Rpm.compare(a, b).unwrap_or(std::cmp::Ordering::Equal)
}

/// `cache/<repository>-<hash>/repodata/*-primary.xml.gz`, with the repository's name.
fn metadata_files(root: &Directory, inventory: &mut Inventory) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for cache in CACHES {
        let repositories = super::list(root, cache, inventory);
        for repository in repositories.iter().filter(|entry| entry.kind == EntryKind::Folder) {
            let folder = format!("{cache}/{}/repodata", repository.name);
            let name = repository
                .name
                .rsplit_once('-')
                .filter(|(_, hash)| hash.len() == 16)
                .map_or(repository.name.as_str(), |(name, _)| name);
            for entry in super::list(root, &folder, inventory) {
                if ["primary.xml", "updateinfo.xml", "modules.yaml"].iter().any(|part| entry.name.contains(part)) {
                    files.push((name.to_owned(), format!("{folder}/{}", entry.name)));
                }
            }
        }
    }
    files
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> EcoString {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name);
    found.map(|attribute| attribute.value.as_ref().into()).unwrap_or_default()
}

fn version_of(tag: &BytesStart<'_>, version: &str, release: &str) -> EcoString {
    let epoch = attribute(tag, "epoch");
    let epoch = if epoch.is_empty() || epoch == "0" { EcoString::new() } else { eco_format!("{epoch}:") };
    eco_format!("{epoch}{}-{}", attribute(tag, version), attribute(tag, release))
}

/// Reads a repository's packages, as far as they are installed.
fn read_primary(
    (repository, path): (&str, &str),
    bytes: &[u8],
    installed: &HashMap<EcoString, Vec<usize>>,
    offers: &mut Vec<Offer>,
    inventory: &mut Inventory,
) {
    let mut reader = Reader::from_reader(bytes);
    let (mut offer, mut text, mut depth) = (Offer::default(), String::new(), 0_usize);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) if depth == 0 => return,
            Ok(Event::Eof) => return inventory.unreadable(path, CUT_OFF),
            Err(error) => return inventory.unreadable(path, format!("it is not valid XML: {error}")),
            Ok(Event::Start(tag)) => {
                depth += 1;
                if tag.local_name().as_ref() == "package" {
                    offer = Offer { repository: repository.to_owned(), ..Offer::default() };
                }
                text.clear();
            }
            Ok(Event::Empty(tag)) => match tag.local_name().as_ref() {
                "version" => offer.version = version_of(&tag, "ver", "rel"),
                "size" => offer.size_bytes = attribute(&tag, "package").parse().unwrap_or(0),
                _ => {}
            },
            Ok(Event::Text(part)) => text.push_str(part.as_ref()),
            Ok(Event::End(tag)) => {
                depth = depth.saturating_sub(1);
                match tag.local_name().as_ref() {
                    "name" => offer.name = text.as_str().into(),
                    "arch" => offer.architecture = text.as_str().into(),
                    "sourcerpm" => offer.source = source_of_rpm(&text),
                    "package" if installed.contains_key(&offer.name) => match Scheme::Rpm.check(&offer.version) {
                        Ok(()) => offers.push(std::mem::take(&mut offer)),
                        Err(error) => inventory.unreadable(format!("{path}: {}", offer.name), error),
                    },
                    _ => {}
                }
            }
            Ok(_) => {}
        }
    }
}

fn keep_newest(best: &mut Best, offer: Offer) {
    let key = (offer.name.clone(), offer.architecture.clone());
    match best.get(&key) {
        Some(known) if compare(&known.version, &offer.version).is_ge() => {}
        _ => drop(best.insert(key, offer)),
    }
}

fn read_updateinfo(
    bytes: &[u8],
    path: &str,
    advisories: &mut HashMap<(EcoString, EcoString), Vec<(String, bool)>>,
    inventory: &mut Inventory,
) {
    let mut reader = Reader::from_reader(bytes);
    let (mut id, mut text, mut is_security, mut is_named) = (String::new(), String::new(), false, false);
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event();
        match &event {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            _ => {}
        }
        match event {
            Ok(Event::Eof) if depth == 0 => return,
            Ok(Event::Eof) => return inventory.unreadable(path, CUT_OFF),
            Err(error) => return inventory.unreadable(path, format!("it is not valid XML: {error}")),
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                match tag.name().as_ref() {
                    "update" => (is_security, is_named) = (attribute(&tag, "type") == "security", false),
                    "package" => {
                        let key = (attribute(&tag, "name"), version_of(&tag, "version", "release"));
                        let named = advisories.entry(key).or_default();
                        if !named.iter().any(|(known, _)| *known == id) {
                            named.push((id.clone(), is_security));
                        }
                    }
                    _ => {}
                }
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(part.as_ref()),
            Ok(Event::End(tag)) => {
                if tag.name().as_ref() == "id" && !is_named {
                    id = text.trim().to_owned();
                    is_named = true;
                }
            }
            Ok(_) => {}
        }
    }
}
