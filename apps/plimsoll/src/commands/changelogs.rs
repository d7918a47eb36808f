//! The changelogs of pending updates: apt fetches the packages, and their own changelogs say which vulnerabilities they fix.

use crate::progress::say;
use anyhow::{Context, Result};
use assessment::Changelog;
use ecow::EcoString;
use inventory::{Inventory, PendingUpdate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many packages of one source are tried: some only link to another's changelog.
const TRIES: usize = 3;

/// Fetches, for every source with a pending update, its smallest package, and reads the changelog inside.
///
/// What cannot be fetched is a problem of the inventory. The packages are removed again.
pub(super) fn collect(inventory: &mut Inventory, is_quiet: bool) -> Result<Vec<Changelog>> {
    if Command::new("apt-get").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        anyhow::bail!("`--changelogs` needs apt, which is not on this system");
    }
    let mut waiting: BTreeMap<(EcoString, EcoString), Vec<PendingUpdate>> = BTreeMap::new();
    for update in &inventory.pending {
        waiting.entry((update.source.name.clone(), update.source.version.clone())).or_default().push(update.clone());
    }
    waiting.values_mut().for_each(|updates| updates.sort_by_key(|update| update.size_bytes));
    let mut found = Vec::new();
    for round in 0..TRIES {
        let chosen: Vec<&PendingUpdate> = waiting.values().filter_map(|updates| updates.get(round)).collect();
        if chosen.is_empty() {
            break;
        }
        if !is_quiet {
            let megabytes = chosen.iter().map(|update| update.size_bytes).sum::<u64>().div_ceil(1 << 20);
            say(&format!("Fetching {} packages with apt for their changelogs ({megabytes} MiB) …", chosen.len()));
        }
        let folder = OwnFolder::create()?;
        let files = download(&chosen, &folder.path)?;
        let mut read: Vec<(EcoString, EcoString)> = Vec::new();
        for update in chosen {
            let text = files.iter().find(|file| is_file_of(file, update)).and_then(|file| std::fs::read(file).ok());
            let Some(text) = text.and_then(|bytes| inventory::changelog::of_package_file(&bytes)) else { continue };
            found.push(changelog(inventory, update, &text));
            read.push((update.source.name.clone(), update.source.version.clone()));
        }
        drop(folder);
        waiting.retain(|key, _| !read.contains(key));
    }
    for (source, version) in waiting.into_keys() {
        inventory.problem(
            format!("changelog of {source} {version}"),
            "apt fetched no package with it, so what the update fixes is not known",
        );
    }
    Ok(found)
}

/// A folder that nobody else made or can write to, removed when it is no longer needed.
struct OwnFolder {
    path: PathBuf,
}

impl OwnFolder {
    fn create() -> Result<Self> {
        use std::hash::{BuildHasher, RandomState};
        use std::os::unix::fs::DirBuilderExt;
        // A name that nobody can guess; one that is there already, a link too, is an error.
        let name = format!("plimsoll-changelogs-{:016x}", RandomState::new().hash_one(std::process::id()));
        let path = std::env::temp_dir().join(name);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("failed to create `{}`", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        // What cannot be removed does no harm there.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn changelog(inventory: &Inventory, update: &PendingUpdate, text: &str) -> Changelog {
    let installed = inventory
        .packages
        .iter()
        .find(|package| package.name == update.name && package.architecture == update.architecture);
    let installed = installed
        .and_then(|package| package.source.as_ref())
        .map_or(update.installed.as_str(), |source| source.version.as_str());
    let part = inventory::changelog::newer_than(text, &update.source.name, &update.source.version, installed);
    let instant = |at: Option<i64>| at.and_then(|at| jiff::Timestamp::from_second(at).ok());
    let vulnerabilities = part.vulnerabilities.into_iter().map(|(id, at)| (id, instant(at))).collect();
    Changelog { source: part.source, version: part.version, at: instant(part.at), vulnerabilities }
}

/// `apt-get download name:arch=version …`: words only, no shell. One package that fails does not keep the others.
fn download(updates: &[&PendingUpdate], folder: &Path) -> Result<Vec<PathBuf>> {
    let run = |words: &[String]| {
        let mut command = Command::new("apt-get");
        command.args(["download", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", "--"]).args(words);
        command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().context("failed to run apt-get")
    };
    let words: Vec<String> =
        updates.iter().map(|update| format!("{}:{}={}", update.name, update.architecture, update.candidate)).collect();
    if !run(&words)?.success() {
        for word in &words {
            run(std::slice::from_ref(word))?;
        }
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("failed to list `{}`", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// apt names the file `name_version_arch.deb`, with colons encoded.
fn is_file_of(file: &Path, update: &PendingUpdate) -> bool {
    let wanted = format!("{}_{}_", update.name, update.candidate.replace(":", "%3a"));
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&wanted))
}
