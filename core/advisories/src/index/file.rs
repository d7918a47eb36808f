//! The file as it is written: header, sections, tables of records.

use super::{FORMAT, HEADER_BYTES, MAGIC, SECTIONS, Section};

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

    /// Fills in the header.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let digest = blake3::hash(&self.bytes[HEADER_BYTES..]);
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&(SECTIONS as u32).to_le_bytes());
        header.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
        header.extend_from_slice(digest.as_bytes());
        for (start, length) in self.places {
            header.extend_from_slice(&start.to_le_bytes());
            header.extend_from_slice(&length.to_le_bytes());
        }
        header.resize(HEADER_BYTES - 32, 0);
        let header_digest = blake3::hash(&header);
        header.extend_from_slice(header_digest.as_bytes());
        self.bytes[..HEADER_BYTES].copy_from_slice(&header);
        self.bytes
    }
}
