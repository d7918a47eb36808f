//! What is known about a finding when it is classified.

use jiff::Timestamp;

/// Whether an asset can be reached from the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// Reachable from the internet.
    Exposed,
    /// Not reachable.
    Internal,
}

/// Facts about the asset, as far as the organisation says them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Asset {
    /// Reachable from the internet or not.
    pub exposure: Option<Exposure>,
    /// `production`, `test` …
    pub environment: Option<String>,
    /// `critical`, `high` …
    pub criticality: Option<String>,
    /// Classes of data on it; an empty list says that there are none worth naming.
    pub data_classes: Option<Vec<String>>,
    /// The potential impact of its loss (FedRAMP: `n2` to `n5`).
    pub impact: Option<String>,
}

/// Everything that a class's conditions can look at, and the instants that clocks start from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The CVSS base score that decides, from 0 to 10.
    pub cvss: Option<f64>,
    /// EPSS score and percentile, from 0 to 1.
    pub epss: Option<(f64, f64)>,
    /// Whether a catalogue lists it as exploited.
    pub is_exploited: bool,
    /// Whether there is no catalogue that could list it.
    pub lacks_catalogue: bool,
    /// Whether ransomware campaigns use it.
    pub is_used_by_ransomware: bool,
    /// SSVC exploitation: `none`, `poc`, `active`.
    pub exploitation: Option<String>,
    /// SSVC: whether an attack can be automated.
    pub automatable: Option<bool>,
    /// SSVC: whether the technical impact is total.
    pub total_impact: Option<bool>,
    /// The vendor's word on the vulnerability's weight in its package.
    pub vendor_urgency: Option<String>,
    /// Whether a patch exists.
    pub is_fix_available: bool,
    /// Whether the release or package is out of support.
    pub is_end_of_life: bool,
    /// Whether it is an update that no advisory explains.
    pub is_unexplained_update: bool,
    /// The asset.
    pub asset: Asset,
    /// When the vulnerability was published.
    pub published: Option<Timestamp>,
    /// When the patch became available.
    pub patch_available: Option<Timestamp>,
    /// When a catalogue listed it.
    pub listed: Option<Timestamp>,
    /// The due date that the catalogue names.
    pub catalogue_due: Option<Timestamp>,
    /// When it was first seen on the asset; none where nobody keeps a record of that, as in a scan by itself.
    pub first_seen: Option<Timestamp>,
    /// When it moved into the class that it has, where that was recorded: a stricter class's clock starts then.
    pub moved_at: Option<Timestamp>,
    /// The instant of the judgement.
    pub now: Timestamp,
}

/// A value that a condition looked at, for the derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// Its value, in words.
    pub value: String,
    /// Whether it was missing, so that the policy's value for what is missing stands in.
    pub is_assumed: bool,
}
