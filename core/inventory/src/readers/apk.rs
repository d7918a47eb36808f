//! apk's database: `/lib/apk/db/installed` (apk-tools v2 index format).

use super::{Access, Document, Reader};
use crate::directory::Directory;
use crate::model::{Inventory, Package, PackageType, SourcePackage};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader { id: "apk", title: "apk database", access: Access::Database(read) };

fn read(root: &Directory, inventory: &mut Inventory) {
    let mut seen = None;
    for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] {
        // On a system with a merged /usr both are one file.
        let identity = root.identity(path);
        if identity.is_some() && identity == seen {
            continue;
        }
        seen = seen.or(identity);
        match root.read(path, 256 << 20) {
            Ok(Some(bytes)) => read_installed(&Document { name: path, bytes: &bytes }, inventory),
            Ok(None) => {}
            Err(error) => inventory.unreadable(path, error),
        }
    }
}

/// Says whether bytes begin as the database does.
pub(super) fn looks_like_installed(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    (head.starts_with(b"C:Q") || head.starts_with(b"P:"))
        && head.windows(3).any(|window| window == b"\nV:" || window == b"\nP:")
}

/// Reads the installed packages with the source (`o:`) they were built from.
pub(super) fn read_installed(document: &Document<'_>, inventory: &mut Inventory) {
    let ecosystem = inventory.os.as_ref().map(|os| os.ecosystem_of(crate::PackageType::Apk)).unwrap_or_default();
    for (at, entry) in entries(document.bytes).enumerate() {
        if entry.has_two_names {
            inventory.unreadable(
                format!("{} entry {}", document.name, at + 1),
                "two packages with no empty line between them",
            );
        }
        if entry.name.is_empty() {
            inventory.unreadable(format!("{} entry {}", document.name, at + 1), "an entry without a name");
            continue;
        }
        inventory.packages.push(entry.into_package(&ecosystem, document.name));
    }
}

/// One entry of a database or of an index.
#[derive(Default)]
pub(crate) struct ApkEntry {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    pub(crate) origin: String,
    pub(crate) size_bytes: u64,
    pub(crate) has_two_names: bool,
}

impl ApkEntry {
    fn into_package(self, ecosystem: &str, location: &str) -> Package {
        let mut package = Package::new(PackageType::Apk, ecosystem, self.name, self.version, location);
        let name = if self.origin.is_empty() { package.name.clone() } else { self.origin.into() };
        package.source = Some(SourcePackage { name, version: package.version.clone() });
        package.architecture = self.architecture.into();
        package
    }
}

/// The entries of a database or index: lines `letter:value`, ended by an empty line.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = ApkEntry> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    std::iter::from_fn(move || {
        let mut entry = ApkEntry::default();
        let mut is_open = false;
        for line in lines.by_ref() {
            let Some((letter, value)) = line.split_first_chunk::<2>() else {
                if is_open {
                    return Some(entry);
                }
                continue;
            };
            let value = || String::from_utf8_lossy(value.trim_ascii()).into_owned();
            is_open = true;
            match letter {
                b"P:" => {
                    entry.has_two_names |= !entry.name.is_empty();
                    entry.name = value();
                }
                b"V:" => entry.version = value(),
                b"A:" => entry.architecture = value(),
                b"o:" => entry.origin = value(),
                b"S:" => entry.size_bytes = value().parse().unwrap_or(0),
                _ => {}
            }
        }
        is_open.then_some(entry)
    })
}
