//! Gradle's `gradle.lockfile`, `buildscript-gradle.lockfile` and `dependency-locks/*.lockfile`: `group:artifact:version=configurations`.

use super::{Access, Document, Reader, file_name, never, text_of};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "gradle",
    title: "gradle.lockfile",
    access: Access::Document {
        by_name: |path| {
            // Before Gradle 6.8 each configuration had a file of its own.
            file_name(path).ends_with("gradle.lockfile")
                || (path.contains("dependency-locks/") && path.ends_with(".lockfile"))
        },
        by_content: never,
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let module = line.split('=').next().unwrap_or(line);
        match module.rsplit_once(':').filter(|(name, _)| name.contains(':')) {
            Some((name, version)) => {
                inventory.packages.push(Package::language(PackageType::Maven, name, version, document.name))
            }
            None => {
                inventory.unreadable(format!("{} line {}", document.name, at + 1), format!("not a module: `{line}`"))
            }
        }
    }
}
