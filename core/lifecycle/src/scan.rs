//! Scan obligations: how often an asset must be looked at, and what was missed.

use crate::asset::{Asset, Attributes};
use crate::event::Event;
use crate::id::{AssetId, PersonId};
use crate::person::{Role, SYSTEM};
use crate::{Refusal, State};
use ::policy::promises::{Coverage, ScopeRule, coverage};
use ::policy::{Exposure, Length, Policy, Unit};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// What a policy asks of looking at assets: which ones, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScanRule {
    /// The longest time between looks at what can be reached from the internet, or of which nobody says that it cannot.
    pub exposed: Length,
    /// The same for the rest.
    pub internal: Length,
    /// Which assets the policy covers, by the first rule that fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<ScopeRule>,
}

/// Weekly and monthly, for all: what holds where a policy says nothing.
impl Default for ScanRule {
    fn default() -> Self {
        let (exposed, internal) = (Length { count: 7, unit: Unit::Days }, Length { count: 1, unit: Unit::Months });
        Self { exposed, internal, scope: Vec::new() }
    }
}

impl ScanRule {
    /// What a policy asks.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let Self { exposed, internal, .. } = Self::default();
        let said = policy.promises.scanning.as_ref();
        let rules = policy.promises.scope.iter().flat_map(|scope| &scope.rule);
        Self {
            exposed: said.map_or(exposed, |said| *said.exposed.as_ref()),
            internal: said.map_or(internal, |said| *said.internal.as_ref()),
            scope: rules.map(|rule| rule.as_ref().clone()).collect(),
        }
    }

    /// Whether it is what holds where a policy says nothing.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the policy covers an asset, and why.
    #[must_use]
    pub fn coverage(&self, attributes: &Attributes) -> Coverage {
        coverage(&self.scope, attributes.subject())
    }

    /// Whether it is the organisation itself that must look at an asset and patch it.
    #[must_use]
    pub fn covers(&self, attributes: &Attributes) -> bool {
        self.scope.is_empty() || self.coverage(attributes).is_covered()
    }

    /// When an asset must be looked at next, as of an instant: counted from the last look by then, or from its registration. What
    /// was said about it then decides how often. None if the policy does not cover it.
    ///
    /// The span is added on the calendar of UTC; one beyond its end is the end of all times.
    #[must_use]
    pub fn due(&self, asset: &Asset, attributes: &Attributes, at: Timestamp) -> Option<Timestamp> {
        if !self.covers(attributes) {
            return None;
        }
        let start = asset.scanned_by(at).unwrap_or_else(|| asset.registered_by(at));
        let due = start.to_zoned(TimeZone::UTC).checked_add(self.length(attributes).span());
        Some(due.map_or(Timestamp::MAX, |due| due.timestamp()))
    }

    fn length(&self, attributes: &Attributes) -> Length {
        match attributes.exposure {
            Some(Exposure::Internal) => self.internal,
            // Nobody says that it cannot be reached.
            Some(Exposure::Exposed) | None => self.exposed,
        }
    }

    /// Whether an asset should have been looked at before an instant, and was not.
    #[must_use]
    pub fn is_overdue(&self, asset: &Asset, attributes: &Attributes, at: Timestamp) -> bool {
        // Most need no calendar.
        let soonest = self.exposed.shortest_hours().min(self.internal.shortest_hours());
        let start = asset.scanned_by(at).unwrap_or_else(|| asset.registered_by(at));
        at.duration_since(start) > SignedDuration::from_hours(soonest)
            && self.due(asset, attributes, at).is_some_and(|due| due < at)
    }
}

impl State {
    /// When a scan of an asset is owed so that missing it is told: no rule is broken before it was in force.
    pub(crate) fn scan_owed(&self, asset: &Asset, at: Timestamp) -> Option<Timestamp> {
        let rule = self.scan_rule();
        let due = rule.due(asset, &asset.attributes, at)?;
        let since = self.policy.as_ref().filter(|policy| !policy.rule.is_default()).map(|policy| policy.since);
        let Some(since) = since.filter(|since| *since > due) else { return Some(due) };
        let after = since.to_zoned(TimeZone::UTC).checked_add(rule.length(&asset.attributes).span());
        Some(after.map_or(Timestamp::MAX, |after| after.timestamp()))
    }
}

/// The scans that are missed as of now and were not told yet: one for each due date of an asset that the policy in force covers.
pub(crate) fn miss(state: &State, (by, now): (&PersonId, Timestamp)) -> Result<Vec<Event>, Refusal> {
    if by.as_str() != SYSTEM {
        state.may(by, Role::OPERATES)?;
    }
    let missed = |(id, asset): (&AssetId, &Asset)| {
        let due = state.scan_owed(asset, now)?;
        let is_new = due < now && asset.is_active() && !asset.missed_scans.contains(&due);
        is_new.then(|| Event::ScanMissed { asset: id.clone(), due })
    };
    Ok(state.assets.iter().filter_map(missed).collect())
}
