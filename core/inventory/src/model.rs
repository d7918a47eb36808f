//! What an inventory holds.

use crate::os::Os;
use ecow::EcoString;

/// The packages observed on an asset at one instant, plus the facts that decide risk.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// What was read: a host's name, a directory or a file.
    pub subject: String,
    /// Its operating system, where there is one.
    pub os: Option<Os>,
    /// The system's own table of its distribution's releases and their support (`/usr/share/distro-info/*.csv`).
    pub release_table: Option<Vec<u8>>,
    /// Installed packages.
    pub packages: Vec<Package>,
    /// Updates that the host's own repositories offer.
    pub pending: Vec<PendingUpdate>,
    /// Updates that are applied and are no packages, by what people call them (`KB5034441`), in order.
    pub applied: Vec<String>,
    /// Whether repositories' metadata was found; without it nothing can be said about pending updates.
    pub has_repository_metadata: bool,
    /// When the newest of the repositories' metadata was published, in seconds since 1970: they were asked after that.
    pub repository_metadata_at: Option<i64>,
    /// Until when each repository vouches for its metadata, if it says so: its name, and seconds since 1970.
    pub repository_valid_until: Vec<(String, i64)>,
    /// Facts about the running host; none for a directory or document.
    pub host: Option<HostFacts>,
    /// What a document says that it describes: package URLs and other ids of an image or an application.
    pub described: Vec<String>,
    /// The folders of a system below which language packages were looked for; empty where everything was.
    pub folders: Vec<String>,
    /// What was read, with the number of packages in it.
    pub sources: Vec<(String, usize)>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// How many files, documents or entries could not be read, so that what they hold is not known.
    pub unread: usize,
}

/// A kind of package, by the types of the package URL specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the package URL types")]
pub enum PackageType {
    Alpm,
    Apk,
    Bitnami,
    Cargo,
    Composer,
    Conan,
    Cran,
    Deb,
    Gem,
    Generic,
    GitHub,
    Golang,
    Hackage,
    Hex,
    Maven,
    Npm,
    NuGet,
    Opkg,
    Pub,
    PyPi,
    Rpm,
    Swift,
}

/// One installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its kind.
    pub kind: PackageType,
    /// OSV's name of the ecosystem with the release (`Debian:12`, `npm`); empty where nobody publishes data for it.
    pub ecosystem: EcoString,
    /// Its name, as the ecosystem writes it (`group:artifact`, `@scope/name`).
    pub name: EcoString,
    /// Its version, with the epoch for RPM; empty where the source does not say it.
    pub version: EcoString,
    /// Its architecture; may be empty.
    pub architecture: EcoString,
    /// The source package it was built from.
    pub source: Option<SourcePackage>,
    /// The module stream it belongs to (`nodejs:18`).
    pub module: Option<EcoString>,
    /// Who built it, as the package says.
    pub vendor: Option<EcoString>,
    /// Whether the package manager holds it back from upgrades.
    pub is_held: bool,
    /// What the host's repositories say of its updates.
    pub offered: Offered,
    /// The file in which it was found.
    pub location: EcoString,
    /// What has to be restarted until this version, which is no longer on disk, is out of memory too; none for what is
    /// installed.
    pub still_runs: Option<EcoString>,
}

/// What the repositories of a host say of the updates of an installed package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Offered {
    /// None of them offers the package: nothing is known of its updates.
    #[default]
    No,
    /// One offers it, but none that marks what is of security was seen: the release's fixes may lie elsewhere.
    Elsewhere,
    /// One offers it with all its fixes, and does not mark which update is one.
    Unmarked,
    /// One offers it, and marks which update is of security.
    Marked,
}

/// A source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePackage {
    /// Its name.
    pub name: EcoString,
    /// Its version.
    pub version: EcoString,
}

