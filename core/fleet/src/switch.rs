//! Switches: another policy comes into force while findings are open, and what its transition rule makes of their deadlines.

use crate::deadline::timestamp;
use crate::evaluate::instant;
use crate::fact::Instant;
use crate::facts::Facts;
use jiff::Timestamp;
use lifecycle::Transition;
use policy::{CATALOGUE_DUE, Deadline, Policy, Step};
use std::sync::Arc;

/// A switch to another policy, with the one before it.
#[derive(Debug, Clone)]
pub struct Switch {
    /// When.
    pub at: Timestamp,
    /// What holds for findings that were open then.
    pub transition: Transition,
    /// The policy until then.
    pub before: Arc<Policy>,
}

impl Switch {
    pub(crate) fn instant(&self) -> Instant {
        self.at.as_millisecond()
    }

    /// The deadline of a finding that was open at the switch: by the policy after it, and by the one before it.
    ///
    /// What started a clock after the switch follows from the policy after it alone.
    pub(crate) fn carry(&self, (policy, own): (&Policy, Deadline), before: Deadline) -> Deadline {
        let is_of_before = |step: &Step| step.started_at < self.at;
        if self.transition == Transition::Recount || !before.steps.iter().any(is_of_before) {
            return own;
        }
        // The policy before goes on to apply: what it makes of news is a date that it gave too.
        let mut steps = before.steps;
        for step in steps.iter_mut().filter(|step| !step.started_by.is_empty()) {
            step.started_by = format!("{} (by the policy before, whose date is kept)", step.started_by);
        }
        match self.transition {
            Transition::Recount => {}
            Transition::Keep => steps.extend(own.steps.into_iter().filter(|step| !is_of_before(step))),
            Transition::FromSwitch => steps.extend(own.steps.into_iter().map(|step| self.counted_anew(policy, step))),
        }
        let due = steps.iter().filter_map(|step| step.due).min();
        Deadline { due, steps, ..own }
    }

    /// The deadline of a finding that was there at the switch, and that the policy before it did not cover: nothing was owed, so that
    /// its time begins with the switch.
    pub(crate) fn begin(&self, (policy, own): (&Policy, Deadline)) -> Deadline {
        if self.transition == Transition::Recount {
            return own;
        }
        let steps: Vec<Step> = own.steps.into_iter().map(|step| self.counted_anew(policy, step)).collect();
        let due = steps.iter().filter_map(|step| step.due).min();
        Deadline { due, steps, ..own }
    }

    /// A step whose clock starts at the switch. What the catalogue itself names is no clock.
    fn counted_anew(&self, policy: &Policy, step: Step) -> Step {
        if step.started_at >= self.at || step.started_by == CATALOGUE_DUE {
            return step;
        }
        let due = policy.due_after(&step.class, self.at);
        let words = || format!("the switch to this policy (before it: {})", step.started_by);
        let started_by = if step.started_by.is_empty() { String::new() } else { words() };
        Step { started_by, started_at: self.at, due, ..step }
    }
}

impl Facts {
    /// The switches that led to the policy in force at an instant, the oldest first, as far back as they matter: before one that
    /// counts everything anew none does.
    #[must_use]
    pub fn switches(&self, at: Option<Timestamp>) -> Vec<Switch> {
        let end = self.policies.partition_point(|adopted| adopted.since <= instant(at));
        let pairs = self.policies[..end].windows(2).rev();
        let mut switches: Vec<Switch> = pairs
            .take_while(|pair| pair[1].transition != Transition::Recount)
            .map(|pair| Switch {
                at: timestamp(pair[1].since),
                transition: pair[1].transition,
                before: Arc::clone(&pair[0].policy),
            })
            .collect();
        switches.reverse();
        switches
    }
}
