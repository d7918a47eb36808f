//! An inventory as things: what can be judged by itself, whoever has it.

use crate::findings::Changelog;
use ::fleet::{Kernel as KernelFacts, Offer, Thing};
use inventory::host::Kernel;
use inventory::{Inventory, Package, PackageType, SourcePackage};
use jiff::Timestamp;

/// The things that an inventory has, in order and each once: its packages, what the repositories offer in their place, what
/// has to be restarted, and the release of its distribution.
#[must_use]
pub fn things_of(inventory: &Inventory, changelogs: &[Changelog]) -> Vec<Thing> {
    let kernels = kernels_of(inventory);
    let mut things: Vec<Thing> = inventory.packages.iter().map(|package| thing_of(package, kernels.as_ref())).collect();
    things.extend(offers_of(inventory, changelogs));
    things.extend(restart_of(inventory));
    let applied = |name: &String| Thing { kind: Thing::APPLIED.to_owned(), name: name.clone(), ..Thing::default() };
    things.extend(inventory.applied.iter().map(applied));
    things.extend(inventory.os.as_ref().map(|os| Thing {
        kind: Thing::PLATFORM.to_owned(),
        ecosystem: os.ecosystem().unwrap_or_default(),
        name: platform_of(inventory),
        ..Thing::default()
    }));
    things.sort_unstable();
    things.dedup();
    things
}

/// The operating system in words; empty where there is none.
#[must_use]
pub fn platform_of(inventory: &Inventory) -> String {
    inventory.os.as_ref().map(|os| os.name.clone()).unwrap_or_default()
}

fn kernels_of(inventory: &Inventory) -> Option<KernelFacts> {
    let host = inventory.host.as_ref()?;
    let (running, newest) = (host.running_kernel.clone()?, host.newest_kernel.clone()?);
    let is_newest = |package: &&Package| {
        package.still_runs.is_none()
            && Kernel::of(package).is_some_and(|kernel| kernel.is_image && kernel.runs_as(&newest))
    };
    let newest_package = inventory.packages.iter().find(is_newest).map(|package| {
        let source = package.source.as_ref().map(|source| (source.name.to_string(), source.version.to_string()));
        (package.name.to_string(), package.version.to_string(), source)
    });
    Some(KernelFacts { running, running_version: host.running_kernel_version.clone(), newest, newest_package })
}

fn thing_of(package: &Package, kernels: Option<&KernelFacts>) -> Thing {
    let text = |value: &Option<ecow::EcoString>| value.as_ref().map(ToString::to_string);
    Thing {
        kind: package.kind.name().to_owned(),
        ecosystem: package.ecosystem.to_string(),
        name: package.name.to_string(),
        version: package.version.to_string(),
        architecture: package.architecture.to_string(),
        source: package.source.as_ref().map(|source| (source.name.to_string(), source.version.to_string())),
        module: text(&package.module),
        vendor: text(&package.vendor),
        still_runs: text(&package.still_runs),
        // Only of a kernel it matters which one runs.
        kernel: kernels.filter(|_| Kernel::of(package).is_some()).cloned().map(Box::new),
        ..Thing::default()
    }
}

/// What the repositories offer as security updates, each beside the package that it would replace.
fn offers_of<'a>(inventory: &'a Inventory, changelogs: &'a [Changelog]) -> impl Iterator<Item = Thing> + 'a {
    let pending = inventory
        .pending
        .iter()
        .filter(|update| update.holds_security_fix || !changelogs.is_empty() || !update.fixes.is_empty());
    pending.filter_map(|update| {
        let is_its = |package: &&Package| {
            package.name == update.name
                && package.architecture == update.architecture
                && package.version == update.installed
                && package.still_runs.is_none()
                && package.kind.language_ecosystem().is_none()
        };
        let package = inventory.packages.iter().find(is_its)?;
        let changelog = changelogs.iter().find(|changelog| changelog.source == update.source.name);
        let fixes: Vec<(String, Option<i64>)> = changelog
            .into_iter()
            .flat_map(|changelog| &changelog.vulnerabilities)
            .map(|(id, at)| (id.clone(), at.map(Timestamp::as_second)))
            .chain(update.fixes.iter().cloned())
            .collect();
        if fixes.is_empty() && !update.holds_security_fix {
            return None;
        }
        Some(Thing {
            since: changelog.and_then(|changelog| changelog.at).map(Timestamp::as_second).or(update.published_at),
            offer: Some(Box::new(Offer {
                version: update.candidate.to_string(),
                source: (update.source.name.to_string(), update.source.version.to_string()),
                suite: update.suite.clone(),
                size_bytes: update.size_bytes,
                advisories: update.advisories.clone(),
                fixes,
            })),
            ..thing_of(package, None)
        })
    })
}

/// What has to be restarted for reasons that no package explains. Kernels and replaced libraries of packages are judged by
/// their versions.
fn restart_of(inventory: &Inventory) -> Option<Thing> {
    let host = inventory.host.as_ref()?;
    let processes: Vec<_> = host.stale_processes.iter().filter(|process| !process.is_explained).collect();
    let mut words = Vec::new();
    if host.is_reboot_asked {
        words.push("a reboot is owed".to_owned());
    }
    match processes.len() {
        0 => {}
        1 => words.push("1 process still runs files that have been replaced".to_owned()),
        count => words.push(format!("{count} processes still run files that have been replaced")),
    }
    let since = processes.iter().filter_map(|process| process.since);
    let since = since.chain(host.reboot_since.filter(|_| host.is_reboot_asked)).min();
    let (kind, name) = (Thing::RESTART.to_owned(), "running programs".to_owned());
    (!words.is_empty()).then(|| Thing { kind, name, restart: words.join(", "), since, ..Thing::default() })
}

/// The package that a thing is; none for a release.
pub(super) fn package_of(thing: &Thing) -> Option<Package> {
    let kind = PackageType::from_name(&thing.kind)?;
    let mut package = Package::new(kind, &thing.ecosystem, &thing.name, &thing.version, "");
    package.architecture = thing.architecture.as_str().into();
    package.source = thing
        .source
        .as_ref()
        .map(|(name, version)| SourcePackage { name: name.as_str().into(), version: version.as_str().into() });
    package.module = thing.module.as_deref().map(Into::into);
    package.vendor = thing.vendor.as_deref().map(Into::into);
    package.still_runs = thing.still_runs.as_deref().map(Into::into);
    Some(package)
}
