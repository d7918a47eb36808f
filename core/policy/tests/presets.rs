//! Every preset reads; the tables give the deadlines of their sources, row by row.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::Timestamp;
use plimsoll_policy::{Asset, Exposure, Facts, PRESETS, Policy, derive, preset};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn facts() -> Facts {
    Facts { is_fix_available: true, first_seen: Some(at("2026-11-01T00:00:00Z")), ..Facts::default() }
}

fn policy(id: &str) -> Policy {
    preset(id).expect("there is one").expect("it reads")
}

#[test]
fn every_preset_reads_and_says_its_source() {
    for entry in PRESETS {
        let policy = policy(entry.id);
        assert!(!policy.source.is_empty() && policy.classes.len() >= 2, "{}", entry.id);
    }
}

#[test]
fn cisa_bod_26_04_is_the_published_table() {
    let policy = policy("cisa-bod-26-04");
    // exposed, in the catalogue, automatable, total impact → days; none is "on upgrade".
    let rows = [
        (false, false, false, false, None),
        (false, false, false, true, None),
        (false, false, true, false, Some(60)),
        (false, false, true, true, Some(60)),
        (false, true, false, false, Some(14)),
        (false, true, false, true, Some(14)),
        (false, true, true, false, Some(14)),
        (false, true, true, true, Some(3)),
        (true, false, false, false, Some(60)),
        (true, false, false, true, Some(14)),
        (true, false, true, false, Some(14)),
        (true, false, true, true, Some(3)),
        (true, true, false, false, Some(14)),
        (true, true, false, true, Some(3)),
        (true, true, true, false, Some(3)),
        (true, true, true, true, Some(3)),
    ];
    for (exposed, listed, automatable, total, days) in rows {
        let exposure = Some(if exposed { Exposure::Exposed } else { Exposure::Internal });
        let start = at("2026-11-01T00:00:00Z");
        let own = Facts {
            is_exploited: listed,
            listed: listed.then_some(start),
            automatable: Some(automatable),
            total_impact: Some(total),
            asset: Asset { exposure, ..Asset::default() },
            ..facts()
        };
        let deadline = derive(&policy, &own);
        let step = deadline.steps.last().expect("a step");
        let found = step.due.map(|due| due.duration_since(start).as_hours() / 24);
        assert_eq!(
            found, days,
            "exposed {exposed}, listed {listed}, automatable {automatable}, total {total}: class {}",
            deadline.class
        );
    }
}

#[test]
fn the_baseline_gives_72_hours_30_and_60_days_and_the_quarter() {
    let policy = policy("baseline");
    let patched = Facts { patch_available: Some(at("2026-10-01T12:00:00Z")), ..facts() };
    let due = |own: &Facts| derive(&policy, own).due.expect("a date").to_string();
    assert_eq!(due(&Facts { cvss: Some(9.8), ..patched.clone() }), "2026-10-31T23:59:59Z");
    assert_eq!(due(&Facts { cvss: Some(7.0), ..patched.clone() }), "2026-11-30T23:59:59Z");
    assert_eq!(due(&Facts { cvss: Some(5.0), ..patched.clone() }), "2026-12-31T23:59:59Z");
    let listed = Facts { cvss: Some(5.0), is_exploited: true, listed: Some(at("2026-11-10T00:00:00Z")), ..patched };
    assert_eq!(due(&listed), "2026-11-13T00:00:00Z");
}

#[test]
fn a_listing_never_moves_a_deadline_later() {
    let policy = policy("baseline");
    let own = Facts {
        cvss: Some(9.8),
        is_exploited: true,
        patch_available: Some(at("2026-01-01T00:00:00Z")),
        listed: Some(at("2026-11-10T00:00:00Z")),
        ..facts()
    };
    let deadline = derive(&policy, &own);
    assert_eq!(deadline.class, "emergency");
    assert_eq!(deadline.steps.len(), 2);
    assert_eq!(deadline.due, Some(at("2026-01-31T23:59:59Z")));
}

#[test]
fn without_a_patch_a_mitigation_is_owed_from_the_first_sight() {
    let policy = policy("baseline");
    let own =
        Facts { cvss: Some(9.8), is_fix_available: false, published: Some(at("2020-01-01T00:00:00Z")), ..facts() };
    let deadline = derive(&policy, &own);
    assert!(deadline.is_mitigation);
    assert_eq!(deadline.due, Some(at("2026-12-01T23:59:59Z")));
}

