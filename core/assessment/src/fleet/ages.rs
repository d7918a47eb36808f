//! How old the feeds are that what is said of a fleet rests on.

use crate::coverage::{feed_concerns, staleness};
use inventory::PackageType;
use jiff::Timestamp;

/// What is said of feeds that are too old to be relied on and could speak of things of these kinds and ecosystems.
///
/// A feed is told by its id, the newest instant inside it, and since when it is in force here.
pub fn stale_feeds<'a>(
    feeds: impl Iterator<Item = (&'a str, Option<Timestamp>, Timestamp)>,
    kinds: impl Iterator<Item = (&'a str, &'a str)>,
    now: Timestamp,
) -> Vec<String> {
    let kinds: Vec<(PackageType, &str)> =
        kinds.filter_map(|(kind, ecosystem)| Some((PackageType::from_name(kind)?, ecosystem))).collect();
    let mut found = Vec::new();
    for (id, newest, since) in feeds.filter(|(id, ..)| feed_concerns(id, || kinds.iter().copied())) {
        let Some(feed) = advisories::feeds::find(id) else { continue };
        found.extend(staleness(feed, (newest.unwrap_or(since), newest.is_some()), now));
    }
    found
}
