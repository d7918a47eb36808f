//! A directory as a handle: the system itself keeps every path below it (openat2(2)).

use super::{Entry, EntryKind};
use crate::error::Error;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

/// An open directory. Paths are taken relative to it; absolute links inside it lead to its own root.
#[derive(Debug)]
pub struct Directory {
    root: OwnedFd,
}

const MOST_LINKS: usize = 40;

impl Directory {
    /// Takes an open directory handle.
    #[must_use]
    pub fn new(root: OwnedFd) -> Self {
        Self { root }
    }

    /// Reads a file whole; `None` if it does not exist.
    ///
    /// # Errors
    /// If it exists but cannot be read, is no regular file, or is larger than `limit_bytes`.
    pub fn read(&self, path: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        let wrap = |source| Error::Read { path: path.to_owned(), source };
        let metadata = file.metadata().map_err(wrap)?;
        // What the system makes up, as below /proc, says it has no bytes.
        if metadata.len() > limit_bytes {
            return Err(Error::TooLarge { path: path.to_owned(), limit_bytes });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        file.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(wrap)?;
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
        let other = || Error::Read { path: path.to_owned(), source: std::io::Error::other("it is no regular file") };
        // Opening a device or a pipe can do something or wait for somebody: the type is looked at first.
        let place = self.open_at(path, OFlags::PATH | OFlags::CLOEXEC);
        let is_file = place.map(|place| kind_of(&place) == EntryKind::File);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        match is_file.and_then(|is_file| if is_file { self.open_at(path, flags).map(Some) } else { Ok(None) }) {
            Ok(Some(handle)) if kind_of(&handle) == EntryKind::File => Ok(Some(File::from(handle))),
            Ok(_) => Err(other()),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(Errno::LOOP) => Err(Error::TooManyLinks { path: path.to_owned() }),
            Err(error) => Err(Error::Read { path: path.to_owned(), source: error.into() }),
        }
    }

    /// The entries of a folder in the order of their names; empty if it does not exist.
    ///
    /// # Errors
    /// If it exists but cannot be read.
    pub fn list(&self, path: &str) -> Result<Vec<Entry>, Error> {
        let wrap = |error: Errno| Error::Read { path: path.to_owned(), source: error.into() };
        let handle = match self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC) {
            Ok(handle) => handle,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
            Err(error) => return Err(wrap(error)),
        };
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&handle).map_err(wrap)? {
            let entry = entry.map_err(wrap)?;
            let name = entry.file_name().to_string_lossy();
            let (is_utf8, name) = (matches!(name, std::borrow::Cow::Borrowed(_)), name.into_owned());
            if name == "." || name == ".." {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                let status = rustix::fs::statat(&handle, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
                kind = status.map_or(FileType::Unknown, |status| FileType::from_raw_mode(status.st_mode));
            }
            entries.push(Entry { name, is_utf8, kind: entry_kind(kind) });
        }
        entries.sort();
        Ok(entries)
    }

