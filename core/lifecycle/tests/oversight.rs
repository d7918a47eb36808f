//! Exceptions as the policy allows them, attestations of vendors, excuses and escalation.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use jiff::Timestamp;
use plimsoll_lifecycle::{
    Assessment, Attestation, Attributes, Command, DecisionId, DecisionKind, DutyKind, Noticed, Oversight, PolicyRule,
    Reach, Role, Standing, VendorNotice,
};
use std::collections::BTreeSet;
use world::{POLICY, World, asking, asset, at, day, lawful, overseen, person};

fn decision(id: &str) -> DecisionId {
    DecisionId::new(id).expect("an id")
}

fn assessed(controls: &[&str]) -> Assessment {
    Assessment {
        risk: "an attacker needs an account".to_owned(),
        controls: controls.iter().map(|control| (*control).to_owned()).collect(),
        plan: "the vendor delivers in a month".to_owned(),
    }
}

fn exception(id: &str, until: Timestamp, assessment: Assessment) -> Command {
    Command::RequestDecision {
        decision: decision(id),
        kind: DecisionKind::Exception,
        reach: Reach { vulnerability: "CVE-2026-1".to_owned(), package: None, assets: Vec::new() },
        reason: "no patch exists".to_owned(),
        until,
        renews: None,
        assessment,
    }
}

#[test]
fn an_exception_lasts_no_longer_than_the_policy_allows_and_comes_with_what_it_asks() {
    let mut world = overseen();
    let (now, until) = (day(10), day(100));
    let request = |assessment: Assessment| exception("e", until, assessment);
    assert_eq!(world.refused(&request(Assessment::default()), "ops", now), "refusal/not-ready");
    for lacking in [
        Assessment { risk: " ".to_owned(), ..assessed(&["segmentation"]) },
        Assessment { plan: String::new(), ..assessed(&["segmentation"]) },
        assessed(&[]),
    ] {
        assert_eq!(world.refused(&request(lacking), "ops", now), "refusal/not-ready");
    }
    let refused = world.attempt(&request(assessed(&["hope", "segmentation"])), "ops", now).expect_err("refused");
    assert_eq!(refused.code(), "refusal/no-control");
    assert!(refused.to_string().contains("`hope` is none of") && refused.to_string().contains("intrusion prevention"));
    assert_eq!(world.refused(&request(assessed(&["segmentation"])), "lead", now), "refusal/role", "operations ask");
    let second_later = until + jiff::SignedDuration::from_hours(24);
    let refused = world.attempt(&exception("e", second_later, assessed(&["segmentation"])), "ops", now);
    assert_eq!(
        refused.expect_err("too far").to_string().split(',').next(),
        Some("the policy in force allows exceptions of 90 days at most")
    );
    lawful(&mut world, &request(assessed(&["segmentation"])), "ops", now);
    let kept = &world.state.decisions[&decision("e")];
    assert_eq!(kept.assessment, assessed(&["segmentation"]));
    // What is a false positive needs nothing of it, and an approver's word alone.
    let false_positive = Command::RequestDecision {
        decision: decision("f"),
        kind: DecisionKind::FalsePositive,
        reach: Reach { vulnerability: "CVE-2026-1".to_owned(), package: None, assets: Vec::new() },
        reason: "not built in".to_owned(),
        until: day(300),
        renews: None,
        assessment: Assessment::default(),
    };
    lawful(&mut world, &false_positive, "lead", now);
    lawful(&mut world, &Command::AnswerDecision(decision("f"), true), "boss", now);
    assert!(world.state.decisions[&decision("f")].holds(now));
}

