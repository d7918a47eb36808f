//! Limits on files and crates, tests left out.

use anyhow::{Result, bail};
use std::path::Path;

const FILE_LINES: usize = 500;
const CRATE_LINES: usize = 6000;
/// Folders of one file a reader, format, page, command or noun of the API, each in one list: they do not count.
const LISTS: &[&str] = &["readers", "feeds", "formats", "presets", "pages", "api", "commands"];

/// Fails if a file or crate is over its limit.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut complaints = Vec::new();
    for floor in ["core", "adapters", "apps", "tools"] {
        for entry in std::fs::read_dir(root.join(floor))?.flatten().filter(|entry| entry.path().is_dir()) {
            let source = entry.path().join("src");
            let mut sum = 0;
            for file in super::rust_files(&source)? {
                let lines = lines_without_tests(&std::fs::read_to_string(&file)?);
                if lines > FILE_LINES {
                    complaints.push(format!("{} has {lines} lines, the limit is {FILE_LINES}", file.display()));
                }
                let below = file.strip_prefix(&source).unwrap_or(&file);
                let is_listed = below.components().any(|part| LISTS.iter().any(|list| part.as_os_str() == *list));
                sum += if is_listed { 0 } else { lines };
            }
            if sum > CRATE_LINES {
                complaints.push(format!("{} has {sum} lines, the limit is {CRATE_LINES}", source.display()));
            }
        }
    }
    if complaints.is_empty() { Ok(()) } else { bail!("{}", complaints.join("\n")) }
}

fn lines_without_tests(text: &str) -> usize {
    text.split("#[cfg(test)]").next().unwrap_or(text).lines().count()
}
