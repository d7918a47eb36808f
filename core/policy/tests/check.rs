//! What `check` proves of a policy, and the cases it shows where it cannot.
#![allow(clippy::expect_used, reason = "tests")]

use plimsoll_policy::{Checked, EDITIONS, Known, PRESETS, PROFILES, Policy, Problem, Written, assemble, check};

fn known() -> Known<'static> {
    Known {
        feeds: &["debian_tracker", "osv", "cve", "kev", "epss"],
        roles: &["auditor", "employee", "developer", "operator", "security-lead", "approver", "administrator"],
        approvers: &["approver", "security-lead"],
        askers: &["developer", "operator", "security-lead"],
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
        now: "2026-11-30T00:00:00Z".parse().expect("an instant"),
    }
}

fn checked(text: &str) -> Checked {
    check(text, known())
}

/// What is told, but for prose that is not there: most cases have none.
fn told(checked: &Checked) -> String {
    let line = |line: Option<usize>| line.map_or("-".to_owned(), |line| line.to_string());
    let each = |problem: &Problem| {
        let kind = if problem.is_error { "error" } else { "warning" };
        format!("{} {kind} {}: {} [{}]\n", line(problem.line), problem.code, problem.what, problem.example)
    };
    checked.problems.iter().filter(|problem| problem.code != "policy/untold").map(each).collect()
}

/// What is stated and no prose tells of.
fn untold(checked: &Checked) -> Vec<&str> {
    let untold = checked.problems.iter().filter(|problem| problem.code == "policy/untold");
    untold.map(|problem| problem.what.as_str()).collect()
}

