//! Which sections a policy document must have: a promise that is not written is none.

use super::Checking;
use crate::template::{Unfilled, Written};

pub(super) fn check(checking: &mut Checking<'_>) {
    let promises = &checking.policy.promises;
    if promises.is_empty() {
        let what = "it is a table of deadlines alone: it has no sections, and is no policy document";
        let at = checking.policy.classes.first().map_or(0, |class| class.place);
        checking
            .problems
            .warning("policy/table-alone", at, what.to_owned())
            .hint("`plimsoll policy init` writes one with every section");
        return;
    }
    let sections = [
        ("[scope]", promises.scope.is_some(), "which assets it covers"),
        ("[[definition]]", !promises.definitions.is_empty(), "what its words mean"),
        ("[[role]]", !promises.roles.is_empty(), "who answers for what"),
        ("[scanning]", promises.scanning.is_some(), "how often vulnerabilities are looked for"),
        ("[testing]", promises.testing.is_some(), "how patches are tested"),
        ("[[gate]]", !promises.gates.is_empty(), "what must be true before a change moves on"),
        ("[deployment]", promises.deployment.is_some(), "how patches are deployed"),
        ("[emergency]", promises.emergency.is_some(), "what happens when it cannot wait"),
        ("[[record]]", !promises.records.is_empty(), "what is kept, and how long"),
        ("[[measure]]", !promises.measures.is_empty(), "what is measured"),
        ("[alerts]", promises.alerts.is_some(), "who is told of what"),
        ("[[response]]", !promises.responses.is_empty(), "what follows from violations"),
        ("[review]", promises.review.is_some(), "when it is looked at again"),
        ("[exceptions]", promises.exceptions.is_some(), "how its deadlines may be departed from"),
        ("[vendors]", promises.vendors.is_some(), "what vendors owe"),
        ("[[training]]", !promises.training.is_empty(), "what people learn"),
        ("[acknowledgement]", promises.acknowledgement.is_some(), "that people have read it"),
    ];
    let missing: Vec<_> = sections.iter().filter(|(_, is_there, _)| !is_there).collect();
    if missing.is_empty() {
        checking.proven.push(format!("all {} sections are written", sections.len()));
    }
    prose(checking);
    untold(checking, sections.iter().filter(|(_, is_there, _)| *is_there).map(|(name, ..)| *name));
    for (name, _, says) in missing {
        let what = format!("the section `{name}` is missing: it says {says}");
        checking.problems.missing("policy/missing-section", what);
    }
}

/// What is stated and no prose tells of is in no document that people read, and owed all the same.
fn untold<'s>(checking: &mut Checking<'_>, stated: impl Iterator<Item = &'s str>) {
    if checking.policy.text.is_empty() {
        let what = "it has no prose: its documents hold nothing of what it states, and it is owed all the same";
        let problem = checking.problems.warning("policy/untold", 0, what.to_owned());
        problem.hint("`plimsoll policy init` writes the prose of every section beside the policy");
        return;
    }
    let prose = checking.policy.text.values().flat_map(|text| text.split("{{").skip(1));
    let named: Vec<&str> = prose.filter_map(|rest| rest.split("}}").next()).map(str::trim).collect();
    let is_told = |section: &str| {
        named.iter().any(|name| match name.strip_prefix("table ") {
            // A table is called as its section, or as many of its entries.
            Some(table) => table.trim().trim_end_matches('s') == section.trim_end_matches('s'),
            None => name.split('.').next() == Some(section),
        })
    };
    let untold: Vec<&str> = stated.filter(|name| !is_told(name.trim_matches(['[', ']']))).collect();
    for name in untold {
        let what = format!("no prose tells of `{name}`: no document holds it, and it is owed all the same");
        checking.problems.warning("policy/untold", 0, what);
    }
}

/// Every figure that the prose names is one that the policy states.
fn prose(checking: &mut Checking<'_>) {
    let Ok(written) = Written::of(checking.policy, checking.problems.text) else { return };
    let before = checking.problems.found.len();
    for (name, text) in &checking.policy.text {
        for Unfilled { line, what } in written.fill(text).err().unwrap_or_default() {
            checking
                .problems
                .missing("policy/unfilled", format!("the prose of `{}`, line {line}: {what}", name.escape_debug()));
        }
    }
    if !checking.policy.text.is_empty() && checking.problems.found.len() == before {
        checking.proven.push(format!(
            "the prose of {} sections names nothing that the policy does not state",
            checking.policy.text.len()
        ));
    }
}
