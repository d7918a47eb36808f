//! `plimsoll backup` and `plimsoll restore`.

use super::ledger::{replay, verified};
use crate::arguments::{BackupArguments, RestoreArguments};
use crate::exit::{self, Usage};
use crate::progress::{Counter, say};
use crate::record::{self, block_on};
use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a backup; where it fails nothing is left behind under its name.
pub(super) fn backup(arguments: &BackupArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let (path, address) = (&arguments.file, record::address(data, &arguments.record));
    if path.exists() {
        return Err(Usage(format!("`{}` is there already", path.display())).into());
    }
    let name = path.file_name().unwrap_or_default().display().to_string();
    let beside = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    let mut file = BufWriter::new(open.with_context(|| format!("failed to create `{}`", beside.display()))?);
    let mut counter = Counter::new("written", "rows", is_quiet);
    let written = block_on(async {
        let place = (address.as_str(), arguments.record.blobs.as_deref());
        Ok(store::backup(place, &mut file, |rows| counter.at(rows, None)).await?)
    });
    counter.end();
    let kept = written.and_then(|written| {
        file.flush()?;
        file.get_ref().sync_all()?;
        std::fs::rename(&beside, path)?;
        Ok(written)
    });
    let written = kept.inspect_err(|_| {
        // What is not whole must not be taken for a backup.
        let _ = std::fs::remove_file(&beside);
    })?;
    if !is_quiet {
        say(&format!("{} entries and {} rows are in `{}`.", written.entries, written.rows, path.display()));
        say(
            "The keys of the ledger are not: keep a copy of the folder `keys` of the data directory in a safe place of its own.",
        );
    }
    Ok(exit::WITHIN_POLICY)
}

/// Puts a backup into an empty place, and verifies it there.
pub(super) fn restore(arguments: &RestoreArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let address = record::address(data, &arguments.record);
    let key = record::public_key(arguments.key.as_deref(), data)?;
    std::fs::create_dir_all(data).with_context(|| format!("failed to create `{}`", data.display()))?;
    let file = File::open(&arguments.file).with_context(|| format!("failed to open `{}`", arguments.file.display()))?;
    let mut counter = Counter::new("restored", "rows", is_quiet);
    let (even_if_damaged, input) = (arguments.even_if_damaged, BufReader::new(file));
    let progress = |rows| counter.at(rows, None);
    let restored = block_on(async { Ok(store::restore(&address, input, &key, even_if_damaged, progress).await?) });
    counter.end();
    let restored = restored?;
    let of_ledger =
        restored.report.as_ref().map_or(Ok(exit::WITHIN_POLICY), |report| verified(report, (0, &[]), false))?;
    let of_tables = replay(&restored.replayed, false)?;
    if restored.is_kept {
        return Ok(of_ledger.max(of_tables));
    }
    bail!(
        "nothing was put in place: what the backup holds is not as it was written (--even-if-damaged puts it there all the same)"
    );
}
