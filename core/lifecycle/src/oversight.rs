//! Oversight: whom the policy in force tells where something is departed from, late, or somebody else's to do.

use crate::{Duty, Oversight, PersonId, Seat, State};
use jiff::Timestamp;

impl State {
    /// What the policy in force asks where something is departed from, late, or somebody else's to do.
    #[must_use]
    pub fn oversight(&self) -> &Oversight {
        const NONE: &Oversight = &Oversight::NONE;
        self.policy.as_ref().map_or(NONE, |policy| &policy.rule.governance.oversight)
    }

    /// Who is told where a role does not act.
    #[must_use]
    pub fn above(&self, seat: &Seat) -> Option<&Seat> {
        let known = self.oversight().roles.iter().find(|known| known.seat.role == seat.role)?;
        self.seat_called(known.to.as_deref()?)
    }

    /// A role of the policy in force, by its id.
    #[must_use]
    pub fn seat_called(&self, role: &str) -> Option<&Seat> {
        self.oversight().roles.iter().map(|known| &known.seat).find(|seat| seat.role == role)
    }

    /// Who is told that a duty was not done in time, as of an instant: up from the role that owes it, or else whom its rule names, and
    /// up from there.
    #[must_use]
    pub fn escalated_to<'s>(&'s self, duty: &'s Duty, now: Timestamp) -> Vec<&'s Seat> {
        let reached = |seat: &Seat| -> Vec<&'s Seat> {
            let reached = self.oversight().reached(&seat.role, duty.due, now);
            reached.into_iter().map(|(seat, _)| seat).collect()
        };
        let of_role = duty.owed_by.as_ref().map(reached).unwrap_or_default();
        match (of_role.is_empty(), &duty.escalates_to) {
            (false, _) => of_role.into_iter().skip(1).collect(),
            (true, Some(first)) => {
                let above = reached(first);
                if above.is_empty() { vec![first] } else { above }
            }
            (true, None) => Vec::new(),
        }
    }

    /// Everybody who has one of these roles of the policy.
    pub(crate) fn seated_people(&self, seats: &[Seat]) -> Vec<PersonId> {
        self.people.keys().filter(|person| self.is_seated(person, seats)).cloned().collect()
    }

    /// Whether somebody has one of these roles of the policy.
    #[must_use]
    pub fn is_seated(&self, person: &PersonId, seats: &[Seat]) -> bool {
        seats.iter().any(|seat| self.holds(person, seat))
    }
}
