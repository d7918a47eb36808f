//! Looking: what the host has. It is done in a process of its own, so that the memory it takes is given back, and what goes wrong
//! in it ends nothing else.

use anyhow::{Context, Result, bail};
use protocol::Observed;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

/// Looks at this host, or at a mounted one, in this process.
pub(crate) fn here(root: Option<&Path>) -> Result<Observed> {
    let inventory = match root {
        None => host::this_host(&mut |_| {}),
        Some(root) => host::mounted(root, &mut |_| {}),
    };
    Ok(Observed::of(&inventory?, &[])?)
}

/// A look that was given up and has not ended: a file system holds it.
static HELD: Mutex<Option<Child>> = Mutex::new(None);

/// Looks at this host in another process; not while one that was given up is held still, for each of them would be.
pub(crate) fn apart() -> Result<Observed> {
    if is_held() {
        bail!("the look before was given up and has not ended: a file system does not answer");
    }
    let program = std::env::current_exe().context("failed to find the agent's own program")?;
    let looking = Command::new(program).arg("look").stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    Ok(Observed::read(&output_of(looking.context("failed to begin to look")?, MOST_TIME)?)?)
}

/// The longest that looking may take: a file system that does not answer holds it up for ever.
const MOST_TIME: Duration = Duration::from_secs(30 * 60);

/// Whether a look that was given up has not ended.
fn is_held() -> bool {
    let Ok(mut held) = HELD.lock() else { return true };
    match held.as_mut().map(Child::try_wait) {
        Some(Ok(None)) => true,
        _ => {
            *held = None;
            false
        }
    }
}

/// What a process writes, if it ends in time and well.
fn output_of(mut process: Child, most: Duration) -> Result<Vec<u8>> {
    let mut stream = process.stdout.take().context("it has no output")?;
    let (written, read) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let done = stream.read_to_end(&mut bytes).map(|_| bytes);
        // Nobody waits for it any more if it took too long.
        let _ = written.send(done);
    });
    let Ok(output) = read.recv_timeout(most) else {
        // What a file system holds up ends when that lets it go; it is not waited for.
        let _ = process.kill();
        if let Ok(mut held) = HELD.lock() {
            *held = Some(process);
        }
        bail!("looking took longer than {} minutes", most.as_secs() / 60);
    };
    let status = process.wait().context("failed to wait for the look to end")?;
    if !status.success() {
        bail!("looking ended with {status}");
    }
    output.context("failed to read what was seen")
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;

    fn begin(words: &str) -> Child {
        Command::new("sh").args(["-c", words]).stdout(Stdio::piped()).spawn().expect("begun")
    }

    #[test]
    fn a_look_that_does_not_end_is_given_up() {
        assert_eq!(output_of(begin("echo seen"), Duration::from_secs(30)).expect("seen"), b"seen\n");
        let failed = output_of(begin("echo seen; exit 3"), Duration::from_secs(30));
        assert!(failed.is_err_and(|error| error.to_string().contains("ended with")));
        let begun = std::time::Instant::now();
        let late = output_of(begin("exec sleep 60"), Duration::from_millis(200));
        assert!(late.is_err_and(|error| error.to_string().contains("took longer")));
        assert!(begun.elapsed() < Duration::from_secs(20));
        // It was killed, and nothing holds it: the next look may begin.
        while is_held() {
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
        *HELD.lock().expect("the look before") = Some(begin("exec sleep 3"));
        assert!(is_held() && apart().is_err_and(|error| error.to_string().contains("has not ended")));
    }
}
