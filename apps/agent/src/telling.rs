//! Where the agent says what it does: on standard error, or in a file where nobody reads that.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, OnceLock};

/// The file that lines go to, instead of to standard error; only where a service has no such thing.
static FILE: OnceLock<Mutex<File>> = OnceLock::new();

/// Writes a line to standard error, where the service manager keeps it, or to the file.
pub(crate) fn say(text: &str) {
    // Where nobody listens there is nobody to tell.
    let _ = match FILE.get().map(Mutex::lock) {
        Some(Ok(mut file)) => writeln!(file, "{} {text}", jiff::Timestamp::now()),
        _ => writeln!(std::io::stderr(), "{text}"),
    };
}

/// From here on lines go to a file. What was in it before is kept, once more under another name where it has become too long by then.
///
/// # Errors
/// If it cannot be written.
#[cfg(windows)]
pub(crate) fn to_file(path: &std::path::Path) -> anyhow::Result<()> {
    use anyhow::Context;
    const MOST_BYTES: u64 = 1 << 20;
    let named = || format!("failed to write `{}`", path.display());
    if path.metadata().is_ok_and(|metadata| metadata.len() > MOST_BYTES) {
        std::fs::rename(path, path.with_extension("log.old")).with_context(named)?;
    }
    let file = File::options().create(true).append(true).open(path).with_context(named)?;
    // Only the first call counts; there is no second.
    let _ = FILE.set(Mutex::new(file));
    Ok(())
}
