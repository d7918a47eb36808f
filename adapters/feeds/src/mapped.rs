//! An index file mapped into memory.

use crate::error::Error;
use crate::store::Store;
use advisories::index::Index;
use std::path::Path;

/// A mapped index file.
#[derive(Debug)]
pub struct MappedIndex {
    map: memmap2::Mmap,
}

impl MappedIndex {
    /// Maps a file; nothing of it is read yet.
    ///
    /// # Errors
    /// If it cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let kind = std::fs::metadata(path).map_err(Error::file("open", path))?;
        if !kind.is_file() {
            return Err(Error::file("open", path)(std::io::Error::other("it is no regular file")));
        }
        let file = std::fs::File::open(path).map_err(Error::file("open", path))?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe because others could change it")]
        // SAFETY: index files are written once under another name, moved into place and never changed; all reads of the
        // map are bounds-checked, so even a changed file can give wrong bytes only, which the reader takes as damage.
        let map = unsafe { memmap2::Mmap::map(&file) };
        Ok(Self { map: map.map_err(Error::file("map", path))? })
    }

    /// Maps the current index of a store; none if there is none.
    ///
    /// # Errors
    /// If it cannot be found, opened or mapped.
    pub fn current(store: &Store) -> Result<Option<Self>, Error> {
        let mut failure = None;
        // Another process may replace the index between the look at its name and the look at the file.
        for _ in 0..5 {
            let path = match store.current_index() {
                Ok(path) => path,
                Err(Error::NoIndex { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            match Self::open(&path) {
                Ok(map) => return Ok(Some(map)),
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// The index inside.
    ///
    /// # Errors
    /// If the file is no index, or a damaged one.
    pub fn index(&self) -> Result<Index<'_>, Error> {
        Ok(Index::open(&self.map)?)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}
