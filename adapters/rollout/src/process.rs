//! Programs of this machine that reach others.

use crate::error::Error;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// So many bytes of the end of what was said are told.
const MOST_SAID: usize = 600;

/// Runs one with what goes in, and says what came out.
pub(crate) fn output(mut command: Command, input: &[u8]) -> Result<Output, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| Error::Begin { program: program.clone(), source };
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = piped.spawn().map_err(failed)?;
    let stdin = process.stdin.take();
    let output = std::thread::scope(|scope| {
        // Whoever does not read it to the end says so by how it ends.
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(input)));
        process.wait_with_output()
    });
    output.map_err(failed)
}

/// The end of what was said, in one line.
pub(crate) fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&both[both.len().saturating_sub(MOST_SAID)..]).into_owned();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    if text.is_empty() { format!("it ended with {}", output.status) } else { text }
}
