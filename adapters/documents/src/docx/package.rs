//! The parts of a DOCX as one file: the same parts give the same bytes, wherever and whenever they are packed.

use std::io::{self, Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// Parts by their names, as a file.
///
/// # Errors
/// If they cannot be packed.
pub(super) fn packed(parts: &[(&str, String)]) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .system(System::Unix)
        .unix_permissions(0o644);
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        file.start_file(*name, options)?;
        file.write_all(text.as_bytes())?;
    }
    Ok(file.finish()?.into_inner())
}
