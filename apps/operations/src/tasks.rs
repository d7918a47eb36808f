//! Tasks: what somebody is to do, whatever it comes from.

use jiff::Timestamp;
use lifecycle::{DecisionId, Duty, PersonId, Stage, Standing, State, VersionId};

/// What one person is to do, and what others owe who are theirs to remind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tasks {
    /// What they owe by a date, what is due first in front.
    pub duties: Vec<Duty>,
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
    /// What others have missed, and they are told of.
    pub escalated: Vec<Duty>,
}

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
        let decides = |decision: &lifecycle::Decision| {
            let may = state.may(person, decision.kind.approvers()).is_ok();
            decision.waits(now) && decision.requested_by != *person && may
        };
        let decisions = state.decisions.iter().filter(|(_, decision)| decides(decision));
        Self {
            duties,
            to_review: versions(&|version| state.may_review(version, person) && !has_reviewed(version)),
            to_approve: versions(&|version| state.may_approve(version, person, now)),
            to_publish: state.versions.keys().filter(|id| state.may_publish(id, person, now)).cloned().collect(),
            to_write: versions(&writes),
            to_decide: decisions.map(|(id, _)| id.clone()).collect(),
            escalated: escalated(state, person, now),
        }
    }

    /// How many there are, beside what others have missed.
    #[must_use]
    pub fn count(&self) -> usize {
        let Self { duties, to_review, to_approve, to_publish, to_write, to_decide, .. } = self;
        duties.len() + to_review.len() + to_approve.len() + to_publish.len() + to_write.len() + to_decide.len()
    }
}

fn escalated(state: &State, person: &PersonId, now: Timestamp) -> Vec<Duty> {
    // Whoever is told of nothing need not have all that is owed worked out.
    let governance = state.governance();
    let seat = governance.acknowledgement.as_ref().and_then(|rule| rule.escalates_to.as_ref());
    if seat.is_none_or(|seat| !seat.is_held_by(state, person)) {
        return Vec::new();
    }
    let is_told = |duty: &Duty| duty.escalates_to.as_ref().is_some_and(|seat| seat.is_held_by(state, person));
    let missed = state.duties(now).into_iter().filter(|duty| duty.standing(now) == Standing::Missed);
    missed.filter(|duty| is_told(duty) && !duty.owners.contains(person)).collect()
}
