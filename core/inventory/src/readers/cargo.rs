//! `Cargo.lock`, versions 1 to 4.

use super::{Access, Document, Reader, file_name, never, text_of};
use crate::model::{Inventory, Package, PackageType};
use serde::Deserialize;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "cargo",
    title: "Cargo.lock",
    access: Access::Document { by_name: |path| file_name(path) == "Cargo.lock", by_content: never, read },
};

#[derive(Deserialize)]
struct Lock {
    package: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: Option<String>,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory);
    let lock: Lock = match toml::from_str(&text) {
        Ok(lock) => lock,
        Err(error) => {
            return inventory.unreadable(document.name, format!("it is not a readable lock file: {}", error.message()));
        }
    };
    // Packages without a source are the workspace's own; those of git are judged by their version, as upstream does.
    let Some(packages) = lock.package else {
        return inventory.unreadable(document.name, "it has no list of packages");
    };
    for entry in packages.into_iter().filter(|entry| entry.source.is_some()) {
        inventory.packages.push(Package::language(PackageType::Cargo, entry.name, entry.version, document.name));
    }
}
