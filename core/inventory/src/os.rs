//! The operating system, from os-release(5), and the name under which its security data is published.

use crate::directory::Directory;
use crate::model::{Inventory, PackageType};

/// An operating system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Os {
    /// `ID`: `debian`.
    pub id: String,
    /// `ID_LIKE`, split.
    pub like: Vec<String>,
    /// `VERSION_ID`: `12`.
    pub version: String,
    /// `VERSION_CODENAME`: `bookworm`.
    pub codename: String,
    /// `PRETTY_NAME`.
    pub name: String,
    /// Whether `VERSION` calls it a long-term release.
    pub is_lts: bool,
}

/// Reads which system lies below a root, and its own table of releases.
pub fn collect(root: &Directory, inventory: &mut Inventory) {
    for release in ["etc/os-release", "usr/lib/os-release"] {
        match root.read(release, 1 << 20) {
            Ok(Some(bytes)) => {
                inventory.os = Some(Os::parse(&bytes));
                break;
            }
            Ok(None) => {}
            Err(error) => inventory.unreadable(release, error),
        }
    }
    let id = inventory.os.as_ref().map(|os| os.id.clone()).filter(|id| matches!(id.as_str(), "debian" | "ubuntu"));
    let table = id.map(|id| root.read(&format!("usr/share/distro-info/{id}.csv"), 1 << 20));
    // Without it the dates that the program knows still hold.
    inventory.release_table = table.and_then(Result::ok).flatten();
}

impl Os {
    /// Reads os-release(5).
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let mut os = Self::default();
        let mut full = String::new();
        for line in text.lines() {
            let Some((key, value)) = line.trim().split_once('=') else { continue };
            let value = unquote(value);
            match key {
                "ID" => os.id = value.to_ascii_lowercase(),
                "ID_LIKE" => os.like = value.split_whitespace().map(str::to_owned).collect(),
                "VERSION_ID" => os.version = value,
                "VERSION_CODENAME" => os.codename = value,
                "PRETTY_NAME" => os.name = value,
                "VERSION" => {
                    os.is_lts = value.contains("LTS");
                    full = value;
                }
                _ => {}
            }
        }
        // `24.03 (LTS-SP1)` is a release apart from `24.03 (LTS)`, and both call themselves 24.03.
        let mark = full.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        if let ("openeuler", Some((mark, _))) = (os.id.as_str(), mark) {
            os.version = format!("{}-{mark}", os.version);
        }
        os
    }

    /// The release that a person names: `debian-12`, `ubuntu-24.04`, or a codename; `None` where nobody publishes data
    /// for it.
    #[must_use]
    pub fn named(release: &str) -> Option<Self> {
        let by_codename =
            CODENAMES.iter().find(|(_, name, _)| *name == release).map(|(id, _, version)| (*id, *version));
        let (id, version) = by_codename.or_else(|| release.rsplit_once('-')).unwrap_or((release, ""));
        let os =
            Self { id: id.to_owned(), version: version.to_owned(), name: format!("{id} {version}"), ..Self::default() };
        os.ecosystem().map(|_| os)
    }

    /// OSV's name for the release, for packages of a kind that this system's maker builds; empty for all others.
    #[must_use]
    pub fn ecosystem_of(&self, kind: PackageType) -> String {
        let is_own = match self.id.as_str() {
            "debian" | "ubuntu" => kind == PackageType::Deb,
            "alpine" | "wolfi" | "chainguard" => kind == PackageType::Apk,
            _ => kind == PackageType::Rpm,
        };
        self.ecosystem().filter(|_| is_own).unwrap_or_default()
    }

    /// OSV's name for the release (`Debian:12`), `None` where nobody publishes data that fits.
    #[must_use]
    pub fn ecosystem(&self) -> Option<String> {
        let is_edge = self.version.contains("alpha") || self.name.contains("edge");
        match self.id.as_str() {
            "alpine" if is_edge => Some("Alpine:edge".to_owned()),
            id => ecosystem_named(id, &self.version, &self.codename, self.is_lts),
        }
    }
}

