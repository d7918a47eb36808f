//! The snapshot that is made for an order before its packages change, where the host wants one.

use super::{FOLDER, PatchError, Patching, at, orders, write};
use crate::root::Root;
use crate::snapshots::{MOST, Snapshot, SnapshotOf};

impl Patching {
    /// Has a snapshot be made before packages change: where it cannot be made nothing is changed. It is written down, so that whoever
    /// goes on after a crash makes it too.
    ///
    /// # Errors
    /// If it cannot be written down.
    pub fn want_snapshot(&self, of: Option<&SnapshotOf>) -> Result<(), PatchError> {
        match of.filter(|_| self.step.is_untouched()) {
            Some(of) => write(&self.wanted(), of.to_string().as_bytes()),
            None => Ok(()),
        }
    }

    fn wanted(&self) -> std::path::PathBuf {
        self.root.below(&format!("{FOLDER}/{}/snapshot-of", self.id))
    }

    /// Makes it, once; those of older orders go, but for the newest.
    pub(super) fn make_snapshot(&mut self) -> Result<(), PatchError> {
        let wanted = self.wanted();
        let of: SnapshotOf = match std::fs::read_to_string(&wanted) {
            Ok(text) => text.parse().map_err(|what| PatchError::Snapshot { what })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(at(&wanted)(error)),
        };
        if read(&self.root, &self.id)?.is_some() {
            return Ok(());
        }
        let made = of.make(&self.root, &self.id, &mut self.log)?;
        let path = path(&self.root, &self.id);
        let text = serde_json::to_vec(&made).map_err(|source| PatchError::Damaged { path: path.clone(), source })?;
        write(&path, &text)?;
        self.forget_snapshots()
    }

    fn forget_snapshots(&mut self) -> Result<(), PatchError> {
        let mut made = Vec::new();
        for (order, _) in orders(&self.root)? {
            // What cannot be read stays, and keeps no order from being carried out.
            made.extend(read(&self.root, &order).ok().flatten().map(|snapshot| (order, snapshot)));
        }
        let old = made.len().saturating_sub(MOST);
        for (order, snapshot) in made.into_iter().take(old) {
            // One that does not go stays written down, and is tried again with the next order.
            if snapshot.remove(&self.root, &mut self.log).is_ok() {
                let path = path(&self.root, &order);
                std::fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    /// What is not as it was, with where that is to be found.
    pub(super) fn with_way_out(&self, worse: String) -> String {
        match read(&self.root, &self.id) {
            Ok(Some(snapshot)) => format!("{worse}; the snapshot {snapshot} has what was there before"),
            _ => worse,
        }
    }
}

/// The snapshot that was made for an order of a host, in words, if one is there.
///
/// # Errors
/// If what is written of it cannot be read.
pub fn snapshot_of(root: &Root, order: &str) -> Result<Option<String>, PatchError> {
    Ok(read(root, order)?.map(|snapshot| snapshot.to_string()))
}

fn path(root: &Root, order: &str) -> std::path::PathBuf {
    root.below(&format!("{FOLDER}/{order}/snapshot.json"))
}

fn read(root: &Root, order: &str) -> Result<Option<Snapshot>, PatchError> {
    let path = path(root, order);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|source| PatchError::Damaged { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(&path)(error)),
    }
}
