//! A state with what has happened so far, and people of four roles.
#![allow(dead_code, clippy::expect_used, reason = "tests; not every one uses all of it")]

use jiff::Timestamp;
use plimsoll_lifecycle::{Asset, AssetId, Command, Event, PersonId, Pushed, Refusal, Role, State, decide};
use std::collections::BTreeSet;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(crate) fn day(number: i64) -> Timestamp {
    at("2026-01-01T00:00:00Z") + jiff::SignedDuration::from_hours(24 * number)
}

pub(crate) fn asset(id: &str) -> AssetId {
    AssetId::new(id).expect("an id")
}

pub(crate) fn person(id: &str) -> PersonId {
    PersonId::new(id).expect("an id")
}

/// A state with what has happened so far, every event written to an entry and read back.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) entries: Vec<ledger::Entry>,
}

impl World {
    /// With an administrator `root`, an approver `boss`, a security lead `lead` and an operator `ops`.
    pub(crate) fn staffed() -> Self {
        let mut world = Self::default();
        let roles = |role: Role| BTreeSet::from([role]);
        for (who, role, by) in [
            ("root", Role::Administrator, "root"),
            ("boss", Role::Approver, "root"),
            ("lead", Role::SecurityLead, "root"),
            ("ops", Role::Operator, "root"),
        ] {
            world.done(&Command::SetRoles(person(who), roles(role), BTreeSet::new()), by, day(0));
        }
        world
    }

    pub(crate) fn attempt(&mut self, command: &Command, by: &str, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let events = decide(&self.state, command, &person(by), now)?;
        for event in &events {
            let entry = event.to_entry(now, &person(by)).expect("an entry");
            let bytes = entry.canonical().expect("canonical");
            let read = ledger::Entry::parse(&bytes).expect("read back");
            assert_eq!(Event::from_entry(0, &read).expect("understood"), *event);
            self.state.apply(&read).expect("taken in");
            self.entries.push(read);
        }
        Ok(events)
    }

    pub(crate) fn done(&mut self, command: &Command, by: &str, now: Timestamp) -> Vec<Event> {
        self.attempt(command, by, now).expect("allowed")
    }

    pub(crate) fn refused(&mut self, command: &Command, by: &str, now: Timestamp) -> &'static str {
        self.attempt(command, by, now).expect_err("refused").code()
    }

    pub(crate) fn asset(&self, id: &str) -> &Asset {
        &self.state.assets[&asset(id)]
    }

    pub(crate) fn push(&mut self, digest: &str, taken_at: Timestamp, now: Timestamp) -> Vec<Event> {
        let (asset, digest) = (asset("a"), digest.to_owned());
        let document = format!("of {digest}");
        let pushed = Pushed { asset, digest, document, taken_at, packages: 700, unread: 0 };
        self.done(&Command::PushInventory(pushed), "agent/a", now)
    }
}
