//! What may happen to each noun, and what may not.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use jiff::{SignedDuration, Timestamp};
use plimsoll_lifecycle::{
    Asset, AssetId, Attributes, Command, DecisionId, DecisionKind, Event, Exposure, FeedId, Holder, PolicyRule, Pushed,
    Reach, Role, State, TokenId, decide, review,
};
use std::collections::BTreeSet;
use world::{World, asset, at, day, person};

fn attributes(exposure: Exposure) -> Attributes {
    Attributes { exposure: Some(exposure), ..Attributes::default() }
}

#[test]
fn an_asset_is_registered_once_and_may_come_back() {
    let mut world = World::staffed();
    let register = Command::RegisterAsset(asset("a"), Attributes::default());
    assert_eq!(world.done(&register, "ops", day(0)).len(), 1);
    assert_eq!(world.refused(&register, "ops", day(1)), "refusal/exists");
    let change = Command::ChangeAsset(asset("a"), attributes(Exposure::Internal));
    assert_eq!(world.done(&change, "ops", day(1)).len(), 1);
    assert_eq!(world.done(&change, "ops", day(2)), [], "the same again is nothing");
    assert_eq!(world.refused(&Command::RetireAsset(asset("a"), " ".to_owned()), "ops", day(2)), "refusal/no-reason");
    world.done(&Command::RetireAsset(asset("a"), "scrapped".to_owned()), "ops", day(3));
    assert_eq!(world.asset("a").retired, Some((day(3), "scrapped".to_owned())));
    assert_eq!(world.refused(&change, "ops", day(4)), "refusal/unknown");
    world.done(&register, "ops", day(5));
    assert!(world.asset("a").is_active());
    assert_eq!(world.asset("a").registrations, [day(0), day(5)]);
    assert_eq!(world.asset("a").registered_by(day(4)), day(0));
    for id in ["..", "a/../b", "/a", "a/", "a//b", "./a"] {
        assert!(AssetId::new(id).is_err(), "{id}");
    }
    assert!(AssetId::new("team/a.b").is_ok());
    assert!(AssetId::new("a b").is_err() && AssetId::new("").is_err() && AssetId::new("x".repeat(129)).is_err());
}

#[test]
fn inventories_that_come_twice_or_late_change_nothing() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    assert!(matches!(world.push("d1", day(1), day(1)).as_slice(), [Event::InventoryTaken { is_late: false, .. }]));
    assert_eq!(world.push("d1", day(1), day(2)), [], "sent again");
    assert!(matches!(world.push("d1", day(3), day(3)).as_slice(), [Event::AssetScanned { .. }]));
    let before = world.asset("a").clone();
    assert!(matches!(world.push("d0", day(2), day(4)).as_slice(), [Event::InventoryTaken { is_late: true, .. }]));
    assert_eq!(world.push("d0", day(2), day(4)), [], "sent again");
    assert_eq!(world.push("d1", day(2), day(4)), [], "unchanged, and from before the last look");
    let after = Asset { late_inventories: BTreeSet::new(), ..world.asset("a").clone() };
    assert_eq!(after, before);
    let ahead = Pushed {
        asset: asset("a"),
        digest: "d2".to_owned(),
        document: String::new(),
        taken_at: day(9),
        packages: 1,
        unread: 0,
    };
    assert_eq!(world.refused(&Command::PushInventory(ahead.clone()), "agent/a", day(5)), "refusal/ahead");
    let unknown = Pushed { asset: asset("b"), ..ahead };
    assert_eq!(world.refused(&Command::PushInventory(unknown.clone()), "agent/b", day(9)), "refusal/unknown");
    assert_eq!(world.refused(&Command::PushInventory(unknown), "agent/a", day(9)), "refusal/role", "of another asset");
}

