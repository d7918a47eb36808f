//! Scan obligations: how often an asset must be looked at, and what was missed.

use crate::asset::{Asset, Attributes, Exposure};
use crate::event::Event;
use crate::id::{AssetId, PersonId};
use crate::person::{Role, SYSTEM};
use crate::scope::Scope;
use crate::{Refusal, State};
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// How often assets must be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScanRule {
    /// Days between looks at what can be reached from the internet, or of which nobody says that it cannot.
    pub exposed_days: i32,
    /// Months between looks at the rest.
    pub internal_months: i32,
}

impl Default for ScanRule {
    fn default() -> Self {
        Self { exposed_days: 7, internal_months: 1 }
    }
}

impl ScanRule {
    /// When an asset must be looked at next, as of an instant: counted from the last look by then, or from its registration. What
    /// was said about it then decides how often.
    ///
    /// The span is added on the calendar of UTC; one beyond its end is the end of all times.
    #[must_use]
    pub fn due(&self, asset: &Asset, attributes: &Attributes, at: Timestamp) -> Timestamp {
        let start = asset.scanned_by(at).unwrap_or_else(|| asset.registered_by(at));
        let span = match attributes.exposure {
            Some(Exposure::Internal) => Span::new().try_months(self.internal_months),
            // Nobody says that it cannot be reached.
            Some(Exposure::Exposed) | None => Span::new().try_days(self.exposed_days),
        };
        let due = span.and_then(|span| start.to_zoned(TimeZone::UTC).checked_add(span));
        due.map_or(Timestamp::MAX, |due| due.timestamp())
    }
}

impl ScanRule {
    /// Whether an asset should have been looked at before an instant, and was not.
    #[must_use]
    pub fn is_overdue(&self, asset: &Asset, attributes: &Attributes, at: Timestamp) -> bool {
        // No month is shorter than 28 days: most need no calendar.
        let soonest = i64::from(self.exposed_days).min(i64::from(self.internal_months) * 28);
        let start = asset.scanned_by(at).unwrap_or_else(|| asset.registered_by(at));
        at.duration_since(start) > SignedDuration::from_hours(soonest * 24) && self.due(asset, attributes, at) < at
    }
}

/// The scans that are missed as of now and were not told yet: one for each due date of an asset that is in scope.
pub(crate) fn miss(
    state: &State,
    (rule, scope): (&ScanRule, &Scope),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    if by.as_str() != SYSTEM {
        state.may(by, Role::OPERATES)?;
    }
    let missed = |(id, asset): (&AssetId, &Asset)| {
        let due = rule.due(asset, &asset.attributes, now);
        let is_new = due < now && asset.is_active() && !asset.missed_scans.contains(&due);
        (is_new && scope.covers(&asset.attributes).is_covered).then(|| Event::ScanMissed { asset: id.clone(), due })
    };
    Ok(state.assets.iter().filter_map(missed).collect())
}
