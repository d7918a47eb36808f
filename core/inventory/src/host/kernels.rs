//! Kernels: which are installed, under which release each would run, and which one does.

use crate::directory::Directory;
use crate::model::{HostFacts, Inventory, Package, PackageType, SourcePackage};
use ecow::{EcoString, eco_format};
use std::cmp::Ordering;
use versions::Scheme;

/// An installed kernel, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The release strings (`uname -r`) under which it may run.
    pub releases: Vec<String>,
    /// What tells kernels of one line from those of another: `-cloud-amd64`, `kernel-rt`, `linux-lts`.
    pub line: String,
    /// Whether it is the kernel itself, and not its modules or headers.
    pub is_image: bool,
}

impl Kernel {
    /// The kernel that a package is, or is a part of.
    #[must_use]
    pub fn of(package: &Package) -> Option<Self> {
        match package.kind {
            PackageType::Deb => of_debian(&package.name),
            PackageType::Rpm => of_rpm(package),
            PackageType::Apk => of_alpine(package),
            _ => None,
        }
    }

    /// Whether a kernel of this release string is this one.
    #[must_use]
    pub fn runs_as(&self, release: &str) -> bool {
        self.releases.iter().any(|own| own == release)
    }
}

/// `linux-image-6.1.0-18-amd64`, signed or not; metapackages (`linux-image-amd64`) and debug builds are none.
fn of_debian(name: &str) -> Option<Kernel> {
    const PARTS: &[&str] = &["linux-modules-extra-", "linux-modules-", "linux-headers-"];
    let image = name.strip_prefix("linux-image-unsigned-").or_else(|| name.strip_prefix("linux-image-"));
    let part = || PARTS.iter().find_map(|prefix| name.strip_prefix(prefix));
    let release = image.or_else(part)?.trim_end_matches("-unsigned");
    let is_real = release.starts_with(|first: char| first.is_ascii_digit()) && !release.ends_with("-dbg");
    is_real.then(|| Kernel {
        releases: vec![release.to_owned()],
        line: flavour(release).to_owned(),
        is_image: image.is_some(),
    })
}

/// What follows the version in a release string: `-amd64`, `-cloud-amd64`, `-generic`.
fn flavour(release: &str) -> &str {
    let is_flavour = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && !part.starts_with("bpo") && !part.starts_with("rc")
    };
    release.match_indices('-').find(|(at, _)| is_flavour(&release[at + 1..])).map_or("", |(at, _)| &release[at..])
}

/// Kernels of RPM distributions by what follows `kernel-` in their names.
const RPM_FLAVOURS: &[&str] = &[
    "",
    "64k",
    "64kb",
    "azure",
    "cloud",
    "debug",
    "default",
    "kvmsmall",
    "longterm",
    "lpae",
    "lt",
    "ml",
    "pae",
    "PAE",
    "preempt",
    "rt",
    "rt-64k",
    "rt-debug",
    "uek",
    "uek-debug",
    "vanilla",
    "virt",
];

fn of_rpm(package: &Package) -> Option<Kernel> {
    let stem = match package.name.as_str() {
        // Photon
        "linux" | "linux-esx" | "linux-rt" => package.name.as_str(),
        name => name.strip_prefix("kernel")?,
    };
    // Red Hat ships the kernel itself as `-core`, SUSE a smaller one as `-base`.
    const PARTS: &[&str] = &["-modules-extra", "-modules-core", "-modules", "-devel"];
    let part = PARTS.iter().find_map(|part| stem.strip_suffix(part));
    let stem = part.unwrap_or(stem).trim_end_matches("-core").trim_end_matches("-base");
    let flavour = stem.strip_prefix('-').unwrap_or_default();
    // `kernel6.12` is a line of its own.
    let is_numbered = !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_photon = package.name.starts_with("linux");
    if !(is_numbered || is_photon || (stem.is_empty() || !flavour.is_empty()) && RPM_FLAVOURS.contains(&flavour)) {
        return None;
    }
    let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
    let architecture = &package.architecture;
    // SUSE leaves the count of rebuilds out of the release, and names the flavour instead of the architecture.
    let without_rebuild = version.rsplit_once('.').map_or(version, |(version, _)| version);
    let flavour = if is_photon { package.name.trim_start_matches("linux").trim_start_matches('-') } else { flavour };
    let releases = match package.ecosystem.contains("SUSE") {
        true => vec![format!("{without_rebuild}-{flavour}")],
        false => vec![
            format!("{version}.{architecture}"),
            format!("{version}.{architecture}+{flavour}"),
            format!("{version}-{flavour}"),
            version.to_owned(),
        ],
    };
    Some(Kernel { releases, line: format!("kernel{stem}"), is_image: part.is_none() })
}

