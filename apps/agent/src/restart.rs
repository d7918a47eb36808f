//! Restarting what still runs code that was replaced.

use inventory::Inventory;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Units whose restart ends sessions, or cuts the host off: a reboot is for them.
const SPARED: &[&str] = &[
    "dbus",
    "dbus-broker",
    "systemd-logind",
    "systemd-networkd",
    "NetworkManager",
    "networking",
    "wpa_supplicant",
    "gdm",
    "gdm3",
    "lightdm",
    "sddm",
    "display-manager",
    "plimsoll-agent-orders",
];

/// The units that a restart of helps, by what a look has shown.
fn units(inventory: &Inventory) -> BTreeSet<&str> {
    let stale = inventory.host.iter().flat_map(|host| &host.stale_processes);
    let units = stale.filter_map(|process| process.unit.as_deref());
    units.filter(|unit| may_be_restarted(unit)).collect()
}

fn may_be_restarted(unit: &str) -> bool {
    let Some(name) = unit.strip_suffix(".service") else { return false };
    !name.starts_with("user@") && !name.starts_with('-') && !SPARED.contains(&name)
}

/// Whether something waits that no restart of a service helps.
pub(crate) fn only_a_reboot_helps(inventory: &Inventory) -> bool {
    let Some(host) = &inventory.host else { return false };
    // Whoever has a kernel live-patched wants no reboot for it: when it comes is theirs to say, and until then it waits, visibly.
    if !host.live_patches.is_empty() {
        return false;
    }
    let is_helped = |unit: &Option<String>| unit.as_deref().is_some_and(may_be_restarted);
    !host.reboot_reasons.is_empty() || host.stale_processes.iter().any(|process| !is_helped(&process.unit))
}

/// Restarts the services that run what was replaced, and says what came of each.
pub(crate) fn services(inventory: &Inventory) -> String {
    let restart = |unit: &str| {
        let done = Command::new("systemctl").args(["restart", "--", unit]).stdin(Stdio::null()).output();
        match done {
            Ok(done) if done.status.success() => format!("$ systemctl restart -- {unit}\n"),
            Ok(done) => format!("$ systemctl restart -- {unit}\n{}", String::from_utf8_lossy(&done.stderr)),
            Err(error) => format!("$ systemctl restart -- {unit}\n{error}\n"),
        }
    };
    units(inventory).into_iter().map(restart).collect()
}

/// Reboots the host in a minute, so that what was said is said.
pub(crate) fn reboot() -> anyhow::Result<()> {
    let done =
        Command::new("shutdown").args(["-r", "+1", "a patch needs it (plimsoll)"]).stdin(Stdio::null()).output()?;
    match done.status.success() {
        true => Ok(()),
        false => anyhow::bail!("shutdown ended with {}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim()),
    }
}

#[cfg(test)]
mod tests {
    use super::only_a_reboot_helps;
    use inventory::{HostFacts, Inventory};

    #[test]
    fn a_kernel_that_is_live_patched_is_rebooted_by_no_order() {
        let waits = HostFacts { reboot_reasons: vec!["another kernel".to_owned()], ..HostFacts::default() };
        let of = |host| only_a_reboot_helps(&Inventory { host, ..Inventory::default() });
        assert!(of(Some(waits.clone())));
        assert!(!of(Some(HostFacts { live_patches: vec!["livepatch_1".to_owned()], ..waits })));
        assert!(!of(Some(HostFacts::default())) && !of(None));
    }
}
