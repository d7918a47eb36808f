//! Approval: who may do what with a version, and what it lacks before it can be published.

use crate::document::Document;
use crate::seat::{empty_seats, fills_a_seat};
use crate::version::{Stage, Version, publish};
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{DocumentId, PersonId, Role, Seat, VersionId};

/// Who finds a version sound or not, if they have not written it.
pub(crate) const REVIEWS: &[Role] = &[Role::SecurityLead, Role::Operator];
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

    /// What a version lacks before it can be approved, in words.
    #[must_use]
    pub fn lacks(&self, version: &Version, now: Timestamp) -> Vec<String> {
        let mut lacks = Vec::new();
        // Who is not trusted with it any more has not reviewed it.
        if !version.reviewed_by().into_iter().any(|person| self.may(person, REVIEWS).is_ok()) {
            lacks.push("a security review that finds it sound".to_owned());
        }
        let objections: Vec<String> = version.objections().iter().map(ToString::to_string).collect();
        if !objections.is_empty() {
            lacks.push(format!("an answer to the objection of {}", objections.join(", ")));
        }
        let unheard: Vec<String> = version.unheard().iter().map(ToString::to_string).collect();
        if !unheard.is_empty() && version.input.is_some_and(|(_, until)| now < until) {
            lacks.push(format!("the input of {}, until it is no longer waited for", unheard.join(", ")));
        }
        lacks
    }

    /// The approvals that a version lacks still, by their titles, each once: of two people of a role it says so.
    #[must_use]
    pub fn approvals_lacking(&self, version: &Version) -> Vec<String> {
        let seats = self.approval_seats();
        let people = self.approvers_of_version(version);
        let mut titles: Vec<(&str, usize)> = Vec::new();
        for seat in empty_seats(&seats, &people, self) {
            match titles.iter_mut().find(|(title, _)| *title == seat.title) {
                Some((_, count)) => *count += 1,
                None => titles.push((&seat.title, 1)),
            }
        }
        let said = |(title, count): (&str, usize)| match count {
            1 => title.to_owned(),
            count => format!("{count} people of: {title}"),
        };
        titles.into_iter().map(said).collect()
    }

    /// Who approved a version, and is still whom that id names.
    fn approvers_of_version<'v>(&self, version: &'v Version) -> Vec<&'v PersonId> {
        let said_at = |person: &PersonId| version.notes.iter().rfind(|note| note.by == *person).map(|note| note.at);
        let is_same = |person: &&PersonId| said_at(person).is_some_and(|at| self.was_there(person, at));
        version.approved_by().into_iter().filter(is_same).collect()
    }

    /// Who could give an approval that a version lacks still.
    #[must_use]
    pub fn could_approve(&self, version: &Version) -> Vec<&PersonId> {
        let people = self.people.keys();
        people.filter(|person| !version.authors.contains(person) && self.fills_a_seat(version, person)).collect()
    }

    /// Whether somebody's approval of a version would count now.
    #[must_use]
    pub fn may_approve(&self, version: &Version, person: &PersonId, now: Timestamp) -> bool {
        let waits = self.is_in_review(version) && self.lacks(version, now).is_empty();
        waits && !version.authors.contains(person) && self.fills_a_seat(version, person)
    }

    /// Whether somebody may say whether a version is sound.
    #[must_use]
    pub fn may_review(&self, version: &Version, person: &PersonId) -> bool {
        self.is_in_review(version) && !version.authors.contains(person) && self.may(person, REVIEWS).is_ok()
    }

    fn is_in_review(&self, version: &Version) -> bool {
        version.stage == Stage::Review && self.active_document(&version.draft.document).is_ok()
    }

    /// Whether somebody may say what speaks against a version: whoever judges it, is asked, or would approve it.
    #[must_use]
    pub fn may_object(&self, version: &Version, person: &PersonId) -> bool {
        let is_seated = self.approval_seats().iter().any(|seat| self.holds(person, seat));
        let is_asked = version.stakeholders.contains(person) || is_seated || self.may(person, REVIEWS).is_ok();
        self.is_in_review(version) && !version.authors.contains(person) && is_asked
    }

    pub(crate) fn fills_a_seat(&self, version: &Version, person: &PersonId) -> bool {
        fills_a_seat(&self.approval_seats(), &self.approvers_of_version(version), person, self)
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

    /// The last day on which a published version of a document is still to come into force, and which version that is.
    pub(crate) fn last_ahead(&self, document: &DocumentId, now: Timestamp) -> Option<(Timestamp, &VersionId)> {
        let of_document = self.versions.iter().filter(|(_, known)| known.draft.document == *document);
        let published = of_document.filter(|(_, known)| known.stage == Stage::Published);
        published.filter_map(|(id, known)| Some((known.published.as_ref()?.2, id))).filter(|(at, _)| *at > now).max()
    }

    /// Whether a version may be taken back: it is open, or its day is still to come.
    #[must_use]
    pub fn is_withdrawable(&self, id: &VersionId, now: Timestamp) -> bool {
        let Some(known) = self.versions.get(id) else { return false };
        let is_to_come = known.published.as_ref().is_some_and(|(.., effective_at)| *effective_at > now);
        known.is_open() || known.stage == Stage::Published && is_to_come
    }

    /// Whether somebody may revise a version, hand it in and take it back.
    #[must_use]
    pub fn may_write(&self, version: &Version, person: &PersonId) -> bool {
        let document = self.documents.get(&version.draft.document).filter(|document| document.is_active());
        version.is_open() && document.is_some_and(|document| self.may_draft(person, document).is_ok())
    }

    /// Whether somebody may publish a version as it stands now.
    #[must_use]
    pub fn may_publish(&self, id: &VersionId, person: &PersonId, now: Timestamp) -> bool {
        publish(self, id, (person, now)).is_ok()
    }

    pub(crate) fn may_draft(&self, by: &PersonId, document: &Document) -> Result<(), Refusal> {
        if document.described.owner == *by { Ok(()) } else { self.may(by, REVIEWS) }
    }
}
