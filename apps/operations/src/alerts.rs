//! Alerts: what people are told of before and after a promise is broken, and whom it has reached.

use crate::questions::View;
use fleet::{AssetFilter, Filter, GroupBy};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AlertRule, AssetId, PersonId, Seat, State};
use policy::Length;
use std::collections::{BTreeMap, BTreeSet};

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// Findings of a team are overdue.
    Overdue,
    /// Assets of a team were not looked at in time.
    ScanOverdue,
    /// Findings of a team fall due soon.
    DueSoon,
    /// Assets of a team say nothing.
    AssetSilent,
    /// A feed does not move, or was never taken in.
    FeedStale,
    /// Assets of test environments hold data that the policy forbids there, or nobody says what they hold.
    ForbiddenData,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: &[Self] =
        &[Self::Overdue, Self::ScanOverdue, Self::DueSoon, Self::AssetSilent, Self::FeedStale, Self::ForbiddenData];

    /// The kind as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::ScanOverdue => "scan-overdue",
            Self::DueSoon => "due-soon",
            Self::AssetSilent => "asset-silent",
            Self::FeedStale => "feed-stale",
            Self::ForbiddenData => "forbidden-data",
        }
    }
}

/// Something that people are told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What.
    pub kind: AlertKind,
    /// The team whose it is; none where nobody owns the assets, or it is no team's.
    pub team: Option<String>,
    /// The feed, or some of the assets.
    pub subjects: Vec<String>,
    /// How many findings or assets.
    pub count: u64,
    /// When the first of them is or was due; since when nothing is heard.
    pub at: Option<Timestamp>,
    /// The same of the last that came to it.
    pub last: Option<Timestamp>,
    /// The roles of the policy that are told, in the order in which it reached them.
    pub told: Vec<Seat>,
}

/// So many assets are named.
const MOST_SUBJECTS: usize = 5;

impl Alert {
    /// Whether somebody is told: they have one of the roles, or it is their team's.
    #[must_use]
    pub fn is_for(&self, state: &State, person: &PersonId) -> bool {
        let is_theirs = |team: &String| state.people.get(person).is_some_and(|known| known.teams.contains(team));
        state.is_seated(person, &self.told) || self.team.as_ref().is_some_and(is_theirs)
    }

    /// The same for somebody: assets that they may not see are counted, and not named.
    #[must_use]
    pub fn shown_to(&self, state: &State, person: &PersonId) -> Self {
        let is_of_assets = self.kind != AlertKind::FeedStale;
        let may_see = |id: &String| AssetId::new(id.as_str()).is_ok_and(|id| state.may_see(person, &id).is_ok());
        let seen = self.subjects.iter().filter(|id| !is_of_assets || may_see(id));
        Self { subjects: seen.cloned().collect(), ..self.clone() }
    }

