//! What is proven of the table of classes: exactly one class for every finding, none unreachable, and no deadline that
//! loosens as danger grows.

use super::regions::{Region, Regions};
use super::{Checking, TOO_LARGE};
use crate::condition::Condition;
use crate::deadline::classify;
use crate::facts::Facts;
use crate::file::{Class, Policy};
use std::collections::BTreeSet;

/// More pairs of cases than this are not compared: a check ends while somebody types.
const MOST_PAIRS: usize = 1_000_000;

pub(super) fn check(checking: &mut Checking<'_>) {
    let policy = checking.policy;
    let Some(regions) = Regions::of(policy, &[]) else {
        unproven(checking, "its conditions tell apart more cases than can be looked at");
        return;
    };
    let unreachable = unreachable(&regions, checking);
    let loosening = loosening(&regions, checking);
    if unreachable + loosening == 0 {
        checking.proven.push(format!(
            "{} classes over {} cases: every finding gets exactly one, each is reached, and no deadline loosens as danger grows",
            policy.classes.len(),
            regions.all.len()
        ));
    }
}

/// Classes that no finding can have.
fn unreachable(regions: &Regions, checking: &mut Checking<'_>) -> usize {
    let reached: BTreeSet<usize> = regions.all.iter().map(|region| region.class).collect();
    let policy = checking.policy;
    let mut count = 0;
    for (place, class) in policy.classes.iter().enumerate().filter(|(place, _)| !reached.contains(place)) {
        count += 1;
        let Some(within) = regions.within(policy, &class.when) else {
            return unproven(checking, "its conditions tell apart more cases than can be looked at");
        };
        let takers: BTreeSet<usize> = within.iter().map(|region| region.class).filter(|taker| *taker < place).collect();
        let names: Vec<String> = takers.iter().map(|taker| format!("`{}`", policy.classes[*taker].id)).collect();
        let (what, hint) = match names.is_empty() {
            true => ("its conditions never hold together".to_owned(), "take one of its conditions away"),
            false => (
                format!("all that it asks for is taken by {} before it", names.join(", ")),
                "move it up, or ask for less in the classes before it",
            ),
        };
        let problem = checking.problems.error(
            "policy/unreachable",
            class.place,
            format!("class `{}` is never reached: {what}", class.id),
        );
        problem.hint(hint);
        if let Some(region) = within.iter().find(|region| takers.contains(&region.class)) {
            let places = Regions::first(region);
            problem.example(format!("{} → `{}`", regions.words(&places, region), policy.classes[region.class].id));
        }
    }
    count
}

/// Pairs of classes of which the more dangerous case has the longer deadline; each is confirmed by the classification itself.
fn loosening(regions: &Regions, checking: &mut Checking<'_>) -> usize {
    let policy = checking.policy;
    let mut told = BTreeSet::new();
    let mut looked = 0_usize;
    for lower in &regions.all {
        for upper in &regions.all {
            let (strict, loose) = (&policy.classes[lower.class], &policy.classes[upper.class]);
            if !loose.due.is_looser_than(strict.due, &policy.calendar) || told.contains(&(lower.class, upper.class)) {
                continue;
            }
            looked += 1;
            if looked > MOST_PAIRS {
                return unproven(checking, "its conditions tell apart more cases than can be compared");
            }
            let Some((low, high)) = regions.rising(lower, upper) else { continue };
            if !is_confirmed(policy, &regions.facts(&low), strict)
                || !is_confirmed(policy, &regions.facts(&high), loose)
            {
                // Boxes and classification agree (`tests/brute_force.rs`); where they ever do not, nothing is proven.
                return unproven(checking, "a case is classified otherwise than its proof says");
            }
            told.insert((lower.class, upper.class));
            let what = format!(
                "class `{}` gives {} to what is more dangerous than what class `{}` gives {}",
                loose.id, loose.due, strict.id, strict.due
            );
            let words = |places: &[usize], region: &Region, class: &Class| {
                format!("{} → `{}`, {}", regions.words(places, region), class.id, class.due)
            };
            let example = format!("{}; but {}", words(&low, lower, strict), words(&high, upper, loose));
            checking.problems.error("policy/loosens", loose.place, what).example(example).hint(format!(
                "give `{}` no more than {}, or let a stricter class take this case first",
                loose.id, strict.due
            ));
        }
    }
    told.len()
}

/// Says that nothing is proven of the table, and why.
fn unproven(checking: &mut Checking<'_>, why: &str) -> usize {
    let at = checking.policy.classes.first().map_or(0, |class| class.place);
    let what = format!("the table cannot be proven: {why}");
    checking
        .problems
        .error(TOO_LARGE, at, what)
        .hint("use fewer thresholds and words, or say in fewer classes what differs");
    1
}

fn is_confirmed(policy: &Policy, facts: &Facts, class: &Class) -> bool {
    classify(policy, facts, None).0.id == class.id
}

/// The longest deadline that any finding gets for which a condition holds, with a case that gets it; `None` if none can hold it or
/// the table is too large.
pub(super) fn longest<'p>(policy: &'p Policy, when: &Condition) -> Option<(&'p Class, String)> {
    let regions = Regions::of(policy, &[when])?;
    let within = regions.within(policy, when)?;
    let due = |region: &Region| policy.classes[region.class].due.longest_hours();
    let worst = within.iter().max_by_key(|region| due(region).unwrap_or(i64::MAX))?;
    Some((&policy.classes[worst.class], regions.words(&Regions::first(worst), worst)))
}
