//! RPM's database in its three forms: SQLite, NDB and Berkeley DB; and the package headers inside.

mod berkeley;
mod header;
mod ndb;
mod sqlite;

use super::{Access, Document, Reader};
use crate::directory::Directory;
use crate::model::{Inventory, SourcePackage};
use ecow::EcoString;

/// The reader's entry in the list.
pub(super) const READER: Reader = Reader { id: "rpm", title: "RPM database", access: Access::Database(read) };

const MOST_BYTES: u64 = 1 << 30;
const FOLDERS: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm"];

/// A form of the database: file name, first bytes, blobs.
type Form = (&'static str, fn(&[u8]) -> bool, fn(&[u8], &[u8]) -> Result<Blobs, String>);

/// The package headers in a database.
#[derive(Default)]
struct Blobs {
    blobs: Vec<Vec<u8>>,
    /// The bytes of all of them.
    total: usize,
    /// What could not be read, in words.
    lost: Vec<String>,
}

impl Blobs {
    /// Takes in a blob. Every package has bytes of its own, so all together fit into a database of `limit` bytes.
    fn push(&mut self, blob: Vec<u8>, limit: usize) -> Result<(), String> {
        self.total += blob.len();
        if self.total > limit {
            return Err("packages share their bytes".to_owned());
        }
        self.blobs.push(blob);
        Ok(())
    }
}

const FORMS: &[Form] = &[
    ("rpmdb.sqlite", sqlite::is_database, |bytes, log| {
        sqlite::blobs(bytes, log).map(|blobs| Blobs { blobs, ..Blobs::default() })
    }),
    ("Packages.db", ndb::is_database, |bytes, _| ndb::blobs(bytes)),
    ("Packages", berkeley::is_database, |bytes, _| berkeley::blobs(bytes)),
];

fn read(root: &Directory, inventory: &mut Inventory) {
    for folder in FOLDERS {
        for (file, _, blobs) in FORMS {
            let path = format!("{folder}/{file}");
            match root.read(&path, MOST_BYTES) {
                Ok(Some(bytes)) => {
                    // What SQLite has not yet moved into the database lies in a log beside it.
                    let log = root.read(&format!("{path}-wal"), MOST_BYTES).unwrap_or_else(|error| {
                        inventory.unreadable(format!("{path}-wal"), error);
                        None
                    });
                    let log = log.unwrap_or_default();
                    match blobs(&bytes, &log) {
                        Ok(blobs) => read_blobs(&path, blobs, inventory),
                        Err(what) => inventory.unreadable(path, what),
                    }
                    return;
                }
                Ok(None) => {}
                Err(error) => inventory.unreadable(path, error),
            }
        }
    }
}

/// Says whether bytes are a database in one of the forms.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    FORMS.iter().any(|(_, is_database, _)| is_database(bytes))
}

/// Reads a database given as a file of its own, with the log beside it; `false` if it is none.
pub(super) fn read_file(document: &Document<'_>, log: &[u8], inventory: &mut Inventory) -> bool {
    let Some((_, _, blobs)) = FORMS.iter().find(|(_, is_database, _)| is_database(document.bytes)) else {
        return false;
    };
    match blobs(document.bytes, log) {
        Ok(blobs) => read_blobs(document.name, blobs, inventory),
        Err(what) => inventory.unreadable(document.name, what),
    }
    true
}

fn read_blobs(path: &str, Blobs { blobs, lost, .. }: Blobs, inventory: &mut Inventory) {
    lost.into_iter().for_each(|what| inventory.unreadable(path, what));
    let ecosystem = inventory.os.as_ref().map(|os| os.ecosystem_of(crate::PackageType::Rpm)).unwrap_or_default();
    for (at, blob) in blobs.iter().enumerate() {
        match header::package(blob, &ecosystem, path) {
            Ok(package) => inventory.packages.push(package),
            Err(what) => inventory.unreadable(format!("{path} package {}", at + 1), what),
        }
    }
}

/// `curl-7.88.1-3.el9.src.rpm` → name and version.
#[must_use]
pub fn source_of_rpm(file: &str) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".rpm")?;
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc")).unwrap_or(stem);
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(SourcePackage { name: name.into(), version: ecow::eco_format!("{version}-{release}") })
}

/// `nodejs:18:8080020230718:63b34585:x86_64` → `nodejs:18`.
pub(crate) fn stream_of(label: &str) -> EcoString {
    label.match_indices(':').nth(1).map_or(label, |(at, _)| &label[..at]).into()
}

/// Little- or big-endian number at a place.
fn number(bytes: &[u8], at: usize, is_big_endian: bool) -> Result<u32, String> {
    let part = bytes.get(at..at + 4).and_then(|part| <[u8; 4]>::try_from(part).ok());
    let part = part.ok_or_else(|| format!("the database ends before byte {at}"))?;
    Ok(if is_big_endian { u32::from_be_bytes(part) } else { u32::from_le_bytes(part) })
}

/// Two bytes, as above.
fn short(bytes: &[u8], at: usize, is_big_endian: bool) -> Result<u16, String> {
    let part = bytes.get(at..at + 2).and_then(|part| <[u8; 2]>::try_from(part).ok());
    let part = part.ok_or_else(|| format!("the database ends before byte {at}"))?;
    Ok(if is_big_endian { u16::from_be_bytes(part) } else { u16::from_le_bytes(part) })
}
