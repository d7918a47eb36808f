//! Version order, one file per packaging ecosystem.
//!
//! Every scheme answers one question: which of two versions is the later one. What a scheme cannot read is an
//! [`Error`], never "equal": a finding that rests on a version nobody can read stays undetermined.

mod alpine;
mod cran;
mod debian;
mod error;
mod hackage;
mod maven;
mod nuget;
mod numbers;
mod packagist;
mod pep440;
mod rpm;
mod rubygems;
mod semver;

pub use error::Error;
use std::cmp::Ordering;

/// A way to order versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Scheme {
    /// `[epoch:]upstream[-revision]`, Debian Policy section 5.6.12.
    Debian = 0,
    /// `[epoch:]version[-release]` with `~` and `^`, rpm-version(7).
    Rpm = 1,
    /// `1.2.3a_rc1-r2`, apk-tools `version.c`.
    Alpine = 2,
    /// Semantic Versioning 2.0.0, read leniently (leading `v`, any number of components).
    SemVer = 3,
    /// node-semver: SemVer with `=` and `v` prefixes.
    Npm = 4,
    /// PEP 440, with setuptools' order for what predates it.
    Pep440 = 5,
    /// Maven's version order specification (POM reference).
    Maven = 6,
    /// Go module versions (<https://go.dev/ref/mod#versions>) and `go1.22rc1` toolchain versions.
    Go = 7,
    /// `Gem::Version`.
    RubyGems = 8,
    /// NuGet: four numbers and a case-insensitive SemVer 2 prerelease.
    NuGet = 9,
    /// Composer, which orders as PHP's `version_compare` does.
    Packagist = 10,
    /// R's `package_version`: numbers between dots and hyphens.
    Cran = 11,
    /// Haskell PVP: dotted numbers.
    Hackage = 12,
    /// Dart's pub: SemVer where build metadata takes part in the order.
    Pub = 13,
}

/// Every scheme, in the order of their stored numbers.
pub const SCHEMES: &[Scheme] = &[
    Scheme::Debian,
    Scheme::Rpm,
    Scheme::Alpine,
    Scheme::SemVer,
    Scheme::Npm,
    Scheme::Pep440,
    Scheme::Maven,
    Scheme::Go,
    Scheme::RubyGems,
    Scheme::NuGet,
    Scheme::Packagist,
    Scheme::Cran,
    Scheme::Hackage,
    Scheme::Pub,
];

/// The longest version that is read, in bytes. Longer ones are errors, so that a hostile file cannot buy time.
pub const LONGEST_VERSION_BYTES: usize = 1024;

impl Scheme {
    /// Orders two versions of this scheme.
    ///
    /// # Errors
    /// [`Error`] names the version that the scheme cannot read.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, Error> {
        for version in [a, b] {
            if version.len() > LONGEST_VERSION_BYTES {
                return Err(Error::TooLong { scheme: self.id(), length_bytes: version.len() });
            }
        }
        match self {
            Self::Debian => debian::compare(a, b),
            Self::Rpm => rpm::compare(a, b),
            Self::Alpine => alpine::compare(a, b),
            Self::SemVer => semver::compare(a, b),
            Self::Npm => semver::compare_npm(a, b),
            Self::Pep440 => pep440::compare(a, b),
            Self::Maven => maven::compare(a, b),
            Self::Go => semver::compare_go(a, b),
            Self::RubyGems => rubygems::compare(a, b),
            Self::NuGet => nuget::compare(a, b),
            Self::Packagist => packagist::compare(a, b),
            Self::Cran => cran::compare(a, b),
            Self::Hackage => hackage::compare(a, b),
            Self::Pub => semver::compare_pub(a, b),
        }
    }

    /// Says whether the scheme can read `version` at all.
    ///
    /// # Errors
    /// The same [`Error`] that a comparison would give.
    pub fn check(self, version: &str) -> Result<(), Error> {
        match self {
            _ if version.len() > LONGEST_VERSION_BYTES => {
                Err(Error::TooLong { scheme: self.id(), length_bytes: version.len() })
            }
            // Three numbers between dots: every scheme reads them.
            _ if is_plain(version) => Ok(()),
            Self::Debian => debian::check(version),
            Self::Rpm => rpm::check(version),
            Self::Npm => semver::check_npm(version),
            other => other.compare(version, version).map(|_| ()),
        }
    }

    /// The scheme's stable name, as purl types and files use it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Rpm => "rpm",
            Self::Alpine => "alpine",
            Self::SemVer => "semver",
            Self::Npm => "npm",
            Self::Pep440 => "pep440",
            Self::Maven => "maven",
            Self::Go => "go",
            Self::RubyGems => "rubygems",
            Self::NuGet => "nuget",
            Self::Packagist => "packagist",
            Self::Cran => "cran",
            Self::Hackage => "hackage",
            Self::Pub => "pub",
        }
    }

    /// The scheme with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        SCHEMES.get(usize::from(number)).copied()
    }
}

/// Whether a version is three numbers of usual length.
fn is_plain(version: &str) -> bool {
    let (mut dots, mut digits) = (0, 0);
    for byte in version.bytes() {
        match byte {
            b'0'..=b'9' if digits < 9 => digits += 1,
            b'.' if digits > 0 && dots < 2 => (dots, digits) = (dots + 1, 0),
            _ => return false,
        }
    }
    dots == 2 && digits > 0
}
