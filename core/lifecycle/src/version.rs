//! Versions of documents: drafted by some, reviewed and approved by others, published for a day.
//!
//! A version is a text by its digest, why it is wanted, and from when on it holds. Whoever approves approves exactly that: a text
//! that is revised is reviewed and approved anew.

use crate::approval::REVIEWS;
use crate::error::reason;
use crate::event::Event;
use crate::token::check_end;
use crate::{Refusal, State};
use jiff::Timestamp;
use ledger::Hash;
use rules::{DocumentId, PersonId, Role, VersionId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most days that a version may be published ahead, or that people are asked for their input.
const MOST_DAYS: i32 = 366;

/// What holds for findings that are open when another policy comes into force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transition {
    /// Their deadlines are counted anew, as if the new policy had always been there.
    #[default]
    Recount,
    /// Where the new policy gives less time, that is counted from the switch on; nothing is due later than it was.
    FromSwitch,
    /// They keep the dates that they have.
    Keep,
}

impl Transition {
    /// Every rule.
    pub const ALL: &[Self] = &[Self::FromSwitch, Self::Keep, Self::Recount];

    /// The rule as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Recount => "recount",
            Self::FromSwitch => "from-switch",
            Self::Keep => "keep",
        }
    }

    /// What it says, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Recount => "findings that are open get the new deadlines, as if the policy had always said so",
            Self::FromSwitch => {
                "where the new deadline is earlier its time is counted from the switch on; nothing is due later than it was"
            }
            Self::Keep => "findings that are open keep the dates that they have",
        }
    }
}

/// What is drafted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Draft {
    /// Of which document.
    pub document: DocumentId,
    /// The digest of its text.
    pub text: String,
    /// Why it is wanted.
    pub rationale: String,
    /// From when on it is to hold; from its publication on if that is later, or nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// What holds for findings that are open then.
    #[serde(default)]
    pub transition: Transition,
}

/// How far a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is being written.
    Draft,
    /// It is being reviewed and approved.
    Review,
    /// It holds, or will.
    Published,
    /// It was turned down.
    Declined,
    /// It was taken back.
    Withdrawn,
}

impl Stage {
    /// The stage as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Review => "in review",
            Self::Published => "published",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What somebody says of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A comment, which decides nothing.
    Comment,
    /// Who is concerned has nothing against it.
    Input,
    /// The security review finds it sound.
    Sound,
    /// Something speaks against it: it is not approved before it is revised, or they say otherwise.
    Objection,
    /// It is approved.
    Approved,
    /// It is turned down.
    Declined,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: &[Self] =
        &[Self::Comment, Self::Input, Self::Sound, Self::Objection, Self::Approved, Self::Declined];

    /// The verdict as it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Input => "input",
            Self::Sound => "sound",
            Self::Objection => "objection",
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// What somebody said of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: PersonId,
    /// What.
    pub verdict: Verdict,
    /// In words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// The digest of what they spoke of.
    pub terms: String,
}

/// A version as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// What it is.
    pub draft: Draft,
    /// The text that was put in force last when it was written; it must be still when it is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Who has written it.
    pub authors: BTreeSet<PersonId>,
    /// Since when it is there.
    pub drafted_at: Timestamp,
    /// How far it has come.
    pub stage: Stage,
    /// Who is asked for input.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stakeholders: BTreeSet<PersonId>,
    /// Since when, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<(Timestamp, Timestamp)>,
    /// What was said of it.
    pub notes: Vec<Note>,
    /// When it was published, by whom, and from when on it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<(Timestamp, PersonId, Timestamp)>,
}

impl Version {
    /// The digest of what is reviewed and approved: the draft, and the text that it takes the place of.
    #[must_use]
    pub fn terms(&self) -> String {
        let Draft { document, text, rationale, effective_at, transition } = &self.draft;
        let terms = serde_json::json!([document, text, rationale, effective_at, transition, self.base]);
        Hash::leaf(terms.to_string().as_bytes()).to_string()
    }

