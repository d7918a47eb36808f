//! What is scanned: this host, a root directory, a directory of sources, or a document.

use crate::arguments::Subject;
use crate::exit::Usage;
use crate::files;
use crate::progress::Walked;
use anyhow::{Context, Result};
use inventory::readers::{self, Document};
use inventory::{Directory, Inventory, Os};
use std::path::Path;

/// Reads the inventory of what the arguments name.
pub(crate) fn read(subject: &Subject, is_quiet: bool) -> Result<Inventory> {
    let mut walked = Walked::new(is_quiet);
    let mut walked = |path: &str| walked.file(path);
    let collected = match (&subject.target, &subject.root) {
        (Some(target), _) if target.is_dir() => host::tree(target, &mut walked),
        (Some(target), _) => return of_file(target, subject),
        (None, Some(root)) => host::mounted(root, &mut walked),
        (None, None) => host::this_host(&mut walked),
    };
    collected.map_err(|error| match error {
        host::Error::NoDirectory { .. } => Usage(error.to_string()).into(),
        error => error.into(),
    })
}

fn of_file(path: &Path, subject: &Subject) -> Result<Inventory> {
    let name = path.display().to_string();
    let bytes = files::read(path, host::MOST_BYTES).with_context(|| format!("failed to read `{name}`"))?;
    let bytes = inventory::unpack(bytes, inventory::Limits { bytes: host::MOST_BYTES })
        .with_context(|| format!("failed to unpack `{name}`"))?;
    let os = match &subject.release {
        Some(release) => Some(Os::named(release).ok_or_else(|| {
            Usage(format!(
                "`{release}` is no release that is known: write debian-12, ubuntu-24.04, rhel-9 or a codename"
            ))
        })?),
        None => None,
    };
    let mut inventory = Inventory { subject: name.clone(), os, ..Inventory::default() };
    let plain = [".zst", ".gz", ".xz", ".bz2"]
        .iter()
        .fold(name.as_str(), |name, extension| name.strip_suffix(extension).unwrap_or(name));
    let document = Document { name: plain, bytes: &bytes };
    if inventory.os.is_none() && readers::is_database_file(&document) {
        inventory.os = os_beside(path, &mut inventory);
    }
    let log = beside(path, &format!("{}-wal", path.file_name().unwrap_or_default().display()), &mut inventory);
    if !readers::read_database_file(&document, &log, &mut inventory)
        && readers::read_document(&document, &mut inventory).is_none()
    {
        return Err(Usage(format!(
            "`{name}` is of no kind that is known: no bill of materials, lock file, package database or archive"
        ))
        .into());
    }
    host::sort(&mut inventory.packages);
    Ok(inventory)
}

/// A package database given as a file often has its system's os-release beside it.
fn os_beside(path: &Path, inventory: &mut Inventory) -> Option<Os> {
    Some(beside(path, "os-release", inventory)).filter(|bytes| !bytes.is_empty()).map(|bytes| Os::parse(&bytes))
}

/// A file beside another one; empty if there is none. The files may come from elsewhere: no link leads out of the folder.
fn beside(path: &Path, name: &str, inventory: &mut Inventory) -> Vec<u8> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(folder) = std::fs::File::open(folder) else { return Vec::new() };
    Directory::new(folder.into()).read(name, host::MOST_BYTES).map(Option::unwrap_or_default).unwrap_or_else(|error| {
        inventory.unreadable(name, error);
        Vec::new()
    })
}
