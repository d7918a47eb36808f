//! What `check` proves of a policy, and the cases it shows where it cannot.
#![allow(clippy::expect_used, reason = "tests")]

use plimsoll_policy::{Checked, Known, PRESETS, PROFILES, Problem, check};

const KNOWN: Known<'static> = Known {
    feeds: &["debian_tracker", "osv", "cve", "kev", "epss"],
    roles: &["auditor", "employee", "developer", "operator", "security-lead", "approver", "administrator"],
    approvers: &["approver", "security-lead"],
    frameworks: &[
        "soc2",
        "iso-27001-2022",
        "iso-27001-2013",
        "hipaa",
        "pci-dss-4",
        "nist-800-171-r2",
        "cmmc-2",
        "nist-800-53-r5",
        "nist-800-40-r4",
    ],
};

fn checked(text: &str) -> Checked {
    check(text, KNOWN)
}

fn told(checked: &Checked) -> String {
    let line = |line: Option<usize>| line.map_or("-".to_owned(), |line| line.to_string());
    let each = |problem: &Problem| {
        let kind = if problem.is_error { "error" } else { "warning" };
        format!("{} {kind} {}: {} [{}]\n", line(problem.line), problem.code, problem.what, problem.example)
    };
    checked.problems.iter().map(each).collect()
}

#[test]
fn every_profile_passes() {
    for profile in PROFILES {
        let checked = checked(&profile.policy().expect("it is written"));
        assert_eq!(told(&checked), "", "{}", profile.id);
        assert!(!checked.has_errors() && checked.proven.len() >= 5, "{}: {:?}", profile.id, checked.proven);
        assert!(!profile.title().expect("a title").is_empty());
    }
}

#[test]
fn every_preset_is_a_table_that_passes() {
    for preset in PRESETS {
        let checked = checked(preset.text);
        assert!(!checked.has_errors(), "{}: {}", preset.id, told(&checked));
        assert!(
            checked.proven.iter().any(|proven| proven.contains("exactly one")),
            "{}: {:?}",
            preset.id,
            checked.proven
        );
    }
}

/// The profile with one thing said otherwise.
fn broken(from: &str, to: &str) -> Checked {
    let text = PROFILES[0].policy().expect("it is written");
    assert_eq!(text.matches(from).count(), 1, "`{from}` stands there once");
    checked(&text.replace(from, to))
}

