//! Files that a person names, read whole and within bounds.

use std::fs::File;
use std::io::{Error, Read, Result};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The most bytes of a policy, an asset's description, a VEX document or an ignore file.
pub(crate) const MOST_TEXT_BYTES: u64 = 64 << 20;

/// Reads a file or a pipe; never a device, and never more than the limit.
///
/// # Errors
/// If it cannot be read, is a folder or a device, or is larger.
pub(crate) fn read(path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    let too_large = || Error::other(format!("it is larger than {limit_bytes} bytes"));
    // Looked at before it is opened: opening a device can do something.
    let kind = std::fs::metadata(path)?;
    if !kind.is_file() && !kind.file_type().is_fifo() {
        return Err(Error::other(if kind.is_dir() { "it is a folder" } else { "it is no regular file" }));
    }
    if kind.len() > limit_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(kind.len()).unwrap_or(0) + 1);
    File::open(path)?.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes { Err(too_large()) } else { Ok(bytes) }
}

/// Reads a text of moderate size.
///
/// # Errors
/// As [`read`], and if it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path, MOST_TEXT_BYTES)?).map_err(|_| Error::other("it is not UTF-8"))
}
