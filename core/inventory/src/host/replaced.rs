//! Which version of which package a replaced file was of, by dpkg's lists of files and its log.

use crate::changelog::seconds;
use crate::directory::Directory;
use crate::model::{Inventory, Package, PackageType, SourcePackage, StaleProcess};
use ecow::{EcoString, eco_format};
use std::collections::{BTreeMap, HashMap};
use versions::Scheme;

const FILES: &str = "var/lib/dpkg/info";
const LOGS: &str = "var/log";
/// dpkg's log has the host's own time without its zone: so much may it be off.
const ZONE_SECONDS: i64 = 14 * 3600;

/// An upgrade in dpkg's log.
struct Upgrade {
    at: i64,
    from: EcoString,
}

/// What is known of replaced files.
pub(super) struct Replaced<'i> {
    inventory: &'i Inventory,
    /// Files without `/usr`, which is merged on most hosts, with the place of their package.
    owners: HashMap<String, usize>,
    /// By name and architecture, the oldest first.
    upgrades: HashMap<(EcoString, EcoString), Vec<Upgrade>>,
    /// What still runs: place of the package on disk and old version, with those who run it.
    found: BTreeMap<(usize, EcoString), Vec<String>>,
}

impl<'i> Replaced<'i> {
    pub(super) fn read(root: &Directory, inventory: &'i Inventory) -> Self {
        let mut replaced = Self { inventory, owners: HashMap::new(), upgrades: HashMap::new(), found: BTreeMap::new() };
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        for (at, package) in inventory.packages.iter().enumerate().filter(|(_, own)| own.kind == PackageType::Deb) {
            places.insert((&package.name, &package.architecture), at);
            places.insert((&package.name, ""), at);
        }
        // What cannot be read leaves a process unexplained, which is a finding of its own.
        for entry in root.list(FILES).unwrap_or_default() {
            let Some(name) = entry.name.strip_suffix(".list") else { continue };
            let (name, architecture) = name.split_once(':').unwrap_or((name, ""));
            let Some(place) = places.get(&(name, architecture)) else { continue };
            let Ok(Some(files)) = root.read(&format!("{FILES}/{}", entry.name), 64 << 20) else { continue };
            for file in
                String::from_utf8_lossy(&files).lines().filter(|file| file.contains(".so") || file.contains("bin/"))
            {
                replaced.owners.insert(merged(file).to_owned(), *place);
            }
        }
        for entry in root.list(LOGS).unwrap_or_default().into_iter().filter(|entry| entry.name.starts_with("dpkg.log"))
        {
            let Ok(Some(bytes)) = root.read(&format!("{LOGS}/{}", entry.name), 256 << 20) else { continue };
            let Ok(bytes) = crate::unpack(bytes, crate::Limits { bytes: 256 << 20 }) else { continue };
            String::from_utf8_lossy(&bytes).lines().for_each(|line| replaced.add_upgrade(line));
        }
        replaced.upgrades.values_mut().for_each(|all| all.sort_by_key(|upgrade| upgrade.at));
        replaced
    }

    /// `2025-06-24 14:36:25 upgrade libsystemd0:amd64 252.36-1~deb12u1 252.38-1~deb12u1`
    fn add_upgrade(&mut self, line: &str) {
        let mut words = line.split(' ');
        let (Some(day), Some(time), Some("upgrade"), Some(name), Some(from)) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return;
        };
        let Some(at) = instant(day, time) else { return };
        let (name, architecture) = name.split_once(':').unwrap_or((name, ""));
        self.upgrades.entry((name.into(), architecture.into())).or_default().push(Upgrade { at, from: from.into() });
    }

    /// Notes that a process which started at an instant runs a file; `false` if nobody can say of which version.
    pub(super) fn note(&mut self, file: &str, started: Option<i64>, process: &StaleProcess) -> bool {
        let Some(version) = self.version_of(file, started) else { return false };
        let who = process.unit.clone().unwrap_or_else(|| format!("{} ({})", process.command, process.pid));
        let all = self.found.entry(version).or_default();
        if !all.contains(&who) {
            all.push(who);
        }
        true
    }

    /// The package and version that was on disk when a process started: where the zone leaves a choice, the older one.
    fn version_of(&self, file: &str, started: Option<i64>) -> Option<(usize, EcoString)> {
        let place = *self.owners.get(merged(file))?;
        let package = &self.inventory.packages[place];
        let upgrades = self.upgrades.get(&(package.name.clone(), package.architecture.clone()))?;
        let after = started? - ZONE_SECONDS;
        let upgrade = upgrades.iter().find(|upgrade| upgrade.at >= after)?;
        Scheme::Debian.check(&upgrade.from).ok()?;
        Some((place, upgrade.from.clone()))
    }

    /// The packages of which an older version still runs.
    pub(super) fn into_packages(self) -> Vec<Package> {
        let Self { inventory, found, .. } = self;
        let still = |((place, version), who): ((usize, EcoString), Vec<String>)| {
            let mut package = inventory.packages[place].clone();
            package.source = package.source.as_ref().map(|source| SourcePackage {
                name: source.name.clone(),
                version: source_version(source, &package, &version),
            });
            package.version = version;
            package.still_runs = Some(eco_format!("restart {}", who.join(", ")));
            package
        };
        found.into_iter().map(still).collect()
    }
}

/// The source version of an older binary: rebuilds (`+b1`) and epochs differ from it in the same way as they do now.
fn source_version(source: &SourcePackage, now: &Package, old: &str) -> EcoString {
    if source.version == now.version {
        return old.into();
    }
    let rebuilt = old.rsplit_once("+b").filter(|(_, count)| count.bytes().all(|byte| byte.is_ascii_digit()));
    let plain = rebuilt.map_or(old, |(plain, _)| plain);
    match (now.version.split_once(':'), source.version.contains(':')) {
        (Some((epoch, _)), false) => plain.strip_prefix(&format!("{epoch}:")).unwrap_or(plain).into(),
        _ => plain.into(),
    }
}

/// `/usr/lib/x.so` and `/lib/x.so` are one file where `/usr` is merged.
fn merged(file: &str) -> &str {
    file.strip_prefix("/usr").unwrap_or(file)
}

/// `2025-06-24` and `14:36:25`, taken as UTC → seconds since 1970.
fn instant(day: &str, time: &str) -> Option<i64> {
    let mut parts = day.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let mut clock = time.split(':').map(|part| part.parse().ok().filter(|part: &i64| (0..=60).contains(part)));
    let clock = clock.next()?? * 3600 + clock.next()?? * 60 + clock.next()??;
    Some(seconds(year, month, day)? + clock)
}