#[test]
fn an_exception_holds_once_one_of_each_seat_has_approved_it_and_is_looked_at_again() {
    let mut world = overseen();
    lawful(&mut world, &exception("e", day(95), assessed(&["segmentation"])), "ops", day(10));
    let approve = Command::AnswerDecision(decision("e"), true);
    assert_eq!(world.refused(&approve, "emma", day(11)), "refusal/role");
    lawful(&mut world, &approve, "boss", day(11));
    let known = &world.state.decisions[&decision("e")];
    assert!(!known.holds(day(11)), "half of those who must have approved it");
    assert_eq!(world.state.approvals_missing(known), ["Owner"]);
    assert!(world.state.may_decide(known, &person("lead"), day(11)));
    assert!(!world.state.may_decide(known, &person("boss2"), day(11)));
    assert_eq!(world.refused(&approve, "boss", day(11)), "refusal/no-seat", "one person has one vote");
    assert_eq!(world.refused(&approve, "boss2", day(11)), "refusal/no-seat", "one executive is enough");
    lawful(&mut world, &approve, "lead", day(12));
    let known = &world.state.decisions[&decision("e")];
    assert!(known.holds(day(12)));
    assert_eq!(known.approvers(), [&person("boss"), &person("lead")]);
    let owed = |world: &World, now: Timestamp| world.state.duty("exception#e", now);
    let duty = owed(&world, day(13)).expect("a look is owed");
    assert_eq!((duty.kind, duty.due, duty.standing(day(13))), (DutyKind::ReviewException, day(42), Standing::Due));
    assert_eq!(duty.owners, ["boss", "boss2", "lead", "lead2"].map(person));
    assert!(!duty.is_reminded(day(34)) && duty.is_reminded(day(36)));
    let look = Command::ReviewDecision(decision("e"), "still no patch".to_owned());
    assert_eq!(world.refused(&look, "ops", day(40)), "refusal/role");
    assert_eq!(
        world.refused(&Command::ReviewDecision(decision("e"), " ".to_owned()), "boss2", day(40)),
        "refusal/no-reason"
    );
    lawful(&mut world, &look, "boss2", day(40));
    let duty = owed(&world, day(41)).expect("the next look is owed");
    assert_eq!((duty.due, duty.standing(day(41)), duty.standing(day(71))), (day(70), Standing::Done, Standing::Missed));
    lawful(&mut world, &look, "boss2", day(70));
    assert_eq!(owed(&world, day(71)), None, "it ends before the next look");
    assert_eq!(world.refused(&look, "boss2", day(96)), "refusal/state", "it is over");
}

#[test]
fn what_the_policy_allows_when_an_exception_is_approved_counts_and_nobody_approves_their_own() {
    let mut world = overseen();
    world.done(
        &Command::SetRoles(person("both"), [Role::Operator, Role::Approver].into(), BTreeSet::new()),
        "root",
        day(3),
    );
    lawful(&mut world, &exception("e", day(60), assessed(&["segmentation"])), "both", day(10));
    let approve = Command::AnswerDecision(decision("e"), true);
    assert_eq!(world.refused(&approve, "both", day(11)), "refusal/own-request");
    let stricter = PolicyRule::of(
        &policy::Policy::parse(&POLICY.replace("longest = \"90 days\"", "longest = \"20 days\"")).expect("a policy"),
    );
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "second".to_owned(), rule: stricter };
    world.done(&adopt, "lead", day(12));
    assert_eq!(world.refused(&approve, "boss", day(12)), "refusal/too-far", "it was asked for under another policy");
    lawful(&mut world, &approve, "boss", day(41));
    // One that asks for no more than there is: whoever has said it says it again.
    let one_seat = POLICY.replace("approved-by = [\"executive\", \"owner\"]", "approved-by = [\"executive\"]");
    let rule = PolicyRule::of(&policy::Policy::parse(&one_seat).expect("a policy"));
    world.done(&Command::AdoptPolicy { name: "p".to_owned(), document: "third".to_owned(), rule }, "lead", day(42));
    assert!(!world.state.decisions[&decision("e")].holds(day(42)), "nobody has said the last word");
    lawful(&mut world, &approve, "boss", day(42));
    let known = &world.state.decisions[&decision("e")];
    assert!(known.holds(day(42)) && known.approvers() == [&person("boss")]);
}

#[test]
fn an_exception_that_was_asked_for_without_what_another_policy_needs_is_not_approved() {
    let mut world = overseen();
    let nothing =
        POLICY.replace("needs = [\"risk-assessment\", \"compensating-controls\", \"remediation-plan\"]", "needs = []");
    assert_ne!(nothing, POLICY);
    let adopt = |document: &str, text: &str| {
        let rule = PolicyRule::of(&policy::Policy::parse(text).expect("a policy"));
        Command::AdoptPolicy { name: "p".to_owned(), document: document.to_owned(), rule }
    };
    world.done(&adopt("milder", &nothing), "lead", day(3));
    lawful(&mut world, &exception("e", day(60), Assessment::default()), "ops", day(4));
    world.done(&adopt("first", POLICY), "lead", day(5));
    let approve = Command::AnswerDecision(decision("e"), true);
    assert_eq!(world.refused(&approve, "boss", day(6)), "refusal/not-ready");
}

