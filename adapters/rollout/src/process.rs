//! Programs of this machine that reach others.

use crate::error::Error;
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// So many bytes of the end of what was said are told.
const MOST_SAID: usize = 600;

/// Runs one with what goes in, and says what came out; one that takes longer than it may is ended.
pub(crate) fn output(mut command: Command, input: &[u8], most: Duration) -> Result<Output, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| Error::Begin { program: program.clone(), source };
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = piped.spawn().map_err(failed)?;
    let (stdin, stdout, stderr) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
    let read = |stream: Option<Box<dyn Read + Send>>| {
        let mut bytes = Vec::new();
        // What cannot be read any more is told by how it ends.
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        bytes
    };
    let begun = Instant::now();
    std::thread::scope(|scope| {
        // Whoever does not read it to the end says so by how it ends.
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(input)));
        let out = scope.spawn(move || read(stdout.map(|stream| Box::new(stream) as Box<dyn Read + Send>)));
        let err = scope.spawn(move || read(stderr.map(|stream| Box::new(stream) as Box<dyn Read + Send>)));
        let status = loop {
            if let Some(status) = process.try_wait().map_err(failed)? {
                break status;
            }
            if begun.elapsed() > most {
                let _ = process.kill();
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let (stdout, stderr) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
        Ok(Output { status, stdout, stderr })
    })
}

/// The end of what was said, in one line.
pub(crate) fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&both[both.len().saturating_sub(MOST_SAID)..]).into_owned();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    if text.is_empty() { format!("it ended with {}", output.status) } else { text }
}
