//! Tasks: what somebody is to do, whatever it comes from.

use crate::changes::may_happen;
use change::{Change, Happening};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{ChangeId, DecisionId, Duty, DutyKind, Person, PersonId, Stage, Standing, State, VersionId};

/// What one person is to do, and what others owe who are theirs to remind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tasks {
    /// What they owe by a date, what is due first in front.
    pub duties: Vec<Duty>,
    /// What somebody who is new reads and learns first, done or not; empty once it is all done, or they are here for long.
    pub onboarding: Vec<Duty>,
    /// Versions whose soundness they may judge.
    pub to_review: Vec<VersionId>,
    /// Versions that wait for their approval.
    pub to_approve: Vec<VersionId>,
    /// Versions that are approved and wait to be published by them.
    pub to_publish: Vec<VersionId>,
    /// Versions of theirs that are not handed in yet, or that somebody objects to.
    pub to_write: Vec<VersionId>,
    /// Decisions on findings that wait for their answer.
    pub to_decide: Vec<DecisionId>,
    /// Changes that wait for their approval.
    pub changes_to_approve: Vec<ChangeId>,
    /// What others have missed, and they are told of.
    pub escalated: Vec<Duty>,
}

/// What is owed, in words.
#[must_use]
pub fn duty_words(duty: &Duty) -> String {
    let title = &duty.title;
    match duty.kind {
        DutyKind::Acknowledge => format!("Read “{title}” and say so"),
        DutyKind::Train => format!("Do the course “{title}”"),
        DutyKind::Review => format!("Review “{title}”"),
        DutyKind::Input => format!("Say what you think of the draft of “{title}”"),
        DutyKind::Attest => format!("Have the vendor of “{title}” attest that it patches"),
        DutyKind::ReviewException => format!("Look at the exception {title} again"),
        DutyKind::Respond => format!("See to a violation: {title}"),
        DutyKind::Settle => format!("After an emergency: {title}"),
    }
}

/// For how long somebody is new.
const NEW: SignedDuration = SignedDuration::from_hours(90 * 24);

impl Tasks {
    /// What somebody is to do as of an instant.
    #[must_use]
    pub fn of(state: &State, person: &PersonId, now: Timestamp) -> Self {
        let is_owed = |duty: &Duty| duty.standing(now) != Standing::Done;
        let mut duties: Vec<Duty> = state.duties_of(person, now).into_iter().filter(is_owed).collect();
        duties.sort_by(|one, other| (one.due, &one.id).cmp(&(other.due, &other.id)));
        let versions = |fits: &dyn Fn(&lifecycle::Version) -> bool| {
            let found = state.versions.iter().filter(|(_, version)| fits(version));
            found.map(|(id, _)| id.clone()).collect::<Vec<_>>()
        };
        let has_reviewed = |version: &lifecycle::Version| {
            version.reviewed_by().contains(&person) || version.objections().contains(&person)
        };
        let writes = |version: &lifecycle::Version| {
            let waits =
                version.stage == Stage::Draft || version.stage == Stage::Review && !version.objections().is_empty();
            waits && version.authors.contains(person) && state.may_write(version, person)
        };
        let decisions = state.decisions.iter().filter(|(_, decision)| state.may_decide(decision, person, now));
        let known = state.people.get(person).filter(|known| is_new(known, now));
        let changes = |fits: &dyn Fn(&ChangeId, &Change) -> bool| {
            let found = state.changes.iter().filter(|(id, known)| fits(id, known));
            found.map(|(id, _)| id.clone()).collect::<Vec<_>>()
        };
        Self {
            duties,
            onboarding: known
                .map(|_| onboarding(state, person, now))
                .filter(|all| !is_through(all, now))
                .unwrap_or_default(),
            to_review: versions(&|version| state.may_review(version, person) && !has_reviewed(version)),
            to_approve: versions(&|version| state.may_approve(version, person, now)),
            to_publish: state.versions.keys().filter(|id| state.may_publish(id, person, now)).cloned().collect(),
            to_write: versions(&writes),
            to_decide: decisions.map(|(id, _)| id.clone()).collect(),
            changes_to_approve: changes(&|id, known| {
                may_happen(state, id, Happening::Approved { plan: known.planned.plan.clone() }, (person, now))
            }),
            escalated: escalated(state, person, now),
        }
    }

    /// How many there are, beside what others have missed.
    #[must_use]
    pub fn count(&self) -> usize {
        let Self { duties, to_review, to_approve, to_publish, to_write, to_decide, .. } = self;
        let versions = to_review.len() + to_approve.len() + to_publish.len() + to_write.len();
        duties.len() + versions + to_decide.len() + self.changes_to_approve.len()
    }
}

/// Somebody who is new, with what they read and learn first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Who.
    pub person: PersonId,
    /// Since when they are here.
    pub since: Timestamp,
    /// What they read and learn first, done or not.
    pub duties: Vec<Duty>,
}

/// The people who came within the last ninety days and have not done all that they read and learn first, the newest first.
#[must_use]
pub fn new_people(state: &State, now: Timestamp) -> Vec<NewPerson> {
    let new = state.people.iter().filter(|(_, known)| is_new(known, now));
    let new = new.filter_map(|(person, known)| {
        let duties = onboarding(state, person, now);
        let since = known.joined_at()?;
        (!is_through(&duties, now)).then(|| NewPerson { person: person.clone(), since, duties })
    });
    let mut new: Vec<NewPerson> = new.collect();
    new.sort_by(|one, other| (other.since, &one.person).cmp(&(one.since, &other.person)));
    new
}

fn is_new(person: &Person, now: Timestamp) -> bool {
    person.joined_at().is_some_and(|joined| now.duration_since(joined) < NEW)
}

fn is_through(duties: &[Duty], now: Timestamp) -> bool {
    duties.iter().all(|duty| duty.standing(now) == Standing::Done)
}

/// What somebody reads and learns first.
fn onboarding(state: &State, person: &PersonId, now: Timestamp) -> Vec<Duty> {
    let is_first = |duty: &Duty| matches!(duty.kind, DutyKind::Acknowledge | DutyKind::Train);
    let mut duties: Vec<Duty> = state.own_duties_of(person, now).into_iter().filter(is_first).collect();
    duties.sort_by(|one, other| (one.kind, one.due, &one.id).cmp(&(other.kind, other.due, &other.id)));
    duties
}

fn escalated(state: &State, person: &PersonId, now: Timestamp) -> Vec<Duty> {
    let oversight = state.oversight();
    let rule = state.governance().acknowledgement.as_ref();
    let told = oversight.roles.iter().filter_map(|role| role.to.as_deref());
    let told = told.filter_map(|to| oversight.roles.iter().map(|role| &role.seat).find(|seat| seat.role == to));
    let mut told = told.chain(rule.and_then(|rule| rule.escalates_to.as_ref()));
    // Whoever is told of nothing need not have all that is owed worked out.
    if !told.any(|seat| state.holds(person, seat)) {
        return Vec::new();
    }
    let is_told = |duty: &Duty| state.escalated_to(duty, now).into_iter().any(|seat| state.holds(person, seat));
    let missed = state.duties(now).into_iter().filter(|duty| duty.standing(now) == Standing::Missed);
    missed.filter(|duty| is_told(duty) && !duty.owners.contains(person)).collect()
}
