//! A case is a folder with its input and an `expected.*` file; the runner finds them all.

use std::path::{Path, PathBuf};

/// Runs `check` on every folder below `root`, in order of name, and compares its answer with `expected.txt`.
///
/// With `UPDATE_EXPECTED=1` the answers are written instead, to be read before they are committed.
///
/// # Panics
/// If a case differs, or there is none.
pub fn run(root: &Path, check: impl Fn(&Path) -> String) {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir()))
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no cases below {}", root.display());
    let failures: Vec<String> = folders.iter().filter_map(|folder| differ(folder, &check(folder))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn differ(folder: &Path, answer: &str) -> Option<String> {
    let file = folder.join("expected.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, answer).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        return None;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let line = expected.lines().zip(answer.lines()).take_while(|(a, b)| a == b).count() + 1;
    (expected != answer).then(|| {
        format!("{} differs from line {line} on:\n--- is\n{answer}\n--- expected\n{expected}", folder.display())
    })
}
