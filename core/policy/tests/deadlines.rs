//! Deadlines as they were worked out apart from this code: each row a class, its clock, a calendar, and the date.
#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "tests touch the world")]

use jiff::Timestamp;
use plimsoll_policy::{Deadline, Facts, Policy, derive, derive_without_words};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deadlines")
}

fn instant(text: &str) -> Option<Timestamp> {
    (text != "-").then(|| text.parse().expect("an instant"))
}

#[test]
fn every_row_falls_due_when_it_was_worked_out_to() {
    let table = std::fs::read_to_string(folder().join("deadlines.tsv")).expect("a table");
    let mut policies: BTreeMap<String, Policy> = BTreeMap::new();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in table.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, cvss, published, patch, listed, catalogue, seen, moved, class, due, why] = cells[..] else {
            panic!("eleven cells: {line}");
        };
        let policy = policies.entry(name.to_owned()).or_insert_with(|| {
            let text = std::fs::read_to_string(folder().join(format!("{name}.toml"))).expect("a policy");
            Policy::parse(&text).expect("it reads")
        });
        let facts = Facts {
            cvss: cvss.parse().ok(),
            published: instant(published),
            is_fix_available: patch != "-",
            patch_available: instant(patch),
            is_exploited: listed != "-",
            listed: instant(listed),
            catalogue_due: instant(catalogue),
            first_seen: instant(seen),
            moved_at: instant(moved),
            now: "2026-11-30T00:00:00Z".parse().expect("an instant"),
            ..Facts::default()
        };
        let found = derive(policy, &facts);
        assert_eq!(plain(derive_without_words(policy, &facts)), plain(found.clone()), "{line}");
        if (found.class.as_str(), found.due) != (class, instant(due)) {
            let found = found.due.map_or_else(|| "-".to_owned(), |due| due.to_string());
            wrong.push(format!("{name}, {why}: {found}, worked out {due} ({line})"));
        }
        count += 1;
    }
    assert!(count >= 150, "{count} rows");
    assert_eq!(wrong, [""; 0], "{} of {count}", wrong.len());
}

/// A deadline without the words on how it came about.
fn plain(mut deadline: Deadline) -> Deadline {
    deadline.also.clear();
    deadline.inputs.clear();
    deadline.steps.iter_mut().for_each(|step| step.started_by.clear());
    deadline
}
