//! Policies to begin with: every section written, for a kind of organisation.
//!
//! A profile is data: the classes of a preset, the sections that all share, and the values in which they differ.

use crate::presets::PRESETS;
use crate::template::{SECTIONS, assemble};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A policy to begin with.
#[derive(Debug)]
pub struct Profile {
    /// Its id.
    pub id: &'static str,
    values: &'static str,
}

/// Every profile; the first is the default.
pub const PROFILES: &[Profile] = &[
    Profile { id: "saas", values: include_str!("../profiles/saas.toml") },
    Profile { id: "healthcare", values: include_str!("../profiles/healthcare.toml") },
    Profile { id: "finance", values: include_str!("../profiles/finance.toml") },
    Profile { id: "defense", values: include_str!("../profiles/defense.toml") },
    Profile { id: "public-sector", values: include_str!("../profiles/public-sector.toml") },
];

const TABLES: &str = include_str!("../profiles/sections.toml");
/// What a policy keeps a record of.
const RECORDS: &[&str] = &[
    "findings",
    "inventories",
    "scans",
    "changes",
    "exceptions",
    "violations",
    "acknowledgements",
    "training",
    "attestations",
    "policy",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Values {
    title: String,
    name: String,
    frameworks: Vec<String>,
    classes: String,
    #[serde(default)]
    is_capped: bool,
    keep: String,
    values: BTreeMap<String, String>,
}

impl Profile {
    /// The whole policy in one text, with the prose of its sections.
    ///
    /// # Errors
    /// If its data cannot be read, which the tests of this crate rule out.
    pub fn whole(&self) -> Result<String, toml::de::Error> {
        let sections = SECTIONS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Ok(assemble(&self.policy()?, &sections))
    }

    /// For whom it is meant.
    ///
    /// # Errors
    /// If its data cannot be read, which the tests of this crate rule out.
    pub fn title(&self) -> Result<String, toml::de::Error> {
        toml::from_str::<Values>(self.values).map(|values| values.title)
    }

    /// The text of a `policy.toml`.
    ///
    /// # Errors
    /// If its data cannot be read, which the tests of this crate rule out.
    pub fn policy(&self) -> Result<String, toml::de::Error> {
        let values: Values = toml::from_str(self.values)?;
        let preset = PRESETS.iter().find(|preset| preset.id == values.classes).map_or("", |preset| preset.text);
        let frameworks: Vec<String> = values.frameworks.iter().map(|id| format!("\"{id}\"")).collect();
        let mut text = format!(
            "# {}.\n# Written by `plimsoll policy init --profile {}`; `plimsoll policy check` proves it.\n\nname = \"{}\"\n{}",
            values.title,
            self.id,
            values.name,
            heading(preset)
        );
        // Writing to a text cannot fail.
        let _ = writeln!(text, "frameworks = [{}]\ntime-zone = \"UTC\"", frameworks.join(", "));
        if values.is_capped {
            text.push_str("capped-by-catalogue = true\n");
        }
        text.push('\n');
        text.push_str(tables(preset));
        let mut records = String::new();
        for kind in RECORDS {
            let _ = write!(records, "\n[[record]]\nkind = \"{kind}\"\nkeep = \"{}\"\n", values.keep);
        }
        let mut sections = TABLES.replace("@records@", &records);
        for (name, value) in &values.values {
            sections = sections.replace(&format!("@{name}@"), value);
        }
        text.push_str(&sections);
        Ok(text)
    }
}

/// The lines of a preset that say where its figures come from.
fn heading(preset: &str) -> String {
    let wanted = |line: &&str| line.starts_with("source =") || line.starts_with("to-check =");
    preset.lines().take_while(|line| !line.starts_with('[')).filter(wanted).map(|line| format!("{line}\n")).collect()
}

/// The tables of a preset: what is missing, and the classes.
fn tables(preset: &str) -> &str {
    preset.find("\n[").and_then(|at| preset.get(at + 1..)).unwrap_or(preset)
}
