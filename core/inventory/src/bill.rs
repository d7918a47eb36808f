//! What all bills of materials share: their system, and what follows from it for packages that do not say it themselves.

use crate::model::{Inventory, PackageType, SourcePackage};
use crate::os::{self, Os};

/// Takes the system that a document names, unless a person has named another.
pub(crate) fn remember_os(name: &str, version: &str, inventory: &mut Inventory) {
    let name = name.to_ascii_lowercase();
    // `2 (Karoo)`
    let release = version.split(' ').next().unwrap_or_default().to_owned();
    let id = os::usual_id(&name).to_owned();
    let os = Os { id, version: release, name: format!("{name} {version}"), ..Os::default() };
    inventory.os.get_or_insert(os);
}

/// Completes the packages from `from` on: the release is the document's where they do not name their own, and the source
/// package has their own name where the generator writes down only those that differ.
///
/// Where it writes down none at all, the sources are not known.
pub(crate) fn settle(inventory: &mut Inventory, from: usize, names_sources: bool) {
    let os = inventory.os.clone();
    let packages = &mut inventory.packages[from..];
    let names_sources = names_sources
        || packages.iter().any(|package| {
            package.kind != PackageType::Rpm
                && package.source.as_ref().is_some_and(|source| source.name != package.name)
        });
    for package in packages {
        if !matches!(package.kind, PackageType::Deb | PackageType::Rpm | PackageType::Apk) {
            continue;
        }
        if let Some(os) = os.as_ref().filter(|_| package.ecosystem.is_empty()) {
            package.ecosystem = os.ecosystem_of(package.kind).into();
        }
        if names_sources && package.source.is_none() && package.kind != PackageType::Rpm {
            package.source = Some(SourcePackage { name: package.name.clone(), version: package.version.clone() });
        }
    }
}

/// `built package from: curl 7.88.1-10+deb12u5`, as SPDX documents have it.
pub(crate) fn built_from(info: &str, binary_version: &str) -> Option<SourcePackage> {
    let (name, version) = info.strip_prefix("built package from:")?.trim().rsplit_once(' ')?;
    Some(SourcePackage::new(name.trim(), version, binary_version))
}
