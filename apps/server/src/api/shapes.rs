//! The shapes of what the API answers, each made of the domain's own types.

use fleet::{Counts, Row};
use jiff::Timestamp;
use lifecycle::Attributes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is owed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CountsShape {
    /// All that count: open, restart pending and undetermined.
    findings: u64,
    /// Those of them that are overdue.
    overdue: u64,
    /// Those that fall due within seven days.
    due_soon: u64,
    /// Those whose patch is on disk while the old code still runs.
    restart_pending: u64,
    /// Those of which it cannot be said whether the asset is affected.
    undetermined: u64,
    /// Those that were closed and have come back.
    reopened: u64,
    /// Those that a decision sets aside; they are in none of the others.
    suppressed: u64,
}

impl From<Counts> for CountsShape {
    fn from(counts: Counts) -> Self {
        let Counts { findings, overdue, due_soon, restart_pending, undetermined, reopened, suppressed } = counts;
        Self { findings, overdue, due_soon, restart_pending, undetermined, reopened, suppressed }
    }
}

/// A finding: one vulnerability on one asset.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FindingShape {
    asset: String,
    vulnerability: String,
    title: String,
    cvss: Option<f64>,
    epss: Option<f64>,
    /// Whether a catalogue lists it as exploited.
    is_exploited: bool,
    /// `open`, `restart pending`, `undetermined` or `suppressed`.
    state: &'static str,
    is_reopened: bool,
    class: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    is_overdue: bool,
    /// Whether a mitigation is owed, because no patch exists.
    is_mitigation: bool,
    #[schema(value_type = String, format = DateTime)]
    first_seen_at: Timestamp,
    /// The packages that carry it.
    packages: Vec<CarrierShape>,
}

/// A package that carries a vulnerability.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CarrierShape {
    /// Name and version.
    package: String,
    /// The version that fixes it, if there is one.
    fixed_version: Option<String>,
}

impl From<Row> for FindingShape {
    fn from(row: Row) -> Self {
        let carrier = |(package, fixed_version)| CarrierShape { package, fixed_version };
        Self {
            asset: row.asset.to_string(),
            vulnerability: row.vulnerability,
            title: row.title,
            cvss: row.cvss,
            epss: row.epss,
            is_exploited: row.is_exploited,
            state: row.state.word(),
            is_reopened: row.is_reopened,
            class: row.class,
            due_at: row.due,
            is_overdue: row.is_overdue,
            is_mitigation: row.is_mitigation,
            first_seen_at: row.first_seen,
            packages: row.carriers.into_iter().map(carrier).collect(),
        }
    }
}

/// What the organisation says about an asset; what it does not say is unknown, and counts as what the stricter rule asks.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AttributesShape {
    /// Its name for people.
    name: Option<String>,
    /// Whether it can be reached from the internet: `exposed` or `internal`.
    exposure: Option<ExposureShape>,
    environment: Option<String>,
    criticality: Option<String>,
    data_classes: Option<Vec<String>>,
    impact: Option<String>,
    /// The team that owns it.
    owner: Option<String>,
    tags: Vec<String>,
}

/// Whether an asset can be reached from the internet.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExposureShape {
    Exposed,
    Internal,
}

impl From<Attributes> for AttributesShape {
    fn from(said: Attributes) -> Self {
        let exposure = said.exposure.map(|exposure| match exposure {
            lifecycle::Exposure::Exposed => ExposureShape::Exposed,
            lifecycle::Exposure::Internal => ExposureShape::Internal,
        });
        let Attributes { name, environment, criticality, data_classes, impact, owner, tags, .. } = said;
        Self { name, exposure, environment, criticality, data_classes, impact, owner, tags }
    }
}

impl From<AttributesShape> for Attributes {
    fn from(said: AttributesShape) -> Self {
        let exposure = said.exposure.map(|exposure| match exposure {
            ExposureShape::Exposed => lifecycle::Exposure::Exposed,
            ExposureShape::Internal => lifecycle::Exposure::Internal,
        });
        let AttributesShape { name, environment, criticality, data_classes, impact, owner, tags, .. } = said;
        Self { name, exposure, environment, criticality, data_classes, impact, owner, tags }
    }
}

/// A reason, in words.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why.
    #[schema(min_length = 1)]
    pub(crate) reason: String,
}