/// os-release's id for a system that documents name in their own ways.
pub(crate) fn usual_id(name: &str) -> &str {
    match name {
        "redhat" | "red hat enterprise linux" => "rhel",
        "alma" => "almalinux",
        "rockylinux" => "rocky",
        "amazon" | "amazonlinux" | "amazon linux" => "amzn",
        "oracle" | "oraclelinux" => "ol",
        "opensuse.leap" | "opensuse leap" => "opensuse-leap",
        "opensuse.tumbleweed" | "opensuse tumbleweed" => "opensuse-tumbleweed",
        "suse linux enterprise server" | "suse linux enterprise" => "sles",
        "suse linux enterprise micro" => "sle-micro",
        "cbl-mariner" => "mariner",
        "azure" => "azurelinux",
        other => other,
    }
}

/// OSV's name for the release that an id, a version and a codename (one of them may be empty) tell.
pub(crate) fn ecosystem_named(id: &str, version: &str, codename: &str, is_lts: bool) -> Option<String> {
    /// The version's first `count` numbers.
    fn numbers(version: &str, count: usize) -> &str {
        version.match_indices('.').nth(count - 1).map_or(version, |(at, _)| &version[..at])
    }
    let with = |prefix: &str, release: &str| (!release.is_empty()).then(|| [prefix, release].concat());
    let major = numbers(version, 1);
    match id {
        "debian" if major.is_empty() => match codename {
            "" => Some("Debian:unstable".to_owned()),
            codename => version_of_codename("debian", codename).and_then(|version| with("Debian:", version)),
        },
        "debian" => with("Debian:", major),
        "ubuntu" => {
            let version = match version {
                "" => version_of_codename("ubuntu", codename).unwrap_or_default(),
                // `22.04.2` is an update of 22.04.
                version => numbers(version, 2),
            };
            let year = numbers(version, 1);
            let is_lts = is_lts || (year.parse::<u32>().is_ok_and(|year| year % 2 == 0) && version.ends_with(".04"));
            with("Ubuntu:", version).map(|name| if is_lts { name + ":LTS" } else { name })
        }
        "alpine" if version.contains("alpha") => Some("Alpine:edge".to_owned()),
        "alpine" => with("Alpine:v", numbers(version, 2)),
        "wolfi" => Some("Wolfi".to_owned()),
        "chainguard" => Some("Chainguard".to_owned()),
        "rhel" => with("Red Hat:", major),
        "centos" => with("CentOS:", major),
        "almalinux" => with("AlmaLinux:", major),
        "rocky" => with("Rocky Linux:", major),
        "ol" => with("Oracle Linux:", major),
        "amzn" => with("Amazon Linux:", if major == "2018" || major == "2017" { "1" } else { major }),
        "fedora" => with("Fedora:", major),
        "opensuse-leap" => with("openSUSE:Leap ", version),
        "opensuse-tumbleweed" => Some("openSUSE:Tumbleweed".to_owned()),
        "sles" | "sled" | "sles_sap" | "sle_hpc" => with("SUSE:", version).map(|name| suse_release(&name)),
        "sle-micro" | "suse-microos" => with("SUSE:Linux Enterprise Micro ", version),
        "sl-micro" => with("SUSE:Linux Micro ", version),
        "photon" => with("Photon OS:", version),
        "azurelinux" | "mariner" => with("Azure Linux:", major),
        "mageia" => with("Mageia:", major),
        "openeuler" => with("openEuler:", version),
        _ => None,
    }
}

