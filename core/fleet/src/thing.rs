//! Things: what an asset can have and what can be judged by itself, whoever has it.

use serde::{Deserialize, Serialize};

/// A package in one version, as far as it decides what the advisories say of it. The same one on many assets is one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Thing {
    /// Its kind: a type of package URLs (`deb`), `platform` for a release of a distribution, `restart` or `applied-update`.
    pub kind: String,
    /// The ecosystem with its release (`Debian:12`); may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ecosystem: String,
    /// Its name.
    pub name: String,
    /// Its version; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Its architecture; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub architecture: String,
    /// Name and version of the source package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<(String, String)>,
    /// The module stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Who built it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// What has to be restarted until it is out of memory; it is no longer on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub still_runs: Option<String>,
    /// For kernels: what runs on the asset, and what would after a reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Box<Kernel>>,
    /// What the asset's own repositories offer in its place, where that holds a security fix. The package itself is a thing
    /// of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<Box<Offer>>,
    /// What has to be restarted for reasons that no package explains, where the kind is `restart`; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub restart: String,
    /// Since when that is so, in seconds since 1970, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
}

/// A security update that repositories offer for a package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Offer {
    /// The version that is offered.
    pub version: String,
    /// Name and version of its source package.
    pub source: (String, String),
    /// The suite or repository that offers it.
    pub suite: String,
    /// The size of its package in bytes; zero where the repository does not say it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub size_bytes: u64,
    /// Advisories that the repository names for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advisories: Vec<String>,
    /// The vulnerabilities that its changelog names after the installed version, each with the day of the version, in
    /// seconds since 1970.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<(String, Option<i64>)>,
}

/// What is not known is left out.
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Name and version of a kernel's package, and of its source.
pub type NewestPackage = (String, String, Option<(String, String)>);

/// Which kernel runs where a kernel is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kernel {
    /// The release that runs (`uname -r`).
    pub running: String,
    /// The version of its package, where that is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_version: Option<String>,
    /// The release of the newest that is installed.
    pub newest: String,
    /// Name, version and source of the newest one's package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_package: Option<NewestPackage>,
}

impl Thing {
    /// The kind of a release of a distribution.
    pub const PLATFORM: &'static str = "platform";
    /// The kind of what has to be restarted for reasons that no package explains.
    pub const RESTART: &'static str = "restart";

    /// Whether it says that something has to be restarted: what was replaced still runs, or another kernel than the newest.
    #[must_use]
    pub fn needs_restart(&self) -> bool {
        let is_old_kernel = self.kernel.as_ref().is_some_and(|kernel| kernel.running != kernel.newest);
        self.still_runs.is_some() || self.kind == Self::RESTART || is_old_kernel
    }

    /// The kind of an update that is applied and is no package, as Windows has them.
    pub const APPLIED: &'static str = "applied-update";

    /// Whether it is an installed package, and not what is said of one beside it or of the whole asset.
    #[must_use]
    pub fn is_package(&self) -> bool {
        let is_beside = [Self::PLATFORM, Self::RESTART, Self::APPLIED].contains(&self.kind.as_str());
        !is_beside && self.still_runs.is_none() && self.offer.is_none()
    }

    /// Name and version as people write them: `openssl 3.0.11-1`.
    #[must_use]
    pub fn label(&self) -> String {
        if self.version.is_empty() { self.name.clone() } else { format!("{} {}", self.name, self.version) }
    }

    /// Whether a name speaks of it: its own, its source's, or both its kind and its own as `pkg:npm/@scope/name`.
    #[must_use]
    pub fn is_named(&self, package: &str) -> bool {
        match package.strip_prefix("pkg:") {
            Some(rest) => rest.split_once('/').is_some_and(|(kind, name)| kind == self.kind && name == self.name),
            None => package == self.name || package == self.patched_as(),
        }
    }

    /// The name that a patch is named after: the source package's for distributions.
    #[must_use]
    pub fn patched_as(&self) -> &str {
        self.source.as_ref().map_or(&self.name, |(name, _)| name)
    }
}
