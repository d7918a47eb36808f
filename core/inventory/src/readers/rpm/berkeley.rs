//! Berkeley DB hash files (`Packages`, until RHEL 8), read only. Source: Berkeley DB `dbinc/db_page.h`.

use super::{Blobs, number, short};

const HASH_MAGIC: u32 = 0x0006_1561;
const PAGE_FREE: u8 = 0;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_META: u8 = 8;
const PAGE_HASH: u8 = 13;
const ITEM_IN_PLACE: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;
/// Where the file's first page says how many entries there are.
const COUNT_AT: usize = 88;
const PAGE_HEADER: usize = 26;

/// Says whether bytes are a Berkeley DB hash file.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    matches!((number(bytes, 12, false), number(bytes, 12, true)), (Ok(HASH_MAGIC), _) | (_, Ok(HASH_MAGIC)))
}

/// The values of all entries that are package headers.
pub(super) fn blobs(bytes: &[u8]) -> Result<Blobs, String> {
    let is_big_endian = number(bytes, 12, true)? == HASH_MAGIC;
    let page_bytes = number(bytes, 20, is_big_endian)? as usize;
    let last_page = number(bytes, 32, is_big_endian)? as usize;
    if !(512..=65_536).contains(&page_bytes) || !page_bytes.is_power_of_two() {
        return Err(format!("the database has pages of {page_bytes} bytes"));
    }
    if bytes.len() < (last_page + 1).saturating_mul(page_bytes) {
        return Err(format!("the database is cut off: {} bytes for {} pages", bytes.len(), last_page + 1));
    }
    let file = File { bytes, page_bytes, is_big_endian };
    let (mut found, mut entries) = (Blobs::default(), 0);
    for number_of_page in 1..=last_page {
        let page = file.page(number_of_page)?;
        match page[25] {
            PAGE_HASH | PAGE_HASH_UNSORTED => entries += file.values(page, &mut found)?,
            PAGE_FREE | PAGE_OVERFLOW | PAGE_META => {}
            other => found.lost.push(format!("page {number_of_page} is of an unknown kind ({other})")),
        }
    }
    let expected = number(bytes, COUNT_AT, is_big_endian)? as usize;
    if entries < expected {
        found.lost.push(format!("the database says it has {expected} entries, and {entries} were found"));
    }
    Ok(found)
}

struct File<'a> {
    bytes: &'a [u8],
    page_bytes: usize,
    is_big_endian: bool,
}

impl<'a> File<'a> {
    fn page(&self, number: usize) -> Result<&'a [u8], String> {
        let start = number.saturating_mul(self.page_bytes);
        self.bytes
            .get(start..start.saturating_add(self.page_bytes))
            .ok_or_else(|| format!("page {number} lies beyond the end"))
    }

    /// Takes the values of a page's entries; answers with their number.
    fn values(&self, page: &[u8], found: &mut Blobs) -> Result<usize, String> {
        let items = short(page, 20, self.is_big_endian)? as usize;
        let offset_of = |item: usize| short(page, PAGE_HEADER + item * 2, self.is_big_endian).map(usize::from);
        // Keys and values in turn.
        for value in (1..items).step_by(2) {
            let offset = offset_of(value)?;
            let blob = match page.get(offset) {
                Some(&ITEM_OFF_PAGE) => {
                    let first = number(page, offset + 4, self.is_big_endian)?;
                    let length = number(page, offset + 8, self.is_big_endian)?;
                    self.overflow(first as usize, length as usize)?
                }
                // Items fill a page from its end, one before the other.
                Some(&ITEM_IN_PLACE) => page.get(offset + 1..offset_of(value - 1)?).unwrap_or_default().to_vec(),
                Some(other) => return Err(format!("an item is of an unknown kind ({other})")),
                None => return Err("an item lies beyond its page".to_owned()),
            };
            // The entry with key 0 holds the number of the last package.
            if blob.len() > 4 {
                found.push(blob, self.bytes.len())?;
            }
        }
        Ok(items / 2)
    }

    /// Follows a chain of overflow pages.
    fn overflow(&self, first: usize, length: usize) -> Result<Vec<u8>, String> {
        if length > self.bytes.len() {
            return Err(format!("an item claims {length} bytes"));
        }
        let mut blob = Vec::with_capacity(length);
        let mut next = first;
        // INVARIANT: each step adds bytes, so a circle of pages ends when the length is reached.
        while next != 0 && blob.len() < length {
            let page = self.page(next)?;
            let used = short(page, 22, self.is_big_endian)? as usize;
            let data = page.get(PAGE_HEADER..PAGE_HEADER + used).filter(|_| page[25] == PAGE_OVERFLOW && used > 0);
            blob.extend_from_slice(data.ok_or_else(|| format!("page {next} is no overflow page"))?);
            next = number(page, 16, self.is_big_endian)? as usize;
        }
        if blob.len() < length {
            return Err(format!("an item of {length} bytes ends after {}", blob.len()));
        }
        blob.truncate(length);
        Ok(blob)
    }
}
