//! Scan obligations: how often an asset must be looked at, and what was missed.

use crate::asset::{Asset, Attributes};
use crate::event::Event;
use crate::person::SYSTEM;
use crate::{Refusal, State};
use ::policy::{Exposure, Length};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rules::{AssetId, PersonId, PolicyRule, Role};

impl Asset {
    /// When it must be looked at next, as of an instant: counted from the last look by then, or from its registration. What
    /// was said about it then decides how often. None if the policy does not cover it.
    ///
    /// The span is added on the calendar of UTC; one beyond its end is the end of all times.
    #[must_use]
    pub fn scan_due(&self, attributes: &Attributes, at: Timestamp, rule: &PolicyRule) -> Option<Timestamp> {
        if !rule.covers(attributes.subject()) {
            return None;
        }
        let start = self.scanned_by(at).unwrap_or_else(|| self.registered_by(at));
        let due = start.to_zoned(TimeZone::UTC).checked_add(length(rule, attributes).span());
        Some(due.map_or(Timestamp::MAX, |due| due.timestamp()))
    }

    /// Whether it should have been looked at before an instant, and was not.
    #[must_use]
    pub fn is_scan_overdue(&self, attributes: &Attributes, at: Timestamp, rule: &PolicyRule) -> bool {
        // Most need no calendar.
        let soonest = rule.exposed.shortest_hours().min(rule.internal.shortest_hours());
        let start = self.scanned_by(at).unwrap_or_else(|| self.registered_by(at));
        at.duration_since(start) > SignedDuration::from_hours(soonest)
            && self.scan_due(attributes, at, rule).is_some_and(|due| due < at)
    }
}

fn length(rule: &PolicyRule, attributes: &Attributes) -> Length {
    match attributes.exposure {
        Some(Exposure::Internal) => rule.internal,
        // Nobody says that it cannot be reached.
        Some(Exposure::Exposed) | None => rule.exposed,
    }
}

impl State {
    /// When a scan of an asset is owed so that missing it is told: no rule is broken before it was in force.
    pub(crate) fn scan_owed(&self, asset: &Asset, at: Timestamp) -> Option<Timestamp> {
        let rule = self.policy_rule();
        let due = asset.scan_due(&asset.attributes, at, &rule)?;
        let since = self.policy.as_ref().filter(|policy| !policy.rule.is_default()).map(|policy| policy.since);
        let Some(since) = since.filter(|since| *since > due) else { return Some(due) };
        let after = since.to_zoned(TimeZone::UTC).checked_add(length(&rule, &asset.attributes).span());
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
