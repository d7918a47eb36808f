//! How long deadlines may be, at least and at most: what proofs compare.

use crate::calendar::Calendar;
use crate::deadline::Due;
use crate::length::{Length, Unit};

/// A quarter has 92 days at most.
const QUARTER_HOURS: i64 = 92 * 24;

impl Due {
    /// How many hours it may be at most, from any start; none if it has no date. Holidays lengthen business days beyond it, and where
    /// days end at midnight, the rest of the last day.
    #[must_use]
    pub fn longest_hours(self) -> Option<i64> {
        match self {
            Self::Hours(hours) => Some(hours),
            Self::Days(days) => Some(days * 24),
            Self::Months(months) => Some(months * 31 * 24),
            // From a Friday on, each five begin with a weekend.
            Self::BusinessDays(days) => Some((days + (days + 4) / 5 * 2) * 24),
            Self::EndOfQuarter => Some(QUARTER_HOURS),
            Self::NextUpgrade => None,
        }
    }

    /// How many hours it is at least, from any start; none if it has no date, or may be over at once as a quarter may.
    #[must_use]
    pub fn shortest_hours(self) -> Option<i64> {
        match self {
            Self::Hours(hours) => Some(hours),
            Self::Days(days) => Some(days * 24),
            Self::Months(months) => Some(months * 28 * 24),
            // From a Sunday on, the first five meet no weekend.
            Self::BusinessDays(days) => Some((days + (days - 1) / 5 * 2) * 24),
            Self::EndOfQuarter | Self::NextUpgrade => None,
        }
    }

    /// Whether there is a start from which it leaves more time than another; what is counted alike compares exactly. A quarter counts
    /// as its longest: that it may end sooner is no promise of more time.
    pub(crate) fn is_looser_than(self, other: Self, calendar: &Calendar) -> bool {
        let is_alike = std::mem::discriminant(&self) == std::mem::discriminant(&other);
        let (Some(own), Some(least)) = (self.longest_hours(), other.shortest_hours().or(other.longest_hours())) else {
            return self.longest_hours().is_none() && other.longest_hours().is_some();
        };
        if is_alike {
            return self.longest_hours() > other.longest_hours();
        }
        // Days that end at midnight leave the rest of the last one, hours do not.
        let rest = if matches!(other, Self::Hours(_)) && calendar.is_end_of_day() { 24 } else { 0 };
        own + rest > least
    }

    /// Whether it never leaves more time than a length as people count it: a month is thirty days, a year 365.
    #[must_use]
    pub fn is_within(self, length: Length) -> bool {
        match (self, length.unit) {
            (Self::Months(months), Unit::Months) => months <= length.count,
            _ => self.longest_hours().is_some_and(|hours| hours <= length.nominal_hours()),
        }
    }
}
