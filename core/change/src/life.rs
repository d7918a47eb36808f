//! The life of a change: what is known of it beside how far its rollout has come, and what it lacks.

use crate::happening::{Audience, Came, Happening, Planned};
use crate::rollout::BACK_WITHIN;
use jiff::Timestamp;
use policy::promises::{ChangeType, Need};
use rules::{ChangeRule, PersonId, Seat, after};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It has not begun.
    Planned,
    /// Somebody turned it down.
    Declined,
    /// It is being rolled out.
    RollingOut,
    /// Somebody holds it.
    Paused,
    /// It stopped by itself.
    Stopped,
    /// Nothing of it begins any more.
    Aborted,
    /// It is being taken back.
    RollingBack,
    /// It is over.
    Ended,
}

impl Stage {
    /// The same in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Declined => "declined",
            Self::RollingOut => "rolling out",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Aborted => "aborted",
            Self::RollingBack => "rolling back",
            Self::Ended => "ended",
        }
    }

    /// Whether something is being done, or would go on.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::RollingOut | Self::Paused | Self::Stopped | Self::Aborted | Self::RollingBack)
    }
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// When.
    pub at: Timestamp,
    /// Who says so.
    pub by: PersonId,
    /// Whether it has passed.
    pub has_passed: bool,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// The digest of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// What is owed after an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// What.
    pub what: String,
    /// By whom.
    pub by: Seat,
    /// By when.
    pub due: Timestamp,
    /// When it was done, by whom, and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<(Timestamp, PersonId, String)>,
}

/// A change as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is planned.
    pub planned: Planned,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Who planned it.
    pub by: PersonId,
    /// How it stands.
    pub stage: Stage,
    /// The newest result of each test.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tests: BTreeMap<String, TestResult>,
    /// When who was told first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notices: BTreeMap<Audience, Timestamp>,
    /// When who was told last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_notices: BTreeMap<Audience, Timestamp>,
    /// The note by which a key that is kept away from every server has signed its plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<String>,
    /// Who approved it, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvals: BTreeMap<PersonId, Timestamp>,
    /// When its gate was passed, and what was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<(Timestamp, BTreeSet<Need>)>,
    /// What is owed afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<Owed>,
    /// How many assets have come how far.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub came: BTreeMap<Came, u64>,
    /// Why it stands as it does, where somebody said it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

impl Change {
    /// One that was planned just now.
    #[must_use]
    pub fn new(planned: Planned, at: Timestamp, by: PersonId) -> Self {
        Self {
            planned,
            planned_at: at,
            by,
            stage: Stage::Planned,
            tests: BTreeMap::new(),
            notices: BTreeMap::new(),
            last_notices: BTreeMap::new(),
            signed: None,
            approvals: BTreeMap::new(),
            opened: None,
            owed: Vec::new(),
            came: BTreeMap::new(),
            reason: String::new(),
            ended_at: None,
        }
    }

