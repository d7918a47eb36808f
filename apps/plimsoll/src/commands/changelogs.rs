//! The changelogs of pending updates, fetched by apt: which vulnerabilities they say they fix.

use anyhow::{Context, Result};
use assessment::Changelog;
use inventory::Inventory;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Fetches the changelog of every source with a pending update. What cannot be fetched is a problem of the inventory.
pub(super) fn collect(inventory: &mut Inventory) -> Result<Vec<Changelog>> {
    if Command::new("apt-get").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        anyhow::bail!("`--changelogs` needs apt, which is not on this system");
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let pending = inventory.pending.clone();
    for update in &pending {
        if !seen.insert((update.source.name.clone(), update.source.version.clone())) {
            continue;
        }
        let installed = inventory.packages.iter().find(|package| package.name == update.name && package.architecture == update.architecture);
        let installed = installed.and_then(|package| package.source.as_ref()).map_or(update.installed.clone(), |source| source.version.clone());
        match fetch(&update.name, &update.candidate)? {
            Some(text) => found.push(inventory::changelog::newer_than(&text, &update.source.name, &update.source.version, &installed)),
            None => inventory.problem(format!("changelog of {}", update.source.name), "apt could not fetch it, so what the update fixes is not known"),
        }
    }
    Ok(found
        .into_iter()
        .map(|entry| Changelog { source: entry.source, version: entry.version, at: entry.at.and_then(|at| jiff::Timestamp::from_second(at).ok()), vulnerabilities: entry.vulnerabilities })
        .collect())
}

/// `apt-get changelog package=version`: arguments only, no shell.
fn fetch(package: &str, version: &str) -> Result<Option<String>> {
    // A name that begins with a hyphen would be an option to apt; none of Debian's does.
    if package.starts_with('-') {
        return Ok(None);
    }
    let output = Command::new("apt-get")
        .args(["changelog", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", &format!("{package}={version}")])
        .env("PAGER", "cat")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .context("failed to run apt-get")?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()).filter(|text| !text.trim().is_empty()))
}
