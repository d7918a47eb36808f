//! Pending updates, from the repositories' own metadata as it lies on the host: no package manager is asked.

mod apk;
mod apt;
mod dnf;

use crate::directory::{Directory, Entry, EntryKind};
use crate::model::{Inventory, Offered};
use std::io::Read;

/// Adds the updates that the host's repositories offer.
pub fn collect(root: &Directory, inventory: &mut Inventory) {
    apt::collect(root, inventory);
    dnf::collect(root, inventory);
    apk::collect(root, inventory);
    inventory.has_repository_metadata = inventory.packages.iter().any(|package| package.offered != Offered::No);
    inventory.pending.sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
}

const MOST_BYTES: u64 = 1 << 30;

/// Opens a file that a folder lists as a stream of what is packed in it; a failure is a problem of the inventory.
fn open_unpacked(root: &Directory, path: &str, inventory: &mut Inventory) -> Option<impl Read + use<>> {
    let opened = match root.open(path) {
        Ok(Some(file)) => crate::unpack::unpack_stream(file, crate::Limits { bytes: MOST_BYTES }),
        Ok(None) => {
            inventory.unreadable(path, "it is a link that leads nowhere below the root");
            return None;
        }
        Err(error) => {
            inventory.unreadable(path, error);
            return None;
        }
    };
    opened.inspect_err(|error| inventory.unreadable(path, cannot_be_unpacked(error))).ok()
}

fn cannot_be_unpacked(error: &std::io::Error) -> String {
    format!("it cannot be unpacked: {error}")
}

/// Reads and unpacks a file that a folder lists; a failure is a problem of the inventory.
fn read_unpacked(root: &Directory, path: &str, inventory: &mut Inventory) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    match open_unpacked(root, path, inventory)?.read_to_end(&mut bytes) {
        Ok(_) => Some(bytes),
        Err(error) => {
            inventory.unreadable(path, cannot_be_unpacked(&error));
            None
        }
    }
}

/// The entries of a folder of metadata; none, with a problem, if it cannot be read.
fn list(root: &Directory, folder: &str, inventory: &mut Inventory) -> Vec<Entry> {
    root.list(folder).unwrap_or_else(|error| {
        inventory.unreadable(folder, error);
        Vec::new()
    })
}

/// The most bytes of a file of settings; people write them.
const MOST_BYTES_OF_SETTINGS: u64 = 1 << 20;

/// A file of settings; most hosts lack most of them.
fn read_settings(root: &Directory, path: &str, inventory: &mut Inventory) -> String {
    match root.read(path, MOST_BYTES_OF_SETTINGS) {
        Ok(bytes) => String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned(),
        Err(error) => {
            inventory.unreadable(path, error);
            String::new()
        }
    }
}

/// The paths of the files in a folder of settings, in their order.
fn settings_in(root: &Directory, folder: &str, inventory: &mut Inventory) -> Vec<String> {
    let files = list(root, folder, inventory).into_iter().filter(|entry| entry.kind != EntryKind::Folder);
    files.map(|entry| format!("{folder}/{}", entry.name)).collect()
}

/// Remembers when metadata was published. Repositories are asked together, and a quiet one stays old: the newest counts.
fn note_age(published: Option<i64>, inventory: &mut Inventory) {
    inventory.repository_metadata_at = inventory.repository_metadata_at.max(published);
}
