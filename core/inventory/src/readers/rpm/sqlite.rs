//! SQLite files (`rpmdb.sqlite`), read only and only as far as RPM's one table needs: <https://sqlite.org/fileformat2.html>.
//!
//! Pure Rust over bytes, so that a hostile image meets no C code; the log beside the database is taken into account.

use super::{number, short};
use std::collections::{HashMap, HashSet};

/// Says whether bytes are an SQLite database.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SQLite format 3\0")
}

/// The blobs of the table `Packages`, in the order of their row ids.
pub(super) fn blobs(bytes: &[u8], log: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let file = File::open(bytes, log)?;
    let mut root = None;
    file.rows(1, &mut Visited::default(), &mut |columns| {
        if let [Value::Text(kind), Value::Text(name), _, Value::Number(page), ..] = columns
            && kind == "table"
            && name == "Packages"
        {
            root = usize::try_from(*page).ok();
        }
    })?;
    let root = root.ok_or("the database has no table `Packages`")?;
    let mut blobs = Vec::new();
    file.rows(root, &mut Visited::default(), &mut |columns| {
        if let Some(Value::Blob(blob)) = columns.iter_mut().find(|value| matches!(value, Value::Blob(_))) {
            blobs.push(std::mem::take(blob));
        }
    })?;
    Ok(blobs)
}

enum Value {
    Null,
    Number(i64),
    Text(String),
    Blob(Vec<u8>),
}

struct File<'a> {
    bytes: &'a [u8],
    page_bytes: usize,
    usable_bytes: usize,
    /// Pages whose newest committed content lies in the log.
    newer: HashMap<usize, &'a [u8]>,
}

const MOST_LEVELS: usize = 20;

/// What was read of a table: no page belongs to it twice, and no byte.
#[derive(Default)]
struct Visited {
    pages: HashSet<usize>,
    level: usize,
    bytes: usize,
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8], log: &'a [u8]) -> Result<Self, String> {
        if !is_database(bytes) {
            return Err("this is no SQLite database".to_owned());
        }
        let page_bytes = match short(bytes, 16, true)? {
            1 => 65_536,
            size => size as usize,
        };
        if page_bytes < 512 || !page_bytes.is_power_of_two() {
            return Err(format!("the database has pages of {page_bytes} bytes"));
        }
        let reserved = usize::from(*bytes.get(20).ok_or("the database is cut off")?);
        let newer = committed_pages(log, page_bytes);
        Ok(Self { bytes, page_bytes, usable_bytes: page_bytes.saturating_sub(reserved), newer })
    }

    fn page(&self, number: usize) -> Result<&'a [u8], String> {
        if let Some(page) = self.newer.get(&number) {
            return Ok(page);
        }
        let start = number.checked_sub(1).ok_or("page 0 was asked for")?.saturating_mul(self.page_bytes);
        self.bytes
            .get(start..start.saturating_add(self.page_bytes))
            .ok_or_else(|| format!("page {number} lies beyond the end"))
    }

    /// The bytes of all pages.
    fn size(&self) -> usize {
        self.bytes.len().saturating_add(self.newer.len() * self.page_bytes)
    }

    /// Gives every row of a table's tree to `visit`.
    fn rows(
        &self,
        number_of_page: usize,
        visited: &mut Visited,
        visit: &mut dyn FnMut(&mut [Value]),
    ) -> Result<(), String> {
        if visited.level > MOST_LEVELS {
            return Err("the table's tree is too deep".to_owned());
        }
        if !visited.pages.insert(number_of_page) {
            return Err(format!("page {number_of_page} belongs to the table twice"));
        }
        visited.level += 1;
        let page = self.page(number_of_page)?;
        let start = if number_of_page == 1 { 100 } else { 0 };
        let kind = *page.get(start).ok_or("an empty page")?;
        if !matches!(kind, 5 | 13) {
            return Err(format!("page {number_of_page} is of kind {kind}, not of a table"));
        }
        let cells = short(page, start + 3, true)? as usize;
        let pointers = start + if kind == 5 { 12 } else { 8 };
        for cell in 0..cells {
            let at = short(page, pointers + cell * 2, true)? as usize;
            match kind {
                5 => self.rows(number(page, at, true)? as usize, visited, visit)?,
                13 => {
                    let payload = self.payload(page, at)?;
                    visited.bytes += payload.len();
                    if visited.bytes > self.size() {
                        return Err("rows share their pages".to_owned());
                    }
                    visit(&mut columns(&payload)?);
                }
                other => return Err(format!("page {number_of_page} is of kind {other}, not of a table")),
            }
        }
        if kind == 5 {
            self.rows(number(page, start + 8, true)? as usize, visited, visit)?;
        }
        visited.level -= 1;
        Ok(())
    }

    /// A leaf cell's payload, with its overflow pages.
    fn payload(&self, page: &[u8], mut at: usize) -> Result<Vec<u8>, String> {
        let length = usize::try_from(varint(page, &mut at)?).map_err(|_| "a row's length")?;
        varint(page, &mut at)?;
        if length > self.size() {
            return Err(format!("a row claims {length} bytes"));
        }
        let (most, least) =
            (self.usable_bytes.saturating_sub(35), (self.usable_bytes.saturating_sub(12)) * 32 / 255 - 23);
        let local = if length <= most {
            length
        } else {
            let fitting = least + (length - least) % (self.usable_bytes - 4);
            if fitting <= most { fitting } else { least }
        };
        let mut payload = page.get(at..at + local).ok_or("a row lies beyond its page")?.to_vec();
        let mut next = if local < length { number(page, at + local, true)? as usize } else { 0 };
        // INVARIANT: each step adds bytes, so a circle of pages ends when the length is reached.
        while payload.len() < length {
            let page = self.page(next)?;
            let take = (length - payload.len()).min(self.usable_bytes - 4);
            payload.extend_from_slice(page.get(4..4 + take).ok_or("an overflow page is cut off")?);
            next = number(page, 0, true)? as usize;
        }
        Ok(payload)
    }
}

