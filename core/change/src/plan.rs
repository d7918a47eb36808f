//! Plans: which assets of a fleet go from which versions to which, ring by ring, and when.
//!
//! A plan is written once and never changed: it leaves nothing to choose when it is carried out.

use crate::error::Error;
use crate::happening::Planned;
use crate::needs::{Health, Needs};
use crate::order::{Upgrade, check_upgrades};
use jiff::Timestamp;
use policy::promises::ChangeType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An interval of time: from, until.
pub type Span = (Timestamp, Timestamp);

/// What is done with which assets of a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// The form of this document.
    pub form: u32,
    /// What kind of change it is.
    pub kind: ChangeType,
    /// What it is for, in words.
    pub title: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Until when it may be carried out: what has not begun by then never does.
    pub until: Timestamp,
    /// What is upgraded: each set that some asset gets.
    pub upgrades: Vec<Vec<Upgrade>>,
    /// What each of these sets needs beside its packages; none in plans of the first form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Needs>,
    /// What holds on each asset before it begins and after, beside what its own settings say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub health: BTreeSet<Health>,
    /// What makes it an emergency, where no class does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// When assets may be changed: each set of hours that some asset has.
    pub hours: Vec<Hours>,
    /// Its rings, in their order.
    pub rings: Vec<RingPlan>,
    /// Groups of assets that have to be through before others begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub precedence: Vec<Precedence>,
    /// What keeps it within bounds.
    pub limits: Limits,
    /// Assets that want it and are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Exclusion>,
    /// The teams whose assets these are; none where nobody owns one of them, and in plans of the first form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<BTreeSet<String>>,
    /// How it is taken back, in words.
    pub way_back: String,
}

/// When assets may be changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Hours {
    /// At any time.
    Always,
    /// Within these, in their order; none touches another.
    Within(Vec<Span>),
}

/// A ring of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RingPlan {
    /// Its id.
    pub id: String,
    /// Whether it is one of the test environments: those go first, and the gate is passed before any other begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_test: bool,
    /// How long it is watched before the next one begins.
    pub soak_hours: i64,
    /// Its assets.
    pub members: Vec<Member>,
}

/// An asset of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Member {
    /// Its id, as the record has it.
    pub asset: String,
    /// Which of the plan's sets of upgrades it gets.
    pub upgrades: usize,
    /// Which of the plan's hours it has.
    pub hours: usize,
    /// The cluster or availability group that it is in: never two of one at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// That a group of assets has to be through before another one begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Precedence {
    /// The group that goes first.
    pub first: String,
    /// The group that waits for it.
    pub then: String,
}

/// What keeps a change within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// The share of a ring's assets, in percent, whose failing stops it.
    pub failure_threshold: u32,
    /// So many assets at once at most.
    pub at_once: u32,
    /// So many assets may be under way or lost before the last ring.
    pub at_risk: u32,
    /// How long an asset takes at most, in minutes: it begins only where so much of its window is left.
    pub takes_minutes: i64,
    /// How long it may be silent after that before it counts as lost, in minutes.
    pub patience_minutes: i64,
    /// How long it may wait for a restart before it counts as lost, in hours.
    pub restart_hours: i64,
    /// How often an asset may be started again for it; as its own settings say where the policy does not, and in plans of the first form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u32>,
}

/// An asset that wants a change and is left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exclusion {
    /// Its id, as the record has it.
    pub asset: String,
    /// Why. Its deadlines run on.
    pub reason: String,
}

impl Plan {
    /// The form of plans that is written.
    pub const FORM: u32 = 2;

    /// Its assets in the order of their rings, each with the number of its ring.
    pub fn members(&self) -> impl Iterator<Item = (usize, &Member)> {
        self.rings.iter().enumerate().flat_map(|(number, ring)| ring.members.iter().map(move |member| (number, member)))
    }

    /// What its entry says of it, whose digest is that.
    #[must_use]
    pub fn planned(&self, digest: &str) -> Planned {
        let test_assets = self.rings[..self.test_rings()].iter().map(|ring| ring.members.len()).sum();
        Planned {
            plan: digest.to_owned(),
            kind: self.kind,
            title: self.title.clone(),
            assets: self.assets(),
            test_assets,
            teams: self.teams.clone(),
            until: self.until,
            has_way_back: !self.way_back.trim().is_empty(),
        }
    }

    /// How many of its rings are test environments: the first ones.
    #[must_use]
    pub fn test_rings(&self) -> usize {
        self.rings.iter().take_while(|ring| ring.is_test).count()
    }

    /// How many assets it has.
    #[must_use]
    pub fn assets(&self) -> usize {
        self.rings.iter().map(|ring| ring.members.len()).sum()
    }

    /// What one of its assets gets.
    #[must_use]
    pub fn upgrades_of(&self, member: &Member) -> &[Upgrade] {
        self.upgrades.get(member.upgrades).map_or(&[], Vec::as_slice)
    }

    /// What one of its assets needs, where the plan says it.
    #[must_use]
    pub fn needs_of(&self, member: &Member) -> Option<&Needs> {
        self.needs.get(member.upgrades)
    }

    /// What all of its assets need together: bytes, packages whose size nobody says, and on how many assets a reboot is to be expected.
    /// None where the plan does not say it.
    #[must_use]
    pub fn needs_together(&self) -> Option<(u64, BTreeSet<&str>, usize)> {
        if self.needs.is_empty() {
            return None;
        }
        let each = || self.members().filter_map(|(_, member)| self.needs_of(member));
        let bytes = each().fold(0u64, |sum, needs| sum.saturating_add(needs.size_bytes));
        let of_no_size = each().flat_map(|needs| needs.unsized_packages.iter().map(String::as_str)).collect();
        Some((bytes, of_no_size, each().filter(|needs| !needs.reboots.is_empty()).count()))
    }

