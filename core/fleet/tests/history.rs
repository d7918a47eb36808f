//! What has been is not forgotten, and what has not been is not made up: first sights, findings that come back, due dates.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, Attributes, Event, Exposure};
use plimsoll_fleet::{
    AssetFilter, Facts, Findings, Fix, JudgedDocument, Judgement, Moves, Page, Query, Question, Signals, Standing,
    State, Statement, Thing,
};

const FIRST_SEEN: &str = r#"
name = "first seen"
capped-by-catalogue = true
[[class]]
id = "all"
title = "All"
due = "30 days"
clock = ["first-seen"]
"#;

fn day(number: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_hours(24 * number)
}

/// Deadlines end with their day.
fn end(number: i64) -> Timestamp {
    day(number + 1) - SignedDuration::from_secs(1)
}

fn web() -> AssetId {
    AssetId::new("web").expect("an id")
}

fn openssl(version: &str) -> Thing {
    let version = version.to_owned();
    Thing {
        kind: "deb".to_owned(),
        ecosystem: "Debian:12".to_owned(),
        name: "openssl".to_owned(),
        version,
        ..Thing::default()
    }
}

struct World(Facts);

impl World {
    fn new() -> Self {
        let mut facts = Facts::default();
        let policy = Event::PolicyAdopted {
            name: "p".to_owned(),
            document: String::new(),
            rule: lifecycle::PolicyRule::default(),
            change: None,
        };
        facts.apply(&policy, day(0), Some(FIRST_SEEN.as_bytes())).expect("adopted");
        let attributes = Attributes { exposure: Some(Exposure::Exposed), ..Attributes::default() };
        facts.apply(&Event::AssetRegistered { asset: web(), attributes }, day(0), None).expect("registered");
        Self(facts)
    }

    fn has(&mut self, versions: &[&str], taken_at: Timestamp) {
        let mut things: Vec<Thing> = versions.iter().map(|version| openssl(version)).collect();
        things.sort();
        let document = self.0.plan_inventory(&web(), &things).write().expect("written");
        let (digest, told) = (String::new(), String::new());
        let taken = Event::InventoryTaken {
            asset: web(),
            digest,
            document: told,
            at: taken_at,
            packages: 1,
            unread: 0,
            is_late: false,
        };
        self.0.apply(&taken, taken_at, Some(&document)).expect("taken in");
    }

    /// Of a version these vulnerabilities are told, and no others.
    fn judge(&mut self, version: &str, ids: &[&str], said: (&str, Timestamp), signals: Vec<Signals>) {
        self.judge_as((Standing::Affected, version), ids, said, signals);
    }

    fn judge_as(
        &mut self,
        (standing, version): (Standing, &str),
        ids: &[&str],
        (words, now): (&str, Timestamp),
        signals: Vec<Signals>,
    ) {
        let statement = |id: &&str| Statement {
            vulnerability: (*id).to_owned(),
            standing,
            remark: String::new(),
            fix: Fix::Available("9".to_owned()),
            patch_available: None,
            urgency: None,
            cvss: None,
            published: None,
            because: words.to_owned(),
        };
        let statements = ids.iter().map(statement).collect();
        let number = self.0.number_of(&openssl(version)).expect("known");
        let judgements = vec![(number, Judgement { statements, undetermined: None })];
        let document = JudgedDocument { has_catalogue: true, judgements, signals, ..JudgedDocument::default() };
        let judged =
            Event::AdvisoriesJudged { index: String::new(), document: String::new(), packages: 1, vulnerabilities: 1 };
        self.0.apply(&judged, now, Some(&document.write().expect("written"))).expect("taken in");
    }

    fn findings(&self) -> Findings {
        let question = Question { policy: self.0.policy().expect("a policy"), decisions: Vec::new(), at: None };
        Findings::evaluate(&self.0, question)
    }

    fn page(&self, now: Timestamp) -> Page {
        self.findings().list(&self.0, &Query { limit: 9, now, ..Query::default() })
    }
}

