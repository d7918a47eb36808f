//! What the invented organisation runs: systems, projects and their packages, kinds of assets, teams.

use inventory::{Os, PackageType};
use lifecycle::{Attributes, Exposure};
use std::sync::OnceLock;

/// A distribution or a language, with the form of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Platform {
    /// As `plimsoll scan --release` names it; empty for languages.
    pub(crate) release: &'static str,
    pub(crate) kind: PackageType,
    /// How many days after a publication its fixes appear, at the most.
    pub(crate) lag_days: u32,
}

/// Every platform; the last two are languages.
pub(crate) const PLATFORMS: &[Platform] = &[
    Platform { release: "debian-12", kind: PackageType::Deb, lag_days: 4 },
    Platform { release: "ubuntu-24.04", kind: PackageType::Deb, lag_days: 6 },
    Platform { release: "almalinux-9", kind: PackageType::Rpm, lag_days: 9 },
    Platform { release: "alpine-3.20", kind: PackageType::Apk, lag_days: 3 },
    Platform { release: "", kind: PackageType::Npm, lag_days: 0 },
    Platform { release: "", kind: PackageType::PyPi, lag_days: 0 },
];
/// The places of the languages.
pub(crate) const NPM: usize = 4;
pub(crate) const PYPI: usize = 5;

impl Platform {
    pub(crate) fn os(&self) -> Option<Os> {
        Os::named(self.release)
    }

    /// The ecosystem as advisories name it.
    pub(crate) fn ecosystem(&self) -> &'static str {
        static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
        let of = |platform: &Self| {
            let language = platform.kind.language_ecosystem().map(str::to_owned);
            language.or_else(|| platform.os()?.ecosystem()).unwrap_or_default()
        };
        let known = KNOWN.get_or_init(|| PLATFORMS.iter().map(of).collect());
        PLATFORMS.iter().position(|platform| platform == self).map_or("", |place| &known[place])
    }

    /// The version of a project after so many security fixes.
    pub(crate) fn version(&self, project: &Project, fixes: u32) -> String {
        let (major, minor) = project.base;
        match self.kind {
            PackageType::Deb if self.release.starts_with("ubuntu") => format!("{major}.{minor}.0-1ubuntu0.{fixes}"),
            PackageType::Deb if fixes == 0 => format!("{major}.{minor}.0-1"),
            PackageType::Deb => format!("{major}.{minor}.0-1+deb12u{fixes}"),
            PackageType::Rpm => format!("{major}.{minor}.0-{}.el9_4", fixes + 1),
            PackageType::Apk => format!("{major}.{minor}.0-r{fixes}"),
            _ => format!("{major}.{minor}.{fixes}"),
        }
    }
}

/// Something that is developed somewhere, and packaged.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) base: (u32, u32),
    /// What its packages add to its name on distributions.
    pub(crate) parts: &'static [&'static str],
    /// How often it has a vulnerability, against others.
    pub(crate) weight: u32,
    /// Whether programs hold it in memory, so that a restart is owed after an upgrade.
    pub(crate) is_library: bool,
    /// The language that it is a package of; none for what distributions ship.
    pub(crate) language: Option<usize>,
}

