//! NuGet's `packages.lock.json`, `project.assets.json` and `*.deps.json`.

use super::{Access, Document, Reader, file_name, json_of, never};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "nuget",
    title: "NuGet lock file",
    access: Access::Document {
        by_name: |path| {
            matches!(file_name(path), "packages.lock.json" | "project.assets.json") || path.ends_with(".deps.json")
        },
        by_content: never,
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let Some(value) = json_of(document, inventory) else { return };
    let mut found: Vec<(String, String)> = Vec::new();
    let lists = [&value["dependencies"], &value["libraries"]];
    if lists.iter().all(|list| list.is_null()) || lists.iter().any(|list| !list.is_null() && !list.is_object()) {
        inventory.unreadable(document.name, "its dependencies or libraries are no object");
    }
    for framework in value["dependencies"].as_object().into_iter().flatten().map(|(_, list)| list) {
        if !framework.is_object() {
            inventory.unreadable(document.name, "the dependencies of a framework are no object");
        }
        for (name, entry) in framework.as_object().into_iter().flatten() {
            // Projects are the program's own parts.
            if entry["type"].as_str() != Some("Project") {
                found.push((name.clone(), entry["resolved"].as_str().unwrap_or_default().to_owned()));
            }
        }
    }
    for (key, entry) in value["libraries"].as_object().into_iter().flatten() {
        // Projects are the program's own parts.
        if entry["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("project")) {
            continue;
        }
        match key.split_once('/') {
            // What a program brings of the runtime itself stands under a name of its own.
            Some((name, version)) => {
                let name = name.strip_prefix("runtimepack.").unwrap_or(name);
                found.push((name.to_owned(), version.to_owned()));
            }
            None => inventory.unreadable(document.name, format!("a library without a version: `{key}`")),
        }
    }
    found.sort();
    found.dedup();
    for (name, version) in found {
        inventory.packages.push(Package::language(PackageType::NuGet, name, version, document.name));
    }
}
