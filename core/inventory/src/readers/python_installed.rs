//! Installed Python packages: `*.dist-info/METADATA` and `*.egg-info` (core metadata specification), and packed ones:
//! wheels and eggs, whose names say what they are (binary distribution format, "File name convention").

use super::{Access, Document, Reader, file_name, never};
use crate::control::paragraphs;
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "python_installed",
    title: "installed Python package",
    access: Access::Document {
        by_name: |path| {
            path.ends_with(".dist-info/METADATA")
                || [".egg-info/PKG-INFO", "/EGG-INFO/PKG-INFO", ".egg-info", ".whl", ".egg"]
                    .iter()
                    .any(|end| path.ends_with(end))
        },
        by_content: never,
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    if document.name.ends_with(".whl") || document.name.ends_with(".egg") {
        let mut parts = file_name(document.name).split('-');
        return match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(version), Some(_)) => {
                inventory.packages.push(Package::language(PackageType::PyPi, name, version, document.name));
            }
            _ => inventory.unreadable(document.name, "its name does not say which package and version it holds"),
        };
    }
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