#[test]
fn scans_are_owed_weekly_or_monthly_and_missed_once() {
    let mut world = World::staffed();
    for (id, exposure) in [("in", Some(Exposure::Internal)), ("out", Some(Exposure::Exposed)), ("who-knows", None)] {
        let attributes = Attributes { exposure, ..Attributes::default() };
        world.done(&Command::RegisterAsset(asset(id), attributes), "ops", day(0));
    }
    let rule = PolicyRule::default();
    let due = |world: &World, id: &str, at: Timestamp| world.asset(id).scan_due(&world.asset(id).attributes, at, &rule);
    assert_eq!(due(&world, "in", day(0)), Some(at("2026-02-01T00:00:00Z")));
    assert_eq!(due(&world, "out", day(0)), Some(day(7)));
    assert_eq!(due(&world, "who-knows", day(0)), Some(day(7)), "nobody says that it cannot be reached");
    let tell = Command::TellMissedScans;
    assert_eq!(world.done(&tell, "system", day(7)), [], "due is not yet over");
    assert_eq!(world.done(&tell, "system", day(8)).len(), 2);
    assert_eq!(world.done(&tell, "system", day(9)), [], "told once");
    let pushed = Pushed {
        asset: asset("out"),
        digest: "d".to_owned(),
        document: String::new(),
        taken_at: day(10),
        packages: 1,
        unread: 0,
    };
    world.done(&Command::PushInventory(pushed), "agent/out", day(10));
    assert_eq!(due(&world, "out", day(9)), Some(day(7)), "as of then it was still missing");
    assert_eq!(due(&world, "out", day(10)), Some(day(17)));
    // What is out of scope, or gone, owes nothing.
    let lab = toml::from_str("covered = \"excluded\"\nreason = \"a lab\"\ntag = [\"lab\"]").expect("a rule");
    let rule = PolicyRule { scope: vec![lab], ..PolicyRule::default() };
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "d".to_owned(), rule };
    world.done(&adopt, "lead", day(17));
    world.done(
        &Command::ChangeAsset(asset("out"), Attributes { tags: vec!["Lab".to_owned()], ..Attributes::default() }),
        "ops",
        day(18),
    );
    assert_eq!(world.done(&Command::TellMissedScans, "system", day(20)), []);
    world.done(&Command::RetireAsset(asset("who-knows"), "gone".to_owned()), "ops", day(21));
}

#[test]
fn a_stricter_rule_is_broken_from_the_day_on_which_it_was_put_in_force() {
    let mut world = World::staffed();
    let internal = Attributes { exposure: Some(Exposure::Internal), ..Attributes::default() };
    world.done(&Command::RegisterAsset(asset("a"), internal), "ops", day(0));
    let rule: PolicyRule = toml::from_str("exposed = \"1 day\"\ninternal = \"7 days\"").expect("a rule");
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "d".to_owned(), rule: rule.clone() };
    world.done(&adopt, "lead", day(20));
    assert!(
        world.asset("a").is_scan_overdue(&world.asset("a").attributes, day(21), &rule),
        "it is late by the rule of now"
    );
    assert_eq!(world.done(&Command::TellMissedScans, "system", day(21)), [], "a month was promised until then");
    let missed = Event::ScanMissed { asset: asset("a"), due: day(27) };
    assert_eq!(world.done(&Command::TellMissedScans, "system", day(28)), [missed]);
    assert_eq!(world.done(&Command::TellMissedScans, "system", day(29)), [], "told once");
}

#[test]
fn what_nobody_says_leaves_nothing_out_of_scope() {
    let text = r#"
        [[scope]]
        covered = "excluded"
        reason = "tests"
        environment = ["test"]
        [[scope]]
        covered = "attested"
        reason = "its vendor patches it"
        tag = ["managed"]
        [[scope]]
        covered = "excluded"
        reason = "a rule without conditions fits nothing"
    "#;
    let rule: PolicyRule =
        toml::from_str(&format!("exposed = \"7 days\"\ninternal = \"1 month\"\n{text}")).expect("a rule");
    let covers = |environment: Option<&str>, tags: &[&str]| {
        let (environment, tags) = (environment.map(str::to_owned), tags.iter().map(|&tag| tag.to_owned()).collect());
        rule.covers(Attributes { environment, tags, ..Attributes::default() }.subject())
    };
    let own =
        [covers(Some("Test"), &[]), covers(Some("production"), &[]), covers(Some("tset"), &[]), covers(None, &[])];
    assert_eq!(own, [false, true, true, true]);
    assert!(!covers(None, &["Managed"]), "somebody else patches it");
    assert!(toml::from_str::<PolicyRule>(&format!("{text}\ntags = [\"a\"]")).is_err(), "a slip of the pen is an error");
}

