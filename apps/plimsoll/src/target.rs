//! What is scanned: this host, a root directory, a directory of sources, or a document.

use crate::arguments::Subject;
use crate::exit::Usage;
use anyhow::{Context, Result};
use inventory::readers::{self, Document};
use inventory::{Directory, EntryKind, Inventory, Os};
use std::path::Path;

/// The largest document that is read from a tree.
const MOST_BYTES: u64 = 1 << 30;
const MOST_DEPTH: usize = 64;

/// Reads the inventory of what the arguments name.
pub(crate) fn read(subject: &Subject) -> Result<Inventory> {
    let mut inventory = match (&subject.target, &subject.root) {
        (Some(target), _) if target.is_dir() => of_tree(target)?,
        (Some(target), _) => of_file(target, subject)?,
        (None, Some(root)) => of_root(root, false)?,
        (None, None) => of_root(Path::new("/"), true)?,
    };
    inventory.packages.sort_by(|a, b| {
        (&a.ecosystem, &a.name, &a.version, &a.architecture, &a.location).cmp(&(
            &b.ecosystem,
            &b.name,
            &b.version,
            &b.architecture,
            &b.location,
        ))
    });
    // The same package found by two readers in one place is one package.
    inventory.packages.dedup_by(|a, b| {
        (a.kind, &a.name, &a.version, &a.architecture, &a.location)
            == (b.kind, &b.name, &b.version, &b.architecture, &b.location)
    });
    Ok(inventory)
}

fn open(path: &Path) -> Result<Directory> {
    let file = std::fs::File::open(path).with_context(|| format!("failed to open `{}`", path.display()))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Usage(format!("`{}` is no directory", path.display())).into());
    }
    Ok(Directory::new(file.into()))
}

fn of_root(path: &Path, is_this_host: bool) -> Result<Inventory> {
    let root = open(path)?;
    let mut inventory = Inventory { subject: path.display().to_string(), ..Inventory::default() };
    for release in ["etc/os-release", "usr/lib/os-release"] {
        match root.read(release, 1 << 20) {
            Ok(Some(bytes)) => {
                inventory.os = Some(Os::parse(&bytes));
                break;
            }
            Ok(None) => {}
            Err(error) => inventory.unreadable(release, error),
        }
    }
    readers::read_databases(&root, &mut inventory);
    if is_this_host {
        let name = root.read("proc/sys/kernel/hostname", 1 << 16).ok().flatten().unwrap_or_default();
        inventory.subject = String::from_utf8_lossy(&name).trim().to_owned();
        inventory.host = Some(inventory::host::collect(&root, &inventory));
    }
    inventory::pending::collect(&root, &mut inventory);
    // Language packages outside of the package manager live below these; what it owns is judged by its own data.
    for folder in ["usr/local/lib", "opt", "srv", "var/www"] {
        walk(&root, folder, &mut inventory, 0);
    }
    Ok(inventory)
}

fn of_tree(path: &Path) -> Result<Inventory> {
    let root = open(path)?;
    let mut inventory = Inventory { subject: path.display().to_string(), ..Inventory::default() };
    walk(&root, "", &mut inventory, 0);
    Ok(inventory)
}

/// Reads all documents of a tree that a reader knows; links are not followed.
fn walk(root: &Directory, folder: &str, inventory: &mut Inventory, depth: usize) {
    if depth > MOST_DEPTH {
        return inventory.unreadable(folder, "folders are nested too deeply; those below were not read");
    }
    let entries = match root.list(folder) {
        Ok(entries) => entries,
        Err(error) => return inventory.unreadable(folder, error),
    };
    for entry in entries {
        let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
        match entry.kind {
            EntryKind::Folder if entry.name == ".git" => {}
            EntryKind::Folder => walk(root, &path, inventory, depth + 1),
            EntryKind::File => read_one(root, &path, inventory),
            EntryKind::Link | EntryKind::Other => {}
        }
    }
}

fn read_one(root: &Directory, path: &str, inventory: &mut Inventory) {
    let by_name = readers::reader_for_path(path).is_some();
    if !by_name && !is_executable(root, path) {
        return;
    }
    match root.read(path, MOST_BYTES) {
        Ok(Some(bytes)) => drop(readers::read_document(&Document { name: path, bytes: &bytes }, inventory)),
        Ok(None) => {}
        Err(error) => inventory.unreadable(path, error),
    }
}

/// Looks at the first bytes of files that could be programs.
fn is_executable(root: &Directory, path: &str) -> bool {
    use std::io::Read;
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.contains('.') && !name.ends_with(".exe") {
        return false;
    }
    let Ok(Some(mut file)) = root.open(path) else { return false };
    let mut head = [0_u8; 4];
    file.read_exact(&mut head).is_ok() && (&head == b"\x7fELF" || head.starts_with(b"MZ"))
}

fn of_file(path: &Path, subject: &Subject) -> Result<Inventory> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).with_context(|| format!("failed to open `{name}`"))?;
    let size = file.metadata().with_context(|| format!("failed to read `{name}`"))?.len();
    if size > MOST_BYTES {
        anyhow::bail!("`{name}` has {size} bytes, more than the limit of {MOST_BYTES}");
    }
    let bytes = std::fs::read(path).with_context(|| format!("failed to read `{name}`"))?;
    let bytes = inventory::unpack(bytes, inventory::Limits { bytes: MOST_BYTES })
        .with_context(|| format!("failed to unpack `{name}`"))?;
    let mut inventory =
        Inventory { subject: name.clone(), os: subject.release.as_deref().map(os_of), ..Inventory::default() };
    let plain = [".zst", ".gz", ".xz", ".bz2"]
        .iter()
        .fold(name.as_str(), |name, extension| name.strip_suffix(extension).unwrap_or(name));
    let document = Document { name: plain, bytes: &bytes };
    if inventory.os.is_none() {
        inventory.os = os_beside(path);
    }
    if !readers::read_database_file(&document, &mut inventory)
        && readers::read_document(&document, &mut inventory).is_none()
    {
        return Err(Usage(format!(
            "`{name}` is of no kind that is known: no bill of materials, lock file, package database or archive"
        ))
        .into());
    }
    Ok(inventory)
}

/// `debian-12` → an operating system.
fn os_of(release: &str) -> Os {
    let (id, version) = release.rsplit_once('-').unwrap_or((release, ""));
    Os { id: id.to_owned(), version: version.to_owned(), name: format!("{id} {version}"), ..Os::default() }
}

/// A package database given as a file often has its system's os-release beside it.
fn os_beside(path: &Path) -> Option<Os> {
    let file = path.parent()?.join("os-release");
    let bytes = std::fs::read(file).ok().filter(|bytes| bytes.len() < 1 << 20)?;
    Some(Os::parse(&bytes))
}
