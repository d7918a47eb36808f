//! Backups: every table as of one instant in one file, for either database, with a digest over all of it.
//!
//! A file begins with [`MAGIC`]; then follows one zstd stream of the tables, each with its name and its rows, and at its end
//! the SHA-256 of all that came before. What was cut off or changed is refused.

use crate::database::{self, Database};
use crate::document;
use crate::error::{Doing, Error};
use crate::file::sync_folder_of;
use crate::log;
use crate::put;
use crate::replay::{Replayed, replay};
use crate::schema::SCHEMA;
use crate::tables::{self, Cell, DOCUMENTS, HEAD, Row, Table};
use ledger::{Report, Verifier};
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The first line of a backup: its kind and the version of its form, which is that of the schema.
const MAGIC: &[u8] = b"plimsoll backup ";
/// How hard backups are compressed: most of what is in them is compressed already.
const LEVEL: i32 = 1;
/// More bytes than any cell has.
const MOST_CELL_BYTES: u64 = 640 << 20;
/// How many rows are written in one go.
const PART: usize = 500;
/// About how many bytes of rows are written in one go.
const PART_BYTES: usize = 32 << 20;

/// What a backup holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// How many entries the ledger had.
    pub entries: u64,
    /// How many rows were written.
    pub rows: u64,
    /// The checkpoint at its end; empty before the first entry.
    pub checkpoint: String,
}

/// What a restored record was found to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// What was read.
    pub backup: BackedUp,
    /// The ledger, verified; none where it was empty.
    pub report: Option<Report>,
    /// The tables, compared with what follows from the ledger.
    pub replayed: Replayed,
    /// Whether it was put in its place.
    pub is_kept: bool,
}

impl Restored {
    /// Whether nothing in it is other than it was written.
    #[must_use]
    pub fn is_as_written(&self) -> bool {
        self.report.as_ref().is_none_or(|report| report.tampering.is_empty())
            && self.replayed.differences.is_empty()
            && self.replayed.stopped.is_none()
    }
}

/// Writes a backup of a record, as of one instant, while others go on to write.
///
/// `progress` is told how many rows were written.
///
/// # Errors
/// If the database or the writer fails.
pub async fn backup(
    (url, blobs): (&str, Option<&str>),
    out: impl Write,
    mut progress: impl FnMut(u64),
) -> Result<BackedUp, Error> {
    let database = Database::inspect(url, blobs).await?;
    let snapshot = database.snapshot().await?;
    let (entries, checkpoint) = log::head(&snapshot).await?;
    let version = database.version(&snapshot).await?;
    let mut writer = Writer::new(out, version)?;
    let mut rows = 0;
    for table in tables::kept(version) {
        writer.text(table.name)?;
        let mut cursor = database::Cursor::new(table);
        while let Some(part) = cursor.next(&snapshot).await? {
            for row in part {
                // A backup is whole by itself.
                let row = match table.name == DOCUMENTS.name {
                    true => document::fetched(row, &database.blobs).await?,
                    false => row,
                };
                writer.row(&row)?;
                rows += 1;
                progress(rows);
            }
        }
        writer.bytes(&[END])?;
    }
    snapshot.rollback().await.doing("end reading")?;
    writer.finish()?;
    Ok(BackedUp { entries, rows, checkpoint })
}

/// Puts a backup into an empty place: all of it or nothing, and nobody sees it before the ledger was verified and every table
/// compared with it. It is read into a file of its own first, beside the place or in the folder for temporary files.
///
/// # Errors
/// If something is in the place already, or the backup cannot be read. What is not as it was written is in the answer, and the
/// backup is put in place only if that is asked for all the same.
pub async fn restore(
    url: &str,
    input: impl Read,
    first_key: &Verifier,
    even_if_damaged: bool,
    progress: impl FnMut(u64),
) -> Result<Restored, Error> {
    let target = match is_file(url) {
        true if Path::new(url).exists() => return Err(Error::Occupied),
        true => None,
        false => Some(Database::open(url, None).await?),
    };
    if let Some(target) = &target
        && log::head(&target.readers).await?.0 > 0
    {
        return Err(Error::Occupied);
    }
    let staging = Staging::new(url)?;
    let staged = Database::open(&staging.file, None).await?;
    let mut restored = read_into(&staged, input, first_key, progress).await?;
    if restored.is_as_written() || even_if_damaged {
        if let Some(target) = target {
            copy(&staged, &target).await?;
        }
        staged.close().await?;
        if is_file(url) {
            staging.put(Path::new(url))?;
        }
        restored.is_kept = true;
    }
    Ok(restored)
}

