//! One file, one line: every file of a list's folder is in the list, once, and bears its id as its name.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// Folder, file of the list, files beside the list's members that are no members.
const LISTS: &[(&str, &str, &[&str])] = &[
    ("core/advisories/src/feeds", "core/advisories/src/feeds.rs", &["text"]),
    ("core/inventory/src/readers", "core/inventory/src/readers.rs", &[]),
];

/// Fails if a member is missing, unlisted or listed twice.
pub(crate) fn check(root: &Path) -> Result<()> {
    for (folder, list, others) in LISTS {
        let text = std::fs::read_to_string(root.join(list)).with_context(|| (*list).to_owned())?;
        for entry in std::fs::read_dir(root.join(folder))?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(".rs").filter(|id| !others.contains(id)) else { continue };
            let listed =
                text.matches(&format!("    {id}::FEED,")).count() + text.matches(&format!("    {id}::READER,")).count();
            if listed != 1 {
                bail!("{folder}/{name} is in the list {listed} times");
            }
            let own = std::fs::read_to_string(entry.path())?;
            if !own.contains(&format!("id: \"{id}\"")) {
                bail!("{folder}/{name} does not bear its file's name as its id");
            }
        }
    }
    Ok(())
}
