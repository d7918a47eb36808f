//! A fix that is on disk but not in memory is not a fix; a kernel that does not run does no harm.

use crate::{Fix, Match, Suppression, Verdict};
use advisories::vex::Status;
use inventory::host::Kernel;
use inventory::{HostFacts, Inventory, Package, PackageType};
use std::collections::HashSet;
use versions::Scheme;

/// Turns what is fixed on disk only into "restart pending", and sets aside kernels that do not run.
pub(crate) fn mark(matches: &mut Vec<Match>, inventory: &Inventory) {
    mark_replaced(matches, inventory);
    let Some(host) = &inventory.host else { return };
    let (Some(running), Some(newest)) = (&host.running_kernel, &host.newest_kernel) else { return };
    let is_newest = |package: &&Package| {
        package.still_runs.is_none()
            && Kernel::of(package).is_some_and(|kernel| kernel.is_image && kernel.runs_as(newest))
    };
    let newest_version = inventory.packages.iter().find(is_newest).map(version_to_compare);
    for found in matches.iter_mut() {
        let package = &inventory.packages[found.package];
        let Some(kernel) = Kernel::of(package).filter(|_| package.still_runs.is_none()) else { continue };
        if !kernel.runs_as(running) {
            found.is_idle_kernel = host.running_kernel_version.is_some();
            set_aside(found, &kernel, host);
            continue;
        }
        let (Fix::Available(fixed), Some(installed)) = (&found.fix, newest_version) else { continue };
        let scheme = if package.kind == PackageType::Deb { Scheme::Debian } else { Scheme::Rpm };
        let is_on_disk = newest != running && scheme.compare(installed, fixed).is_ok_and(std::cmp::Ordering::is_ge);
        if is_on_disk && found.verdict == Verdict::Affected {
            found.verdict = Verdict::RestartPending {
                what: format!("reboot into the installed kernel {newest}; {running} is running"),
            };
        }
    }
}

/// An old kernel that was left installed does not run, and the next start will not choose it either.
fn set_aside(found: &mut Match, kernel: &Kernel, host: &HostFacts) {
    let is_next = host.newest_kernel.as_ref().is_none_or(|newest| kernel.runs_as(newest));
    if found.is_idle_kernel && !is_next && found.verdict == Verdict::Affected {
        let running = host.running_kernel.as_deref().unwrap_or_default();
        found.verdict = Verdict::Suppressed(Suppression {
            status: Status::NotAffected,
            justification: None,
            by: "this host".to_owned(),
            reason: format!("this kernel is installed and does not run ({running} does): remove it"),
            until: None,
        });
    }
}

/// What was replaced on disk and still runs: if what is installed is affected too, that says it all.
fn mark_replaced(matches: &mut Vec<Match>, inventory: &Inventory) {
    if !inventory.packages.iter().any(|package| package.still_runs.is_some()) {
        return;
    }
    let key = |found: &Match| {
        let package = &inventory.packages[found.package];
        (found.vulnerability, package.kind, package.name.clone(), package.architecture.clone())
    };
    let on_disk: HashSet<_> =
        matches.iter().filter(|found| inventory.packages[found.package].still_runs.is_none()).map(key).collect();
    matches.retain_mut(|found| {
        let Some(what) = &inventory.packages[found.package].still_runs else { return true };
        if found.verdict == Verdict::Affected {
            found.verdict = Verdict::RestartPending { what: what.to_string() };
        }
        !on_disk.contains(&key(found))
    });
}

/// Debian's statements speak of the source's version, RPM's of the package's own.
fn version_to_compare(package: &Package) -> &str {
    let source = package.source.as_ref().filter(|_| package.kind == PackageType::Deb);
    source.map_or(package.version.as_str(), |source| source.version.as_str())
}
