//! Configuration that somebody wrote: kept beside the packages, and brought back with them.

use crate::root::{CommandError, Root};
use std::collections::BTreeSet;
use std::fs::File;

fn own(folder: &str) -> String {
    format!("{folder}/conffiles")
}

/// Keeps those of some files that are there.
pub(super) fn keep(root: &Root, paths: &BTreeSet<String>, folder: &str, log: &mut File) -> Result<(), CommandError> {
    let own = own(folder);
    for path in paths.iter().filter(|path| root.below(path).symlink_metadata().is_ok()) {
        root.run(&["mkdir", "--parents", "--", &own], log)?;
        root.run(&["cp", "--archive", "--parents", "--", path, &own], log)?;
    }
    Ok(())
}

/// What was written there counts, whatever packages bring: it comes back, and those of some files that were not there go.
pub(super) fn restore(root: &Root, paths: &BTreeSet<String>, folder: &str, log: &mut File) -> Result<(), CommandError> {
    let own = own(folder);
    let is_kept = |path: &str| root.below(&format!("{own}{path}")).symlink_metadata().is_ok();
    for path in paths.iter().filter(|path| !is_kept(path) && root.below(path).symlink_metadata().is_ok()) {
        root.run(&["rm", "--force", "--", path], log)?;
    }
    if root.below(&own).exists() {
        root.run(&["cp", "--archive", "--no-target-directory", "--", &own, "/"], log)?;
    }
    Ok(())
}
