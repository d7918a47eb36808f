//! Policies that ship with the program, as data.

use crate::error::Error;
use crate::file::Policy;

/// A policy that ships with the program.
#[derive(Debug)]
pub struct Preset {
    /// Its id.
    pub id: &'static str,
    /// Its text, as `--policy` would read it from a file.
    pub text: &'static str,
}

/// Every preset; the first is the default.
pub const PRESETS: &[Preset] = &[
    Preset { id: "baseline", text: include_str!("../presets/baseline.toml") },
    Preset { id: "cisa-bod-26-04", text: include_str!("../presets/cisa-bod-26-04.toml") },
    Preset { id: "fedramp-vdr-low", text: include_str!("../presets/fedramp-vdr-low.toml") },
    Preset { id: "fedramp-vdr-moderate", text: include_str!("../presets/fedramp-vdr-moderate.toml") },
    Preset { id: "fedramp-vdr-high", text: include_str!("../presets/fedramp-vdr-high.toml") },
    Preset { id: "fedramp-rev5", text: include_str!("../presets/fedramp-rev5.toml") },
    Preset { id: "pci-dss", text: include_str!("../presets/pci-dss.toml") },
    Preset { id: "essential-eight", text: include_str!("../presets/essential-eight.toml") },
    Preset { id: "cyber-essentials", text: include_str!("../presets/cyber-essentials.toml") },
    Preset { id: "cra-openchain", text: include_str!("../presets/cra-openchain.toml") },
    Preset { id: "seven-thirty-ninety", text: include_str!("../presets/seven-thirty-ninety.toml") },
    Preset { id: "seven-thirty-ninety-180", text: include_str!("../presets/seven-thirty-ninety-180.toml") },
];

/// Reads a preset by its id; `None` if there is none of that name.
#[must_use]
pub fn preset(id: &str) -> Option<Result<Policy, Error>> {
    PRESETS.iter().find(|preset| preset.id == id).map(|preset| Policy::parse(preset.text))
}
