//! Versions of documents: drafted by some, reviewed and approved by others, published for a day.
//!
//! A version is a text by its digest, why it is wanted, and from when on it holds. Whoever approves approves exactly that: a text
//! that is revised is reviewed and approved anew.

use crate::document::Document;
use crate::error::reason;
use crate::event::Event;
use crate::governance::{Seat, empty_seats};
use crate::id::{DocumentId, PersonId, VersionId};
use crate::person::Role;
use crate::token::check_end;
use crate::{Refusal, State};
use jiff::Timestamp;
use ledger::Hash;
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

impl Draft {
    /// The digest of what is reviewed and approved.
    #[must_use]
    pub fn terms(&self) -> String {
        let terms = serde_json::json!([self.document, self.text, self.rationale, self.effective_at, self.transition]);
        Hash::leaf(terms.to_string().as_bytes()).to_string()
    }
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
    /// What was said of it as it is now, by each person the last, where it is one of these.
    fn said(&self, verdicts: &[Verdict]) -> BTreeMap<&PersonId, &Note> {
        let terms = self.draft.terms();
        let of_now = self.notes.iter().filter(|note| note.terms == terms && verdicts.contains(&note.verdict));
        of_now.map(|note| (&note.by, note)).collect()
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
        let said = self.said(&[Verdict::Sound, Verdict::Objection, Verdict::Input]);
        said.into_iter().filter(|(_, note)| note.verdict == Verdict::Objection).map(|(by, _)| by).collect()
    }

    /// Who approved it.
    #[must_use]
    pub fn approved_by(&self) -> Vec<&PersonId> {
        self.said(&[Verdict::Approved]).into_keys().collect()
    }

    /// Who was asked for input, and has given none yet.
    #[must_use]
    pub fn unheard(&self) -> Vec<&PersonId> {
        let said = self.said(&[Verdict::Input, Verdict::Objection, Verdict::Sound]);
        self.stakeholders.iter().filter(|person| !said.contains_key(person)).collect()
    }

    /// What it lacks before it can be approved, in words.
    #[must_use]
    pub fn lacks(&self, now: Timestamp) -> Vec<String> {
        let mut lacks = Vec::new();
        if self.reviewed_by().is_empty() {
            lacks.push("a security review that finds it sound".to_owned());
        }
        let objections: Vec<String> = self.objections().iter().map(ToString::to_string).collect();
        if !objections.is_empty() {
            lacks.push(format!("an answer to the objection of {}", objections.join(", ")));
        }
        let unheard: Vec<String> = self.unheard().iter().map(ToString::to_string).collect();
        if !unheard.is_empty() && self.input.is_some_and(|(_, until)| now < until) {
            lacks.push(format!("the input of {}, until it is no longer waited for", unheard.join(", ")));
        }
        lacks
    }

    /// Whether it is being written or waits for somebody.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Draft | Stage::Review)
    }
}

/// Who finds a version sound or not, if they have not written it.
const REVIEWS: &[Role] = &[Role::SecurityLead, Role::Operator];
/// Who approves where the policy names nobody.
const USUAL_APPROVERS: &[Role] = &[Role::Approver, Role::SecurityLead];

impl State {
    /// Who must approve a version: one of each, all different people.
    #[must_use]
    pub fn approval_seats(&self) -> Vec<Seat> {
        match self.governance().approvals.as_slice() {
            [] => vec![Seat {
                role: "approver".to_owned(),
                title: "approver or security lead".to_owned(),
                holds: USUAL_APPROVERS.iter().copied().collect(),
            }],
            seats => seats.to_vec(),
        }
    }

    /// The approvals that a version lacks still, by their titles.
    #[must_use]
    pub fn approvals_lacking(&self, version: &Version) -> Vec<String> {
        let seats = self.approval_seats();
        let people = version.approved_by();
        empty_seats(&seats, &people, self).into_iter().map(|seat| seat.title.clone()).collect()
    }

