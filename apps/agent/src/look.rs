//! Looking: what the host has. It is done in a process of its own, so that the memory it takes is given back, and what goes wrong
//! in it ends nothing else.

use anyhow::{Context, Result, bail};
use protocol::Observed;
use std::path::Path;
use std::process::{Command, Stdio};

/// Looks at this host, or at a mounted one, in this process.
pub(crate) fn here(root: Option<&Path>) -> Result<Observed> {
    let inventory = match root {
        None => host::this_host(&mut |_| {}),
        Some(root) => host::mounted(root, &mut |_| {}),
    };
    Ok(Observed::of(&inventory?, &[])?)
}

/// Looks at this host in another process.
pub(crate) fn apart() -> Result<Observed> {
    let program = std::env::current_exe().context("failed to find the agent's own program")?;
    let done = Command::new(program).arg("look").stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let done = done.context("failed to begin to look")?;
    if !done.status.success() {
        bail!("looking ended with {}", done.status);
    }
    Ok(Observed::read(&done.stdout)?)
}