const WELL_KNOWN: &[(&str, &[&str], u32, bool)] = &[
    ("openssl", &["", "-libs"], 9, true),
    ("glibc", &["", "-bin", "-locales"], 5, true),
    ("curl", &["", "-lib"], 7, true),
    ("openssh", &["-client", "-server"], 4, false),
    ("nginx", &["", "-common"], 5, false),
    ("apache2", &["", "-utils"], 6, false),
    ("postgresql", &["", "-client", "-contrib"], 5, false),
    ("mariadb", &["-server", "-client"], 4, false),
    ("linux", &["-image", "-headers"], 20, false),
    ("python3", &["", "-minimal", "-lib"], 6, true),
    ("perl", &["", "-base"], 2, false),
    ("bash", &[""], 1, false),
    ("sudo", &[""], 2, false),
    ("systemd", &["", "-lib"], 3, true),
    ("bind9", &["-host", "-libs"], 4, true),
    ("libxml2", &[""], 5, true),
    ("gnutls", &[""], 3, true),
    ("zlib", &[""], 1, true),
    ("sqlite3", &["", "-lib"], 3, true),
    ("redis", &["", "-tools"], 4, false),
    ("openjdk-17", &["-jre", "-jre-headless"], 6, false),
    ("git", &["", "-man"], 3, false),
    ("vim", &["", "-common", "-runtime"], 8, false),
    ("tiff", &["-lib"], 6, true),
    ("cups", &["", "-lib"], 3, true),
    ("samba", &["", "-lib", "-common"], 4, true),
    ("krb5", &["-lib", "-user"], 3, true),
    ("expat", &["-lib"], 3, true),
    ("freetype", &["-lib"], 1, true),
    ("haproxy", &[""], 2, false),
    ("exim4", &["-daemon", "-base"], 3, false),
    ("containerd", &[""], 3, false),
    ("runc", &[""], 2, false),
    ("nodejs", &[""], 5, false),
    ("php", &["-cli", "-fpm", "-common"], 5, false),
    ("ruby", &["", "-lib"], 3, true),
    ("dnsmasq", &["-base"], 2, false),
    ("ntp", &[""], 1, false),
    ("rsync", &[""], 2, false),
    ("tar", &[""], 1, false),
];
const NPM_NAMES: &[&str] = &[
    "express",
    "lodash",
    "axios",
    "ws",
    "semver",
    "minimist",
    "tar",
    "jsonwebtoken",
    "cookie",
    "qs",
    "body-parser",
    "vite",
    "undici",
    "follow-redirects",
    "braces",
    "micromatch",
    "send",
    "path-to-regexp",
    "cross-spawn",
    "nanoid",
];
const PYPI_NAMES: &[&str] = &[
    "django",
    "flask",
    "requests",
    "urllib3",
    "jinja2",
    "pillow",
    "cryptography",
    "aiohttp",
    "werkzeug",
    "sqlparse",
    "certifi",
    "pyyaml",
    "setuptools",
    "gunicorn",
    "tornado",
    "idna",
    "starlette",
    "zipp",
    "virtualenv",
    "twisted",
];
/// How many further projects every distribution ships, which rarely have a vulnerability.
const QUIET: u32 = 240;

/// All projects: well-known ones, many quiet ones, and packages of two languages.
pub(crate) fn projects() -> Vec<Project> {
    let base = |place: u32| (1 + place * 7 % 5, place * 13 % 20);
    let mut projects = Vec::new();
    for (name, parts, weight, is_library) in WELL_KNOWN {
        let base = base(projects.len() as u32);
        let (parts, weight, is_library) = (*parts, *weight, *is_library);
        projects.push(Project { name: (*name).to_owned(), base, parts, weight, is_library, language: None });
    }
    for place in 0..QUIET {
        let name = format!("quaylib-{place:03}");
        projects.push(Project {
            name,
            base: base(place),
            parts: &["", "-data"],
            weight: 0,
            is_library: true,
            language: None,
        });
    }
    for (language, names) in [(NPM, NPM_NAMES), (PYPI, PYPI_NAMES)] {
        for (place, name) in names.iter().enumerate() {
            let (name, base) = ((*name).to_owned(), base(place as u32));
            projects.push(Project { name, base, parts: &[""], weight: 2, is_library: false, language: Some(language) });
        }
    }
    projects
}

/// A kind of asset.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: &'static str,
    /// How many of a hundred assets are of this kind.
    pub(crate) share: u32,
    pub(crate) environment: &'static str,
    pub(crate) exposure: Option<Exposure>,
    pub(crate) criticality: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) data_classes: &'static [&'static str],
    /// Places in [`PLATFORMS`].
    pub(crate) platforms: &'static [usize],
    /// Well-known projects beside what every system has.
    pub(crate) projects: &'static [&'static str],
    /// The language packages that it brings.
    pub(crate) language: Option<usize>,
    /// How many days lie between its patch days.
    pub(crate) patch_days: u32,
    /// How many patch days of a hundred are let go by.
    pub(crate) skipped: u32,
    /// How many days lie between its scans.
    pub(crate) scan_days: u32,
}

