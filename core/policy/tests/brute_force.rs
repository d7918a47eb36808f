//! What is proven of a table agrees with looking at every case one by one.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::{SignedDuration, Timestamp};
use plimsoll_policy::{Asset, Calendar, Exposure, Facts, Known, Policy, check, derive, derive_without_words};
use proptest::prelude::*;
use std::sync::OnceLock;

static LOOSER: OnceLock<Vec<Vec<bool>>> = OnceLock::new();

fn known() -> Known<'static> {
    Known {
        feeds: &[],
        roles: &[],
        approvers: &[],
        askers: &["developer", "operator", "security-lead"],
        frameworks: &[],
        now: "2026-11-30T00:00:00Z".parse().expect("an instant"),
    }
}
const DUES: &[&str] = &[
    "24 hours",
    "72 hours",
    "3 days",
    "30 days",
    "31 days",
    "10 business days",
    "14 days",
    "1 month",
    "end of quarter",
    "next upgrade",
];

/// When each falls due from a start; a quarter counts as its longest, and what has no date as never.
fn due(kind: usize, start: Timestamp, calendar: &Calendar) -> Timestamp {
    let days = |days| calendar.after_days(start, days);
    match DUES[kind] {
        "24 hours" => calendar.after_hours(start, 24),
        "72 hours" => calendar.after_hours(start, 72),
        "3 days" => days(3),
        "14 days" => days(14),
        "30 days" => days(30),
        "31 days" => days(31),
        "10 business days" => calendar.after_business_days(start, 10),
        "1 month" => calendar.after_months(start, 1),
        "end of quarter" => days(92),
        _ => Timestamp::MAX,
    }
}

/// Whether there is a start from which one leaves more time than another.
fn looser() -> Vec<Vec<bool>> {
    let calendar = Calendar::new("UTC", &[], true).expect("a calendar");
    let first: Timestamp = "2023-12-31T05:00:00Z".parse().expect("an instant");
    let starts: Vec<Timestamp> = (0..800).map(|number| first + SignedDuration::from_hours(19 * number)).collect();
    let is_looser = |own: usize, other: usize| {
        starts.iter().any(|start| due(own, *start, &calendar) > due(other, *start, &calendar))
    };
    (0..DUES.len()).map(|own| (0..DUES.len()).map(|other| is_looser(own, other)).collect()).collect()
}

const CRITICALITY: &[&str] = &["low", "medium", "high"];

/// A case as numbers: exploited, CVSS, exposed, automatable, criticality, data.
type Case = [usize; 6];
/// How many values each has; the first of the last but one is "not stated".
const SIZES: Case = [2, 4, 2, 2, 4, 2];

fn facts(case: &Case) -> Facts {
    Facts {
        is_fix_available: true,
        is_exploited: case[0] == 1,
        cvss: Some([0.0, 4.0, 7.0, 9.0][case[1]]),
        automatable: Some(case[3] == 1),
        asset: Asset {
            exposure: Some(if case[2] == 1 { Exposure::Exposed } else { Exposure::Internal }),
            criticality: case[4].checked_sub(1).map(|place| CRITICALITY[place].to_owned()),
            data_classes: Some(if case[5] == 1 { vec!["phi".to_owned()] } else { Vec::new() }),
            ..Asset::default()
        },
        now: Timestamp::UNIX_EPOCH,
        ..Facts::default()
    }
}

