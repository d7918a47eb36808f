//! The command line: parse arguments, call inward, render.

mod arguments;
mod commands;
mod exit;
mod files;
mod formats;
mod pager;
mod printable;
mod progress;
mod record;
mod sheet;
mod table;
mod target;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::WITHIN_POLICY };
            // Where even the message cannot be written there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let is_quiet = arguments.quiet;
    match commands::run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if !is_quiet || exit::of(&error) != exit::POLICY_NOT_MET {
                progress::say_error(&error);
            }
            ExitCode::from(exit::of(&error))
        }
    }
}