/// An update that a repository offers for an installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingUpdate {
    /// The package.
    pub name: EcoString,
    /// Its architecture.
    pub architecture: EcoString,
    /// The installed version.
    pub installed: EcoString,
    /// The version that the package manager would install.
    pub candidate: EcoString,
    /// The source package of the candidate, with its version.
    pub source: SourcePackage,
    /// The suite or repository that offers it.
    pub suite: String,
    /// Whether a security suite (or a security advisory of the repository) offers this very version.
    pub is_security: bool,
    /// Whether a version up to it came from there: the candidate then holds that fix, whoever offers it.
    pub holds_security_fix: bool,
    /// Advisories that the repository's own metadata names for it.
    pub advisories: Vec<String>,
    /// The vulnerabilities that whoever offers it says it fixes, each with when the first update that does was published, in seconds
    /// since 1970.
    pub fixes: Vec<(String, Option<i64>)>,
    /// When the first of the security fixes that it holds was published, in seconds since 1970, where whoever offers it says so.
    pub published_at: Option<i64>,
    /// Whether the package is on hold.
    pub is_held: bool,
    /// The size of the download in bytes; zero where the metadata does not say it.
    pub size_bytes: u64,
}

/// Facts about a running host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// The release of the running kernel (`uname -r`).
    pub running_kernel: Option<String>,
    /// The release of the newest installed kernel of the same flavour.
    pub newest_kernel: Option<String>,
    /// The version of the running kernel's package, where it is installed.
    pub running_kernel_version: Option<String>,
    /// The live patches of the running kernel that are in force, by their names. What they mend they do not tell.
    pub live_patches: Vec<String>,
    /// Whether any kernel is installed.
    pub has_kernels: bool,
    /// Markers and reasons for a reboot, in words.
    pub reboot_reasons: Vec<String>,
    /// Whether a package manager has left a marker that asks for a reboot.
    pub is_reboot_asked: bool,
    /// Since when that marker has been there, in seconds since 1970.
    pub reboot_since: Option<i64>,
    /// Processes that still map files which have been replaced.
    pub stale_processes: Vec<StaleProcess>,
    /// How many processes could not be looked at, for want of rights.
    pub unreadable_processes: usize,
}

impl HostFacts {
    /// What has to be restarted, and why, in words.
    #[must_use]
    pub fn restarts(&self) -> Vec<String> {
        let process = |process: &StaleProcess| {
            let unit = process.unit.clone().unwrap_or_else(|| format!("process {}", process.pid));
            format!("restart {unit}: {} ({}) still maps {}", process.command, process.pid, process.files.join(", "))
        };
        let reboot = |reason: &String| format!("reboot: {reason}");
        self.reboot_reasons.iter().map(reboot).chain(self.stale_processes.iter().map(process)).collect()
    }
}

/// A process that runs code which is no longer on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleProcess {
    /// Its id.
    pub pid: u32,
    /// Its command name.
    pub command: String,
    /// The systemd unit it belongs to.
    pub unit: Option<String>,
    /// The files that it still maps.
    pub files: Vec<String>,
    /// When the first of them was replaced, in seconds since 1970, where another one has taken its place.
    pub since: Option<i64>,
    /// Whether it is known of which versions of which packages the files were.
    pub is_explained: bool,
}

/// Something that could not be read: counted and shown, never lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code, such as `inventory/bad-record`.
    pub code: &'static str,
    /// The place: file, and line or record.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl PackageType {
    /// The type's name in a package URL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alpm => "alpm",
            Self::Apk => "apk",
            Self::Bitnami => "bitnami",
            Self::Cargo => "cargo",
            Self::Composer => "composer",
            Self::Conan => "conan",
            Self::Cran => "cran",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Generic => "generic",
            Self::GitHub => "github",
            Self::Golang => "golang",
            Self::Hackage => "hackage",
            Self::Hex => "hex",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::NuGet => "nuget",
            Self::Opkg => "opkg",
            Self::Pub => "pub",
            Self::PyPi => "pypi",
            Self::Rpm => "rpm",
            Self::Swift => "swift",
        }
    }

    /// The type with this name in a package URL.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        use PackageType as T;
        let all = [
            T::Alpm,
            T::Apk,
            T::Bitnami,
            T::Cargo,
            T::Composer,
            T::Conan,
            T::Cran,
            T::Deb,
            T::Gem,
            T::Generic,
            T::GitHub,
            T::Golang,
            T::Hackage,
            T::Hex,
            T::Maven,
            T::Npm,
            T::NuGet,
            T::Opkg,
            T::Pub,
            T::PyPi,
            T::Rpm,
            T::Swift,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// OSV's ecosystem for packages of a language; `None` for those of distributions, whose release decides.
    #[must_use]
    pub fn language_ecosystem(self) -> Option<&'static str> {
        Some(match self {
            Self::Bitnami => "Bitnami",
            Self::Cargo => "crates.io",
            Self::Composer => "Packagist",
            Self::Conan => "ConanCenter",
            Self::Cran => "CRAN",
            Self::Gem => "RubyGems",
            Self::GitHub => "GitHub Actions",
            Self::Golang => "Go",
            Self::Hackage => "Hackage",
            Self::Hex => "Hex",
            Self::Maven => "Maven",
            Self::Npm => "npm",
            Self::NuGet => "NuGet",
            Self::Pub => "Pub",
            Self::PyPi => "PyPI",
            Self::Swift => "SwiftURL",
            Self::Alpm | Self::Apk | Self::Deb | Self::Generic | Self::Opkg | Self::Rpm => return None,
        })
    }
}

