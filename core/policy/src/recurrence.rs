//! When a maintenance window opens: RFC 5545 recurrence on the clocks of a time zone.
//!
//! Days, weeks, months and years recur; what recurs by the hour or minute is no window, and is refused. The rule is carried out on
//! the calendar alone, then each opening is put on the zone's clocks: one that does not exist, because clocks go forward, opens as
//! much later; one that exists twice opens at the first.

use crate::promises::Window;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use rrule::{Frequency, RRule, Unvalidated};

/// From when until when a window opens first: from further back its rule would be followed for too long.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2200;
const RULE: &str = "write `FREQ=WEEKLY;BYDAY=SU` or the like, as RFC 5545 section 3.3.10 has it";

/// When a window opens and closes.
type Opening = (Timestamp, Timestamp);

/// What is wrong with a window, the byte at which it stands, and what to do.
pub(crate) struct Wrong {
    pub(crate) at: usize,
    pub(crate) what: String,
    pub(crate) hint: &'static str,
}

impl Window {
    /// When it opens and closes between two instants, what is open at the first included.
    pub(crate) fn openings(&self, zone: &str, (from, until): Opening) -> Result<Vec<Opening>, Wrong> {
        let zone = self.zone(zone)?;
        let starts = self.first().ok_or_else(|| Wrong {
            at: self.starts.span().start,
            what: format!("`{}` is no date and time", self.starts.as_ref().escape_debug()),
            hint: "write `2026-01-04T02:00:00`, without a zone",
        })?;
        if !YEARS.contains(&starts.year()) {
            let what = format!("a window that opens first in the year {} is none of ours", starts.year());
            return Err(Wrong { at: self.starts.span().start, what, hint: "write the day from which the rule counts" });
        }
        self.check_rule()?;
        let text = starts.strftime("%Y%m%dT%H%M%SZ").to_string();
        let rules = format!("DTSTART:{text}\nRRULE:{}", self.rule.as_ref());
        let rules = rules.parse::<rrule::RRuleSet>().map_err(|error| self.wrong(&error))?;
        let lasts = jiff::SignedDuration::from_hours(self.lasts.longest_hours());
        let mut found = Vec::new();
        for opening in &rules {
            // The calendar alone: what reads as UTC is the local date and time.
            let local = Timestamp::from_second(opening.timestamp()).map(|at| at.to_zoned(TimeZone::UTC).datetime());
            let Some(opens) = local.ok().and_then(|local| local.to_zoned(zone.clone()).ok()) else { break };
            let opens = opens.timestamp();
            if opens > until {
                break;
            }
            let closes = opens.checked_add(lasts).unwrap_or(Timestamp::MAX);
            if closes > from {
                found.push((opens, closes));
            }
        }
        Ok(found)
    }

    /// When it is open between two instants, what is open at the first included; `zone` is that of windows that name none.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn spans(&self, zone: &str, span: (Timestamp, Timestamp)) -> Result<Vec<(Timestamp, Timestamp)>, String> {
        self.openings(zone, span)
            .map_err(|wrong| format!("window `{}`: {}; {}", self.id.as_ref(), wrong.what, wrong.hint))
    }

    /// How many times it opens from an instant on until another; `None` if its rule cannot be read.
    #[must_use]
    pub fn openings_between(&self, zone: &str, (from, until): (Timestamp, Timestamp)) -> Option<usize> {
        let openings = self.openings(zone, (from, until)).ok()?;
        Some(openings.iter().filter(|(opens, _)| *opens >= from && *opens < until).count())
    }

    /// The first time it opens, as it is written.
    pub(crate) fn first(&self) -> Option<DateTime> {
        self.starts.as_ref().parse().ok()
    }

    fn zone(&self, default: &str) -> Result<TimeZone, Wrong> {
        let name = self.time_zone.as_ref().map_or(default, |zone| zone.as_ref());
        if name == "UTC" {
            return Ok(TimeZone::UTC);
        }
        TimeZoneDatabase::bundled().get(name).map_err(|_| Wrong {
            at: self.time_zone.as_ref().map_or(0, |zone| zone.span().start),
            what: format!("`{}` is no time zone", name.escape_debug()),
            hint: "write `Europe/Berlin` or the like",
        })
    }

    /// Whether its rule is one of those that windows may have.
    fn check_rule(&self) -> Result<(), Wrong> {
        let text = self.rule.as_ref();
        // A rule of its own says nothing of where it begins.
        if text.contains(['\n', '\r', ':']) {
            return Err(self.wrong(&"it is more than one rule"));
        }
        let rule: RRule<Unvalidated> = text.parse().map_err(|error: rrule::RRuleError| self.wrong(&error))?;
        match rule.get_freq() {
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly => {}
            other => return Err(self.wrong(&format!("`{other}` is too often: windows open by the day at most"))),
        }
        let by_clock =
            !rule.get_by_hour().is_empty() || !rule.get_by_minute().is_empty() || !rule.get_by_second().is_empty();
        if by_clock {
            return Err(self.wrong(&"the time of day is that of `starts`"));
        }
        if rule.get_count().is_some() || rule.get_until().is_some() {
            return Err(
                self.wrong(&"a window that ends is none on which a deadline could rest: leave COUNT and UNTIL away")
            );
        }
        Ok(())
    }

    fn wrong(&self, why: &dyn std::fmt::Display) -> Wrong {
        let what = format!("`{}` is no rule by which a window opens: {why}", self.rule.as_ref().escape_debug());
        Wrong { at: self.rule.span().start, what, hint: RULE }
    }
}
