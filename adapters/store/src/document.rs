//! Documents: what entries name by digest, kept beside the ledger.

use crate::blobs::Blobs;
use crate::error::Error;
use crate::tables::{Cell, Row};

/// How hard documents are compressed.
const LEVEL: i32 = 3;
/// More bytes than any document has; either database can hold them in one value, however badly they are compressed.
const MOST_BYTES: usize = 512 << 20;

/// Says no to a document that could not be kept, or not be read again.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    match bytes.len() {
        0..=MOST_BYTES => Ok(()),
        size => Err(Error::Plan(format!("a document has {size} bytes, more than the {MOST_BYTES} that can be kept"))),
    }
}

/// The row of a document.
pub(crate) fn row(digest: &str, bytes: &[u8]) -> Result<Row, Error> {
    let packed = zstd::bulk::compress(bytes, LEVEL).map_err(|source| failed(digest, &source))?;
    Ok(vec![Cell::from(digest), Cell::Bytes(packed)])
}

/// A row with its bytes, where those lie among the blobs.
pub(crate) async fn fetched(mut row: Row, blobs: &Blobs) -> Result<Row, Error> {
    // Nothing that is compressed is empty.
    if row[1].bytes().is_empty() {
        row[1] = Cell::Bytes(blobs.get(row[0].text()).await?);
    }
    Ok(row)
}

/// Puts a row's bytes among the blobs: it is without them then.
pub(crate) async fn set_apart(row: &mut Row, blobs: &Blobs) -> Result<(), Error> {
    let packed = std::mem::replace(&mut row[1], Cell::Bytes(Vec::new()));
    blobs.put(row[0].text(), packed.bytes()).await
}

/// The document in a row, held against its digest.
pub(crate) fn unpack(row: &Row) -> Result<Vec<u8>, Error> {
    let name = row[0].text();
    let bytes = unpack_unchecked(row)?;
    match ledger::digest(&bytes) == name {
        true => Ok(bytes),
        false => Err(damaged(name, "its bytes are not those of its digest".to_owned())),
    }
}

fn unpack_unchecked(row: &Row) -> Result<Vec<u8>, Error> {
    let name = row[0].text();
    let mut decoder = zstd::stream::read::Decoder::new(row[1].bytes()).map_err(|source| failed(name, &source))?;
    let mut bytes = Vec::new();
    let mut limited = std::io::Read::take(&mut decoder, MOST_BYTES as u64 + 1);
    std::io::Read::read_to_end(&mut limited, &mut bytes).map_err(|source| failed(name, &source))?;
    if bytes.len() > MOST_BYTES {
        return Err(damaged(name, format!("it has more than {MOST_BYTES} bytes")));
    }
    Ok(bytes)
}

fn failed(digest: &str, source: &std::io::Error) -> Error {
    damaged(digest, source.to_string())
}

fn damaged(digest: &str, what: String) -> Error {
    Error::Damaged { place: format!("document `{digest}`"), what }
}
