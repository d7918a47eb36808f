//! Composer's `composer.lock` and `vendor/composer/installed.json`.

use super::{Access, Document, Reader, file_name, json_of, never};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "composer",
    title: "composer.lock",
    access: Access::Document {
        by_name: |path| file_name(path) == "composer.lock" || path.ends_with("composer/installed.json"),
        by_content: never,
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let Some(value) = json_of(document, inventory) else { return };
    // `installed.json` of version 1 is the list itself.
    let lists = match value.is_array() {
        true => vec![("", &value)],
        false => vec![("packages", &value["packages"]), ("packages-dev", &value["packages-dev"])],
    };
    if lists.iter().any(|(key, list)| list.is_null() && *key != "packages-dev") {
        inventory.unreadable(document.name, "it has no list of packages");
    }
    for (key, list) in lists {
        if !list.is_null() && !list.is_array() {
            inventory.unreadable(document.name, format!("its `{key}` are no list"));
        }
        for entry in list.as_array().into_iter().flatten() {
            let Some(name) = entry["name"].as_str() else {
                inventory.unreadable(document.name, "a package without a name");
                continue;
            };
            let version = entry["version"].as_str().unwrap_or_default().trim_start_matches('v');
            inventory.packages.push(Package::language(PackageType::Composer, name, version, document.name));
        }
    }
}
