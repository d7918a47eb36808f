//! Gaps: what stands between figures and an all-clear.

use crate::questions::View;
use fleet::{AssetFilter, Coverage};
use lifecycle::{ScanRule, State};

/// What is not known of the assets that are asked for, and of what is said of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// What was not looked at, judged or decided.
    pub coverage: Coverage,
    /// How many assets were not looked at in time.
    pub scans_overdue: u64,
    /// On how many of them something could not be read when they were looked at last.
    pub partly_read: u64,
    /// Whether nothing was ever held against advisories.
    pub is_unjudged: bool,
    /// Whether there is no catalogue of what is exploited.
    pub lacks_catalogue: bool,
    /// What is said of feeds that are too old.
    pub feeds: Vec<String>,
}

impl Gaps {
    /// The gaps in words; none if there are none.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut tell = |count: u64, one: &str, many: &str| match count {
            0 => {}
            1 => words.push(format!("1 {one}")),
            count => words.push(format!("{count} {many}")),
        };
        let Coverage { never_scanned, undetermined, undecided, .. } = self.coverage;
        tell(never_scanned, "asset that nobody has looked at", "assets that nobody has looked at");
        tell(self.scans_overdue, "asset whose scan is overdue", "assets whose scan is overdue");
        tell(self.partly_read, "asset of which not all could be read", "assets of which not all could be read");
        tell(
            undetermined,
            "package or release that could not be judged",
            "packages and releases that could not be judged",
        );
        tell(undecided, "finding that could not be decided", "findings that could not be decided");
        if self.is_unjudged {
            words.push("nothing was held against advisories yet".to_owned());
        } else if self.lacks_catalogue {
            words.push("the catalogue of exploited vulnerabilities is missing".to_owned());
        }
        words.extend(self.feeds.iter().cloned());
        words
    }
}

impl View<'_> {
    /// What is not known of the assets that are asked for.
    #[must_use]
    pub fn gaps(&self, filter: &AssetFilter) -> Gaps {
        let (facts, state) = (&self.record.facts, &self.record.state);
        let mut gaps = Gaps { coverage: self.findings.coverage(facts, filter), ..Gaps::default() };
        let rule = ScanRule::default();
        for (id, attributes) in self.findings.each_asset(facts, filter) {
            let Some(asset) = state.assets.get(id) else { continue };
            gaps.scans_overdue += u64::from(rule.is_overdue(asset, attributes, self.now));
            gaps.partly_read += u64::from(asset.inventory.as_ref().is_some_and(|inventory| inventory.unread > 0));
        }
        if gaps.coverage.assets == 0 {
            return gaps;
        }
        let has_catalogue = facts.has_catalogue_at(self.at);
        (gaps.is_unjudged, gaps.lacks_catalogue) = (has_catalogue.is_none(), has_catalogue == Some(false));
        // Which state of a feed was in force before the one that is, the ledger knows alone.
        if self.at.is_none() {
            gaps.feeds = stale(state, facts.things(), self.now);
        }
        gaps
    }
}

fn stale<'t>(state: &State, things: impl Iterator<Item = &'t fleet::Thing>, now: jiff::Timestamp) -> Vec<String> {
    let feeds: Vec<_> = state.feeds.iter().map(|(id, feed)| (id.as_str(), feed.newest, feed.since)).collect();
    let things: Vec<&fleet::Thing> = things.collect();
    assessment::stale_feeds(feeds.into_iter(), things.into_iter(), now)
}
