//! Every reader the product knows: one file each, listed in [`READERS`].

mod apk;
mod binaries;
mod bundler;
mod cargo;
mod composer;
mod cyclonedx;
mod dpkg;
mod gems;
mod golang;
mod gradle;
mod java;
mod node_modules;
mod npm;
mod nuget;
mod opkg;
mod pacman;
mod pnpm;
mod pom;
mod python_installed;
mod python_locks;
mod requirements;
mod rpm;
mod spdx;
mod spdx3;
mod yarn;

pub(crate) use apk::{ApkEntry, entries as apk_entries};
pub(crate) use dpkg::source_of;
pub use rpm::source_of_rpm;
pub(crate) use rpm::stream_of;

pub use crate::document::Document;
pub(crate) use crate::document::{CUT_OFF, has_too_many_objects, head_contains, json_of, text_of};

use crate::directory::Directory;
use crate::document::normalised;
use crate::model::{Inventory, Package, PackageType};
use std::borrow::Cow;

/// How a reader comes to its bytes.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// A database at its known places below a root.
    Database(fn(&Directory, &mut Inventory)),
    /// Documents, found by their path or recognised by their content.
    Document {
        /// Says from the path alone whether a file in a tree is worth opening.
        by_name: fn(&str) -> bool,
        /// Says from the first bytes whether a file that was named by a person is of this kind.
        by_content: fn(&Document<'_>) -> bool,
        /// Reads it.
        read: fn(&Document<'_>, &mut Inventory),
    },
}

/// A reader of one format.
#[derive(Debug)]
pub struct Reader {
    /// Its stable id: the name of its file here.
    pub id: &'static str,
    /// What it reads.
    pub title: &'static str,
    /// How it comes to its bytes.
    pub access: Access,
}

/// Every reader the product knows. The order is that of recognition: the more particular first.
pub const READERS: &[Reader] = &[
    dpkg::READER,
    rpm::READER,
    apk::READER,
    opkg::READER,
    pacman::READER,
    cyclonedx::READER,
    spdx3::READER,
    spdx::READER,
    cargo::READER,
    npm::READER,
    yarn::READER,
    pnpm::READER,
    python_locks::READER,
    requirements::READER,
    golang::READER,
    bundler::READER,
    composer::READER,
    gradle::READER,
    nuget::READER,
    pom::READER,
    python_installed::READER,
    node_modules::READER,
    gems::READER,
    java::READER,
    binaries::READER,
];

/// Reads the package databases below a root.
pub fn read_databases(root: &Directory, inventory: &mut Inventory) {
    for reader in READERS {
        let Access::Database(read) = reader.access else { continue };
        let before = inventory.packages.len();
        read(root, inventory);
        sift(inventory, reader.id, before);
        let found = inventory.packages.len() - before;
        if found > 0 {
            inventory.sources.push((reader.id.to_owned(), found));
        }
    }
}

/// Says whether a file's content is that of a package database.
#[must_use]
pub fn is_database_file(document: &Document<'_>) -> bool {
    dpkg::looks_like_status(document.bytes)
        || apk::looks_like_installed(document.bytes)
        || rpm::is_database(document.bytes)
        || pacman::looks_like_desc(document.bytes)
}

/// Reads a package database that was given as a file of its own. `log` is what lies beside an SQLite file as its `-wal`:
/// changes that are not yet in it; empty if there is none.
///
/// Returns `false` if the content is none that is known.
pub fn read_database_file(document: &Document<'_>, log: &[u8], inventory: &mut Inventory) -> bool {
    let before = inventory.packages.len();
    let id = if dpkg::looks_like_status(document.bytes) {
        dpkg::read_status(document, inventory);
        "dpkg"
    } else if apk::looks_like_installed(document.bytes) {
        apk::read_installed(document, inventory);
        "apk"
    } else if rpm::read_file(document, log, inventory) {
        "rpm"
    } else if pacman::looks_like_desc(document.bytes) {
        pacman::read_desc(document, inventory);
        "pacman"
    } else {
        return false;
    };
    sift(inventory, document.name, before);
    inventory.sources.push((id.to_owned(), inventory.packages.len() - before));
    true
}

/// Readers of bills of materials, whose files bear each other's names.
const BILLS: &[&str] = &["cyclonedx", "spdx", "spdx3"];

/// The most bytes of a package's name or version: the longest real ones have some two hundred.
pub(crate) const MOST_NAME_BYTES: usize = 4096;

/// Takes out what package managers list beside packages: RPM's public keys, and apk's virtual packages (`.build-deps`); and,
/// with a problem, what no package can be called.
pub(crate) fn sift(inventory: &mut Inventory, place: &str, from: usize) {
    let is_endless = |package: &Package| package.name.len().max(package.version.len()) > MOST_NAME_BYTES;
    let endless = inventory.packages[from..].iter().filter(|package| is_endless(package)).count();
    if endless > 0 {
        let what = format!("{endless} packages have a name or version of more than {MOST_NAME_BYTES} bytes");
        inventory.unreadable(place, what);
    }
    let is_pseudo = |package: &Package| match package.kind {
        PackageType::Rpm => package.name == "gpg-pubkey",
        PackageType::Apk => package.name.starts_with('.'),
        _ => false,
    };
    let mut seen = 0;
    inventory.packages.retain(|package| {
        seen += 1;
        seen <= from || !(is_pseudo(package) || is_endless(package))
    });
}

/// The reader of documents that this path belongs to.
#[must_use]
pub fn reader_for_path(path: &str) -> Option<&'static Reader> {
    READERS.iter().find(|reader| matches!(reader.access, Access::Document { by_name, .. } if by_name(path)))
}

