//! Scope, definitions and scanning.

use super::{Checking, among, unique};
use crate::promises::{Covered, ScopeRule};

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    unique(&mut checking.problems, "definitions", promises.definitions.iter().map(|definition| &definition.term));
    let rules = promises.scope.as_ref().map_or(&[][..], |scope| &scope.rule);
    for (place, rule) in rules.iter().enumerate() {
        let (at, rule) = (rule.span().start, rule.as_ref());
        if rule.reason.trim().is_empty() {
            checking.problems.error("policy/no-reason", at, "a rule of the scope says no reason".to_owned());
        }
        if !rule.has_condition() {
            let what = "a rule of the scope asks for nothing, so that it fits nothing".to_owned();
            checking
                .problems
                .error("policy/empty-rule", at, what)
                .hint("say an environment, tag, owner, data-class or exposure");
        }
        if rule.lists().into_iter().flatten().any(|word| word.trim().is_empty()) {
            checking.problems.error("policy/empty-rule", at, "a rule of the scope asks for an empty word".to_owned());
        }
        if let Some(earlier) = rules[..place].iter().map(AsRef::as_ref).find(|earlier| overtakes(earlier, rule)) {
            let what = format!(
                "part of what the rule `{}` asks for is taken by `{}` before it, which says something else",
                rule.reason.escape_debug(),
                earlier.reason.escape_debug()
            );
            checking.problems.warning("policy/overtaken", at, what).hint("move it up if it is meant to hold");
        }
        if let Some(earlier) = rules[..place].iter().map(AsRef::as_ref).find(|earlier| takes_all_of(earlier, rule)) {
            let what = format!(
                "the rule `{}` is never reached: all that it asks for is taken by `{}` before it",
                rule.reason.escape_debug(),
                earlier.reason.escape_debug()
            );
            checking.problems.error("policy/unreachable", at, what).hint("move it up");
        }
        if rule.covered == Covered::Attested && promises.vendors.is_none() {
            let what =
                "a rule leaves patching to vendors who attest it, and `[vendors]` does not say how often".to_owned();
            checking.problems.error("policy/no-attestation", at, what);
        }
    }
    scanning(checking);
}

/// Whether a rule fits all that another one fits.
fn takes_all_of(earlier: &ScopeRule, later: &ScopeRule) -> bool {
    let wider = |(wide, narrow): (&[String], &[String])| {
        let has = |word: &String| wide.iter().any(|own| own.eq_ignore_ascii_case(word));
        wide.is_empty() || !narrow.is_empty() && narrow.iter().all(has)
    };
    earlier.has_condition()
        && earlier.lists().into_iter().zip(later.lists()).all(wider)
        && (earlier.exposure.is_none() || earlier.exposure == later.exposure)
}

/// Whether an earlier rule, that says something else, asks for a part of what a later one asks for, and for nothing more.
fn overtakes(earlier: &ScopeRule, later: &ScopeRule) -> bool {
    let part = |(own, other): (&[String], &[String])| {
        own.is_empty() || own.iter().any(|word| other.iter().any(|one| one.eq_ignore_ascii_case(word)))
    };
    earlier.covered != later.covered
        && earlier.has_condition()
        && earlier.lists().into_iter().zip(later.lists()).all(part)
        && (earlier.exposure.is_none() || earlier.exposure == later.exposure)
        && !takes_all_of(earlier, later)
}

fn scanning(checking: &mut Checking<'_>) {
    let Some(scanning) = &checking.policy.promises.scanning else { return };
    let feeds = checking.known.feeds;
    unique(&mut checking.problems, "sources", scanning.sources.iter());
    for source in scanning.sources.iter().filter(|source| !feeds.contains(&source.as_ref().as_str())) {
        let what = format!("no feed is called `{}`", source.as_ref().escape_debug());
        checking.problems.error("policy/unknown-feed", source.span().start, what).hint(among(source.as_ref(), feeds));
    }
    if scanning.sources.is_empty() {
        let what = "`[scanning]` names no source of vulnerabilities".to_owned();
        checking
            .problems
            .error("policy/no-source", scanning.exposed.span().start, what)
            .hint(format!("there are {}", feeds.join(", ")));
    }
    let (exposed, internal) = (*scanning.exposed.as_ref(), *scanning.internal.as_ref());
    if exposed.is_longer_than(internal) {
        let what =
            format!("what can be reached from the internet is looked at every {exposed}, the rest every {internal}");
        checking.problems.error("policy/loosens", scanning.exposed.span().start, what);
    }
    // What is seen too late cannot be patched in time.
    if let Some((class, hours)) = checking.shortest_regular()
        && exposed.longest_hours() > hours
    {
        let what = format!("assets are looked at every {exposed}, and class `{}` gives {}", class.id, class.due);
        checking
            .problems
            .warning("policy/seldom", scanning.exposed.span().start, what)
            .hint("what appears after a look may be overdue at the next; agents look every hour");
    }
}