#[test]
fn no_clock_starts_before_the_patch_exists() {
    let policy = policy("baseline");
    let own = Facts {
        is_exploited: true,
        listed: Some(at("2026-01-01T00:00:00Z")),
        patch_available: Some(at("2026-06-01T00:00:00Z")),
        cvss: Some(1.0),
        ..facts()
    };
    assert_eq!(derive(&policy, &own).due, Some(at("2026-06-04T00:00:00Z")));
}

#[test]
fn a_missing_input_takes_the_cautious_value_and_says_so() {
    let deadline = derive(&policy("baseline"), &facts());
    assert_eq!(deadline.class, "critical");
    assert!(deadline.inputs.iter().any(|input| input.name == "cvss" && input.is_assumed));
}

#[test]
fn bad_policies_are_refused_with_their_place() {
    let class = "[[class]]\nid = \"a\"\ntitle = \"A\"\ndue = \"1 day\"\nclock = [\"listed\"]\n";
    for (text, expected) in [
        ("name = \"x\"\n", "the last class must have no condition"),
        ("name = \"x\"\nnonsense = 1\n", "line 2"),
        (&format!("name = \"x\"\n{class}{class}"), "can never be reached"),
        (&format!("name = \"x\"\n{class}").replace("1 day", "soon"), "no deadline"),
        (&format!("name = \"x\"\ntime-zone = \"Moon\"\n{class}"), "no time zone"),
        (&format!("name = \"x\"\nholidays = [\"2026-02-30\"]\n{class}"), "no day"),
        (&format!("name = \"x\"\n{class}when = {{ cvss-at-leest = 9 }}\n"), "line 7"),
    ] {
        let error = Policy::parse(text).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error} does not say {expected}");
    }
}

const CLASS: &str = "title = \"A\"\ndue = \"30 days\"\nclock = [\"published\"]\n";

/// A policy of one class, with one line changed.
fn of_one_class(head: &str, id: &str, tail: &str) -> Result<Policy, plimsoll_policy::Error> {
    Policy::parse(&format!("name = \"x\"\n{head}\n[[class]]\nid = \"{id}\"\n{CLASS}{tail}"))
}

#[test]
fn values_that_no_policy_can_mean_are_refused() {
    assert!(of_one_class("", "a", "").is_ok());
    for id in ["", "-a", "a b", "a\\u001b[31m", "none", "overdue", "a|b"] {
        assert!(of_one_class("", id, "").is_err(), "{id}");
    }
    for missing in ["cvss = nan", "cvss = 11", "epss = inf", "epss = -0.1", "exploitation = \"often\""] {
        assert!(of_one_class(&format!("[missing]\n{missing}"), "a", "").is_err(), "{missing}");
    }
    let last = format!("\n[[class]]\nid = \"b\"\n{CLASS}");
    for when in [
        "cvss-at-least = nan",
        "epss-at-least = 7",
        "exploitation = [\"poc\", \"x\"]",
        "any = []",
        "any = [{ cvss-at-least = 12 }]",
    ] {
        assert!(of_one_class("", "a", &format!("when = {{ {when} }}\n{last}")).is_err(), "{when}");
    }
    assert!(Policy::parse(&format!("name = \"\\u001b[2J\"\n[[class]]\nid = \"a\"\n{CLASS}")).is_err());
}

#[test]
fn a_data_class_that_nobody_stated_counts() {
    let last = format!("\n[[class]]\nid = \"b\"\n{CLASS}");
    let policy = of_one_class("", "a", &format!("when = {{ data-class = [\"phi\"] }}\n{last}")).expect("reads");
    let class = |data_classes: Option<Vec<String>>| {
        derive(&policy, &Facts { asset: Asset { data_classes, ..Asset::default() }, ..facts() })
    };
    let unknown = class(None);
    assert!(unknown.class == "a" && unknown.inputs.iter().any(|input| input.is_assumed));
    assert_eq!(class(Some(vec!["PHI".to_owned()])).class, "a");
    assert_eq!(class(Some(Vec::new())).class, "b");
}

#[test]
fn a_word_that_no_class_names_makes_nothing_milder() {
    let policy = policy("fedramp-vdr-high");
    let class = |impact: Option<&str>| {
        let asset = Asset { impact: impact.map(str::to_owned), ..Asset::default() };
        derive(&policy, &Facts { asset, published: Some(at("2026-10-01T00:00:00Z")), ..facts() })
    };
    assert_eq!(class(Some("n9")).class, class(None).class);
    assert!(class(Some("n9")).inputs.iter().any(|input| input.is_assumed && input.value.contains("n9")));
    assert_ne!(class(Some("N2")).class, class(None).class);
}