#[test]
fn what_has_come_back_stays_so_when_other_words_are_found_for_it() {
    let mut world = World::new();
    world.has(&["1"], day(1));
    world.judge("1", &["CVE-2026-1"], ("before 9", day(1)), Vec::new());
    assert!(!world.page(day(2)).rows[0].is_reopened);
    world.has(&["2"], day(5));
    world.judge("2", &[], ("", day(5)), Vec::new());
    assert_eq!(world.page(day(6)).total, 0);
    world.has(&["1"], day(7));
    assert!(world.page(day(8)).rows[0].is_reopened);
    world.judge("1", &["CVE-2026-1"], ("before 9, it says", day(20)), Vec::new());
    let row = world.page(day(21)).rows.remove(0);
    assert!(row.is_reopened);
    assert_eq!(row.first_seen, day(1));
}

#[test]
fn an_upgrade_to_a_version_that_is_judged_later_has_not_come_back() {
    let mut world = World::new();
    world.has(&["1"], day(1));
    world.judge("1", &["CVE-2026-1"], ("before 9", day(1)), Vec::new());
    world.has(&["2"], day(5));
    world.judge("2", &["CVE-2026-1"], ("before 9", day(6)), Vec::new());
    let row = world.page(day(7)).rows.remove(0);
    assert!(!row.is_reopened);
    assert_eq!((row.first_seen, row.due), (day(1), Some(end(31))));
    // Where it was judged, and was clean, it has.
    world.has(&["3"], day(8));
    world.judge("3", &[], ("", day(8)), Vec::new());
    world.judge("3", &["CVE-2026-1"], ("before 9", day(9)), Vec::new());
    assert!(world.page(day(10)).rows[0].is_reopened);
}

#[test]
fn a_vulnerability_that_gets_another_id_was_seen_when_it_was_seen() {
    let mut world = World::new();
    world.has(&["1"], day(1));
    world.judge("1", &["GHSA-1"], ("before 9", day(1)), Vec::new());
    world.has(&["2"], day(10));
    world.judge("2", &["GHSA-1"], ("before 9", day(10)), Vec::new());
    let renamed = Signals { id: "CVE-2026-1".to_owned(), aliases: vec!["GHSA-1".to_owned()], ..Signals::default() };
    world.judge("2", &["CVE-2026-1"], ("before 9", day(29)), vec![renamed]);
    let page = world.page(day(30));
    assert_eq!(page.total, 1);
    assert_eq!((page.rows[0].vulnerability.as_str(), page.rows[0].first_seen), ("CVE-2026-1", day(1)));
    assert_eq!(page.rows[0].due, Some(end(31)));
    // Another vulnerability that comes as one goes is its own.
    world.judge("2", &["CVE-2026-2"], ("before 9", day(40)), Vec::new());
    assert_eq!(world.page(day(41)).rows[0].first_seen, day(40));
}

#[test]
fn a_due_date_of_the_catalogue_that_comes_later_counts_without_another_class() {
    let mut world = World::new();
    world.has(&["1"], day(1));
    world.judge(
        "1",
        &["CVE-2026-1"],
        ("before 9", day(1)),
        vec![Signals { id: "CVE-2026-1".to_owned(), ..Signals::default() }],
    );
    assert_eq!(world.page(day(2)).rows[0].due, Some(end(31)));
    let listed = Signals {
        id: "CVE-2026-1".to_owned(),
        listed: Some(day(5)),
        catalogue_due: Some(day(19)),
        ..Signals::default()
    };
    world.judge("1", &["CVE-2026-1"], ("before 9", day(5)), vec![listed]);
    assert_eq!(world.page(day(6)).rows[0].due, Some(end(19)));
}

#[test]
fn only_what_was_owed_and_went_counts_as_patched_and_from_its_first_name_on() {
    let mut world = World::new();
    world.has(&["1"], day(1));
    world.judge("1", &["GHSA-1"], ("before 9", day(1)), Vec::new());
    let renamed = Signals { id: "CVE-2026-1".to_owned(), aliases: vec!["GHSA-1".to_owned()], ..Signals::default() };
    world.judge("1", &["CVE-2026-1"], ("before 9", day(5)), vec![renamed]);
    world.has(&["2"], day(11));
    let pace = world.0.pace(&[day(0), day(20)]);
    assert_eq!((pace[0].closed, pace[0].mean()), (1, Some(SignedDuration::from_hours(240))));
    // One of which somebody says that it does not count is no patch when it goes.
    let mut world = World::new();
    world.has(&["1"], day(1));
    world.judge_as((Standing::Suppressed, "1"), &["CVE-2026-1"], ("not affected", day(1)), Vec::new());
    world.has(&["2"], day(11));
    assert_eq!(world.0.pace(&[day(0), day(20)])[0].closed, 0);
}

