//! Facts about a running host that decide risk: kernel, reboot markers, processes that run replaced files.

mod kernels;
mod processes;
mod replaced;

pub use kernels::Kernel;

use crate::directory::Directory;
use crate::model::{HostFacts, Inventory};

/// Reads the facts of the host whose root is given; `/proc` below it must be the running kernel's. Versions of packages that
/// were replaced on disk and still run are added to the inventory.
pub fn collect(root: &Directory, inventory: &mut Inventory) {
    let text = |path: &str| {
        root.read(path, 1 << 20).ok().flatten().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    let mut facts = HostFacts { running_kernel: text("proc/sys/kernel/osrelease"), ..HostFacts::default() };
    facts.live_patches = live_patches(root);
    kernels::collect(root, &mut facts, inventory);
    reboot_markers(root, &mut facts);
    processes::collect(root, &mut facts, inventory);
    inventory.host = Some(facts);
}

/// The live patches that the running kernel says are enabled (kernel documentation, ABI/testing/sysfs-kernel-livepatch).
fn live_patches(root: &Directory) -> Vec<String> {
    const FOLDER: &str = "sys/kernel/livepatch";
    let is_enabled = |name: &String| {
        let told = root.read(&format!("{FOLDER}/{name}/enabled"), 64).ok().flatten();
        told.is_some_and(|told| told.trim_ascii() == b"1")
    };
    let known = root.list(FOLDER).unwrap_or_default().into_iter().map(|entry| entry.name);
    let mut enabled: Vec<String> = known.filter(is_enabled).collect();
    enabled.sort();
    enabled
}

fn reboot_markers(root: &Directory, facts: &mut HostFacts) {
    for marker in ["run/reboot-required", "var/run/reboot-required", "run/reboot-needed"] {
        if !root.exists(marker) {
            continue;
        }
        facts.reboot_since = root.changed_at(marker);
        facts.is_reboot_asked = true;
        let packages = root.read(&format!("{marker}.pkgs"), 1 << 20).ok().flatten().unwrap_or_default();
        let mut names: Vec<String> = String::from_utf8_lossy(&packages).lines().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        let names = if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) };
        facts.reboot_reasons.push(format!("the package manager asks for a reboot{names}"));
        return;
    }
}
