//! Patches: one upgrade with all that it resolves.

use crate::findings::{Finding, is_distribution};
use advisories::Family;
use ecow::EcoString;
use inventory::{Inventory, PackageType, PendingUpdate};
use jiff::Timestamp;
use matching::Fix;
use std::collections::BTreeMap;

/// One upgrade that resolves findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The source package (distributions) or package that is upgraded.
    pub name: EcoString,
    /// Its kind.
    pub kind: Option<PackageType>,
    /// The installed packages it concerns: name and installed version.
    pub packages: Vec<(EcoString, EcoString)>,
    /// The version to reach; none if no patch exists.
    pub target: Option<EcoString>,
    /// Whether the host's own repositories offer it now; none if they were not looked at.
    pub is_offered: Option<bool>,
    /// Where its findings stand in the assessment's list, the most urgent first.
    pub findings: Vec<usize>,
    /// The earliest due date among them.
    pub due: Option<Timestamp>,
    /// The strictest class among them, with its rank.
    pub class: (usize, String),
    /// Whether one of them is overdue.
    pub is_overdue: bool,
    /// What to run, as words of a command; empty where there is nothing to run.
    pub command: Vec<String>,
}

type Key = (Option<PackageType>, EcoString, bool);

/// Groups findings by the upgrade that resolves them, and returns the pending updates that none of them is about.
pub(crate) fn group(inventory: &Inventory, findings: &[Finding], now: Timestamp) -> (Vec<Patch>, Vec<PendingUpdate>) {
    let mut patches: BTreeMap<Key, Patch> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        let mut keys: Vec<Key> = Vec::new();
        for carrier in &finding.carriers {
            let kind = carrier.package.map(|place| inventory.packages[place].kind);
            let is_own = kind.is_some_and(|kind| !is_distribution(kind));
            let has_fix = matches!(carrier.fix, Fix::Available(_));
            let key = (kind, if is_own { carrier.name.clone() } else { carrier.source.clone() }, has_fix);
            let patch = patches.entry(key.clone()).or_insert_with(|| Patch::empty(&key, finding));
            patch.packages.push((carrier.name.clone(), carrier.version.clone()));
            patch.owe(carrier.due, now);
            if let Fix::Available(version) = &carrier.fix {
                patch.raise_target(version, carrier.package.map(|place| inventory.packages[place].ecosystem.as_str()));
            }
            keys.push(key);
        }
        if finding.carriers.is_empty() {
            let key = (None, EcoString::from(finding.id.as_str()), false);
            patches
                .entry(key.clone())
                .or_insert_with(|| Patch { name: finding.title.as_str().into(), ..Patch::empty(&key, finding) })
                .owe(finding.deadline.due, now);
            keys.push(key);
        }
        keys.sort();
        keys.dedup();
        keys.iter().filter_map(|key| patches.get_mut(key).map(|patch| patch.add_finding(at, finding))).count();
    }
    let mut patches: Vec<Patch> = patches.into_values().collect();
    for patch in &mut patches {
        patch.packages.sort();
        patch.packages.dedup();
    }
    let mut other = Vec::new();
    for update in &inventory.pending {
        let patch = patches
            .iter_mut()
            .find(|patch| patch.is_of_distribution() && patch.packages.iter().any(|(name, _)| *name == update.name));
        match patch {
            Some(patch) if patch.is_reached_by(inventory, update) => {
                patch.is_offered = Some(true);
                patch.target = Some(update.source.version.clone());
            }
            // The repositories have something newer, and not yet what is needed.
            Some(_) | None => other.push(update.clone()),
        }
    }
    for patch in &mut patches {
        if patch.is_offered.is_none() && inventory.has_repository_metadata && patch.is_of_distribution() {
            patch.is_offered = Some(false);
        }
        patch.command = command(patch);
    }
    patches.sort_by(|a, b| {
        let key = |patch: &Patch| {
            (patch.due.unwrap_or(Timestamp::MAX), patch.class.0, std::cmp::Reverse(patch.findings.len()))
        };
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    (patches, other)
}

impl Patch {
    fn empty(key: &Key, finding: &Finding) -> Self {
        Self {
            name: key.1.clone(),
            kind: key.0,
            packages: Vec::new(),
            target: None,
            is_offered: None,
            findings: Vec::new(),
            due: None,
            class: (finding.deadline.rank, finding.deadline.class.clone()),
            is_overdue: false,
            command: Vec::new(),
        }
    }

    fn raise_target(&mut self, version: &str, ecosystem: Option<&str>) {
        let scheme = ecosystem.and_then(Family::of).map(|family| family.scheme);
        let is_higher = match (&self.target, scheme) {
            (None, _) => true,
            (Some(known), Some(scheme)) => scheme.compare(version, known).is_ok_and(std::cmp::Ordering::is_gt),
            (Some(_), None) => false,
        };
        if is_higher {
            self.target = Some(version.into());
        }
    }

    /// Whether it is one that a distribution's repositories offer.
    fn is_of_distribution(&self) -> bool {
        self.target.is_some() && self.kind.is_some_and(is_distribution)
    }

    /// Whether an update brings the version that resolves all of the patch's findings.
    fn is_reached_by(&self, inventory: &Inventory, update: &PendingUpdate) -> bool {
        let package = inventory.packages.iter().find(|package| package.name == update.name);
        let scheme = package.and_then(|package| Family::of(&package.ecosystem)).map(|family| family.scheme);
        // Debian's fixed versions are the source's; RPM's and apk's are the package's own.
        let version = if self.kind == Some(PackageType::Deb) { &update.source.version } else { &update.candidate };
        match (scheme, &self.target) {
            (Some(scheme), Some(target)) => scheme.compare(version, target).is_ok_and(std::cmp::Ordering::is_ge),
            // What only a changelog names has no other target than the update itself.
            _ => true,
        }
    }

    fn add_finding(&mut self, at: usize, finding: &Finding) {
        self.findings.push(at);
        if finding.deadline.rank < self.class.0 {
            self.class = (finding.deadline.rank, finding.deadline.class.clone());
        }
    }

    /// The earliest due date counts.
    fn owe(&mut self, due: Option<Timestamp>, now: Timestamp) {
        self.due = match (self.due, due) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.is_overdue = self.due.is_some_and(|due| due < now);
    }
}

/// Whether a name or version holds only what the names and versions of packages hold.
fn is_plain(word: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._:~/@^!".contains(&byte);
    !word.is_empty() && !word.starts_with('-') && word.bytes().all(is_usual)
}

/// The words of the command that applies a patch. Names go in as words of their own, never through a shell.
fn command(patch: &Patch) -> Vec<String> {
    let names = || {
        let mut names: Vec<String> = patch.packages.iter().map(|(name, _)| name.to_string()).collect();
        names.sort();
        names.dedup();
        names
    };
    let with = |head: &[&str], tail: Vec<String>| head.iter().map(|word| (*word).to_owned()).chain(tail).collect();
    let Some(target) = &patch.target else { return Vec::new() };
    // A name that could be an option, or no name at all, belongs into no command.
    if !names().iter().map(String::as_str).chain([patch.name.as_str(), target]).all(is_plain) {
        return Vec::new();
    }
    match patch.kind {
        Some(PackageType::Deb) => with(&["apt-get", "install", "--only-upgrade"], names()),
        Some(PackageType::Rpm) => with(&["dnf", "upgrade"], names()),
        Some(PackageType::Apk) => with(&["apk", "add", "--upgrade"], names()),
        Some(PackageType::Npm) => with(&["npm", "install"], vec![format!("{}@{target}", patch.name)]),
        Some(PackageType::PyPi) => with(&["pip", "install"], vec![format!("{}>={target}", patch.name)]),
        Some(PackageType::Cargo) => with(&["cargo", "update", "-p", &patch.name, "--precise", target], Vec::new()),
        Some(PackageType::Golang) if patch.name != "stdlib" => {
            with(&["go", "get"], vec![format!("{}@v{target}", patch.name)])
        }
        Some(PackageType::Gem) => with(&["bundle", "update", &patch.name], Vec::new()),
        Some(PackageType::Composer) => with(&["composer", "update", &patch.name], Vec::new()),
        Some(PackageType::NuGet) => with(&["dotnet", "add", "package", &patch.name, "--version", target], Vec::new()),
        _ => Vec::new(),
    }
}