/// A look by itself keeps no record of when it saw something first; its clock must not begin anew each time.
#[test]
fn an_unknown_first_sight_is_the_earliest_possible_one() {
    let policy = policy("seven-thirty-ninety");
    let day = |text: &str| Some(at(text));
    let unseen = Facts {
        first_seen: None,
        now: at("2026-11-01T00:00:00Z"),
        published: day("2026-01-01T00:00:00Z"),
        patch_available: day("2026-02-01T00:00:00Z"),
        ..facts()
    };
    let deadline = derive(&policy, &unseen);
    assert_eq!(deadline.steps[0].started_at, at("2026-02-01T00:00:00Z"), "no patch can be installed before it exists");
    assert!(deadline.inputs.iter().any(|input| input.name == "first seen" && input.is_assumed));
    let later = derive(&policy, &Facts { now: at("2027-11-01T00:00:00Z"), ..unseen.clone() });
    assert_eq!(later.due, deadline.due);
    // Without any instant the clock can only begin now, and that is said.
    let undated = derive(&policy, &Facts { published: None, patch_available: None, ..unseen.clone() });
    assert_eq!(undated.steps[0].started_at, unseen.now);
    assert!(undated.inputs.iter().any(|input| input.name == plimsoll_policy::UNKNOWN_CLOCK));
    // A mitigation is owed from now on: nobody knows since when it was owed here.
    let unfixed = derive(&policy, &Facts { is_fix_available: false, ..unseen.clone() });
    assert!(unfixed.is_mitigation && unfixed.steps[0].started_at == unseen.now);
    assert!(unfixed.inputs.iter().any(|input| input.name == plimsoll_policy::MITIGATION_CLOCK));
}

/// Policy files, changed at random: a policy or an error, never a panic; and a policy that judges.
#[test]
fn fuzz_the_policy_file() {
    let seeds: Vec<Vec<u8>> = PRESETS.iter().map(|preset| preset.text.as_bytes().to_vec()).collect();
    testkit::fuzz::run(&seeds, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        if let Ok(policy) = Policy::parse(text) {
            let _ = derive(&policy, &facts());
            let _ = derive(&policy, &Facts { is_exploited: true, listed: Some(Timestamp::MAX), ..facts() });
        }
    });
}

fn own(text: &str) -> Policy {
    Policy::parse(&format!("name = \"own\"\n{text}")).expect("it reads")
}

const LAST: &str = "[[class]]\nid = \"rest\"\ntitle = \"Rest\"\ndue = \"90 days\"\nclock = [\"patch-available\"]\n";

#[test]
fn no_clock_starts_before_the_patch_exists_whatever_is_known() {
    let policy = own(&LAST.replace("patch-available", "listed"));
    let known = Facts {
        first_seen: None,
        published: Some(at("2026-01-01T00:00:00Z")),
        patch_available: Some(at("2026-07-01T00:00:00Z")),
        ..facts()
    };
    assert_eq!(derive(&policy, &known).due, Some(at("2026-09-29T23:59:59Z")));
}

#[test]
fn half_known_decision_points_say_nothing() {
    let strict = "[[class]]\nid = \"likely\"\ntitle = \"Likely\"\ndue = \"3 days\"\nclock = [\"first-seen\"]\nwhen = { likely-exploitable = true }\n";
    let policy = own(&format!("{strict}{LAST}"));
    let class = |exploitation: Option<&str>, automatable: Option<bool>| {
        let deadline =
            derive(&policy, &Facts { exploitation: exploitation.map(str::to_owned), automatable, ..facts() });
        (deadline.class, deadline.inputs[0].is_assumed)
    };
    let (likely, rest) = ("likely".to_owned(), "rest".to_owned());
    assert_eq!(class(Some("none"), None), (likely.clone(), true));
    assert_eq!(class(None, Some(false)), (likely.clone(), true));
    assert_eq!(class(Some("poc"), None), (likely, false));
    assert_eq!(class(Some("none"), Some(false)), (rest, false));
}

