//! What a plan needs beside its packages, as far as it can be said beforehand: bytes to fetch, restarts, and what holds on its assets.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What a set of upgrades needs on an asset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Needs {
    /// So many bytes are fetched, of those packages whose size is known.
    pub size_bytes: u64,
    /// The packages whose size the repositories do not say.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unsized_packages: BTreeSet<String>,
    /// The packages that run until the host starts again: a reboot is to be expected.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub reboots: BTreeSet<String>,
}

impl Needs {
    /// Takes in one more package, with the name of its source and its size in bytes; zero where that is not known.
    pub fn add(&mut self, package: &str, source: &str, size_bytes: u64) {
        self.size_bytes = self.size_bytes.saturating_add(size_bytes);
        if size_bytes == 0 {
            self.unsized_packages.insert(package.to_owned());
        }
        if asks_for_reboot(source) {
            self.reboots.insert(package.to_owned());
        }
    }

    /// The same upgrades on another asset: what is known of either, and the larger size.
    pub(crate) fn take_in(&mut self, other: &Self) {
        self.size_bytes = self.size_bytes.max(other.size_bytes);
        self.unsized_packages.retain(|package| other.unsized_packages.contains(package));
        self.reboots.extend(other.reboots.iter().cloned());
    }
}

/// What is replaced on disk and used until the next start, by the names of source packages: kernels and microcode, and what every
/// process has loaded, or cannot be started again while the host runs. What `needs-restarting -r` of dnf-plugins-core asks a reboot
/// for, and the names of the same in Debian, Ubuntu and SUSE.
const UNTIL_REBOOT: &[&str] = &[
    "amd64-microcode",
    "dbus",
    "dbus-broker",
    "dbus-daemon",
    "glibc",
    "intel-microcode",
    "kernel",
    "kernel-default",
    "kernel-firmware",
    "kernel-rt",
    "linux",
    "linux-firmware",
    "microcode_ctl",
    "systemd",
    "ucode-amd",
    "ucode-intel",
];

/// Whether the packages of a source are used until the host starts again.
#[must_use]
pub fn asks_for_reboot(source: &str) -> bool {
    // Debian signs kernels under a source of their own, Ubuntu has one for each kind of machine.
    UNTIL_REBOOT.contains(&source) || source.starts_with("linux-signed") || source.starts_with("linux-meta")
}

/// What has to hold on an asset before it begins and after. It names no program: nobody sends commands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// A unit of systemd is active (systemd.unit(5), "Unit File Name").
    Unit(String),
    /// A port of the host's own takes connections.
    Port(u16),
}

/// No unit's name is longer (systemd.unit(5)).
const MOST_UNIT_BYTES: usize = 255;

impl FromStr for Health {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_of_unit = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
        let is_unit = |name: &str| {
            let ends = name.rsplit_once('.').is_some_and(|(stem, kind)| !stem.is_empty() && !kind.is_empty());
            ends && name.len() <= MOST_UNIT_BYTES && name.bytes().all(is_of_unit) && !name.starts_with(['-', '.'])
        };
        match text.split_once(':') {
            Some(("unit", name)) if is_unit(name) => Ok(Self::Unit(name.to_owned())),
            Some(("port", number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                let port = number.parse().ok().filter(|port| *port > 0);
                port.map(Self::Port).ok_or_else(|| format!("`{}` is no port", text.escape_debug()))
            }
            _ => Err(format!(
                "`{}` says nothing that could be held: write `unit:nginx.service` or `port:443`",
                text.escape_debug()
            )),
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(name) => write!(formatter, "unit:{name}"),
            Self::Port(port) => write!(formatter, "port:{port}"),
        }
    }
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for Health {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, Needs, asks_for_reboot};

    #[test]
    fn what_holds_is_a_unit_or_a_port_and_nothing_that_runs() {
        for text in ["unit:nginx.service", "unit:getty@tty1.service", "unit:dev-disk\\x2d1.device", "port:443"] {
            assert_eq!(text.parse::<Health>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "nginx",
            "unit:",
            "unit:nginx",
            "unit:--now.service",
            "unit:a b.service",
            "unit:a;b.service",
            "unit:.service",
            "port:",
            "port:0",
            "port:+1",
            "port:65536",
            "program:/bin/sh",
            "tcp:192.0.2.1:1",
            "http://127.0.0.1/",
        ] {
            assert!(text.parse::<Health>().is_err(), "{text}");
        }
    }

    #[test]
    fn kernels_and_what_everything_has_loaded_ask_for_a_reboot() {
        for source in ["linux", "linux-signed-amd64", "kernel", "glibc", "systemd", "intel-microcode"] {
            assert!(asks_for_reboot(source), "{source}");
        }
        for source in ["linuxptp", "linux-base", "openssl", "kernelshark", "dbus-python", ""] {
            assert!(!asks_for_reboot(source), "{source}");
        }
    }

    #[test]
    fn a_size_that_nobody_says_is_not_taken_for_none() {
        let mut needs = Needs::default();
        needs.add("linux-image-amd64:amd64", "linux-signed-amd64", 70_000_000);
        needs.add("openssl:amd64", "openssl", 0);
        assert_eq!((needs.size_bytes, needs.unsized_packages.len(), needs.reboots.len()), (70_000_000, 1, 1));
        let mut other = Needs::default();
        other.add("openssl:amd64", "openssl", 1_000);
        needs.take_in(&other);
        assert!(needs.unsized_packages.is_empty(), "the other asset's repositories say it");
    }
}
