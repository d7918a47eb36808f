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
    /// How many were: those that nobody has looked at yet are not among them, also where that is not overdue.
    pub looked_at: u64,
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
        let Coverage { assets, never_scanned, partly_read, undetermined, undecided } = self.coverage;
        if assets == 0 {
            words.push("there is no asset that this is about".to_owned());
            return words;
        }
        let mut tell = |count: u64, one: &str, many: &str| match count {
            0 => {}
            1 => words.push(format!("1 {one}")),
            count => words.push(format!("{count} {many}")),
        };
        tell(never_scanned, "asset that nobody has looked at", "assets that nobody has looked at");
        tell(self.scans_overdue, "asset whose scan is overdue", "assets whose scan is overdue");
        tell(partly_read, "asset of which not all could be read", "assets of which not all could be read");
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
            let is_overdue = rule.is_overdue(asset, attributes, self.now);
            gaps.scans_overdue += u64::from(is_overdue);
            gaps.looked_at += u64::from(!is_overdue && asset.scanned_by(self.now).is_some());
        }
        if gaps.coverage.assets == 0 {
            return gaps;
        }
        let has_catalogue = facts.has_catalogue_at(self.at);
        (gaps.is_unjudged, gaps.lacks_catalogue) = (has_catalogue.is_none(), has_catalogue == Some(false));
        gaps.feeds = stale(state, facts.things(), self.now);
        gaps
    }
}

impl View<'_> {
    /// How many of the assets that are asked for are current: looked at in time, read and judged in full, and with nothing overdue. None
    /// is where nothing was held against advisories.
    #[must_use]
    pub fn current(&self, filter: &AssetFilter) -> u64 {
        if self.record.facts.has_catalogue_at(self.at).is_none() {
            return 0;
        }
        let rule = ScanRule::default();
        let sound = self.findings.each_sound(&self.record.facts, filter, self.now);
        let in_time = |(id, attributes): &(&lifecycle::AssetId, &lifecycle::Attributes)| {
            self.record.state.assets.get(id).is_some_and(|asset| !rule.is_overdue(asset, attributes, self.now))
        };
        sound.filter(in_time).count() as u64
    }

    /// The assets that are asked for and should have been looked at by now, and were not.
    #[must_use]
    pub fn scans_overdue(&self, filter: &AssetFilter) -> std::collections::BTreeSet<lifecycle::AssetId> {
        let rule = ScanRule::default();
        let all = self.findings.each_asset(&self.record.facts, filter);
        let overdue = all.filter(|(id, attributes)| {
            self.record.state.assets.get(id).is_some_and(|asset| rule.is_overdue(asset, attributes, self.now))
        });
        overdue.map(|(id, _)| id.clone()).collect()
    }
}

fn stale<'t>(state: &State, things: impl Iterator<Item = &'t fleet::Thing>, now: jiff::Timestamp) -> Vec<String> {
    let (known, later): (Vec<_>, Vec<_>) = state.feeds.iter().partition(|(_, feed)| feed.since <= now);
    let things: Vec<&fleet::Thing> = things.collect();
    let feeds = known.into_iter().map(|(id, feed)| (id.as_str(), feed.newest, feed.since));
    let mut found = assessment::stale_feeds(feeds, things.into_iter(), now);
    // Which state was in force before the one that is, the ledger knows alone.
    found.extend(later.into_iter().map(|(id, _)| format!("how old the feed {id} was then is not known")));
    found
}
