//! Documents inside files: compressed, archived, or both; unpacked up to a limit and never to disk.

use crate::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The most bytes that one document may unpack to.
const MOST_BYTES: u64 = 2 << 30;
/// Documents of one record a line are given out in parts of about this size.
const PART_BYTES: usize = 1 << 20;

/// Takes the documents of a file in their order; what it answers decides whether the walk goes on.
pub trait Visitor {
    /// A document, or a part of one that was cut at a line's end. Returns `false` to stop.
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool;
    /// Whether documents of this name may be given out in parts.
    fn may_split(&self, name: &str) -> bool;
    /// Something that could not be read.
    fn problem(&mut self, place: &str, what: &str);
}

/// Walks all documents of a file.
///
/// # Errors
/// If the file cannot be opened. What goes wrong inside is told to the visitor.
pub fn visit(path: &Path, visitor: &mut dyn Visitor) -> Result<(), Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = File::open(path).map_err(Error::file("open", path))?;
    let mut head = [0_u8; 4];
    let read = (&file).take(4).read(&mut head).map_err(Error::file("read", path))?;
    let file = File::open(path).map_err(Error::file("open", path))?;
    if read == 4 && head == *b"PK\x03\x04" {
        visit_zip(&name, file, visitor);
        return Ok(());
    }
    stream(&name, Box::new(BufReader::new(file)), visitor, 0);
    Ok(())
}

fn visit_zip(name: &str, file: File, visitor: &mut dyn Visitor) {
    let mut archive = match zip::ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return visitor.problem(name, &format!("it is not a readable archive: {error}")),
    };
    for at in 0..archive.len() {
        let mut entry = match archive.by_index(at) {
            Ok(entry) if entry.is_file() => entry,
            Ok(_) => continue,
            Err(error) => {
                visitor.problem(&format!("{name} entry {}", at + 1), &error.to_string());
                continue;
            }
        };
        let inner = entry.name().map_or_else(|_| format!("entry {}", at + 1), std::borrow::Cow::into_owned);
        let place = format!("{name}/{inner}");
        let mut bytes = Vec::with_capacity(usize::try_from(entry.size().min(1 << 20)).unwrap_or(0));
        if !read_all(&mut entry, &place, &mut bytes, visitor) || !visitor.document(&place, bytes) {
            return;
        }
    }
}

/// Reads to the end; `false` and a problem if that fails or gives too much.
fn read_all(reader: &mut dyn Read, place: &str, bytes: &mut Vec<u8>, visitor: &mut dyn Visitor) -> bool {
    match reader.take(MOST_BYTES + 1).read_to_end(bytes) {
        Ok(_) if bytes.len() as u64 > MOST_BYTES => {
            visitor.problem(place, "it unpacks to more than 2 GiB; it was not read");
            false
        }
        Ok(_) => true,
        Err(error) => {
            visitor.problem(place, &format!("it cannot be unpacked: {error}"));
            false
        }
    }
}

/// Peels one layer of compression or archiving after the other, told by first bytes.
fn stream(name: &str, mut reader: Box<dyn BufRead + '_>, visitor: &mut dyn Visitor, level: usize) {
    let head: Vec<u8> = match reader.fill_buf() {
        Ok(head) => head.iter().copied().take(512).collect(),
        Err(error) => return visitor.problem(name, &format!("it cannot be read: {error}")),
    };
    if level > 3 {
        return visitor.problem(name, "too many layers of compression");
    }
    let without = |extension: &str| name.strip_suffix(extension).unwrap_or(name).to_owned();
    match head.as_slice() {
        [0x1f, 0x8b, ..] => {
            let inner = flate2::bufread::MultiGzDecoder::new(reader);
            stream(&without(".gz"), Box::new(BufReader::with_capacity(1 << 17, inner)), visitor, level + 1);
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => match zstd::stream::read::Decoder::with_buffer(reader) {
            Ok(inner) => {
                stream(&without(".zst"), Box::new(BufReader::with_capacity(1 << 17, inner)), visitor, level + 1)
            }
            Err(error) => visitor.problem(name, &error.to_string()),
        },
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            let inner = liblzma::bufread::XzDecoder::new_multi_decoder(reader);
            stream(&without(".xz"), Box::new(BufReader::with_capacity(1 << 17, inner)), visitor, level + 1);
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
            let inner = bzip2::bufread::MultiBzDecoder::new(reader);
            stream(&without(".bz2"), Box::new(BufReader::with_capacity(1 << 17, inner)), visitor, level + 1);
        }
        head if head.get(257..262) == Some(b"ustar") => visit_tar(name, reader, visitor),
        _ if visitor.may_split(name) => parts(name, reader, visitor),
        _ => {
            let mut bytes = Vec::new();
            if read_all(&mut reader, name, &mut bytes, visitor) {
                visitor.document(name, bytes);
            }
        }
    }
}

fn visit_tar(name: &str, reader: Box<dyn BufRead + '_>, visitor: &mut dyn Visitor) {
    let mut archive = tar::Archive::new(reader);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return visitor.problem(name, &error.to_string()),
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) if entry.header().entry_type().is_file() => entry,
            Ok(_) => continue,
            Err(error) => return visitor.problem(name, &format!("the archive is damaged: {error}")),
        };
        let inner = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let place = format!("{name}/{inner}");
        let mut bytes = Vec::new();
        if !read_all(&mut entry, &place, &mut bytes, visitor) || !visitor.document(&place, bytes) {
            return;
        }
    }
}

/// Gives out a document of one record a line in parts.
fn parts(name: &str, mut reader: Box<dyn BufRead + '_>, visitor: &mut dyn Visitor) {
    let mut line = 1;
    loop {
        let mut part = Vec::with_capacity(PART_BYTES + (1 << 16));
        let mut read = reader.by_ref().take(PART_BYTES as u64).read_to_end(&mut part);
        if read.is_ok() && part.last().is_some_and(|byte| *byte != b'\n') {
            read = reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut part);
        }
        if let Err(error) = read {
            visitor.problem(&format!("{name} after line {line}"), &format!("it cannot be unpacked: {error}"));
            if part.is_empty() {
                return;
            }
        }
        if part.is_empty() {
            return;
        }
        let place = if line == 1 { name.to_owned() } else { format!("{name} from line {line}") };
        line += part.iter().filter(|byte| **byte == b'\n').count();
        if !visitor.document(&place, part) {
            return;
        }
    }
}
