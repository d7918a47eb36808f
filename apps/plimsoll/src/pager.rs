//! What is written for people: through a pager where a terminal shows less than there is, as git does it.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};

/// Writes a text to standard output, without its colours where nobody could see them.
///
/// A reader that goes away, as `| head` does, is no failure.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn show(text: &[u8]) -> std::io::Result<()> {
    let stdout = std::io::stdout();
    let has_colours = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let text = if has_colours { text.to_vec() } else { anstream::adapter::strip_bytes(text).into_vec() };
    if is_longer_than_terminal(&text)
        && let Some(shown) = through_pager(&text)
    {
        return shown;
    }
    print(&text)
}

/// Writes what is for programs, as it is.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn print(text: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    without_reader(out.write_all(text).and_then(|()| out.flush()))
}

fn without_reader(written: std::io::Result<()>) -> std::io::Result<()> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn is_longer_than_terminal(text: &[u8]) -> bool {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return false;
    }
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let lines = text.iter().filter(|byte| **byte == b'\n').count();
    size.is_some_and(|(_, terminal_size::Height(height))| height > 0 && lines >= usize::from(height))
}

/// Shows a text in `PLIMSOLL_PAGER`, `PAGER` or `less`; none if there is no pager, or none is wanted.
fn through_pager(text: &[u8]) -> Option<std::io::Result<()>> {
    let wanted = std::env::var_os("PLIMSOLL_PAGER").or_else(|| std::env::var_os("PAGER"));
    let wanted = wanted.unwrap_or_else(|| OsString::from("less"));
    let wanted = wanted.to_str()?;
    let mut words = wanted.split_whitespace();
    let program = words.next().filter(|program| *program != "cat")?;
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Colours stay, a screenful needs no key, and what was shown remains on the screen.
        command.env("LESS", "FRX");
    }
    let mut pager = command.spawn().ok()?;
    let written = pager.stdin.take().map_or(Ok(()), |mut input| input.write_all(text));
    // A pager that fails has shown nothing that one could rely on.
    if !pager.wait().is_ok_and(|status| status.success()) {
        return None;
    }
    Some(without_reader(written))
}

/// Standard output for a command that writes line by line: colours only where they can be seen, and a reader that goes
/// away changes nothing about what the command does, nor about its exit code.
pub(crate) fn out() -> impl Write {
    Out(anstream::stdout().lock())
}

struct Out<W>(W);

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        without_reader(self.0.flush())
    }
}
