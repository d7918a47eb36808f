//! pacman's database: `/var/lib/pacman/local/*/desc` (`%NAME%` and its value on the next line).

use super::{Access, Document, Reader};
use crate::directory::{Directory, EntryKind};
use crate::model::{Inventory, Package, PackageType, SourcePackage};

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader { id: "pacman", title: "pacman database", access: Access::Database(read) };

fn read(root: &Directory, inventory: &mut Inventory) {
    let folder = "var/lib/pacman/local";
    let entries = match root.list(folder) {
        Ok(entries) => entries,
        Err(error) => return inventory.unreadable(folder, error),
    };
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Folder) {
        let path = format!("{folder}/{}/desc", entry.name);
        match root.read(&path, 1 << 20) {
            Ok(Some(bytes)) => read_desc(&Document { name: &path, bytes: &bytes }, inventory),
            Ok(None) => inventory.unreadable(path, "the package has no description"),
            Err(error) => inventory.unreadable(path, error),
        }
    }
}

/// Says whether bytes begin as a description does.
pub(super) fn looks_like_desc(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"%NAME%") || bytes.trim_ascii_start().starts_with(b"%FILENAME%")
}

/// Reads one package's description. Arch publishes no data that OSV carries: such packages stay undetermined.
pub(super) fn read_desc(document: &Document<'_>, inventory: &mut Inventory) {
    let text = String::from_utf8_lossy(document.bytes);
    let value = |key: &str| {
        let mut lines = text.lines().skip_while(|line| line.trim() != key);
        lines.nth(1).map(|line| line.trim().to_owned()).unwrap_or_default()
    };
    let (name, version) = (value("%NAME%"), value("%VERSION%"));
    if name.is_empty() || version.is_empty() {
        return inventory.unreadable(document.name, "a description without name or version");
    }
    let mut package = Package::new(PackageType::Alpm, "", name, version, document.name);
    package.architecture = value("%ARCH%").into();
    let base = value("%BASE%");
    let source = if base.is_empty() { package.name.clone() } else { base.into() };
    package.source = Some(SourcePackage { name: source, version: package.version.clone() });
    inventory.packages.push(package);
}