fn is_file(url: &str) -> bool {
    !url.contains("://")
}

/// A database in a file that is gone when it is not needed any more, in a folder that nobody else has made or may look into.
struct Staging {
    folder: PathBuf,
    file: String,
}

impl Staging {
    fn new(url: &str) -> Result<Self, Error> {
        let mut random = [0_u8; 16];
        crate::keys::fill(&mut random)?;
        let random = random.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let beside = match is_file(url) {
            true => PathBuf::from(format!("{url}.restoring-{random}")),
            false => std::env::temp_dir().join(format!("plimsoll.restoring-{random}")),
        };
        // A folder that is there already is somebody else's.
        std::fs::DirBuilder::new().mode(0o700).create(&beside).map_err(Error::file("create", &beside))?;
        let file = beside.join("record.sqlite").display().to_string();
        Ok(Self { folder: beside, file })
    }

    /// Puts it in a place where nothing is.
    fn put(&self, place: &Path) -> Result<(), Error> {
        match std::fs::hard_link(&self.file, place) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(Error::Occupied),
            linked => linked.map_err(Error::file("create", place))?,
        }
        sync_folder_of(place).map_err(Error::file("write", place))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn read_into(
    staged: &Database,
    input: impl Read,
    first_key: &Verifier,
    mut progress: impl FnMut(u64),
) -> Result<Restored, Error> {
    let mut reader = Reader::new(input)?;
    let transaction = staged.begin().await?;
    let mut rows = 0;
    for table in tables::kept(reader.version) {
        let name = reader.text()?;
        if name != table.name {
            return Err(damaged(format!("it has the table `{name}` where `{}` belongs", table.name)));
        }
        let (mut part, mut bytes) = (Vec::with_capacity(PART), 0);
        while let Some(row) = reader.row(table)? {
            bytes += row.iter().map(Cell::size).sum::<usize>();
            part.push(row);
            rows += 1;
            if part.len() == PART || bytes > PART_BYTES {
                put_rows(&transaction, table, std::mem::take(&mut part)).await?;
                bytes = 0;
                progress(rows);
            }
        }
        put_rows(&transaction, table, part).await?;
    }
    let version = reader.version;
    reader.finish()?;
    for version in version + 1..=SCHEMA {
        crate::schema::bring_up(&transaction, version).await?;
    }
    transaction.commit().await.doing("commit")?;
    let (entries, checkpoint) = log::head(&staged.readers).await?;
    let report = match entries {
        0 => None,
        _ => Some(crate::store::verify(staged, first_key, Vec::new(), |_| {}).await?),
    };
    let replayed = replay(staged, None, |_| {}).await?.0;
    Ok(Restored { backup: BackedUp { entries, rows, checkpoint }, report, replayed, is_kept: false })
}

/// Copies every table into an empty database, in one transaction.
async fn copy(from: &Database, to: &Database) -> Result<(), Error> {
    let transaction = to.begin_alone().await?;
    if log::head(&transaction).await?.0 > 0 {
        return Err(Error::Occupied);
    }
    for table in tables::kept(SCHEMA) {
        let mut cursor = database::Cursor::new(table);
        while let Some(rows) = cursor.next(&from.readers).await? {
            put_rows(&transaction, table, rows).await?;
        }
    }
    transaction.commit().await.doing("commit")
}

async fn put_rows(on: &impl ConnectionTrait, table: &Table, rows: Vec<Row>) -> Result<(), Error> {
    match table.name {
        // Its one row is there from the beginning.
        name if name == HEAD.name => put::upsert(on, table, rows).await,
        _ => put::insert(on, table, rows).await,
    }
}

fn damaged(what: String) -> Error {
    Error::Damaged { place: "the backup".to_owned(), what }
}

const END: u8 = 0;
const ROW: u8 = 1;
const INTEGER: u8 = 2;
const TEXT: u8 = 3;
const BYTES: u8 = 4;

/// Writes cells, and hashes what is written.
struct Writer<W: Write> {
    out: zstd::stream::write::Encoder<'static, W>,
    hash: Sha256,
}

impl<W: Write> Writer<W> {
    fn new(mut out: W, version: i64) -> Result<Self, Error> {
        let head = [MAGIC, format!("{version}\n").as_bytes()].concat();
        out.write_all(&head).map_err(wrote)?;
        let out = zstd::stream::write::Encoder::new(out, LEVEL).map_err(wrote)?;
        Ok(Self { out, hash: Sha256::new_with_prefix(head) })
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(wrote)
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.bytes(&(text.len() as u64).to_le_bytes())?;
        self.bytes(text.as_bytes())
    }

