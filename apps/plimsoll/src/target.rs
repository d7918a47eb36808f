//! What is scanned: this host, a root directory, a directory of sources, or a document.

mod walk;

use crate::arguments::Subject;
use crate::exit::Usage;
use crate::files;
use anyhow::{Context, Result};
use inventory::readers::{self, Document};
use inventory::{Directory, Inventory, Os, Package};
use rayon::slice::ParallelSliceMut;
use std::path::Path;
use walk::Walk;

/// The largest document that is read from a tree.
const MOST_BYTES: u64 = 1 << 30;
/// What tells the root of a system from a tree of sources.
const DATABASES: &[&str] = &["var/lib/dpkg", "var/lib/rpm", "usr/lib/sysimage/rpm", "lib/apk/db"];
/// Where systems and images keep what no package manager has installed.
const FOLDERS: &[&str] =
    &["usr/local", "opt", "srv", "var/www", "app", "code", "workspace", "usr/src/app", "var/task", "function"];

/// Reads the inventory of what the arguments name.
pub(crate) fn read(subject: &Subject, is_quiet: bool) -> Result<Inventory> {
    let mut inventory = match (&subject.target, &subject.root) {
        (Some(target), _) if target.is_dir() => of_tree(target, is_quiet)?,
        (Some(target), _) => of_file(target, subject)?,
        (None, Some(root)) => of_root(root, false, is_quiet)?,
        (None, None) => of_root(Path::new("/"), true, is_quiet)?,
    };
    sort(&mut inventory.packages);
    Ok(inventory)
}

/// Sorts packages by name, and takes out what two readers found in one place.
fn sort(packages: &mut Vec<Package>) {
    // The first 16 bytes of a name, as a number, tell most names apart without a look at the text.
    let key = |package: &Package| {
        let mut head = [0_u8; 16];
        let length = package.name.len().min(16);
        head[..length].copy_from_slice(&package.name.as_bytes()[..length]);
        u128::from_be_bytes(head)
    };
    let order = |a: &Package, b: &Package| {
        (&a.name, &a.ecosystem, &a.version, &a.architecture, &a.location).cmp(&(
            &b.name,
            &b.ecosystem,
            &b.version,
            &b.architecture,
            &b.location,
        ))
    };
    let mut places: Vec<(u128, usize)> = packages.iter().enumerate().map(|(at, package)| (key(package), at)).collect();
    let by_place = |a: &(u128, usize), b: &(u128, usize)| {
        a.0.cmp(&b.0).then_with(|| order(&packages[a.1], &packages[b.1])).then(a.1.cmp(&b.1))
    };
    match places.len() {
        // Starting threads takes longer than sorting a few packages.
        0..5000 => places.sort_unstable_by(by_place),
        _ => places.par_sort_unstable_by(by_place),
    }
    // Each package is swapped into its place; where one has gone meanwhile is noted in `places` itself.
    for place in 0..places.len() {
        let mut from = places[place].1;
        while from < place {
            from = places[from].1;
        }
        packages.swap(place, from);
        places[place].1 = from;
    }
    packages.dedup_by(|a, b| a.kind == b.kind && order(a, b).is_eq());
}

fn open(path: &Path) -> Result<Directory> {
    let file = std::fs::File::open(path).with_context(|| format!("failed to open `{}`", path.display()))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Usage(format!("`{}` is no directory", path.display())).into());
    }
    Ok(Directory::new(file.into()))
}

fn of_root(path: &Path, is_this_host: bool, is_quiet: bool) -> Result<Inventory> {
    let root = open(path)?;
    let mut inventory = Inventory { subject: path.display().to_string(), ..Inventory::default() };
    inventory::os::collect(&root, &mut inventory);
    readers::read_databases(&root, &mut inventory);
    if let Some(os) = inventory.os.clone().filter(|_| inventory.packages.is_empty()) {
        inventory.unreadable(
            path.display().to_string(),
            format!("no package database of {} was found, or it is empty", os.name),
        );
    }
    if is_this_host {
        let name = root.read("proc/sys/kernel/hostname", 1 << 16).ok().flatten().unwrap_or_default();
        inventory.subject = String::from_utf8_lossy(&name).trim().to_owned();
    }
    inventory::pending::collect(&root, &mut inventory);
    if is_this_host {
        inventory::host::collect(&root, &mut inventory);
    }
    // Language packages outside of the package manager live below these; what it owns is judged by its own data.
    let mut walk = Walk::new(&root, false, is_quiet);
    for folder in FOLDERS {
        walk.folder(folder, &mut inventory, 0);
    }
    walk.links(&mut inventory);
    inventory.folders = FOLDERS.iter().map(|folder| format!("/{folder}")).collect();
    Ok(inventory)
}

fn of_tree(path: &Path, is_quiet: bool) -> Result<Inventory> {
    let root = open(path)?;
    let mut inventory = Inventory { subject: path.display().to_string(), ..Inventory::default() };
    if root.exists("etc/os-release") && DATABASES.iter().any(|database| root.exists(database)) {
        inventory.unreadable(path.display().to_string(), "it looks like the root of a system: scan it with --root");
    }
    let mut walk = Walk::new(&root, true, is_quiet);
    walk.folder("", &mut inventory, 0);
    walk.links(&mut inventory);
    Ok(inventory)
}

fn of_file(path: &Path, subject: &Subject) -> Result<Inventory> {
    let name = path.display().to_string();
    let bytes = files::read(path, MOST_BYTES).with_context(|| format!("failed to read `{name}`"))?;
    let bytes = inventory::unpack(bytes, inventory::Limits { bytes: MOST_BYTES })
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
    Directory::new(folder.into()).read(name, MOST_BYTES).map(Option::unwrap_or_default).unwrap_or_else(|error| {
        inventory.unreadable(name, error);
        Vec::new()
    })
}
