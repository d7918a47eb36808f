//! Lengths of time as policies write them, and how they compare at their longest.

use jiff::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A length of time in a policy: `72 hours`, `30 days`, `2 weeks`, `12 months`, `6 years`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// How many.
    pub count: i64,
    /// Of what.
    pub unit: Unit,
}

/// What lengths are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Hours.
    Hours,
    /// Calendar days.
    Days,
    /// Seven calendar days.
    Weeks,
    /// Months, to the same day.
    Months,
    /// Years, to the same day.
    Years,
}

/// Every unit with its two words.
const UNITS: &[(&str, &str, Unit)] = &[
    ("hour", "hours", Unit::Hours),
    ("day", "days", Unit::Days),
    ("week", "weeks", Unit::Weeks),
    ("month", "months", Unit::Months),
    ("year", "years", Unit::Years),
];
/// What no length may be longer than: a hundred years.
const MOST_HOURS: i64 = 100 * 366 * 24;

impl Length {
    /// Reads a length; `None` if it is none, is not positive, or is longer than a hundred years.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.trim().split_once(char::is_whitespace)?;
        let count: i64 = count.parse().ok().filter(|count| (1..=MOST_HOURS).contains(count))?;
        let unit = unit.trim().to_ascii_lowercase();
        let (.., unit) = UNITS.iter().find(|(one, many, _)| *one == unit || *many == unit)?;
        let length = Self { count, unit: *unit };
        (length.longest_hours() <= MOST_HOURS).then_some(length)
    }

    /// How many hours it has at most: months have 31 days, years 366.
    #[must_use]
    pub fn longest_hours(self) -> i64 {
        match self.in_months() {
            Some(months) => (months / 12 * 366 + months % 12 * 31).saturating_mul(24),
            None => self.exact_hours(),
        }
    }

    /// How many hours it has at least: months have 28 days, years 365.
    #[must_use]
    pub fn shortest_hours(self) -> i64 {
        match self.in_months() {
            Some(months) => (months / 12 * 365 + months % 12 * 28).saturating_mul(24),
            None => self.exact_hours(),
        }
    }

    /// How many hours it has as people count: a month has thirty days, a year 365.
    #[must_use]
    pub fn nominal_hours(self) -> i64 {
        match self.in_months() {
            Some(months) => (months * 365 / 12).saturating_mul(24),
            None => self.exact_hours(),
        }
    }

    fn in_months(self) -> Option<i64> {
        match self.unit {
            Unit::Months => Some(self.count),
            Unit::Years => Some(self.count * 12),
            Unit::Hours | Unit::Days | Unit::Weeks => None,
        }
    }

    fn exact_hours(self) -> i64 {
        self.count.saturating_mul(match self.unit {
            Unit::Hours => 1,
            Unit::Weeks => 7 * 24,
            Unit::Days | Unit::Months | Unit::Years => 24,
        })
    }

    /// The length on a calendar.
    #[must_use]
    pub fn span(self) -> Span {
        let span = Span::new();
        // INVARIANT: no length is longer than a hundred years, which every calendar has.
        match self.unit {
            Unit::Hours => span.try_hours(self.count),
            Unit::Days => span.try_days(self.count),
            Unit::Weeks => span.try_weeks(self.count),
            Unit::Months => span.try_months(self.count),
            Unit::Years => span.try_years(self.count),
        }
        .unwrap_or(span)
    }

    /// Whether it may be longer than another as people count that one: what is counted alike compares exactly.
    #[must_use]
    pub fn is_longer_than(self, other: Self) -> bool {
        match (self.in_months(), other.in_months()) {
            (Some(own), Some(other)) => own > other,
            (None, None) => self.exact_hours() > other.exact_hours(),
            _ => self.longest_hours() > other.nominal_hours(),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // INVARIANT: every unit is in the list.
        let words = UNITS.iter().find(|(.., unit)| *unit == self.unit).map_or(("", ""), |(one, many, _)| (one, many));
        write!(formatter, "{} {}", self.count, if self.count == 1 { words.0 } else { words.1 })
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let what = format!(
                "`{}` is no length of time; write a number and hours, days, weeks, months or years, like `30 days`",
                text.escape_debug()
            );
            serde::de::Error::custom(what)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_written_alike() {
        for text in ["72 hours", "1 day", "2 weeks", "12 months", "1 year"] {
            assert_eq!(Length::parse(text).map(|length| length.to_string()).as_deref(), Some(text));
        }
        for text in ["", "3", "0 days", "-1 days", "3 fortnights", "101 years", "9223372036854775807 years", "1.5 days"]
        {
            assert_eq!(Length::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_is_twelve_months_and_a_month_is_more_than_thirty_days() {
        let length = |text| Length::parse(text).expect("a length");
        assert!(!length("1 year").is_longer_than(length("12 months")));
        assert!(!length("12 months").is_longer_than(length("1 year")));
        assert!(length("1 month").is_longer_than(length("30 days")));
        assert!(!length("3 days").is_longer_than(length("72 hours")));
        assert!(
            length("31 days").is_longer_than(length("1 month")) && !length("30 days").is_longer_than(length("1 month"))
        );
        assert!(
            length("372 days").is_longer_than(length("12 months"))
                && length("93 days").is_longer_than(length("3 months"))
        );
        assert!(Length::parse("100 years").is_some() && Length::parse("1200 months").is_some());
    }
}