#[test]
fn what_a_catalogue_lists_counts_as_automatable_where_nobody_says() {
    let policy = policy("cisa-bod-26-04");
    let due = |is_exploited: bool| {
        let asset = Asset { exposure: Some(Exposure::Internal), ..Asset::default() };
        let listed = is_exploited.then(|| at("2026-11-01T00:00:00Z"));
        derive(&policy, &Facts { is_exploited, listed, total_impact: Some(true), asset, ..facts() }).due
    };
    assert_eq!(due(true), Some(at("2026-11-04T23:59:59Z")));
    assert_eq!(due(false), None);
}

#[test]
fn a_day_that_a_catalogue_names_ends_like_other_days() {
    let policy = own(&format!("capped-by-catalogue = true\n{LAST}"));
    let known = Facts { is_exploited: true, catalogue_due: Some(at("2026-11-26T00:00:00Z")), ..facts() };
    assert_eq!(derive(&policy, &known).due, Some(at("2026-11-26T23:59:59Z")));
}

#[test]
fn a_month_is_a_month() {
    let known = Facts { patch_available: Some(at("2026-02-01T00:00:00Z")), cvss: Some(9.8), ..facts() };
    let known = Facts { first_seen: known.patch_available, ..known };
    assert_eq!(derive(&policy("pci-dss"), &known).due, Some(at("2026-03-01T23:59:59Z")));
}

#[test]
fn without_a_catalogue_nobody_says_that_it_is_not_exploited() {
    let input = |lacks_catalogue: bool| {
        let deadline = derive(&policy("baseline"), &Facts { lacks_catalogue, cvss: Some(5.0), ..facts() });
        deadline
            .inputs
            .into_iter()
            .find(|input| input.name == plimsoll_policy::EXPLOITED)
            .expect("looked at")
            .is_assumed
    };
    assert!(input(true) && !input(false));
}

#[test]
fn slips_of_the_pen_make_nothing_milder() {
    let strict = "[[class]]\nid = \"production\"\ntitle = \"Production\"\ndue = \"3 days\"\nclock = [\"first-seen\"]\nwhen = { environment = [\"production\"] }\n[[class]]\nid = \"test\"\ntitle = \"Test\"\ndue = \"9 days\"\nclock = [\"first-seen\"]\nwhen = { environment = [\"test\"] }\n";
    let policy = own(&format!("{strict}{LAST}"));
    let class = |word: &str| {
        let asset = Asset { environment: Some(word.to_owned()), ..Asset::default() };
        derive(&policy, &Facts { asset, ..facts() }).class
    };
    assert_eq!([class("prodution"), class(""), class("Test")], ["production", "production", "test"]);
}

#[test]
fn conditions_that_never_or_always_hold_are_refused() {
    for when in ["{ exploitation = [] }", "{ environment = [] }", "{ any = [] }", "{ any = [{}] }"] {
        let text = format!("name = \"x\"\n{}when = {when}\n{LAST}", LAST.replace("rest", "first"));
        assert!(Policy::parse(&text).is_err(), "{when}");
    }
}

/// `--fail-on CLASS` means that class and the stricter ones before it: so they must be stricter.
#[test]
fn the_classes_of_a_preset_stand_in_the_order_of_their_deadlines() {
    use plimsoll_policy::Due;
    for entry in PRESETS {
        let policy = policy(entry.id);
        let hours = |due: Due| match due {
            Due::Hours(hours) => Some(hours),
            Due::Days(days) => Some(days * 24),
            Due::Months(months) => Some(months * 28 * 24),
            Due::BusinessDays(days) => Some(days * 24),
            Due::NextUpgrade => Some(i64::MAX),
            // Depends on the day.
            Due::EndOfQuarter => None,
        };
        let all: Vec<i64> = policy.classes.iter().filter_map(|class| hours(class.due)).collect();
        assert!(all.is_sorted(), "{}: {all:?}", entry.id);
    }
}