    /// What was said of it as it is now by people who have not written it, by each the last, where it is one of these.
    fn said(&self, verdicts: &[Verdict]) -> BTreeMap<&PersonId, &Note> {
        let terms = self.terms();
        let is_of_now = |note: &&Note| note.terms == terms && verdicts.contains(&note.verdict);
        let of_others = self.notes.iter().filter(is_of_now).filter(|note| !self.authors.contains(&note.by));
        of_others.map(|note| (&note.by, note)).collect()
    }

    /// Who found it sound.
    #[must_use]
    pub fn reviewed_by(&self) -> Vec<&PersonId> {
        let said = self.said(&[Verdict::Sound, Verdict::Objection]);
        said.into_iter().filter(|(_, note)| note.verdict == Verdict::Sound).map(|(by, _)| by).collect()
    }

    /// Who speaks against it.
    #[must_use]
    pub fn objections(&self) -> Vec<&PersonId> {
        let said = self.said(&[Verdict::Sound, Verdict::Objection, Verdict::Input, Verdict::Approved]);
        said.into_iter().filter(|(_, note)| note.verdict == Verdict::Objection).map(|(by, _)| by).collect()
    }

    /// Who approved it.
    #[must_use]
    pub fn approved_by(&self) -> Vec<&PersonId> {
        let said = self.said(&[Verdict::Approved, Verdict::Objection]);
        said.into_iter().filter(|(_, note)| note.verdict == Verdict::Approved).map(|(by, _)| by).collect()
    }

    /// Who was asked for input, and has given none yet.
    #[must_use]
    pub fn unheard(&self) -> Vec<&PersonId> {
        let said = self.said(&[Verdict::Input, Verdict::Objection, Verdict::Sound]);
        self.stakeholders.iter().filter(|person| !said.contains_key(person)).collect()
    }

    /// Whether it is being written or waits for somebody.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Draft | Stage::Review)
    }
}

/// Drafts a version, or revises one: then what was said of it before holds no longer.
pub(crate) fn draft(
    state: &State,
    (id, draft): (&VersionId, &Draft),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let document = state.active_document(&draft.document)?;
    state.may_draft(by, document)?;
    if let Some(at) = draft.effective_at {
        check_end(at, now, MOST_DAYS)?;
    }
    let draft = Draft { rationale: reason(&draft.rationale)?, ..draft.clone() };
    match state.versions.get(id) {
        None => Ok(vec![Event::VersionDrafted { version: id.clone(), draft }]),
        Some(known) if !known.is_open() => Err(Refusal::State { found: known.stage.word(), wanted: "draft" }),
        Some(known) if known.draft.document != draft.document => {
            Err(Refusal::Exists { what: "version", id: id.to_string() })
        }
        // A text on the same terms may still rest on another one that is in force now.
        Some(known) if known.draft == draft && known.base == state.base(&draft.document) => Ok(Vec::new()),
        Some(_) => Ok(vec![Event::VersionRevised { version: id.clone(), draft }]),
    }
}

/// Hands a draft in for review, and asks people for their input until an instant.
pub(crate) fn submit(
    state: &State,
    (id, stakeholders, input_until): (&VersionId, &BTreeSet<PersonId>, Option<Timestamp>),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let known = state.version(id)?;
    if known.stage != Stage::Draft {
        return Err(Refusal::State { found: known.stage.word(), wanted: "draft" });
    }
    if !known.authors.contains(by) {
        state.may(by, &[Role::SecurityLead])?;
    }
    for person in stakeholders {
        state.active_person(person)?;
    }
    match input_until {
        Some(until) => check_end(until, now, MOST_DAYS)?,
        None if !stakeholders.is_empty() => {
            return Err(Refusal::NotReady { lacks: "a date until which input is waited for".to_owned() });
        }
        None => {}
    }
    let stakeholders = stakeholders.clone();
    Ok(vec![Event::VersionSubmitted { version: id.clone(), stakeholders, input_until }])
}

