//! Scan obligations: how often an asset must be looked at, and what was missed.

use crate::asset::{Asset, Attributes};
use crate::event::Event;
use crate::id::{AssetId, PersonId};
use crate::person::{Role, SYSTEM};
use crate::rule::PolicyRule;
use crate::{Refusal, State};
use ::policy::{Exposure, Length};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

impl PolicyRule {
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
        let rule = self.policy_rule();
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
