//! Documents inside files: compressed, archived, or both; unpacked up to a limit and never to disk.

use crate::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The most bytes that one document may unpack to.
const MOST_BYTES: u64 = 2 << 30;
/// The most bytes that a whole file may unpack to: so many times its size, and at least [`MOST_BYTES`]. Feeds reach 50.
const MOST_TIMES: u64 = 200;
/// The most bytes of a document that recognising it takes.
const HEAD_BYTES: u64 = 1 << 20;
/// The most layers of compression and archiving in one another.
const MOST_LEVELS: usize = 4;
/// Documents of one record a line are given out in parts of about this size.
const PART_BYTES: usize = 1 << 20;

/// Takes the documents of a file in their order; what it answers decides whether the walk goes on.
pub trait Visitor {
    /// A document, or a part of one that was cut at a line's end. Returns `false` to stop.
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool;
    /// Whether documents of this name may be given out in parts.
    fn may_split(&self, name: &str) -> bool;
    /// Whether the beginning of each document is enough.
    fn wants_heads_only(&self) -> bool {
        false
    }
    /// Something that could not be read.
    fn problem(&mut self, place: &str, what: &str);
}

/// A walk through one file: who takes its documents, and how many bytes may still come out of it.
struct Walk<'v> {
    visitor: &'v mut dyn Visitor,
    left: u64,
}

impl Walk<'_> {
    fn problem(&mut self, place: &str, what: &str) {
        self.visitor.problem(place, what);
    }

    /// Reads a document to its end, or its head; `None` and a problem if that fails or gives too much.
    fn read(&mut self, reader: &mut dyn Read, place: &str) -> Option<Vec<u8>> {
        let heads_only = self.visitor.wants_heads_only();
        let most = if heads_only { HEAD_BYTES } else { MOST_BYTES.min(self.left) };
        let mut bytes = Vec::new();
        let read = reader.take(if heads_only { most } else { most + 1 }).read_to_end(&mut bytes);
        let length = bytes.len() as u64;
        match read {
            // What cannot be unpacked to its end may still show what it is.
            Err(_) if heads_only && !bytes.is_empty() => Some(bytes),
            Err(error) => {
                self.problem(place, &format!("it cannot be unpacked: {error}"));
                None
            }
            Ok(_) if length > most && most == MOST_BYTES => {
                self.problem(place, "it unpacks to more than 2 GiB; it was not read");
                None
            }
            Ok(_) if length > most => {
                self.problem(place, "the whole file unpacks to more than 200 times its size; the rest was not read");
                self.left = 0;
                None
            }
            Ok(_) => {
                self.left = self.left.saturating_sub(length);
                Some(bytes)
            }
        }
    }
}

/// Walks all documents of a file.
///
/// # Errors
/// If the file cannot be opened. What goes wrong inside is told to the visitor.
pub fn visit(path: &Path, visitor: &mut dyn Visitor) -> Result<(), Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = File::open(path).map_err(Error::file("open", path))?;
    let size = file.metadata().map_err(Error::file("read", path))?.len();
    let mut walk = Walk { visitor, left: size.saturating_mul(MOST_TIMES).max(MOST_BYTES) };
    let mut head = [0_u8; 4];
    let read = (&file).take(4).read(&mut head).map_err(Error::file("read", path))?;
    let file = File::open(path).map_err(Error::file("open", path))?;
    if read == 4 && head == *b"PK\x03\x04" {
        visit_zip(&name, file, &mut walk);
        return Ok(());
    }
    stream(&name, Box::new(BufReader::new(file)), &mut walk, 0);
    Ok(())
}

fn visit_zip(name: &str, file: File, walk: &mut Walk<'_>) {
    let mut archive = match zip::ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return walk.problem(name, &format!("it is not a readable archive: {error}")),
    };
    for at in 0..archive.len() {
        let mut entry = match archive.by_index(at) {
            Ok(entry) if entry.is_file() => entry,
            Ok(_) => continue,
            Err(error) => {
                walk.problem(&format!("{name} entry {}", at + 1), &error.to_string());
                continue;
            }
        };
        let inner = entry.name().map_or_else(|_| format!("entry {}", at + 1), std::borrow::Cow::into_owned);
        let place = format!("{name}/{inner}");
        if !stream(&place, Box::new(BufReader::new(&mut entry)), walk, 1) {
            return;
        }
    }
}

