//! Refusals by the rules, and entries that cannot be taken in.

use jiff::Timestamp;

/// Why something may not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A text is no id.
    #[error(transparent)]
    NoId(#[from] rules::NoId),
    /// Something of this id is there already.
    #[error("the {what} `{id}` is there already")]
    Exists {
        /// What it is.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// There is nothing of this id, or no longer.
    #[error("there is no {what} `{id}`")]
    Unknown {
        /// What it would be.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// An instant lies ahead of the clock.
    #[error("{at} lies ahead of now ({now})")]
    Ahead {
        /// The instant.
        at: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// An end that is no end: in the past, or too far away.
    #[error("it must lie after now and within {most_days} days, and is {until}")]
    End {
        /// The end that was asked for.
        until: Timestamp,
        /// How far away it may be.
        most_days: i32,
    },
    /// Somebody would approve what they asked for themselves.
    #[error("nobody approves their own request")]
    OwnRequest,
    /// Somebody would give themselves a role.
    #[error("nobody changes their own roles")]
    OwnRoles,
    /// Somebody would choose how another one signs in.
    #[error("everybody sets their own password and authenticator")]
    OwnCredentials,
    /// Nobody could change roles any more.
    #[error("at least one administrator must remain")]
    LastAdministrator,
    /// The role for it is missing.
    #[error("`{person}` may not do this: it takes the role {roles}")]
    Role {
        /// Who asked.
        person: String,
        /// The roles that may, in words.
        roles: String,
    },
    /// An id that the system itself acts under.
    #[error("`{id}` is what the system itself acts as: nobody can be called so")]
    Reserved {
        /// The id.
        id: String,
    },
    /// It says something else than follows from what stood before.
    #[error("it is not what follows from what stood before it")]
    Unlike,
    /// An inventory without a single package tells nothing: an empty folder looks like that, and one that is not mounted.
    #[error(
        "the inventory has no package at all: that tells nothing about the asset (is the folder mounted, is it the right file, is it a system of its own that --root reads?)"
    )]
    Empty,
    /// It is not in the state for it.
    #[error("it is {found}, and must be {wanted}")]
    State {
        /// The state that it is in.
        found: &'static str,
        /// The state that it must be in.
        wanted: &'static str,
    },
    /// A reason is owed.
    #[error("a reason must be given")]
    NoReason,
    /// A title is owed.
    #[error("a title must be given")]
    NoTitle,
    /// A text is longer than any that says something.
    #[error("it has {bytes} bytes, and {most} are the most")]
    TooLong {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// Somebody would review or approve what they have written.
    #[error("nobody reviews or approves what they have written themselves")]
    OwnDraft,
    /// Somebody would say of themselves that they have learned something.
    #[error("nobody says of themselves that they have done a course")]
    OwnTraining,
    /// The policy in force asks for approvals.
    #[error("the policy in force asks that a new version is approved by: {by}; draft it and hand it in for review")]
    NeedsApproval {
        /// Whose, by their titles.
        by: String,
    },
    /// Something is missing still.
    #[error("it lacks {lacks}")]
    NotReady {
        /// What, in words.
        lacks: String,
    },
    /// Somebody's approval is none of those that are missing.
    #[error("this approval is none of those that are missing: {lacking}")]
    NoSeat {
        /// Those that are, by their titles.
        lacking: String,
    },
    /// A document would stand beside or below what carries it out.
    #[error("a document carries out one of a higher level, and `{above}` is none against it")]
    Hierarchy {
        /// The other one.
        above: String,
    },
    /// Somebody would excuse themselves from what they owe.
    #[error("nobody excuses themselves from what they owe")]
    OwnDuty,
    /// Somebody would answer their own violation.
    #[error("nobody answers or excuses their own violation")]
    OwnViolation,
    /// An exception would last longer than the policy in force allows.
    #[error(
        "the policy in force allows exceptions of {longest} at most, until {last}, and this one would last until {until}"
    )]
    TooFar {
        /// Until when it would last.
        until: Timestamp,
        /// How long it may.
        longest: String,
        /// The last day that it may.
        last: String,
    },
    /// A compensating control that the policy in force does not count.
    #[error("`{control}` is none of the compensating controls that the policy in force counts: {known}")]
    NoControl {
        /// The control.
        control: String,
        /// Those that count.
        known: String,
    },
    /// Somebody who sees the assets of their teams alone would speak of all.
    #[error("name the assets: who sees only those of their teams does not speak of all")]
    AllAssets,
}

/// The most bytes of a reason.
const MOST_REASON_BYTES: usize = 4096;

/// The most bytes of a title.
pub(crate) const MOST_NAME_BYTES: usize = 200;

/// A title as it is kept: one line, and no more than so many bytes.
pub(crate) fn name(text: &str, most: usize) -> Result<String, Refusal> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.as_str() {
        "" => Err(Refusal::NoTitle),
        line if line.len() > most => Err(Refusal::TooLong { bytes: line.len(), most }),
        line => Ok(line.to_owned()),
    }
}

/// A reason as it is kept: there must be one, and not a book of it.
pub(crate) fn reason(text: &str) -> Result<String, Refusal> {
    match text.trim() {
        "" => Err(Refusal::NoReason),
        text if text.len() > MOST_REASON_BYTES => Err(Refusal::TooLong { bytes: text.len(), most: MOST_REASON_BYTES }),
        text => Ok(text.to_owned()),
    }
}

impl Refusal {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoId(_) => "refusal/no-id",
            Self::Exists { .. } => "refusal/exists",
            Self::Unknown { .. } => "refusal/unknown",
            Self::Ahead { .. } => "refusal/ahead",
            Self::End { .. } => "refusal/end",
            Self::OwnRequest => "refusal/own-request",
            Self::OwnRoles => "refusal/own-roles",
            Self::OwnCredentials => "refusal/own-credentials",
            Self::LastAdministrator => "refusal/last-administrator",
            Self::Role { .. } => "refusal/role",
            Self::Reserved { .. } => "refusal/reserved",
            Self::Unlike => "refusal/unlike",
            Self::Empty => "refusal/empty",
            Self::State { .. } => "refusal/state",
            Self::NoReason => "refusal/no-reason",
            Self::NoTitle => "refusal/no-title",
            Self::TooLong { .. } => "refusal/too-long",
            Self::AllAssets => "refusal/all-assets",
            Self::OwnDraft => "refusal/own-draft",
            Self::OwnTraining => "refusal/own-training",
            Self::NeedsApproval { .. } => "refusal/needs-approval",
            Self::NotReady { .. } => "refusal/not-ready",
            Self::NoSeat { .. } => "refusal/no-seat",
            Self::Hierarchy { .. } => "refusal/hierarchy",
            Self::OwnDuty => "refusal/own-duty",
            Self::OwnViolation => "refusal/own-violation",
            Self::TooFar { .. } => "refusal/too-far",
            Self::NoControl { .. } => "refusal/no-control",
        }
    }
}

/// Why an entry cannot be taken in: the ledger holds what this program does not understand.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The entry's kind or body is not known.
    #[error("entry {number} of kind `{kind}` is not understood")]
    Entry {
        /// Its number.
        number: u64,
        /// Its kind.
        kind: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The entry speaks of something that is not there: entries before it are missing.
    #[error("entry {number} speaks of {what} `{id}`, which is not there")]
    Missing {
        /// Its number.
        number: u64,
        /// What it speaks of.
        what: &'static str,
        /// Its id.
        id: String,
    },
}