/// A policy whose prose was taken away passed, and its document held nothing of what was owed.
#[test]
fn what_no_prose_tells_of_is_told() {
    for profile in PROFILES {
        assert_eq!(untold(&checked(&profile.whole().expect("it is written"))), [""; 0], "{}", profile.id);
    }
    let text = PROFILES[0].policy().expect("it is written");
    let found = checked(&text);
    assert!(!found.has_errors() && untold(&found).len() == 1 && untold(&found)[0].contains("it has no prose"));
    let whole = PROFILES[0].whole().expect("it is written");
    let policy = checked(&whole).policy.expect("it reads");
    let mut sections = policy.text.clone();
    sections.retain(|name, _| !name.starts_with("13"));
    let found = checked(&assemble(&text, &sections));
    let without = ["[[training]]", "[acknowledgement]"]
        .map(|name| format!("no prose tells of `{name}`: no document holds it, and it is owed all the same"));
    assert_eq!(untold(&found), without);
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
        "FREQ=WEEKLY",
        "through 3 rings, and class `critical` gives 9 days",
    ),
    ("rule = \"FREQ=WEEKLY;BYDAY=SU\"", "rule = \"FREQ=HOURLY\"", "policy/window", "FREQ=WEEKLY", "too often"),
    ("rule = \"FREQ=WEEKLY;BYDAY=SU\"", "rule = \"every sunday\"", "policy/window", "FREQ=WEEKLY", "no rule"),
    (
        "rule = \"FREQ=WEEKLY;BYDAY=SU\"",
        "rule = \"FREQ=WEEKLY;COUNT=300\"",
        "policy/window",
        "FREQ=WEEKLY",
        "leave COUNT and UNTIL away",
    ),
    (
        "rule = \"FREQ=WEEKLY;BYDAY=SU\"",
        "rule = \"FREQ=WEEKLY;UNTIL=20300101T000000Z\"",
        "policy/window",
        "FREQ=WEEKLY",
        "leave COUNT and UNTIL away",
    ),
    (
        "rule = \"FREQ=WEEKLY;BYDAY=SU\"",
        "rule = \"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\"",
        "policy/window",
        "FREQ=WEEKLY",
        "does not open again",
    ),
    ("due = \"60 days\"", "due = \"10 business days\"", "policy/loosens", "id = \"critical\"", "10 business days"),
    ("due = \"30 days\"", "due = \"4 business days\"", "policy/windows-too-rare", "FREQ=WEEKLY", "4 business days"),
    (
        "rule = \"FREQ=WEEKLY;BYDAY=SU\"",
        "rule = \"FREQ=MONTHLY;BYDAY=1SU\"",
        "policy/windows-too-rare",
        "FREQ=WEEKLY",
        "through 3 rings, and class `critical` gives 30 days",
    ),
    (
        "starts = \"2020-01-05T02:00:00\"",
        "starts = \"2026-02-30T02:00:00\"",
        "policy/window",
        "2020-01-05",
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
    (
        "longest = \"90 days\"",
        "longest = \"100 years\"",
        "policy/absurd",
        "longest =",
        "`exceptions.longest` is 100 years",
    ),
    ("feed-stale = \"2 days\"", "feed-stale = \"100 years\"", "policy/absurd", "feed-stale", "beyond 92 days"),
    (
        "within = \"7 days\"\nmost",
        "within = \"2 years\"\nmost",
        "policy/absurd",
        "within =",
        "`deployment.reboot.within`",
    ),
    ("notify = \"3 days\"", "notify = \"50 years\"", "policy/absurd", "attest =", "`vendors.notify`"),
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
    let found = with("from = \"2026-12-26\"\nuntil = \"2026-12-28\"\nexcept = [\"emergency\"]");
    assert_eq!(told(&found), "", "one Sunday falls away, and thirty days are enough for three rings");
    let found = with("from = \"2026-12-01\"\nuntil = \"2027-01-03\"\nexcept = [\"emergency\"]");
    assert!(
        told(&found).contains(
            "policy/windows-too-rare: windows and freezes let a patch for assets of any other environment take up to"
        ),
        "{}",
        told(&found)
    );
    let found = with("from = \"2026-12-18\"\nuntil = \"2027-01-03\"");
    assert!(told(&found).contains("policy/freeze"), "{}", told(&found));
    // Two freezes that touch are one.
    let two = "from = \"2026-12-18\"\nuntil = \"2026-12-19\"\n\n[[freeze]]\nreason = \"more\"\nfrom = \"2026-12-20\"\nuntil = \"2026-12-21\"";
    assert!(told(&with(two)).contains("a freeze of 4 days stops emergency changes too"), "{}", told(&with(two)));
    // Where no window says when, a freeze still leaves no time.
    let window = text.find("[[window]]").zip(text.find("# 7.")).map(|(from, until)| text[from..until].to_owned());
    let open = text.replace(&window.expect("a window"), "");
    let long = checked(&format!(
        "{open}\n[[freeze]]\nreason = \"move\"\nfrom = \"2027-06-01\"\nuntil = \"2027-07-15\"\nexcept = [\"emergency\"]\n"
    ));
    assert!(told(&long).contains("policy/windows-too-rare"), "{}", told(&long));
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

#[test]
fn a_second_window_never_takes_anything_away() {
    let text = PROFILES[0].policy().expect("it is written");
    let daily = "\n[[window]]\nid = \"nightly\"\nstarts = \"2026-01-01T22:00:00\"\nrule = \"FREQ=DAILY\"\nlasts = \"2 hours\"\n";
    assert_eq!(told(&checked(&format!("{text}{daily}"))), "");
    let of_one = daily.replace("lasts", "environment = [\"Staging\"]\nlasts");
    assert_eq!(told(&checked(&format!("{text}{of_one}"))), "");
}

#[test]
fn what_lies_behind_does_not_count_and_what_lies_too_far_ahead_is_not_proven() {
    let text = PROFILES[0].policy().expect("it is written");
    let freeze = |from: &str, until: &str| {
        let freeze =
            format!("[[freeze]]\nreason = \"x\"\nfrom = \"{from}\"\nuntil = \"{until}\"\nexcept = [\"emergency\"]");
        told(&checked(&format!("{text}\n{freeze}\n")))
    };
    assert_eq!(freeze("2025-06-01", "2025-09-01"), "");
    assert!(freeze("2026-01-01", "9999-12-31").contains("a freeze ends more than 5 years from now"));
    let starts = |day: &str| told(&checked(&text.replace("2020-01-05T", &format!("{day}T"))));
    assert_eq!(starts("1990-01-07"), "", "a window that has long been open");
    assert!(starts("2190-01-04").contains("does not open again"), "one that nobody will see");
    assert!(starts("1989-01-01").contains("none of ours"));
}

#[test]
fn more_than_can_be_proven_while_somebody_waits_is_said_to_be() {
    let text = PROFILES[0].policy().expect("it is written");
    let many =
        |count: usize, one: &dyn Fn(usize) -> String| format!("{text}\n{}", (0..count).map(one).collect::<String>());
    for (text, words) in [
        (
            many(201, &|number| format!("[[role]]\nid = \"r{number}\"\ntitle = \"x\"\n")),
            "roles are more than can be proven",
        ),
        (
            many(300, &|number| {
                format!("[[scope.rule]]\ncovered = \"patched\"\nreason = \"x\"\ntag = [\"t{number}\"]\n")
            }),
            "rules of the scope",
        ),
        (
            many(65, &|number| {
                format!(
                    "[[window]]\nid = \"w{number}\"\nstarts = \"2026-01-01T00:00:00\"\nrule = \"FREQ=DAILY\"\nlasts = \"1 hour\"\n"
                )
            }),
            "windows are more",
        ),
    ] {
        let found = checked(&text);
        let is_said =
            found.problems.iter().any(|problem| problem.code == "policy/too-large" && problem.what.contains(words));
        assert!(is_said && found.has_errors(), "{}", told(&found));
    }
}

#[test]
fn a_word_beside_a_scale_takes_nothing_from_the_proof() {
    let class = |id: &str, words: &str, due: &str| {
        let when = if words.is_empty() { String::new() } else { format!("when = {{ criticality = {words} }}\n") };
        format!("[[class]]\nid = \"{id}\"\ntitle = \"x\"\ndue = \"{due}\"\nclock = [\"listed\"]\n{when}")
    };
    let table = |words: &str| {
        let classes =
            [class("x", "[\"critical\"]", "60 days"), class("y", words, "30 days"), class("z", "", "90 days")];
        told(&checked(&format!("name = \"x\"\n{}", classes.concat())))
    };
    assert!(table("[\"low\"]").contains("class `x` gives 60 days"));
    assert!(
        table("[\"low\", \"crown-jewel\"]").contains("class `x` gives 60 days"),
        "{}",
        table("[\"low\", \"crown-jewel\"]")
    );
}

#[test]
fn every_document_of_every_profile_can_be_written() {
    for profile in PROFILES {
        let text = profile.whole().expect("it is written");
        let found = checked(&text);
        assert_eq!(told(&found), "", "{}", profile.id);
        assert!(found.proven.iter().any(|proven| proven.contains("the prose of 13 sections")), "{:?}", found.proven);
        let policy = found.policy.expect("it reads");
        let written = Written::of(&policy, &text).expect("it reads");
        for edition in EDITIONS {
            let document = written.document(edition.id).expect("there is one").expect("it is filled in");
            assert!(document.starts_with("# ") && !document.contains("{{"), "{}", edition.id);
        }
        let whole = written.document("whole").expect("there is one").expect("it is filled in");
        assert!(whole.contains("## The vulnerability process") && whole.contains("least every 7 days"), "{whole}");
    }
}

#[test]
fn what_prose_names_and_no_policy_states_is_told_with_its_line() {
    let text = PROFILES[0].policy().expect("it is written");
    let with = |prose: &str| {
        let sections = [("04-x".to_owned(), prose.to_owned())].into_iter().collect();
        checked(&assemble(&text, &sections))
    };
    for (prose, words) in [
        ("# X\n\nevery {{ scanning.exposd }}", "line 3: the policy says nothing that is called `scanning.exposd`"),
        ("{{ table clases }}", "line 1: no table is called `clases`"),
        ("a\nb {{ scanning.exposed", "line 2: `{{` is not closed"),
    ] {
        let found = with(prose);
        assert!(told(&found).contains(words), "{prose}: {}", told(&found));
        assert!(found.has_errors());
    }
    assert_eq!(told(&with("{{ scanning.exposed }} {{ table classes }} {{table rings}}")), "");
}

#[test]
fn what_is_filled_in_is_text_and_never_markup() {
    let hostile = "<script>alert(1)</script> [x](javascript:alert(1)) | `a` {{ name }} *b*";
    let text = PROFILES[0].policy().expect("it is written").replace("Operations engineer", hostile);
    let sections =
        [("a".to_owned(), "# A\n\n{{ role.operations.title }}\n\n{{ table roles }}".to_owned())].into_iter().collect();
    let text = assemble(&text, &sections);
    let policy = checked(&text).policy.expect("it reads");
    let whole = Written::of(&policy, &text).expect("it reads").document("whole").expect("one").expect("filled in");
    // Without what a backslash makes text of, no sign is left that could mean anything.
    let mut rest = whole.split('\\');
    let first = rest.next().unwrap_or_default().to_owned();
    let bare = rest.fold(first, |bare, part| bare + part.get(1..).unwrap_or_default());
    for sign in ["<", "](", "`", "*", "{{"] {
        assert!(!bare.contains(sign), "{sign}: {bare}");
    }
}

#[test]
fn a_slip_of_the_pen_is_told_what_was_meant() {
    for (from, to, hint) in [
        ("owner = \"policy-owner\"", "owner = \"policy-owmer\"", "did you mean `policy-owner`?"),
        ("classes = [\"emergency\"]", "classes = [\"emergancy\"]", "did you mean `emergency`?"),
        ("sources = [\"debian_tracker\"", "sources = [\"debian-traker\"", "did you mean `debian_tracker`?"),
        ("owner = \"policy-owner\"", "owner = \"nobody\"", "there are policy-owner, executive"),
        ("failure-threshold = 5", "failure-threshhold = 5", "did you mean `failure-threshold`?"),
        ("step = \"process-review\"", "step = \"proces-review\"", "did you mean `process-review`?"),
        ("environments = [\"staging\"]", "environments = [\"mars\"]", "names environments of `[testing]`"),
    ] {
        let found = broken(from, to);
        assert!(found.problems.iter().any(|problem| problem.hint.contains(hint)), "{to}: {:?}", found.problems);
    }
}

#[test]
fn nothing_is_proven_of_room_where_there_is_nothing_to_leave_it_in_and_long_deadlines_are_walked_too() {
    let text = PROFILES[0].policy().expect("it is written");
    let proves = |found: &Checked, words: &str| found.proven.iter().any(|proven| proven.contains(words));
    let whole = checked(&text);
    assert!(proves(&whole, "emergencies aside"), "{:?}", whole.proven);
    let all = "classes = [\"emergency\", \"critical\", \"high\", \"medium\", \"low\"]";
    let none = checked(&text.replace("classes = [\"emergency\"]", all));
    assert!(!proves(&none, "leave room within") && !proves(&none, "a normal change waits"), "{:?}", none.proven);
    // Two openings a year, and a year to get through three rings.
    let long =
        text.replace("due = \"30 days\"", "due = \"400 days\"").replace("due = \"60 days\"", "due = \"400 days\"");
    let seldom = checked(&long.replace("FREQ=WEEKLY;BYDAY=SU", "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=5"));
    assert!(told(&seldom).contains("policy/windows-too-rare"), "{} {:?}", told(&seldom), seldom.proven);
}

#[test]
fn hostile_prose_and_tables_end_soon() {
    let whole = PROFILES[0].whole().expect("a profile");
    for prose in ["{{".repeat(200_000), "{{ table classes }}".repeat(40_000), "{{ nothing }}\n".repeat(40_000)] {
        let text = whole.replace("{{ table freezes }}", &prose);
        assert_ne!(text, whole);
        let policy = plimsoll_policy::Policy::parse(&text).expect("a policy");
        let written = Written::of(&policy, &text).expect("readable");
        let wrong = written.document("whole").expect("there is one").expect_err("it cannot be filled in");
        assert!(wrong.len() <= 100, "{}", wrong.len());
    }
    let mut text = String::from("name = \"p\"\n");
    for class in 0..60 {
        let (cvss, epss) = (10.0 - f64::from(class) / 6.0, 1.0 - f64::from(class) / 60.0);
        let percentile = f64::from(class) / 60.0;
        text += &format!(
            "[[class]]\nid = \"c{class}\"\ntitle = \"c\"\ndue = \"{} days\"\nclock = [\"published\"]\nwhen = {{ cvss-at-least = {cvss:.2}, epss-at-least = {epss:.3}, epss-percentile-at-least = {percentile:.3} }}\n",
            class + 1
        );
    }
    text += "[[class]]\nid = \"rest\"\ntitle = \"rest\"\ndue = \"90 days\"\nclock = [\"published\"]\n";
    let found = checked(&text);
    assert!(found.problems.iter().any(|problem| problem.code == "policy/too-large"), "{:?}", found.problems.first());
}

#[test]
fn who_asks_for_exceptions_holds_a_role_that_may() {
    let whole = PROFILES[0].whole().expect("a profile");
    let text = whole.replace("holds = [\"operator\"]\n", "holds = [\"auditor\"]\n");
    let checked = check(&text, known());
    let told = checked.problems.iter().find(|problem| problem.what.contains("asks for exceptions"));
    assert!(told.is_some_and(|problem| problem.code == "policy/may-not" && problem.is_error), "{:?}", checked.problems);
}

#[test]
fn a_policy_without_prose_speaks_in_the_words_of_a_new_one() {
    let whole = PROFILES[0].whole().expect("a profile");
    let (bare, _) = whole.split_once("[text]").expect("its prose");
    let policy = Policy::parse(bare).expect("a policy");
    let written = Written::of(&policy, bare).expect("written").document("whole").expect("a document");
    let document = written.expect("it can be filled in");
    assert!(document.lines().count() > 100 && document.contains("72 hours"), "{document}");
    // What says nothing of a section gets no words for it.
    let baseline = PRESETS[0].text;
    let policy = Policy::parse(baseline).expect("a policy");
    let written = Written::of(&policy, baseline).expect("written").document("whole");
    let document = written.expect("a document").expect("it can be filled in");
    assert!(!document.contains("Training") && !document.contains("*None.*"), "{document}");
}

#[test]
fn what_a_policy_asks_stands_in_its_document() {
    for (profile, words) in [
        ("public-sector", "cap every deadline"),
        ("saas", "Patched without anybody's word | assets of criticality low"),
        ("saas", "Started again by one change, at the most | 2 times"),
        ("saas", "tells of a vulnerability of its own within 3 days"),
        ("saas", "may patch what its own team has"),
        ("saas", "Days are those of | UTC"),
        ("saas", "People are reminded 7 days before; who is told of those who have not: "),
    ] {
        let profile = PROFILES.iter().find(|known| known.id == profile).expect("a profile");
        let text = profile.whole().expect("it is written");
        let policy = Policy::parse(&text).expect("it reads");
        let written = Written::of(&policy, &text).expect("it reads");
        let document = written.document("whole").expect("it is known").expect("it can be written");
        assert!(document.contains(words), "{}: {words}", profile.id);
    }
}