#[test]
fn a_list_goes_on_behind_its_row_also_where_earlier_ones_have_come_in() {
    let (second, others) = (["CVE-2026-2", "CVE-2026-3"], ["CVE-2026-0", "CVE-2026-1", "CVE-2026-2", "CVE-2026-3"]);
    for sort in [plimsoll_fleet::Sort::Vulnerability, plimsoll_fleet::Sort::Due] {
        let mut world = World::new();
        world.has(&["1"], day(1));
        world.judge("1", &second, ("it is", day(1)), Vec::new());
        let part = |world: &World, after| {
            let query = Query { sort, limit: 1, after, now: day(9), ..Query::default() };
            world.findings().list(&world.0, &query)
        };
        let first = part(&world, None);
        assert_eq!(first.rows[0].vulnerability, "CVE-2026-2");
        world.judge("1", &others, ("it is", day(2)), Vec::new());
        let last = first.last.expect("there are more");
        assert!(last.is_known(&world.0) && !last.is_known(&World::new().0));
        assert_eq!(part(&World::new(), Some(last.clone())).rows, []);
        let rest = part(&world, Some(last));
        assert_eq!(rest.rows[0].vulnerability, "CVE-2026-3", "{sort:?}");
    }
}

#[test]
fn a_first_look_and_a_retirement_bring_and_take_nothing() {
    let mut world = World::new();
    world.has(&["1"], day(1));
    world.has(&["2"], day(3));
    let retired = Event::AssetRetired { asset: web(), reason: "gone".to_owned() };
    world.0.apply(&retired, day(5), None).expect("retired");
    let again = Event::AssetRegistered { asset: web(), attributes: Attributes::default() };
    world.0.apply(&again, day(7), None).expect("registered");
    world.has(&["1"], day(8));
    let changes = world.0.changes_of(&web());
    assert_eq!(changes.keys().copied().collect::<Vec<_>>(), [day(3)], "{changes:?}");
    let (came, went) = &changes[&day(3)];
    assert_eq!((came.len(), went.len()), (1, 1));
}

#[test]
fn what_the_policy_does_not_cover_is_set_aside_with_the_reason() {
    let scope = "[[scope.rule]]\ncovered = \"excluded\"\nreason = \"a laboratory\"\nenvironment = [\"lab\"]\n";
    let mut world = World::new();
    let scoped = format!("{FIRST_SEEN}{scope}");
    let adopted = |rule: lifecycle::PolicyRule| Event::PolicyAdopted {
        name: "p".to_owned(),
        document: String::new(),
        rule,
        change: None,
    };
    let other = world.0.apply(&adopted(lifecycle::PolicyRule::default()), day(0), Some(scoped.as_bytes()));
    assert!(matches!(other, Err(plimsoll_fleet::Error::OtherRule)), "an entry says what its text says: {other:?}");
    let policy = adopted(lifecycle::PolicyRule::of(&policy::Policy::parse(&scoped).expect("a policy")));
    world.0.apply(&policy, day(0), Some(scoped.as_bytes())).expect("adopted");
    world.has(&["1"], day(0));
    world.judge("1", &["CVE-1"], ("2", day(0)), vec![Signals { id: "CVE-1".to_owned(), ..Signals::default() }]);
    assert_eq!(
        (world.findings().counts(day(1)).findings, world.findings().coverage(&world.0, &AssetFilter::default()).assets),
        (1, 1)
    );
    let lab = Attributes { environment: Some("Lab".to_owned()), ..Attributes::default() };
    world.0.apply(&Event::AssetChanged { asset: web(), attributes: lab }, day(5), None).expect("changed");
    let findings = world.findings();
    let counts = findings.counts(day(50));
    assert_eq!((counts.findings, counts.overdue, counts.suppressed), (0, 0, 1), "seen, and not owed");
    let coverage = findings.coverage(&world.0, &AssetFilter::default());
    assert_eq!((coverage.assets, coverage.uncovered), (0, 1), "in no denominator");
    let why = findings.explain(&world.0, "CVE-1", &web()).expect("it is there");
    assert_eq!((why.state, why.coverage.reason.as_str()), (Some(State::Suppressed), "a laboratory"));
    let row = findings.assets(&world.0, (&AssetFilter::default(), day(50)), (0, 1)).1.pop().expect("a row");
    assert_eq!(row.uncovered.as_deref(), Some("a laboratory"));
    // Before it was said to be one it was owed, and that is what is said of that day.
    let question = Question { policy: world.0.policy().expect("a policy"), decisions: Vec::new(), at: Some(day(4)) };
    assert_eq!(Findings::evaluate(&world.0, question).counts(day(4)).findings, 1);
}