#[test]
fn roles_are_given_by_administrators_to_others() {
    let mut world = World::default();
    let set =
        |who: &str, roles: &[Role]| Command::SetRoles(person(who), roles.iter().copied().collect(), BTreeSet::new());
    assert_eq!(world.refused(&set("root", &[Role::Operator]), "root", day(0)), "refusal/last-administrator");
    world.done(&set("root", &[Role::Administrator]), "root", day(0));
    assert_eq!(world.refused(&set("root", &[]), "root", day(1)), "refusal/own-roles");
    assert_eq!(world.refused(&set("eve", &[Role::Administrator]), "eve", day(1)), "refusal/role");
    assert_eq!(world.refused(&Command::ErasePerson(person("root")), "root", day(1)), "refusal/last-administrator");
    world.done(&set("ann", &[Role::Administrator, Role::Auditor]), "root", day(1));
    assert_eq!(world.done(&set("ann", &[Role::Auditor, Role::Administrator]), "root", day(1)), []);
    world.done(&Command::ErasePerson(person("root")), "ann", day(2));
    assert_eq!(world.refused(&set("eve", &[]), "root", day(3)), "refusal/role", "who has gone may do nothing");
}

#[test]
fn tokens_end() {
    let mut world = World::staffed();
    let token = TokenId::new("t").expect("an id");
    let issue = |until: Timestamp, holder: Holder| Command::IssueToken {
        token: token.clone(),
        holder,
        digest: "d".to_owned(),
        until,
        scopes: BTreeSet::new(),
    };
    let ops = || Holder::Person(person("ops"));
    for until in [day(0), day(-1), day(400)] {
        assert_eq!(world.refused(&issue(until, ops()), "root", day(0)), "refusal/end");
    }
    assert_eq!(world.refused(&issue(day(9), ops()), "lead", day(0)), "refusal/role");
    assert_eq!(world.refused(&issue(day(9), Holder::Asset(asset("a"))), "root", day(0)), "refusal/unknown");
    world.done(&issue(day(9), ops()), "root", day(0));
    assert_eq!(world.refused(&issue(day(9), ops()), "root", day(0)), "refusal/exists");
    let is_valid = |world: &World, now: Timestamp| world.state.admits(&token, now);
    assert_eq!([is_valid(&world, day(8)), is_valid(&world, day(9))], [true, false]);
    world.done(&Command::RevokeToken(token.clone()), "root", day(1));
    assert!(!is_valid(&world, day(2)));
    assert_eq!(world.done(&Command::RevokeToken(token.clone()), "root", day(2)), []);
}

