//! Changes: who plans, tests, approves and carries them out, and in which order.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use change::{Audience, Came, Happening, Planned, Stage};
use jiff::SignedDuration;
use plimsoll_lifecycle::{Attributes, ChangeId, Command, DutyKind, PersonId, PolicyRule, Role, Standing};
use policy::Policy;
use policy::promises::{ChangeType, Need};
use std::collections::BTreeSet;
use world::{World, asset, at, day};

const GATES: &str = r#"
name = "p"
[[class]]
id = "all"
title = "All"
due = "30 days"
clock = ["patch-available"]
[[role]]
id = "executive"
title = "Executive"
holds = ["approver"]
[[role]]
id = "operations"
title = "Operations"
holds = ["operator", "security-lead"]
[testing]
environments = ["staging"]
tests = ["it starts", "it answers"]
soak = "2 days"
rollback-plan = true
[deployment]
failure-threshold = 5
[deployment.notice]
customers = "2 days"
[[gate]]
change = "standard"
needs = ["rollback-plan"]
[[gate]]
change = "normal"
needs = ["tests", "soak", "rollback-plan", "notice"]
requested-by = ["operations"]
approved-by = ["executive"]
[[gate]]
change = "emergency"
needs = ["rollback-plan"]
requested-by = ["operations"]
approved-by = ["executive"]
[emergency]
classes = ["all"]
within = "72 hours"
skips = ["tests", "soak", "notice"]
[[emergency.owes]]
what = "an approval after the fact"
by = "executive"
within = "3 days"
"#;

fn id(text: &str) -> ChangeId {
    ChangeId::new(text).expect("an id")
}

fn planned(kind: ChangeType) -> Planned {
    Planned {
        plan: "digest".to_owned(),
        kind,
        title: "openssl".to_owned(),
        assets: 3,
        test_assets: 1,
        teams: None,
        until: day(60),
        has_way_back: true,
    }
}

/// A world under the policy above, with assets `a`, `b` and a normal change `c`.
fn world() -> World {
    let mut world = World::staffed();
    let policy = Policy::parse(GATES).expect("a policy");
    let adopt =
        Command::AdoptPolicy { name: "p".to_owned(), document: "policy".to_owned(), rule: PolicyRule::of(&policy) };
    world.done(&adopt, "lead", day(0));
    for name in ["a", "b"] {
        world.done(&Command::RegisterAsset(asset(name), Attributes::default()), "ops", day(0));
    }
    let what = Happening::Planned(planned(ChangeType::Normal));
    world.done(&Command::Change(id("c"), what), "ops", day(1));
    world
}

fn happens(what: Happening) -> Command {
    Command::Change(id("c"), what)
}

fn test(name: &str, has_passed: bool) -> Command {
    let words = if has_passed { String::new() } else { "it did not".to_owned() };
    happens(Happening::Tested { test: name.to_owned(), has_passed, words, evidence: None })
}

fn approved() -> Command {
    happens(Happening::Approved { plan: "digest".to_owned() })
}

fn came(name: &str, came: Came) -> Command {
    happens(Happening::Asset { asset: asset(name), came, words: String::new(), log: None })
}

fn opened(tested_since: Option<jiff::Timestamp>) -> Command {
    happens(Happening::Opened { tested_since, skipped: BTreeSet::new() })
}

