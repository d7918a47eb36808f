//! A walk through folders, for the documents and programs in them that say which packages there are.

use crate::MOST_BYTES;
use inventory::readers::{self, Document};
use inventory::{Directory, EntryKind, Inventory};
use std::collections::HashSet;

const MOST_DEPTH: usize = 64;
/// Folders that hold installed packages: a link in place of one hides them.
const PACKAGE_FOLDERS: &[&str] = &["node_modules", "vendor", "site-packages", "dist-packages", "gems", "lib"];

/// A walk through a tree, reading all documents that a reader knows. No link leads out of the tree.
pub(crate) struct Walk<'a> {
    root: &'a Directory,
    /// Whether folders that only a link leads to are walked too: in a tree of sources, but not through a whole system.
    follows_folders: bool,
    /// Device and number of every folder and document that was read.
    seen: HashSet<(u64, u64)>,
    /// Links, looked at last: most lead to what was read anyway.
    waiting: Vec<String>,
    walked: &'a mut dyn FnMut(&str),
}

impl<'a> Walk<'a> {
    pub(crate) fn new(root: &'a Directory, follows_folders: bool, walked: &'a mut dyn FnMut(&str)) -> Self {
        Self { root, follows_folders, seen: HashSet::new(), waiting: Vec::new(), walked }
    }

    pub(crate) fn folder(&mut self, folder: &str, inventory: &mut Inventory, depth: usize) {
        if depth > MOST_DEPTH {
            return inventory.unreadable(folder, "folders are nested too deeply; those below were not read");
        }
        match self.root.identity(folder) {
            Some((_, device, number)) if !self.seen.insert((device, number)) => return,
            _ => {}
        }
        let entries = match self.root.list(folder) {
            Ok(entries) => entries,
            Err(error) => return inventory.unreadable(folder, error),
        };
        let has = |name: &str| entries.iter().any(|entry| entry.name == name);
        if folder.ends_with(".dist-info") && !has("METADATA") {
            inventory.unreadable(folder, "an installed package without its METADATA");
        }
        for entry in entries {
            let path = if folder.is_empty() { entry.name.clone() } else { format!("{folder}/{}", entry.name) };
            let could_be_read = readers::reader_for_path(&path).is_some();
            let could_be_read = could_be_read || (entry.kind == EntryKind::File && may_be_program(&entry.name));
            match entry.kind {
                EntryKind::Folder if entry.name == ".git" => {}
                EntryKind::Folder | EntryKind::File | EntryKind::Link if !entry.is_utf8 => {
                    if could_be_read || entry.kind != EntryKind::File {
                        inventory.unreadable(path, "its name is not UTF-8, so it was not read");
                    }
                }
                EntryKind::Folder => self.folder(&path, inventory, depth + 1),
                EntryKind::File => self.file(&path, inventory),
                EntryKind::Link => self.waiting.push(path),
                EntryKind::Other if could_be_read => inventory.unreadable(path, "it is no regular file"),
                EntryKind::Other => {}
            }
        }
    }

    fn file(&mut self, path: &str, inventory: &mut Inventory) {
        (self.walked)(path);
        if readers::is_without_reader(path) {
            return inventory.unreadable(path, "it lists packages in a format that is not read");
        }
        let is_known = readers::reader_for_path(path).is_some() || readers::may_be_bill(path);
        let is_program = match (is_known, is_program(self.root, path)) {
            (true, _) => false,
            (false, Ok(true)) => true,
            (false, Ok(false)) => return,
            (false, Err(error)) => return inventory.unreadable(path, error),
        };
        if let Some((_, device, number)) = self.root.identity(path) {
            self.seen.insert((device, number));
        }
        if is_program {
            return match self.root.open(path) {
                Ok(Some(file)) if file.metadata().is_ok_and(|metadata| metadata.len() > MOST_BYTES) => {
                    inventory.unreadable(path, format!("a program of more than {MOST_BYTES} bytes"));
                }
                Ok(Some(file)) => readers::read_program(&file, path, inventory),
                Ok(None) => {}
                Err(error) => inventory.unreadable(path, error),
            };
        }
        match self.root.read(path, MOST_BYTES) {
            Ok(Some(bytes)) => drop(readers::read_document(&Document { name: path, bytes: &bytes }, inventory)),
            Ok(None) => {}
            Err(error) => inventory.unreadable(path, error),
        }
    }

