//! npm's `package-lock.json` and `npm-shrinkwrap.json`, lock file versions 1 to 3.

use super::{Access, Document, Reader, file_name, json_of};
use crate::model::{Inventory, Package, PackageType};
use serde_json::{Map, Value};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "npm",
    title: "npm lock file",
    access: Access::Document {
        by_name: |path| matches!(file_name(path), "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json"),
        by_content: |document| super::head_contains(document, "\"lockfileVersion\""),
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let Some(value) = json_of(document, inventory) else { return };
    let (packages, dependencies) = (&value["packages"], &value["dependencies"]);
    for (key, list) in [("packages", packages), ("dependencies", dependencies)] {
        if !list.is_null() && !list.is_object() {
            inventory.unreadable(document.name, format!("its `{key}` are no object"));
        }
    }
    let by_path = packages.as_object().filter(|packages| packages.keys().any(|path| !path.is_empty()));
    // Version 2 has both forms, for old readers: the newer one counts.
    match (by_path, dependencies.as_object()) {
        (Some(packages), _) => installed(packages, document.name, inventory),
        (None, Some(dependencies)) => nested(dependencies, document.name, inventory, 0),
        // Version 1 leaves an empty list out.
        (None, None) if packages.is_null() && value["lockfileVersion"].as_u64() != Some(1) => {
            inventory.unreadable(document.name, "it has neither packages nor dependencies");
        }
        (None, None) if asks_for_packages(&packages[""]) => {
            inventory.unreadable(document.name, "its project asks for packages, and it lists none");
        }
        (None, None) => {}
    }
}

/// Whether a project's own entry names anything that it needs.
fn asks_for_packages(project: &Value) -> bool {
    let groups = ["dependencies", "devDependencies", "optionalDependencies"];
    groups.into_iter().any(|group| project[group].as_object().is_some_and(|group| !group.is_empty()))
}

fn installed(packages: &Map<String, Value>, place: &str, inventory: &mut Inventory) {
    for (path, entry) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        let path = path.replace('\\', "/");
        // Links point at workspace members, which are sources, not installed packages.
        if entry["link"].as_bool() == Some(true) || !path.contains("node_modules/") {
            continue;
        }
        let by_path = path.rsplit("node_modules/").next().unwrap_or(&path);
        add(entry["name"].as_str().unwrap_or(by_path), entry, place, inventory);
    }
}

fn nested(dependencies: &Map<String, Value>, place: &str, inventory: &mut Inventory, level: usize) {
    if level > 100 {
        return inventory.unreadable(place, "dependencies are nested too deeply; those below were not read");
    }
    for (name, entry) in dependencies {
        add(name, entry, place, inventory);
        match &entry["dependencies"] {
            Value::Null => {}
            Value::Object(inner) => nested(inner, place, inventory, level + 1),
            _ => inventory.unreadable(format!("{place}: {name}"), "its `dependencies` are no object"),
        }
    }
}

fn add(name: &str, entry: &Value, place: &str, inventory: &mut Inventory) {
    let version = entry["version"].as_str().unwrap_or_default();
    // `npm:real-name@1.0.0` is an alias: the code is the other package's.
    let (name, version) = match version.strip_prefix("npm:").and_then(|target| target.rsplit_once('@')) {
        Some((real, version)) => (real, version),
        None => (name, version),
    };
    let is_url = version.contains("://") || version.starts_with("git") || version.starts_with("file:");
    inventory.packages.push(Package::language(PackageType::Npm, name, if is_url { "" } else { version }, place));
}
