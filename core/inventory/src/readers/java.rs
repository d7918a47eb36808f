//! Java archives: `META-INF/maven/**/pom.properties` of the archive and of archives inside it, else its manifest.

use super::{Access, Document, Reader, file_name};
use crate::model::{Inventory, Package, PackageType};
use std::io::{Cursor, Read};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "java",
    title: "Java archive",
    access: Access::Document {
        by_name: is_archive,
        by_content: |document| document.bytes.starts_with(b"PK\x03\x04") && is_archive(document.name),
        read,
    },
};

const MOST_LEVELS: usize = 4;
const MOST_INNER_BYTES: u64 = 256 << 20;
/// The most bytes of a manifest or a properties file.
const MOST_TEXT_BYTES: u64 = 4 << 20;
const MOST_ENTRIES: usize = 200_000;

fn is_archive(path: &str) -> bool {
    let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    matches!(extension.as_str(), "jar" | "war" | "ear" | "par" | "sar" | "jpi" | "hpi")
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let mut budget = MOST_INNER_BYTES * 2;
    read_archive(document.name, document.bytes, 0, &mut budget, inventory);
}

fn read_archive(place: &str, bytes: &[u8], level: usize, budget: &mut u64, inventory: &mut Inventory) {
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => return inventory.unreadable(place, format!("it is not a readable archive: {error}")),
    };
    // A cut archive can end with a whole one that was stored inside it. What starts a program may stand before one.
    if archive.offset() > 0 && bytes.starts_with(b"PK\x03\x04") {
        return inventory.unreadable(place, "it is cut off: only an archive inside it is whole");
    }
    if archive.len() > MOST_ENTRIES {
        return inventory.unreadable(place, format!("it has {} entries, more than any real archive", archive.len()));
    }
    let mut found = Vec::new();
    let mut manifest = None;
    for at in 0..archive.len() {
        let Ok(mut entry) = archive.by_index(at) else {
            inventory.unreadable(place, format!("entry {} cannot be read", at + 1));
            continue;
        };
        let Ok(name) = entry.name().map(std::borrow::Cow::into_owned) else {
            inventory.unreadable(place, format!("entry {} has an unreadable name", at + 1));
            continue;
        };
        let is_inner = is_archive(&name) && entry.is_file();
        let is_properties = name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties");
        if !is_inner && !is_properties && name != "META-INF/MANIFEST.MF" {
            continue;
        }
        let mut content = Vec::new();
        let limit = if is_inner { (*budget).min(MOST_INNER_BYTES) } else { MOST_TEXT_BYTES };
        let read = entry.by_ref().take(limit + 1).read_to_end(&mut content);
        if read.is_err() || content.len() as u64 > limit {
            inventory.unreadable(format!("{place}!{name}"), "it cannot be unpacked, or unpacks to too much");
            continue;
        }
        *budget = budget.saturating_sub(content.len() as u64);
        if is_inner && level < MOST_LEVELS {
            read_archive(&format!("{place}!{name}"), &content, level + 1, budget, inventory);
        } else if is_inner {
            inventory.unreadable(format!("{place}!{name}"), "archives are nested too deeply; this one was not read");
        } else if is_properties {
            match by_properties(&String::from_utf8_lossy(&content), place) {
                Some(package) => found.push(package),
                None => inventory.unreadable(format!("{place}!{name}"), "it lacks group, artifact or version"),
            }
        } else {
            manifest = Some(String::from_utf8_lossy(&content).replace("\r\n ", "").replace("\n ", ""));
        }
    }
    if found.is_empty() {
        found.push(by_manifest(manifest.as_deref().unwrap_or_default(), place));
    }
    inventory.packages.append(&mut found);
}

fn by_properties(text: &str, place: &str) -> Option<Package> {
    let value = |key: &str| {
        text.lines().find_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix('=').map(str::trim))
    };
    let name = format!("{}:{}", value("groupId")?, value("artifactId")?);
    Some(Package::language(PackageType::Maven, name, value("version")?, place))
}

/// Without Maven's own file the group is a guess, so the package is kept without an ecosystem: named, but undetermined.
fn by_manifest(text: &str, place: &str) -> Package {
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": ").map(|value| value.trim().to_owned()))
    };
    let stem = file_name(place.rsplit('!').next().unwrap_or(place)).rsplit_once('.').map_or("", |(stem, _)| stem);
    let version = value("Implementation-Version").or_else(|| value("Bundle-Version"));
    let by_file = stem.rmatch_indices('-').find(|(at, _)| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let (name, file_version) = by_file.map_or((stem, None), |(at, _)| (&stem[..at], Some(stem[at + 1..].to_owned())));
    let version = file_version.or(version).unwrap_or_default();
    Package::new(PackageType::Maven, "", name.to_owned(), version, place)
}
