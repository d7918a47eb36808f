//! The ledger's keys in the data directory: `keys/ledger.key` signs, `keys/ledger.pub` is the key that the ledger began with.

use crate::error::Error;
use ledger::{KeyKind, Signer, Verifier};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

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

    /// The key that signs; a new one under a name of its own if there is none.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn signer(&self) -> Result<Signer, Error> {
        let path = self.folder.join("ledger.key");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Signer::parse(&text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.create(),
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

    fn create(&self) -> Result<Signer, Error> {
        let mut random = [0_u8; 36];
        getrandom::fill(&mut random).map_err(|error| Error::Damaged {
            place: "the system's source of random numbers".to_owned(),
            what: error.to_string(),
        })?;
        let (name, seed) = random.split_at(4);
        let name = name.iter().fold("plimsoll/".to_owned(), |name, byte| name + &format!("{byte:02x}"));
        let seed: [u8; 32] = std::array::from_fn(|at| seed[at]);
        self.adopt(&Signer::from_seed(&name, KeyKind::Note, &seed)?)
    }

    /// Puts a key in an empty place: it signs, and the ledger begins with it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn adopt(&self, signer: &Signer) -> Result<Signer, Error> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(Error::file("create", &self.folder))?;
        // The public half first: where the secret is, the other is too.
        self.write("ledger.pub", &signer.verifier().to_string())?;
        self.write("ledger.key", &signer.secret_text())?;
        Ok(signer.clone())
    }

    /// Keeps a key that is to sign as `keys/ledger.key.next`: a program that ends between the change in the ledger and
    /// [`Keys::replace`] must not take the new key with it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn prepare(&self, next: &Signer) -> Result<(), Error> {
        self.write("ledger.key.next", &next.secret_text())
    }

    /// The key of a change that was begun; none if there is none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn prepared(&self) -> Result<Option<Signer>, Error> {
        let path = self.folder.join("ledger.key.next");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Signer::parse(&text)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("read", &path)(error)),
        }
    }

    /// Puts another key in the place of the one that signs; the first one's public half stays.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn replace(&self, next: &Signer) -> Result<(), Error> {
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
        getrandom::fill(&mut seed).map_err(|error| Error::Damaged {
            place: "the system's source of random numbers".to_owned(),
            what: error.to_string(),
        })?;
        Ok(Signer::from_seed(&old.verifier().name, KeyKind::Note, &seed)?)
    }

    /// Writes a file whole, or not at all.
    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let (path, beside) = (self.folder.join(name), self.folder.join(format!("{name}.new")));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            writeln!(file, "{text}")?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(Error::file("write", &path))
    }
}
