//! Lock files of Python: `uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml` (PEP 751) and `Pipfile.lock`.

use super::{Access, Document, Reader, file_name, json_of, never, text_of};
use crate::model::{Inventory, Package, PackageType};
use serde::Deserialize;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "python_locks",
    title: "Python lock file",
    access: Access::Document {
        by_name: |path| {
            let name = file_name(path);
            matches!(name, "uv.lock" | "poetry.lock" | "pdm.lock" | "Pipfile.lock")
                || (name.starts_with("pylock.") && name.ends_with(".toml"))
        },
        by_content: never,
        read,
    },
};

#[derive(Deserialize)]
struct Lock {
    #[serde(alias = "packages")]
    package: Option<Vec<Entry>>,
    metadata: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: Option<String>,
    source: Option<toml::Value>,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    if file_name(document.name) == "Pipfile.lock" {
        return read_pipfile(document, inventory);
    }
    let text = text_of(document, inventory);
    let lock: Lock = match toml::from_str(&text) {
        Ok(lock) => lock,
        Err(error) => {
            return inventory.unreadable(document.name, format!("it is not a readable lock file: {}", error.message()));
        }
    };
    let Some(packages) = lock.package else {
        return inventory.unreadable(document.name, "it has no list of packages");
    };
    // Poetry writes this table last.
    if file_name(document.name) == "poetry.lock" && lock.metadata.is_none() {
        inventory.unreadable(document.name, "it ends without its table `metadata`: it is cut off");
    }
    for entry in packages {
        // uv lists the project itself as a virtual or editable package.
        let is_own = entry
            .source
            .as_ref()
            .is_some_and(|source| source.get("virtual").is_some() || source.get("editable").is_some());
        if !is_own {
            let version = entry.version.unwrap_or_default();
            inventory.packages.push(Package::language(PackageType::PyPi, entry.name, version, document.name));
        }
    }
}

fn read_pipfile(document: &Document<'_>, inventory: &mut Inventory) {
    let Some(value) = json_of(document, inventory) else { return };
    if value["default"].is_null() && value["develop"].is_null() {
        inventory.unreadable(document.name, "it has no group of packages");
    }
    for group in ["default", "develop"] {
        if !value[group].is_null() && !value[group].is_object() {
            inventory.unreadable(document.name, format!("its group `{group}` is no object"));
        }
        for (name, entry) in value[group].as_object().into_iter().flatten() {
            let version = entry["version"].as_str().unwrap_or_default().trim_start_matches('=');
            inventory.packages.push(Package::language(PackageType::PyPi, name.as_str(), version, document.name));
        }
    }
}