#[test]
fn a_normal_change_passes_every_gate_in_its_order() {
    let mut world = world();
    assert_eq!(world.refused(&came("a", Came::Begun), "ops", day(1)), "refusal/state", "it has not started");
    assert_eq!(world.refused(&test("it starts", true), "ops", day(1)), "refusal/not-ready", "it runs nowhere");
    world.done(&happens(Happening::Started {}), "ops", day(1));
    world.done(&came("a", Came::Begun), "agent/a", day(1));
    world.done(&came("a", Came::Installed), "agent/a", day(1));
    world.done(&came("a", Came::Verified), "system", day(1));
    assert_eq!(world.refused(&approved(), "boss", day(1)), "refusal/not-ready", "nobody approves what was not tested");
    world.done(&test("it starts", true), "ops", day(1));
    assert_eq!(world.refused(&test("it starts", false), "boss", day(1)), "refusal/role");
    world.done(&test("it answers", false), "ops", day(1));
    assert_eq!(world.refused(&approved(), "boss", day(2)), "refusal/not-ready", "a test has failed");
    world.done(&test("it answers", true), "ops", day(2));
    world.done(&approved(), "boss", day(2));
    world.done(&test("it answers", false), "ops", day(2));
    world.done(&test("it answers", true), "ops", day(2));
    let change = &world.state.changes[&id("c")];
    assert!(change.approvals.is_empty(), "who approved has seen another result");
    assert_eq!(world.refused(&test("it sings", true), "ops", day(2)), "refusal/unknown");
    assert_eq!(world.refused(&approved(), "ops", day(2)), "refusal/own-request");
    assert_eq!(world.refused(&approved(), "lead", day(2)), "refusal/no-seat");
    let other = happens(Happening::Approved { plan: "another".to_owned() });
    assert_eq!(world.refused(&other, "boss", day(2)), "refusal/state");
    world.done(&approved(), "boss", day(2));

    // Customers were not told, and it has not run for two days.
    assert_eq!(world.refused(&opened(Some(day(1))), "system", day(2)), "refusal/not-ready");
    let noticed = Happening::Noticed { audience: Audience::Customers, words: "on Sunday".to_owned() };
    world.done(&happens(noticed), "ops", day(2));
    assert_eq!(world.refused(&opened(Some(day(1))), "system", day(3)), "refusal/not-ready", "told a day ago");
    let change = world.state.changes[&id("c")].clone();
    assert_eq!(world.state.change_lacks(&change, Some(day(1)), day(4)), Vec::<String>::new());
    let lacks = world.state.change_lacks(&change, None, day(4));
    assert_eq!(lacks, ["2 days in the test environments, which are not through"]);
    assert_eq!(world.refused(&opened(None), "system", day(4)), "refusal/not-ready");
    world.done(&opened(Some(day(1))), "system", day(4));
    assert_eq!(world.refused(&opened(Some(day(1))), "system", day(4)), "refusal/state", "once");
    assert_eq!(world.refused(&test("it starts", false), "ops", day(4)), "refusal/state", "the gate is passed");

    world.done(&came("b", Came::Begun), "agent/b", day(4));
    assert_eq!(world.refused(&happens(Happening::Ended {}), "system", day(4)), "refusal/state", "one is under way");
    world.done(&came("b", Came::Failed), "agent/b", day(4));
    world.done(&happens(Happening::Ended {}), "system", day(5));
    let change = &world.state.changes[&id("c")];
    assert_eq!((change.stage, change.came[&Came::Verified], change.came[&Came::Failed]), (Stage::Ended, 1, 1));
    assert_eq!(world.refused(&came("b", Came::Begun), "agent/b", day(5)), "refusal/state", "what is over is over");
}

#[test]
fn an_agent_speaks_of_its_own_asset_alone_and_holds_nothing() {
    let mut world = world();
    world.done(&happens(Happening::Started {}), "ops", day(1));
    assert_eq!(world.refused(&came("b", Came::Begun), "agent/a", day(1)), "refusal/role");
    world.done(&came("a", Came::Begun), "agent/a", day(1));
    world.done(&came("a", Came::Installed), "agent/a", day(1));
    for shown in [Came::Verified, Came::RestartPending, Came::RolledBack, Came::Silent, Came::PassedOver] {
        assert_eq!(
            world.refused(&came("a", shown), "agent/a", day(1)),
            "refusal/role",
            "an inventory or the time shows it"
        );
    }
    let paused = happens(Happening::Paused { reason: "no".to_owned() });
    assert_eq!(world.refused(&paused, "agent/a", day(1)), "refusal/role");
    assert_eq!(world.refused(&came("a", Came::LeftOut), "agent/a", day(1)), "refusal/role");
    assert_eq!(world.refused(&came("a", Came::LeftOut), "ops", day(1)), "refusal/no-reason");
}

#[test]
fn two_changes_never_act_on_one_asset_at_the_same_time() {
    let mut world = world();
    world.done(&happens(Happening::Started {}), "ops", day(1));
    let other = |what| Command::Change(id("d"), what);
    world.done(&other(Happening::Planned(planned(ChangeType::Standard))), "ops", day(1));
    world.done(&other(Happening::Started {}), "ops", day(1));
    world.done(&came("a", Came::Begun), "agent/a", day(1));
    let begun = Happening::Asset { asset: asset("a"), came: Came::Begun, words: String::new(), log: None };
    assert_eq!(world.refused(&other(begun.clone()), "agent/a", day(1)), "refusal/not-ready");
    world.done(&came("a", Came::Failed), "agent/a", day(1));
    world.done(&other(begun), "agent/a", day(1));
}

