//! pip's requirements files. Only exact pins say what is installed; the rest is named as not certain.

use super::{Access, Document, Reader, file_name, never, text_of};
use crate::model::{Inventory, Package, PackageType};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader {
    id: "requirements",
    title: "pip requirements",
    access: Access::Document {
        by_name: |path| {
            let path = path.to_ascii_lowercase();
            let name = file_name(&path);
            let is_among = path.strip_suffix(name).is_some_and(|folder| folder.ends_with("requirements/"));
            name.ends_with(".txt")
                && (is_among || name.starts_with("requirements") || name.ends_with("requirements.txt"))
        },
        by_content: never,
        read,
    },
};

fn read(document: &Document<'_>, inventory: &mut Inventory) {
    let text = text_of(document, inventory).replace("\\\n", " ").replace("\\\r\n", " ");
    for (at, line) in text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{} line {}", document.name, at + 1);
        if line.starts_with('-') || line.contains("://") {
            if line.starts_with("-r")
                || line.starts_with("--requirement")
                || line.contains("://")
                || line.starts_with("-e")
                || line.starts_with("--editable")
            {
                inventory.unreadable(place, format!("not followed: `{line}`"));
            }
            continue;
        }
        // Markers and hashes say when and from where, not what.
        let requirement = line.split([';', ' ']).next().unwrap_or(line);
        let requirement = if requirement.contains("==") {
            requirement.to_owned()
        } else {
            line.split(';').next().unwrap_or(line).replace(' ', "")
        };
        let end = requirement.find(['=', '<', '>', '!', '~', '[', '@', ' ']).unwrap_or(requirement.len());
        let name = &requirement[..end];
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            inventory.unreadable(place, format!("not a requirement: `{line}`"));
            continue;
        }
        let pin = requirement.split_once("==").map(|(_, version)| version.trim_start_matches('='));
        match pin.map(|pin| pin.split(',').next().unwrap_or(pin)).filter(|pin| !pin.contains('*')) {
            Some(version) => {
                inventory.packages.push(Package::language(PackageType::PyPi, name, version, document.name))
            }
            None => {
                inventory.problem(place, format!("`{name}` is not pinned to one version"));
                inventory.packages.push(Package::language(PackageType::PyPi, name, "", document.name));
            }
        }
    }
}
