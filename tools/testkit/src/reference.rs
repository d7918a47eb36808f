//! The reference data beside the repository: real data with known answers, never committed.

use std::io::Read;
use std::path::PathBuf;

/// The file or folder `path` of the reference data, or `None` (said on standard error) where it is not present.
///
/// `PLIMSOLL_REFERENCE_DATA` names another place than `../shared/data`.
#[must_use]
pub fn path(path: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let base = std::env::var_os("PLIMSOLL_REFERENCE_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let full = base.join(path);
    if full.exists() {
        return Some(full);
    }
    eprintln!("SKIPPED: the reference data `{path}` is not present on this machine");
    None
}

/// The bytes of a reference file, decompressed if its name ends in `.zst`.
///
/// # Panics
/// If the file is present but cannot be read: a test cannot go on then.
#[must_use]
pub fn bytes(name: &str) -> Option<Vec<u8>> {
    let full = path(name)?;
    let raw = std::fs::read(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()));
    if full.extension().is_none_or(|extension| extension != "zst") {
        return Some(raw);
    }
    let mut text = Vec::new();
    zstd::stream::read::Decoder::new(raw.as_slice())
        .and_then(|mut decoder| decoder.read_to_end(&mut text))
        .unwrap_or_else(|error| panic!("{}: {error}", full.display()));
    Some(text)
}

/// The same as text, with what is not UTF-8 replaced.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    bytes(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