/// Peels one layer of compression or archiving after the other, told by first bytes. `false` to stop the walk.
fn stream(name: &str, mut reader: Box<dyn BufRead + '_>, walk: &mut Walk<'_>, level: usize) -> bool {
    let head: Vec<u8> = match reader.fill_buf() {
        Ok(head) => head.iter().copied().take(512).collect(),
        Err(error) => {
            walk.problem(name, &format!("it cannot be read: {error}"));
            return true;
        }
    };
    if level > MOST_LEVELS {
        walk.problem(name, "too many layers of compression");
        return true;
    }
    let without = |extension: &str| name.strip_suffix(extension).unwrap_or(name).to_owned();
    let mut deeper = |extension: &str, inner: Box<dyn Read + '_>| {
        stream(&without(extension), Box::new(BufReader::with_capacity(1 << 17, inner)), walk, level + 1)
    };
    match head.as_slice() {
        [0x1f, 0x8b, ..] => deeper(".gz", Box::new(flate2::bufread::MultiGzDecoder::new(reader))),
        // Frames that are to be skipped may come first (RFC 8878, section 3.1.2).
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            match zstd::stream::read::Decoder::with_buffer(reader) {
                Ok(inner) => deeper(".zst", Box::new(inner)),
                Err(error) => {
                    walk.problem(name, &error.to_string());
                    true
                }
            }
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            deeper(".xz", Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader)))
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => deeper(".bz2", Box::new(bzip2::bufread::MultiBzDecoder::new(reader))),
        head if head.get(257..262) == Some(b"ustar") => visit_tar(name, reader, walk, level),
        _ if walk.visitor.may_split(name) => parts(name, reader, walk),
        _ => match walk.read(&mut reader, name) {
            Some(bytes) => walk.visitor.document(name, bytes),
            None => walk.left > 0,
        },
    }
}

fn visit_tar(name: &str, reader: Box<dyn BufRead + '_>, walk: &mut Walk<'_>, level: usize) -> bool {
    let mut archive = tar::Archive::new(reader);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => {
            walk.problem(name, &error.to_string());
            return true;
        }
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) if entry.header().entry_type().is_file() => entry,
            Ok(_) => continue,
            Err(error) => {
                walk.problem(name, &format!("the archive is damaged: {error}"));
                return true;
            }
        };
        let inner = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let place = format!("{name}/{inner}");
        if !stream(&place, Box::new(BufReader::new(&mut entry)), walk, level + 1) {
            return false;
        }
    }
    true
}

/// Gives out a document of one record a line in parts.
fn parts(name: &str, mut reader: Box<dyn BufRead + '_>, walk: &mut Walk<'_>) -> bool {
    let mut line = 1;
    loop {
        let mut part = Vec::with_capacity(PART_BYTES + (1 << 16));
        let mut read = reader.by_ref().take(PART_BYTES as u64).read_to_end(&mut part);
        if read.is_ok() && part.last().is_some_and(|byte| *byte != b'\n') {
            read = reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut part);
        }
        if let Err(error) = read {
            walk.problem(&format!("{name} after line {line}"), &format!("it cannot be unpacked: {error}"));
            if part.is_empty() {
                return true;
            }
        }
        if part.is_empty() {
            return true;
        }
        let Some(left) = walk.left.checked_sub(part.len() as u64) else {
            walk.problem(name, "the whole file unpacks to more than 200 times its size; the rest was not read");
            return false;
        };
        walk.left = left;
        let place = if line == 1 { name.to_owned() } else { format!("{name} from line {line}") };
        line += part.iter().filter(|byte| **byte == b'\n').count();
        if !walk.visitor.document(&place, part) {
            return false;
        }
    }
}
