//! RPM's own NDB form (`Packages.db`, SUSE): slots that point at blobs. Source: rpm `lib/backend/ndb/rpmpkg.c`.

use super::number;

const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;

/// Says whether bytes are such a database.
pub(super) fn is_database(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RpmP")
}

/// The header blobs in the order of their slots.
pub(super) fn blobs(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let pages = number(bytes, 12, false)? as usize;
    let slots = bytes.get(..pages.saturating_mul(PAGE_BYTES)).ok_or("the table of slots is cut off")?;
    let (mut blobs, mut total) = (Vec::new(), 0);
    // The first two slots' room is the file's header.
    for slot in slots.chunks_exact(SLOT_BYTES).skip(2).filter(|slot| slot.starts_with(b"Slot")) {
        let (package, offset) = (number(slot, 4, false)?, number(slot, 8, false)? as usize);
        if package == 0 {
            continue;
        }
        let start = offset.saturating_mul(BLOCK_BYTES);
        let head = bytes.get(start..start.saturating_add(16)).filter(|head| head.starts_with(b"BlbS"));
        let head = head.ok_or_else(|| format!("package {package} has no blob where its slot points"))?;
        let length = number(head, 12, false)? as usize;
        let blob = bytes.get(start + 16..(start + 16).saturating_add(length));
        let blob = blob.ok_or_else(|| format!("the blob of package {package} is cut off"))?;
        // Every package has a blob of its own, so all together fit into the file.
        total += blob.len();
        if total > bytes.len() {
            return Err("packages share their blobs".to_owned());
        }
        blobs.push(blob.to_vec());
    }
    Ok(blobs)
}