/// `linux-lts` 6.6.32-r0 runs as `6.6.32-0-lts`.
fn of_alpine(package: &Package) -> Option<Kernel> {
    const FLAVOURS: &[&str] =
        &["asahi", "edge", "edge4virt", "elm", "gru", "lts", "rpi", "rpi2", "rpi4", "stable", "starfive", "virt"];
    let flavour = package.name.strip_prefix("linux-").filter(|flavour| FLAVOURS.contains(flavour))?;
    let (version, revision) = package.version.rsplit_once("-r")?;
    let releases = vec![format!("{version}-{revision}-{flavour}")];
    Some(Kernel { releases, line: package.name.to_string(), is_image: true })
}

/// An installed kernel with what is compared of it.
struct Installed {
    place: usize,
    kernel: Kernel,
    scheme: Scheme,
}

/// Finds the running kernel among the installed ones, and the newest of its line. What runs and is no longer on disk
/// becomes a package that still runs.
pub(super) fn collect(root: &Directory, facts: &mut HostFacts, inventory: &mut Inventory) {
    let Some(running) = facts.running_kernel.clone() else { return };
    let installed = installed(inventory);
    facts.has_kernels = !installed.is_empty();
    let version = |own: &Installed| inventory.packages[own.place].version.as_str();
    let by_version = |a: &&Installed, b: &&Installed| {
        // INVARIANT: versions of one line have one scheme and were checked, so this is a total order.
        a.scheme.compare(version(a), version(b)).unwrap_or(Ordering::Equal)
    };
    let own = installed.iter().find(|own| own.kernel.runs_as(&running));
    let line = own.map(|own| own.kernel.line.clone());
    // Alpine keeps one version on disk: the running one is told by its flavour.
    let replaced = installed.iter().find(|installed| {
        inventory.packages[installed.place].kind == PackageType::Apk
            && running.ends_with(installed.kernel.line.trim_start_matches("linux"))
    });
    let line = line.or_else(|| replaced.map(|installed| installed.kernel.line.clone()));
    let line = line.unwrap_or_else(|| flavour(&running).to_owned());
    let newest = installed.iter().filter(|installed| installed.kernel.line == line).max_by(by_version);
    facts.newest_kernel = newest.and_then(|newest| newest.kernel.releases.first().cloned());
    let Some(newest) = newest else { return };
    let newest_package = &inventory.packages[newest.place];
    let words = format!("{} {}", newest_package.name, newest_package.version);
    let (old, version) = match (own, replaced) {
        (Some(own), _) => (own, version_in_memory(root, inventory, own)),
        (None, Some(replaced)) => {
            let number = running.trim_end_matches(replaced.kernel.line.trim_start_matches("linux"));
            (replaced, number.rsplit_once('-').map(|(version, revision)| eco_format!("{version}-r{revision}")))
        }
        (None, None) => return,
    };
    let package = &inventory.packages[old.place];
    facts.running_kernel_version = Some(version.as_ref().unwrap_or(&package.version).to_string());
    let is_rebuilt = version.is_some();
    if own.is_none_or(|own| !newest.kernel.releases.iter().any(|release| own.kernel.runs_as(release))) || is_rebuilt {
        let what = match is_rebuilt {
            true => format!("the running kernel is {running} of another build, the newest installed one is {words}"),
            false => format!(
                "the running kernel is {running}, the newest installed one is {}",
                facts.newest_kernel.as_deref().unwrap_or_default()
            ),
        };
        let patched = match facts.live_patches.is_empty() {
            true => String::new(),
            false => format!(" (live-patched by {})", facts.live_patches.join(", ")),
        };
        facts.reboot_reasons.push(format!("{what}{patched}"));
    }
    if let Some(version) = version {
        let mut still = package.clone();
        still.source = still.source.map(|source| SourcePackage { name: source.name, version: version.clone() });
        still.version = version;
        still.still_runs = Some(eco_format!("reboot into the installed {words}; {running} is running"));
        inventory.packages.push(still);
    }
}

fn installed(inventory: &Inventory) -> Vec<Installed> {
    let all = inventory.packages.iter().enumerate().filter_map(|(place, package)| {
        let kernel = Kernel::of(package).filter(|kernel| kernel.is_image)?;
        let scheme = match package.kind {
            PackageType::Deb => Scheme::Debian,
            PackageType::Apk => Scheme::Alpine,
            _ => Scheme::Rpm,
        };
        scheme.check(&package.version).ok().map(|()| Installed { place, kernel, scheme })
    });
    all.collect()
}

