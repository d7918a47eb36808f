//! The data directory: documents of feeds with what is known about them, and the compiled indexes.

use crate::compile::Compiled;
use crate::error::Error;
use advisories::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file that is there where the index is owed.
const OWED: &str = "owed";
/// The list of a feed's documents, beside them.
const DOCUMENTS: &str = "documents.json";

/// A data directory.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// What is known about a stored document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Where it came from: an address or a path.
    pub origin: String,
    /// When it was fetched. For an imported file: when it last changed, as it is no newer than that, or when it was imported
    /// if that came before.
    pub fetched_at: Option<Timestamp>,
    /// BLAKE3 of its bytes.
    pub digest: String,
    /// Its size.
    pub size_bytes: u64,
    /// The server's entity tag, for conditional requests.
    pub etag: Option<String>,
    /// The server's date, for conditional requests.
    pub last_modified: Option<String>,
    /// Why the last attempt to renew it failed, if it did.
    pub last_failure: Option<String>,
    /// The parts of the feed's catalogue that it holds; none where records replace each other by themselves.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub parts: BTreeSet<String>,
    /// How many records a document of a catalogue holds.
    #[serde(default)]
    pub records: u64,
    /// The newest instant inside a document of a catalogue, if its records have any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
}

impl Document {
    /// Whether another one holds all parts of a catalogue that this one does, and is not plainly a piece of it only.
    #[must_use]
    pub fn is_covered_by(&self, other: &Self) -> bool {
        !self.parts.is_empty() && self.parts.is_subset(&other.parts) && self.records <= other.records.saturating_mul(2)
    }

    /// Whether it is an earlier state of what another one holds: by the newest instant inside both, or by the files' own.
    #[must_use]
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.is_covered_by(other)
            && match self.newest.zip(other.newest) {
                Some((own, other)) if own != other => own < other,
                _ => self.fetched_at.zip(other.fetched_at).is_some_and(|(own, other)| own < other),
            }
    }
}

/// The extension of a file that is being written, before the number of the process.
const WAITING: &str = "new-";

