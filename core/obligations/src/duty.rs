//! Duties: what people owe by a date.

use crate::excuse::Excuse;
use jiff::Timestamp;
use policy::Length;
use rules::{PersonId, Seat, before};

/// What is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DutyKind {
    /// To read a document and say so.
    Acknowledge,
    /// To do a course.
    Train,
    /// To look at a document again.
    Review,
    /// To say what one thinks of a draft.
    Input,
    /// To have the vendor of a managed service attest that it patches.
    Attest,
    /// To look at an exception again.
    ReviewException,
    /// To see to a violation.
    Respond,
    /// To do what an emergency change owes afterwards.
    Settle,
}

impl DutyKind {
    /// The kind as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Train => "train",
            Self::Review => "review",
            Self::Input => "input",
            Self::Attest => "attest",
            Self::ReviewException => "review-exception",
            Self::Respond => "respond",
            Self::Settle => "settle",
        }
    }
}

/// Something that somebody owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Its id: what is owed and by whom.
    pub id: String,
    /// What kind.
    pub kind: DutyKind,
    /// What it is about: the id of a document, a course or a version.
    pub subject: String,
    /// The same for people.
    pub title: String,
    /// The digest of the text that is to be read.
    pub text: Option<String>,
    /// Who owes it: each of these may do it. Empty where nobody has the role for it.
    pub owners: Vec<PersonId>,
    /// Since when it is owed.
    pub since: Timestamp,
    /// By when; where it is done, by when it must be done again.
    pub due: Timestamp,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// From when on it is brought to mind.
    pub remind_at: Timestamp,
    /// The role of the policy whose people owe it, where it is not somebody's own.
    pub owed_by: Option<Seat>,
    /// Who is told first where it is not done in time.
    pub escalates_to: Option<Seat>,
    /// The campaign that it belongs to, where it is not the policy itself that asks for it.
    pub campaign: Option<String>,
    /// Until when it was excused, on whose word and why.
    pub excused: Option<Excuse>,
}

/// How a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It was not done in time.
    Missed,
    /// It is owed.
    Due,
    /// It is owed, and need not be done for now.
    Excused,
    /// It is done, for now.
    Done,
}

impl Standing {
    /// How it stands, in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Due => "due",
            Self::Excused => "excused",
            Self::Done => "done",
        }
    }
}

impl Duty {
    /// How it stands at an instant: what was done is owed again from the day on that it is brought to mind.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        let is_excused = self.excused.as_ref().is_some_and(|excuse| now < excuse.until);
        match self.done_at {
            Some(_) if is_excused && now < self.remind_at => Standing::Done,
            _ if is_excused => Standing::Excused,
            _ if now > self.due => Standing::Missed,
            Some(_) if now < self.remind_at => Standing::Done,
            _ => Standing::Due,
        }
    }

    /// Whether people are reminded of it.
    #[must_use]
    pub fn is_reminded(&self, now: Timestamp) -> bool {
        now >= self.remind_at && !matches!(self.standing(now), Standing::Done | Standing::Excused)
    }
}

/// From when on something is brought to mind, but not before it is owed.
#[must_use]
pub fn reminded(since: Timestamp, due: Timestamp, ahead: Length) -> Timestamp {
    before(due, ahead).max(since)
}
