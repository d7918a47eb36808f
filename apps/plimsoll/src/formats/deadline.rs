//! A deadline with its derivation: class, inputs, clocks.

use super::day_and_time;
use crate::printable::printable;
use jiff::Timestamp;
use policy::{Deadline, Policy};
use std::fmt::Write;

/// The derivation for people.
pub(crate) fn in_words(deadline: &Deadline, policy: &Policy, now: Timestamp) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    let class = policy.classes.get(deadline.rank);
    line(format!("  Class  {}  ({})", deadline.class, class.map_or("", |class| class.title.as_str())));
    line(format!("    policy: {}", printable(&policy.name)));
    for input in &deadline.inputs {
        let remark = if input.is_assumed { "   (not known: the value that stands in for it)" } else { "" };
        line(format!("    {}: {}{remark}", input.name, printable(&input.value)));
    }
    line(String::new());
    match deadline.due {
        Some(due) => line(format!("  Due  {}{}", day_and_time(due), if due < now { "   OVERDUE" } else { "" })),
        None => line("  Due  with the next upgrade".to_owned()),
    }
    for step in &deadline.steps {
        let rule = policy.classes.iter().find(|class| class.id == step.class);
        let within = rule.map(|class| class.due.to_string()).unwrap_or_default();
        let due = step.due.map_or_else(|| "no date".to_owned(), day_and_time);
        if step.started_by == policy::CATALOGUE_DUE {
            line(format!("    {}: {due}", step.started_by));
            continue;
        }
        line(format!(
            "    class {}: {within} from {} ({}) gives {due}",
            step.class,
            day_and_time(step.started_at),
            step.started_by
        ));
    }
    if deadline.is_mitigation {
        line(
            "    No patch exists: a mitigation is owed by then; the patch's own clock starts when one appears."
                .to_owned(),
        );
    }
    if !deadline.also.is_empty() {
        line(format!("    also owed: {}", deadline.also));
    }
    text
}
