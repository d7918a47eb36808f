//! rpm, below whichever program chooses what it installs: what is there, what is kept, and how that comes back.

mod header;

use super::{kept, wait_for_lock};
use crate::root::{CommandError, Root};
use change::Upgrade;
use inventory::host::Kernel;
use inventory::{Package, PackageType};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use versions::Scheme;

/// Where its database lies.
const DATABASES: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// What rpm leaves beside a file that somebody wrote.
const BESIDE: &[&str] = &["", ".rpmnew", ".rpmsave", ".rpmorig"];
/// Package and version as [`state`] writes them.
const FORMAT: &str = "%{NAME}:%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n";

pub(super) fn is_there(root: &Root) -> bool {
    let forms = ["rpmdb.sqlite", "Packages.db", "Packages"];
    root.below("usr/bin/rpm").exists()
        && DATABASES.iter().any(|folder| forms.iter().any(|file| root.below(folder).join(file).exists()))
}

/// Waits until nobody holds its lock: it does not wait by itself.
pub(super) fn wait_for_others(root: &Root) {
    DATABASES.iter().for_each(|folder| wait_for_lock(&root.below(folder).join(".rpm.lock")));
}

/// A package's name, and its architecture if it is told with one.
pub(super) fn parts(package: &str) -> (&str, Option<&str>) {
    package.split_once(':').map_or((package, None), |(name, architecture)| (name, Some(architecture)))
}

/// A version of a package as all of these programs take it: `name-epoch:version-release.architecture`.
pub(super) fn exactly(package: &str, version: &str) -> String {
    match parts(package) {
        (name, Some(architecture)) => format!("{name}-{version}.{architecture}"),
        (name, None) => format!("{name}-{version}"),
    }
}

/// How its file is called, which leaves the epoch out.
fn file_name(package: &str, version: &str) -> String {
    let plain = version.split_once(':').map_or(version, |(_, plain)| plain);
    format!("{}.rpm", exactly(package, plain))
}

/// Whether several versions of a package lie beside each other: a new kernel replaces none.
pub(super) fn lies_beside(package: &str) -> bool {
    let (name, architecture) = parts(package);
    let mut known = Package::new(PackageType::Rpm, "", name, "1-1", "");
    known.architecture = architecture.unwrap_or_default().into();
    Kernel::of(&known).is_some()
}

pub(super) fn state(root: &Root, log: &mut File) -> Result<String, CommandError> {
    let mut lines: Vec<String> = query(root, log)?.lines().map(str::to_owned).collect();
    lines.sort();
    Ok(lines.into_iter().map(|line| line + "\n").collect())
}

fn query(root: &Root, log: &mut File) -> Result<String, CommandError> {
    root.run(&["rpm", "--query", "--all", "--queryformat", FORMAT], log)
}

/// The versions that are installed, by their packages; of keys nobody asks.
pub(super) fn installed(root: &Root, log: &mut File) -> Result<BTreeMap<String, Vec<String>>, CommandError> {
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (package, version) in state(root, log)?.lines().filter_map(|line| line.split_once(' ')) {
        // An epoch of nothing is none.
        let version = version.strip_prefix("0:").unwrap_or(version);
        known.entry(package.to_owned()).or_default().push(version.to_owned());
    }
    known.retain(|package, _| !package.starts_with("gpg-pubkey:"));
    Ok(known)
}

/// Whether a version of a package is among those.
pub(super) fn has(installed: &BTreeMap<String, Vec<String>>, (package, version): (&str, &str)) -> bool {
    let is_it = |(known, versions): (&String, &Vec<String>)| {
        let is_own = known == package || parts(known).0 == package;
        is_own && versions.iter().any(|known| known == version)
    };
    installed.iter().any(is_it)
}