#[test]
fn a_decision_needs_two_people_an_end_and_a_reason() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    let id = |text: &str| DecisionId::new(text).expect("an id");
    let request = |name: &str, kind: DecisionKind, reason: &str, until: Timestamp, renews: Option<&str>| {
        let reach = Reach { vulnerability: "CVE-2026-0001".to_owned(), package: None, assets: vec![asset("a")] };
        let (reason, renews) = (reason.to_owned(), renews.map(id));
        Command::RequestDecision {
            decision: id(name),
            kind,
            reach,
            reason,
            until,
            renews,
            assessment: Default::default(),
        }
    };
    let exception = |name: &str| request(name, DecisionKind::Exception, "no patch yet", day(30), None);
    let ask = |reason: &str, until: Timestamp| request("x", DecisionKind::Exception, reason, until, None);
    assert_eq!(world.refused(&ask("r", day(-1)), "ops", day(0)), "refusal/end");
    assert_eq!(world.refused(&ask("r", day(500)), "ops", day(0)), "refusal/end");
    assert_eq!(world.refused(&ask("  ", day(30)), "ops", day(0)), "refusal/no-reason");
    assert_eq!(world.refused(&ask("r", day(30)), "boss", day(0)), "refusal/role", "who approves does not ask");
    world.done(&exception("e"), "lead", day(0));
    assert_eq!(world.refused(&exception("e"), "ops", day(0)), "refusal/exists");
    let answer = |name: &str, yes: bool| Command::AnswerDecision(id(name), yes);
    assert_eq!(world.refused(&answer("e", true), "lead", day(1)), "refusal/role", "a risk is accepted by an approver");
    world.done(&answer("e", true), "boss", day(2));
    assert_eq!(world.refused(&answer("e", false), "boss", day(2)), "refusal/state");
    let holds = |world: &World, name: &str, at: Timestamp| world.state.decisions[&id(name)].holds(at);
    let all = |world: &World, name: &str| [1, 2, 9, 10, 30].map(|number| holds(world, name, day(number)));
    assert_eq!(all(&world, "e"), [false, true, true, true, false]);
    world.done(&Command::RevokeDecision(id("e")), "lead", day(10));
    assert_eq!(all(&world, "e"), [false, true, true, false, false], "what held then has held then");
    // Nobody approves their own request, whatever roles they have.
    let both = BTreeSet::from([Role::Approver, Role::SecurityLead]);
    world.done(&Command::SetRoles(person("lead"), both, BTreeSet::new()), "root", day(10));
    world.done(&request("f", DecisionKind::FalsePositive, "not built in", day(30), None), "lead", day(10));
    assert_eq!(world.refused(&answer("f", true), "lead", day(11)), "refusal/own-request");
    // What was asked for too long ago is over before it begins.
    assert_eq!(world.refused(&answer("f", true), "boss", day(31)), "refusal/end");
    world.done(&answer("f", false), "boss", day(31));
    // A renewal is a request of its own, which needs its own approval.
    let renewal = |of: &str| request("g", DecisionKind::Exception, "still no patch", day(60), Some(of));
    assert_eq!(world.refused(&renewal("nothing"), "ops", day(32)), "refusal/unknown");
    world.done(&renewal("e"), "ops", day(32));
    assert!(!holds(&world, "g", day(33)));
}

#[test]
fn the_same_feed_again_is_nothing() {
    let mut world = World::default();
    let update = |digest: &str| Command::UpdateFeed {
        feed: FeedId::new("kev").expect("an id"),
        digest: digest.to_owned(),
        records: 1,
        newest: None,
    };
    assert_eq!(world.done(&update("d1"), "system", day(0)).len(), 1);
    assert_eq!(world.done(&update("d1"), "system", day(1)), []);
    assert_eq!(world.done(&update("d2"), "system", day(2)).len(), 1);
    assert_eq!(world.state.feeds[&FeedId::new("kev").expect("an id")].since, day(2));
}

/// The state is made of the entries alone: taken in again they give the same one.
#[test]
fn entries_taken_in_again_give_the_same_state() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), attributes(Exposure::Exposed)), "ops", day(0));
    world.push("d1", day(1), day(1));
    world.done(&Command::TellMissedScans, "system", day(20));
    world.done(&Command::RetireAsset(asset("a"), "gone".to_owned()), "ops", day(21));
    let mut again = State::default();
    world.entries.iter().for_each(|entry| again.apply(entry).expect("taken in"));
    assert_eq!(again, world.state);
    assert_eq!(again.entries, world.entries.len() as u64);
}

#[test]
fn entries_that_are_not_understood_change_nothing() {
    let mut state = State::default();
    let entry =
        |kind: &str, subject: &str, body: serde_json::Value| ledger::Entry::new(day(0), "x", kind, subject, body);
    for entry in [
        entry("asset/exploded", "a", serde_json::json!({})),
        entry("asset/retired", "a", serde_json::json!({ "asset": "a" })),
        entry("asset/retired", "b", serde_json::json!({ "asset": "a", "reason": "r" })),
        entry("asset/retired", "a", serde_json::json!({ "asset": "a b", "reason": "r" })),
        entry("asset/retired", "a", serde_json::json!({ "asset": "a", "reason": "r", "more": 1 })),
        // An asset that no entry has registered.
        entry("asset/retired", "a", serde_json::json!({ "asset": "a", "reason": "r" })),
    ] {
        assert!(state.apply(&entry).is_err(), "{entry:?}");
        assert_eq!(state, State::default());
    }
}

