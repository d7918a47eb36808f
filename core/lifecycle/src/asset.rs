//! Assets: what can be patched, and what the organisation says about it.

use crate::event::Event;
use crate::id::AssetId;
use crate::inventory::Inventory;
use crate::{Refusal, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whether an asset can be reached from the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// Reachable from the internet.
    Exposed,
    /// Not reachable.
    Internal,
}

/// What the organisation says about an asset; what it does not say is unknown, and counts as what the stricter rule asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attributes {
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Reachable from the internet or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// `production`, `test` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// `critical`, `high` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criticality: Option<String>,
    /// Classes of data on it; an empty list says that there are none worth naming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_classes: Option<Vec<String>>,
    /// The potential impact of its loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// The team that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// An asset as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// What the organisation says about it.
    pub attributes: Attributes,
    /// Since when it is known.
    pub registered_at: Timestamp,
    /// Since when it is gone, with the reason.
    pub retired: Option<(Timestamp, String)>,
    /// Its newest inventory.
    pub inventory: Option<Inventory>,
    /// When it was last looked at, whether or not anything had changed.
    pub scanned_at: Option<Timestamp>,
    /// When inventories were taken that came in after a newer one.
    pub late_inventories: BTreeSet<Timestamp>,
    /// The due dates of scans that were missed, in their order.
    pub missed_scans: Vec<Timestamp>,
}

impl Asset {
    pub(crate) fn new(attributes: Attributes, registered_at: Timestamp) -> Self {
        Self {
            attributes,
            registered_at,
            retired: None,
            inventory: None,
            scanned_at: None,
            late_inventories: BTreeSet::new(),
            missed_scans: Vec::new(),
        }
    }

    /// Whether it is still there.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.retired.is_none()
    }
}

/// Registers an asset. One that was retired may come back under its id.
pub(crate) fn register(state: &State, asset: &AssetId, attributes: &Attributes) -> Result<Vec<Event>, Refusal> {
    match state.assets.get(asset) {
        Some(known) if known.is_active() => Err(Refusal::Exists { what: "asset", id: asset.to_string() }),
        _ => Ok(vec![Event::AssetRegistered { asset: asset.clone(), attributes: attributes.clone() }]),
    }
}

/// Says something else about an asset; nothing happens if that is what was said before.
pub(crate) fn change(state: &State, asset: &AssetId, attributes: &Attributes) -> Result<Vec<Event>, Refusal> {
    let known = state.active_asset(asset)?;
    Ok(match known.attributes == *attributes {
        true => Vec::new(),
        false => vec![Event::AssetChanged { asset: asset.clone(), attributes: attributes.clone() }],
    })
}

/// Takes an asset out of service, with the reason: its findings and scans are owed no longer.
pub(crate) fn retire(state: &State, asset: &AssetId, reason: &str) -> Result<Vec<Event>, Refusal> {
    state.active_asset(asset)?;
    match reason.trim() {
        "" => Err(Refusal::NoReason),
        reason => Ok(vec![Event::AssetRetired { asset: asset.clone(), reason: reason.to_owned() }]),
    }
}