    /// Whether somebody's approval of a version would count now.
    #[must_use]
    pub fn may_approve(&self, version: &Version, person: &PersonId, now: Timestamp) -> bool {
        let waits = version.stage == Stage::Review && version.lacks(now).is_empty();
        waits && !version.authors.contains(person) && self.fills_a_seat(version, person)
    }

    /// Whether somebody may say whether a version is sound.
    #[must_use]
    pub fn may_review(&self, version: &Version, person: &PersonId) -> bool {
        version.stage == Stage::Review && !version.authors.contains(person) && self.may(person, REVIEWS).is_ok()
    }

    fn fills_a_seat(&self, version: &Version, person: &PersonId) -> bool {
        let (seats, before) = (self.approval_seats(), version.approved_by());
        let lacking = empty_seats(&seats, &before, self).len();
        let after: Vec<&PersonId> = before.iter().copied().chain([person]).collect();
        !before.contains(&person) && empty_seats(&seats, &after, self).len() < lacking
    }

    pub(crate) fn version(&self, id: &VersionId) -> Result<&Version, Refusal> {
        self.versions.get(id).ok_or_else(|| Refusal::Unknown { what: "version", id: id.to_string() })
    }

    /// The text that a version of a document rests on: what was published last, even if its day is still to come.
    pub(crate) fn base(&self, document: &DocumentId) -> Option<String> {
        let ahead = self.versions.iter().filter(|(id, known)| known.draft.document == *document && self.is_ahead(id));
        let ahead = ahead.max_by_key(|(_, known)| known.published.as_ref().map(|(at, ..)| *at));
        let put = || self.documents.get(document)?.texts.last().map(|latest| latest.text.clone());
        ahead.map(|(_, known)| known.draft.text.clone()).or_else(put)
    }

    /// Whether a version is published and was not put in force yet.
    #[must_use]
    pub fn is_ahead(&self, id: &VersionId) -> bool {
        let Some(known) = self.versions.get(id).filter(|known| known.stage == Stage::Published) else { return false };
        let document = self.documents.get(&known.draft.document);
        document.is_some_and(|document| document.texts.iter().all(|text| text.version.as_ref() != Some(id)))
    }

    fn may_draft(&self, by: &PersonId, document: &Document) -> Result<(), Refusal> {
        if document.described.owner == *by { Ok(()) } else { self.may(by, REVIEWS) }
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
    if !known.is_open() {
        return Err(Refusal::State { found: known.stage.word(), wanted: "in review" });
    }
    if known.draft.terms() != terms {
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
        Verdict::Objection if known.stakeholders.contains(by) => Ok(()),
        Verdict::Objection => state.may(by, REVIEWS),
        Verdict::Approved | Verdict::Declined => {
            let lacks = known.lacks(now);
            if verdict == Verdict::Approved && !lacks.is_empty() {
                return Err(Refusal::NotReady { lacks: lacks.join("; ") });
            }
            match state.fills_a_seat(known, by) {
                true => Ok(()),
                false => Err(Refusal::NoSeat { lacking: state.approvals_lacking(known).join(", ") }),
            }
        }
        _ => Ok(()),
    }
}

/// Takes a version back before it is published.
pub(crate) fn withdraw(state: &State, id: &VersionId, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    let known = state.version(id)?;
    if !known.is_open() {
        return Err(Refusal::State { found: known.stage.word(), wanted: "draft" });
    }
    if !known.authors.contains(by) {
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
    let mut lacks = known.lacks(now);
    let approvals = state.approvals_lacking(known);
    if !approvals.is_empty() {
        lacks.push(format!("the approval of: {}", approvals.join(", ")));
    }
    if known.base != state.base(&known.draft.document) {
        lacks.push("what was put in force since it was written: revise it".to_owned());
    }
    if !lacks.is_empty() {
        return Err(Refusal::NotReady { lacks: lacks.join("; ") });
    }
    let effective_at = known.draft.effective_at.map_or(now, |at| at.max(now));
    Ok(vec![Event::VersionPublished { version: id.clone(), terms: known.draft.terms(), effective_at }])
}
