//! The file as it is written: header, sections, tables of records.

use super::{BLOCK_BYTES, FORMAT, HEADER_BYTES, MAGIC, SECTIONS, Section, hash};

/// Where the header holds the places of the sections.
pub(super) const PLACES: usize = 64;
const CHECKS_PLACE: usize = PLACES + Section::Checks as usize * 16;

/// A table of records in the order of their keys: how many, where each begins, the records.
pub(super) fn table<T>(
    out: &mut Vec<u8>,
    count: usize,
    records: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.extend_from_slice(&(count as u32).to_le_bytes());
    let offsets = out.len();
    out.resize(offsets + count * 4, 0);
    let start = out.len();
    for (place, record) in records.enumerate().take(count) {
        let offset = (out.len() - start) as u32;
        out[offsets + place * 4..offsets + place * 4 + 4].copy_from_slice(&offset.to_le_bytes());
        write(out, record);
    }
}

/// The slots by which a table's records are found: place + 1 and the upper half of the key's hash.
pub(super) fn slots<'k>(out: &mut Vec<u8>, count: usize, keys: impl Iterator<Item = &'k str>) {
    // At most half full, so that a search ends after a few steps.
    let size = (count * 2).next_power_of_two();
    let mut slots = vec![(0_u32, 0_u32); size];
    for (key, place) in keys.zip(1..) {
        let hash = hash(key.as_bytes());
        let mut slot = hash as usize & (size - 1);
        while slots[slot].0 != 0 {
            slot = (slot + 1) & (size - 1);
        }
        slots[slot] = (place, (hash >> 32) as u32);
    }
    for (place, fingerprint) in slots {
        out.extend_from_slice(&place.to_le_bytes());
        out.extend_from_slice(&fingerprint.to_le_bytes());
    }
}

/// The file as it grows: room for the header, then section after section.
pub(super) struct File {
    bytes: Vec<u8>,
    places: [(u64, u64); SECTIONS],
}

impl File {
    /// An empty file.
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; HEADER_BYTES], places: [(0, 0); SECTIONS] }
    }

    /// Writes a section.
    pub(super) fn section(&mut self, section: Section, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.places[section as usize] = (start as u64, (self.bytes.len() - start) as u64);
    }

    /// Adds the checksums and fills in the header.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK_BYTES), 0);
        let checks = vec![0; (self.bytes.len() - HEADER_BYTES) / BLOCK_BYTES * 8];
        self.section(Section::Checks, |out| out.extend_from_slice(&checks));
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&(SECTIONS as u32).to_le_bytes());
        header.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
        header.extend_from_slice(&[0; 40]);
        for (start, length) in self.places {
            header.extend_from_slice(&start.to_le_bytes());
            header.extend_from_slice(&length.to_le_bytes());
        }
        self.bytes[..header.len()].copy_from_slice(&header);
        seal(&mut self.bytes);
        self.bytes
    }
}

/// Writes the checksums and digests of a file whose sections are in place. For tests, which make well-sealed files of
/// damaged content: bytes that are no index stay as they are.
pub fn seal(bytes: &mut [u8]) {
    let number = |at: usize| bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map(u64::from_le_bytes);
    let (Some(start), Some(length)) = (number(CHECKS_PLACE), number(CHECKS_PLACE + 8)) else { return };
    let Some((body, checks)) = usize::try_from(start).ok().and_then(|start| bytes.split_at_mut_checked(start)) else {
        return;
    };
    let blocks = body.get(HEADER_BYTES..).unwrap_or_default().chunks_exact(BLOCK_BYTES);
    for (check, block) in checks.chunks_exact_mut(8).take(length as usize / 8).zip(blocks) {
        check.copy_from_slice(&hash(block).to_le_bytes());
    }
    let check = hash(checks.get(..length as usize).unwrap_or_default());
    if bytes.len() < HEADER_BYTES {
        return;
    }
    let (header, body) = bytes.split_at_mut(HEADER_BYTES);
    header[24..56].copy_from_slice(blake3::hash(body).as_bytes());
    header[56..64].copy_from_slice(&check.to_le_bytes());
    let (head, digest) = header.split_at_mut(HEADER_BYTES - 32);
    digest.copy_from_slice(blake3::hash(head).as_bytes());
}