#[test]
fn whoever_operates_or_approves_holds_a_change_and_only_who_operates_lets_it_go_on() {
    let mut world = world();
    let words = || "the shop is slow".to_owned();
    let (paused, resumed) = (Happening::Paused { reason: words() }, Happening::Resumed { reason: words() });
    assert_eq!(world.refused(&happens(paused.clone()), "boss", day(1)), "refusal/state", "it has not started");
    world.done(&happens(Happening::Started {}), "ops", day(1));
    assert_eq!(
        world.refused(&happens(Happening::Paused { reason: " ".to_owned() }), "boss", day(1)),
        "refusal/no-reason"
    );
    world.done(&happens(paused), "boss", day(1));
    assert_eq!(world.refused(&came("a", Came::Begun), "agent/a", day(1)), "refusal/state");
    assert_eq!(world.refused(&happens(resumed.clone()), "boss", day(1)), "refusal/role");
    world.done(&happens(resumed), "ops", day(1));
    world.done(&happens(Happening::Stopped { reason: words() }), "system", day(1));
    world.done(&happens(Happening::TakenBack { reason: words() }), "ops", day(1));
    assert_eq!(world.state.changes[&id("c")].stage, Stage::RollingBack);
    world.done(&came("a", Came::RollingBack), "agent/a", day(1));
    world.done(&came("a", Came::RolledBack), "system", day(1));
}

#[test]
fn an_emergency_skips_what_it_may_and_owes_it_afterwards() {
    let mut world = world();
    let own = |what| Command::Change(id("e"), what);
    world.done(&own(Happening::Planned(planned(ChangeType::Emergency))), "ops", day(1));
    world.done(&own(Happening::Started {}), "ops", day(1));
    let skipped = BTreeSet::from([Need::Tests, Need::Soak, Need::Notice]);
    let open = |skipped: &BTreeSet<Need>| own(Happening::Opened { tested_since: None, skipped: skipped.clone() });
    assert_eq!(world.refused(&open(&skipped), "ops", day(1)), "refusal/not-ready", "it is approved all the same");
    world.done(&own(Happening::Approved { plan: "digest".to_owned() }), "boss", day(1));
    assert_eq!(world.refused(&open(&BTreeSet::new()), "ops", day(1)), "refusal/unlike", "what is skipped is said");
    world.done(&open(&skipped), "ops", day(1));
    let owed = world.state.changes[&id("e")].owed.clone();
    assert_eq!((owed.len(), owed[0].due), (1, day(1) + SignedDuration::from_hours(72)));
    let settled = |words: &str| own(Happening::Settled { owed: 0, words: words.to_owned() });
    assert_eq!(world.refused(&settled("seen"), "ops", day(2)), "refusal/own-request");
    assert_eq!(world.refused(&settled("seen"), "lead", day(2)), "refusal/no-seat");
    let duties = |world: &World, at| {
        let settles = |duty: &plimsoll_lifecycle::Duty| duty.kind == DutyKind::Settle;
        let all = world.state.duties(at).into_iter().filter(settles);
        all.map(|duty| (duty.id.clone(), duty.owners.clone(), duty.due, duty.standing(at))).collect::<Vec<_>>()
    };
    let due = owed[0].due;
    let owes = |standing| vec![("settle#e#0".to_owned(), vec![PersonId::new("boss").expect("an id")], due, standing)];
    assert_eq!(duties(&world, day(2)), owes(Standing::Due));
    assert_eq!(world.state.duty("settle#e#0", day(2)).map(|duty| duty.due), Some(due));
    assert_eq!(world.state.duty("settle#e#1", day(2)), None);
    // Not done in time it is a violation of the role that owes it, and stays owed.
    assert_eq!(duties(&world, day(6)), owes(Standing::Missed));
    world.done(&Command::TellMissedDuties, "system", day(6));
    assert_eq!(world.state.missed.keys().collect::<Vec<_>>(), ["settle#e#0"]);
    world.done(&settled("seen, and it was right"), "boss", day(6));
    assert_eq!(duties(&world, day(6)), []);
    assert_eq!(world.refused(&settled("again"), "boss", day(6)), "refusal/unknown");
}