#[test]
fn whoever_asked_for_an_exception_does_not_excuse_the_look_at_it_nor_sits_down_on_a_seat() {
    let mut world = overseen();
    world.done(
        &Command::SetRoles(person("both"), [Role::Operator, Role::SecurityLead].into(), BTreeSet::new()),
        "root",
        day(3),
    );
    lawful(&mut world, &exception("e", day(60), assessed(&["segmentation"])), "both", day(4));
    for who in ["boss", "lead"] {
        lawful(&mut world, &Command::AnswerDecision(decision("e"), true), who, day(5));
    }
    let excuse = Command::ExcuseDuty("exception#e".to_owned(), day(90), "no time".to_owned());
    assert_eq!(world.refused(&excuse, "both", day(6)), "refusal/own-duty");
    let group = plimsoll_lifecycle::GroupId::new("operations").expect("an id");
    let members = BTreeSet::from([person("root")]);
    let seat = Command::SetGroup(group, "Operations".to_owned(), plimsoll_lifecycle::Source::Local, members);
    assert_eq!(world.refused(&seat, "root", day(6)), "refusal/own-roles");
}

#[test]
fn an_exception_is_looked_at_again_once_a_policy_asks_for_it() {
    let mut world = World::staffed();
    world.done(&exception("e", day(300), Assessment::default()), "ops", day(1));
    world.done(&Command::AnswerDecision(decision("e"), true), "boss", day(2));
    assert_eq!(world.state.duty("exception#e", day(50)), None);
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "first".to_owned(), rule: world::asking() };
    world.done(&adopt, "lead", day(100));
    let duty = world.state.duty("exception#e", day(101)).expect("a look is owed");
    assert_eq!((duty.due, duty.standing(day(101))), (day(130), Standing::Due));
}

#[test]
fn a_vendor_attests_and_attests_again() {
    let mut world = overseen();
    let managed = Attributes { tags: [("vendor-managed".to_owned())].into(), ..Attributes::default() };
    world.done(&Command::RegisterAsset(asset("crm"), managed), "ops", day(1));
    world.done(&Command::RegisterAsset(asset("own"), Attributes::default()), "ops", day(1));
    let owed = |world: &World, now: Timestamp| {
        let duties = world.state.duties(now).into_iter();
        duties.filter(|duty| duty.kind == DutyKind::Attest).collect::<Vec<_>>()
    };
    let duties = owed(&world, day(3));
    assert_eq!(duties.iter().map(|duty| duty.id.as_str()).collect::<Vec<_>>(), ["attest#crm"]);
    assert_eq!(
        (duties[0].since, duties[0].owners.clone()),
        (day(2), vec![person("ops")]),
        "since the policy asks for it"
    );
    let said =
        |statement: &str| Attestation { vendor: "Acme".to_owned(), statement: statement.to_owned(), evidence: None };
    let attest = |id: &str, statement: &str| Command::AttestAsset(asset(id), said(statement));
    assert_eq!(world.refused(&attest("crm", ""), "ops", day(4)), "refusal/no-reason");
    assert_eq!(world.refused(&attest("own", "we patch"), "ops", day(4)), "refusal/state");
    assert_eq!(world.refused(&attest("crm", "we patch"), "emma", day(4)), "refusal/role");
    lawful(&mut world, &attest("crm", "we patch within 14 days"), "ops", day(4));
    let duty = owed(&world, day(5)).remove(0);
    assert_eq!((duty.standing(day(5)), duty.due), (Standing::Done, at("2027-01-05T00:00:00Z")));
    assert_eq!(duty.standing(day(366 + 4)), Standing::Missed);
    // One that is left to its vendor later has its time from then on.
    let managed = Attributes { tags: vec!["vendor-managed".to_owned()], ..Attributes::default() };
    world.done(&Command::ChangeAsset(asset("own"), managed), "ops", day(100));
    let duty = world.state.duty("attest#own", day(101)).expect("an attestation is owed");
    assert_eq!((duty.since, duty.due, duty.standing(day(101))), (day(100), day(114), Standing::Due));
    world.done(&Command::ChangeAsset(asset("own"), Attributes::default()), "ops", day(102));
    world.done(&Command::RetireAsset(asset("crm"), "gone".to_owned()), "ops", day(102));
    assert_eq!(owed(&world, day(103)), []);
    let back = Attributes { tags: [("vendor-managed".to_owned())].into(), ..Attributes::default() };
    world.done(&Command::RegisterAsset(asset("crm"), back), "ops", day(104));
    assert_eq!(owed(&world, day(105))[0].standing(day(105)), Standing::Due, "what comes back is another service");
}