/// Releases by their names: distribution, name, version.
const CODENAMES: &[(&str, &str, &str)] = &[
    ("debian", "buzz", "1.1"),
    ("debian", "rex", "1.2"),
    ("debian", "bo", "1.3"),
    ("debian", "hamm", "2.0"),
    ("debian", "slink", "2.1"),
    ("debian", "potato", "2.2"),
    ("debian", "woody", "3.0"),
    ("debian", "sarge", "3.1"),
    ("debian", "etch", "4.0"),
    ("debian", "lenny", "5.0"),
    ("debian", "squeeze", "6.0"),
    ("debian", "wheezy", "7"),
    ("debian", "jessie", "8"),
    ("debian", "stretch", "9"),
    ("debian", "buster", "10"),
    ("debian", "bullseye", "11"),
    ("debian", "bookworm", "12"),
    ("debian", "trixie", "13"),
    ("debian", "forky", "14"),
    ("debian", "duke", "15"),
    ("debian", "sid", "unstable"),
    ("ubuntu", "trusty", "14.04"),
    ("ubuntu", "xenial", "16.04"),
    ("ubuntu", "bionic", "18.04"),
    ("ubuntu", "focal", "20.04"),
    ("ubuntu", "jammy", "22.04"),
    ("ubuntu", "kinetic", "22.10"),
    ("ubuntu", "lunar", "23.04"),
    ("ubuntu", "mantic", "23.10"),
    ("ubuntu", "noble", "24.04"),
    ("ubuntu", "oracular", "24.10"),
    ("ubuntu", "plucky", "25.04"),
    ("ubuntu", "questing", "25.10"),
    ("ubuntu", "resolute", "26.04"),
    ("ubuntu", "stonking", "26.10"),
];

/// The version of a distribution's release with this name; `trixie/sid` counts as its first part.
fn version_of_codename(id: &str, codename: &str) -> Option<&'static str> {
    let codename = codename.split('/').next()?;
    CODENAMES.iter().find(|(own, name, _)| *own == id && *name == codename).map(|(_, _, version)| *version)
}

/// `SUSE:15.5` → `SUSE:Linux Enterprise Server 15 SP5`.
fn suse_release(name: &str) -> String {
    let version = name.trim_start_matches("SUSE:");
    match version.split_once('.') {
        Some((major, pack)) => format!("SUSE:Linux Enterprise Server {major} SP{pack}"),
        None => format!("SUSE:Linux Enterprise Server {version}"),
    }
}

/// Removes shell quoting as os-release(5) allows it.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.or_else(|| value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')));
    inner.unwrap_or(value).replace("\\\"", "\"").replace("\\$", "$").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_get_the_names_of_their_security_data() {
        for (text, expected) in [
            ("ID=debian\nVERSION_ID=\"12\"", Some("Debian:12")),
            ("ID=debian\nVERSION_CODENAME=trixie", Some("Debian:13")),
            ("ID=ubuntu\nVERSION_ID=\"22.04\"\nVERSION=\"22.04.4 LTS (Jammy Jellyfish)\"", Some("Ubuntu:22.04:LTS")),
            ("ID=ubuntu\nVERSION_ID=\"25.10\"", Some("Ubuntu:25.10")),
            ("ID=alpine\nVERSION_ID=3.20.3", Some("Alpine:v3.20")),
            ("ID=\"almalinux\"\nVERSION_ID='9.4'", Some("AlmaLinux:9")),
            ("ID=sles\nVERSION_ID=15.5", Some("SUSE:Linux Enterprise Server 15 SP5")),
            ("ID=openEuler\nVERSION_ID=\"24.03\"\nVERSION=\"24.03 (LTS-SP1)\"", Some("openEuler:24.03-LTS-SP1")),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=22", None),
        ] {
            assert_eq!(Os::parse(text.as_bytes()).ecosystem().as_deref(), expected, "{text}");
        }
        let named = |release: &str| Os::named(release).and_then(|os| os.ecosystem());
        assert_eq!(named("bookworm").as_deref(), Some("Debian:12"));
        assert_eq!(named("opensuse-leap-15.6").as_deref(), Some("openSUSE:Leap 15.6"));
        assert_eq!(named("noble").as_deref(), Some("Ubuntu:24.04:LTS"));
        assert_eq!(named("windows-95"), None);
    }
}
