//! What happens to changes: each is a kind of entry, and most are something for the rollout too.

use crate::rollout::RolloutEvent;
use jiff::Timestamp;
use policy::promises::{ChangeType, Need};
use rules::AssetId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What happens to a change: each is a kind of entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", deny_unknown_fields)]
pub enum Happening {
    /// It is planned.
    #[serde(rename = "change/planned")]
    Planned(Planned),
    /// A test of it has passed, or not.
    #[serde(rename = "change/tested")]
    Tested {
        /// Which, by its name.
        test: String,
        /// Whether it has passed.
        has_passed: bool,
        /// In words; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
        /// The digest of its result, where one was handed in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
    },
    /// Those it concerns were told.
    #[serde(rename = "change/noticed")]
    Noticed {
        /// Who.
        audience: Audience,
        /// What they were told.
        words: String,
    },
    /// A key that is kept away from every server has signed its plan.
    #[serde(rename = "change/signed")]
    Signed {
        /// The signed note: whose key it is judges each asset that carries it out.
        note: String,
    },
    /// Somebody approves it.
    #[serde(rename = "change/approved")]
    Approved {
        /// The digest of the plan that they have seen.
        plan: String,
    },
    /// Somebody turns it down.
    #[serde(rename = "change/declined")]
    Declined {
        /// Why.
        reason: String,
    },
    /// It begins: in the test environments, until its gate is passed.
    #[serde(rename = "change/started")]
    Started {},
    /// Its gate is passed.
    #[serde(rename = "change/opened")]
    Opened {
        /// Since when all its test environments are through, if they are.
        tested_since: Option<Timestamp>,
        /// What an emergency skips.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        skipped: BTreeSet<Need>,
    },
    /// Somebody holds it.
    #[serde(rename = "change/paused")]
    Paused {
        /// Why.
        reason: String,
    },
    /// It goes on.
    #[serde(rename = "change/resumed")]
    Resumed {
        /// Why.
        reason: String,
    },
    /// It has stopped by itself.
    #[serde(rename = "change/stopped")]
    Stopped {
        /// Why.
        reason: String,
    },
    /// Nothing of it begins any more.
    #[serde(rename = "change/aborted")]
    Aborted {
        /// Why.
        reason: String,
    },
    /// What it has done is taken back.
    #[serde(rename = "change/taken-back")]
    TakenBack {
        /// Why.
        reason: String,
    },
    /// It is over.
    #[serde(rename = "change/ended")]
    Ended {},
    /// An asset has come further.
    #[serde(rename = "change/asset")]
    Asset {
        /// Which.
        asset: AssetId,
        /// How far.
        came: Came,
        /// In words: what went wrong, or why it is left out.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
        /// The digest of its log, where one was handed in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log: Option<String>,
    },
    /// Something that was owed afterwards was done.
    #[serde(rename = "change/settled")]
    Settled {
        /// Which, counted from 0.
        owed: usize,
        /// What was done.
        words: String,
    },
}

/// What is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Planned {
    /// The digest of the plan.
    pub plan: String,
    /// What kind of change it is.
    pub kind: ChangeType,
    /// What it is for.
    pub title: String,
    /// How many assets it has.
    pub assets: usize,
    /// How many of them are in test environments.
    pub test_assets: usize,
    /// The teams whose assets these are; none where nobody owns one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<BTreeSet<String>>,
    /// Until when it may be carried out.
    pub until: Timestamp,
    /// Whether it says how it is taken back.
    pub has_way_back: bool,
}

/// Who is told beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// Customers.
    Customers,
    /// The business.
    Business,
}

/// How far an asset has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// It has begun.
    Begun,
    /// It says that it is done.
    Installed,
    /// An inventory shows it, and it runs.
    Verified,
    /// An inventory shows it, and something still runs what was there before.
    RestartPending,
    /// It failed, and is as it was before.
    Failed,
    /// It failed, and is not as it was before.
    Broken,
    /// Its own policy does not let it.
    Refused,
    /// It was not heard of in time.
    Silent,
    /// It did not begin although it could have.
    PassedOver,
    /// Somebody leaves it out.
    LeftOut,
    /// It begins to go back.
    RollingBack,
    /// It is as it was before.
    RolledBack,
}

impl Happening {
    /// The document beside the ledger that tells the rest: the plan, the result of a test, the log of an asset.
    #[must_use]
    pub fn document(&self) -> Option<&str> {
        match self {
            Self::Planned(planned) => Some(&planned.plan),
            Self::Tested { evidence, .. } => evidence.as_deref(),
            Self::Asset { log, .. } => log.as_deref(),
            _ => None,
        }
    }

    /// What it is for the rollout, where it is something; `number` is that of the asset in the plan.
    #[must_use]
    pub fn in_rollout(&self, number: Option<usize>) -> Option<RolloutEvent> {
        Some(match self {
            Self::Started {} => RolloutEvent::Started,
            Self::Opened { .. } => RolloutEvent::Opened,
            Self::Paused { .. } => RolloutEvent::Paused,
            Self::Resumed { .. } => RolloutEvent::Resumed,
            Self::Stopped { reason } => RolloutEvent::Unwell(reason.clone()),
            Self::Aborted { .. } => RolloutEvent::Aborted,
            Self::TakenBack { .. } => RolloutEvent::TakenBack,
            Self::Ended {} => RolloutEvent::Ended,
            Self::Asset { came, .. } => came.in_rollout(number?),
            _ => return None,
        })
    }
}

impl Came {
    fn in_rollout(self, number: usize) -> RolloutEvent {
        match self {
            Self::Begun => RolloutEvent::Begun(number),
            Self::Installed => RolloutEvent::Installed(number),
            Self::Verified => RolloutEvent::Shown(number, true),
            Self::RestartPending => RolloutEvent::Shown(number, false),
            Self::Failed => RolloutEvent::Failed(number, true),
            Self::Broken => RolloutEvent::Failed(number, false),
            Self::Refused => RolloutEvent::Refused(number),
            Self::Silent => RolloutEvent::Silent(number),
            Self::PassedOver => RolloutEvent::PassedOver(number),
            Self::LeftOut => RolloutEvent::Excluded(number),
            Self::RollingBack => RolloutEvent::RollingBack(number),
            Self::RolledBack => RolloutEvent::RolledBack(number),
        }
    }

    /// Whether an agent may say it of its own asset: the rest is shown by inventories, or by the time.
    #[must_use]
    pub fn is_of_agents(self) -> bool {
        matches!(self, Self::Begun | Self::Installed | Self::Failed | Self::Broken | Self::Refused | Self::RollingBack)
    }

    /// Whether somebody has to look at the asset.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Broken | Self::Silent | Self::Refused)
    }

    /// Whether a newer inventory has to show it.
    #[must_use]
    pub fn is_shown(self) -> bool {
        matches!(self, Self::Verified | Self::RestartPending | Self::RolledBack)
    }

    /// Whether the asset is being changed.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Begun | Self::Installed | Self::RollingBack)
    }

    /// The same in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Installed => "installed",
            Self::Verified => "verified",
            Self::RestartPending => "restart pending",
            Self::Failed => "failed, as before",
            Self::Broken => "failed, not as before",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::PassedOver => "passed over",
            Self::LeftOut => "left out",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
        }
    }
}
