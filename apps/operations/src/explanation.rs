//! A deadline with its derivation, and all that a finding rests on, for programs.

use fleet::{Carrier, Explanation};
use policy::Deadline;
use serde_json::json;

/// A deadline with its derivation: class, inputs, clocks.
#[must_use]
pub fn deadline_as_json(deadline: &Deadline) -> serde_json::Value {
    let step = |step: &policy::Step| json!({ "class": step.class, "started_at": step.started_at, "started_by": step.started_by, "due_at": step.due });
    let input =
        |input: &policy::Input| json!({ "name": input.name, "value": input.value, "is_assumed": input.is_assumed });
    json!({
        "class": deadline.class,
        "due_at": deadline.due,
        "is_mitigation": deadline.is_mitigation,
        "also": deadline.also,
        "steps": deadline.steps.iter().map(step).collect::<Vec<_>>(),
        "inputs": deadline.inputs.iter().map(input).collect::<Vec<_>>(),
    })
}

/// What a finding rests on: where it stands, what carried it, what was known of it, and its deadline.
#[must_use]
pub fn explanation_as_json(found: &Explanation) -> serde_json::Value {
    let carrier = |carrier: &Carrier| {
        json!({
            "package": carrier.thing, "statement": carrier.statement, "from": carrier.from, "until": carrier.until,
            "decision": carrier.decision,
        })
    };
    let signals: Vec<_> =
        found.signals.iter().map(|(since, signals)| json!({ "since": since, "signals": signals })).collect();
    json!({
        "asset": found.asset,
        "state": found.state.map_or("closed", fleet::State::word),
        "closed_at": found.closed_at,
        "carriers": found.carriers.iter().map(carrier).collect::<Vec<_>>(),
        "signals": signals,
        "deadline": found.deadline.as_ref().map(deadline_as_json),
        "coverage": { "covered": found.coverage.covered, "reason": found.coverage.reason },
    })
}
