//! Compressed files, told by their first bytes, unpacked up to a limit.

use std::fs::File;
use std::io::{BufReader, Read, Result, Seek, SeekFrom};

/// Bounds for unpacking, against decompression bombs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most bytes that may come out.
    pub bytes: u64,
}

/// Unpacks gzip, zstd, xz, bzip2 or lz4 (frame) data, also several parts on end; anything else is returned as it is.
///
/// # Errors
/// If the data is damaged, or more than the limit comes out.
pub fn unpack(bytes: Vec<u8>, limits: Limits) -> Result<Vec<u8>> {
    match skip_frames(&bytes)? {
        [0x1f, 0x8b, ..] => collect(flate2::read::MultiGzDecoder::new(bytes.as_slice()), limits),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => collect(zstd::stream::read::Decoder::new(bytes.as_slice())?, limits),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            collect(liblzma::read::XzDecoder::new_multi_decoder(bytes.as_slice()), limits)
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => collect(bzip2::read::MultiBzDecoder::new(bytes.as_slice()), limits),
        [0x04, 0x22, 0x4d, 0x18, ..] => lz4(&bytes, limits),
        _ => Ok(bytes),
    }
}

/// The same as a stream, so that neither what is packed nor what comes out is ever held whole.
///
/// # Errors
/// If the file cannot be read, or its frames are cut off. What is damaged in another way is an error of the stream.
pub(crate) fn unpack_stream(mut file: File, limits: Limits) -> Result<impl Read> {
    let mut head = [0; 6];
    let known = read_up_to(&file, &mut head)?;
    file.rewind()?;
    let stream: Box<dyn Read> = match &head[..known] {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::new(file)?),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            Box::new(liblzma::read::XzDecoder::new_multi_decoder(BufReader::new(file)))
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Box::new(bzip2::read::MultiBzDecoder::new(BufReader::new(file))),
        // The decoder takes a file that ends between two blocks for whole, so its end is looked for first.
        [0x04, 0x22, 0x4d, 0x18, ..] if is_one_lz4_frame(&mut file)? => {
            Box::new(lz4_flex::frame::FrameDecoder::new(file))
        }
        // Files of several frames are rare, and those of lists not large.
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            let mut bytes = Vec::new();
            (&mut file).take(limits.bytes).read_to_end(&mut bytes)?;
            Box::new(std::io::Cursor::new(unpack(bytes, limits)?))
        }
        _ => Box::new(file),
    };
    Ok(Bounded { stream, left: limits.bytes, limits })
}

/// A stream that ends with an error where more comes out than may.
struct Bounded {
    stream: Box<dyn Read>,
    left: u64,
    limits: Limits,
}

impl Read for Bounded {
    fn read(&mut self, room: &mut [u8]) -> Result<usize> {
        let read = self.stream.read(room)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| too_much(self.limits))?;
        Ok(read)
    }
}

fn too_much(limits: Limits) -> std::io::Error {
    std::io::Error::other(format!("it unpacks to more than {} bytes", limits.bytes))
}

/// Fills as much of the room as there is; says how much that was.
pub(crate) fn read_up_to(mut file: impl Read, room: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match file.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether a file is one LZ4 frame and nothing else; where it stands is then its beginning.
fn is_one_lz4_frame(file: &mut File) -> Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut head = [0; 5];
    file.rewind()?;
    file.read_exact(&mut head)?;
    let frame = Lz4Frame { flags: head[4] };
    let mut at = frame.head_bytes();
    loop {
        file.seek(SeekFrom::Start(at))?;
        let mut size = [0; 4];
        if read_up_to(&*file, &mut size)? < size.len() {
            return Err(std::io::Error::other("an lz4 frame is cut off"));
        }
        match frame.block_bytes(u32::from_le_bytes(size)) {
            Some(bytes) => at += size.len() as u64 + bytes,
            None => {
                at += size.len() as u64 + frame.tail_bytes();
                break;
            }
        }
    }
    file.rewind()?;
    match at > end {
        true => Err(std::io::Error::other("an lz4 frame is cut off")),
        false => Ok(at == end),
    }
}

/// What the flags of an LZ4 frame say of its parts (LZ4 frame format 1.6.4).
#[derive(Clone, Copy)]
struct Lz4Frame {
    flags: u8,
}

impl Lz4Frame {
    fn has(self, bit: u8) -> u64 {
        u64::from(self.flags >> bit & 1)
    }

    /// Magic, flags, block size, then content size and dictionary where there are any, and a check of all these.
    fn head_bytes(self) -> u64 {
        4 + 2 + 8 * self.has(3) + 4 * self.has(0) + 1
    }