impl SourcePackage {
    /// The source of a binary package of this version. Debian and Ubuntu sign a kernel in a source of its own, of which no
    /// advisory speaks: what is inside was built from the kernel's.
    #[must_use]
    pub fn new(name: &str, version: &str, binary_version: &str) -> Self {
        let Some(rest) = name.strip_prefix("linux-signed") else {
            return Self { name: name.into(), version: version.into() };
        };
        // `linux-signed-amd64` (Debian), `linux-signed`, `linux-signed-aws-6.5` (Ubuntu)
        let rest = if matches!(rest, "-amd64" | "-arm64" | "-i386") { "" } else { rest };
        Self { name: ecow::eco_format!("linux{rest}"), version: binary_version.into() }
    }
}

impl Package {
    /// A package of a language.
    #[must_use]
    pub fn language(
        kind: PackageType,
        name: impl Into<EcoString>,
        version: impl Into<EcoString>,
        location: impl Into<EcoString>,
    ) -> Self {
        Self::new(kind, kind.language_ecosystem().unwrap_or_default(), name, version, location)
    }

    /// A package with nothing but its identity.
    #[must_use]
    pub fn new(
        kind: PackageType,
        ecosystem: impl Into<EcoString>,
        name: impl Into<EcoString>,
        version: impl Into<EcoString>,
        location: impl Into<EcoString>,
    ) -> Self {
        Self {
            kind,
            ecosystem: ecosystem.into(),
            name: name.into(),
            version: version.into(),
            architecture: EcoString::new(),
            source: None,
            module: None,
            vendor: None,
            is_held: false,
            offered: Offered::No,
            location: location.into(),
            still_runs: None,
        }
    }
}

impl Inventory {
    /// Notes a file, a document or an entry that could not be read: what it holds is not known.
    pub fn unreadable(&mut self, place: impl Into<String>, what: impl std::fmt::Display) {
        self.unread += 1;
        self.problem(place, what);
    }

    /// Takes in the packages and problems of a part that was read apart.
    pub(crate) fn absorb(&mut self, part: Self) {
        self.packages.extend(part.packages);
        part.problems.into_iter().for_each(|problem| self.problem(problem.place, problem.what));
        self.unread += part.unread;
    }

    /// Notes something that is not as it should be, but lost nothing.
    pub fn problem(&mut self, place: impl Into<String>, what: impl std::fmt::Display) {
        // INVARIANT: bounded, so that a hostile file cannot fill memory with complaints; the last one says so.
        const MOST: usize = 1000;
        match self.problems.len().cmp(&MOST) {
            std::cmp::Ordering::Less => {
                self.problems.push(Problem {
                    code: "inventory/bad-record",
                    place: place.into(),
                    what: what.to_string(),
                });
            }
            std::cmp::Ordering::Equal => self.problems.push(Problem {
                code: "inventory/more-problems",
                place: place.into(),
                what: "more problems follow; they are not listed".to_owned(),
            }),
            std::cmp::Ordering::Greater => {}
        }
    }
}
