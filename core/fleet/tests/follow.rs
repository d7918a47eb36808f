//! Whatever happens, in whatever order and by whatever clock: findings that were followed equal findings from zero, and the
//! quick way by sets equals the way one by one.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, Attributes, Decision, DecisionKind, Event, Exposure, PersonId, Progress, Reach, Transition};
use plimsoll_fleet::{
    Facts, Filter, Findings, Fix, GroupBy, Judgement, Page, Query, Question, Signals, Sort, Standing, State, Statement,
    Thing,
};
use proptest::prelude::*;
use std::sync::Arc;

const ASSETS: u8 = 4;
const THINGS: u8 = 6;
const VULNERABILITIES: u8 = 3;

/// Something that happens.
#[derive(Debug, Clone)]
enum Act {
    Register(u8, u8),
    Change(u8, u8),
    Retire(u8),
    Push(u8, Vec<u8>),
    Judge(Vec<(u8, Vec<(u8, u8)>)>, Vec<(u8, u8)>, bool),
    Adopt(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let statements = prop::collection::vec((0..VULNERABILITIES, 0..8_u8), 0..3);
    let judged = prop::collection::vec((0..THINGS, statements), 0..5);
    let signals = prop::collection::vec((0..VULNERABILITIES, 0..12_u8), 0..3);
    prop_oneof![
        2 => (0..ASSETS, 0..8_u8).prop_map(|(asset, said)| Act::Register(asset, said)),
        1 => (0..ASSETS, 0..8_u8).prop_map(|(asset, said)| Act::Change(asset, said)),
        1 => (0..ASSETS).prop_map(Act::Retire),
        6 => (0..ASSETS, prop::collection::vec(0..THINGS, 0..7)).prop_map(|(asset, things)| Act::Push(asset, things)),
        4 => (judged, signals, any::<bool>()).prop_map(|(judged, signals, has)| Act::Judge(judged, signals, has)),
        1 => (0..12_u8).prop_map(Act::Adopt),
    ]
}

fn asset(number: u8) -> AssetId {
    AssetId::new(format!("asset-{number}")).expect("an id")
}

fn thing(number: u8) -> Thing {
    let (name, version) = (format!("project-{}", number / 3), format!("1.{}", number % 3));
    Thing { kind: "deb".to_owned(), ecosystem: "Debian:12".to_owned(), name, version, ..Thing::default() }
}

fn vulnerability(number: u8) -> String {
    format!("CVE-2026-{}", 1000 + u32::from(number))
}

fn day(number: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_hours(24 * number)
}

fn attributes(said: u8) -> Attributes {
    let exposure = [None, Some(Exposure::Exposed), Some(Exposure::Internal)][usize::from(said % 3)];
    let environment = said.is_multiple_of(2).then(|| "production".to_owned());
    Attributes { exposure, environment, ..Attributes::default() }
}

/// Some assets are not covered, by what is said of them.
const SCOPE: &str = r#"
[[scope.rule]]
covered = "excluded"
reason = "not ours"
environment = ["production"]
exposure = "internal"
[[scope.rule]]
covered = "attested"
reason = "its vendor patches it"
exposure = "exposed"
"#;

fn statement(number: u8, kind: u8) -> Statement {
    let fix =
        [Fix::Available("2".to_owned()), Fix::NotYet, Fix::Available("3".to_owned())][usize::from(kind % 3)].clone();
    let standings = [Standing::Affected, Standing::Affected, Standing::RestartPending, Standing::Undetermined];
    Statement {
        vulnerability: vulnerability(number),
        standing: standings[usize::from(kind / 3 % 4)],
        remark: String::new(),
        patch_available: matches!(fix, Fix::Available(_)).then(|| day(i64::from(kind) - 10)),
        fix,
        urgency: None,
        cvss: None,
        published: None,
        because: format!("kind {}", kind / 12),
    }
}

fn signals(number: u8, kind: u8) -> Signals {
    Signals {
        id: vulnerability(number),
        cvss: Some(([9.8, 7.5, 5.0][usize::from(kind % 3)], "x".to_owned())),
        listed: (kind / 3 % 2 == 1).then(|| day(20)),
        published: (kind / 6 == 1).then(|| day(-5)),
        ..Signals::default()
    }
}

/// The event of an act with its document; none where the rules would refuse it.
fn event(facts: &Facts, alive: &mut [bool], act: &Act, at: Timestamp) -> Option<(Event, Option<Vec<u8>>)> {
    let is_alive = |alive: &[bool], number: u8| alive[usize::from(number)];
    Some(match act {
        Act::Register(number, said) if !is_alive(alive, *number) => {
            alive[usize::from(*number)] = true;
            (Event::AssetRegistered { asset: asset(*number), attributes: attributes(*said) }, None)
        }
        Act::Change(number, said) if is_alive(alive, *number) => {
            (Event::AssetChanged { asset: asset(*number), attributes: attributes(*said) }, None)
        }
        Act::Retire(number) if is_alive(alive, *number) => {
            alive[usize::from(*number)] = false;
            (Event::AssetRetired { asset: asset(*number), reason: "gone".to_owned() }, None)
        }
        Act::Push(number, things) if is_alive(alive, *number) => {
            let mut things: Vec<Thing> = things.iter().map(|number| thing(*number)).collect();
            things.sort();
            things.dedup();
            let document = facts.plan_inventory(&asset(*number), &things).write().expect("written");
            let event = Event::InventoryTaken {
                asset: asset(*number),
                digest: String::new(),
                document: String::new(),
                at,
                packages: things.len() as u64,
                unread: 0,
                is_late: false,
            };
            (event, Some(document))
        }
        Act::Judge(judged, known, has_catalogue) => {
            let stated_of = judged.iter().filter_map(|(number, statements)| {
                let mut statements: Vec<Statement> =
                    statements.iter().map(|(number, kind)| statement(*number, *kind)).collect();
                statements.sort_by(|a, b| a.vulnerability.cmp(&b.vulnerability));
                statements.dedup_by(|a, b| a.vulnerability == b.vulnerability);
                Some((facts.number_of(&thing(*number))?, Judgement { statements, undetermined: None }))
            });
            // What a vulnerability is comes with the first that is said of it.
            let stated = judged.iter().flat_map(|(_, statements)| statements).map(|(number, _)| *number);
            let is_new = |number: &u8| facts.signals_of(&vulnerability(*number)).is_none();
            let mut first: Vec<u8> = stated.filter(is_new).collect();
            first.sort_unstable();
            first.dedup();
            first.retain(|number| known.iter().all(|(other, _)| other != number));
            let known = known.iter().copied().chain(first.into_iter().map(|number| (number, 0)));
            let known: Vec<Signals> = known.map(|(number, kind)| signals(number, kind)).collect();
            let mut document = facts.plan_judged(stated_of, known, *has_catalogue);
            document.judgements.dedup_by_key(|(number, _)| *number);
            let (index, digest) = (String::new(), String::new());
            let event = Event::AdvisoriesJudged { index, document: digest, packages: 0, vulnerabilities: 0 };
            (event, Some(document.write().expect("written")))
        }
        Act::Adopt(number) => {
            let preset = ["baseline", "cisa-bod-26-04", "seven-thirty-ninety", "baseline"][usize::from(*number % 4)];
            let preset = policy::PRESETS.iter().find(|one| one.id == preset).expect("a preset");
            let scope = if *number % 4 == 3 { SCOPE } else { "" };
            let text = format!("{}{scope}", preset.text);
            let rule = lifecycle::PolicyRule::of(&policy::Policy::parse(&text).expect("a policy"));
            let transition = [Transition::Recount, Transition::FromSwitch, Transition::Keep][usize::from(*number / 4)];
            let version = lifecycle::VersionId::new("v").expect("an id");
            let change = (*number >= 4).then_some(lifecycle::Adoption { version, transition });
            let event = Event::PolicyAdopted { name: preset.id.to_owned(), document: String::new(), rule, change };
            (event, Some(text.into_bytes()))
        }
        _ => return None,
    })
}

fn everything(findings: &Findings, facts: &Facts, now: Timestamp) -> Page {
    let filter = Filter { states: State::ALL.to_vec(), ..Filter::default() };
    findings.list(facts, &Query { filter, sort: Sort::Vulnerability, limit: usize::MAX, now, ..Query::default() })
}

/// A list, part by part, each behind the last row of the one before.
fn walk(findings: &Findings, facts: &Facts, query: &Query) -> Vec<plimsoll_fleet::Row> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = findings.list(facts, &Query { limit: 2, after: after.take(), ..query.clone() });
        assert!(page.last.is_none() || page.rows.len() == 2, "a part that others follow is full");
        rows.extend(page.rows);
        match page.last {
            Some(last) => after = Some(last),
            None => return rows,
        }
    }
}