#[test]
fn another_policy_moves_findings_and_says_how_many() {
    let mut world = World::new();
    world.has(&["1"], day(0));
    let known = |id: &str| Signals { id: id.to_owned(), ..Signals::default() };
    world.judge("1", &["CVE-1", "CVE-2"], ("2", day(0)), vec![known("CVE-1"), known("CVE-2")]);
    let other = |due: &str| {
        let policy = policy::Policy::parse(&FIRST_SEEN.replace("30 days", due)).expect("a policy");
        let question = Question { policy: std::sync::Arc::new(policy), decisions: Vec::new(), at: None };
        Findings::evaluate(&world.0, question)
    };
    let own = world.findings();
    let sooner = own.moves_to(&other("10 days"), day(20));
    assert_eq!(sooner, Moves { sooner: 2, newly_overdue: 2, ..Moves::default() });
    let later = own.moves_to(&other("90 days"), day(50));
    assert_eq!(later, Moves { later: 2, no_longer_overdue: 2, ..Moves::default() });
    assert_eq!(own.moves_to(&other("30 days"), day(50)), Moves { same: 2, ..Moves::default() });
    assert_eq!(own.moves_to(&other("next upgrade"), day(20)), Moves { later: 2, ..Moves::default() });
}

/// Puts another policy in force by a published version.
fn switch(world: &mut World, due: &str, transition: lifecycle::Transition, at: Timestamp) {
    let text = FIRST_SEEN.replace("30 days", due);
    let version = lifecycle::VersionId::new("v").expect("an id");
    let change = Some(lifecycle::Adoption { version, transition });
    let (name, document, rule) = ("p".to_owned(), String::new(), lifecycle::PolicyRule::default());
    let adopted = Event::PolicyAdopted { name, document, rule, change };
    world.0.apply(&adopted, at, Some(text.as_bytes())).expect("adopted");
}

#[test]
fn what_was_open_at_a_switch_follows_its_transition_rule() {
    use lifecycle::Transition::{FromSwitch, Keep, Recount};
    // By rule and by what the new policy gives: the due days of what was open at the switch on day 10.
    let table = [
        (Recount, "7 days", 7, "as if it had always said so"),
        (Recount, "90 days", 90, "later too"),
        (FromSwitch, "7 days", 17, "seven days from the switch on"),
        (FromSwitch, "25 days", 30, "no later than it was, though the switch and 25 days are day 35"),
        (FromSwitch, "90 days", 30, "no later than it was"),
        (Keep, "7 days", 30, "as it was"),
        (Keep, "90 days", 30, "as it was"),
    ];
    for (transition, due, expected, why) in table {
        let mut world = World::new();
        world.has(&["1"], day(0));
        world.judge("1", &["CVE-1"], ("2", day(0)), vec![Signals { id: "CVE-1".to_owned(), ..Signals::default() }]);
        let mut followed = world.findings();
        switch(&mut world, due, transition, day(10));
        world.has(&["1"], day(10));
        world.judge(
            "1",
            &["CVE-1", "CVE-2"],
            ("2", day(12)),
            vec![Signals { id: "CVE-2".to_owned(), ..Signals::default() }],
        );
        let dates = |findings: &Findings| {
            let page = findings.list(&world.0, &Query { limit: 9, now: day(12), ..Query::default() });
            let mut dates: Vec<_> = page.rows.into_iter().map(|row| (row.vulnerability, row.due)).collect();
            dates.sort();
            dates
        };
        let days: i64 = due.split(' ').next().and_then(|days| days.parse().ok()).expect("days");
        let both = vec![
            ("CVE-1".to_owned(), Some(end(expected))),
            // What is seen after the switch is nobody's but the new policy's.
            ("CVE-2".to_owned(), Some(end(12 + days))),
        ];
        assert_eq!(dates(&world.findings()), both, "{transition:?} to {due}: {why}");
        followed.follow(&world.0, &plimsoll_fleet::Touched { is_all: true, ..Default::default() });
        assert_eq!(dates(&followed), both, "followed");
        // As of the day before the switch nothing of it is known.
        let (policy, at) = (world.0.policy_at(Some(day(9))).expect("a policy"), Some(day(9)));
        let before = Findings::evaluate(&world.0, Question { policy, decisions: Vec::new(), at });
        assert_eq!(dates(&before), [("CVE-1".to_owned(), Some(end(30)))]);
    }
}

