//! A deadline with its derivation, for programs.

use policy::Deadline;
use serde_json::json;

/// A deadline with its derivation: class, inputs, clocks.
#[must_use]
pub fn deadline_as_json(deadline: &Deadline) -> serde_json::Value {
    let step = |step: &policy::Step| json!({ "class": step.class, "started_at": step.started_at, "started_by": step.started_by, "due": step.due });
    let input =
        |input: &policy::Input| json!({ "name": input.name, "value": input.value, "is_assumed": input.is_assumed });
    json!({
        "class": deadline.class,
        "due": deadline.due,
        "is_mitigation": deadline.is_mitigation,
        "also": deadline.also,
        "steps": deadline.steps.iter().map(step).collect::<Vec<_>>(),
        "inputs": deadline.inputs.iter().map(input).collect::<Vec<_>>(),
    })
}
