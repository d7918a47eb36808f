//! How much a policy may hold so that it can be proven while somebody waits: far more than people write, far less than programs can.

use crate::condition::Condition;
use crate::file::Policy;

/// More classes than these are not proven.
const MOST_CLASSES: usize = 100;
/// The same for what each section lists.
const MOST_LISTED: usize = 200;
/// The same for the words of one list, and for all that conditions ask for.
const MOST_WORDS: usize = 1_000;

/// What there is too much of, with the byte where it begins; none if a policy can be proven.
pub(super) fn excess(policy: &Policy) -> Option<(usize, String)> {
    let promises = &policy.promises;
    let rules = promises.scope.as_ref().map_or(&[][..], |scope| &scope.rule);
    let listed = [
        ("rules of the scope", rules.len()),
        ("definitions", promises.definitions.len()),
        ("roles", promises.roles.len()),
        ("gates", promises.gates.len()),
        ("rings", promises.rings.len()),
        ("freezes", promises.freezes.len()),
        ("records", promises.records.len()),
        ("measures", promises.measures.len()),
        ("responses", promises.responses.len()),
        ("trainings", promises.training.len()),
        ("frameworks", promises.frameworks.len()),
        (
            "people who ask or approve",
            promises.gates.iter().map(|gate| gate.requested_by.len() + gate.approved_by.len()).sum(),
        ),
        ("sources", promises.scanning.as_ref().map_or(0, |scanning| scanning.sources.len())),
    ];
    let at = policy.classes.first().map_or(0, |class| class.place);
    let says =
        |what: &str, count: usize, most: usize| (at, format!("{count} {what} are more than can be proven; {most} can"));
    if policy.classes.len() > MOST_CLASSES {
        return Some(says("classes", policy.classes.len(), MOST_CLASSES));
    }
    if let Some((what, count)) = listed.into_iter().find(|(_, count)| *count > MOST_LISTED) {
        return Some(says(what, count, MOST_LISTED));
    }
    let of_rules = rules.iter().map(|rule| rule.as_ref().lists().concat().len());
    let words = policy.classes.iter().map(|class| asked(&class.when)).chain(of_rules).sum::<usize>();
    (words > MOST_WORDS).then(|| says("words in conditions", words, MOST_WORDS))
}

/// How much a condition asks for.
fn asked(condition: &Condition) -> usize {
    let lists = [
        &condition.exploitation,
        &condition.environment,
        &condition.criticality,
        &condition.data_class,
        &condition.impact,
    ];
    let words: usize = lists.into_iter().flatten().map(Vec::len).sum();
    words + condition.any.iter().flatten().map(|inner| 1 + asked(inner)).sum::<usize>()
}