/// What is changed, to what, the code, the line that is named, and words of the sentence or the case.
const BROKEN: &[(&str, &str, &str, &str, &str)] = &[
    ("due = \"60 days\"", "due = \"20 days\"", "policy/loosens", "id = \"critical\"", "CVSS 9 → `critical`, 30 days"),
    ("cvss-at-least = 7.0", "cvss-at-least = 9.5", "policy/unreachable", "id = \"high\"", "`critical` before it"),
    (
        "due = \"30 days\"",
        "due = \"3 days\"",
        "policy/no-time",
        "id = \"critical\"",
        "testing, notice and rings take 4 days",
    ),
    (
        "due = \"30 days\"",
        "due = \"9 days\"",
        "policy/windows-too-rare",
        "id = \"critical\"",
        "up to 7 days between them",
    ),
    ("rule = \"FREQ=WEEKLY;BYDAY=SU\"", "rule = \"FREQ=HOURLY\"", "policy/window", "FREQ=WEEKLY", "too often"),
    ("rule = \"FREQ=WEEKLY;BYDAY=SU\"", "rule = \"every sunday\"", "policy/window", "FREQ=WEEKLY", "no rule"),
    (
        "rule = \"FREQ=WEEKLY;BYDAY=SU\"",
        "rule = \"FREQ=WEEKLY;COUNT=1\"",
        "policy/window",
        "FREQ=WEEKLY",
        "does not open again",
    ),
    (
        "rule = \"FREQ=WEEKLY;BYDAY=SU\"",
        "rule = \"FREQ=MONTHLY;BYDAY=1SU\"",
        "policy/windows-too-rare",
        "id = \"critical\"",
        "up to 35 days",
    ),
    (
        "starts = \"2026-01-04T02:00:00\"",
        "starts = \"2026-02-30T02:00:00\"",
        "policy/window",
        "2026-01-04",
        "no date and time",
    ),
    (
        "holds = [\"approver\"]\npeople = 2",
        "holds = [\"operator\"]\npeople = 2",
        "policy/may-not",
        "approved-by = [\"executive\"]",
        "holds no role that may",
    ),
    ("holds = [\"approver\"]", "holds = [\"king\"]", "policy/unknown-role", "holds = [\"approver\"]", "`king`"),
    (
        "escalates-to = \"executive\"",
        "escalates-to = \"operations\"",
        "policy/endless",
        "id = \"operations\"",
        "operations → policy-owner → operations",
    ),
    (
        "escalates-after = \"8 hours\"",
        "",
        "policy/no-time",
        "escalates-to = \"policy-owner\"",
        "without saying after how long",
    ),
    (
        "owner = \"policy-owner\"",
        "owner = \"nobody\"",
        "policy/unknown-role",
        "owner = \"policy-owner\"",
        "`nobody`, who owns the policy",
    ),
    (
        "within = \"72 hours\"\nskips",
        "within = \"1 week\"\nskips",
        "policy/contradiction",
        "within = \"72 hours\"",
        "gives 72 hours",
    ),
    (
        "skips = [\"tests\", \"soak\", \"notice\"]",
        "skips = [\"rollback-plan\"]",
        "policy/contradiction",
        "change = \"emergency\"",
        "its gate needs it",
    ),
    (
        "classes = [\"emergency\"]",
        "classes = [\"urgent\"]",
        "policy/unknown-class",
        "classes = [\"emergency\"]",
        "`urgent`",
    ),
    (
        "exposed = \"7 days\"",
        "exposed = \"2 months\"",
        "policy/loosens",
        "exposed = \"7 days\"",
        "the rest every 1 month",
    ),
    ("sources = [\"debian_tracker\"", "sources = [\"debian\"", "policy/unknown-feed", "sources =", "`debian`"),
    ("longest = \"90 days\"", "longest = \"20 days\"", "policy/contradiction", "review = \"30 days\"", "after 30 days"),
    ("remind = \"7 days\"", "remind = \"14 days\"", "policy/contradiction", "remind = ", "14 days"),
    ("step = \"escalation\"", "step = \"training\"", "policy/loosens", "from = 3", "milder"),
    ("from = 1\n", "from = 2\n", "policy/left-out", "from = 1", "before the one numbered 2"),
    ("at-most = \"20 days\"", "at-least = 90", "policy/no-target", "of = \"time-to-patch\"", "length of time"),
    (
        "of = \"scan-coverage\"\nat-least = 99",
        "of = \"scan-coverage\"\nat-least = 101",
        "policy/share",
        "at-least = 99",
        "101",
    ),
    ("share = 5", "share = 0", "policy/share", "share = 5", "`canary`"),
    ("id = \"wide\"", "id = \"wide\"\nshare = 50", "policy/left-out", "id = \"wide\"", "50 percent"),
    (
        "environment = [\"endpoint\"]",
        "environment = [\"Production\"]",
        "policy/unreachable",
        "[[scope.rule]]",
        "`production serves customers` before it",
    ),
    ("tag = [\"isolated\"]", "", "policy/empty-rule", "[[scope.rule]]", "asks for nothing"),
    ("frameworks = [\"soc2\"", "frameworks = [\"soc3\"", "policy/unknown-framework", "frameworks =", "`soc3`"),
    ("term = \"patch\"", "term = \"Finding\"", "policy/twice", "term = \"finding\"", "definitions"),
    ("rollback-plan = true", "rollback-plan = false", "policy/empty-need", "change = \"standard\"", "not asked for"),
];

#[test]
fn what_is_broken_is_named_with_its_line() {
    let text = PROFILES[0].policy().expect("it is written");
    for (from, to, code, place, words) in BROKEN {
        let found = broken(from, to);
        let mut all = found.problems.iter().filter(|problem| problem.code == *code && problem.is_error);
        let said = |problem: &&Problem| format!("{} {}", problem.what, problem.example).contains(words);
        let problem = all.find(said).unwrap_or_else(|| panic!("`{from}` → `{to}`: {}", told(&found)));
        let named = problem.line.expect("a line");
        // A table stands on the line of its head, one above what it is known by.
        let is_near = |line: usize| text.lines().skip(line.saturating_sub(2)).take(3).any(|line| line.contains(place));
        assert!(is_near(named), "`{to}`: line {named} is not that of `{place}`");
    }
}

#[test]
fn duties_are_kept_apart_even_where_each_role_has_as_few_people_as_it_must() {
    let text = PROFILES[0].policy().expect("it is written");
    let one = text.replace("people = 2", "people = 1").replace(
        "requested-by = [\"operations\"]\napproved-by = [\"executive\"]",
        "requested-by = [\"executive\"]\napproved-by = [\"executive\"]",
    );
    assert_ne!(one, text);
    let found = checked(&one);
    let problem = found.problems.iter().find(|problem| problem.code == "policy/own-approval").expect("it is found");
    assert!(problem.example.contains("the only `executive` asks for an emergency change"), "{problem:?}");
}

