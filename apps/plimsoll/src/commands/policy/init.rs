//! `plimsoll policy init`: a policy with every section, to start from.

use super::FILE;
use crate::exit::{self, Usage};
use crate::progress;
use ::policy::PROFILES;
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
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make `{}`", folder.display()))?;
    let path = folder.join(FILE);
    let mut options = OpenOptions::new();
    options.write(true).create(is_forced).truncate(is_forced).create_new(!is_forced);
    let mut file = match options.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let what = format!("`{}` is there already; `--force` writes over it", path.display());
            return Err(Usage(what).into());
        }
        Err(error) => return Err(error).with_context(|| format!("failed to write `{}`", path.display())),
    };
    file.write_all(text.as_bytes()).with_context(|| format!("failed to write `{}`", path.display()))?;
    progress::say(&format!("`{}` is written: {}.", path.display(), profile.title()?));
    progress::say(&format!("Make it yours, then prove it: plimsoll policy check {}", folder.display()));
    Ok(exit::WITHIN_POLICY)
}
