//! Gaps: what stands between figures and an all-clear.

use crate::questions::View;
use fleet::{AssetFilter, Coverage, Facts, Looked, Scans};
use lifecycle::{Asset, AssetId, Attributes, PolicyRule, State};
use std::collections::BTreeSet;

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
        let Coverage { assets, never_scanned, partly_read, undetermined, undecided, .. } = self.coverage;
        if assets == 0 {
            words.push(match self.coverage.uncovered {
                0 => "there is no asset that this is about".to_owned(),
                1 => "the policy does not cover the asset".to_owned(),
                _ => "the policy covers none of the assets".to_owned(),
            });
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
        let (coverage, looked) = (self.findings.coverage(facts, filter), self.looked_at(filter));
        let mut gaps = Gaps { coverage, scans_overdue: looked.overdue, looked_at: looked.in_time, ..Gaps::default() };
        if gaps.coverage.assets == 0 {
            return gaps;
        }
        let has_catalogue = facts.has_catalogue_at(self.at);
        (gaps.is_unjudged, gaps.lacks_catalogue) = (has_catalogue.is_none(), has_catalogue == Some(false));
        gaps.feeds = stale(state, facts, self.now);
        gaps
    }

    /// How many of the assets that are asked for are current: looked at in time, read and judged in full, and with nothing overdue.
    /// It is not known where nothing was held against advisories, or what they were held against lacks something or is too old.
    #[must_use]
    pub fn current(&self, filter: &AssetFilter, gaps: &Gaps) -> Option<u64> {
        if gaps.is_unjudged || gaps.lacks_catalogue || !gaps.feeds.is_empty() {
            return None;
        }
        if let Some(scans) = self.scans() {
            return Some(self.findings.current(&self.record.facts, (filter, scans), self.now));
        }
        let sound = self.findings.each_sound(&self.record.facts, filter, self.now);
        let rule = self.policy_rule();
        Some(sound.filter(|(id, attributes)| self.is_in_time(id, (&rule, attributes))).count() as u64)
    }

    /// The assets that are asked for and should have been looked at by now, and were not.
    #[must_use]
    pub fn scans_overdue(&self, filter: &AssetFilter) -> BTreeSet<AssetId> {
        let known = |(id, _): &(&AssetId, &Attributes)| self.record.state.assets.contains_key(*id);
        let (all, rule) = (self.findings.each_asset(&self.record.facts, filter).filter(known), self.policy_rule());
        all.filter(|(id, attributes)| !self.is_in_time(id, (&rule, attributes))).map(|(id, _)| id.clone()).collect()
    }

    /// How many of the assets that are asked for were looked at in time. Of now that is at hand; of a past day each asset is asked.
    fn looked_at(&self, filter: &AssetFilter) -> Looked {
        if let Some(scans) = self.scans() {
            return self.findings.looked_at(&self.record.facts, (filter, scans), self.now);
        }
        let mut looked = Looked::default();
        let rule = self.policy_rule();
        for (asset, attributes) in self.each_asset(filter).filter(|(_, attributes)| rule.covers(attributes.subject())) {
            let is_overdue = asset.is_scan_overdue(attributes, self.now, &rule);
            looked.overdue += u64::from(is_overdue);
            looked.in_time += u64::from(!is_overdue && asset.scanned_by(self.now).is_some());
        }
        looked
    }

    fn scans(&self) -> Option<&Scans> {
        self.record.scans.as_ref().filter(|_| self.at.is_none())
    }

    fn each_asset(&self, filter: &AssetFilter) -> impl Iterator<Item = (&Asset, &Attributes)> {
        let all = self.findings.each_asset(&self.record.facts, filter);
        all.filter_map(|(id, attributes)| Some((self.record.state.assets.get(id)?, attributes)))
    }

    /// What the policy of the time asks of looking at assets.
    #[must_use]
    pub fn policy_rule(&self) -> PolicyRule {
        PolicyRule::of(self.findings.policy())
    }

    fn is_in_time(&self, id: &AssetId, (rule, attributes): (&PolicyRule, &Attributes)) -> bool {
        let known = self.record.state.assets.get(id);
        known.is_some_and(|asset| !asset.is_scan_overdue(attributes, self.now, rule))
    }
}

fn stale(state: &State, facts: &Facts, now: jiff::Timestamp) -> Vec<String> {
    let (known, later): (Vec<_>, Vec<_>) = state.feeds.iter().partition(|(_, feed)| feed.since <= now);
    let feeds = known.into_iter().map(|(id, feed)| (id.as_str(), feed.newest, feed.since));
    let mut found = assessment::stale_feeds(feeds, facts.kinds(), now);
    // Which state was in force before the one that is, the ledger knows alone.
    found.extend(later.into_iter().map(|(id, _)| format!("how old the feed {id} was then is not known")));
    found
}
