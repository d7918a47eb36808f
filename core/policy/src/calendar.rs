//! Days: calendar or business days, holidays, quarters, the end of a day.

use crate::error::Error;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
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
    pub fn new(zone: &str, holidays: &[String], is_end_of_day: bool) -> Result<Self, Error> {
        let found = if zone == "UTC" {
            TimeZone::UTC
        } else {
            TimeZone::get(zone).map_err(|_| Error::TimeZone { name: zone.to_owned() })?
        };
        let days = holidays.iter().map(|day| day.parse::<Date>().map_err(|_| Error::Holiday { day: day.clone() }));
        Ok(Self { zone: found, zone_name: zone.to_owned(), holidays: days.collect::<Result<_, _>>()?, is_end_of_day })
    }

    /// The name of the time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// A number of hours later; never moved to the end of a day.
    #[must_use]
    pub fn after_hours(&self, start: Timestamp, hours: i64) -> Timestamp {
        start.checked_add(hours.hours()).unwrap_or(Timestamp::MAX)
    }

    /// A number of calendar days later.
    #[must_use]
    pub fn after_days(&self, start: Timestamp, days: i64) -> Timestamp {
        let zoned = start.to_zoned(self.zone.clone());
        let later = zoned.checked_add(days.days());
        later.map_or(Timestamp::MAX, |later| self.rounded(later.date(), later.timestamp()))
    }

    /// A number of business days later: the start's own day does not count, weekends and holidays do not either.
    #[must_use]
    pub fn after_business_days(&self, start: Timestamp, days: i64) -> Timestamp {
        let zoned = start.to_zoned(self.zone.clone());
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
        let date = start.to_zoned(self.zone.clone()).date();
        let month = (date.month() - 1) / 3 * 3 + 3;
        Date::new(date.year(), month, 1).map_or(Timestamp::MAX, |first| self.end_of_day(first.last_of_month()))
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
        assert!(Calendar::new("Nowhere/City", &[], true).is_err());
        assert!(Calendar::new("UTC", &["2026-02-30".to_owned()], true).is_err());
    }
}
