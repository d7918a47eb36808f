//! Collecting: what a whole system has, and what a tree of sources.

use crate::order::sort;
use crate::walk::Walk;
use inventory::{Directory, Inventory, readers};
use std::path::{Path, PathBuf};

/// What tells the root of a system from a tree of sources.
const DATABASES: &[&str] = &["var/lib/dpkg", "var/lib/rpm", "usr/lib/sysimage/rpm", "lib/apk/db"];
/// Where systems and images keep what no package manager has installed.
#[cfg(unix)]
const FOLDERS: &[&str] =
    &["usr/local", "opt", "srv", "var/www", "app", "code", "workspace", "usr/src/app", "var/task", "function"];

#[cfg(windows)]
const FOLDERS: &[&str] =
    &["Program Files", "Program Files (x86)", "ProgramData", "inetpub", "opt", "srv", "app", "code"];

/// Why nothing could be collected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be opened.
    #[error("failed to open `{}`", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It is no folder.
    #[error("`{}` is no directory", path.display())]
    NoDirectory {
        /// What was named.
        path: PathBuf,
    },
}

fn open(path: &Path) -> Result<Directory, Error> {
    let wrap = |source| Error::Open { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(wrap)?.is_dir() {
        return Err(Error::NoDirectory { path: path.to_owned() });
    }
    #[cfg(unix)]
    return Ok(Directory::new(std::fs::File::open(path).map_err(wrap)?.into()));
    #[cfg(windows)]
    return Ok(Directory::at(path.to_owned()));
}

/// What this host has, and what runs on it; `walked` is told each file that is looked at.
///
/// # Errors
/// If its root cannot be opened. What could not be read below it is in the inventory.
#[cfg(unix)]
pub fn this_host(walked: &mut dyn FnMut(&str)) -> Result<Inventory, Error> {
    of_root(Path::new("/"), true, walked)
}

/// What this host has; `walked` is told each file that is looked at.
///
/// # Errors
/// If its system drive cannot be opened. What could not be read is in the inventory.
#[cfg(windows)]
pub fn this_host(walked: &mut dyn FnMut(&str)) -> Result<Inventory, Error> {
    let drive = std::env::var("SystemDrive").unwrap_or_else(|_| "C:".to_owned());
    let root = open(Path::new(&format!(r"{drive}\")))?;
    let mut inventory = Inventory::default();
    inventory::windows::collect(&crate::windows::ThisHost, &mut inventory);
    walk_folders(&root, &mut inventory, walked);
    Ok(inventory)
}

/// What a mounted image or chroot has; `walked` is told each file that is looked at.
///
/// # Errors
/// If it cannot be opened. What could not be read below it is in the inventory.
pub fn mounted(root: &Path, walked: &mut dyn FnMut(&str)) -> Result<Inventory, Error> {
    of_root(root, false, walked)
}

/// What the lock files, documents and installed packages of a tree say; `walked` is told each file that is looked at.
///
/// # Errors
/// If it cannot be opened. What could not be read below it is in the inventory.
pub fn tree(path: &Path, walked: &mut dyn FnMut(&str)) -> Result<Inventory, Error> {
    let root = open(path)?;
    let mut inventory = Inventory { subject: path.display().to_string(), ..Inventory::default() };
    if root.exists("etc/os-release") && DATABASES.iter().any(|database| root.exists(database)) {
        inventory.unreadable(path.display().to_string(), "it looks like the root of a system: scan it with --root");
    }
    let mut walk = Walk::new(&root, true, walked);
    walk.folder("", &mut inventory, 0);
    walk.links(&mut inventory);
    sort(&mut inventory.packages);
    Ok(inventory)
}

fn of_root(path: &Path, is_this_host: bool, walked: &mut dyn FnMut(&str)) -> Result<Inventory, Error> {
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
    walk_folders(&root, &mut inventory, walked);
    Ok(inventory)
}

/// Adds the language packages outside of the package manager: they live below certain folders; what it owns is judged by its own data.
fn walk_folders(root: &Directory, inventory: &mut Inventory, walked: &mut dyn FnMut(&str)) {
    let mut walk = Walk::new(root, false, walked);
    for folder in FOLDERS {
        walk.folder(folder, inventory, 0);
    }
    walk.links(inventory);
    inventory.folders = FOLDERS.iter().map(|folder| format!("/{folder}")).collect();
    sort(&mut inventory.packages);
}