#[test]
fn who_may_not_ask_plans_nothing_and_a_plan_has_an_end() {
    let mut world = world();
    let plan = |id_: &str, planned: Planned| Command::Change(id(id_), Happening::Planned(planned));
    assert_eq!(world.refused(&plan("x", planned(ChangeType::Normal)), "boss", day(1)), "refusal/role");
    assert_eq!(world.refused(&plan("c", planned(ChangeType::Normal)), "ops", day(1)), "refusal/exists");
    let late = Planned { until: at("2028-01-01T00:00:00Z"), ..planned(ChangeType::Normal) };
    assert_eq!(world.refused(&plan("x", late), "ops", day(1)), "refusal/end");
    let nameless = Planned { title: " ".to_owned(), ..planned(ChangeType::Normal) };
    assert_eq!(world.refused(&plan("x", nameless), "ops", day(1)), "refusal/no-title");
    let declined = happens(Happening::Declined { reason: "not now".to_owned() });
    assert_eq!(world.refused(&declined, "ops", day(1)), "refusal/role");
    world.done(&declined, "boss", day(1));
    assert_eq!(world.refused(&happens(Happening::Started {}), "ops", day(1)), "refusal/state");
}

#[test]
fn what_happened_is_read_again_as_it_was() {
    let mut world = world();
    world.done(&happens(Happening::Started {}), "ops", day(1));
    world.done(&came("a", Came::Begun), "agent/a", day(1));
    let again = world.entries.iter().fold(plimsoll_lifecycle::State::default(), |mut state, entry| {
        state.apply(entry).expect("taken in");
        state
    });
    assert_eq!(again, world.state);
}

#[test]
fn who_may_patch_their_own_carries_out_changes_of_their_own_teams_and_no_others() {
    let mut world = World::staffed();
    let developer = "[[role]]\nid = \"developer\"\ntitle = \"Developer\"\nholds = [\"developer\"]\n";
    let adopt = |more: &str| {
        let policy = Policy::parse(&format!("{GATES}{developer}{more}")).expect("a policy");
        Command::AdoptPolicy { name: "p".to_owned(), document: "policy".to_owned(), rule: PolicyRule::of(&policy) }
    };
    world.done(&adopt(""), "lead", day(0));
    let teams = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    let set = Command::SetRoles(world::person("dora"), BTreeSet::from([Role::Developer]), teams(&["web"]));
    world.done(&set, "root", day(0));
    for name in ["a", "b"] {
        let attributes = Attributes { owner: Some("web".to_owned()), ..Attributes::default() };
        world.done(&Command::RegisterAsset(asset(name), attributes), "ops", day(0));
    }
    let of = |kind: ChangeType, own: Option<&[&str]>| {
        let planned = Planned { teams: own.map(teams), test_assets: 0, ..planned(kind) };
        happens(Happening::Planned(planned))
    };
    let own = of(ChangeType::Standard, Some(&["web"]));
    assert_eq!(
        world.refused(&own, "dora", day(1)),
        "refusal/role",
        "the policy does not say that they patch their own"
    );
    world.done(&adopt("patches-own = true\n"), "lead", day(1));
    for others in [of(ChangeType::Standard, Some(&["web", "shop"])), of(ChangeType::Standard, None)] {
        assert_eq!(world.refused(&others, "dora", day(1)), "refusal/role");
    }
    let none = of(ChangeType::Standard, Some(&[]));
    assert_eq!(world.refused(&none, "dora", day(1)), "refusal/role");
    // Where the policy names who asks, it is those.
    assert_eq!(world.refused(&of(ChangeType::Normal, Some(&["web"])), "dora", day(1)), "refusal/role");
    world.done(&own, "dora", day(1));
    world.done(&happens(Happening::Started {}), "dora", day(1));
    world.done(&came("a", Came::Begun), "dora", day(1));
    world.done(&came("a", Came::Failed), "dora", day(1));
    world.done(&happens(Happening::Paused { reason: "it fails".to_owned() }), "dora", day(1));
    world.done(&happens(Happening::Aborted { reason: "it fails".to_owned() }), "dora", day(1));
    // Of somebody else's change they say nothing.
    let what = Happening::Planned(Planned { teams: Some(teams(&["shop"])), ..planned(ChangeType::Standard) });
    world.done(&Command::Change(id("d"), what), "ops", day(1));
    for what in [Happening::Started {}, Happening::Aborted { reason: "no".to_owned() }] {
        assert_eq!(world.refused(&Command::Change(id("d"), what), "dora", day(1)), "refusal/role");
    }
}