/// The patches that fall due next, from all groups.
fn next_due(
    findings: &Findings,
    facts: &Facts,
    (assets, most): (&plimsoll_fleet::AssetFilter, usize),
    now: Timestamp,
) -> Vec<plimsoll_fleet::Group> {
    let filter = Filter { is_overdue: Some(false), assets: assets.clone(), ..Filter::default() };
    let mut groups = findings.groups(facts, (&filter, GroupBy::Package), now);
    groups.retain(|group| group.due.is_some());
    groups.sort_by(|a, b| a.due.cmp(&b.due).then_with(|| a.name.cmp(&b.name)));
    groups.truncate(most);
    groups
}

fn decision() -> Decision {
    let person = |id: &str| PersonId::new(id).expect("an id");
    Decision {
        kind: DecisionKind::Exception,
        reach: Reach {
            vulnerability: vulnerability(1),
            package: Some("project-1".to_owned()),
            assets: vec![asset(0), asset(1)],
        },
        reason: "a test".to_owned(),
        until: day(1000),
        requested_by: person("one"),
        assessment: Default::default(),
        approved_by: Some(person("two")),
        approved_before: Vec::new(),
        approved_at: Default::default(),
        reviewed: None,
        progress: Progress::Approved { since: day(0), revoked_at: None },
        renews: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]
    #[test]
    fn what_is_followed_equals_what_is_evaluated_from_zero(
        acts in prop::collection::vec((act(), -3..6_i64), 1..40),
        decided_at in 0..40_usize,
        is_steady in any::<bool>(),
    ) {
        let mut facts = Facts::default();
        let mut alive = vec![false; usize::from(ASSETS)];
        let (first, bytes) = event(&facts, &mut alive, &Act::Adopt(0), day(0)).expect("a policy");
        facts.apply(&first, day(0), bytes.as_deref()).expect("applied");
        let policy = facts.policy().expect("a policy");
        let mut findings = Findings::evaluate(&facts, Question { policy, decisions: Vec::new(), at: None });
        let mut clock = 1;
        let mut answers: Vec<(i64, Answer)> = Vec::new();
        let mut restored: Option<Facts> = None;
        let mut decided_on = None;
        // A past day that is worked out part by part while other facts come in.
        let mut begun: Vec<(i64, Findings)> = Vec::new();
        for (place, (act, step)) in acts.iter().enumerate() {
            // The clock may stand still, or jump back.
            clock = (clock + if is_steady { step.abs() } else { *step }).max(1);
            let Some((event, bytes)) = event(&facts, &mut alive, act, day(clock)) else { continue };
            if answers.last().is_some_and(|(day, _)| *day == clock) {
                answers.pop();
            }
            let touched = facts.apply(&event, day(clock), bytes.as_deref()).expect("applied");
            findings.follow(&facts, &touched);
            if let Some(restored) = &mut restored {
                let same = restored.apply(&event, day(clock), bytes.as_deref()).expect("applied");
                prop_assert_eq!(same, touched);
            }
            if place == decided_at {
                restored = Some(Facts::read_snapshot(&snapshot(&facts)).expect("read"));
                findings.decide(&facts, vec![decision()]);
                decided_on = Some(clock);
            }
            let question = Question { policy: facts.policy().expect("a policy"), decisions: findings.decisions().to_vec(), at: None };
            let from_zero = Findings::evaluate(&facts, question.clone());
            let now = day(400);
            prop_assert_eq!(everything(&findings, &facts, now), everything(&from_zero, &facts, now));
            prop_assert_eq!(findings.summary(&facts, now), from_zero.summary(&facts, now));
            let all = plimsoll_fleet::AssetFilter { environment: Some("Production".to_owned()), ..Default::default() };
            let assets = |findings: &Findings| findings.assets(&facts, (&all, now), (0, 100));
            prop_assert_eq!(assets(&findings), assets(&from_zero));
            let every = plimsoll_fleet::AssetFilter::default();
            let (total, whole) = findings.assets(&facts, (&every, now), (0, usize::MAX));
            let parts = (0..total).step_by(2).flat_map(|offset| findings.assets(&facts, (&every, now), (offset, 2)).1);
            prop_assert_eq!(parts.collect::<Vec<_>>(), whole);
            let mut walked: (Vec<_>, Option<plimsoll_fleet::AfterAsset>) = (Vec::new(), None);
            loop {
                let part = findings.assets_after(&facts, (&every, now), (walked.1.as_ref(), 0, 3)).1;
                walked.1 = part.last().map(plimsoll_fleet::AssetRow::after);
                if part.is_empty() {
                    break;
                }
                walked.0.extend(part);
            }
            prop_assert_eq!(&walked.0, &findings.assets(&facts, (&every, now), (0, usize::MAX)).1);
            for sort in [Sort::Due, Sort::Class, Sort::Cvss, Sort::Vulnerability, Sort::Asset] {
                let query = Query { filter: Filter { states: State::ALL.to_vec(), ..Filter::default() }, sort, now, ..Query::default() };
                let whole = findings.list(&facts, &Query { limit: usize::MAX, ..query.clone() });
                prop_assert_eq!(walk(&findings, &facts, &query), whole.rows.clone(), "by {:?}", sort);
                let few = Filter { assets: plimsoll_fleet::AssetFilter { name: Some("asset".to_owned()), ..Default::default() }, ..query.filter.clone() };
                prop_assert_eq!(walk(&findings, &facts, &Query { filter: few, ..query }), whole.rows);
            }
            prop_assert_eq!(findings.next_due(&facts, (&all, 2), day(20)), next_due(&findings, &facts, (&all, 2), day(20)));
            // One asset's list, all assets' by asset, and all by vulnerability say the same of one package.
            let of_package = |sort, name: Option<String>| {
                let assets = plimsoll_fleet::AssetFilter { name, ..Default::default() };
                let filter = Filter { package: Some("project-1".to_owned()), assets, ..Filter::default() };
                let mut page = findings.list(&facts, &Query { filter, sort, limit: usize::MAX, now, ..Query::default() });
                page.rows.sort_by(|a, b| (&a.vulnerability, &a.asset).cmp(&(&b.vulnerability, &b.asset)));
                page
            };
            prop_assert_eq!(of_package(Sort::Asset, None), of_package(Sort::Vulnerability, None));
            prop_assert_eq!(of_package(Sort::Asset, Some("asset".to_owned())), of_package(Sort::Vulnerability, None));
            let of_some = |name: Option<&str>| {
                let assets = plimsoll_fleet::AssetFilter { name: name.map(str::to_owned), ..Default::default() };
                let filter = Filter { package: Some("project-1".to_owned()), assets, ..Filter::default() };
                findings.groups(&facts, (&filter, GroupBy::Asset), now)
            };
            let one = |groups: Vec<plimsoll_fleet::Group>| groups.into_iter().filter(|group| group.name == "asset-1").collect::<Vec<_>>();
            prop_assert_eq!(of_some(Some("asset")), of_some(None));
            prop_assert_eq!(of_some(Some("asset-1")), one(of_some(None)));
            for by in [GroupBy::Package, GroupBy::Environment, GroupBy::Asset] {
                let groups = |findings: &Findings| findings.groups(&facts, (&Filter::default(), by), now);
                prop_assert_eq!(groups(&findings), groups(&from_zero));
            }
            let one_by_one = Findings::evaluate(&facts, Question { at: Some(now), ..question });
            prop_assert_eq!(everything(&from_zero, &facts, now), everything(&one_by_one, &facts, now));
            answers.push((clock, answer(&findings, &facts, day(clock))));
            begun.retain(|(day, _)| *day != clock);
            for (_, findings) in &mut begun {
                let _ = findings.go_on(&facts, 1);
            }
            let question = Question { policy: facts.policy().expect("a policy"), decisions: findings.decisions().to_vec(), at: Some(day(clock)) };
            begun.push((clock, Findings::begin(&facts, question)));
        }
        for (number, mut findings) in begun.into_iter().filter(|_| is_steady) {
            while findings.go_on(&facts, 1) {}
            let given = answers.iter().find(|(day, _)| *day == number).map(|(_, given)| given);
            prop_assert_eq!(Some(&answer(&findings, &facts, day(number))), given, "day {}", number);
        }
        // As of every day the answer is the one that was given on that day, as far as clocks went forward.
        let other = Arc::new(policy::Policy::parse(policy::PRESETS[0].text).expect("a policy"));
        for (number, given) in answers.iter().filter(|_| is_steady) {
            let at = Some(day(*number));
            let decisions = if *number >= decided_on.unwrap_or(i64::MAX) { vec![decision()] } else { Vec::new() };
            let policy = facts.policy_at(at).expect("a policy");
            let question = Question { policy, decisions, at };
            let as_of = Findings::evaluate(&facts, question.clone());
            prop_assert_eq!(&answer(&as_of, &facts, day(*number)), given, "day {}", number);
            // How much is overdue by this policy and by another one, without the findings.
            let sides = [Arc::clone(&question.policy), Arc::clone(&other)];
            let overdue = sides.each_ref().map(|policy| {
                let question = Question { policy: Arc::clone(policy), ..question.clone() };
                Findings::evaluate_after(&facts, question, Vec::new()).counts(day(*number)).overdue
            });
            let tallied = Findings::overdue_by(&facts, [&sides[0], &sides[1]], (&question, day(*number)));
            prop_assert_eq!(tallied, overdue, "day {}", number);
        }
        if let Some(restored) = restored {
            prop_assert_eq!(snapshot(&restored), snapshot(&facts));
            let policy = restored.policy().expect("a policy");
            let question = Question { policy, decisions: findings.decisions().to_vec(), at: None };
            let of_restored = Findings::evaluate(&restored, question);
            prop_assert_eq!(everything(&of_restored, &restored, day(400)), everything(&findings, &facts, day(400)));
        }
    }
}

