//! Searching in programs that may be large: a piece at a time, and never the whole in memory.

use crate::unpack::read_up_to;
use memchr::memmem::Finder;
use std::fs::File;
use std::io::{Result, Seek, SeekFrom};

/// Bytes that are read from any place on.
pub(super) trait Bytes {
    /// Fills as much of the room as there is from a place on; says how much that was.
    fn read_at(&self, place: u64, room: &mut [u8]) -> Result<usize>;
}

impl Bytes for [u8] {
    fn read_at(&self, place: u64, room: &mut [u8]) -> Result<usize> {
        let rest = usize::try_from(place).ok().and_then(|place| self.get(place..)).unwrap_or_default();
        let count = rest.len().min(room.len());
        room[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl Bytes for File {
    fn read_at(&self, place: u64, room: &mut [u8]) -> Result<usize> {
        let mut file = self;
        file.seek(SeekFrom::Start(place))?;
        read_up_to(file, room)
    }
}

/// The bytes that are searched at a time.
const PIECE: usize = 256 * 1024;

/// Calls `each` with the place of every one of some texts, in their order as far as the texts are of one length; until it wants no more.
pub(super) fn each_place(
    bytes: &(impl Bytes + ?Sized),
    texts: &[&[u8]],
    mut each: impl FnMut(usize, u64) -> bool,
) -> Result<()> {
    let finders: Vec<Finder<'_>> = texts.iter().map(Finder::new).collect();
    let longest = texts.iter().map(|text| text.len()).max().unwrap_or(1);
    let mut room = vec![0; PIECE + longest];
    let mut place = 0;
    loop {
        let read = bytes.read_at(place, &mut room)?;
        let is_last = read < room.len();
        for (number, finder) in finders.iter().enumerate() {
            // What begins behind the piece is found with the next one.
            let here = finder.find_iter(&room[..read]).take_while(|at| *at < PIECE || is_last);
            for at in here {
                if !each(number, place + at as u64) {
                    return Ok(());
                }
            }
        }
        if is_last {
            return Ok(());
        }
        place += PIECE as u64;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_lies_across_two_pieces_is_found_once() {
        for at in [0, 1, PIECE - 20, PIECE - 3, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 2, 3 * PIECE - 4] {
            let mut bytes = vec![b'.'; 3 * PIECE];
            bytes[at..at + 4].copy_from_slice(b"mark");
            let mut found = Vec::new();
            let all = each_place(bytes.as_slice(), &[b"mark", b"a longer text"], |text, place| {
                found.push((text, place));
                true
            });
            all.expect("read");
            assert_eq!(found, [(0, at as u64)]);
        }
    }
}
