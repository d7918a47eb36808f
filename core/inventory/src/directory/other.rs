//! A directory as a path, where the system keeps no path below a handle: whatever could lead elsewhere is not followed.
#![expect(
    clippy::disallowed_methods,
    reason = "it opens what lies below the folder that it is given, and nothing else"
)]

use super::{Entry, EntryKind};
use crate::error::Error;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// A folder. Paths are taken relative to it; links, junctions and mount points inside it are not followed.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    /// Tells paths apart by numbers that nobody outside can foresee.
    numbers: RandomState,
}

impl Directory {
    /// Takes the path of a folder.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root, numbers: RandomState::new() }
    }

    /// Reads a file whole; `None` if it does not exist.
    ///
    /// # Errors
    /// If it exists but cannot be read, is no regular file, or is larger than `limit_bytes`.
    pub fn read(&self, path: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.take(limit_bytes + 1).read_to_end(&mut bytes);
        read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
        if bytes.len() as u64 > limit_bytes {
            return Err(Error::TooLarge { path: path.to_owned(), limit_bytes });
        }
        Ok(Some(bytes))
    }

    /// Opens a regular file; `None` if it does not exist.
    ///
    /// # Errors
    /// If it exists but cannot be opened, or is no regular file.
    pub fn open(&self, path: &str) -> Result<Option<File>, Error> {
        let wrap = |source| Error::Read { path: path.to_owned(), source };
        match self.find(path) {
            Ok(Some((place, metadata))) if metadata.is_file() => File::open(place).map(Some).map_err(wrap),
            Ok(Some(_)) => Err(wrap(std::io::Error::other("it is no regular file"))),
            Ok(None) => Ok(None),
            Err(error) => Err(wrap(error)),
        }
    }

    /// The entries of a folder in the order of their names; empty if it does not exist.
    ///
    /// # Errors
    /// If it exists but cannot be read.
    pub fn list(&self, path: &str) -> Result<Vec<Entry>, Error> {
        let wrap = |source| Error::Read { path: path.to_owned(), source };
        let Some((place, _)) = self.find(path).map_err(wrap)? else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(place).map_err(wrap)? {
            let entry = entry.map_err(wrap)?;
            let name = entry.file_name();
            let (is_utf8, name) = (name.to_str().is_some(), name.to_string_lossy().into_owned());
            let kind = entry.metadata().map_or(EntryKind::Other, |metadata| kind_of(&metadata));
            entries.push(Entry { name, is_utf8, kind });
        }
        entries.sort();
        Ok(entries)
    }

    /// Says whether a file or folder exists.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        matches!(self.find(path), Ok(Some(_)))
    }

    /// What a path leads to: its kind, and numbers that tell it from everything else. No link is followed, so a place has one path.
    #[must_use]
    pub fn identity(&self, path: &str) -> Option<(EntryKind, u64, u64)> {
        let (place, metadata) = self.find(path).ok()??;
        Some((kind_of(&metadata), 0, self.numbers.hash_one(place)))
    }

    /// When a file was last changed, in seconds since 1970.
    #[must_use]
    pub fn changed_at(&self, path: &str) -> Option<i64> {
        seconds(self.find(path).ok()??.1.modified().ok()?)
    }

    /// When a file was put where it is, in seconds since 1970.
    #[must_use]
    pub fn placed_at(&self, path: &str) -> Option<i64> {
        seconds(self.find(path).ok()??.1.created().ok()?)
    }

    /// Where a symbolic link points to.
    #[must_use]
    pub fn link_target(&self, path: &str) -> Option<String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let target = std::fs::read_link(self.find(folder).ok()??.0.join(name)).ok()?;
        Some(target.to_string_lossy().into_owned())
    }

    /// Where a path leads to, and what is there; `None` if nothing is.
    fn find(&self, path: &str) -> std::io::Result<Option<(PathBuf, Metadata)>> {
        let mut place = self.root.clone();
        let mut metadata = std::fs::metadata(&place)?;
        for part in path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")) {
            // A colon names a drive, or a stream beside a file.
            if part == ".." || part.contains(':') {
                return Err(std::io::Error::other("it would lead out of the folder"));
            }
            place.push(part);
            metadata = match std::fs::symlink_metadata(&place) {
                Ok(metadata) => metadata,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            if metadata.is_symlink() {
                return Err(std::io::Error::other("it lies behind a link, which is not followed on this system"));
            }
        }
        Ok(Some((place, metadata)))
    }
}

fn kind_of(metadata: &Metadata) -> EntryKind {
    match metadata.file_type() {
        kind if kind.is_symlink() => EntryKind::Link,
        kind if kind.is_file() => EntryKind::File,
        kind if kind.is_dir() => EntryKind::Folder,
        _ => EntryKind::Other,
    }
}

fn seconds(at: SystemTime) -> Option<i64> {
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}
