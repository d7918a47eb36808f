//! A fix that is on disk but not in memory is not a fix.

use crate::{Fix, Match, Verdict};
use inventory::{Inventory, Package, PackageType};
use versions::Scheme;

/// Marks kernels that do not run, and turns what a newer installed kernel fixes into "restart pending".
pub(crate) fn mark(matches: &mut [Match], inventory: &Inventory) {
    let Some(host) = &inventory.host else { return };
    let (Some(running), Some(newest)) = (&host.running_kernel, &host.newest_kernel) else { return };
    let is_newest =
        |package: &&Package| inventory::host::kernel_release(package).is_some_and(|(release, _)| release == *newest);
    let newest_version = inventory.packages.iter().find(is_newest).map(version_to_compare);
    for found in matches {
        let package = &inventory.packages[found.package];
        let Some((release, _)) = inventory::host::kernel_release(package) else { continue };
        if release != *running {
            found.is_idle_kernel = host.running_kernel_version.is_some();
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

/// Debian's statements speak of the source's version, RPM's of the package's own.
fn version_to_compare(package: &Package) -> &str {
    let source = package.source.as_ref().filter(|_| package.kind == PackageType::Deb);
    source.map_or(package.version.as_str(), |source| source.version.as_str())
}
