//! The frameworks that are known, one file each.

use crate::demand::Demand;
use serde::Deserialize;

/// A framework: identifiers of its clauses, and what they ask in our own words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Framework {
    /// Its name, with its edition.
    pub name: String,
    /// Its clauses, as far as they concern patching.
    pub clause: Vec<Clause>,
}

/// A clause of a framework.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clause {
    /// Its identifier.
    pub id: String,
    /// What it asks, in our own words.
    pub says: String,
    /// The sections of a policy that serve it.
    pub served_by: Vec<Section>,
    /// The figures that a policy must keep for it.
    #[serde(default)]
    pub demand: Vec<Demand>,
}

/// A section of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Purpose and scope.
    Scope,
    /// Roles and responsibilities, escalation.
    Roles,
    /// Where vulnerabilities are looked for, and how often.
    Scanning,
    /// The classes with their deadlines.
    Classes,
    /// Testing, in environments that mirror production.
    Testing,
    /// What changes must pass, and who approves.
    Gates,
    /// Rings, windows, notice.
    Deployment,
    /// What happens when it cannot wait.
    Emergency,
    /// What is kept.
    Records,
    /// What is measured, and who is told.
    Monitoring,
    /// What follows from violations.
    Responses,
    /// When the policy is looked at again.
    Review,
    /// Departures from deadlines.
    Exceptions,
    /// What vendors owe.
    Vendors,
    /// What people learn.
    Training,
    /// That people have read it.
    Acknowledgement,
}

/// Every framework, by its id.
pub const FRAMEWORKS: &[(&str, &str)] = &[
    ("soc2", include_str!("frameworks/soc2.toml")),
    ("iso-27001-2022", include_str!("frameworks/iso-27001-2022.toml")),
    ("iso-27001-2013", include_str!("frameworks/iso-27001-2013.toml")),
    ("hipaa", include_str!("frameworks/hipaa.toml")),
    ("pci-dss-4", include_str!("frameworks/pci-dss-4.toml")),
    ("nist-800-171-r2", include_str!("frameworks/nist-800-171-r2.toml")),
    ("cmmc-2", include_str!("frameworks/cmmc-2.toml")),
    ("nist-800-53-r5", include_str!("frameworks/nist-800-53-r5.toml")),
    ("nist-800-40-r4", include_str!("frameworks/nist-800-40-r4.toml")),
];

/// Reads a framework; `None` if there is none of that id.
#[must_use]
pub fn framework(id: &str) -> Option<Result<Framework, toml::de::Error>> {
    FRAMEWORKS.iter().find(|(known, _)| *known == id).map(|(_, text)| toml::from_str(text))
}