/// FedRAMP VDR: hours by impact, likely exploitability and reachability, as the source's three tables have them.
#[test]
fn fedramp_vdr_gives_each_cell_its_hours() {
    // Likely exploitable and reachable, likely exploitable, not likely; in days.
    type Row = (&'static str, [f64; 3]);
    let tables: [(&str, [Row; 4]); 3] = [
        (
            "fedramp-vdr-low",
            [
                ("n5", [4.0, 8.0, 32.0]),
                ("n4", [8.0, 32.0, 64.0]),
                ("n3", [32.0, 64.0, 192.0]),
                ("n2", [96.0, 160.0, 192.0]),
            ],
        ),
        (
            "fedramp-vdr-moderate",
            [
                ("n5", [2.0, 4.0, 16.0]),
                ("n4", [4.0, 8.0, 64.0]),
                ("n3", [16.0, 32.0, 128.0]),
                ("n2", [48.0, 128.0, 192.0]),
            ],
        ),
        (
            "fedramp-vdr-high",
            [("n5", [0.5, 1.0, 8.0]), ("n4", [2.0, 8.0, 32.0]), ("n3", [8.0, 16.0, 64.0]), ("n2", [24.0, 96.0, 192.0])],
        ),
    ];
    for (id, rows) in tables {
        let policy = policy(id);
        for (impact, cells) in rows {
            for ((likely, exposed), days) in [(true, true), (true, false), (false, true), (false, false)]
                .into_iter()
                .zip(cells.into_iter().chain([cells[2]]))
            {
                let exposure = Some(if exposed { Exposure::Exposed } else { Exposure::Internal });
                let asset = Asset { impact: Some(impact.to_owned()), exposure, ..Asset::default() };
                let (exploitation, automatable) = (Some("none".to_owned()), Some(likely));
                // A day ends at midnight, hours do not.
                let (start, tail) = match days < 1.0 {
                    true => (at("2026-11-01T06:00:00Z"), 0),
                    false => (at("2026-11-01T00:00:00Z"), 86_399),
                };
                let known = Facts { asset, exploitation, automatable, first_seen: Some(start), ..facts() };
                let due = derive(&policy, &known).due.expect("a date");
                let expected = (days * 86_400.0) as i64 + tail;
                assert_eq!(due.duration_since(start).as_secs(), expected, "{id} {impact} {likely} {exposed}");
            }
        }
    }
}

/// The presets by severity alone: critical, high, medium, low, in the words of `Due`.
#[test]
fn presets_by_severity_give_the_days_of_their_sources() {
    let tables = [
        ("fedramp-rev5", ["30 days", "30 days", "90 days", "180 days"]),
        ("seven-thirty-ninety", ["7 days", "30 days", "90 days", "120 days"]),
        ("seven-thirty-ninety-180", ["7 days", "30 days", "90 days", "180 days"]),
        ("cra-openchain", ["7 days", "30 days", "90 days", "next upgrade"]),
        ("cyber-essentials", ["14 days", "14 days", "end of quarter", "end of quarter"]),
        ("pci-dss", ["1 month", "1 month", "end of quarter", "end of quarter"]),
    ];
    for (id, expected) in tables {
        let policy = policy(id);
        for (scores, due) in [[9.0, 10.0], [7.0, 8.9], [4.0, 6.9], [0.1, 3.9]].into_iter().zip(expected) {
            for cvss in scores {
                let class = derive(&policy, &Facts { cvss: Some(cvss), ..facts() }).class;
                let class = policy.classes.iter().find(|own| own.id == class).expect("one of its own");
                assert_eq!(class.due.to_string(), due, "{id} {cvss}");
            }
        }
    }
}

#[test]
fn fedramp_rev5_is_capped_by_the_catalogue() {
    let due = |is_exploited: bool| {
        let catalogue_due = is_exploited.then(|| at("2026-11-15T00:00:00Z"));
        derive(&policy("fedramp-rev5"), &Facts { is_exploited, catalogue_due, cvss: Some(5.0), ..facts() }).due
    };
    assert_eq!([due(true), due(false)], [Some(at("2026-11-15T23:59:59Z")), Some(at("2027-01-30T23:59:59Z"))]);
}

#[test]
fn essential_eight_gives_48_hours_two_weeks_or_a_month() {
    let policy = policy("essential-eight");
    let due = |cvss: f64, exploitation: &str, exposure: Exposure| {
        let asset = Asset { exposure: Some(exposure), ..Asset::default() };
        let (exploitation, patch) = (Some(exploitation.to_owned()), Some(at("2026-11-01T00:00:00Z")));
        let known = Facts { cvss: Some(cvss), exploitation, asset, patch_available: patch, ..facts() };
        derive(&policy, &known).due.expect("a date").to_string()
    };
    assert_eq!(due(5.0, "active", Exposure::Internal), "2026-11-03T00:00:00Z");
    assert_eq!(due(5.0, "poc", Exposure::Internal), "2026-11-03T00:00:00Z");
    assert_eq!(due(9.0, "none", Exposure::Internal), "2026-11-03T00:00:00Z");
    assert_eq!(due(5.0, "none", Exposure::Exposed), "2026-11-15T23:59:59Z");
    assert_eq!(due(5.0, "none", Exposure::Internal), "2026-12-01T23:59:59Z");
}