    /// Says no to a plan that could not be carried out, or could be read in two ways.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn check(&self) -> Result<(), Error> {
        if self.form == 0 || self.form > Self::FORM {
            return Err(Error::Form { found: self.form, known: Self::FORM });
        }
        self.upgrades.iter().try_for_each(|set| check_upgrades(set))?;
        self.check_members()?;
        if self.health.len() > MOST_HEALTH {
            return Err(wrong("more has to hold on its assets than anybody looks at"));
        }
        if !self.needs.is_empty() && self.needs.len() != self.upgrades.len() {
            return Err(wrong("it does not say of each set of upgrades what it needs"));
        }
        let ids: BTreeSet<&str> = self.rings.iter().map(|ring| ring.id.as_str()).collect();
        if ids.len() != self.rings.len() {
            return Err(wrong("two of its rings have one name"));
        }
        if self.rings.iter().any(|ring| ring.soak_hours < 0) {
            return Err(wrong("a ring is watched for less than no time"));
        }
        if self.rings.windows(2).any(|pair| pair[1].is_test && !pair[0].is_test) {
            return Err(wrong("a ring of a test environment comes after one that is none"));
        }
        let is_in_order = |spans: &[Span]| {
            spans.iter().all(|(from, until)| from < until) && spans.windows(2).all(|pair| pair[0].1 < pair[1].0)
        };
        if self.hours.iter().any(|hours| matches!(hours, Hours::Within(spans) if !is_in_order(spans))) {
            return Err(wrong("its hours are not in their order"));
        }
        let limits = &self.limits;
        let is_bounded = limits.failure_threshold <= 100 && limits.at_once > 0 && limits.at_risk > 0;
        let minutes = 1..=MOST_MINUTES;
        if !is_bounded
            || !minutes.contains(&limits.takes_minutes)
            || !minutes.contains(&limits.patience_minutes)
            || !(1..=MOST_HOURS).contains(&limits.restart_hours)
        {
            return Err(wrong("its limits leave nothing that could be done, or bound nothing"));
        }
        self.check_precedence()
    }

    fn check_members(&self) -> Result<(), Error> {
        let mut known = BTreeSet::new();
        for (_, member) in self.members() {
            if !known.insert(member.asset.as_str()) {
                return Err(Error::Plan { what: format!("asset `{}` is in it twice", member.asset.escape_debug()) });
            }
            if member.upgrades >= self.upgrades.len() || member.hours >= self.hours.len() {
                let what = format!("asset `{}` gets what is not in it", member.asset.escape_debug());
                return Err(Error::Plan { what });
            }
        }
        match self.left_out.iter().find(|left| known.contains(left.asset.as_str())) {
            Some(left) => {
                Err(Error::Plan { what: format!("asset `{}` is in it and left out", left.asset.escape_debug()) })
            }
            None => Ok(()),
        }
    }

    /// No group waits for itself, by however many others.
    fn check_precedence(&self) -> Result<(), Error> {
        let known: BTreeSet<&str> = self.members().filter_map(|(_, member)| member.group.as_deref()).collect();
        let named = self.precedence.iter().flat_map(|one| [one.first.as_str(), one.then.as_str()]);
        if let Some(group) = named.into_iter().find(|group| !known.contains(group)) {
            return Err(Error::Plan { what: format!("none of its assets is in group `{}`", group.escape_debug()) });
        }
        let mut waiting: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Precedence { first, then } in &self.precedence {
            waiting.entry(then).or_default().insert(first);
        }
        // Whoever waits for nobody goes, until nobody does.
        loop {
            let free: Vec<&str> = waiting
                .iter()
                .filter(|(_, firsts)| firsts.iter().all(|first| !waiting.contains_key(first)))
                .map(|(group, _)| *group)
                .collect();
            if free.is_empty() {
                break;
            }
            free.iter().for_each(|group| {
                waiting.remove(group);
            });
        }
        match waiting.keys().next() {
            Some(group) => Err(Error::Plan { what: format!("group `{}` waits for itself", group.escape_debug()) }),
            None => Ok(()),
        }
    }
}

/// No asset takes longer than a week.
pub const MOST_MINUTES: i64 = 7 * 24 * 60;
const MOST_HOURS: i64 = 366 * 24;
/// Each takes its time on every asset, twice.
const MOST_HEALTH: usize = 20;

fn wrong(what: &str) -> Error {
    Error::Plan { what: what.to_owned() }
}

impl Hours {
    /// Whether an asset may begin at an instant what may take so long.
    #[must_use]
    pub fn allow(&self, at: Timestamp, takes: jiff::SignedDuration) -> bool {
        let Self::Within(spans) = self else { return true };
        let place = spans.partition_point(|(_, until)| *until <= at);
        let Some((from, until)) = spans.get(place) else { return false };
        *from <= at && at.checked_add(takes).is_ok_and(|ends| ends <= *until)
    }

    /// When it may begin next, from an instant on; never, if not at all.
    #[must_use]
    pub fn next(&self, at: Timestamp, takes: jiff::SignedDuration) -> Option<Timestamp> {
        let Self::Within(spans) = self else { return Some(at) };
        let place = spans.partition_point(|(_, until)| *until <= at);
        let fits = |begins: &Timestamp, until: Timestamp| begins.checked_add(takes).is_ok_and(|ends| ends <= until);
        spans.get(place..)?.iter().find_map(|(from, until)| Some(at.max(*from)).filter(|begins| fits(begins, *until)))
    }
}
