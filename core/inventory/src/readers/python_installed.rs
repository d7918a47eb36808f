//! Installed Python packages: `*.dist-info/METADATA` and `*.egg-info` (core metadata specification).

use super::{Access, Document, Reader, never};
use crate::control::paragraphs;
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "python_installed",
    title: "installed Python package",
    access: Access::Document {
        by_name: |path| {
            path.ends_with(".dist-info/METADATA") || path.ends_with(".egg-info/PKG-INFO") || path.ends_with(".egg-info")
        },
        by_content: never,
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let Some(head) = paragraphs(document.bytes).next() else {
        return inventory.unreadable(document.name, "empty metadata");
    };
    match (head.get("Name"), head.get("Version")) {
        (Some(name), Some(version)) => {
            inventory.packages.push(Package::language(PackageType::PyPi, name, version, document.name));
        }
        _ => inventory.unreadable(document.name, "metadata without name or version"),
    }
}
