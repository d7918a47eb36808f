//! Assets: what can be patched, and what the organisation says about it.

use crate::agent::{self, Agent};
use crate::attestation::{Attestation, Noticed};
use crate::event::Event;
use crate::inventory::Inventory;
use crate::{Refusal, State};
use ::policy::Exposure;
use ::policy::promises::Subject;
use jiff::{SignedDuration, Timestamp};
use rules::{AssetId, PersonId, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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

impl Attributes {
    /// What a policy's scope looks at.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            environment: self.environment.as_deref(),
            tags: &self.tags,
            owner: self.owner.as_deref(),
            data_classes: self.data_classes.as_deref(),
            exposure: self.exposure,
        }
    }
}

/// Looks that are no further apart are told as one stretch of time.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// An asset as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// What the organisation says about it.
    pub attributes: Attributes,
    /// When it was registered, each time it came back included.
    pub registrations: Vec<Timestamp>,
    /// Since when it is gone, with the reason.
    pub retired: Option<(Timestamp, String)>,
    /// Its newest inventory.
    pub inventory: Option<Inventory>,
    /// When it was last looked at, whether or not anything had changed.
    pub scanned_at: Option<Timestamp>,
    /// From when until when looks at it were told again and again, never more than a day apart; in their order. What is told
    /// today of last month was not known last month.
    pub looks: Vec<(Timestamp, Timestamp)>,
    /// When inventories were taken that came in after a newer one.
    pub late_inventories: BTreeSet<Timestamp>,
    /// The agent that reports it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent>,
    /// The due dates of scans that were missed, in their order.
    pub missed_scans: Vec<Timestamp>,
    /// Since when what is said of it leaves it to its vendor, where that came later than its registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_to_vendor: Option<Timestamp>,
    /// What its vendor has said last, and when that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<(Timestamp, Attestation)>,
    /// What its vendor has told of vulnerabilities of its own, in the order in which that was noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Noticed>,
}

impl Asset {
    pub(crate) fn new(attributes: Attributes, registered_at: Timestamp) -> Self {
        Self {
            attributes,
            registrations: vec![registered_at],
            retired: None,
            inventory: None,
            scanned_at: None,
            looks: Vec::new(),
            late_inventories: BTreeSet::new(),
            missed_scans: Vec::new(),
            agent: None,
            left_to_vendor: None,
            attested: None,
            notices: Vec::new(),
        }
    }

    /// It comes back after it was retired: what was missed and seen before stays what it was.
    pub(crate) fn come_back(&mut self, attributes: Attributes, at: Timestamp) {
        self.registrations.push(at);
        (self.attributes, self.retired, self.inventory, self.scanned_at) = (attributes, None, None, None);
        (self.agent, self.attested, self.left_to_vendor) = (None, None, None);
    }

    /// Notes that somebody looked at it, and told it at an instant.
    pub(crate) fn note_look(&mut self, looked: Timestamp, at: Timestamp) {
        self.scanned_at = Some(looked);
        let place = self.looks.partition_point(|(first, _)| *first <= at);
        match self.looks[..place].last_mut() {
            Some((_, last)) if at.duration_since(*last) <= A_DAY => *last = at.max(*last),
            _ => self.looks.insert(place, (at, at)),
        }
    }

    /// When it was registered last as of an instant; when it was first where that is later.
    #[must_use]
    pub fn registered_by(&self, at: Timestamp) -> Timestamp {
        let end = self.registrations.partition_point(|registered| *registered <= at).max(1);
        // INVARIANT: it was registered once, or it would not be here.
        self.registrations.get(end - 1).copied().unwrap_or(at)
    }

    /// When it was looked at last as of an instant, since it was registered last; not more than a day too late, where looks were
    /// less than a day apart.
    #[must_use]
    pub fn scanned_by(&self, at: Timestamp) -> Option<Timestamp> {
        let end = self.looks.partition_point(|(first, _)| *first <= at);
        let told = self.looks[..end].last().map(|(_, last)| (*last).min(at));
        // Of now it is known exactly.
        let is_of_now = self.looks.last().is_some_and(|(_, last)| *last <= at);
        let last = if is_of_now { self.scanned_at.filter(|looked| *looked <= at).or(told) } else { told };
        // What was there before it was registered first was looked at all the same; what came back is another machine.
        let came_back = self.registrations.iter().skip(1).rfind(|registered| **registered <= at);
        last.filter(|last| came_back.is_none_or(|registered| last >= registered))
    }

    /// Whether it is still there.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.retired.is_none()
    }
}

/// Registers an asset. One that was retired may come back under its id.
pub(crate) fn register(
    state: &State,
    asset: &AssetId,
    attributes: &Attributes,
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may(by, Role::OPERATES)?;
    match state.assets.get(asset) {
        Some(known) if known.is_active() => Err(Refusal::Exists { what: "asset", id: asset.to_string() }),
        _ => Ok(vec![Event::AssetRegistered { asset: asset.clone(), attributes: attributes.clone() }]),
    }
}

/// Says something else about an asset; nothing happens if that is what was said before.
pub(crate) fn change(
    state: &State,
    asset: &AssetId,
    attributes: &Attributes,
    by: &PersonId,
) -> Result<Vec<Event>, Refusal> {
    state.may(by, Role::OPERATES)?;
    let known = state.active_asset(asset)?;
    Ok(match known.attributes == *attributes {
        true => Vec::new(),
        false => vec![Event::AssetChanged { asset: asset.clone(), attributes: attributes.clone() }],
    })
}

/// Takes an asset out of service, with the reason: its findings and scans are owed no longer.
pub(crate) fn retire(state: &State, asset: &AssetId, reason: &str, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    state.may(by, Role::OPERATES)?;
    state.active_asset(asset)?;
    let retired = Event::AssetRetired { asset: asset.clone(), reason: crate::error::reason(reason)? };
    Ok(std::iter::once(retired).chain(agent::open_tickets(state, asset)).collect())
}
