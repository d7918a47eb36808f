//! Seats: who has which role of the policy here.

use crate::{GroupId, Person, PersonId, Seat, State};
use jiff::Timestamp;

impl State {
    /// Whether whoever goes by an id now went by it at an instant: what somebody has said who was erased is nobody's since.
    #[must_use]
    pub fn was_there(&self, person: &PersonId, at: Timestamp) -> bool {
        self.people.get(person).is_some_and(|known| known.anew.is_none_or(|anew| anew <= at))
    }

    /// Whether somebody has this role.
    #[must_use]
    pub fn holds(&self, person: &PersonId, seat: &Seat) -> bool {
        let is_here = |known: &&Person| !known.roles.is_empty();
        let Some(known) = self.people.get(person).filter(is_here) else { return false };
        if seat.holds.iter().any(|role| known.roles.contains(role)) {
            return true;
        }
        let Ok(group) = GroupId::new(seat.role.as_str()) else { return false };
        let was_put = self.groups.get(&group).is_some_and(|known| !known.by_themselves.contains(person));
        was_put && self.joined_group(&group, person).is_some()
    }
}

/// The seats that these people leave empty, where each takes one and as many are taken as can be.
#[must_use]
pub fn empty_seats<'s>(seats: &'s [Seat], people: &[&PersonId], state: &State) -> Vec<&'s Seat> {
    // Who sits where; whoever comes later moves others on where that makes room.
    let mut taken: Vec<Option<usize>> = vec![None; seats.len()];
    for person in 0..people.len() {
        let mut asked = vec![false; seats.len()];
        sit(person, (seats, people, state), &mut taken, &mut asked);
    }
    seats.iter().zip(taken).filter(|(_, taken)| taken.is_none()).map(|(seat, _)| seat).collect()
}

/// Whether somebody takes a seat that those before leave empty.
pub(crate) fn fills_a_seat(seats: &[Seat], before: &[&PersonId], person: &PersonId, state: &State) -> bool {
    let after: Vec<&PersonId> = before.iter().copied().chain([person]).collect();
    let lacking = |people: &[&PersonId]| empty_seats(seats, people, state).len();
    !before.contains(&person) && lacking(&after) < lacking(before)
}

fn sit(person: usize, all: (&[Seat], &[&PersonId], &State), taken: &mut [Option<usize>], asked: &mut [bool]) -> bool {
    let (seats, people, state) = all;
    for place in 0..seats.len() {
        if asked[place] || !state.holds(people[person], &seats[place]) {
            continue;
        }
        asked[place] = true;
        if taken[place].is_none_or(|other| sit(other, all, taken, asked)) {
            taken[place] = Some(person);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::empty_seats;
    use crate::{Person, PersonId, Role, Seat, State};

    #[test]
    fn whoever_has_two_roles_makes_room_for_who_has_one() {
        let mut state = State::default();
        for (id, roles) in [("ada", &[Role::Approver, Role::SecurityLead][..]), ("ben", &[Role::Approver])] {
            let roles = roles.iter().copied().collect();
            state.people.insert(PersonId::new(id).expect("an id"), Person { roles, ..Person::default() });
        }
        let seat = |role: Role| Seat { role: role.word().to_owned(), title: String::new(), holds: [role].into() };
        let seats = [seat(Role::Approver), seat(Role::SecurityLead)];
        let [ada, ben] = ["ada", "ben"].map(|id| PersonId::new(id).expect("an id"));
        assert_eq!(empty_seats(&seats, &[&ada, &ben], &state), Vec::<&Seat>::new());
        assert_eq!(empty_seats(&seats, &[&ben], &state), [&seats[1]]);
        assert_eq!(empty_seats(&seats, &[&ada], &state).len(), 1, "one person takes one seat");
    }
}
