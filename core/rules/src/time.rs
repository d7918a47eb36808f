//! Lengths of time on the calendar of UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use policy::Length;

/// A length after an instant, on the calendar of UTC; beyond its end is the end of all times.
#[must_use]
pub fn after(from: Timestamp, length: Length) -> Timestamp {
    from.to_zoned(TimeZone::UTC).checked_add(length.span()).map_or(Timestamp::MAX, |after| after.timestamp())
}

/// A length before an instant, on the calendar of UTC; beyond its beginning is the beginning of all times.
#[must_use]
pub fn before(until: Timestamp, length: Length) -> Timestamp {
    until.to_zoned(TimeZone::UTC).checked_sub(length.span()).map_or(Timestamp::MIN, |before| before.timestamp())
}
