//! RPM's own NDB form (`Packages.db`, SUSE): slots that point at blobs. Source: rpm `lib/backend/ndb/rpmpkg.c`.

use super::{Blobs, number};

const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;

/// Says whether bytes are such a database.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RpmP")
}

/// The header blobs in the order of their slots.
pub(super) fn blobs(bytes: &[u8]) -> Result<Blobs, String> {
    let pages = number(bytes, 12, false)? as usize;
    let slots = bytes.get(..pages.saturating_mul(PAGE_BYTES)).ok_or("the table of slots is cut off")?;
    let behind = bytes.get(slots.len()..).unwrap_or_default();
    if pages == 0 || behind.starts_with(b"Slot") {
        return Err(format!("the table of slots is longer than the {pages} pages that the header says"));
    }
    let mut found = Blobs::default();
    // The first two slots' room is the file's header. Every slot bears its mark, used or not.
    for (at, slot) in slots.chunks_exact(SLOT_BYTES).enumerate().skip(2) {
        if !slot.starts_with(b"Slot") {
            found.lost.push(format!("slot {at} is damaged"));
            continue;
        }
        let (package, offset) = (number(slot, 4, false)?, number(slot, 8, false)? as usize);
        match (package, offset) {
            (0, 0) => continue,
            (0, _) => {
                found.lost.push(format!("slot {at} points at a package without a number"));
                continue;
            }
            _ => {}
        }
        let start = offset.saturating_mul(BLOCK_BYTES);
        let head = bytes.get(start..start.saturating_add(16)).filter(|head| head.starts_with(b"BlbS"));
        let head = head.ok_or_else(|| format!("package {package} has no blob where its slot points"))?;
        let length = number(head, 12, false)? as usize;
        let blob = bytes.get(start + 16..(start + 16).saturating_add(length));
        let blob = blob.ok_or_else(|| format!("the blob of package {package} is cut off"))?;
        found.push(blob.to_vec(), bytes.len())?;
    }
    Ok(found)
}
