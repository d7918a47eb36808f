//! Import of feeds from files, folders and archives, for sites without a network.

use crate::archive::{Visitor, visit};
use crate::error::Error;
use crate::store::{Document, Store};
use crate::trial::{self, Trial, parts_of};
use advisories::feeds::{self, Feed};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// Stored as a document of this feed.
    Stored {
        /// The file.
        path: PathBuf,
        /// The feed's id.
        feed: &'static str,
        /// Documents of the same catalogue that it takes the place of.
        replaces: Vec<String>,
    },
    /// The feed holds these very bytes already.
    Known {
        /// The file.
        path: PathBuf,
        /// The feed's id.
        feed: &'static str,
    },
    /// An earlier state of a catalogue than the one that is stored: not stored.
    Older {
        /// The file.
        path: PathBuf,
        /// The feed's id.
        feed: &'static str,
        /// The document that is stored.
        than: String,
    },
    /// Recognised, but no record in it can be read: not stored.
    Empty {
        /// The file.
        path: PathBuf,
        /// The feed's id.
        feed: &'static str,
    },
    /// Not recognised as belonging to any feed.
    NotRecognised {
        /// The file.
        path: PathBuf,
    },
}

/// Imports files, or all files below folders. With `feed` given nothing is guessed.
///
/// # Errors
/// If a file cannot be read, or the data directory not be written.
pub fn import(
    store: &Store,
    paths: &[PathBuf],
    feed: Option<&'static Feed>,
    now: Timestamp,
) -> Result<Vec<Imported>, Error> {
    let mut outcome = Vec::new();
    for path in paths {
        for (file, is_file) in files_below(path)? {
            let found = match feed {
                _ if !is_file => None,
                Some(feed) => Some(feed),
                None => recognise(&file)?,
            };
            outcome.push(match found {
                Some(feed) => import_file(store, file, feed, now)?,
                None => Imported::NotRecognised { path: file },
            });
        }
    }
    Ok(outcome)
}

/// All files below a folder, also those that a link leads to; with them, as such, what is no file: devices, and links that
/// lead to nothing or to other folders.
fn files_below(path: &Path) -> Result<Vec<(PathBuf, bool)>, Error> {
    if !path.is_dir() {
        return Ok(vec![(path.to_owned(), true)]);
    }
    let mut files = Vec::new();
    let entries = std::fs::read_dir(path).map_err(Error::file("list", path))?;
    for entry in entries {
        let entry = entry.map_err(Error::file("list", path))?;
        let kind = entry.file_type().map_err(Error::file("list", path))?;
        match kind.is_dir() {
            true => files.extend(files_below(&entry.path())?),
            false => files.push((entry.path(), entry.path().is_file())),
        }
    }
    files.sort();
    Ok(files)
}

/// Looks at the first documents of a file until one is recognised.
struct First {
    found: Option<&'static Feed>,
    left: usize,
}

impl Visitor for First {
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        self.found = feeds::detect(&feeds::Document { name, bytes: &bytes });
        self.left = self.left.saturating_sub(1);
        self.found.is_none() && self.left > 0
    }

    fn may_split(&self, _: &str) -> bool {
        false
    }

    fn wants_heads_only(&self) -> bool {
        true
    }

    fn problem(&mut self, _: &str, _: &str) {}
}

fn recognise(path: &Path) -> Result<Option<&'static Feed>, Error> {
    let mut first = First { found: None, left: 50 };
    visit(path, &mut first)?;
    Ok(first.found)
}

/// Stores a file of a feed, if it brings anything.
fn import_file(store: &Store, path: PathBuf, feed: &'static Feed, now: Timestamp) -> Result<Imported, Error> {
    let trial = trial::read(&path, feed)?;
    if trial.records == 0 {
        return Ok(Imported::Empty { path, feed: feed.id });
    }
    let bytes = std::fs::read(&path).map_err(Error::file("read", &path))?;
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let document = describe(&path, &bytes, trial, feed, now)?;
    let documents = store.documents(feed.id)?;
    let is_same = |known: &Document| known.digest == document.digest && known.origin != document.origin;
    if documents.values().any(is_same) {
        return Ok(Imported::Known { path, feed: feed.id });
    }
    let is_elsewhere = |known: &Document| known.origin != document.origin;
    let newer = documents.iter().find(|(_, known)| is_elsewhere(known) && document.is_older_than(known));
    if let Some((than, _)) = newer {
        return Ok(Imported::Older { path, feed: feed.id, than: than.clone() });
    }
    // Files of one name from two folders are two documents: the second carries a part of its digest. So does a file
    // whose name the store needs for itself.
    let is_taken = documents.get(&own).is_some_and(|known| known.digest != document.digest && is_elsewhere(known));
    let is_taken = is_taken || Store::is_reserved(&own);
    let name = if is_taken { format!("{}-{own}", &document.digest[..12]) } else { own };
    store.write(&store.feed_folder(feed.id).join(&name), &bytes)?;
    let replaces = store.put(feed.id, &name, document)?;
    Ok(Imported::Stored { path, feed: feed.id, replaces })
}

/// What is known of a file that is imported.
fn describe(path: &Path, bytes: &[u8], trial: Trial, feed: &'static Feed, now: Timestamp) -> Result<Document, Error> {
    // A file that lay about for months is as old as that.
    let changed = path.metadata().and_then(|metadata| metadata.modified()).ok();
    let changed = changed.and_then(|changed| Timestamp::try_from(changed).ok());
    Ok(Document {
        origin: path.display().to_string(),
        fetched_at: Some(changed.map_or(now, |changed| changed.min(now))),
        digest: blake3::hash(bytes).to_hex().to_string(),
        size_bytes: bytes.len() as u64,
        parts: parts_of(path, feed)?,
        records: trial.records,
        // A record dated ahead must not keep all later snapshots out.
        newest: trial.newest.filter(|at| at.duration_since(now).as_hours() < 48),
        ..Document::default()
    })
}
