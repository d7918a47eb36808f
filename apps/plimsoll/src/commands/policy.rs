//! `plimsoll policy`.

use super::scan;
use crate::arguments::PolicyCommand;
use crate::exit::{self, Usage};
use crate::printable::printable;
use ::policy::{PRESETS, Policy};
use anyhow::{Context, Result};
use std::io::Write;

/// Lists, prints or checks policies.
pub(super) fn run(command: &PolicyCommand) -> Result<u8> {
    let mut out = crate::pager::out();
    match command {
        PolicyCommand::List => {
            for preset in PRESETS {
                let policy =
                    Policy::parse(preset.text).with_context(|| format!("the preset `{}` cannot be read", preset.id))?;
                writeln!(out, "{:22} {}", preset.id, policy.name).context("failed to write")?;
                if !policy.to_check.is_empty() {
                    writeln!(out, "{:22} still to be checked at its source: {}", "", policy.to_check)
                        .context("failed to write")?;
                }
            }
        }
        PolicyCommand::Show { name } => {
            let preset = PRESETS
                .iter()
                .find(|preset| preset.id == name)
                .ok_or_else(|| Usage(format!("no preset is called `{name}`")))?;
            out.write_all(preset.text.as_bytes()).context("failed to write")?;
        }
        PolicyCommand::Check { file } => {
            let policy = scan::policy(&file.display().to_string())?;
            writeln!(
                out,
                "{}: {} classes, time zone {}",
                printable(&policy.name),
                policy.classes.len(),
                policy.calendar.zone_name()
            )
            .context("failed to write")?;
            for class in &policy.classes {
                writeln!(out, "  {:24} {:16} {}", printable(&class.id), class.due.to_string(), printable(&class.title))
                    .context("failed to write")?;
            }
        }
    }
    Ok(exit::WITHIN_POLICY)
}
