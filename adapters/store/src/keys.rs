//! The ledger's keys in the data directory: `keys/ledger.key` signs, `keys/ledger.pub` is the key that the ledger began with.

use crate::error::Error;
use crate::file::write_whole;
use ledger::{KeyKind, Signer, Verifier};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where the keys lie that signed before.
const RETIRED: &str = "retired";

/// The keys of a data directory.
#[derive(Debug, Clone)]
pub struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// The keys of a data directory, which need not be there yet.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self { folder: data.join("keys") }
    }

    /// The key that signs.
    ///
    /// # Errors
    /// If it is not there, or cannot be read.
    pub fn signer(&self) -> Result<Signer, Error> {
        let found = self.read("ledger.key")?;
        found.ok_or_else(|| Error::NoKey { folder: self.folder.display().to_string() })
    }

    /// All keys that may be the one that signs, the likeliest first: the one in its place, the one of a change that was begun, and
    /// those that signed before, which a backup of then goes on with.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn candidates(&self) -> Result<Vec<Signer>, Error> {
        let mut found = Vec::new();
        found.extend(self.read("ledger.key")?);
        found.extend(self.read("ledger.key.next")?);
        let mut retired: Vec<_> = fs::read_dir(self.folder.join(RETIRED)).into_iter().flatten().flatten().collect();
        retired.sort_by_key(|entry| std::cmp::Reverse(entry.metadata().and_then(|data| data.modified()).ok()));
        for entry in retired {
            found.extend(self.read(&format!("{RETIRED}/{}", entry.file_name().display()))?);
        }
        Ok(found)
    }

    fn read(&self, name: &str) -> Result<Option<Signer>, Error> {
        let path = self.folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Signer::parse(&text)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", &path)(error)),
        }
    }

    /// The public key that the ledger began with.
    ///
    /// # Errors
    /// If it is not there or cannot be read.
    pub fn first(&self) -> Result<Verifier, Error> {
        let path = self.folder.join("ledger.pub");
        let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        Ok(Verifier::parse(&text)?)
    }

    /// The keys of a new record: a pair under a name of its own, or the one that was put there for it. Of several programs that
    /// begin at once all get the same.
    ///
    /// # Errors
    /// If only the public half of a ledger's first key is there, or they cannot be written.
    pub fn found(&self) -> Result<Signer, Error> {
        let mut random = [0_u8; 36];
        fill(&mut random)?;
        let (name, seed) = random.split_at(4);
        let name = name.iter().fold("plimsoll/".to_owned(), |name, byte| name + &format!("{byte:02x}"));
        let seed: [u8; 32] = std::array::from_fn(|at| seed[at]);
        self.adopt(&Signer::from_seed(&name, KeyKind::Note, &seed)?)
    }

    /// Puts a key in an empty place: it signs, and the ledger begins with it. Where there is one already, that is the answer.
    ///
    /// # Errors
    /// If only the public half of a ledger's first key is there, or it cannot be written.
    pub fn adopt(&self, signer: &Signer) -> Result<Signer, Error> {
        let create = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        create(&self.folder).map_err(Error::file("create", &self.folder))?;
        let lock = self.folder.join(".lock");
        let locked = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock);
        let locked = locked.and_then(|file| file.lock().map(|()| file)).map_err(Error::file("lock", &lock))?;
        let has_public = self.folder.join("ledger.pub").exists();
        let signer = match self.read("ledger.key")? {
            Some(found) => found,
            // The ledger that it belongs to is signed by a key that somebody keeps elsewhere.
            None if has_public => return self.signer(),
            None => {
                self.write("ledger.key", &signer.secret_text())?;
                signer.clone()
            }
        };
        if !has_public {
            self.write("ledger.pub", &signer.verifier().to_string())?;
        }
        drop(locked);
        Ok(signer)
    }

    /// Keeps a key that is to sign as `keys/ledger.key.next`: a program that ends between the change in the ledger and
    /// [`Keys::replace`] must not take the new key with it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn prepare(&self, next: &Signer) -> Result<(), Error> {
        self.write("ledger.key.next", &next.secret_text())
    }

    /// Puts another key in the place of the one that signs, which is kept among those that signed before; the first one's public
    /// half stays.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn replace(&self, next: &Signer) -> Result<(), Error> {
        if let Some(old) = self.read("ledger.key")?.filter(|old| old.verifier() != next.verifier()) {
            let folder = self.folder.join(RETIRED);
            let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            created.map_err(Error::file("create", &folder))?;
            self.write(&format!("{RETIRED}/{:08x}.key", old.verifier().id()), &old.secret_text())?;
        }
        self.write("ledger.key", &next.secret_text())?;
        match fs::remove_file(self.folder.join("ledger.key.next")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file("remove", &self.folder.join("ledger.key.next"))(error))
            }
            _ => Ok(()),
        }
    }

    /// A new key under the name of the one that signs.
    ///
    /// # Errors
    /// If there is no randomness, or the name is none.
    pub fn next(&self, old: &Signer) -> Result<Signer, Error> {
        let mut seed = [0_u8; 32];
        fill(&mut seed)?;
        Ok(Signer::from_seed(&old.verifier().name, KeyKind::Note, &seed)?)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        write_whole(&path, &[text.as_bytes(), b"\n"]).map_err(Error::file("write", &path))
    }
}

pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::Damaged {
        place: "the system's source of random numbers".to_owned(),
        what: error.to_string(),
    })
}