    /// Says whether a file or folder exists.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.open_at(path, OFlags::PATH | OFlags::CLOEXEC).is_ok()
    }

    /// What a path leads to, links followed: its kind, and the numbers that tell it from everything else.
    #[must_use]
    pub fn identity(&self, path: &str) -> Option<(EntryKind, u64, u64)> {
        let handle = self.open_at(path, OFlags::PATH | OFlags::CLOEXEC).ok()?;
        let status = rustix::fs::fstat(&handle).ok()?;
        Some((entry_kind(FileType::from_raw_mode(status.st_mode)), status.st_dev, status.st_ino))
    }

    /// When a file was last changed, in seconds since 1970.
    #[must_use]
    pub fn changed_at(&self, path: &str) -> Option<i64> {
        let handle = self.open_at(path, OFlags::PATH | OFlags::CLOEXEC).ok()?;
        rustix::fs::fstat(&handle).ok().map(|status| status.st_mtime)
    }

    /// When a file was put where it is, or its rights were last changed, in seconds since 1970.
    #[must_use]
    pub fn placed_at(&self, path: &str) -> Option<i64> {
        let handle = self.open_at(path, OFlags::PATH | OFlags::CLOEXEC).ok()?;
        rustix::fs::fstat(&handle).ok().map(|status| status.st_ctime)
    }

    /// Where a symbolic link points to.
    #[must_use]
    pub fn link_target(&self, path: &str) -> Option<String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        let handle = self.open_at(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC).ok()?;
        let target = rustix::fs::readlinkat(&handle, name, Vec::new()).ok()?;
        Some(target.to_string_lossy().into_owned())
    }

    fn open_at(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let relative = path.trim_start_matches('/');
        let relative = if relative.is_empty() { "." } else { relative };
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.root, relative, flags, Mode::empty(), resolve) {
            // Before Linux 5.6, and under some sandboxes: walk the path ourselves.
            Err(Errno::NOSYS | Errno::PERM) => self.walk(relative, flags),
            other => other,
        }
    }

    /// Resolves a path part by part without ever letting the kernel follow a link.
    fn walk(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut waiting: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut above: Vec<OwnedFd> = Vec::new();
        let mut here = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)?;
        let mut links = 0;
        while let Some(part) = waiting.pop() {
            match part.as_str() {
                "" | "." => continue,
                // Above the root there is only the root.
                ".." => {
                    if let Some(parent) = above.pop() {
                        here = parent;
                    }
                    continue;
                }
                _ => {}
            }
            let is_last = waiting.iter().all(|rest| rest.is_empty() || rest == ".");
            let status = rustix::fs::statat(&here, part.as_str(), AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(status.st_mode) == FileType::Symlink {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::LOOP);
                }
                let target = rustix::fs::readlinkat(&here, part.as_str(), Vec::new())?;
                let target = target.to_string_lossy().into_owned();
                if target.starts_with('/') {
                    above.clear();
                    here = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)?;
                }
                waiting.extend(target.split('/').rev().map(str::to_owned));
                continue;
            }
            let step = if is_last { flags } else { OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC };
            let next = rustix::fs::openat(&here, part.as_str(), step | OFlags::NOFOLLOW, Mode::empty())?;
            if is_last {
                return Ok(next);
            }
            above.push(std::mem::replace(&mut here, next));
        }
        rustix::fs::openat(here.as_fd(), ".", flags, Mode::empty())
    }
}

fn kind_of(handle: &OwnedFd) -> EntryKind {
    rustix::fs::fstat(handle).map_or(EntryKind::Other, |status| entry_kind(FileType::from_raw_mode(status.st_mode)))
}

fn entry_kind(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn tree(name: &str) -> (std::path::PathBuf, Directory) {
        let folder = std::env::temp_dir().join(format!("plimsoll-directory-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("root/etc")).expect("folders");
        std::fs::write(folder.join("secret"), "outside").expect("file");
        std::fs::write(folder.join("root/etc/inside"), "inside").expect("file");
        symlink("../../secret", folder.join("root/etc/out")).expect("link");
        symlink("/etc/inside", folder.join("root/etc/absolute")).expect("link");
        symlink("loop", folder.join("root/etc/loop")).expect("link");
        let handle = File::open(folder.join("root")).expect("the root opens");
        (folder, Directory::new(handle.into()))
    }

    #[test]
    fn links_never_lead_out_of_the_root() {
        let (folder, directory) = tree("links");
        let by_walk = |path: &str| directory.walk(path, OFlags::RDONLY | OFlags::CLOEXEC).map(|_| ());
        assert_eq!(directory.read("etc/inside", 100).expect("reads").as_deref(), Some(&b"inside"[..]));
        assert_eq!(directory.read("/etc/absolute", 100).expect("reads").as_deref(), Some(&b"inside"[..]));
        assert_eq!(directory.read("etc/out", 100).expect("nothing outside"), None);
        assert!(directory.read("etc/loop", 100).is_err());
        assert_eq!(by_walk("etc/absolute"), Ok(()));
        assert_eq!(by_walk("etc/out"), Err(Errno::NOENT));
        assert_eq!(by_walk("../../secret"), Err(Errno::NOENT));
        assert_eq!(by_walk("etc/loop"), Err(Errno::LOOP));
        assert!(matches!(directory.read("etc/inside", 3), Err(Error::TooLarge { .. })));
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
