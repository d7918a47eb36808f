//! The commands, one file each.

mod agent;
mod backup;
mod change;
mod changelogs;
mod demo;
mod feeds;
mod fleet;
mod generate;
mod ledger;
mod patch;
mod policy;
mod reach;
mod scan;
mod serve;
mod why;

use crate::arguments::{Arguments, Colour, Command};
use anyhow::Result;
use std::path::PathBuf;

/// Runs the command and answers with its exit code.
pub(crate) fn run(arguments: Arguments) -> Result<u8> {
    match arguments.color {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
    let data = data_directory(arguments.data);
    match arguments.command {
        Command::Scan(scan) => scan::run(&scan, &data, arguments.quiet),
        Command::Why(why) => why::run(&why, &data, arguments.quiet),
        Command::Patch(command) => patch::run(command, arguments.quiet),
        Command::Change(change) => change::run(*change, &data, arguments.quiet),
        Command::Feeds(command) => feeds::run(command, &data, arguments.quiet),
        Command::Policy(command) => policy::run(command, &data, arguments.quiet),
        Command::Fleet(fleet) => fleet::run(fleet, &data, arguments.quiet),
        Command::Ledger(ledger) => ledger::run(ledger, &data, arguments.quiet),
        Command::Serve(serve) => serve::run(&serve, &data, arguments.quiet),
        Command::Agent(agent) => agent::run(agent, &data, arguments.quiet),
        Command::Backup(backup) => backup::backup(&backup, &data, arguments.quiet),
        Command::Restore(restore) => backup::restore(&restore, &data, arguments.quiet),
        Command::Demo(demo) => demo::run(&demo, &data, arguments.quiet),
        Command::Generate(command) => generate::run(&command),
    }
}

/// The system's data directory for root, the user's own for others.
fn data_directory(given: Option<PathBuf>) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given.unwrap_or_else(|| {
        if rustix::process::geteuid().is_root() {
            return PathBuf::from("/var/lib/plimsoll");
        }
        let base = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
        base.unwrap_or_else(|| PathBuf::from(".")).join("plimsoll")
    })
}