/// An upgrade that was cut short leaves two versions of one package: the older one goes. A database that a crash left behind is
/// made anew.
pub(super) fn repair(root: &Root, log: &mut File) -> Result<bool, CommandError> {
    wait_for_others(root);
    let mut is_broken = false;
    if query(root, log).is_err() {
        is_broken = true;
        root.run(&["rpm", "--rebuilddb"], log)?;
    }
    for (package, mut versions) in installed(root, log)? {
        if versions.len() < 2 || lies_beside(&package) {
            continue;
        }
        is_broken = true;
        // What cannot be compared was no version of its own making.
        versions.sort_by(|one, other| Scheme::Rpm.compare(one, other).unwrap_or(std::cmp::Ordering::Equal));
        versions.pop();
        for version in versions {
            root.run(&["rpm", "--erase", "--nodeps", &exactly(&package, &version)], log)?;
        }
    }
    Ok(is_broken)
}

/// Says no where a script of a package failed: rpm itself calls that a warning.
pub(super) fn check_scripts(words: &[&str], told: String) -> Result<String, CommandError> {
    let is_failed = |line: &&str| line.contains("scriptlet failed") || line.contains("Error in POST");
    let failed: Vec<&str> = told.lines().filter(is_failed).collect();
    match failed.is_empty() {
        true => Ok(told),
        false => {
            // What the script itself said stands before that.
            let said = told.trim().to_owned();
            Err(CommandError::Said { words: words.iter().map(|word| (*word).to_owned()).collect(), said })
        }
    }
}

/// Where programs keep what they fetched.
fn caches(root: &Root) -> Vec<PathBuf> {
    let below = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let dnf = below(root.below("var/cache/dnf")).map(|folder| folder.join("packages"));
    // A repository may have a folder for each architecture.
    let zypp: Vec<PathBuf> = below(root.below("var/cache/zypp/packages")).collect();
    let inner = zypp.iter().flat_map(|folder| below(folder.clone())).filter(|path| path.is_dir());
    dnf.chain(inner).chain(zypp.iter().cloned()).collect()
}

/// The upgrades that replace something which has to be kept, with what that is.
fn replaced(upgrades: &[Upgrade]) -> impl Iterator<Item = (&str, &str)> {
    let replaces = upgrades.iter().filter(|upgrade| !lies_beside(&upgrade.package));
    replaces.filter_map(|upgrade| Some((upgrade.package.as_str(), upgrade.from.as_deref()?)))
}

/// Copies into a folder what lies in caches of some packages; says which do not.
fn keep_cached<'u>(
    root: &Root,
    wanted: Vec<(&'u str, &'u str)>,
    folder: &str,
    log: &mut File,
) -> Result<Vec<(&'u str, &'u str)>, CommandError> {
    let caches = caches(root);
    let mut missing = Vec::new();
    for (package, version) in wanted {
        let file = file_name(package, version);
        let (into, kept) = (root.below(folder).join(&file), format!("{folder}/{file}"));
        let failed = |source| CommandError::File { path: into.clone(), source };
        if is_whole(root, &kept, log)? {
            continue;
        }
        if let Some(path) = caches.iter().map(|cache| cache.join(&file)).find(|path| path.exists()) {
            copy(&path, &into).map_err(failed)?;
        }
        // A fetch that was cut short leaves a part, in the folder and in caches, under the name of the whole.
        if into.exists() && !is_whole(root, &kept, log)? {
            std::fs::remove_file(&into).map_err(failed)?;
        }
        if !into.exists() {
            missing.push((package, version));
        }
    }
    log_missing(&missing, log)?;
    Ok(missing)
}

/// Whether a package's file is there, and all of it: as its own digests say, whoever signed it.
fn is_whole(root: &Root, path: &str, log: &mut File) -> Result<bool, CommandError> {
    if !root.below(path).exists() {
        return Ok(false);
    }
    root.ask(&["rpm", "--checksig", "--nosignature", path], log).map(|(status, ..)| status.success())
}

