//! Orders: exactly what one host is to be patched with.

use crate::error::Error;
use crate::word::{is_package, is_version};
use inventory::{Inventory, PendingUpdate};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which updates are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Every update that is offered; else those alone that are of security, or hold a fix that is.
    pub is_everything: bool,
    /// These packages alone; all of them where none is named.
    pub packages: BTreeSet<String>,
}

/// A package that goes from one version to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// The package, with its architecture where several can be installed side by side (`libc6:amd64`).
    pub package: String,
    /// The version that is installed; none where the package is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version to install.
    pub to: String,
}

/// Why an update is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Left {
    /// Somebody holds the package.
    Held,
    /// It is no update of security, and those alone were asked for.
    NotSecurity,
    /// Other packages were asked for.
    NotAsked,
}

impl Left {
    /// The same in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Held => "it is held",
            Self::NotSecurity => "it is not of security",
            Self::NotAsked => "it was not asked for",
        }
    }
}

/// An update that is offered and not ordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The package.
    pub package: String,
    /// What is offered.
    pub candidate: String,
    /// Why it is left out.
    pub why: Left,
}

/// What one host is to be patched with. It leaves nothing to choose when it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// When it was made.
    pub made_at: Timestamp,
    /// What it is for: a host's name, or the directory of its root.
    pub host: String,
    /// What goes from where to where, in the order of the packages.
    pub upgrades: Vec<Upgrade>,
    /// What is offered and left out.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// How much is to be downloaded, in bytes; zero where the repositories do not say it.
    pub size_bytes: u64,
    /// The change of a fleet that it is part of, if it is part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Order {
    /// What of the updates that a host's repositories offer is wanted.
    ///
    /// # Errors
    /// If nothing is known of what they offer, a package that is asked for has no update, or a name or version is none.
    pub fn of(inventory: &Inventory, selection: &Selection, now: Timestamp) -> Result<Self, Error> {
        if !inventory.has_repository_metadata {
            return Err(Error::NotKnown);
        }
        let is_named = |update: &PendingUpdate| {
            let names = [update.name.to_string(), address(&update.name, &update.architecture)];
            names.iter().any(|name| selection.packages.contains(name))
        };
        let mut order = Self {
            made_at: now,
            host: inventory.subject.clone(),
            upgrades: Vec::new(),
            left_out: Vec::new(),
            size_bytes: 0,
            change: None,
        };
        for update in &inventory.pending {
            let is_of_security = update.is_security || update.holds_security_fix;
            let why = match update {
                _ if !selection.packages.is_empty() && !is_named(update) => Some(Left::NotAsked),
                update if update.is_held => Some(Left::Held),
                _ if !selection.is_everything && selection.packages.is_empty() && !is_of_security => {
                    Some(Left::NotSecurity)
                }
                _ => None,
            };
            let package = address(&update.name, &update.architecture);
            let candidate = update.candidate.to_string();
            match why {
                Some(why) => order.left_out.push(LeftOut { package, candidate, why }),
                None => {
                    order.size_bytes += update.size_bytes;
                    let from = Some(update.installed.to_string());
                    order.upgrades.push(Upgrade { package, from, to: candidate });
                }
            }
        }
        for package in &selection.packages {
            let is_it = |update: &PendingUpdate| {
                *update.name == **package || address(&update.name, &update.architecture) == *package
            };
            if !inventory.pending.iter().any(is_it) {
                return Err(Error::NotOffered { package: package.clone() });
            }
        }
        order.upgrades.sort();
        order.left_out.sort();
        order.check()?;
        Ok(order)
    }

    /// The same with exactly these upgrades: what a package manager says that it would do.
    ///
    /// # Errors
    /// If a name or version is none.
    pub fn with(self, mut upgrades: Vec<Upgrade>) -> Result<Self, Error> {
        upgrades.sort();
        upgrades.dedup();
        let order = Self { upgrades, ..self };
        order.check()?;
        Ok(order)
    }

    /// Says no to words that a package manager could read as something else.
    ///
    /// # Errors
    /// The first of them.
    pub fn check(&self) -> Result<(), Error> {
        check_upgrades(&self.upgrades)
    }
}

/// Whether every name and version is one that package managers take.
#[must_use]
pub fn are_words(upgrades: &[Upgrade]) -> bool {
    check_upgrades(upgrades).is_ok()
}

/// The same for some upgrades.
pub(crate) fn check_upgrades(upgrades: &[Upgrade]) -> Result<(), Error> {
    let wrong = |upgrade: &Upgrade| {
        let versions = upgrade.from.iter().chain([&upgrade.to]);
        let package = Some(&upgrade.package).filter(|package| !is_package(package));
        package.or_else(|| versions.into_iter().find(|version| !is_version(version))).cloned()
    };
    match upgrades.iter().find_map(wrong) {
        Some(word) => Err(Error::Word { word }),
        None => Ok(()),
    }
}

/// A package as package managers are told of it: by its name and architecture, unless that is one for all.
#[must_use]
pub fn address(name: &str, architecture: &str) -> String {
    match architecture {
        "" | "all" => name.to_owned(),
        architecture => format!("{name}:{architecture}"),
    }
}

impl Upgrade {
    /// Whether it is of a package of this name and architecture.
    #[must_use]
    pub fn is_of(&self, name: &str, architecture: &str) -> bool {
        match self.package.split_once(':') {
            Some((own, of)) => own == name && of == architecture,
            None => self.package == name,
        }
    }
}