    /// What is told, in a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let team = self.team.as_ref().map_or_else(|| "that nobody owns".to_owned(), |team| format!("of team {team}"));
        let (findings, assets) = (counted(self.count, "finding"), counted(self.count, "asset"));
        let verb = |one: &'static str, many: &'static str| if self.count == 1 { one } else { many };
        match self.kind {
            AlertKind::Overdue => format!("{findings} on assets {team} {} overdue", verb("is", "are")),
            AlertKind::ScanOverdue => format!("{assets} {team} {} not looked at in time", verb("was", "were")),
            AlertKind::DueSoon => format!("{findings} on assets {team} {} due soon", verb("falls", "fall")),
            AlertKind::AssetSilent => format!("{assets} {team} {} nothing", verb("says", "say")),
            AlertKind::ForbiddenData => format!(
                "{assets} {team} in test environments {} data that is forbidden there, or nobody says what {}",
                verb("holds", "hold"),
                verb("it holds", "they hold")
            ),
            AlertKind::FeedStale if self.at.is_none() => {
                format!("the feed {}, which the policy rests on, was never taken in", self.subjects.join(", "))
            }
            AlertKind::FeedStale => format!("the feed {} does not move", self.subjects.join(", ")),
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What is told of one team, or of what nobody owns.
#[derive(Debug, Default)]
struct Told {
    /// How many findings or assets.
    count: u64,
    /// Some of the assets.
    subjects: Vec<String>,
    /// When the first is or was due; since when nothing is heard.
    at: Option<Timestamp>,
    /// The same of the last.
    last: Option<Timestamp>,
}

type ByTeam = BTreeMap<Option<String>, Told>;

/// An alert for each team, told to these roles.
fn for_each_team(kind: AlertKind, teams: ByTeam, to: impl Fn(Option<Timestamp>) -> Vec<Seat>) -> Vec<Alert> {
    let alert = |(team, Told { count, subjects, at, last }): (Option<String>, Told)| {
        let told = to(at);
        Alert { kind, team, subjects, count, at, last, told }
    };
    teams.into_iter().map(alert).collect()
}

impl View<'_> {
    /// What people are told of now, by the policy in force: what is most pressing first.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        let escalated = |at: Option<Timestamp>| at.map(|at| self.reached(at)).unwrap_or_default();
        let overdue = Filter { is_overdue: Some(true), ..Filter::default() };
        let mut alerts = for_each_team(AlertKind::Overdue, self.findings_by_team(&overdue), escalated);
        alerts.extend(for_each_team(AlertKind::ScanOverdue, self.scans_missed(), escalated));
        if let Some(rule) = &self.record.state.oversight().alerts {
            let due_before = Some(lifecycle::after(self.now, rule.due_within));
            let soon = Filter { is_overdue: Some(false), due_before, ..Filter::default() };
            let all = |_: Option<Timestamp>| rule.to.clone();
            alerts.extend(for_each_team(AlertKind::DueSoon, self.findings_by_team(&soon), all));
            alerts.extend(for_each_team(AlertKind::AssetSilent, self.silent(rule.asset_silent), all));
            alerts.extend(self.feeds_at_rest(rule));
            alerts.extend(for_each_team(AlertKind::ForbiddenData, self.forbidden(), all));
        }
        alerts.sort_by_key(|alert| (alert.kind, alert.at, alert.team.clone()));
        alerts
    }

    /// Whom something has reached that operations should have done by an instant; where no role of the policy has operators, those
    /// who are told of everything.
    fn reached(&self, since: Timestamp) -> Vec<Seat> {
        let oversight = self.record.state.oversight();
        let operations = oversight.operations().map(|seat| seat.role.as_str());
        let reached = operations.map(|role| oversight.reached(role, since, self.now)).unwrap_or_default();
        match reached.is_empty() {
            true => oversight.alerts.iter().flat_map(|rule| rule.to.iter().cloned()).collect(),
            false => reached.into_iter().map(|(seat, _)| seat.clone()).collect(),
        }
    }

    /// The findings that are asked for: how many, and when the first is due.
    fn findings_by_team(&self, filter: &Filter) -> ByTeam {
        let groups = self.findings.groups(&self.record.facts, (filter, GroupBy::Owner), self.now);
        let told = |group: fleet::Group| {
            let team = Some(group.name).filter(|name| !name.is_empty());
            (team, Told { count: group.counts.findings, subjects: Vec::new(), at: group.due, last: group.last_due })
        };
        groups.into_iter().map(told).collect()
    }

    fn scans_missed(&self) -> ByTeam {
        let rule = self.policy_rule();
        let due = |id: &AssetId| {
            let asset = self.record.state.assets.get(id)?;
            asset.scan_due(&asset.attributes, self.now, &rule)
        };
        self.assets_by_team(&self.scans_overdue(&AssetFilter::default()), due)
    }

