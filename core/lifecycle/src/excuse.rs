//! Excuses: that somebody need not do something before an instant, on somebody else's word.

use crate::event::Event;
use crate::person::Person;
use crate::token::check_end;
use crate::{Refusal, State};
use jiff::Timestamp;
use obligations::{Duty, DutyKind, Excuse, Standing};
use rules::{AssetId, ChangeId, DecisionId, PersonId, Role};

impl State {
    /// A duty with what excuses it.
    pub(crate) fn excused(&self, duty: Duty) -> Duty {
        let since = self.known_since(&duty);
        let counts = |excuse: &&Excuse| excuse.until > duty.since && since.is_none_or(|since| excuse.at >= since);
        let excused = self.excused.get(&duty.id).filter(counts).cloned();
        let due = excused.as_ref().map_or(duty.due, |excuse| duty.due.max(excuse.until));
        Duty { due, excused, ..duty }
    }

    /// Since when who or what a duty is about goes by its id: what was excused before that was somebody else's.
    fn known_since(&self, duty: &Duty) -> Option<Timestamp> {
        match duty.kind {
            DutyKind::Acknowledge | DutyKind::Train | DutyKind::Input => {
                duty.owners.first().and_then(|owner| self.people.get(owner)).and_then(Person::joined_at)
            }
            DutyKind::Attest => {
                let asset = AssetId::new(duty.subject.as_str()).ok()?;
                self.assets.get(&asset)?.registrations.last().copied()
            }
            DutyKind::Review | DutyKind::ReviewException | DutyKind::Respond | DutyKind::Settle => None,
        }
    }

    /// Whether a duty is somebody's own: they owe it, or it is about an exception that they asked for, what they broke or a
    /// change that they planned.
    fn concerns(&self, duty: &Duty, person: &PersonId) -> bool {
        let is_asked_for = || {
            let decision = DecisionId::new(duty.subject.as_str()).ok();
            decision.and_then(|id| self.decisions.get(&id)).is_some_and(|known| known.requested_by == *person)
        };
        let is_broken_by = || {
            let known = self.violations.get(&duty.subject);
            known.is_some_and(|known| self.is_party(&known.opened.breach, person))
        };
        let is_planned_by = || {
            let change = ChangeId::new(duty.subject.as_str()).ok();
            change.and_then(|id| self.changes.get(&id)).is_some_and(|known| known.by == *person)
        };
        duty.owners.contains(person)
            || match duty.kind {
                DutyKind::ReviewException => is_asked_for(),
                DutyKind::Respond => is_broken_by(),
                DutyKind::Settle => is_planned_by(),
                _ => false,
            }
    }

    /// Whether somebody may excuse whoever owes a duty.
    #[must_use]
    pub fn may_excuse_duty(&self, duty: &Duty, person: &PersonId, now: Timestamp) -> bool {
        duty.standing(now) != Standing::Done && !self.concerns(duty, person) && self.may(person, Role::EXCUSES).is_ok()
    }
}

/// The most days that somebody may be excused for.
const MOST_EXCUSED_DAYS: i32 = 366;

/// Excuses somebody from a duty until an instant, with the reason: nobody excuses themselves.
pub(crate) fn excuse(
    state: &State,
    (id, until, reason): (&str, Timestamp, &str),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    state.may(by, Role::EXCUSES)?;
    let duty = state.duty(id, now).ok_or_else(|| Refusal::Unknown { what: "duty", id: id.to_owned() })?;
    if state.concerns(&duty, by) {
        return Err(Refusal::OwnDuty);
    }
    if duty.standing(now) == Standing::Done {
        return Err(Refusal::State { found: "done", wanted: "owed" });
    }
    check_end(until, now, MOST_EXCUSED_DAYS)?;
    Ok(vec![Event::DutyExcused { duty: id.to_owned(), until, reason: crate::error::reason(reason)? }])
}