#[test]
fn somebody_is_excused_for_a_time_by_somebody_else() {
    let mut world = overseen();
    let id = "acknowledge#policy#emma";
    let excuse = |until: Timestamp| Command::ExcuseDuty(id.to_owned(), until, "on leave".to_owned());
    assert_eq!(world.refused(&excuse(day(40)), "ops", day(5)), "refusal/role");
    assert_eq!(world.refused(&excuse(day(4)), "lead", day(5)), "refusal/end");
    assert_eq!(
        world.refused(&Command::ExcuseDuty("x#y".to_owned(), day(40), "r".to_owned()), "lead", day(5)),
        "refusal/unknown"
    );
    let own = Command::ExcuseDuty("acknowledge#policy#lead".to_owned(), day(40), "busy".to_owned());
    assert_eq!(world.refused(&own, "lead", day(5)), "refusal/own-duty");
    lawful(&mut world, &excuse(day(40)), "lead", day(5));
    let duty = world.state.duty(id, day(20)).expect("still owed");
    assert_eq!((duty.standing(day(20)), duty.due), (Standing::Excused, day(40)));
    assert!(!duty.is_reminded(day(20)));
    assert_eq!(duty.standing(day(40)), Standing::Due, "the day that it ends it is due");
    assert_eq!(duty.standing(day(41)), Standing::Missed);
    let missed = world.done(&Command::TellMissedDuties, "system", day(20));
    assert!(missed.iter().all(|event| event.subject() != id), "what is excused is not missed");
}

#[test]
fn an_escalation_goes_from_role_to_role_and_ends_where_it_has_been() {
    let oversight = Oversight::of(&policy::Policy::parse(POLICY).expect("a policy"));
    let reached = |hours: i64| {
        let reached = oversight.reached("operations", day(0), day(0) + jiff::SignedDuration::from_hours(hours));
        reached.into_iter().map(|(seat, _)| seat.role.clone()).collect::<Vec<_>>()
    };
    assert_eq!(reached(0), ["operations"]);
    assert_eq!(reached(7), ["operations"]);
    assert_eq!(reached(8), ["operations", "owner"]);
    assert_eq!(reached(31), ["operations", "owner"]);
    assert_eq!(reached(32), ["operations", "owner", "executive"]);
    assert_eq!(reached(10_000), ["operations", "owner", "executive"], "operations were told already");
    assert_eq!(oversight.reached("nobody", day(0), day(9)), []);
    assert_eq!(oversight.operations().map(|seat| seat.role.as_str()), Some("operations"));
}

#[test]
fn what_a_vendor_tells_late_is_late_by_the_policy_that_was_in_force() {
    // It asks for three days.
    let mut world = overseen();
    let tagged = Attributes { tags: vec!["vendor-managed".to_owned()], ..Attributes::default() };
    world.done(&Command::RegisterAsset(asset("crm"), tagged), "ops", day(2));
    world.done(&Command::RegisterAsset(asset("own"), Attributes::default()), "ops", day(2));
    let told = |id: &str, known_since: Timestamp| {
        let said = Attestation { vendor: "Acme".to_owned(), statement: "all of it".to_owned(), evidence: None };
        let notice = VendorNotice { vulnerability: "CVE-2026-7".to_owned(), known_since, said };
        Command::NoteVendorNotice(asset(id), notice)
    };
    assert_eq!(world.refused(&told("own", day(1)), "ops", day(2)), "refusal/state");
    assert_eq!(world.refused(&told("crm", day(3)), "ops", day(2)), "refusal/state", "nobody knows what is not yet");
    assert_eq!(world.refused(&told("crm", day(1)), "boss", day(2)), "refusal/role");
    lawful(&mut world, &told("crm", day(7)), "ops", day(10));
    lawful(&mut world, &told("crm", day(2)), "ops", day(11));
    let mut silent = asking();
    silent.governance.oversight.notify = None;
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "second".to_owned(), rule: silent };
    world.done(&adopt, "lead", day(12));
    lawful(&mut world, &told("crm", day(2)), "ops", day(13));
    let in_time: Vec<Option<bool>> = world.asset("crm").notices.iter().map(Noticed::is_in_time).collect();
    assert_eq!(in_time, [Some(true), Some(false), None]);
}

#[test]
fn what_older_programs_wrote_of_a_policy_is_known_again() {
    let text = policy::PROFILES[0].whole().expect("a profile");
    let own = PolicyRule::of(&policy::Policy::parse(&text).expect("a policy"));
    let json = serde_json::to_string(&own).expect("JSON");
    assert!(json.contains("\"notify\":") && json.contains("\"patches-own\":true"), "{json}");
    for earlier in own.earlier_forms() {
        let json = serde_json::to_string(&earlier).expect("JSON");
        assert!(!json.contains("\"notify\":") && !json.contains("patches-own"), "{json}");
        assert_ne!(earlier, own);
    }
}
