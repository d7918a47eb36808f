//! Days: calendar or business days, holidays, quarters, the end of a day.

use crate::error::Fault;
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan, Zoned};
use std::collections::BTreeSet;

/// How days are counted.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    zone_name: String,
    holidays: BTreeSet<Date>,
    is_end_of_day: bool,
}

impl Calendar {
    /// Makes a calendar.
    ///
    /// # Errors
    /// If the time zone or a holiday does not exist.
    pub fn new(zone: &str, holidays: &[String], is_end_of_day: bool) -> Result<Self, Fault> {
        let found = if zone == "UTC" {
            TimeZone::UTC
        } else {
            // The program's own table of zones: another machine's must not give other dates.
            TimeZoneDatabase::bundled().get(zone).map_err(|_| Fault::TimeZone { name: zone.to_owned() })?
        };
        let days = holidays.iter().map(|day| day.parse::<Date>().map_err(|_| Fault::Holiday { day: day.clone() }));
        Ok(Self { zone: found, zone_name: zone.to_owned(), holidays: days.collect::<Result<_, _>>()?, is_end_of_day })
    }

    /// The name of the time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// The days that are no business days, beside weekends.
    pub(crate) fn holidays(&self) -> impl Iterator<Item = &Date> {
        self.holidays.iter()
    }

    /// Whether what falls due on a day falls due at its end.
    pub(crate) fn is_end_of_day(&self) -> bool {
        self.is_end_of_day
    }

    /// The time zone.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// A number of hours later; never moved to the end of a day.
    #[must_use]
    pub fn after_hours(&self, start: Timestamp, hours: i64) -> Timestamp {
        start.checked_add(hours.hours()).unwrap_or(Timestamp::MAX)
    }

    /// A number of calendar days later.
    #[must_use]
    pub fn after_days(&self, start: Timestamp, days: i64) -> Timestamp {
        self.later(start, days.days())
    }

    /// A number of months later, on the same day of the month or on its last.
    #[must_use]
    pub fn after_months(&self, start: Timestamp, months: i64) -> Timestamp {
        self.later(start, months.months())
    }

    fn later(&self, start: Timestamp, span: jiff::Span) -> Timestamp {
        let later = self.local(start).checked_add(span);
        later.map_or(Timestamp::MAX, |later| self.rounded(later.date(), later.timestamp()))
    }

    /// An instant on the policy's clocks. What publishers date by the day reads as midnight in UTC, and means that day
    /// wherever one is.
    fn local(&self, at: Timestamp) -> Zoned {
        let is_day = at.as_second().rem_euclid(24 * 3600) == 0 && at.subsec_nanosecond() == 0;
        let day = at.to_zoned(TimeZone::UTC).date();
        let of_day = if is_day { day.to_zoned(self.zone.clone()).ok() } else { None };
        of_day.unwrap_or_else(|| at.to_zoned(self.zone.clone()))
    }

    /// A number of business days later: the start's own day does not count, weekends and holidays do not either.
    #[must_use]
    pub fn after_business_days(&self, start: Timestamp, days: i64) -> Timestamp {
        let zoned = self.local(start);
        let (mut date, mut left) = (zoned.date(), days);
        // INVARIANT: bounded, even if somebody calls every day a holiday.
        for _ in 0..days.saturating_mul(10).saturating_add(400) {
            if left <= 0 {
                break;
            }
            let Ok(next) = date.tomorrow() else { return Timestamp::MAX };
            date = next;
            let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
            if !is_weekend && !self.holidays.contains(&date) {
                left -= 1;
            }
        }
        let at = date.to_datetime(zoned.time()).to_zoned(self.zone.clone());
        at.map_or(Timestamp::MAX, |at| self.rounded(date, at.timestamp()))
    }

    /// The last instant of the quarter that holds `start`.
    #[must_use]
    pub fn end_of_quarter(&self, start: Timestamp) -> Timestamp {
        let date = self.local(start).date();
        let month = (date.month() - 1) / 3 * 3 + 3;
        Date::new(date.year(), month, 1).map_or(Timestamp::MAX, |first| self.end_of_day(first.last_of_month()))
    }

    /// The end of the day on which something falls due, where days end so.
    pub(crate) fn due_on(&self, at: Timestamp) -> Timestamp {
        self.rounded(self.local(at).date(), at)
    }

    fn rounded(&self, date: Date, at: Timestamp) -> Timestamp {
        if self.is_end_of_day { self.end_of_day(date) } else { at }
    }

    /// The last second of a day, also where clocks change at midnight.
    fn end_of_day(&self, date: Date) -> Timestamp {
        let next = date.tomorrow().and_then(|next| next.to_zoned(self.zone.clone()));
        next.ok().and_then(|next| next.timestamp().checked_sub(1.second()).ok()).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn days_are_counted_as_the_calendar_says() {
        let utc = Calendar::new("UTC", &["2026-12-25".to_owned()], true).expect("valid");
        assert_eq!(utc.after_days(at("2026-11-23T10:00:00Z"), 30), at("2026-12-23T23:59:59Z"));
        assert_eq!(utc.after_business_days(at("2026-12-24T10:00:00Z"), 1), at("2026-12-28T23:59:59Z"));
        assert_eq!(utc.end_of_quarter(at("2026-11-23T10:00:00Z")), at("2026-12-31T23:59:59Z"));
        assert_eq!(utc.after_hours(at("2026-11-23T10:00:00Z"), 72), at("2026-11-26T10:00:00Z"));
        let berlin = Calendar::new("Europe/Berlin", &[], true).expect("valid");
        assert_eq!(berlin.after_days(at("2026-10-24T10:00:00Z"), 1), at("2026-10-25T22:59:59Z"));
        // A day is that day west of Greenwich too, also on the first of a quarter.
        let new_york = Calendar::new("America/New_York", &[], true).expect("valid");
        assert_eq!(new_york.end_of_quarter(at("2026-07-01T00:00:00Z")), at("2026-10-01T03:59:59Z"));
        assert_eq!(new_york.end_of_quarter(at("2026-07-01T00:00:01Z")), at("2026-07-01T03:59:59Z"));
        assert_eq!(new_york.after_days(at("2026-07-01T00:00:00Z"), 1), at("2026-07-03T03:59:59Z"));
        assert_eq!(utc.after_months(at("2026-02-01T00:00:00Z"), 1), at("2026-03-01T23:59:59Z"));
        assert_eq!(utc.after_months(at("2026-01-31T10:00:00Z"), 1), at("2026-02-28T23:59:59Z"));
        assert!(Calendar::new("Nowhere/City", &[], true).is_err());
        assert!(Calendar::new("UTC", &["2026-02-30".to_owned()], true).is_err());
    }
}