#[test]
fn switches_add_up_and_what_happens_after_them_counts_by_the_new_policy() {
    use lifecycle::Transition::{FromSwitch, Keep, Recount};
    let mut world = World::new();
    world.has(&["1"], day(0));
    world.judge("1", &["CVE-1"], ("2", day(0)), vec![Signals { id: "CVE-1".to_owned(), ..Signals::default() }]);
    let due = |world: &World| world.page(day(12)).rows.remove(0).due;
    switch(&mut world, "14 days", FromSwitch, day(5));
    assert_eq!(due(&world), Some(end(19)));
    switch(&mut world, "7 days", FromSwitch, day(8));
    assert_eq!(due(&world), Some(end(15)));
    switch(&mut world, "2 days", Keep, day(10));
    assert_eq!(due(&world), Some(end(15)), "the date that the one before it gave");
    let why = world.findings().explain(&world.0, "CVE-1", &web()).expect("it is there");
    let steps: Vec<_> = why.deadline.expect("a deadline").steps.into_iter().map(|step| step.started_by).collect();
    assert!(steps.iter().any(|by| by.contains("the policy before")), "{steps:?}");
    // A catalogue's own date that comes after the switch holds.
    let listed =
        Signals { id: "CVE-1".to_owned(), listed: Some(day(11)), catalogue_due: Some(day(12)), ..Signals::default() };
    world.judge("1", &["CVE-1"], ("2", day(11)), vec![listed]);
    assert_eq!(due(&world), Some(end(12)));
    switch(&mut world, "60 days", Recount, day(12));
    assert_eq!(due(&world), Some(end(12)), "the catalogue's date is in the new policy too");
    assert!(world.0.switches(None).is_empty(), "nothing before a new count matters");
}

#[test]
fn deadlines_are_kept_or_not_by_when_a_patch_has_closed_what_fell_due() {
    use plimsoll_fleet::{Kept, Pace};
    let known = |id: &str| Signals { id: id.to_owned(), ..Signals::default() };
    let mut world = World::new();
    // Due on day 30: closed on day 20, closed on day 40, still there; and one that a publisher took back.
    for (version, id) in [("1", "CVE-1"), ("2", "CVE-2"), ("3", "CVE-3"), ("4", "CVE-4")] {
        let all: Vec<&str> = ["1", "2", "3", "4"].into_iter().take_while(|other| *other <= version).collect();
        world.has(&all, day(0));
        world.judge(version, &[id], ("9", day(0)), vec![known(id)]);
    }
    world.judge("4", &[], ("not affected", day(10)), Vec::new());
    world.has(&["2", "3", "4"], day(20));
    world.has(&["3", "4"], day(40));
    let kept = |world: &World, from, until| world.findings().kept(&world.0, (day(from), day(until)));
    let pace = |days: &[i64]| {
        let open_milliseconds = days.iter().map(|days| u128::try_from(days * 86_400_000).expect("days")).sum();
        Pace { closed: days.len() as u64, open_milliseconds }
    };
    let all = |due, kept, days: &[i64]| vec![("all".to_owned(), Kept { due, kept, pace: pace(days) })];
    assert_eq!(kept(&world, 0, 60), all(3, 1, &[20, 40]));
    assert_eq!(kept(&world, 0, 29), all(0, 0, &[20]), "nothing fell due by then");
    assert_eq!(kept(&world, 31, 60), all(0, 0, &[40]), "what falls due on day 30 belongs there alone");
    world.0.apply(&Event::AssetRetired { asset: web(), reason: "sold".to_owned() }, day(50), None).expect("retired");
    assert_eq!(kept(&world, 0, 60), all(2, 1, &[20, 40]), "what went with its asset had no deadline to keep any more");
}

