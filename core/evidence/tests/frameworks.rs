//! Frameworks: each can be read, its identifiers are the published ones, and a policy that says less than it asks is told so.
#![allow(clippy::expect_used, reason = "tests")]

use plimsoll_evidence::{FRAMEWORKS, Framework, framework, unmet};
use policy::{PROFILES, Policy};
use std::collections::{BTreeMap, BTreeSet};

fn read(id: &str) -> Framework {
    framework(id).expect("there is one").expect("it reads")
}

#[test]
fn every_framework_reads_and_says_each_clause_once() {
    for (id, _) in FRAMEWORKS {
        let framework = read(id);
        let ids: BTreeSet<&str> = framework.clause.iter().map(|clause| clause.id.as_str()).collect();
        assert_eq!(ids.len(), framework.clause.len(), "{id}");
        assert!(framework.clause.iter().all(|clause| !clause.says.is_empty() && !clause.served_by.is_empty()), "{id}");
    }
    assert!(framework("soc3").is_none());
}

#[test]
fn every_framework_is_in_a_file_of_its_id() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/frameworks");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    let listed: BTreeSet<String> = FRAMEWORKS.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(files, listed);
}

#[test]
fn identifiers_are_the_published_ones() {
    let Some(table) = testkit::reference::text("frameworks/requirement-ids.tsv") else { return };
    let published = [
        ("soc2", "soc2_2017_with_rev_2022"),
        ("iso-27001-2022", "iso27001-2022"),
        ("hipaa", "nist-sp-800-66-rev2"),
        ("pci-dss-4", "pcidss-4_0"),
        ("nist-800-171-r2", "nist-800-171-rev2"),
        ("cmmc-2", "cmmc-2.0"),
    ];
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in table.lines() {
        let mut cells = line.split('\t');
        if let (Some(framework), Some(id)) = (cells.next(), cells.next()) {
            known.entry(framework).or_default().insert(id);
        }
    }
    for (id, name) in published {
        let known = known.get(name).expect("the framework is in the table");
        for clause in read(id).clause {
            assert!(known.contains(clause.id.as_str()), "{id} {}", clause.id);
        }
    }
}

/// What a profile lacks once one thing is said otherwise: code, line and words.
fn lacking(profile: &str, from: &str, to: &str) -> Vec<String> {
    let profile = PROFILES.iter().find(|one| one.id == profile).expect("a profile");
    let text = profile.policy().expect("it is written");
    assert!(from.is_empty() || text.contains(from), "`{from}` stands there");
    let text = if from.is_empty() { text } else { text.replace(from, to) };
    let policy = Policy::parse(&text).expect("it reads");
    let line = |line: Option<usize>| line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default().to_owned();
    let problems = unmet(&policy, &text).expect("the frameworks read");
    problems
        .into_iter()
        .map(|one| format!("{} [{}] {} ({})", one.code, line(one.line), one.what, one.example))
        .collect()
}

#[test]
fn every_profile_meets_the_frameworks_that_it_names() {
    for profile in PROFILES {
        assert_eq!(lacking(profile.id, "", ""), [""; 0], "{}", profile.id);
    }
}

#[test]
fn what_says_less_than_a_clause_asks_is_named_with_both() {
    let rows = [
        (
            "finance",
            "due = \"30 days\"",
            "due = \"45 days\"",
            "class `critical` gives 45 days, and PCI DSS 4.0.1 6.3.3 asks for 1 month at most from CVSS 9 on",
        ),
        (
            "finance",
            "internal = \"1 month\"",
            "internal = \"4 months\"",
            "internal assets are looked at every 4 months, and PCI DSS 4.0.1 11.3.1 asks for 3 months at most",
        ),
        (
            "finance",
            "keep = \"7 years\"",
            "keep = \"6 months\"",
            "this record is kept for 6 months, and PCI DSS 4.0.1 10.5.1 asks for 12 months at least",
        ),
        (
            "healthcare",
            "keep = \"6 years\"",
            "keep = \"5 years\"",
            "this record is kept for 5 years, and HIPAA Security Rule (45 CFR 164) 164.316(b) asks for 6 years at least",
        ),
        (
            "finance",
            "owner = \"policy-owner\"\nevery = \"12 months\"",
            "owner = \"policy-owner\"\nevery = \"2 years\"",
            "the policy is reviewed every 2 years, and PCI DSS 4.0.1 12.1.2 asks for 12 months at most",
        ),
        (
            "finance",
            "attest = \"12 months\"",
            "attest = \"24 months\"",
            "vendors attest every 24 months, and PCI DSS 4.0.1 12.8.4 asks for 12 months at most",
        ),
        (
            "finance",
            "within = \"60 days\"\nevery = \"12 months\"",
            "within = \"60 days\"\nevery = \"18 months\"",
            "the training `secure-dependencies` is done again every 18 months, and PCI DSS 4.0.1 12.6.3 asks for 12 months at most",
        ),
        (
            "saas",
            "[vendors]\nattest = \"12 months\"\nnotify = \"3 days\"",
            "",
            "SOC 2 (2017, points of focus 2022) CC9.2 asks that risks that come from vendors are managed, and the policy has no section for it: vendors",
        ),
    ];
    for (profile, from, to, words) in rows {
        let found = lacking(profile, from, to);
        assert!(found.iter().any(|one| one.contains(words)), "{to}: {found:#?}");
        let place = to.lines().last().unwrap_or_default();
        let names_line = |one: &String| {
            one.contains(words)
                && (to.is_empty() || one.contains(&format!("[{place}]")) || one.contains("[id = \"critical\"]"))
        };
        assert!(found.iter().any(names_line), "{to}: {found:#?}");
    }
}

#[test]
fn a_case_shows_the_deadline_that_is_too_long() {
    let found = lacking("finance", "due = \"30 days\"", "due = \"45 days\"");
    assert!(found.iter().any(|one| one.ends_with("(not listed as exploited, CVSS 9)")), "{found:#?}");
}
