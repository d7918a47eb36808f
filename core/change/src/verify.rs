//! Verification: what a fresh inventory shows of an order.

use crate::order::{Order, Upgrade};
use crate::shown::OnDisk;
use inventory::host::Kernel;
use inventory::{HostFacts, Inventory, Package, PackageType};
use serde::Serialize;

/// How an upgrade stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The version is there, and nothing runs another one.
    Verified,
    /// The version is there, and something still runs the one before.
    RestartPending,
    /// The version before is still there.
    Unchanged,
    /// Another version is there.
    Other(String),
    /// The package is not there.
    Gone,
}

/// What a fresh inventory shows of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Each upgrade, and how it stands.
    pub upgrades: Vec<(Upgrade, Standing)>,
    /// What has to be restarted, in words.
    pub restarts: Vec<String>,
    /// Whether what runs is known: not on a root that is only mounted.
    pub is_running_known: bool,
}

impl Verified {
    /// Whether everything that was ordered is on disk.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.upgrades.iter().all(|(_, standing)| matches!(standing, Standing::Verified | Standing::RestartPending))
    }

    /// Whether something still runs what was there before.
    #[must_use]
    pub fn is_restart_pending(&self) -> bool {
        self.upgrades.iter().any(|(_, standing)| *standing == Standing::RestartPending)
    }
}

/// Holds an order against what there is now.
#[must_use]
pub fn verify(order: &Order, inventory: &Inventory) -> Verified {
    let upgrades = order.upgrades.iter().map(|upgrade| (upgrade.clone(), standing(upgrade, inventory))).collect();
    let restarts = inventory.host.as_ref().map(HostFacts::restarts).unwrap_or_default();
    Verified { upgrades, restarts, is_running_known: inventory.host.is_some() }
}

fn standing(upgrade: &Upgrade, inventory: &Inventory) -> Standing {
    let is_own = |package: &&Package| upgrade.is_of(&package.name, &package.architecture);
    let known: Vec<&Package> = inventory.packages.iter().filter(is_own).collect();
    let on_disk: Vec<(&str, bool)> = known
        .iter()
        .filter(|package| package.still_runs.is_none())
        .map(|package| (package.version.as_str(), lies_beside(package)))
        .collect();
    if OnDisk::is_after(&on_disk, upgrade) {
        // What was replaced and still runs is listed beside what is installed.
        let still_runs = known.iter().any(|package| package.still_runs.is_some());
        return if still_runs { Standing::RestartPending } else { Standing::Verified };
    }
    if OnDisk::is_before(&on_disk, upgrade) && !on_disk.is_empty() {
        return Standing::Unchanged;
    }
    match on_disk.iter().find(|(version, _)| *version != upgrade.to) {
        Some((version, _)) => Standing::Other((*version).to_owned()),
        None => Standing::Gone,
    }
}

fn lies_beside(package: &Package) -> bool {
    package.kind == PackageType::Rpm && Kernel::of(package).is_some()
}
