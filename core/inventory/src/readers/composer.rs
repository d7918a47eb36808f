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
    let lists = [&value["packages"], &value["packages-dev"], &value];
    for entry in lists.into_iter().filter_map(|list| list.as_array()).flatten() {
        let Some(name) = entry["name"].as_str() else {
            inventory.problem(document.name, "a package without a name");
            continue;
        };
        let version = entry["version"].as_str().unwrap_or_default().trim_start_matches('v');
        inventory.packages.push(Package::language(PackageType::Composer, name, version, document.name));
    }
}