    /// Reads what only links lead to.
    pub(crate) fn links(&mut self, inventory: &mut Inventory) {
        while let Some(path) = self.waiting.pop() {
            let is_wanted = readers::reader_for_path(&path).is_some();
            match self.root.identity(&path) {
                Some((_, device, number)) if self.seen.contains(&(device, number)) => {}
                Some((EntryKind::Folder, ..)) if self.follows_folders => {
                    self.folder(&path, inventory, path.split('/').count());
                }
                // What the system's own folders hold belongs to its packages.
                Some((EntryKind::Folder, ..)) if self.leads_into_system(&path) => {}
                Some((EntryKind::Folder, ..)) => self.folder(&path, inventory, path.split('/').count()),
                Some((EntryKind::File, ..)) if is_wanted => self.file(&path, inventory),
                Some((EntryKind::File, ..)) => {}
                // Where no link is followed it is not known what lies behind one, but for those that every system has.
                _ if cfg!(windows) && !COMPATIBILITY.contains(&path.as_str()) => {
                    inventory.unreadable(path, "a link, which is not followed on this system");
                }
                _ if is_wanted || PACKAGE_FOLDERS.contains(&path.rsplit('/').next().unwrap_or(&path)) => {
                    inventory.unreadable(path, "a link that leads to nothing below the root");
                }
                _ => {}
            }
        }
    }

    /// Whether a link to a folder leads to the root itself, or to or into a folder of the system.
    fn leads_into_system(&self, link: &str) -> bool {
        let root = self.root.identity("");
        let mut place = link.to_owned();
        for _ in 0..MOST_DEPTH {
            let here = self.root.identity(&place);
            if here == root {
                break;
            }
            if SYSTEM.iter().any(|folder| self.root.identity(folder).is_some_and(|own| Some(own) == here)) {
                return true;
            }
            place.push_str("/..");
        }
        self.root.identity(link) == root
    }
}

/// What belongs to the system and its packages, or is made up by the kernel.
const SYSTEM: &[&str] =
    &["usr", "bin", "sbin", "lib", "lib64", "etc", "boot", "dev", "proc", "run", "sys", "tmp", "var/lib", "var/cache"];

/// Links that every Windows has, to what is looked at elsewhere or holds no programs.
const COMPATIBILITY: &[&str] = &[
    "ProgramData/Application Data",
    "ProgramData/Desktop",
    "ProgramData/Documents",
    "ProgramData/Start Menu",
    "ProgramData/Templates",
];

/// Whether a name is one that programs and libraries bear: without an extension, or with one of theirs.
fn may_be_program(name: &str) -> bool {
    const EXTENSIONS: &[&str] = &["exe", "dll", "so", "dylib", "bin", "out", "elf", "run", "node", "mod"];
    match name.rsplit_once('.') {
        None => true,
        // `lib.so.1`, `tool.v1`, `tool-1.2`
        Some((stem, extension)) => {
            EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
                || stem.contains(".so")
                || extension.trim_start_matches('v').bytes().all(|byte| byte.is_ascii_digit())
        }
    }
}

/// Looks at the first bytes of files that could be programs.
fn is_program(root: &Directory, path: &str) -> Result<bool, inventory::Error> {
    use std::io::Read;
    if !may_be_program(path.rsplit('/').next().unwrap_or(path)) {
        return Ok(false);
    }
    let Some(file) = root.open(path)? else { return Ok(false) };
    let mut head = Vec::new();
    let read = file.take(8).read_to_end(&mut head);
    read.map_err(|source| inventory::Error::Read { path: path.to_owned(), source })?;
    Ok(head.len() == 8 && readers::is_program(&head))
}
