//! Berkeley DB hash files (`Packages`, until RHEL 8), read only. Source: Berkeley DB `dbinc/db_page.h`.

use super::{number, short};

const HASH_MAGIC: u32 = 0x0006_1561;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH: u8 = 13;
const ITEM_OFF_PAGE: u8 = 3;
const PAGE_HEADER: usize = 26;

/// Says whether bytes are a Berkeley DB hash file.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    matches!((number(bytes, 12, false), number(bytes, 12, true)), (Ok(HASH_MAGIC), _) | (_, Ok(HASH_MAGIC)))
}

/// The values of all entries that are stored on pages of their own, as package headers are.
pub(super) fn blobs(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
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
    let (mut blobs, mut total) = (Vec::new(), 0);
    for page in 1..=last_page {
        let page = file.page(page)?;
        if !matches!(page[25], PAGE_HASH | PAGE_HASH_UNSORTED) {
            continue;
        }
        let entries = short(page, 20, is_big_endian)? as usize;
        // Keys and values in turn.
        for value in (1..entries).step_by(2) {
            let offset = short(page, PAGE_HEADER + value * 2, is_big_endian)? as usize;
            match page.get(offset) {
                Some(&ITEM_OFF_PAGE) => {
                    let (first, length) =
                        (number(page, offset + 4, is_big_endian)?, number(page, offset + 8, is_big_endian)?);
                    let blob = file.overflow(first as usize, length as usize)?;
                    // Every item has pages of its own, so all together fit into the file.
                    total += blob.len();
                    if total > bytes.len() {
                        return Err("items share their pages".to_owned());
                    }
                    blobs.push(blob);
                }
                // The entry with key 0 holds the number of the last package, in place.
                Some(_) => {}
                None => return Err("an item lies beyond its page".to_owned()),
            }
        }
    }
    Ok(blobs)
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
