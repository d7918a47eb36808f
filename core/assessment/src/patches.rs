//! Patches: one upgrade with all that it resolves.

mod command;

use crate::findings::{Carrier, Finding, Kind, is_distribution};
use advisories::Family;
use ecow::EcoString;
use inventory::host::Kernel;
use inventory::{Inventory, PackageType, PendingUpdate};
use jiff::Timestamp;
use matching::Fix;
use std::collections::{BTreeMap, BTreeSet};
use versions::Scheme;

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
    /// Whether the host's own repositories offer it now, for all packages concerned; none if they were not looked at.
    pub is_offered: Option<bool>,
    /// Whether the patch is on disk, and what its name says has to be restarted.
    pub is_restart: bool,
    /// The version that each package needs, by its place in the inventory.
    needs: BTreeMap<usize, EcoString>,
    /// Those of them that an update brings there.
    reached: BTreeSet<usize>,
    /// Packages of other names that bring the patch.
    instead: Vec<EcoString>,
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

/// What tells patches apart: kind, name, whether there is a version to reach.
type Key = (Option<PackageType>, EcoString, bool);

/// Groups findings by the upgrade that resolves them, and returns the pending updates that none of them is about.
pub(crate) fn group(inventory: &Inventory, findings: &[Finding], now: Timestamp) -> (Vec<Patch>, Vec<PendingUpdate>) {
    let mut patches: BTreeMap<Key, Patch> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        let mut keys: Vec<Key> = Vec::new();
        for carrier in &finding.carriers {
            let key = key_of(inventory, carrier);
            let patch = patches.entry(key.clone()).or_insert_with(|| Patch::empty(&key, finding));
            patch.add(inventory, carrier, now);
            keys.push(key);
        }
        if finding.carriers.is_empty() {
            let key = (None, EcoString::from(finding.id.as_str()), false);
            let patch = patches
                .entry(key.clone())
                .or_insert_with(|| Patch { name: finding.title.as_str().into(), ..Patch::empty(&key, finding) });
            patch.is_restart = finding.kind == Kind::Restart;
            patch.owe(finding.deadline.due, now);
            keys.push(key);
        }
        keys.sort();
        keys.dedup();
        keys.iter().filter_map(|key| patches.get_mut(key).map(|patch| patch.add_finding(at, finding))).count();
    }
    let mut patches: Vec<Patch> = patches.into_values().collect();
    let mut other = Vec::new();
    for update in &inventory.pending {
        let mut is_taken = false;
        for patch in patches.iter_mut().filter(|patch| patch.is_of_distribution()) {
            is_taken |= patch.take(inventory, update);
        }
        if !is_taken {
            // The repositories have something newer, and not yet what is needed.
            other.push(update.clone());
        }
    }
    let native = command::native_architecture(inventory);
    for patch in &mut patches {
        patch.packages.sort();
        patch.packages.dedup();
        if inventory.has_repository_metadata && patch.is_of_distribution() {
            patch.is_offered = Some(patch.needs.keys().all(|place| patch.reached.contains(place)));
        }
        patch.command = command::of(patch, inventory, native);
    }
    patches.sort_by(|a, b| {
        let key = |patch: &Patch| {
            (patch.due.unwrap_or(Timestamp::MAX), patch.class.0, std::cmp::Reverse(patch.findings.len()))
        };
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    (patches, other)
}

/// The upgrade that a carrier needs; what is on disk already needs a restart.
fn key_of(inventory: &Inventory, carrier: &Carrier) -> Key {
    if let Some(what) = &carrier.restart {
        return (None, EcoString::from(what.as_str()), false);
    }
    let kind = carrier.package.map(|place| inventory.packages[place].kind);
    let is_own = kind.is_some_and(|kind| !is_distribution(kind));
    let has_fix = matches!(carrier.fix, Fix::Available(_));
    (kind, if is_own { carrier.name.clone() } else { carrier.source.clone() }, has_fix)
}

impl Patch {
    fn add(&mut self, inventory: &Inventory, carrier: &Carrier, now: Timestamp) {
        self.packages.push((carrier.name.clone(), carrier.version.clone()));
        self.owe(carrier.due, now);
        self.is_restart |= carrier.restart.is_some();
        let (Fix::Available(version), None) = (&carrier.fix, &carrier.restart) else { return };
        let scheme = carrier
            .package
            .and_then(|place| Family::of(&inventory.packages[place].ecosystem))
            .map(|family| family.scheme);
        raise(&mut self.target, version, scheme);
        if let Some(place) = carrier.package {
            let mut needed = self.needs.remove(&place);
            raise(&mut needed, version, scheme);
            self.needs.extend(needed.map(|needed| (place, needed)));
        }
    }

    /// Takes in an update of one of its packages, if it brings what is needed there. A kernel's patch comes as a package
    /// of another name, by way of the package that always asks for the newest.
    fn take(&mut self, inventory: &Inventory, update: &PendingUpdate) -> bool {
        let is_kernel = |place: &usize| Kernel::of(&inventory.packages[*place]).is_some();
        let of_kernel = || self.name == update.source.name && self.needs.keys().any(is_kernel);
        let mut places: Vec<usize> = Vec::new();
        for (place, needed) in &self.needs {
            let package = &inventory.packages[*place];
            let is_same = package.name == update.name && package.architecture == update.architecture;
            if !(is_same || is_kernel(place) && of_kernel()) {
                continue;
            }
            // Debian's fixed versions are the source's; RPM's and apk's are the package's own.
            let version = if self.kind == Some(PackageType::Deb) { &update.source.version } else { &update.candidate };
            let scheme = Family::of(&package.ecosystem).map(|family| family.scheme);
            // What only a changelog names needs no other version than the update's.
            if scheme.is_none_or(|scheme| scheme.compare(version, needed).is_ok_and(std::cmp::Ordering::is_ge)) {
                places.push(*place);
            }
        }
        if places.is_empty() {
            return false;
        }
        if places.iter().any(|place| inventory.packages[*place].name != update.name) {
            self.instead.push(update.name.clone());
        }
        let scheme = Family::of(&inventory.packages[places[0]].ecosystem).map(|family| family.scheme);
        raise(&mut self.target, &update.source.version, scheme);
        self.reached.extend(places);
        true
    }

    fn empty(key: &Key, finding: &Finding) -> Self {
        Self {
            name: key.1.clone(),
            kind: key.0,
            packages: Vec::new(),
            target: None,
            is_offered: None,
            is_restart: false,
            needs: BTreeMap::new(),
            reached: BTreeSet::new(),
            instead: Vec::new(),
            findings: Vec::new(),
            due: None,
            class: (finding.deadline.rank, finding.deadline.class.clone()),
            is_overdue: false,
            command: Vec::new(),
        }
    }

    /// Whether it is one that a distribution's repositories offer.
    fn is_of_distribution(&self) -> bool {
        self.target.is_some() && self.kind.is_some_and(is_distribution)
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

/// Keeps the higher of two versions.
fn raise(known: &mut Option<EcoString>, version: &EcoString, scheme: Option<Scheme>) {
    let is_higher = match (known.as_ref(), scheme) {
        (None, _) => true,
        (Some(known), Some(scheme)) => scheme.compare(version, known).is_ok_and(std::cmp::Ordering::is_gt),
        (Some(_), None) => false,
    };
    if is_higher {
        *known = Some(version.clone());
    }
}