    fn silent(&self, after: Length) -> ByTeam {
        let state = &self.record.state;
        let rule = self.policy_rule();
        let since = |id: &AssetId| {
            let asset = state.assets.get(id)?;
            Some(asset.scanned_by(self.now).unwrap_or_else(|| asset.registered_by(self.now)))
        };
        let covered =
            state.assets.iter().filter(|(_, asset)| asset.is_active() && rule.covers(asset.attributes.subject()));
        let latest = lifecycle::before(self.now, after);
        let silent = covered.filter(|(id, _)| since(id).is_some_and(|since| since < latest));
        self.assets_by_team(&silent.map(|(id, _)| id.clone()).collect(), since)
    }

    /// Assets of test environments that hold data of a class which the policy forbids there, or of which nobody says what they hold.
    fn forbidden(&self) -> ByTeam {
        let policy = self.record.facts.policy();
        let Some(testing) = policy.as_ref().and_then(|policy| policy.promises.testing.as_ref()) else {
            return ByTeam::new();
        };
        let is_wrong = |asset: &lifecycle::Asset| {
            let own = &asset.attributes;
            let holds = |classes: &Vec<String>| classes.iter().any(|class| testing.forbids(class));
            let is_tested = own.environment.as_deref().is_some_and(|environment| testing.is_in(environment));
            is_tested && own.data_classes.as_ref().is_none_or(holds)
        };
        let known = self.record.state.assets.iter().filter(|(_, asset)| asset.is_active());
        let found = known.filter(|(_, asset)| !testing.forbids_data.is_empty() && is_wrong(asset));
        let since = |id: &AssetId| self.record.state.assets.get(id).map(|asset| asset.registered_by(self.now));
        self.assets_by_team(&found.map(|(id, _)| id.clone()).collect(), since)
    }

    fn assets_by_team(&self, assets: &BTreeSet<AssetId>, at: impl Fn(&AssetId) -> Option<Timestamp>) -> ByTeam {
        let mut found = ByTeam::new();
        for id in assets {
            let owner = self.record.state.assets.get(id).and_then(|asset| asset.attributes.owner.clone());
            let told = found.entry(owner).or_default();
            told.count += 1;
            if told.subjects.len() < MOST_SUBJECTS {
                told.subjects.push(id.to_string());
            }
            let at = at(id);
            told.at = told.at.into_iter().chain(at).min();
            told.last = told.last.max(at);
        }
        found
    }

    /// From when on a feed must have something new: by the policy's length, or by the pause that its publisher takes if that is longer.
    fn rests_since(&self, feed: &str, rule: &AlertRule) -> Timestamp {
        let pause = advisories::feeds::find(feed).map_or(0, |feed| i64::from(feed.stale_after_days));
        let paused = self.now.checked_sub(SignedDuration::from_hours(24 * pause)).unwrap_or(Timestamp::MIN);
        lifecycle::before(self.now, rule.feed_stale).min(paused)
    }

    fn feeds_at_rest(&self, rule: &AlertRule) -> Vec<Alert> {
        let feeds = &self.record.state.feeds;
        // Its newest record is its age, whatever else came in with another state of it.
        let newest = feeds.iter().map(|(id, feed)| (id, feed.newest.unwrap_or(feed.since)));
        let at_rest = newest.filter(|(id, newest)| *newest < self.rests_since(id.as_str(), rule));
        let at_rest = at_rest.map(|(id, newest)| (id.to_string(), Some(newest)));
        let is_there = |name: &&String| feeds.keys().any(|id| id.as_str() == name.as_str());
        let never = rule.feeds.iter().filter(|name| !is_there(name)).map(|name| (name.clone(), None));
        let alert = |(name, at): (String, Option<Timestamp>)| Alert {
            kind: AlertKind::FeedStale,
            team: None,
            subjects: vec![name],
            count: 1,
            at,
            last: at,
            told: rule.to.clone(),
        };
        at_rest.chain(never).map(alert).collect()
    }
}
