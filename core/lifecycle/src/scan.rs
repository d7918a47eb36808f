//! Scan obligations: how often an asset must be looked at, and what was missed.

use crate::asset::{Asset, Exposure};
use crate::event::Event;
use crate::id::AssetId;
use crate::scope::Scope;
use crate::{Refusal, State};
use jiff::{Span, Timestamp, tz::TimeZone};
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

/// A scan that was owed and did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Whose.
    pub asset: AssetId,
    /// When it was due.
    pub due: Timestamp,
}

impl ScanRule {
    /// When an asset must be looked at next: counted from the last look, or from its registration.
    ///
    /// The span is added on the calendar of UTC; one beyond its end is the end of all times.
    #[must_use]
    pub fn due(&self, asset: &Asset) -> Timestamp {
        let start = asset.scanned_at.unwrap_or(asset.registered_at);
        let span = match asset.attributes.exposure {
            Some(Exposure::Internal) => Span::new().try_months(self.internal_months),
            // Nobody says that it cannot be reached.
            Some(Exposure::Exposed) | None => Span::new().try_days(self.exposed_days),
        };
        let due = span.and_then(|span| start.to_zoned(TimeZone::UTC).checked_add(span));
        due.map_or(Timestamp::MAX, |due| due.timestamp())
    }
}

/// The scans that are missed as of now and were not told yet: one for each due date of an asset that is in scope.
pub(crate) fn miss(state: &State, rule: &ScanRule, scope: &Scope, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let missed = |(id, asset): (&AssetId, &Asset)| {
        let due = rule.due(asset);
        let is_new = due < now && asset.is_active() && !asset.missed_scans.contains(&due);
        (is_new && scope.covers(&asset.attributes).is_covered).then(|| Event::ScanMissed { asset: id.clone(), due })
    };
    Ok(state.assets.iter().filter_map(missed).collect())
}
