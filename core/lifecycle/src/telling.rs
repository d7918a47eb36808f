//! Telling days: what was broken on days that are over becomes violations, also where nothing was broken: so that it is known that
//! somebody looked.

use crate::event::Event;
use crate::person::SYSTEM;
use crate::violation::Opened;
use crate::{Refusal, State};
use jiff::{Timestamp, civil::Date};
use obligations::{Breach, BreachKind, Party};
use rules::{PersonId, Role};
use std::collections::BTreeMap;

/// Tells what was broken on the days that are over and were not told yet. Which deadlines were missed follows from the facts of the
/// fleet, which are not known here: whoever tells the days brings them.
pub(crate) fn tell(
    state: &State,
    (first, last, deadlines): (Date, Date, &[Breach]),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    may_tell(state, by)?;
    if state.days_to_tell(now) != Some((first, last)) {
        return Ok(Vec::new());
    }
    let is_deadline = |breach: &&Breach| {
        breach.kind == BreachKind::Deadline && breach.count > 0 && (first..=last).contains(&breach.day)
    };
    let mut broken = state.broken((first, last));
    for breach in deadlines.iter().filter(is_deadline) {
        *broken.entry((breach.day, breach.kind, breach.party.clone())).or_default() += breach.count;
    }
    let mut told: BTreeMap<Party, Vec<Date>> = BTreeMap::new();
    let mut events = Vec::with_capacity(broken.len() + 1);
    for ((day, kind, party), count) in broken {
        let days = told.entry(party.clone()).or_insert_with(|| state.days_that_count(&party));
        let breach = Breach { day, kind, party: party.clone(), count };
        events.push(Event::ViolationOpened(state.answered_by_policy(breach, days)));
        if day >= state.counts_since(&party) {
            days.push(day);
        }
    }
    let (violations, is_judged) = (events.len() as u64, state.index.is_some());
    events.push(Event::ViolationsTold { from: first, until: last, violations, is_judged });
    Ok(events)
}

fn may_tell(state: &State, by: &PersonId) -> Result<(), Refusal> {
    if by.as_str() == SYSTEM { Ok(()) } else { state.may(by, Role::OPERATES) }
}

/// Holds a violation that is told against the rules: it is of a day that is to be told, is told once, and is answered as the policy
/// says. Whether it happened is held against what was missed when its day is told.
pub(crate) fn check_opened(state: &State, opened: &Opened, by: &PersonId, at: Timestamp) -> Result<(), Refusal> {
    may_tell(state, by)?;
    let Breach { day, count, party, .. } = &opened.breach;
    let is_day = state.days_to_tell(at).is_some_and(|(first, last)| (first..=last).contains(day));
    let is_own = *opened == state.answered_by_policy(opened.breach.clone(), &state.days_that_count(party));
    let is_new = !state.violations.contains_key(&opened.id);
    if is_day && is_own && is_new && *count > 0 { Ok(()) } else { Err(Refusal::Unlike) }
}

/// Holds days that are told against what was missed on them: every scan and duty stands among their violations, and no other does.
pub(crate) fn check_told(
    state: &State,
    (from, until, violations, is_judged): (Date, Date, u64, bool),
    by: &PersonId,
    at: Timestamp,
) -> Result<(), Refusal> {
    may_tell(state, by)?;
    let of_days: Vec<&Breach> = state.violations.between(from, until).map(|known| &known.opened.breach).collect();
    let told = of_days.iter().filter(|breach| breach.kind != BreachKind::Deadline);
    let told: BTreeMap<_, _> =
        told.map(|breach| ((breach.day, breach.kind, breach.party.clone()), breach.count)).collect();
    let is_whole = told == state.broken((from, until)) && of_days.len() as u64 == violations;
    let is_due = state.days_to_tell(at) == Some((from, until)) && is_judged == state.index.is_some();
    if is_whole && is_due { Ok(()) } else { Err(Refusal::Unlike) }
}
