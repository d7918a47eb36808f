//! apt and dpkg: Debian, Ubuntu and what is made of them.

use super::{Driver, kept, rebuilt, wait_for_lock};
use crate::root::{CommandError, Root};
use change::Upgrade;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

pub(super) const DRIVER: Driver =
    Driver { id: "apt", is_there, repair, closure, download, keep, install, restore, state, hand };

/// Configuration files keep what somebody wrote; the lock of others is waited for.
const OPTIONS: &[&str] = &[
    "-y",
    "-q",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "DPkg::Lock::Timeout=120",
    "-o",
    "APT::Get::AutomaticRemove=false",
];

/// Configures what is unpacked.
const CONFIGURE: &[&str] = &["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"];

fn is_there(root: &Root) -> bool {
    root.below("var/lib/dpkg/status").exists() && root.below("usr/bin/apt-get").exists()
}

/// Waits until nobody holds dpkg's lock: apt waits for it, and dpkg itself does not.
fn wait_for_others(root: &Root) {
    wait_for_lock(&root.below("var/lib/dpkg/lock-frontend"));
}

fn repair(root: &Root, log: &mut File) -> Result<bool, CommandError> {
    wait_for_others(root);
    let is_cut = std::fs::read_dir(root.below("var/lib/dpkg/updates")).is_ok_and(|mut files| files.next().is_some());
    let is_broken = is_cut || !root.run(&["dpkg", "--audit"], log)?.trim().is_empty();
    if is_broken {
        // What waits for a package that was not reached yet cannot be configured: what apt brings for it makes it whole.
        let configured = root.run(CONFIGURE, log);
        let fixed = root.run(&[&["apt-get"], OPTIONS, &["--fix-broken", "install"]].concat(), log);
        if fixed.is_err() {
            configured?;
            root.run(CONFIGURE, log)?;
        }
        fixed?;
    }
    Ok(is_broken)
}

/// `package=version`, as apt-get takes it.
fn pinned(upgrades: &[Upgrade]) -> Vec<String> {
    upgrades.iter().map(|upgrade| format!("{}={}", upgrade.package, upgrade.to)).collect()
}

fn with<'w>(words: &[&[&'w str]], more: &'w [String]) -> Vec<&'w str> {
    words.concat().into_iter().chain(more.iter().map(String::as_str)).collect()
}