#[test]
fn every_section_that_is_missing_is_named() {
    let text = PROFILES[0].policy().expect("it is written");
    for (section, words) in
        [("[vendors]\nattest = \"12 months\"\nnotify = \"3 days\"\n", "`[vendors]`"), ("[review]\n", "")]
    {
        let without = text.replace(section, "");
        let found = checked(&without);
        if words.is_empty() {
            assert_eq!(
                found.problems.first().map(|problem| problem.code),
                Some("policy/unreadable"),
                "keys of no section"
            );
        } else {
            let missing = found.problems.iter().find(|problem| problem.code == "policy/missing-section");
            assert!(
                missing.is_some_and(|problem| problem.what.contains(words) && problem.line.is_none()),
                "{}",
                told(&found)
            );
        }
    }
}

#[test]
fn a_freeze_leaves_room_for_emergencies_and_for_deadlines() {
    let text = PROFILES[0].policy().expect("it is written");
    let with = |freeze: &str| checked(&format!("{text}\n[[freeze]]\nreason = \"year end\"\n{freeze}\n"));
    let found = with("from = \"2026-12-18\"\nuntil = \"2027-01-01\"\nexcept = [\"emergency\"]");
    assert_eq!(told(&found), "", "two Sundays fall away, and thirty days are enough");
    let found = with("from = \"2026-12-01\"\nuntil = \"2027-01-03\"\nexcept = [\"emergency\"]");
    assert!(
        told(&found).contains(
            "no window opens between 2026-11-29 and 2027-01-10, for everything is frozen meanwhile (year end)"
        ),
        "{}",
        told(&found)
    );
    let found = with("from = \"2026-12-18\"\nuntil = \"2027-01-03\"");
    assert!(told(&found).contains("policy/freeze"), "{}", told(&found));
    let found = with("from = \"2027-01-03\"\nuntil = \"2026-12-18\"");
    assert!(told(&found).contains("before it begins"), "{}", told(&found));
    let found = with("from = \"2026-02-30\"\nuntil = \"2026-12-18\"");
    assert!(told(&found).contains("`2026-02-30` is no day"), "{}", told(&found));
}

#[test]
fn a_window_follows_the_clocks_of_its_zone() {
    let text = PROFILES[0].policy().expect("it is written");
    let text = text.replace("time-zone = \"UTC\"", "time-zone = \"Europe/Berlin\"");
    let policy = checked(&text.replace("T02:00:00\"", "T02:30:00\"")).policy.expect("it reads");
    let window = &policy.promises.windows[0];
    let at = |text: &str| text.parse::<jiff::Timestamp>().expect("an instant");
    let opens = |from: &str, until: &str| window.openings_between("Europe/Berlin", (at(from), at(until)));
    // On 2026-03-29 clocks go from two to three: half past two opens at half past three, which is 01:30 in UTC.
    assert_eq!(opens("2026-03-29T01:30:00Z", "2026-03-29T01:30:01Z"), Some(1));
    // On 2026-10-25 half past two comes twice: the first one counts, 00:30 in UTC.
    assert_eq!(opens("2026-10-25T00:30:00Z", "2026-10-25T00:30:01Z"), Some(1));
    assert_eq!(opens("2026-10-25T00:30:01Z", "2026-10-31T00:00:00Z"), Some(0));
    assert_eq!(opens("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), Some(52));
}

#[test]
fn a_policy_that_cannot_be_read_names_the_line() {
    let text = PROFILES[0].policy().expect("it is written");
    for (from, to, words) in [
        ("soak = \"2 days\"", "soak = \"two days\"", "`two days` is no length of time"),
        ("soak = \"2 days\"", "soak = \"2 days\"\nsoke = \"2 days\"", "soke"),
        ("due = \"72 hours\"", "due = \"soon\"", "`soon` is no deadline"),
        ("kind = \"scans\"", "kind = \"gossip\"", "gossip"),
        ("of = \"scan-coverage\"", "of = \"happiness\"", "happiness"),
        ("time-zone = \"UTC\"", "time-zone = \"Mars/Olympus\"", "`Mars/Olympus` is no time zone"),
        (
            "keep = \"3 years\"\n\n[[record]]\nkind = \"scans\"",
            "keep = \"3000 years\"\n\n[[record]]\nkind = \"scans\"",
            "3000 years",
        ),
    ] {
        let found = broken(from, to);
        let problem = found.problems.first().expect("a problem");
        let at = text.find(from).expect("it is there");
        let near = text[..at].matches('\n').count() + 1;
        assert_eq!(problem.code, "policy/unreadable", "{to}");
        assert!(problem.what.contains(words), "{to}: {}", problem.what);
        assert!(problem.line.expect("a line").abs_diff(near) <= 1, "{to}: {:?}, {near}", problem.line);
        assert!(found.policy.is_none());
    }
}
