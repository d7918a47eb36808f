//! One look of the agent, as a process of its own: a host with its packages alone, and with the lists that this machine's apt has.

use super::Row;
use super::measure::measure;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Where apt keeps what it has fetched.
const LISTS: &str = "var/lib/apt/lists";

pub(super) fn run(program: &Path, work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let files = ["os-release", "dpkg-status.zst"]
        .map(|file| testkit::reference::bytes(&format!("debian/host-bookworm/{file}")));
    let [Some(release), Some(status)] = files else { bail!("the reference data is not present") };
    let root = work.join("agent-host");
    let _ = std::fs::remove_dir_all(&root);
    for (path, bytes) in [("etc/os-release", release), ("var/lib/dpkg/status", status)] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(path, bytes)?;
    }
    look(program, &root, "709 packages", rows)?;
    let bytes = copy(LISTS, &root, |name| name.contains("_dists_"))?;
    // Only the lists of sources that are set up count.
    copy("etc/apt", &root, |name| name == "sources.list")?;
    copy("etc/apt/sources.list.d", &root, |_| true)?;
    // A machine without lists has nothing that could be measured.
    if bytes > 0 {
        look(program, &root, &format!("709 packages and {} MiB of apt's lists as they lie there", bytes >> 20), rows)?;
    }
    Ok(())
}

/// A look takes one core: its time is its processor time.
fn look(program: &Path, root: &Path, what: &str, rows: &mut Vec<Row>) -> Result<()> {
    let figures = measure(21, || {
        let mut command = Command::new(program);
        command.arg("look").arg("--root").arg(root);
        command
    })?;
    rows.push(Row::of(format!("agent: a look at a host, {what}"), &figures, 0.03, Some(16)));
    Ok(())
}

/// Copies files of a folder of this machine; says how many bytes that were.
fn copy(folder: &str, root: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<u64> {
    let (from, to) = (Path::new("/").join(folder), root.join(folder));
    std::fs::create_dir_all(&to)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        if is_wanted(&entry.file_name().to_string_lossy()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            bytes += std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(bytes)
}