/// The version of the kernel in memory where it is another than that of the package of its release: Debian rebuilds a
/// kernel under the same release. `/proc/version` ends in `Debian 6.1.76-1 (2024-02-01)`.
fn version_in_memory(root: &Directory, inventory: &Inventory, own: &Installed) -> Option<EcoString> {
    let package = &inventory.packages[own.place];
    let text = root.read("proc/version", 1 << 16).ok().flatten()?;
    let text = String::from_utf8_lossy(&text);
    let (_, rest) = text.rsplit_once(" Debian ")?;
    let version = rest.split([' ', ')']).next()?;
    let is_other = package.kind == PackageType::Deb && own.scheme.compare(version, &package.version).ok()?.is_ne();
    is_other.then(|| version.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(kind: PackageType, ecosystem: &str, name: &str, version: &str, architecture: &str) -> Package {
        let mut package = Package::new(kind, ecosystem, name, version, "x");
        package.architecture = architecture.into();
        package
    }

    #[test]
    fn packages_are_told_as_the_kernels_that_run() {
        for (kind, ecosystem, name, version, release) in [
            (PackageType::Deb, "Debian:12", "linux-image-6.1.0-18-amd64", "6.1.76-1", "6.1.0-18-amd64"),
            (PackageType::Deb, "Debian:12", "linux-image-6.1.0-18-amd64-unsigned", "6.1.76-1", "6.1.0-18-amd64"),
            (
                PackageType::Deb,
                "Ubuntu:24.04:LTS",
                "linux-image-unsigned-6.8.0-31-generic",
                "6.8.0-31.31",
                "6.8.0-31-generic",
            ),
            (PackageType::Rpm, "Red Hat:9", "kernel-core", "5.14.0-362.8.1.el9_3", "5.14.0-362.8.1.el9_3.x86_64"),
            (PackageType::Rpm, "Red Hat:9", "kernel-rt-core", "5.14.0-362.8.1.el9_3", "5.14.0-362.8.1.el9_3.x86_64+rt"),
            (PackageType::Rpm, "Oracle Linux:8", "kernel-uek", "5.4.17-2136.el8uek", "5.4.17-2136.el8uek.x86_64"),
            (PackageType::Rpm, "Amazon Linux:2023", "kernel6.12", "6.12.1-1.amzn2023", "6.12.1-1.amzn2023.x86_64"),
            (
                PackageType::Rpm,
                "SUSE:Linux Enterprise Server 15 SP4",
                "kernel-default",
                "5.3.18-150300.59.49.1",
                "5.3.18-150300.59.49-default",
            ),
            (PackageType::Rpm, "openSUSE:Tumbleweed", "kernel-default", "6.6.7-1.1", "6.6.7-1-default"),
            (PackageType::Rpm, "Photon OS:4.0", "linux-esx", "5.10.1-1.ph4", "5.10.1-1.ph4-esx"),
            (PackageType::Apk, "Alpine:v3.20", "linux-lts", "6.6.32-r0", "6.6.32-0-lts"),
        ] {
            let kernel = Kernel::of(&package(kind, ecosystem, name, version, "x86_64"));
            assert!(
                kernel.as_ref().is_some_and(|kernel| kernel.is_image && kernel.runs_as(release)),
                "{name}: {kernel:?}"
            );
        }
        for (kind, name) in [
            (PackageType::Deb, "linux-image-amd64"),
            (PackageType::Deb, "linux-image-6.1.0-18-amd64-dbg"),
            (PackageType::Rpm, "kernel-headers"),
            (PackageType::Rpm, "kernel-tools"),
            (PackageType::Rpm, "kernel-srpm-macros"),
            (PackageType::Apk, "linux-headers"),
            (PackageType::Apk, "linux-firmware-none"),
        ] {
            assert_eq!(Kernel::of(&package(kind, "x", name, "1-r1", "x86_64")), None, "{name}");
        }
        assert!(
            Kernel::of(&package(PackageType::Deb, "x", "linux-modules-6.8.0-31-generic", "1", "x"))
                .is_some_and(|own| !own.is_image)
        );
    }

    #[test]
    fn lines_keep_kernels_apart() {
        assert_eq!(flavour("6.1.0-18-cloud-amd64"), "-cloud-amd64");
        assert_eq!(flavour("6.8.0-31-generic"), "-generic");
        let line = |name: &str| Kernel::of(&package(PackageType::Rpm, "x", name, "1-1", "x")).expect("a kernel").line;
        assert_ne!(line("kernel-uek-core"), line("kernel-core"));
        assert_eq!(line("kernel-core"), line("kernel"));
    }
}