fn closure(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<Vec<Upgrade>, CommandError> {
    if upgrades.is_empty() {
        return Ok(Vec::new());
    }
    let pinned = pinned(upgrades);
    let told = root.run(&with(&[&["apt-get"], OPTIONS, &["--no-remove", "--simulate", "install"]], &pinned), log)?;
    Ok(told.lines().filter_map(installed).collect())
}

/// What apt-get says that it would install: `Inst NAME [OLD] (NEW SUITE [ARCHITECTURE])`.
fn installed(line: &str) -> Option<Upgrade> {
    let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    let (before, rest) = rest.split_once('(')?;
    let from = before.trim().strip_prefix('[').and_then(|before| before.strip_suffix(']')).map(str::to_owned);
    let (inside, _) = rest.split_once(')')?;
    let to = inside.split(' ').next()?.to_owned();
    let architecture = inside.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    let package = match architecture {
        Some(architecture) if architecture != "all" && !name.contains(':') => format!("{name}:{architecture}"),
        _ => name.to_owned(),
    };
    Some(Upgrade { package, from, to })
}

fn download(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<(), CommandError> {
    let pinned = pinned(upgrades);
    let words: &[&[&str]] = &[&["apt-get"], OPTIONS, &["--no-remove", "--download-only", "install"]];
    root.run(&with(words, &pinned), log).map(|_| ())
}

fn install(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<(), CommandError> {
    let (pinned, automatic) = (pinned(upgrades), automatic(root, upgrades, log)?);
    let installed = root.run(&with(&[&["apt-get"], OPTIONS, &["--no-remove", "install"]], &pinned), log);
    // Whoever is named counts as asked for: what came for others stays what it was, whatever became of the rest.
    let marked = mark(root, &automatic, log);
    installed?;
    marked
}

/// Those of some packages that are there for others alone; what is new is.
fn automatic(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<Vec<String>, CommandError> {
    let known: BTreeSet<String> = root.run(&["apt-mark", "showauto"], log)?.lines().map(str::to_owned).collect();
    let is_automatic = |upgrade: &&Upgrade| {
        let name = bare(&upgrade.package);
        upgrade.from.is_none() || known.contains(name) || known.contains(&upgrade.package)
    };
    Ok(upgrades.iter().filter(is_automatic).map(|upgrade| upgrade.package.clone()).collect())
}

fn mark(root: &Root, automatic: &[String], log: &mut File) -> Result<(), CommandError> {
    if automatic.is_empty() {
        return Ok(());
    }
    root.run(&with(&[&["apt-mark", "auto"]], automatic), log).map(|_| ())
}

fn keep(root: &Root, upgrades: &[Upgrade], folder: &str, log: &mut File) -> Result<(), CommandError> {
    let installed = upgrades.iter().filter_map(|upgrade| Some((upgrade.package.as_str(), upgrade.from.as_deref()?)));
    let installed: Vec<(&str, &str)> = installed.collect();
    let mut missing = Vec::new();
    for one in installed {
        if !is_cached(root, one, folder, log)? {
            missing.push(one);
        }
    }
    fetch(root, &missing, folder, log)?;
    for one in missing {
        if kept_file(&root.below(folder), one).is_none() {
            rebuilt::build(root, one, folder, log)?;
        }
    }
    kept::keep(root, &conffiles(root, upgrades, log)?, folder, log)?;
    // What is kept must be there after a power cut too.
    root.run(&["sync", "--file-system", "--", folder], log).map(|_| ())
}

/// The file of a package in a folder, if it is there.
fn kept_file(folder: &Path, (package, version): (&str, &str)) -> Option<String> {
    let begins = format!("{}_{}_", bare(package), version.replace(':', "%3a"));
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find(|file| file.strip_prefix(&begins).is_some_and(|rest| rest.ends_with(".deb")))
}

fn bare(package: &str) -> &str {
    package.split(':').next().unwrap_or_default()
}

/// Whether the package's file is kept as it was installed, or was in the cache.
fn is_cached(root: &Root, one: (&str, &str), folder: &str, log: &mut File) -> Result<bool, CommandError> {
    if kept_file(&root.below(folder), one).is_some() {
        return Ok(true);
    }
    let Some(file) = kept_file(&root.below("var/cache/apt/archives"), one) else { return Ok(false) };
    let (cached, part) = (format!("/var/cache/apt/archives/{file}"), format!("{folder}/{file}.part"));
    root.run(&["cp", "--archive", "--", &cached, &part], log)?;
    root.run(&["mv", "--", &part, &format!("{folder}/{file}")], log)?;
    Ok(true)
}

/// Fetches into a folder what the repositories have still of some packages, all of it at once: where they cannot be reached it is
/// waited for once. What does not come is made of what is installed.
fn fetch(root: &Root, packages: &[(&str, &str)], folder: &str, log: &mut File) -> Result<(), CommandError> {
    if packages.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = packages.iter().map(|(package, _)| (*package).to_owned()).collect();
    // `name | version | where`, of what repositories have, not of what is installed.
    let told = root.run(&with(&[&["apt-cache", "madison", "--"]], &names), log).unwrap_or_default();
    let offered: BTreeSet<(&str, &str)> = told
        .lines()
        .filter_map(|line| line.split_once('|'))
        .filter_map(|(name, rest)| Some((name.trim(), rest.split('|').next()?.trim())))
        .collect();
    let is_offered = |(package, version): &&(&str, &str)| offered.contains(&(bare(package), *version));
    let wanted: Vec<String> =
        packages.iter().filter(is_offered).map(|(package, version)| format!("{package}={version}")).collect();
    if !wanted.is_empty() {
        // What is there in part counts as not there.
        let fetched = format!("{folder}/fetched");
        root.run(&["mkdir", "--parents", "--", &fetched], log)?;
        let chdir = format!("--chdir={fetched}");
        match root.run(&with(&[&["env", &chdir, "apt-get", "-q", "download", "--"]], &wanted), log) {
            Ok(_) | Err(CommandError::Ended { .. }) => {}
            Err(error) => return Err(error),
        }
        for one in packages {
            if let Some(file) = kept_file(&root.below(&fetched), *one) {
                root.run(&["mv", "--", &format!("{fetched}/{file}"), folder], log)?;
            }
        }
        root.run(&["rm", "--recursive", "--force", "--", &fetched], log)?;
    }
    Ok(())
}

/// The configuration files of those of some packages that are installed.
fn conffiles(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<BTreeSet<String>, CommandError> {
    let mut paths = BTreeSet::new();
    for upgrade in upgrades {
        let words = ["dpkg-query", "--show", "--showformat=${Conffiles}\\n", &upgrade.package];
        let told = match root.run(&words, log) {
            Ok(told) => told,
            // It is not installed.
            Err(CommandError::Ended { .. }) => continue,
            Err(error) => return Err(error),
        };
        let path = |line: &str| line.trim().split(' ').next().filter(|path| path.starts_with('/')).map(str::to_owned);
        paths.extend(told.lines().filter_map(path));
    }
    Ok(paths)
}

fn restore(root: &Root, upgrades: &[Upgrade], folder: &str, log: &mut File) -> Result<(), CommandError> {
    wait_for_others(root);
    // What was cut short is finished or not; either way the versions before are put over it.
    let _ = root.run(CONFIGURE, log);
    let after = conffiles(root, upgrades, log)?;
    let automatic = automatic(root, upgrades, log)?;
    let kept = std::fs::read_dir(root.below(folder)).into_iter().flatten().flatten();
    let kept = kept.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|file| file.ends_with(".deb"));
    let mut files: Vec<String> = kept.map(|file| format!("{folder}/{file}")).collect();
    files.sort();
    let is_new = |upgrade: &&Upgrade| upgrade.from.is_none();
    let new: Vec<String> = upgrades.iter().filter(is_new).map(|upgrade| upgrade.package.clone()).collect();
    let words: Vec<String> = files.iter().cloned().chain(new.iter().map(|package| format!("{package}-"))).collect();
    let options = ["--allow-downgrades", "--reinstall", "--purge", "install"];
    // What others have put there since and needs the newer version is theirs: nothing of it goes.
    let simulated = root.run(&with(&[&["apt-get"], OPTIONS, &["--simulate"], &options], &words), log);
    let names: Vec<&str> = new.iter().map(|package| bare(package)).collect();
    let goes = |line: &str| line.strip_prefix("Remv ").or_else(|| line.strip_prefix("Purg ")).map(str::to_owned);
    let gone = simulated.iter().flat_map(|told| told.lines()).filter_map(goes);
    let mut gone = gone.filter_map(|rest| Some(bare(rest.split(' ').next()?).to_owned()));
    if let Some(package) = gone.find(|package| !names.contains(&package.as_str())) {
        return Err(CommandError::Refused { what: format!("{package} needs the newer version, and would be removed") });
    }
    if root.run(&with(&[&["apt-get"], OPTIONS, &options], &words), log).is_err() {
        put_over(root, (&files, &new), log)?;
    }
    let came_with = |upgrade: &&Upgrade| upgrade.from.is_some();
    let stays: BTreeSet<&String> = upgrades.iter().filter(came_with).map(|upgrade| &upgrade.package).collect();
    mark(root, &automatic.into_iter().filter(|package| stays.contains(package)).collect::<Vec<_>>(), log)?;
    kept::restore(root, &after, folder, log)
}

/// Puts the versions before over whatever is there, all of them together: between two states apt plans nothing. What is there then is
/// whole again, or the package manager says that it is not.
fn put_over(root: &Root, (files, new): (&[String], &[String]), log: &mut File) -> Result<(), CommandError> {
    let forced = "--force-downgrade,depends,confdef,confold,overwrite";
    let unpacked = root.run(&with(&[&["dpkg", forced, "--install"]], files), log);
    if unpacked.is_err() {
        // Once all are unpacked, what one waited for is there.
        root.run(&with(&[&["dpkg", forced, "--install"]], files), log)?;
    }
    if !new.is_empty() {
        root.run(&with(&[&["dpkg", "--force-depends", "--purge"]], new), log)?;
    }
    root.run(CONFIGURE, log)?;
    root.run(&["apt-get", "check"], log).map(|_| ())
}

fn state(root: &Root, log: &mut File) -> Result<String, CommandError> {
    root.run(&["dpkg-query", "--show", "--showformat=${binary:Package} ${Version} ${db:Status-Status}\\n"], log)
}

/// Its own history: entries with empty lines between them, the newest last.
const HISTORY: &str = "var/log/apt/history.log";

fn hand(root: &Root, upgrade: &Upgrade, _: &mut File) -> Option<String> {
    hand_in(&std::fs::read_to_string(root.below(HISTORY)).ok()?, upgrade)
}

/// `Upgrade: libc6:amd64 (2.36-9, 2.36-10), …` below `Commandline: …`.
fn hand_in(history: &str, upgrade: &Upgrade) -> Option<String> {
    let brought = |entry: &&str| {
        let lines = entry.lines().filter_map(|line| line.split_once(": "));
        let mut lines = lines.filter(|(key, _)| ["Install", "Upgrade", "Reinstall", "Downgrade"].contains(key));
        lines.any(|(_, all)| {
            all.split("), ").filter_map(|one| one.split_once(" (")).any(|(package, versions)| {
                let versions = versions.trim_end_matches(')').split(", ").filter(|word| *word != "automatic");
                bare(package) == bare(&upgrade.package) && versions.last() == Some(upgrade.to.as_str())
            })
        })
    };
    let entry = history.split("\n\n").filter(brought).last()?;
    let field = |name: &str| entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let words = field("Commandline").unwrap_or("a program without a command line");
    Some(match (words.contains("unattended-upgrade"), field("Requested-By")) {
        (true, _) => "unattended-upgrades".to_owned(),
        (false, Some(who)) => format!("`{words}` of {who}"),
        (false, None) => format!("`{words}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::{hand_in, installed};
    use change::Upgrade;

    #[test]
    fn who_brought_a_version_stands_in_the_history() {
        let history = "\nStart-Date: 2026-01-01  06:00:00\nCommandline: /usr/bin/unattended-upgrade\nUpgrade: libssl3:amd64 (3.0.11-1, 3.0.15-1), openssl:amd64 (3.0.11-1, 3.0.15-1)\nEnd-Date: 2026-01-01  06:00:09\n\nStart-Date: 2026-01-02  06:00:00\nCommandline: apt-get install curl\nRequested-By: eva (1000)\nInstall: libcurl4:amd64 (7.88.1-10, automatic), curl:amd64 (7.88.1-10)\nEnd-Date: 2026-01-02  06:00:09\n";
        let by = |package: &str, to: &str| {
            hand_in(history, &Upgrade { package: package.to_owned(), from: None, to: to.to_owned() })
        };
        assert_eq!(by("openssl", "3.0.15-1").as_deref(), Some("unattended-upgrades"));
        assert_eq!(by("libcurl4:amd64", "7.88.1-10").as_deref(), Some("`apt-get install curl` of eva (1000)"));
        assert_eq!(by("openssl", "3.0.11-1"), None, "that it came from");
        assert_eq!(by("libc6:amd64", "1"), None);
    }

    #[test]
    fn what_apt_would_install_is_read_from_its_lines() {
        let read = |line: &str| installed(line).map(|upgrade| (upgrade.package, upgrade.from, upgrade.to));
        let own = |package: &str, from: Option<&str>, to: &str| {
            Some((package.to_owned(), from.map(str::to_owned), to.to_owned()))
        };
        let line = "Inst libperl5.36 [5.36.0-7] (5.36.0-8 Debian-Security:12/oldstable-security [amd64]) [perl:amd64 ]";
        assert_eq!(read(line), own("libperl5.36:amd64", Some("5.36.0-7"), "5.36.0-8"));
        let line = "Inst perl-modules-5.36 [5.36.0-7] (5.36.0-8 Debian-Security:12/oldstable-security [all])";
        assert_eq!(read(line), own("perl-modules-5.36", Some("5.36.0-7"), "5.36.0-8"));
        assert_eq!(read("Inst new (1:2-1 Debian:12/stable [amd64])"), own("new:amd64", None, "1:2-1"));
        assert_eq!(
            read("Inst libc6:i386 [2.35] (2.36 Debian:12/stable [i386])"),
            own("libc6:i386", Some("2.35"), "2.36")
        );
        assert_eq!(read("Conf libc6 (2.36 Debian:12/stable [amd64])"), None);
        assert_eq!(read("Remv old [1.0]"), None);
    }
}