fn log_missing(missing: &[(&str, &str)], log: &mut File) -> Result<(), CommandError> {
    use std::io::Write;
    let mut lines = missing.iter().map(|(package, version)| format!("in no cache: {}", exactly(package, version)));
    lines.try_for_each(|line| writeln!(log, "{line}")).map_err(|source| CommandError::Log { source })
}

/// What is there in part counts as not there.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let part = to.with_extension("part");
    std::fs::copy(from, &part)?;
    File::open(&part)?.sync_all()?;
    std::fs::rename(&part, to)
}

/// Keeps what is needed to go back: the package's file of a cache, or of the archive, which `fetch` asks into the caches or the folder;
/// else its header and its files as they are.
pub(super) fn keep(
    root: &Root,
    (upgrades, folder): (&[Upgrade], &str),
    fetch: impl Fn(&[String], &mut File) -> Result<(), CommandError>,
    log: &mut File,
) -> Result<(), CommandError> {
    let mut missing = keep_cached(root, replaced(upgrades).collect(), folder, log)?;
    if !missing.is_empty() {
        let wanted: Vec<String> = missing.iter().map(|(package, version)| exactly(package, version)).collect();
        match fetch(&wanted, log) {
            Ok(()) | Err(CommandError::Ended { .. }) => {}
            Err(error) => return Err(error),
        }
        missing = keep_cached(root, missing, folder, log)?;
    }
    for one in missing {
        header::keep(root, one, folder, log)?;
    }
    kept::keep(root, &configuration(root, upgrades, log)?, folder, log)?;
    // What is kept must be there after a power cut too.
    root.run(&["sync", "--file-system", "--", folder], log).map(|_| ())
}

/// The configuration files of those of some packages that are installed, and what rpm may have left beside them.
fn configuration(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<BTreeSet<String>, CommandError> {
    let mut paths = BTreeSet::new();
    for upgrade in upgrades {
        for version in upgrade.from.iter().chain([&upgrade.to]) {
            let words = ["rpm", "--query", "--configfiles", &exactly(&upgrade.package, version)];
            let told = match root.run(&words, log) {
                Ok(told) => told,
                // It is not installed.
                Err(CommandError::Ended { .. }) => continue,
                Err(error) => return Err(error),
            };
            let files = told.lines().filter(|line| line.starts_with('/'));
            paths.extend(files.flat_map(|file| BESIDE.iter().map(move |end| format!("{file}{end}"))));
        }
    }
    Ok(paths)
}

/// What stands in the way of something, by rpm's own test, but for what these packages need of each other.
fn hindrance(
    root: &Root,
    words: &[&str],
    own: &BTreeSet<&str>,
    log: &mut File,
) -> Result<Option<String>, CommandError> {
    let said = match root.run(words, log) {
        Ok(_) => return Ok(None),
        Err(CommandError::Ended { said, .. }) => said,
        Err(error) => return Err(error),
    };
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with(['\t', ' '])).map(str::trim).collect();
    let needs_own = |line: &&&str| {
        // `case-a >= 2 is needed by (installed) case-b-2-1.noarch`
        let by = line.rsplit_once("is needed by (installed) ").map(|(_, by)| by);
        by.is_some_and(|by| own.iter().any(|name| is_of(by, name)))
    };
    match lines.iter().find(|line| !needs_own(line)) {
        Some(line) => Ok(Some((*line).to_owned())),
        None if lines.is_empty() => Ok(Some(said)),
        None => Ok(None),
    }
}

/// Whether `name-version-release.architecture` is of a package of this name.
fn is_of(full: &str, name: &str) -> bool {
    full.rsplit_once('-').and_then(|(rest, _)| rest.rsplit_once('-')).is_some_and(|(own, _)| own == name)
}

