//! `plimsoll policy init`: a policy with every section, to start from.

use super::{FILE, PROSE};
use crate::exit::{self, Usage};
use crate::progress;
use ::policy::{PROFILES, SECTIONS};
use anyhow::{Context, Result};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Writes the policy of a profile into a folder.
pub(super) fn run(folder: &Path, name: &str, is_forced: bool) -> Result<u8> {
    let Some(profile) = PROFILES.iter().find(|profile| profile.id == name) else {
        let known: Vec<&str> = PROFILES.iter().map(|profile| profile.id).collect();
        return Err(Usage(format!("no profile is called `{name}`; there are {}", known.join(", "))).into());
    };
    let text = profile.policy().with_context(|| format!("the profile `{name}` cannot be read"))?;
    let prose = folder.join(PROSE);
    std::fs::create_dir_all(&prose).with_context(|| format!("failed to make `{}`", prose.display()))?;
    let path = folder.join(FILE);
    write(&path, &text, is_forced)?;
    for (name, text) in SECTIONS {
        write(&prose.join(format!("{name}.md")), text, is_forced)?;
    }
    progress::say(&format!(
        "`{}` and the prose in `{}` are written: {}.",
        path.display(),
        prose.display(),
        profile.title()?
    ));
    progress::say(&format!("Make it yours, then prove it: plimsoll policy check {}", folder.display()));
    Ok(exit::WITHIN_POLICY)
}

/// Writes a file that is not there yet, or over one if that is wanted.
fn write(path: &Path, text: &str, is_forced: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(is_forced).truncate(is_forced).create_new(!is_forced);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let what = format!("`{}` is there already; `--force` writes over it", path.display());
            return Err(Usage(what).into());
        }
        Err(error) => return Err(error).with_context(|| format!("failed to write `{}`", path.display())),
    };
    file.write_all(text.as_bytes()).with_context(|| format!("failed to write `{}`", path.display()))
}