/// What changes something needs a role, or is done by the system or by an asset's own agent.
#[test]
fn who_has_no_role_changes_nothing() {
    let mut world = World::staffed();
    world.done(&Command::SetRoles(person("aino"), BTreeSet::from([Role::Auditor]), BTreeSet::new()), "root", day(0));
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    let pushed = Pushed {
        asset: asset("a"),
        digest: "d".to_owned(),
        document: String::new(),
        taken_at: day(1),
        packages: 1,
        unread: 0,
    };
    let feed = FeedId::new("kev").expect("an id");
    let commands = [
        Command::RegisterAsset(asset("b"), Attributes::default()),
        Command::ChangeAsset(asset("a"), attributes(Exposure::Internal)),
        Command::RetireAsset(asset("a"), "gone".to_owned()),
        Command::PushInventory(pushed),
        Command::TellMissedScans,
        Command::UpdateFeed { feed, digest: "d".to_owned(), records: 1, newest: None },
        Command::JudgeAdvisories { index: "i".to_owned(), document: "d".to_owned(), packages: 1, vulnerabilities: 1 },
    ];
    for by in ["aino", "nobody", "agent/b"] {
        for command in &commands {
            assert_eq!(world.refused(command, by, day(1)), "refusal/role", "{command:?} by {by}");
        }
    }
    let operators = Command::SetRoles(person("system"), BTreeSet::from([Role::Operator]), BTreeSet::new());
    assert_eq!(world.refused(&operators, "root", day(1)), "refusal/reserved");
    let reason = decide(&world.state, &commands[0], &person("aino"), day(1)).expect_err("refused").to_string();
    assert!(reason.contains("operator, security-lead, administrator"), "{reason}");
}

#[test]
fn an_inventory_without_a_package_tells_nothing() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    world.push("d1", day(1), day(1));
    let empty = Pushed {
        asset: asset("a"),
        digest: "d0".to_owned(),
        document: String::new(),
        taken_at: day(2),
        packages: 0,
        unread: 0,
    };
    assert_eq!(world.refused(&Command::PushInventory(empty), "agent/a", day(2)), "refusal/empty");
}

/// A clock that is ahead for a while must not shut out what comes after it was put right.
#[test]
fn an_inventory_from_the_future_does_not_outlast_the_clock_that_told_it() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), attributes(Exposure::Exposed)), "ops", day(0));
    // The asset's clock is ahead by less than is refused: it counts as taken now.
    let almost = day(1) + SignedDuration::from_mins(4);
    assert!(matches!(world.push("d1", almost, day(1)).as_slice(), [Event::InventoryTaken { at, .. }] if *at == day(1)));
    let soon = day(1) + SignedDuration::from_mins(1);
    let next = world.push("d2", soon, soon);
    assert!(matches!(next.as_slice(), [Event::InventoryTaken { is_late: false, .. }]), "{next:?}");
    // The server's clock is a year ahead for one inventory.
    world.push("d3", day(365), day(365));
    let next = world.push("d4", day(3), day(3));
    assert!(matches!(next.as_slice(), [Event::InventoryTaken { is_late: false, .. }]), "{next:?}");
    let due = |at: Timestamp| world.asset("a").scan_due(&world.asset("a").attributes, at, &PolicyRule::default());
    assert_eq!(due(day(20)), Some(day(10)), "what lies ahead is no look");
}

#[test]
fn looks_are_known_as_of_every_day() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    for number in [1, 2, 3, 10, 11] {
        world.push("d", day(number), day(number));
    }
    assert_eq!(world.asset("a").looks, [(day(1), day(3)), (day(10), day(11))]);
    let by = |world: &World, number: i64| world.asset("a").scanned_by(day(number));
    assert_eq!(
        [0, 1, 5, 10, 40].map(|number| by(&world, number)),
        [None, Some(day(1)), Some(day(3)), Some(day(10)), Some(day(11))]
    );
    world.done(&Command::RetireAsset(asset("a"), "scrapped".to_owned()), "ops", day(50));
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(60));
    assert_eq!([by(&world, 5), by(&world, 61)], [Some(day(3)), None], "a new machine was not looked at yet");
}

