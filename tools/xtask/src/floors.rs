//! Arrows point down: core names nothing above it, adapters do not know each other.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// What each crate of the lowest floor may use of its own floor.
const CORE: &[(&str, &[&str])] = &[
    ("versions", &[]),
    ("advisories", &["versions"]),
    ("inventory", &["versions"]),
    ("matching", &["versions", "advisories", "inventory"]),
    ("policy", &[]),
    ("evidence", &["policy"]),
    ("ledger", &[]),
    ("rules", &["policy"]),
    ("obligations", &["policy", "rules"]),
    ("lifecycle", &["ledger", "policy", "rules", "obligations", "change"]),
    ("fleet", &["policy", "lifecycle"]),
    ("assessment", &["versions", "advisories", "inventory", "matching", "policy", "fleet"]),
    ("change", &["inventory", "policy", "rules"]),
    ("protocol", &["inventory", "ledger", "lifecycle", "change", "fleet", "assessment"]),
];
const ADAPTERS: &[&str] = &["connectors", "documents", "feeds", "host", "rollout", "store"];

/// Fails if a manifest names a crate that its floor may not know.
pub(crate) fn check(root: &Path) -> Result<()> {
    let own: Vec<&str> = CORE.iter().map(|(name, _)| *name).chain(ADAPTERS.iter().copied()).collect();
    for (floor, names) in
        [("core", CORE.iter().map(|(name, _)| *name).collect::<Vec<_>>()), ("adapters", ADAPTERS.to_vec())]
    {
        let mut found: Vec<String> = std::fs::read_dir(root.join(floor))?
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        found.sort();
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        if found != names {
            bail!("the crates in {floor}/ are {found:?}, the list of floors says {names:?}");
        }
    }
    for (name, allowed) in CORE {
        let used = dependencies(&root.join("core").join(name).join("Cargo.toml"))?;
        if let Some(bad) = used.iter().find(|used| own.contains(&used.as_str()) && !allowed.contains(&used.as_str())) {
            bail!("core/{name} may not use {bad}");
        }
        if let Some(bad) = used
            .iter()
            .find(|used| ["tokio", "reqwest", "clap", "tracing", "memmap2", "sea-orm"].contains(&used.as_str()))
        {
            bail!("core/{name} may not use {bad}: core does not touch the world");
        }
    }
    for name in ADAPTERS {
        let used = dependencies(&root.join("adapters").join(name).join("Cargo.toml"))?;
        if let Some(bad) = used.iter().find(|used| ADAPTERS.contains(&used.as_str()) || used.as_str() == "clap") {
            bail!("adapters/{name} may not use {bad}");
        }
    }
    Ok(())
}

/// The names under `[dependencies]`.
fn dependencies(manifest: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(manifest).with_context(|| manifest.display().to_string())?;
    let section = text.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or_default();
    Ok(section
        .lines()
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}