/// The newest committed content of each page in a write-ahead log (file format, section 4).
fn committed_pages(log: &[u8], page_bytes: usize) -> HashMap<usize, &[u8]> {
    let mut committed = HashMap::new();
    let mut waiting = Vec::new();
    let Some(header) = log.get(..32).filter(|header| matches!(header[..4], [0x37, 0x7f, 0x06, 0x82 | 0x83])) else {
        return committed;
    };
    for frame in log[32..].chunks_exact(24 + page_bytes) {
        // Frames of an earlier round carry other salts and end the log.
        if frame[8..16] != header[16..24] {
            break;
        }
        let Ok(page) = number(frame, 0, true) else { break };
        waiting.push((page as usize, &frame[24..]));
        if number(frame, 4, true).is_ok_and(|size| size != 0) {
            committed.extend(waiting.drain(..));
        }
    }
    committed
}

fn varint(bytes: &[u8], at: &mut usize) -> Result<u64, String> {
    let mut value = 0_u64;
    for step in 0..9 {
        let byte = *bytes.get(*at).ok_or("a number lies beyond its page")?;
        *at += 1;
        if step == 8 {
            return Ok(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Ok(value)
}

/// The columns of a record (file format, section 2.1).
fn columns(record: &[u8]) -> Result<Vec<Value>, String> {
    let mut at = 0;
    let head = usize::try_from(varint(record, &mut at)?).map_err(|_| "a record's head")?;
    let mut body = head;
    let mut values = Vec::new();
    while at < head {
        let kind = varint(record, &mut at)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return Err("a column of a reserved kind".to_owned()),
            kind => usize::try_from((kind - 12) / 2).map_err(|_| "a column's length")?,
        };
        let bytes =
            body.checked_add(length).and_then(|end| record.get(body..end)).ok_or("a column lies beyond its record")?;
        body += length;
        values.push(match kind {
            1..=6 => Value::Number(
                bytes.iter().fold(if bytes[0] >= 0x80 { -1 } else { 0 }, |value, byte| value << 8 | i64::from(*byte)),
            ),
            8 => Value::Number(0),
            9 => Value::Number(1),
            kind if kind >= 12 && kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            kind if kind >= 13 => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
            _ => Value::Null,
        });
    }
    Ok(values)
}
