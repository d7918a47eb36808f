//! Keys: what the policy makes of a finding, worked out once for all that agree in what decides.

use crate::evaluate::{Findings, Key, State, ground};
use crate::fact::{Instant, OPEN};
use crate::facts::Facts;
use crate::slot::{Profiles, Slot};
use crate::switch::Switch;
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Later than any instant that is met with, and still one that calendars know (the year 2200).
const LATE: Instant = 7_258_118_400_000;
/// First sights within a day are tried together before each is tried by itself.
const DAY: Instant = 86_400_000;

/// The keys of one vulnerability's findings: each combination of what decides is put to the policy once.
pub(crate) struct Keys<'a> {
    findings: &'a Findings,
    facts: &'a Facts,
    number: usize,
    profiles: &'a Profiles,
    /// By group: when something else became known.
    changes: FxHashMap<u32, Rc<[Instant]>>,
    /// By profiles, group and the last change before the first sight.
    stretches: FxHashMap<(u32, u32, Instant), Stretch>,
    /// By profiles, group and day.
    days: FxHashMap<(u32, u32, Instant), Stretch>,
    instants: FxHashMap<(u32, u32, Instant), Derived>,
    /// By group: the profiles and the first sight that were asked for last, and what they come to.
    recent: Vec<Option<(u32, Instant, Derived)>>,
}

/// What the policy makes of it: the due date, the class's rank, and whether a mitigation is owed.
pub(crate) type Derived = (Instant, u16, bool);

/// What first sights within a stretch of time come to: the same for all, or for each its own.
type Stretch = Option<Derived>;

impl<'a> Keys<'a> {
    pub(crate) fn new(findings: &'a Findings, facts: &'a Facts, number: usize, profiles: &'a Profiles) -> Self {
        let (changes, stretches, days, instants) = Default::default();
        Self { findings, facts, number, profiles, changes, stretches, days, instants, recent: Vec::new() }
    }

    /// The key of a finding; none if it is closed.
    pub(crate) fn of(&mut self, slot: &Slot, (asset, group): (u32, u32)) -> Option<Key> {
        let standing = slot.standing?;
        let derived = self.derived(self.profiles.deciding(slot), group, slot.start);
        let is_reopened = slot.has_past() && self.findings.has_come_back(self.facts, self.number, asset);
        Some(key(derived, self.findings.groups.state(standing, group), is_reopened))
    }

    /// What findings come to that are on carriers with these profiles, whenever they were seen first; none if that decides.
    pub(crate) fn whenever(&mut self, mask: u32, group: u32) -> Option<Derived> {
        let changes = self.changes(group);
        let mut same = None;
        for start in std::iter::once(Instant::MIN).chain(changes.iter().copied()) {
            let derived = self.stretch(mask, group, start)?;
            if same.is_some_and(|same| same != derived) {
                return None;
            }
            same = Some(derived);
        }
        same
    }

    fn changes(&mut self, group: u32) -> Rc<[Instant]> {
        let (findings, facts, number) = (self.findings, self.facts, self.number);
        let make = || {
            let mut changes = ground(findings, facts, number, group).changes(Instant::MIN);
            // What was seen before a switch may keep what it had.
            changes.extend(findings.switches.iter().map(Switch::instant));
            changes.sort_unstable();
            changes.dedup();
            Rc::from(changes)
        };
        Rc::clone(self.changes.entry(group).or_insert_with(make))
    }

    fn derive(&self, mask: u32, group: u32, start: Instant) -> Derived {
        let ground = ground(self.findings, self.facts, self.number, group);
        let deadline = ground.deadline(&self.profiles.in_mask(mask), start);
        let due = deadline.due.map_or(OPEN, Timestamp::as_millisecond);
        (due, u16::try_from(deadline.rank).unwrap_or(u16::MAX), deadline.is_mitigation)
    }

    /// What all first sights from a change until the next one come to, where they come to the same.
    fn stretch(&mut self, mask: u32, group: u32, before: Instant) -> Stretch {
        if let Some(known) = self.stretches.get(&(mask, group, before)) {
            return *known;
        }
        let next = self.changes(group).iter().find(|change| **change > before).copied();
        // A due date moves only in one direction with the first sight: where the ends agree, all do.
        let first = self.derive(mask, group, before.max(0));
        let last = self.derive(mask, group, next.map_or(LATE, |next| next - 1).max(before.max(0)));
        let stretch = (first == last).then_some(first);
        self.stretches.insert((mask, group, before), stretch);
        stretch
    }

    pub(crate) fn derived(&mut self, mask: u32, group: u32, start: Instant) -> Derived {
        if let Some(Some((of_mask, of_start, derived))) = self.recent.get(group as usize)
            && (*of_mask, *of_start) == (mask, start)
        {
            return *derived;
        }
        let derived = self.derived_anew(mask, group, start);
        if self.recent.len() <= group as usize {
            self.recent.resize(group as usize + 1, None);
        }
        self.recent[group as usize] = Some((mask, start, derived));
        derived
    }

    fn derived_anew(&mut self, mask: u32, group: u32, start: Instant) -> Derived {
        let changes = self.changes(group);
        let place = changes.partition_point(|change| *change <= start);
        let before = if place == 0 { Instant::MIN } else { changes[place - 1] };
        if let Some(derived) = self.stretch(mask, group, before) {
            return derived;
        }
        let day = start.div_euclid(DAY) * DAY;
        let end = (day + DAY - 1).min(changes.get(place).map_or(Instant::MAX, |next| next - 1));
        if before <= day && end == day + DAY - 1 {
            let known = self.days.get(&(mask, group, day)).copied();
            let of_day = known.unwrap_or_else(|| {
                let first = self.derive(mask, group, day);
                (first == self.derive(mask, group, end)).then_some(first)
            });
            self.days.insert((mask, group, day), of_day);
            if let Some(derived) = of_day {
                return derived;
            }
        }
        if let Some(derived) = self.instants.get(&(mask, group, start)) {
            return *derived;
        }
        let derived = self.derive(mask, group, start);
        self.instants.insert((mask, group, start), derived);
        derived
    }
}

/// The key of findings that come to this.
pub(crate) fn key((due, rank, is_mitigation): Derived, state: State, is_reopened: bool) -> Key {
    Key { due, rank, state, is_mitigation, is_reopened }
}
