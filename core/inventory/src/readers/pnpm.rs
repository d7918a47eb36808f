//! `pnpm-lock.yaml`, lock file versions 5 to 9.

use super::{Access, Document, Reader, file_name, never, text_of};
use crate::model::{Inventory, Package, PackageType};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "pnpm",
    title: "pnpm-lock.yaml",
    access: Access::Document { by_name: |path| file_name(path) == "pnpm-lock.yaml", by_content: never, read },
};

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion")]
    version: Option<serde::de::IgnoredAny>,
    packages: Option<BTreeMap<String, Entry>>,
    snapshots: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    importers: Option<BTreeMap<String, Importer>>,
}

/// A project of the workspace, with what it asks for: a version, or (since version 6) an object that holds it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Importer {
    dependencies: Option<BTreeMap<String, serde_json::Value>>,
    dev_dependencies: Option<BTreeMap<String, serde_json::Value>>,
    optional_dependencies: Option<BTreeMap<String, serde_json::Value>>,
}

impl Lock {
    /// Whether something is asked for that is no folder of the workspace.
    fn asks_for_packages(&self) -> bool {
        let importers = self.importers.iter().flatten().map(|(_, importer)| importer);
        let asked = importers.flat_map(|one| [&one.dependencies, &one.dev_dependencies, &one.optional_dependencies]);
        let versions = asked.flatten().flatten().map(|(_, asked)| asked["version"].as_str().or(asked.as_str()));
        versions.into_iter().any(|version| !version.is_some_and(|version| version.starts_with("link:")))
            || self.snapshots.as_ref().is_some_and(|snapshots| !snapshots.is_empty())
    }
}

#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
}

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory);
    let lock: Lock = match serde_saphyr::from_str(&text) {
        Ok(lock) => lock,
        Err(error) => return inventory.unreadable(document.name, format!("it is not a readable lock file: {error}")),
    };
    if lock.version.is_none() && lock.packages.is_none() {
        inventory.unreadable(document.name, "it has neither a version nor packages");
    }
    if lock.asks_for_packages() && lock.packages.as_ref().is_none_or(BTreeMap::is_empty) {
        inventory.unreadable(document.name, "its projects ask for packages, and it lists none");
    }
    for (key, entry) in lock.packages.unwrap_or_default() {
        let by_key = split_key(&key);
        // `name@https://…` and `name@file:…` have no version in the key.
        let before = || key.get(1..)?.find('@').map(|at| &key[..=at]);
        let name = entry.name.as_deref().or(by_key.map(|(name, _)| name)).or_else(before);
        let version = entry.version.as_deref().or(by_key.map(|(_, version)| version)).unwrap_or_default();
        match name {
            Some(name) => inventory.packages.push(Package::language(PackageType::Npm, name, version, document.name)),
            None => inventory.unreadable(format!("{}: {key}", document.name), "no name"),
        }
    }
}

/// `/name/1.0.0_peer`, `/name@1.0.0(peer)`, `@scope/name@1.0.0`.
fn split_key(key: &str) -> Option<(&str, &str)> {
    let key = key.trim_start_matches('/').split('(').next()?;
    // Until version 5 the version was a path segment, with peers after an underscore.
    let slash = key
        .rfind('/')
        .map(|at| (&key[..at], &key[at + 1..]))
        .filter(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    if let Some((name, version)) = slash {
        return Some((name, version.split('_').next()?));
    }
    let (name, version) = match key.get(1..).and_then(|rest| rest.find('@')) {
        Some(at) => (&key[..=at], &key[at + 2..]),
        None => key.rsplit_once('/')?,
    };
    let version = version.split('_').next()?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_version_are_split() {
        assert_eq!(split_key("/@babel/core/7.1.0_peer@1.0.0"), Some(("@babel/core", "7.1.0")));
        assert_eq!(split_key("/lodash/4.17.21"), Some(("lodash", "4.17.21")));
        assert_eq!(split_key("/@scope/x@1.2.3(react@18.0.0)"), Some(("@scope/x", "1.2.3")));
        assert_eq!(split_key("lodash@4.17.21"), Some(("lodash", "4.17.21")));
    }
}