/// Lists of packages that no reader here understands: what they list is not known.
const WITHOUT_READER: &[&str] = &[
    "bun.lock",
    "bun.lockb",
    "Cartfile.resolved",
    "conan.lock",
    "deno.lock",
    "Manifest.toml",
    "mix.lock",
    "Package.resolved",
    "packages.config",
    "paket.lock",
    "Podfile.lock",
    "pubspec.lock",
    "rebar.lock",
    "renv.lock",
    "stack.yaml.lock",
];

/// Whether a file lists packages in a way that no reader here understands.
#[must_use]
pub fn is_without_reader(path: &str) -> bool {
    WITHOUT_READER.contains(&file_name(path))
}

/// Whether a name hints at a bill of materials so vaguely that only the content tells.
#[must_use]
pub fn may_be_bill(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let is_text = name.ends_with(".json") || name.ends_with(".xml");
    is_text && ["bom", "cyclonedx", "cdx", "spdx"].iter().any(|hint| name.contains(hint))
}

/// Whether bytes begin as programs do, which may say what they were built from.
#[must_use]
pub fn is_program(head: &[u8]) -> bool {
    binaries::is_executable(head)
}

/// Reads a program: of a large one only what says what it was built from is ever held.
pub fn read_program(file: &std::fs::File, name: &str, inventory: &mut Inventory) {
    let before = inventory.packages.len();
    binaries::read_file(file, name, inventory);
    sift(inventory, name, before);
    inventory.sources.push((format!("{} {name}", binaries::READER.id), inventory.packages.len() - before));
}

/// Reads a document by its name, else by its content. Returns the reader's id, or `None` if it is of no known kind.
pub fn read_document(document: &Document<'_>, inventory: &mut Inventory) -> Option<&'static str> {
    let bytes = normalised(document.bytes).unwrap_or_else(|what| {
        inventory.unreadable(document.name, what);
        Cow::default()
    });
    read_normalised(&Document { bytes: &bytes, ..*document }, inventory)
}

fn read_normalised(document: &Document<'_>, inventory: &mut Inventory) -> Option<&'static str> {
    let recognises = |reader: &&Reader, content: bool| match reader.access {
        Access::Document { by_name, by_content, .. } => {
            if content {
                by_content(document)
            } else {
                by_name(document.name)
            }
        }
        Access::Database(_) => false,
    };
    // A name is only a hint where the content says plainly that it is of another kind.
    let by_name = READERS.iter().find(|reader| recognises(reader, false));
    let by_content = || READERS.iter().find(|reader| recognises(reader, true));
    let reader = match by_name {
        Some(reader) if BILLS.contains(&reader.id) && !recognises(&reader, true) => by_content().unwrap_or(reader),
        Some(reader) => reader,
        None => by_content()?,
    };
    if document.bytes.trim_ascii().is_empty() && reader.id != "requirements" {
        inventory.unreadable(document.name, "it is empty");
        return Some(reader.id);
    }
    let Access::Document { read, .. } = reader.access else { return None };
    let before = inventory.packages.len();
    read(document, inventory);
    sift(inventory, document.name, before);
    inventory.sources.push((format!("{} {}", reader.id, document.name), inventory.packages.len() - before));
    Some(reader.id)
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// For readers whose documents are known by their names only.
pub(crate) fn never(_: &Document<'_>) -> bool {
    false
}