    /// Takes in what happened; `before` is how far an asset had come that comes further.
    pub fn take(
        &mut self,
        what: &Happening,
        (at, by): (Timestamp, &PersonId),
        before: Option<Came>,
        rule: &ChangeRule,
    ) {
        let stage = match what {
            Happening::Declined { reason } => Some((Stage::Declined, reason)),
            Happening::Paused { reason } => Some((Stage::Paused, reason)),
            Happening::Resumed { reason } => Some((Stage::RollingOut, reason)),
            Happening::Stopped { reason } => Some((Stage::Stopped, reason)),
            Happening::Aborted { reason } => Some((Stage::Aborted, reason)),
            Happening::TakenBack { reason } => Some((Stage::RollingBack, reason)),
            _ => None,
        };
        if let Some((stage, reason)) = stage {
            self.stage = stage;
            self.reason.clone_from(reason);
        }
        match what {
            Happening::Tested { test, has_passed, words, evidence } => {
                let (words, evidence) = (words.clone(), evidence.clone());
                let result = TestResult { at, by: by.clone(), has_passed: *has_passed, words, evidence };
                if self.tests.insert(test.clone(), result).is_some() || !has_passed {
                    // Whoever approved has seen another result.
                    self.approvals.clear();
                }
            }
            Happening::Noticed { audience, .. } => {
                self.notices.entry(*audience).or_insert(at);
                self.last_notices.insert(*audience, at);
            }
            Happening::Signed { note } => self.signed = Some(note.clone()),
            Happening::Approved { .. } => {
                self.approvals.insert(by.clone(), at);
            }
            Happening::TakenBack { .. } => self.ended_at = None,
            Happening::Started {} => self.stage = Stage::RollingOut,
            Happening::Ended {} => (self.stage, self.ended_at) = (Stage::Ended, Some(at)),
            Happening::Opened { skipped, .. } => self.open(skipped, at, rule),
            Happening::Asset { came, .. } => {
                if *came == Came::LeftOut && self.opened.is_none() {
                    // What is left to approve is less than it was.
                    self.approvals.clear();
                }
                if let Some(count) = before.and_then(|before| self.came.get_mut(&before)) {
                    *count = count.saturating_sub(1);
                }
                self.came.retain(|_, count| *count > 0);
                *self.came.entry(*came).or_default() += 1;
            }
            Happening::Settled { owed, words } => {
                if let Some(owed) = self.owed.get_mut(*owed) {
                    owed.settled = Some((at, by.clone(), words.clone()));
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, skipped: &BTreeSet<Need>, at: Timestamp, rule: &ChangeRule) {
        self.opened = Some((at, skipped.clone()));
        let owes = rule.emergency.iter().flat_map(|rule| &rule.owes);
        let owed = |rule: &rules::OwedRule| Owed {
            what: rule.what.clone(),
            by: rule.by.clone(),
            due: after(at, rule.within),
            settled: None,
        };
        if self.planned.kind == ChangeType::Emergency {
            self.owed = owes.map(owed).collect();
        }
    }

    /// What must be true before its gate is passed: as the policy says; of an emergency also what a normal change needs and the policy
    /// does not let it skip.
    #[must_use]
    pub fn needs(&self, rule: &ChangeRule) -> BTreeSet<Need> {
        let of = |kind: ChangeType| rule.gate(kind).map_or(&[][..], |gate| &gate.needs).iter().copied();
        let mut needs: BTreeSet<Need> = of(self.planned.kind).collect();
        if self.planned.kind == ChangeType::Emergency {
            let skipped = rule.emergency.as_ref().map_or(&[][..], |rule| &rule.skips);
            needs.extend(of(ChangeType::Normal).filter(|need| !skipped.contains(need)));
        }
        needs
    }

    /// What an emergency skips that a normal change must pass, as far as its policy lets it.
    #[must_use]
    pub fn skips(&self, rule: &ChangeRule) -> BTreeSet<Need> {
        if self.planned.kind != ChangeType::Emergency {
            return BTreeSet::new();
        }
        let normal = rule.gate(ChangeType::Normal).map_or(&[][..], |gate| &gate.needs);
        let own = self.needs(rule);
        normal.iter().filter(|need| !own.contains(*need)).copied().collect()
    }

    /// What it lacks before its gate is passed, in words, approvals aside; `tested_since` is since when all its test environments are
    /// through, if they are.
    #[must_use]
    pub fn lacks(&self, rule: &ChangeRule, tested_since: Option<Timestamp>, now: Timestamp) -> Vec<String> {
        let mut lacks = Vec::new();
        for need in self.needs(rule) {
            match need {
                Need::Tests => lacks.extend(self.tests_lacking(rule)),
                Need::Soak => lacks.extend(self.soak_lacking(rule, tested_since, now)),
                Need::RollbackPlan if !self.planned.has_way_back => {
                    lacks.push(WAY_BACK.to_owned());
                }
                Need::RollbackPlan => {}
                Need::Notice => lacks.extend(self.notices_lacking(rule, now)),
            }
        }
        lacks
    }

    /// Whether it is over, and what it has done can be taken back still at an instant.
    #[must_use]
    pub fn can_return(&self, now: Timestamp) -> bool {
        self.stage == Stage::Ended && self.ended_at.is_some_and(|ended| now.duration_since(ended) < BACK_WITHIN)
    }

    /// How many assets somebody has to look at.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.came.iter().filter(|(came, _)| came.is_bad()).map(|(_, count)| count).sum()
    }

    /// Whether somebody has to look at it.
    #[must_use]
    pub fn needs_somebody(&self) -> bool {
        let is_owed = self.owed.iter().any(|owed| owed.settled.is_none());
        let good = [Came::Verified, Came::LeftOut, Came::RolledBack];
        let good: u64 = good.iter().filter_map(|came| self.came.get(came)).sum();
        // What is over and not on every asset is nothing to be content with.
        let is_short = self.stage == Stage::Ended && good < self.planned.assets as u64;
        self.stage == Stage::Stopped || self.stage.is_under_way() && self.bad() > 0 || is_short || is_owed
    }

    /// Whether nothing happens to it any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.stage.is_under_way() && self.stage != Stage::Planned
    }

    /// Says no if it is over, or its gate is passed.
    ///
    /// # Errors
    /// How it stands.
    pub fn may_still_be_judged(&self) -> Result<(), &'static str> {
        match self.stage {
            Stage::Planned | Stage::RollingOut | Stage::Paused | Stage::Stopped if self.opened.is_none() => Ok(()),
            Stage::Planned | Stage::RollingOut | Stage::Paused | Stage::Stopped => Err("through its gate"),
            stage => Err(stage.word()),
        }
    }