    /// What follows the size of a block; none behind the last one. The highest bit says that the block is not packed.
    fn block_bytes(self, size: u32) -> Option<u64> {
        (size != 0).then(|| u64::from(size & 0x7fff_ffff) + 4 * self.has(4))
    }

    /// What follows the last block.
    fn tail_bytes(self) -> u64 {
        4 * self.has(2)
    }
}

/// What follows the frames that are to be skipped: zstd and lz4 files may begin with some (RFC 8878, section 3.1.2).
fn skip_frames(mut bytes: &[u8]) -> Result<&[u8]> {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = bytes {
        let end = 8 + u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        bytes = bytes.get(end..).ok_or_else(|| std::io::Error::other("a frame that is to be skipped is cut off"))?;
    }
    Ok(bytes)
}

/// The decoder takes a file that ends between two blocks for whole, so the frames' ends are found first.
fn lz4(bytes: &[u8], limits: Limits) -> Result<Vec<u8>> {
    let mut rest = skip_frames(bytes)?;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let end = lz4_frame_bytes(rest).ok_or_else(|| std::io::Error::other("an lz4 frame is cut off"))?;
        let room = Limits { bytes: limits.bytes.saturating_sub(out.len() as u64) };
        out.append(&mut collect(lz4_flex::frame::FrameDecoder::new(&rest[..end]), room)?);
        rest = skip_frames(&rest[end..])?;
    }
    Ok(out)
}

/// The length of the frame at the beginning; `None` if it does not end.
fn lz4_frame_bytes(bytes: &[u8]) -> Option<usize> {
    let frame = Lz4Frame { flags: *bytes.get(4)? };
    let mut at = usize::try_from(frame.head_bytes()).ok()?;
    loop {
        let size = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        at += 4;
        match frame.block_bytes(size) {
            Some(bytes) => at += usize::try_from(bytes).ok()?,
            None => return bytes.get(..at + usize::try_from(frame.tail_bytes()).ok()?).map(<[u8]>::len),
        }
    }
}

fn collect(reader: impl Read, limits: Limits) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    reader.take(limits.bytes + 1).read_to_end(&mut out)?;
    if out.len() as u64 > limits.bytes {
        return Err(too_much(limits));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const PLENTY: Limits = Limits { bytes: 1 << 20 };

    fn lz4_frame(text: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(text).expect("written");
        encoder.finish().expect("finished")
    }

    #[test]
    fn several_frames_are_one_file() {
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        let zstd = |text: &[u8]| zstd::stream::encode_all(text, 1).expect("packed");
        for pack in [lz4_frame as fn(&[u8]) -> Vec<u8>, zstd] {
            let file = [&skipped[..], &pack(b"first "), &skipped, &pack(b"second")].concat();
            assert_eq!(unpack(file.clone(), PLENTY).expect("unpacked"), b"first second");
            for length in [5, 9, 15, file.len() - 1] {
                assert_ne!(unpack(file[..length].to_vec(), PLENTY).ok(), Some(b"first second".to_vec()), "{length}");
            }
            assert!(unpack(file[..file.len() - 1].to_vec(), PLENTY).is_err(), "a cut file is damaged");
            assert!(unpack(file, Limits { bytes: 7 }).is_err(), "the limit counts all frames together");
        }
    }

    fn streamed(bytes: &[u8], limits: Limits) -> Result<Vec<u8>> {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("plimsoll-unpack-{}-{number}", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        let file = File::open(&path).expect("opened");
        std::fs::remove_file(path).expect("removed");
        let mut out = Vec::new();
        unpack_stream(file, limits)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn a_stream_gives_what_the_whole_gives_and_fails_where_it_fails() {
        let text = b"Package: a line of some length\n".repeat(9000);
        let gzip = {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text).expect("written");
            encoder.finish().expect("finished")
        };
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        let two_frames = [lz4_frame(&text), lz4_frame(b"more")].concat();
        let zstd = zstd::stream::encode_all(&text[..], 1).expect("packed");
        let files = [
            text.clone(),
            gzip,
            zstd,
            lz4_frame(&text),
            two_frames,
            [&skipped[..], &lz4_frame(&text)].concat(),
            Vec::new(),
        ];
        for file in files {
            let limits = Limits { bytes: text.len() as u64 + 4 };
            assert_eq!(streamed(&file, limits).expect("streamed"), unpack(file.clone(), limits).expect("unpacked"));
            for length in [1, 5, 9, 40, file.len() / 2, file.len().saturating_sub(1)] {
                let cut = &file[..length.min(file.len())];
                assert_eq!(streamed(cut, limits).ok(), unpack(cut.to_vec(), limits).ok(), "{length}");
            }
            let few = Limits { bytes: 100 };
            assert_eq!(streamed(&file, few).is_err(), file.len() > 10, "the limit holds for streams too");
        }
    }
}