/// Brings back what was kept in a folder; what is new goes.
pub(super) fn restore(root: &Root, upgrades: &[Upgrade], folder: &str, log: &mut File) -> Result<(), CommandError> {
    wait_for_others(root);
    if query(root, log).is_err() {
        root.run(&["rpm", "--rebuilddb"], log)?;
    }
    let there = installed(root, log)?;
    let files = configuration(root, upgrades, log)?;
    let own: BTreeSet<&str> = upgrades.iter().map(|upgrade| parts(&upgrade.package).0).collect();
    let mut kept: Vec<String> = Vec::new();
    let mut headers = Vec::new();
    for (package, version) in replaced(upgrades) {
        let file = format!("{folder}/{}", file_name(package, version));
        match root.below(&file).exists() {
            true => kept.push(file),
            false => headers.push((package, version)),
        }
    }
    let is_new = |upgrade: &&Upgrade| upgrade.from.is_none() || lies_beside(&upgrade.package);
    let new = upgrades.iter().filter(is_new).filter(|new| has(&there, (&new.package, &new.to)));
    let new: Vec<String> = new.map(|upgrade| exactly(&upgrade.package, &upgrade.to)).collect();
    let all = |begins: &[&'static str], rest: &[String]| -> Vec<String> {
        begins.iter().map(|word| (*word).to_owned()).chain(rest.iter().cloned()).collect()
    };
    let run = |words: Vec<String>, log: &mut File| root.run(&words.iter().map(String::as_str).collect::<Vec<_>>(), log);
    const BACK: &[&str] = &["rpm", "--upgrade", "--oldpackage", "--replacepkgs", "--replacefiles", "--nosignature"];
    let both: Vec<String> = kept.iter().cloned().chain(headers.iter().map(|one| header::file(folder, *one))).collect();
    let tests = [
        (!both.is_empty()).then(|| all(&[BACK, &["--test", "--justdb", "--nodigest"]].concat(), &both)),
        (!new.is_empty()).then(|| all(&["rpm", "--erase", "--test"], &new)),
    ];
    // What others have put there since and needs the newer version is theirs: nothing is broken that is not of the order.
    for words in tests.into_iter().flatten() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Some(what) = hindrance(root, &words, &own, log)? {
            return Err(CommandError::Refused { what });
        }
    }
    if !kept.is_empty() {
        run(all(&[BACK, &["--nodeps"]].concat(), &kept), log)?;
    }
    for one in headers {
        header::restore(root, one, folder, log)?;
    }
    if !new.is_empty() {
        run(all(&["rpm", "--erase", "--nodeps"], &new), log)?;
    }
    // Of packages that were cut short both versions may be there.
    repair_back(root, upgrades, log)?;
    kept::restore(root, &files, folder, log)
}

/// Takes out what an upgrade that was cut short left beside the version before.
fn repair_back(root: &Root, upgrades: &[Upgrade], log: &mut File) -> Result<(), CommandError> {
    let there = installed(root, log)?;
    for upgrade in upgrades.iter().filter(|upgrade| !lies_beside(&upgrade.package)) {
        let Some(from) = &upgrade.from else { continue };
        if from != &upgrade.to && has(&there, (&upgrade.package, from)) && has(&there, (&upgrade.package, &upgrade.to))
        {
            root.run(&["rpm", "--erase", "--nodeps", &exactly(&upgrade.package, &upgrade.to)], log)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{exactly, file_name, is_of, lies_beside};

    #[test]
    fn packages_are_named_as_rpm_names_them() {
        assert_eq!(exactly("bind-libs:x86_64", "32:9.16.23-1.el9"), "bind-libs-32:9.16.23-1.el9.x86_64");
        assert_eq!(exactly("bind", "9-1"), "bind-9-1");
        assert_eq!(file_name("bind-libs:x86_64", "32:9.16.23-1.el9"), "bind-libs-9.16.23-1.el9.x86_64.rpm");
        assert!(is_of("case-a-1.0-1.noarch", "case-a"));
        assert!(!is_of("case-a-b-1.0-1.noarch", "case-a"));
        assert!(lies_beside("kernel-core:x86_64") && !lies_beside("kernel-tools:x86_64"));
    }
}