/// Every kind of asset.
pub(crate) const ROLES: &[Role] = &[
    Role {
        name: "web",
        share: 18,
        environment: "production",
        exposure: Some(Exposure::Exposed),
        criticality: "high",
        owner: "web",
        data_classes: &["customer"],
        platforms: &[0, 1],
        projects: &["nginx", "haproxy"],
        language: Some(NPM),
        patch_days: 7,
        skipped: 10,
        scan_days: 1,
    },
    Role {
        name: "api",
        share: 14,
        environment: "production",
        exposure: Some(Exposure::Exposed),
        criticality: "high",
        owner: "payments",
        data_classes: &["customer", "payment"],
        platforms: &[3, 0],
        projects: &["python3"],
        language: Some(PYPI),
        patch_days: 7,
        skipped: 15,
        scan_days: 2,
    },
    Role {
        name: "db",
        share: 12,
        environment: "production",
        exposure: Some(Exposure::Internal),
        criticality: "critical",
        owner: "data",
        data_classes: &["customer", "payment"],
        platforms: &[0, 2],
        projects: &["postgresql"],
        language: None,
        patch_days: 30,
        skipped: 20,
        scan_days: 7,
    },
    Role {
        name: "cache",
        share: 6,
        environment: "production",
        exposure: Some(Exposure::Internal),
        criticality: "medium",
        owner: "data",
        data_classes: &[],
        platforms: &[0],
        projects: &["redis"],
        language: None,
        patch_days: 30,
        skipped: 25,
        scan_days: 7,
    },
    Role {
        name: "batch",
        share: 8,
        environment: "production",
        exposure: Some(Exposure::Internal),
        criticality: "medium",
        owner: "data",
        data_classes: &["customer"],
        platforms: &[2],
        projects: &["openjdk-17"],
        language: None,
        patch_days: 30,
        skipped: 30,
        scan_days: 14,
    },
    Role {
        name: "mail",
        share: 3,
        environment: "production",
        exposure: Some(Exposure::Exposed),
        criticality: "high",
        owner: "it",
        data_classes: &["staff"],
        platforms: &[0],
        projects: &["exim4", "bind9"],
        language: None,
        patch_days: 14,
        skipped: 20,
        scan_days: 3,
    },
    Role {
        name: "build",
        share: 9,
        environment: "development",
        exposure: Some(Exposure::Internal),
        criticality: "medium",
        owner: "platform",
        data_classes: &[],
        platforms: &[1],
        projects: &["git", "containerd", "runc", "nodejs"],
        language: Some(NPM),
        patch_days: 45,
        skipped: 30,
        scan_days: 7,
    },
    Role {
        name: "test",
        share: 12,
        environment: "test",
        exposure: Some(Exposure::Internal),
        criticality: "low",
        owner: "web",
        data_classes: &[],
        platforms: &[0, 1, 2],
        projects: &["nginx", "postgresql"],
        language: None,
        patch_days: 14,
        skipped: 15,
        scan_days: 7,
    },
    Role {
        name: "office",
        share: 15,
        environment: "office",
        exposure: None,
        criticality: "low",
        owner: "it",
        data_classes: &["staff"],
        platforms: &[1],
        projects: &["cups", "samba", "vim"],
        language: None,
        patch_days: 30,
        skipped: 35,
        scan_days: 10,
    },
    Role {
        name: "legacy",
        share: 3,
        environment: "production",
        exposure: None,
        criticality: "high",
        owner: "platform",
        data_classes: &["customer"],
        platforms: &[2],
        projects: &["apache2", "php", "mariadb"],
        language: None,
        patch_days: 90,
        skipped: 60,
        scan_days: 30,
    },
];

impl Role {
    pub(crate) fn attributes(&self, name: String) -> Attributes {
        Attributes {
            name: Some(name),
            exposure: self.exposure,
            environment: Some(self.environment.to_owned()),
            criticality: Some(self.criticality.to_owned()),
            data_classes: Some(self.data_classes.iter().map(|class| (*class).to_owned()).collect()),
            impact: None,
            owner: Some(self.owner.to_owned()),
            tags: vec![self.name.to_owned()],
        }
    }
}
