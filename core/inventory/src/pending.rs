//! Pending updates, from the repositories' own metadata as it lies on the host: no package manager is asked.

mod apk;
mod apt;
mod dnf;

use crate::directory::Directory;
use crate::model::Inventory;

/// Adds the updates that the host's repositories offer.
pub fn collect(root: &Directory, inventory: &mut Inventory) {
    apt::collect(root, inventory);
    dnf::collect(root, inventory);
    apk::collect(root, inventory);
    inventory.pending.sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
}

const MOST_BYTES: u64 = 1 << 30;

/// Reads and unpacks a file of metadata; a failure is a problem of the inventory.
fn read_unpacked(root: &Directory, path: &str, inventory: &mut Inventory) -> Option<Vec<u8>> {
    let bytes = match root.read(path, MOST_BYTES) {
        Ok(bytes) => bytes?,
        Err(error) => {
            inventory.unreadable(path, error);
            return None;
        }
    };
    match crate::unpack(bytes, crate::Limits { bytes: MOST_BYTES }) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            inventory.unreadable(path, format!("it cannot be unpacked: {error}"));
            None
        }
    }
}

/// Remembers when metadata was last renewed: the oldest of its files counts.
fn note_age(root: &Directory, path: &str, inventory: &mut Inventory) {
    inventory.has_repository_metadata = true;
    let Some(changed) = root.changed_at(path) else { return };
    let known = inventory.repository_metadata_at.unwrap_or(i64::MAX);
    inventory.repository_metadata_at = Some(known.min(changed));
}
