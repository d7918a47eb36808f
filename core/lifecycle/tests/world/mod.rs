//! A state with what has happened so far, and people of four roles.
#![allow(dead_code, clippy::expect_used, reason = "tests; not every one uses all of it")]

use jiff::Timestamp;
use plimsoll_lifecycle::{
    Asset, AssetId, Command, Event, PersonId, PolicyRule, Pushed, Refusal, Role, State, decide, review,
};
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

/// A policy with exceptions, attestations, responses and escalation.
pub(crate) const POLICY: &str = r#"
name = "p"
[scope]
[[scope.rule]]
covered = "attested"
reason = "its vendor patches it"
tag = ["vendor-managed"]
[[scope.rule]]
covered = "patched"
reason = "it serves customers"
environment = ["production"]
[[role]]
id = "executive"
title = "Executive"
holds = ["approver"]
escalates-to = "operations"
escalates-after = "2 days"
[[role]]
id = "owner"
title = "Owner"
holds = ["security-lead"]
escalates-to = "executive"
escalates-after = "24 hours"
[[role]]
id = "operations"
title = "Operations"
holds = ["operator"]
escalates-to = "owner"
escalates-after = "8 hours"
[exceptions]
criteria = ["no patch exists"]
needs = ["risk-assessment", "compensating-controls", "remediation-plan"]
controls = ["segmentation", "intrusion prevention"]
requested-by = ["operations"]
approved-by = ["executive", "owner"]
longest = "90 days"
review = "30 days"
[vendors]
attest = "12 months"
notify = "3 days"
[acknowledgement]
within = "14 days"
every = "12 months"
remind = "5 days"
escalates-to = "owner"
[[response]]
from = 1
within = "30 days"
step = "training"
by = "operations"
[[response]]
from = 3
within = "30 days"
step = "process-review"
by = "owner"
[[response]]
from = 4
within = "12 months"
step = "access-restriction"
by = "executive"
[[class]]
id = "all"
title = "All"
due = "30 days"
clock = ["first-seen"]
"#;

pub(crate) fn asking() -> PolicyRule {
    PolicyRule::of(&policy::Policy::parse(POLICY).expect("a policy"))
}

/// A world whose policy says what follows from departures.
pub(crate) fn overseen() -> World {
    under(asking())
}

/// A world whose policy is in force since day 2, with a second of each role that approves.
pub(crate) fn under(rule: PolicyRule) -> World {
    let mut world = World::staffed();
    for (who, role) in [("boss2", Role::Approver), ("lead2", Role::SecurityLead), ("emma", Role::Employee)] {
        world.done(&Command::SetRoles(person(who), [role].into(), BTreeSet::new()), "root", day(1));
    }
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "first".to_owned(), rule };
    world.done(&adopt, "lead", day(2));
    world
}

/// Does something, and holds its events against the rules one after the other, as whoever plays the ledger again does.
pub(crate) fn lawful(world: &mut World, command: &Command, by: &str, now: Timestamp) -> Vec<Event> {
    let mut again = world.state.clone();
    let events = world.done(command, by, now);
    for event in &events {
        assert_eq!(review(&again, event, &person(by), now), Ok(()), "{event:?}");
        assert!(review(&again, event, &person("nobody"), now).is_err(), "{event:?} by nobody");
        again.apply(&event.to_entry(now, &person(by)).expect("an entry")).expect("taken in");
    }
    assert_eq!(again, world.state);
    events
}
