//! Compressed files, told by their first bytes, unpacked up to a limit.

use std::io::Read;

/// Bounds for unpacking, against decompression bombs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most bytes that may come out.
    pub bytes: u64,
}

/// Unpacks gzip, zstd, xz, bzip2 or lz4 (frame) data; anything else is returned as it is.
///
/// # Errors
/// If the data is damaged, or more than the limit comes out.
pub fn unpack(bytes: Vec<u8>, limits: Limits) -> std::io::Result<Vec<u8>> {
    match bytes.as_slice() {
        [0x1f, 0x8b, ..] => collect(flate2::read::MultiGzDecoder::new(bytes.as_slice()), limits),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => collect(zstd::stream::read::Decoder::new(bytes.as_slice())?, limits),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            collect(liblzma::read::XzDecoder::new_multi_decoder(bytes.as_slice()), limits)
        }
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => collect(bzip2::read::MultiBzDecoder::new(bytes.as_slice()), limits),
        [0x04, 0x22, 0x4d, 0x18, ..] => collect(lz4_flex::frame::FrameDecoder::new(bytes.as_slice()), limits),
        _ => Ok(bytes),
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
