//! The operating system, from os-release(5), and the name under which its security data is published.

use crate::model::PackageType;

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

impl Os {
    /// Reads os-release(5).
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let mut os = Self::default();
        for line in text.lines() {
            let Some((key, value)) = line.trim().split_once('=') else { continue };
            let value = unquote(value);
            match key {
                "ID" => os.id = value.to_ascii_lowercase(),
                "ID_LIKE" => os.like = value.split_whitespace().map(str::to_owned).collect(),
                "VERSION_ID" => os.version = value,
                "VERSION_CODENAME" => os.codename = value,
                "PRETTY_NAME" => os.name = value,
                "VERSION" => os.is_lts = value.contains("LTS"),
                _ => {}
            }
        }
        os
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
        let major = self.version.split('.').next().unwrap_or_default();
        let minor: String = self.version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        let with = |family: &str, release: &str| (!release.is_empty()).then(|| format!("{family}:{release}"));
        match self.id.as_str() {
            "debian" if major.is_empty() => match self.codename.as_str() {
                "" => Some("Debian:unstable".to_owned()),
                codename => advisories_codename(codename),
            },
            "debian" => with("Debian", major),
            "ubuntu" => {
                let is_lts = self.is_lts
                    || (major.parse::<u32>().is_ok_and(|year| year % 2 == 0) && self.version.ends_with(".04"));
                with("Ubuntu", &self.version).map(|name| if is_lts { name + ":LTS" } else { name })
            }
            "alpine" if self.version.contains("alpha") || self.name.contains("edge") => Some("Alpine:edge".to_owned()),
            "alpine" => with("Alpine", &minor).map(|name| name.replacen(':', ":v", 1)),
            "wolfi" => Some("Wolfi".to_owned()),
            "chainguard" => Some("Chainguard".to_owned()),
            "rhel" => with("Red Hat", major),
            "centos" => with("CentOS", major),
            "almalinux" => with("AlmaLinux", major),
            "rocky" => with("Rocky Linux", major),
            "ol" => with("Oracle Linux", major),
            "amzn" => with("Amazon Linux", if major == "2018" || major == "2017" { "1" } else { major }),
            "fedora" => with("Fedora", major),
            "opensuse-leap" => with("openSUSE", &self.version).map(|name| name.replacen(':', ":Leap ", 1)),
            "opensuse-tumbleweed" => Some("openSUSE:Tumbleweed".to_owned()),
            "sles" => with("SUSE", &self.version).map(|name| suse_release(&name)),
            "photon" => with("Photon OS", &self.version),
            "azurelinux" | "mariner" => with("Azure Linux", major),
            "mageia" => with("Mageia", major),
            "openeuler" => with("openEuler", &self.version),
            _ => None,
        }
    }
}

fn advisories_codename(codename: &str) -> Option<String> {
    let codename = codename.split('/').next()?;
    let number = [
        ("buster", "10"),
        ("bullseye", "11"),
        ("bookworm", "12"),
        ("trixie", "13"),
        ("forky", "14"),
        ("duke", "15"),
        ("sid", "unstable"),
    ];
    number.iter().find(|(name, _)| *name == codename).map(|(_, number)| format!("Debian:{number}"))
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
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=22", None),
        ] {
            assert_eq!(Os::parse(text.as_bytes()).ecosystem().as_deref(), expected, "{text}");
        }
    }
}