/// What is answered of a day: the list, the figures, the assets.
type Answer = (Page, plimsoll_fleet::Summary, plimsoll_fleet::Coverage, Vec<plimsoll_fleet::AssetRow>);

fn answer(findings: &Findings, facts: &Facts, now: Timestamp) -> Answer {
    let all = plimsoll_fleet::AssetFilter::default();
    let mut assets = findings.assets(facts, (&all, now), (0, 100)).1;
    // What could not be read is told of the last look alone.
    assets.iter_mut().for_each(|row| row.problems.clear());
    (everything(findings, facts, now), findings.summary(facts, now), findings.coverage(facts, &all), assets)
}

fn snapshot(facts: &Facts) -> Vec<u8> {
    facts.write_snapshot().expect("written").concat()
}

#[test]
fn a_damaged_snapshot_is_an_error_or_other_facts_and_never_a_crash() {
    let mut facts = Facts::default();
    let mut alive = vec![false; usize::from(ASSETS)];
    let judged = Act::Judge(vec![(1, vec![(0, 1), (2, 3)])], vec![(0, 5)], true);
    for act in [Act::Adopt(0), Act::Register(0, 1), Act::Push(0, vec![0, 1, 3]), judged, Act::Push(0, vec![0, 2])] {
        let (event, bytes) = event(&facts, &mut alive, &act, day(3)).expect("an event");
        facts.apply(&event, day(3), bytes.as_deref()).expect("applied");
    }
    let bytes = snapshot(&facts);
    assert!(Facts::read_snapshot(&[]).is_err());
    for end in 0..bytes.len() {
        // What is cut off between two parts cannot be seen here: whoever keeps the bytes has their digest.
        if let Ok(read) = Facts::read_snapshot(&bytes[..end]) {
            assert!(snapshot(&read) != bytes);
        }
    }
    for place in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[place / 8] ^= 1 << (place % 8);
        let _ = Facts::read_snapshot(&other);
    }
    let mut version = bytes.clone();
    version[0] += 1;
    assert!(matches!(Facts::read_snapshot(&version), Err(plimsoll_fleet::Error::Version { version: 3 })));
}
