//! `plimsoll generate`: completions and man pages, from the arguments' own definition.

use crate::arguments::{Arguments, GenerateCommand};
use crate::exit;
use anyhow::{Context, Result};
use clap::CommandFactory;

/// Writes what is asked for.
pub(super) fn run(command: &GenerateCommand) -> Result<u8> {
    match command {
        GenerateCommand::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "plimsoll", &mut text);
            crate::pager::print(&text).context("failed to write the completions")?;
        }
        GenerateCommand::Man { folder } => {
            std::fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
            clap_mangen::generate_to(Arguments::command(), folder)
                .with_context(|| format!("failed to write man pages to `{}`", folder.display()))?;
        }
    }
    Ok(exit::WITHIN_POLICY)
}