fn cases() -> Vec<Case> {
    let mut all = vec![[0; 6]];
    for (place, size) in SIZES.iter().enumerate() {
        let each = |case: &Case| {
            (0..*size)
                .map(|value| {
                    let mut case = *case;
                    case[place] = value;
                    case
                })
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(each).collect();
    }
    all
}

/// Whether a case is at least as dangerous as another. What is not stated is no more and no less, and neither is a word that no class
/// names.
fn is_above(text: &str, upper: &Case, lower: &Case) -> bool {
    let is_named = |place: usize| place > 0 && text.contains(&format!("\"{}\"", CRITICALITY[place - 1]));
    (0..6).all(|place| match place {
        4 => upper[4] == lower[4] || is_named(lower[4]) && is_named(upper[4]) && upper[4] > lower[4],
        _ => upper[place] >= lower[place],
    })
}

fn condition() -> impl Strategy<Value = String> {
    let flag = |name: &'static str| {
        prop::option::weighted(0.3, any::<bool>()).prop_map(move |flag| flag.map(|flag| format!("{name} = {flag}")))
    };
    let parts = (
        flag("exploited"),
        flag("automatable"),
        prop::option::weighted(0.4, prop::sample::select(vec!["4.0", "7.0", "9.0"])),
        prop::option::weighted(0.3, prop::sample::select(vec!["exposed", "internal"])),
        prop::option::weighted(0.3, prop::sample::subsequence(CRITICALITY.to_vec(), 1..=2)),
        prop::option::weighted(0.2, Just("data-class = [\"phi\"]".to_owned())),
    );
    parts.prop_map(|(exploited, automatable, cvss, exposure, criticality, data)| {
        let all = [
            exploited,
            automatable,
            cvss.map(|cvss| format!("cvss-at-least = {cvss}")),
            exposure.map(|exposure| format!("exposure = \"{exposure}\"")),
            criticality.map(|words| format!("criticality = {words:?}")),
            data,
        ];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    })
}

/// A table of some classes; the last asks for nothing, and so may none of the others.
fn table() -> impl Strategy<Value = Vec<(String, usize)>> {
    let when = (condition(), prop::collection::vec(condition(), 0..3)).prop_map(|(own, any)| {
        let any: Vec<String> =
            any.into_iter().filter(|one| !one.is_empty()).map(|one| format!("{{ {one} }}")).collect();
        match (own.is_empty(), any.is_empty()) {
            (true, true) => "exploited = true".to_owned(),
            (_, true) => own,
            (true, false) => format!("any = [{}]", any.join(", ")),
            (false, false) => format!("{own}, any = [{}]", any.join(", ")),
        }
    });
    (prop::collection::vec((when, 0..DUES.len()), 1..5), 0..DUES.len()).prop_map(|(mut classes, last)| {
        classes.push((String::new(), last));
        classes
    })
}

fn written(classes: &[(String, usize)]) -> String {
    let mut text = "name = \"x\"\n".to_owned();
    for (number, (when, due)) in classes.iter().enumerate() {
        let due = DUES[*due];
        text += &format!(
            "[[class]]\nid = \"c{number}\"\ntitle = \"c\"\ndue = \"{due}\"\nclock = [\"listed\"]\nwhen = {{ {when} }}\n"
        );
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_table_is_proven_as_looking_at_every_case_would(classes in table()) {
        let text = written(&classes);
        let policy = Policy::parse(&text).expect("it reads");
        let class_of = |case: &Case| {
            let (told, plain) = (derive(&policy, &facts(case)), derive_without_words(&policy, &facts(case)));
            assert_eq!((&told.class, told.rank, told.due), (&plain.class, plain.rank, plain.due));
            policy.rank(&told.class).expect("a class")
        };
        let found: Vec<(Case, usize)> = cases().into_iter().map(|case| { let class = class_of(&case); (case, class) }).collect();
        let (checked, looser) = (check(&text, known()), LOOSER.get_or_init(looser));
        let named = |code: &str, class: usize| {
            let lines = |class: usize| text.lines().position(|line| line == format!("id = \"c{class}\"")).map(|line| line + 1);
            checked.problems.iter().any(|problem| problem.code == code && problem.line == lines(class))
        };
        for class in 0..classes.len() {
            let is_reached = found.iter().any(|(_, own)| *own == class);
            prop_assert_eq!(named("policy/unreachable", class), !is_reached, "class {} of {}", class, text);
            let loosens = found.iter().filter(|(_, own)| *own == class).any(|(upper, _)| {
                found.iter().any(|(lower, other)| looser[classes[class].1][classes[*other].1] && is_above(&text, upper, lower))
            });
            prop_assert_eq!(named("policy/loosens", class), loosens, "class {} of {}", class, text);
        }
    }
}
