//! SPDX 3.0 JSON-LD: a graph of elements, of which `software_Package` is an installed thing.

use super::{Access, Document, Reader, head_contains, json_of};
use crate::bill;
use crate::model::{Inventory, Package, PackageType};
use crate::purl::package_named;
use serde_json::Value;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "spdx3",
    title: "SPDX 3 document",
    access: Access::Document {
        by_name: |path| path.ends_with(".spdx3.json"),
        by_content: |document| head_contains(document, "spdx.org/rdf/3") || head_contains(document, "software_Package"),
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let Some(value) = json_of(document, inventory) else { return };
    let mut elements = Vec::new();
    collect(&value, &mut elements);
    let before = inventory.packages.len();
    for element in elements {
        let is_system = ["software_primaryPurpose", "primaryPurpose"]
            .iter()
            .any(|key| element[key].as_str().is_some_and(|purpose| purpose.ends_with("operatingSystem")));
        if is_system {
            bill::remember_os(element["name"].as_str().unwrap_or_default(), version_of(element), inventory);
            continue;
        }
        match package_of(element, document.name) {
            Ok(package) => inventory.packages.push(package),
            Err(what) => inventory
                .unreadable(format!("{}: {}", document.name, element["name"].as_str().unwrap_or("a package")), what),
        }
    }
    if inventory.packages.len() == before {
        inventory.unreadable(document.name, "the document lists no packages");
    }
    bill::settle(inventory, before, false);
}

/// Finds the packages, wherever they stand: JSON-LD allows an element inside of what refers to it.
fn collect<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            let kinds = [&value["type"], &value["@type"]];
            let mut words = kinds.into_iter().flat_map(|kind| kind.as_str().into_iter().chain(texts(kind)));
            if words.any(|kind| kind.ends_with("software_Package") || kind == "Package" || kind.ends_with("/Package")) {
                found.push(value);
            }
            fields.values().for_each(|value| collect(value, found));
        }
        _ => {}
    }
}

/// The texts of a list; none if it is no list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn version_of(element: &Value) -> &str {
    let text = |key: &str| element[key].as_str();
    text("software_packageVersion").or(text("packageVersion")).unwrap_or_default()
}

fn package_of(element: &Value, place: &str) -> Result<Package, String> {
    let text = |key: &str| element[key].as_str();
    let version = version_of(element);
    let identifiers = element["externalIdentifier"].as_array().into_iter().flatten();
    let by_identifier = identifiers
        .filter(|identifier| {
            identifier["externalIdentifierType"]
                .as_str()
                .is_some_and(|kind| kind.to_ascii_lowercase().ends_with("purl") || kind.ends_with("packageUrl"))
        })
        .find_map(|identifier| identifier["identifier"].as_str());
    let Some(url) = text("software_packageUrl").or(text("packageUrl")).or(by_identifier) else {
        let name = text("name").filter(|name| !name.is_empty()).ok_or("a package without name and purl")?;
        return Ok(Package::new(PackageType::Generic, "", name.to_owned(), version.to_owned(), place));
    };
    let mut package = package_named(url, place)?;
    if package.version.is_empty() {
        package.version = version.into();
    }
    if package.source.is_none() {
        let info = text("software_sourceInfo").or(text("sourceInfo"));
        package.source = info.and_then(|info| bill::built_from(info, &package.version));
    }
    Ok(package)
}
