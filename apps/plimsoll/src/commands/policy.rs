//! `plimsoll policy`.

mod check;
mod diff;
mod init;
mod render;
mod simulate;

use crate::arguments::PolicyCommand;
use crate::exit::{self, Usage};
use crate::files;
use ::policy::{PRESETS, Policy, SCHEMA, assemble};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file that a folder of a policy holds.
const FILE: &str = "policy.toml";
/// The folder in it that holds the prose of its sections, one Markdown file each.
const PROSE: &str = "sections";

/// Lists, prints, begins, checks, compares or simulates policies.
pub(super) fn run(command: PolicyCommand, data: &Path, is_quiet: bool) -> Result<u8> {
    match command {
        PolicyCommand::List => list(),
        PolicyCommand::Show { name } => show(&name),
        PolicyCommand::Init { folder, profile, force } => init::run(&folder, &profile, force),
        PolicyCommand::Schema => {
            crate::pager::out().write_all(SCHEMA.as_bytes()).context("failed to write")?;
            Ok(exit::WITHIN_POLICY)
        }
        PolicyCommand::Check { policy, format } => check::run(&policy, format),
        PolicyCommand::Diff { old, new, format } => diff::run((&old, &new), format),
        PolicyCommand::Render { policy, document, format, output } => {
            render::run(&policy, &document, format, output.as_deref())
        }
        PolicyCommand::Simulate { policy, record, months, transition, format } => {
            simulate::run(&policy, (data, &record), (months, transition.into()), (format, is_quiet))
        }
    }
}

fn list() -> Result<u8> {
    let mut out = crate::pager::out();
    for preset in PRESETS {
        let policy =
            Policy::parse(preset.text).with_context(|| format!("the preset `{}` cannot be read", preset.id))?;
        writeln!(out, "{:22} {}", preset.id, policy.name).context("failed to write")?;
        if !policy.to_check.is_empty() {
            writeln!(out, "{:22} still to be checked at its source: {}", "", policy.to_check)
                .context("failed to write")?;
        }
    }
    Ok(exit::WITHIN_POLICY)
}

fn show(name: &str) -> Result<u8> {
    let preset = PRESETS.iter().find(|preset| preset.id == name);
    let preset = preset.ok_or_else(|| Usage(format!("no preset is called `{name}`")))?;
    crate::pager::out().write_all(preset.text.as_bytes()).context("failed to write")?;
    Ok(exit::WITHIN_POLICY)
}

/// A policy's text and where it stands: that of a preset, a file, or the `policy.toml` of a folder.
pub(crate) fn text(name: &str) -> Result<(String, PathBuf)> {
    if let Some(preset) = PRESETS.iter().find(|preset| preset.id == name) {
        if Path::new(name).exists() {
            crate::progress::say(&format!("The policy is the preset `{name}`; what is called so here is `./{name}`."));
        }
        return Ok((preset.text.to_owned(), PathBuf::from(name)));
    }
    let is_folder = Path::new(name).is_dir();
    let path = if is_folder { Path::new(name).join(FILE) } else { PathBuf::from(name) };
    let text = files::read_text(&path).with_context(|| match path.as_path() == Path::new(name) {
        true => format!("`{name}` is no preset, and failed to be read as a file"),
        false => format!("failed to read `{}`", path.display()),
    })?;
    let sections = if is_folder { sections(Path::new(name))? } else { BTreeMap::new() };
    Ok((assemble(&text, &sections), path))
}

/// The prose of a policy's sections, by the names of their files; none where there is no such folder.
fn sections(folder: &Path) -> Result<BTreeMap<String, String>> {
    let folder = folder.join(PROSE);
    let read = match std::fs::read_dir(&folder) {
        Ok(read) => read,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", folder.display())),
    };
    let mut found = BTreeMap::new();
    for file in read {
        let path = file.with_context(|| format!("failed to read `{}`", folder.display()))?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let Some(name) = name.filter(|_| path.extension().is_some_and(|ending| ending == "md")) else { continue };
        let text = files::read_text(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
        found.insert(name.to_owned(), text);
    }
    Ok(found)
}
