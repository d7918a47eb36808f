//! The words of rollouts: how one stands, how far an asset has come, what happens, and what is waited for.

use crate::plan::Plan;
use jiff::Timestamp;

/// How a rollout as a whole stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Assets begin as they may.
    Running,
    /// Somebody holds it.
    Paused,
    /// It stopped by itself.
    Stopped(Stop),
    /// Nothing begins any more.
    Aborted,
    /// What was done is taken back.
    RollingBack,
    /// It is over.
    Ended,
}

/// Why a rollout stopped by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Too many assets of a ring have failed.
    Failing {
        /// The ring.
        ring: usize,
        /// So many.
        failing: u32,
        /// Of so many that were through.
        through: u32,
    },
    /// Too many assets of a ring are lost: silent, or failed and not brought back.
    Lost {
        /// The ring.
        ring: usize,
        /// So many.
        lost: u32,
    },
    /// Somebody or something says that a ring is not well.
    Unwell {
        /// In their words.
        words: String,
    },
}

/// How far an asset has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// It has not begun.
    Waiting,
    /// It has not begun although it could have: the next ring does not wait for it.
    PassedOver,
    /// It has begun.
    Begun,
    /// It says that it is done; no inventory has shown it yet.
    Installed,
    /// An inventory shows what was ordered, and something still runs what was there before.
    RestartPending,
    /// An inventory shows what was ordered, and that is what runs.
    Verified,
    /// It failed, and is as it was before.
    Failed,
    /// It failed, and is not as it was before.
    Broken,
    /// It could not be brought back.
    Stuck,
    /// It has begun, and was not heard of since.
    Silent,
    /// Its own policy does not let it.
    Refused,
    /// Somebody left it out.
    Excluded,
    /// It is being brought back.
    RollingBack,
    /// It is as it was before.
    RolledBack,
}

/// What happened in a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutEvent {
    /// It begins: until then nobody could have.
    Started,
    /// An asset has begun.
    Begun(usize),
    /// An asset says that it has installed what was ordered.
    Installed(usize),
    /// A fresh inventory shows what was ordered and that it runs (`true`), or that something still runs what was there before.
    Shown(usize, bool),
    /// An asset failed, or an inventory does not show what it said; whether it is as it was before.
    Failed(usize, bool),
    /// An asset's own policy does not let it.
    Refused(usize),
    /// An asset was not heard of in time.
    Silent(usize),
    /// An asset did not begin although it could have.
    PassedOver(usize),
    /// Somebody leaves an asset out.
    Excluded(usize),
    /// An asset begins to go back.
    RollingBack(usize),
    /// An asset is as it was before.
    RolledBack(usize),
    /// The gate is passed: what is no test environment may begin.
    Opened,
    /// Somebody holds it.
    Paused,
    /// Somebody lets it go on: what has failed until then is known and no longer counts.
    Resumed,
    /// Something is not well.
    Unwell(String),
    /// Nothing is to begin any more.
    Aborted,
    /// What was done is to be taken back.
    TakenBack,
    /// It is over.
    Ended,
}

/// Why an asset may not begin now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// It does not wait: it has begun, or is left out.
    NotWaiting(Place),
    /// The rollout does not go on.
    Phase(Phase),
    /// The rings before its own are not through.
    Ring {
        /// The one that is at work.
        ring: usize,
    },
    /// The ring before its own is being watched.
    Soak {
        /// Until then.
        until: Timestamp,
    },
    /// The gate is not passed.
    Gate,
    /// Its window is not open, or too little of it is left.
    Window {
        /// Until then; for ever if there is no other one.
        until: Option<Timestamp>,
    },
    /// As many as may be are under way.
    AtOnce,
    /// More could be lost than may be.
    AtRisk,
    /// Another one of its group is under way, or is not well.
    Group,
    /// A group has to be through before its own.
    Before {
        /// That one's name.
        group: String,
    },
}

impl RolloutEvent {
    /// The asset that it is about, if it is about one.
    #[must_use]
    pub fn asset(&self) -> Option<usize> {
        match self {
            Self::Begun(asset)
            | Self::Installed(asset)
            | Self::Shown(asset, _)
            | Self::Failed(asset, _)
            | Self::Refused(asset)
            | Self::Silent(asset)
            | Self::PassedOver(asset)
            | Self::Excluded(asset)
            | Self::RollingBack(asset)
            | Self::RolledBack(asset) => Some(*asset),
            _ => None,
        }
    }

