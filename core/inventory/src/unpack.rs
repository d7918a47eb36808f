//! Compressed files, told by their first bytes, unpacked up to a limit.

use std::io::Read;

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
pub fn unpack(bytes: Vec<u8>, limits: Limits) -> std::io::Result<Vec<u8>> {
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

/// What follows the frames that are to be skipped: zstd and lz4 files may begin with some (RFC 8878, section 3.1.2).
fn skip_frames(mut bytes: &[u8]) -> std::io::Result<&[u8]> {
    while let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = bytes {
        let end = 8 + u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        bytes = bytes.get(end..).ok_or_else(|| std::io::Error::other("a frame that is to be skipped is cut off"))?;
    }
    Ok(bytes)
}

/// The decoder takes a file that ends between two blocks for whole, so the frames' ends are found first.
fn lz4(bytes: &[u8], limits: Limits) -> std::io::Result<Vec<u8>> {
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

/// The length of the frame at the beginning (LZ4 frame format 1.6.4); `None` if it does not end.
fn lz4_frame_bytes(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(4)?;
    let has = |bit: u8| flags & (1 << bit) != 0;
    // Magic, flags, block size, then content size and dictionary where there are any, and a check of all these.
    let mut at = 4 + 2 + if has(3) { 8 } else { 0 } + if has(0) { 4 } else { 0 } + 1;
    loop {
        let size = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        at += 4;
        if size == 0 {
            let end = at + if has(2) { 4 } else { 0 };
            return bytes.get(..end).map(<[u8]>::len);
        }
        // The highest bit says that the block is not packed.
        at += (size & 0x7fff_ffff) as usize + if has(4) { 4 } else { 0 };
    }
}

fn collect(reader: impl Read, limits: Limits) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    reader.take(limits.bytes + 1).read_to_end(&mut out)?;
    if out.len() as u64 > limits.bytes {
        return Err(std::io::Error::other(format!("it unpacks to more than {} bytes", limits.bytes)));
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
}