#[test]
fn a_token_ends_with_whose_it_is() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    let token = |text: &str| TokenId::new(text).expect("an id");
    for (id, holder) in [("p", Holder::Person(person("ops"))), ("a", Holder::Asset(asset("a")))] {
        let digest = "d".to_owned();
        world.done(
            &Command::IssueToken { token: token(id), holder, digest, until: day(90), scopes: BTreeSet::new() },
            "root",
            day(0),
        );
    }
    let admits = |world: &World| ["p", "a", "x"].map(|id| world.state.admits(&token(id), day(5)));
    assert_eq!(admits(&world), [true, true, false]);
    world.done(&Command::RetireAsset(asset("a"), "gone".to_owned()), "ops", day(1));
    world.done(&Command::ErasePerson(person("ops")), "root", day(1));
    assert_eq!(admits(&world), [false, false, false]);
}

#[test]
fn a_review_finds_what_the_rules_would_not_have_let_happen() {
    let mut world = World::staffed();
    world.done(&Command::RegisterAsset(asset("a"), Attributes::default()), "ops", day(0));
    let id = DecisionId::new("e").expect("an id");
    let reach = Reach { vulnerability: "CVE-2026-0001".to_owned(), package: None, assets: vec![asset("a")] };
    let request = Command::RequestDecision {
        decision: id.clone(),
        kind: DecisionKind::FalsePositive,
        reach,
        reason: "r".to_owned(),
        until: day(30),
        renews: None,
        assessment: Default::default(),
    };
    world.done(&request, "lead", day(1));
    let code = |event: &Event, by: &str| review(&world.state, event, &person(by), day(2)).err().map(|no| no.code());
    let terms = world.state.decisions[&id].terms();
    let approved = Event::DecisionApproved { decision: id.clone(), terms };
    let of_other = Event::DecisionApproved { decision: id, terms: "what was shown was something else".to_owned() };
    assert_eq!(code(&of_other, "boss"), Some("refusal/unlike"));
    assert_eq!(code(&approved, "boss"), None);
    assert_eq!(code(&approved, "lead"), Some("refusal/own-request"));
    assert_eq!(code(&approved, "ops"), Some("refusal/role"));
    let gone = Event::AssetRetired { asset: asset("a"), reason: "r".to_owned() };
    assert_eq!([code(&gone, "ops"), code(&gone, "boss")], [None, Some("refusal/role")]);
    let looked = Event::AssetScanned { asset: asset("a"), at: day(2) };
    assert_eq!(
        [code(&looked, "agent/a"), code(&looked, "agent/b")],
        [Some("refusal/unlike"), Some("refusal/role")],
        "there is no inventory"
    );
    let taken = |is_late: bool, packages: u64| Event::InventoryTaken {
        asset: asset("a"),
        digest: "d".to_owned(),
        document: "d".to_owned(),
        at: day(1),
        packages,
        unread: 0,
        is_late,
    };
    assert_eq!(
        [code(&taken(false, 1), "agent/a"), code(&taken(true, 1), "agent/a"), code(&taken(false, 0), "agent/a")],
        [None, Some("refusal/unlike"), Some("refusal/empty")]
    );
    let missed = Event::ScanMissed { asset: asset("a"), due: day(1) };
    assert_eq!(code(&missed, "system"), Some("refusal/unlike"));
    let policy = Event::PolicyAdopted {
        name: "p".to_owned(),
        document: "d".to_owned(),
        rule: PolicyRule::default(),
        change: None,
    };
    assert_eq!([code(&policy, "lead"), code(&policy, "ops")], [None, Some("refusal/role")]);
    // All that has happened by the rules passes.
    let mut again = State::default();
    for entry in &world.entries {
        let event = Event::from_entry(again.entries, entry).expect("understood");
        review(&again, &event, &person(&entry.actor), entry.at).expect("by the rules");
        again.apply(entry).expect("taken in");
    }
}