    /// Where an asset must be for it.
    pub(super) fn comes_from(&self) -> &'static [Place] {
        use Place::{
            Begun, Broken, Failed, Installed, PassedOver, Refused, RestartPending, RollingBack, Silent, Stuck,
            Verified, Waiting,
        };
        match self {
            Self::Begun(_) => &[Waiting, PassedOver],
            Self::Installed(_) | Self::Refused(_) => &[Begun, Silent],
            Self::Shown(_, true) => &[Installed, RestartPending, Silent],
            Self::Shown(_, false) => &[Installed, Silent],
            // What an inventory showed while it was at it is not what came of it.
            Self::Failed(..) => &[Begun, Installed, RestartPending, Verified, Silent, RollingBack],
            Self::Silent(_) => &[Begun, Installed, RestartPending, RollingBack],
            Self::PassedOver(_) => &[Waiting],
            Self::Excluded(_) => {
                &[Waiting, PassedOver, Refused, Failed, Broken, Stuck, Silent, RestartPending, Verified]
            }
            Self::RollingBack(_) => &[Installed, RestartPending, Verified, Broken, Silent],
            Self::RolledBack(_) => &[RollingBack, Silent],
            _ => &[],
        }
    }

    /// Where it brings an asset.
    pub(super) fn leads_to(&self, was: Place) -> Place {
        match self {
            Self::Begun(_) => Place::Begun,
            Self::Installed(_) => Place::Installed,
            Self::Shown(_, true) => Place::Verified,
            Self::Shown(_, false) => Place::RestartPending,
            Self::Failed(_, true) => Place::Failed,
            Self::Failed(_, false) if was == Place::RollingBack => Place::Stuck,
            Self::Failed(_, false) => Place::Broken,
            Self::Refused(_) => Place::Refused,
            Self::Silent(_) => Place::Silent,
            Self::PassedOver(_) => Place::PassedOver,
            Self::Excluded(_) => Place::Excluded,
            Self::RollingBack(_) => Place::RollingBack,
            Self::RolledBack(_) => Place::RolledBack,
            _ => was,
        }
    }
}

impl Wait {
    /// What is waited for, in words.
    #[must_use]
    pub fn words(&self, plan: &Plan) -> String {
        let ring_called = |ring: usize| plan.rings.get(ring).map_or("", |ring| ring.id.as_str());
        match self {
            Self::NotWaiting(place) => format!("nothing: it is {}", place.word()),
            Self::Phase(phase) => format!("somebody: the rollout is {}", phase.word()),
            Self::Ring { ring } => format!("the end of ring `{}`", ring_called(*ring)),
            Self::Soak { until } => format!("the end of watching the ring before, on {until}"),
            Self::Gate => "its gate".to_owned(),
            Self::Window { until: Some(until) } => format!("its window, which opens on {until}"),
            Self::Window { until: None } => "a window, and none comes any more".to_owned(),
            Self::AtOnce => "others to get through first".to_owned(),
            Self::AtRisk => "others: more could be lost than may be".to_owned(),
            Self::Group => "another one of its group".to_owned(),
            Self::Before { group } => format!("the group `{group}`, which goes first"),
        }
    }
}

impl Place {
    /// All, in the order in which they are shown.
    pub const ALL: &[Self] = &[
        Self::Verified,
        Self::RestartPending,
        Self::Installed,
        Self::Begun,
        Self::Waiting,
        Self::PassedOver,
        Self::Failed,
        Self::Broken,
        Self::Stuck,
        Self::Silent,
        Self::Refused,
        Self::Excluded,
        Self::RollingBack,
        Self::RolledBack,
    ];

    /// Whether an asset at it is being changed, or waits for a restart after it was.
    #[must_use]
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Begun | Self::Installed | Self::RestartPending | Self::RollingBack)
    }

    /// Whether somebody has to look at an asset at it.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Broken | Self::Stuck | Self::Silent | Self::Refused)
    }

    /// Whether an asset at it can be left out.
    #[must_use]
    pub fn can_be_left(self) -> bool {
        RolloutEvent::Excluded(0).comes_from().contains(&self)
    }

    /// The same in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::PassedOver => "passed over",
            Self::Begun => "under way",
            Self::Installed => "installed, not shown yet",
            Self::RestartPending => "restart pending",
            Self::Verified => "verified",
            Self::Failed => "failed, as before",
            Self::Broken => "failed, not as before",
            Self::Stuck => "could not be brought back",
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Excluded => "left out",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
        }
    }
}

impl Phase {
    /// The same in a word or two.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped(_) => "stopped",
            Self::Aborted => "aborted",
            Self::RollingBack => "being taken back",
            Self::Ended => "over",
        }
    }
}

impl Stop {
    /// The same in words.
    #[must_use]
    pub fn words(&self, plan: &Plan) -> String {
        let ring_called = |ring: usize| plan.rings.get(ring).map_or("", |ring| ring.id.as_str());
        match self {
            Self::Failing { ring, failing, through } => {
                format!("{failing} of {through} assets have failed in ring `{}`", ring_called(*ring))
            }
            Self::Lost { ring, lost } => format!("{lost} assets are lost in ring `{}`", ring_called(*ring)),
            Self::Unwell { words } => words.clone(),
        }
    }
}