/// What somebody says of a version that they have read: `terms` is the digest of what they saw.
pub(crate) fn note(
    state: &State,
    (id, verdict, words, terms): (&VersionId, Verdict, &str, &str),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let known = state.version(id)?;
    state.active_document(&known.draft.document)?;
    if !known.is_open() {
        return Err(Refusal::State { found: known.stage.word(), wanted: "in review" });
    }
    if known.terms() != terms {
        return Err(Refusal::State { found: "revised since it was read", wanted: "read as it is now" });
    }
    state.active_person(by)?;
    let words = match verdict {
        Verdict::Comment | Verdict::Objection | Verdict::Declined => reason(words)?,
        _ if words.trim().is_empty() => String::new(),
        _ => reason(words)?,
    };
    if verdict != Verdict::Comment {
        decide_on(state, known, (id, verdict), (by, now))?;
    }
    Ok(vec![Event::VersionNoted { version: id.clone(), verdict, words, terms: terms.to_owned() }])
}

fn decide_on(
    state: &State,
    known: &Version,
    (id, verdict): (&VersionId, Verdict),
    (by, now): (&PersonId, Timestamp),
) -> Result<(), Refusal> {
    if known.stage != Stage::Review {
        return Err(Refusal::State { found: known.stage.word(), wanted: "in review" });
    }
    if known.authors.contains(by) {
        return Err(Refusal::OwnDraft);
    }
    match verdict {
        Verdict::Input if !known.stakeholders.contains(by) => {
            Err(Refusal::Unknown { what: "request for input", id: id.to_string() })
        }
        Verdict::Sound => state.may(by, REVIEWS),
        Verdict::Objection if state.may_object(known, by) => Ok(()),
        Verdict::Objection => state.may(by, REVIEWS),
        Verdict::Approved | Verdict::Declined => {
            let lacks = state.lacks(known, now);
            if verdict == Verdict::Approved && !lacks.is_empty() {
                return Err(Refusal::NotReady { lacks: lacks.join("; ") });
            }
            // Who has approved may think otherwise before it is published.
            let thinks_anew = verdict == Verdict::Declined && known.approved_by().contains(&by);
            match thinks_anew || state.fills_a_seat(known, by) {
                true => Ok(()),
                false => Err(Refusal::NoSeat { lacking: state.approvals_lacking(known).join(", ") }),
            }
        }
        _ => Ok(()),
    }
}

/// Takes a version back before it is in force.
pub(crate) fn withdraw(
    state: &State,
    id: &VersionId,
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let known = state.version(id)?;
    if !state.is_withdrawable(id, now) {
        return Err(Refusal::State { found: known.stage.word(), wanted: "draft" });
    }
    if !known.is_open() || !known.authors.contains(by) {
        state.may(by, &[Role::SecurityLead])?;
    }
    Ok(vec![Event::VersionWithdrawn { version: id.clone() }])
}

/// Publishes a version that everybody has approved whose approval it takes.
pub(crate) fn publish(state: &State, id: &VersionId, (by, now): (&PersonId, Timestamp)) -> Result<Vec<Event>, Refusal> {
    let known = state.version(id)?;
    if known.stage != Stage::Review {
        return Err(Refusal::State { found: known.stage.word(), wanted: "in review" });
    }
    let document = state.active_document(&known.draft.document)?;
    if document.described.owner != *by {
        state.may(by, &[Role::SecurityLead])?;
    }
    let mut lacks = state.lacks(known, now);
    let approvals = state.approvals_lacking(known);
    if !approvals.is_empty() {
        lacks.push(format!("the approval of: {}", approvals.join(", ")));
    }
    if known.base != state.base(&known.draft.document) {
        lacks.push("what was put in force since it was written: revise it".to_owned());
    }
    let effective_at = known.draft.effective_at.map_or(now, |at| at.max(now));
    // What is published ahead would take the place of what comes before it.
    if let Some((day, other)) = state.last_ahead(&known.draft.document, now).filter(|(day, _)| *day > effective_at) {
        lacks.push(format!(
            "a day not before {day}, when version {other} comes into force, which can be taken back until then"
        ));
    }
    if !lacks.is_empty() {
        return Err(Refusal::NotReady { lacks: lacks.join("; ") });
    }
    Ok(vec![Event::VersionPublished { version: id.clone(), terms: known.terms(), effective_at }])
}