    /// What whoever approves it must be able to see first, and cannot: tests, and how it is taken back.
    #[must_use]
    pub fn unproven(&self, rule: &ChangeRule) -> Vec<String> {
        let is_asked = |need: Need| self.needs(rule).contains(&need);
        let tests = self.tests_lacking(rule).filter(|_| is_asked(Need::Tests));
        let way_back = is_asked(Need::RollbackPlan) && !self.planned.has_way_back;
        tests.chain(way_back.then(|| WAY_BACK.to_owned())).collect()
    }

    fn tests_lacking(&self, rule: &ChangeRule) -> impl Iterator<Item = String> {
        rule.tests.iter().filter_map(|test| match self.tests.get(test) {
            Some(result) if result.has_passed => None,
            Some(_) => Some(format!("the test `{test}`, which has failed")),
            None => Some(format!("the test `{test}`")),
        })
    }

    fn soak_lacking(&self, rule: &ChangeRule, tested_since: Option<Timestamp>, now: Timestamp) -> Option<String> {
        let soak = rule.soak?;
        // Where none of its assets is in a test environment nobody has seen it run.
        if self.planned.test_assets == 0 {
            return Some(format!("{soak} in a test environment, and none of its assets is in one"));
        }
        match tested_since.map(|since| after(since, soak)) {
            None => Some(format!("{soak} in the test environments, which are not through")),
            Some(until) if now < until => Some(format!("{soak} in the test environments, which end on {until}")),
            Some(_) => None,
        }
    }

    fn notices_lacking(&self, rule: &ChangeRule, now: Timestamp) -> impl Iterator<Item = String> {
        let asked =
            [(Audience::Customers, rule.customers, "customers"), (Audience::Business, rule.business, "the business")];
        asked.into_iter().filter_map(move |(audience, before, words)| {
            let before = before?;
            match self.notices.get(&audience).map(|told| after(*told, before)) {
                None => Some(format!("a notice to {words}, {before} before")),
                Some(from) if now < from => Some(format!("the {before} that {words} were told before, until {from}")),
                Some(_) => None,
            }
        })
    }
}

const WAY_BACK: &str = "a word on how it is taken back";
