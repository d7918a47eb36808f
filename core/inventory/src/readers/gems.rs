//! Installed gems: `specifications/*.gemspec`, whose file names say name and version.

use super::{Access, Document, Reader, file_name, never};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "gems",
    title: "installed gem",
    access: Access::Document {
        by_name: |path| path.ends_with(".gemspec") && path.contains("specifications/"),
        by_content: never,
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = String::from_utf8_lossy(document.bytes);
    // The specification itself says it best: `s.name = "rack".freeze`, `s.version = "2.2.4"`.
    let value = |key: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(key))?;
        line.split(['"', '\'']).nth(1).map(str::to_owned)
    };
    let stem = file_name(document.name).trim_end_matches(".gemspec");
    let by_name = stem.rmatch_indices('-').find(|(at, _)| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let by_name = by_name.map(|(at, _)| (stem[..at].to_owned(), stem[at + 1..].to_owned()));
    match value("s.name =").zip(value("s.version =")).or(by_name) {
        Some((name, version)) => {
            inventory.packages.push(Package::language(PackageType::Gem, name, version, document.name))
        }
        None => inventory.unreadable(document.name, "no name and version"),
    }
}