#[test]
fn the_policy_before_goes_on_where_its_dates_are_kept_and_gives_none_to_what_it_did_not_cover() {
    use lifecycle::Transition::{FromSwitch, Keep};
    let text = |classes: &str| format!("name = \"p\"\ncapped-by-catalogue = false\n{classes}");
    let class = |id: &str, due: &str, when: &str| {
        let clock = if when.is_empty() { "first-seen" } else { "listed" };
        let when = if when.is_empty() { String::new() } else { format!("when = {{ {when} }}\n") };
        format!("[[class]]\nid = \"{id}\"\ntitle = \"{id}\"\ndue = \"{due}\"\nclock = [\"{clock}\"]\n{when}")
    };
    let before = text(&format!("{}{}", class("listed", "3 days", "exploited = true"), class("all", "30 days", "")));
    let after = text(&class("all", "60 days", ""));
    let adopt = |world: &mut World, text: &str, change: Option<lifecycle::Adoption>, at| {
        let rule = lifecycle::PolicyRule::of(&policy::Policy::parse(text).expect("a policy"));
        let adopted = Event::PolicyAdopted { name: "p".to_owned(), document: String::new(), rule, change };
        world.0.apply(&adopted, at, Some(text.as_bytes())).expect("adopted");
    };
    let by = |transition| {
        let version = lifecycle::VersionId::new("v").expect("an id");
        Some(lifecycle::Adoption { version, transition })
    };
    let known = |listed| Signals { id: "CVE-1".to_owned(), listed, ..Signals::default() };
    let begun = |first: &str, transition| {
        let mut world = World::new();
        adopt(&mut world, first, None, day(0));
        world.has(&["1"], day(0));
        world.judge("1", &["CVE-1"], ("2", day(0)), vec![known(None)]);
        adopt(&mut world, &after, by(transition), day(10));
        world
    };
    let due = |world: &World| world.page(day(12)).rows[0].due;
    let mut world = begun(&before, Keep);
    assert_eq!(due(&world), Some(end(30)));
    world.judge("1", &["CVE-1"], ("2", day(12)), vec![known(Some(day(12)))]);
    assert_eq!(due(&world), Some(end(15)), "that it is exploited is no later news by its own policy");
    // Nothing was owed of it before the switch.
    let scope = "[[scope.rule]]\ncovered = \"excluded\"\nreason = \"not yet\"\nexposure = \"exposed\"\n";
    for transition in [FromSwitch, Keep] {
        let world = begun(&format!("{before}{scope}"), transition);
        assert_eq!(due(&world), Some(end(70)), "{transition:?}: its time begins with the switch");
    }
}

#[test]
fn an_entry_of_before_people_were_asked_for_anything_is_taken_in() {
    let text = format!(
        "{FIRST_SEEN}[[role]]\nid = \"o\"\ntitle = \"O\"\nholds = [\"approver\"]\n[review]\nowner = \"o\"\nevery = \"12 months\"\napproved-by = [\"o\"]\n"
    );
    let own = lifecycle::PolicyRule::of(&policy::Policy::parse(&text).expect("a policy"));
    assert!(!own.governance.is_empty());
    let older = lifecycle::PolicyRule { governance: lifecycle::Governance::default(), ..own.clone() };
    let other = lifecycle::PolicyRule {
        governance: lifecycle::Governance { approvals: Vec::new(), ..own.governance.clone() },
        ..own.clone()
    };
    for (rule, is_taken) in [(own, true), (older, true), (other, false)] {
        let mut world = World::new();
        let adopted = Event::PolicyAdopted { name: "p".to_owned(), document: String::new(), rule, change: None };
        assert_eq!(world.0.apply(&adopted, day(1), Some(text.as_bytes())).is_ok(), is_taken);
    }
}
