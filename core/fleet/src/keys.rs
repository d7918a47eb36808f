//! Keys: what the policy makes of a finding, worked out once for all that agree in what decides.

use crate::evaluate::{Findings, Key, State, ground};
use crate::facts::{Facts, Instant, OPEN};
use crate::slot::{Profiles, Slot};
use jiff::Timestamp;
use std::collections::HashMap;

/// Later than any instant that is met with, and still one that calendars know (the year 2200).
const LATE: Instant = 7_258_118_400_000;

/// The keys of one vulnerability's findings: each combination of what decides is put to the policy once.
pub(crate) struct Keys<'a> {
    findings: &'a Findings,
    facts: &'a Facts,
    number: usize,
    profiles: &'a Profiles,
    known: HashMap<(u32, u32, Instant), Derived>,
    /// By profiles, group and the last change before the first sight: whether the first sight decides anything.
    depends: HashMap<(u32, u32, Instant), bool>,
}

/// What the policy makes of it.
type Derived = (Instant, u16, bool);

impl<'a> Keys<'a> {
    pub(crate) fn new(findings: &'a Findings, facts: &'a Facts, number: usize, profiles: &'a Profiles) -> Self {
        Self { findings, facts, number, profiles, known: HashMap::new(), depends: HashMap::new() }
    }

    /// The key of a finding; none if it is closed.
    pub(crate) fn of(&mut self, slot: &Slot, group: u32) -> Option<Key> {
        let standing = slot.standing?;
        let (due, rank, is_mitigation) = self.derived(self.profiles.deciding(slot), group, slot.start);
        Some(Key { due, rank, state: State::of(standing), is_mitigation, is_reopened: slot.is_reopened() })
    }

    fn derived(&mut self, mask: u32, group: u32, start: Instant) -> Derived {
        let ground = ground(self.findings, self.facts, self.number, group);
        // First sights between two changes differ only where a clock starts with them.
        let (mut before, mut after) = (Instant::MIN, ground.at);
        for change in ground.changes(Instant::MIN) {
            if change <= start { before = change } else { after = after.min(change - 1) }
        }
        let profiles = self.profiles.in_mask(mask);
        let derive = |start: Instant| {
            let deadline = ground.deadline(&profiles, start);
            let due = deadline.due.map_or(OPEN, Timestamp::as_millisecond);
            (due, u16::try_from(deadline.rank).unwrap_or(u16::MAX), deadline.is_mitigation)
        };
        let depends = *self.depends.entry((mask, group, before)).or_insert_with(|| {
            // A due date moves only in one direction with the first sight: where the ends agree, all do.
            let (first, last) = (before.max(0), after.min(LATE));
            derive(first) != derive(last)
        });
        let representative = if depends { start } else { before };
        *self.known.entry((mask, group, representative)).or_insert_with(|| derive(start))
    }
}