    fn row(&mut self, row: &Row) -> Result<(), Error> {
        self.bytes(&[ROW])?;
        for cell in row {
            let (tag, bytes) = match cell {
                Cell::Integer(number) => {
                    self.bytes(&[INTEGER])?;
                    self.bytes(&number.to_le_bytes())?;
                    continue;
                }
                Cell::Text(text) => (TEXT, text.as_bytes()),
                Cell::Bytes(bytes) => (BYTES, bytes.as_slice()),
            };
            self.bytes(&[tag])?;
            self.bytes(&(bytes.len() as u64).to_le_bytes())?;
            self.bytes(bytes)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Error> {
        let digest = self.hash.finalize();
        self.out.write_all(&digest).map_err(wrote)?;
        self.out.finish().and_then(|mut out| out.flush()).map_err(wrote)
    }
}

fn wrote(source: std::io::Error) -> Error {
    Error::File { act: "write", path: "the backup".to_owned(), source }
}

/// Reads cells, and hashes what is read.
struct Reader<R: Read> {
    input: zstd::stream::read::Decoder<'static, std::io::BufReader<R>>,
    hash: Sha256,
    /// The version of the schema whose tables it has.
    version: i64,
}

impl<R: Read> Reader<R> {
    fn new(mut input: R) -> Result<Self, Error> {
        // The version is one digit, until there are ten.
        let mut head = vec![0; MAGIC.len() + 2];
        input.read_exact(&mut head).map_err(|_| damaged("it is no backup".to_owned()))?;
        let version = head.strip_prefix(MAGIC).and_then(|rest| match rest {
            [digit @ b'1'..=b'9', b'\n'] => Some(i64::from(digit - b'0')),
            _ => None,
        });
        let version = version.filter(|version| *version <= SCHEMA);
        let version = version.ok_or_else(|| damaged("it is no backup of a form that is known".to_owned()))?;
        let input = zstd::stream::read::Decoder::new(input).map_err(|error| damaged(error.to_string()))?;
        Ok(Self { input, hash: Sha256::new_with_prefix(&head), version })
    }

    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Error> {
        if length > MOST_CELL_BYTES {
            return Err(damaged("a value in it is larger than 640 MiB".to_owned()));
        }
        let mut bytes = Vec::new();
        let mut limited = Read::take(&mut self.input, length);
        limited.read_to_end(&mut bytes).map_err(|error| damaged(error.to_string()))?;
        if bytes.len() as u64 != length {
            return Err(damaged("it ends too early".to_owned()));
        }
        self.hash.update(&bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> Result<[u8; 8], Error> {
        let bytes = self.bytes(8)?;
        bytes.try_into().map_err(|_| damaged("it ends too early".to_owned()))
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.bytes(1)?.first().copied().unwrap_or(END))
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = u64::from_le_bytes(self.number()?);
        String::from_utf8(self.bytes(length)?).map_err(|_| damaged("a text in it is not UTF-8".to_owned()))
    }

    /// The next row; none at the table's end.
    fn row(&mut self, table: &Table) -> Result<Option<Row>, Error> {
        match self.byte()? {
            END => return Ok(None),
            ROW => {}
            _ => return Err(damaged(format!("a row of `{}` does not begin as one", table.name))),
        }
        let mut row = Row::with_capacity(table.columns.len());
        for (name, kind) in table.columns {
            let cell = match (self.byte()?, kind) {
                (INTEGER, tables::Kind::Integer) => Cell::Integer(i64::from_le_bytes(self.number()?)),
                (TEXT, tables::Kind::Text) => Cell::Text(self.text()?),
                (BYTES, tables::Kind::Bytes) => {
                    let length = u64::from_le_bytes(self.number()?);
                    Cell::Bytes(self.bytes(length)?)
                }
                _ => return Err(damaged(format!("`{}`.`{name}` has a value of another kind", table.name))),
            };
            row.push(cell);
        }
        Ok(Some(row))
    }

    fn finish(mut self) -> Result<(), Error> {
        let digest = self.hash.clone().finalize();
        if self.bytes(digest.len() as u64)? != digest.as_slice() {
            return Err(damaged("its bytes are not those that were written".to_owned()));
        }
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(()),
            _ => Err(damaged("something stands behind its end".to_owned())),
        }
    }
}