impl Store {
    /// A data directory; nothing is created yet.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the store for writing, until the value is dropped. Two programs that change it at once would each lose what
    /// the other stored; `busy` is called if another one has it, before waiting for it.
    ///
    /// # Errors
    /// If the data directory cannot be made or locked.
    pub fn lock(&self, busy: impl FnOnce()) -> Result<std::fs::File, Error> {
        std::fs::create_dir_all(&self.root).map_err(Error::file("create", &self.root))?;
        let path = self.root.join("lock");
        let mut options = std::fs::OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path).map_err(Error::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                busy();
                file.lock().map_err(Error::file("lock", &path))?;
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(Error::file("lock", &path)(error)),
        }
        self.sweep();
        Ok(file)
    }

    /// Removes what a program that was ended while it wrote has left: only who holds the lock may.
    fn sweep(&self) {
        let feeds = std::fs::read_dir(self.root.join("feeds")).into_iter().flatten().flatten();
        for folder in feeds.map(|entry| entry.path()).chain([self.index_folder()]) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|extension| extension.to_string_lossy().starts_with(WAITING)) {
                    // What cannot be removed does no harm.
                    let _ = std::fs::remove_file(path);
                }
            }
        }
    }

    /// The folder of a feed's documents.
    #[must_use]
    pub fn feed_folder(&self, feed: &str) -> PathBuf {
        self.root.join("feeds").join(feed)
    }

    fn index_folder(&self) -> PathBuf {
        self.root.join("index")
    }

    /// Whether the store uses such a name in a feed's folder for itself.
    #[must_use]
    pub fn is_reserved(name: &str) -> bool {
        let extension = name.rsplit('.').next().unwrap_or_default();
        name == DOCUMENTS || matches!(extension, "part" | "tag") || extension.starts_with(WAITING)
    }

    /// Lists a document whose bytes are stored, and takes out what it replaces: those of which it holds every part.
    /// Returns their names.
    ///
    /// # Errors
    /// If the list or a file cannot be changed.
    pub fn put(&self, feed: &str, name: &str, document: Document) -> Result<Vec<String>, Error> {
        let mut documents = self.documents(feed)?;
        let all = documents.iter().filter(|(own, known)| *own != name && known.is_covered_by(&document));
        let replaced: Vec<String> = all.map(|(own, _)| own.clone()).collect();
        documents.insert(name.to_owned(), document);
        self.owe_index()?;
        self.set_documents(feed, &documents)?;
        for old in &replaced {
            self.remove(feed, old)?;
        }
        Ok(replaced)
    }

    /// Whether a stored file still holds the bytes that were stored. One that is gone says as little as one that was
    /// changed.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn is_whole(&self, feed: &str, name: &str, document: &Document) -> Result<bool, Error> {
        let path = self.feed_folder(feed).join(name);
        let Ok(file) = std::fs::File::open(&path) else { return Ok(false) };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(Error::file("read", &path))?;
        Ok(hasher.finalize().to_hex().as_str() == document.digest)
    }

    /// Takes a document out of a feed; `false` if the feed has none of this name.
    ///
    /// # Errors
    /// If the list or the file cannot be changed.
    pub fn remove(&self, feed: &str, name: &str) -> Result<bool, Error> {
        let mut documents = self.documents(feed)?;
        if documents.remove(name).is_none() {
            return Ok(false);
        }
        self.owe_index()?;
        // The list first: a file that no list names is never read.
        self.set_documents(feed, &documents)?;
        let path = self.feed_folder(feed).join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", &path)(error)),
            _ => Ok(true),
        }
    }

    /// Notes that an index must be compiled anew: before what it is compiled from changes, so that it is owed whatever happens then.
    fn owe_index(&self) -> Result<(), Error> {
        self.write(&self.index_folder().join(OWED), b"")
    }

    /// Whether what is stored has changed since the current index was compiled.
    #[must_use]
    pub fn is_index_owed(&self) -> bool {
        self.index_folder().join(OWED).exists()
    }

    /// The documents of a feed by file name.
    ///
    /// # Errors
    /// If the list exists but cannot be read.
    pub fn documents(&self, feed: &str) -> Result<BTreeMap<String, Document>, Error> {
        let path = self.feed_folder(feed).join(DOCUMENTS);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| Error::file("read", &path)(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(Error::file("read", &path)(error)),
        }
    }

    /// Replaces the list of a feed's documents.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_documents(&self, feed: &str, documents: &BTreeMap<String, Document>) -> Result<(), Error> {
        let path = self.feed_folder(feed).join(DOCUMENTS);
        let text = serde_json::to_vec_pretty(documents).map_err(|error| Error::file("write", &path)(error.into()))?;
        self.write(&path, &text)
    }

    /// Writes a file so that it is there whole or not at all, and survives a power cut.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let folder = path.parent().unwrap_or(&self.root);
        std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        let waiting = path.with_extension(format!("{WAITING}{}", std::process::id()));
        let write = || {
            let mut file = std::fs::File::create(&waiting)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&waiting, path)?;
            std::fs::File::open(folder)?.sync_all()
        };
        write().map_err(Error::file("write", path))
    }

    /// Stores an index under its digest and makes it the current one; older ones are removed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_index(&self, bytes: &[u8], digest: &str) -> Result<PathBuf, Error> {
        let folder = self.index_folder();
        let path = folder.join(format!("{digest}.index"));
        self.write(&path, bytes)?;
        self.write(&folder.join("current"), digest.as_bytes())?;
        for entry in std::fs::read_dir(&folder).map_err(Error::file("list", &folder))?.flatten() {
            let is_old = entry.path() != path && entry.path().extension().is_some_and(|extension| extension == "index");
            if is_old {
                // A process that has it mapped keeps it: the file goes when the last one closes it.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        match std::fs::remove_file(folder.join(OWED)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file("remove", &folder.join(OWED))(error))
            }
            _ => Ok(path),
        }
    }

    /// Makes a compiled index the current one, and lists what could not be read in `index/problems.tsv`: feed, code, place and what is
    /// wrong, texts from outside as `plain` shows them.
    ///
    /// # Errors
    /// If it is no index, or cannot be written.
    pub fn keep(&self, compiled: &Compiled, plain: impl Fn(&str) -> String) -> Result<PathBuf, Error> {
        let digest = advisories::index::Index::open(&compiled.bytes)?.digest();
        let line = |(feed, problem): &(&str, Problem)| {
            format!("{feed}\t{}\t{}\t{}\n", problem.code, plain(&problem.place), plain(&problem.what))
        };
        let lines: String = compiled.problems.iter().map(line).collect();
        let path = self.set_index(&compiled.bytes, &digest)?;
        self.write(&self.problems(), lines.as_bytes())?;
        Ok(path)
    }

    /// Where what could not be read is listed.
    #[must_use]
    pub fn problems(&self) -> PathBuf {
        self.index_folder().join("problems.tsv")
    }

    /// The path of the current index.
    ///
    /// # Errors
    /// If there is none.
    pub fn current_index(&self) -> Result<PathBuf, Error> {
        let pointer = self.index_folder().join("current");
        let digest = std::fs::read_to_string(&pointer).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoIndex { path: self.root.clone() },
            _ => Error::file("read", &pointer)(error),
        })?;
        let digest: String = digest.trim().chars().filter(char::is_ascii_hexdigit).collect();
        Ok(self.index_folder().join(format!("{digest}.index")))
    }
}
