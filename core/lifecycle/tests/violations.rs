//! Violations: told by day, numbered and answered as the policy says, and held against the rules again.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use jiff::Timestamp;
use plimsoll_lifecycle::{
    Assessment, Attributes, Breach, BreachKind, Command, DecisionId, DecisionKind, Event, Exposure, Opened, Party,
    PolicyRule, Reach, Role, Violation, review,
};
use std::collections::BTreeSet;
use world::{POLICY, World, asset, day, lawful, overseen, person};

fn breach(number: i64, team: &str, count: u64) -> Breach {
    let day = plimsoll_lifecycle::day_of(day(number));
    Breach { day, kind: BreachKind::Deadline, party: Party::Team(team.to_owned()), count }
}

/// Tells everything that is to be told as of an instant.
fn tell(world: &mut World, deadlines: &[Breach], now: Timestamp) -> Vec<Event> {
    let (first, last) = world.state.days_to_tell(now).expect("a day is over");
    lawful(world, &Command::TellViolations(first, last, deadlines.to_vec()), "system", now)
}

fn opened(events: &[Event]) -> Vec<(u64, Option<&'static str>)> {
    let opened = events.iter().filter_map(|event| match event {
        Event::ViolationOpened(opened) => Some((opened.number, opened.step.map(policy::promises::ResponseStep::word))),
        _ => None,
    });
    opened.collect()
}

fn violation<'w>(world: &'w World, id: &str) -> &'w Violation {
    &world.state.violations[id]
}

#[test]
fn violations_are_told_by_day_also_where_there_are_none_and_each_is_answered_as_often_as_it_came() {
    let mut world = overseen();
    assert_eq!(opened(&tell(&mut world, &[], day(10))), [], "a day without any");
    assert_eq!(world.state.days_to_tell(day(10)), None, "and it is told once");
    let twice = Command::TellViolations(
        plimsoll_lifecycle::day_of(day(9)),
        plimsoll_lifecycle::day_of(day(9)),
        vec![breach(9, "web", 1)],
    );
    assert_eq!(world.done(&twice, "system", day(10)), []);
    assert_eq!(
        opened(&tell(&mut world, &[breach(10, "web", 3), breach(10, "db", 1)], day(11))),
        [(1, Some("training")); 2]
    );
    // Several days at once: each counts by itself, in the order of the days.
    let events = tell(&mut world, &[breach(13, "web", 1), breach(11, "web", 2), breach(12, "web", 1)], day(14));
    assert_eq!(opened(&events), [(2, Some("training")), (3, Some("process-review")), (4, Some("access-restriction"))]);
    // A month later only what counts for a year is left.
    assert_eq!(opened(&tell(&mut world, &[breach(59, "web", 1)], day(60))), [(5, Some("access-restriction"))]);
    assert_eq!(opened(&tell(&mut world, &[breach(60, "db", 1)], day(61))), [(1, Some("training"))]);
    let id = "2026-01-11#deadline#team/web";
    assert_eq!(violation(&world, id).word(), "open");
    assert_eq!(violation(&world, id).opened.breach.kind.words(3), "3 findings passed their deadlines");
    let answer = |id: &str, is_excused: bool| {
        Command::AnswerViolation(id.to_owned(), "the team was trained".to_owned(), is_excused)
    };
    let duty = world.state.duty(&format!("respond#{id}"), day(12)).expect("an answer is owed");
    assert_eq!((duty.owners.clone(), duty.title.as_str()), (vec![person("ops")], "training for team web"));
    assert_eq!(world.refused(&answer(id, false), "boss", day(61)), "refusal/role", "it is for operations to see to");
    assert_eq!(world.refused(&answer(id, true), "ops", day(61)), "refusal/role", "operations excuse nothing");
    lawful(&mut world, &answer(id, false), "ops", day(61));
    assert_eq!(violation(&world, id).word(), "answered");
    assert_eq!(world.state.duty(&format!("respond#{id}"), day(61)), None);
    assert_eq!(world.refused(&answer(id, true), "boss", day(61)), "refusal/state", "it is answered");
    // What is excused does not count.
    lawful(&mut world, &answer("2026-03-01#deadline#team/web", true), "lead", day(61));
    assert_eq!(violation(&world, "2026-03-01#deadline#team/web").word(), "excused");
    assert_eq!(opened(&tell(&mut world, &[breach(61, "web", 1)], day(62))), [(5, Some("access-restriction"))]);
    assert_eq!(world.refused(&answer("2026-01-01#deadline#team/web", false), "ops", day(62)), "refusal/unknown");
}

#[test]
fn missed_duties_are_violations_of_those_whose_they_were() {
    let mut world = overseen();
    tell(&mut world, &[], day(4));
    let missed = lawful(&mut world, &Command::TellMissedDuties, "system", day(17));
    assert_eq!(missed.len(), 7, "nobody has read the policy: {missed:?}");
    let events = tell(&mut world, &[], day(17));
    assert_eq!(opened(&events), [(1, Some("training")); 7]);
    let id = "2026-01-17#duty#person/ops";
    assert_eq!(violation(&world, id).opened.breach.party, Party::Person(person("ops")));
    let answer = |is_excused: bool| Command::AnswerViolation(id.to_owned(), "seen to".to_owned(), is_excused);
    assert_eq!(world.refused(&answer(false), "ops", day(18)), "refusal/own-violation");
    // The only one on the seat answers not for themselves: who answers for all of it does.
    assert!(world.state.may_answer(violation(&world, id), &person("lead")));
    lawful(&mut world, &answer(false), "lead", day(18));
    let own = "2026-01-17#duty#person/lead";
    let excuse = Command::AnswerViolation(own.to_owned(), "was ill".to_owned(), true);
    assert_eq!(world.refused(&excuse, "lead", day(18)), "refusal/own-violation");
    lawful(&mut world, &excuse, "boss", day(18));
}

#[test]
fn whoever_plays_the_ledger_again_finds_violations_that_were_left_out_made_up_or_answered_otherwise() {
    let mut world = overseen();
    tell(&mut world, &[], day(4));
    lawful(&mut world, &Command::TellMissedDuties, "system", day(17));
    let before = world.state.clone();
    let (first, last) = before.days_to_tell(day(17)).expect("days are over");
    let command = Command::TellViolations(first, last, vec![breach(12, "web", 2)]);
    let events = world.done(&command, "system", day(17));
    let system = person("system");
    let told = Event::ViolationsTold { from: first, until: last, violations: 0, is_judged: false };
    assert!(review(&before, &told, &system, day(17)).is_err(), "seven were left out");
    let Some(Event::ViolationOpened(one)) = events.first() else { panic!("{events:?}") };
    for changed in [
        Opened { number: 2, ..one.clone() },
        Opened { step: None, ..one.clone() },
        Opened { by: None, ..one.clone() },
        Opened { id: "x".to_owned(), ..one.clone() },
        Opened { breach: Breach { count: 0, ..one.breach.clone() }, ..one.clone() },
        Opened { breach: breach(17, "web", 1), id: breach(17, "web", 1).id(), ..one.clone() },
        Opened { breach: breach(1, "web", 1), id: breach(1, "web", 1).id(), ..one.clone() },
    ] {
        let made_up = Event::ViolationOpened(changed.clone());
        assert!(review(&before, &made_up, &system, day(17)).is_err(), "{changed:?}");
    }
    // A duty too many: the day that is told does not fit.
    let mut again = before;
    for event in &events[..events.len() - 1] {
        again.apply(&event.to_entry(day(17), &system).expect("an entry")).expect("taken in");
    }
    let told = events.last().expect("the days are told");
    assert_eq!(review(&again, told, &system, day(17)), Ok(()));
    let party = Party::Person(person("nobody"));
    let breach = Breach { day: last, kind: BreachKind::Duty, party, count: 1 };
    let extra = Opened { id: breach.id(), breach, ..one.clone() };
    let number = 1;
    again
        .apply(&Event::ViolationOpened(Opened { number, ..extra }).to_entry(day(17), &system).expect("an entry"))
        .expect("taken in");
    assert!(review(&again, told, &system, day(17)).is_err(), "one that nobody missed");
}

#[test]
fn nothing_is_a_violation_before_there_is_a_policy() {
    assert_eq!(World::staffed().state.days_to_tell(day(10)), None);
    let world = overseen();
    assert_eq!(world.state.days_to_tell(day(3)), None, "it was in force for a part of that day");
    let first = plimsoll_lifecycle::day_of(day(3));
    assert_eq!(world.state.days_to_tell(day(4)), Some((first, first)));
}

#[test]
fn nobody_answers_or_excuses_what_their_team_broke() {
    let mut world = overseen();
    let set = |who: &str, role: Role, team: &str| {
        Command::SetRoles(person(who), [role].into(), BTreeSet::from([team.to_owned()]))
    };
    world.done(&set("ops", Role::Operator, "web"), "root", day(3));
    world.done(&set("lead", Role::SecurityLead, "web"), "root", day(3));
    tell(&mut world, &[breach(9, "web", 1)], day(10));
    let id = "2026-01-10#deadline#team/web";
    let answer = |is_excused: bool| Command::AnswerViolation(id.to_owned(), "seen to".to_owned(), is_excused);
    for (who, is_excused) in [("ops", false), ("lead", false), ("lead", true)] {
        assert_eq!(world.refused(&answer(is_excused), who, day(10)), "refusal/own-violation", "{who}");
    }
    let duty = world.state.duty(&format!("respond#{id}"), day(10)).expect("an answer is owed");
    assert_eq!(duty.owners, ["boss", "boss2", "lead2"].map(person), "by those who may answer, and nobody else");
    let excuse = |who: &str, world: &mut World| {
        world.refused(&Command::ExcuseDuty(duty.id.clone(), day(90), "no time".to_owned()), who, day(10))
    };
    assert_eq!(excuse("lead", &mut world), "refusal/own-duty", "nor the answer to it");
    assert_eq!(excuse("boss", &mut world), "refusal/own-duty");
    // Whoever leaves the team afterwards has broken it all the same.
    let moved = Command::SetRoles(world::person("lead"), [Role::SecurityLead].into(), ["other".to_owned()].into());
    lawful(&mut world, &moved, "root", day(11));
    for is_excused in [false, true] {
        assert_eq!(world.refused(&answer(is_excused), "lead", day(12)), "refusal/own-violation");
    }
    lawful(&mut world, &answer(false), "boss", day(11));
    // Whether there is one is not told to everybody.
    assert_eq!(world.refused(&answer(false), "emma", day(11)), "refusal/unknown");
    assert_eq!(world.refused(&answer(false), "boss", day(11)), "refusal/state");
}

#[test]
fn days_that_are_told_late_count_by_when_promises_were_broken() {
    let mut world = overseen();
    tell(&mut world, &[], day(5));
    let events = tell(&mut world, &[breach(11, "web", 1), breach(12, "web", 1), breach(43, "web", 1)], day(46));
    let training = Some("training");
    assert_eq!(opened(&events), [(1, training), (2, training), (1, training)], "the third is a month later");
}

#[test]
fn a_missed_scan_is_a_violation_of_the_team_also_where_an_earlier_one_is_told_after_it() {
    let mut world = overseen();
    let said = |exposure: Exposure, owner: Option<&str>| Attributes {
        owner: owner.map(str::to_owned),
        exposure: Some(exposure),
        ..Attributes::default()
    };
    world.done(&Command::RegisterAsset(asset("a"), said(Exposure::Internal, Some("web"))), "ops", day(3));
    world.done(&Command::RegisterAsset(asset("b"), said(Exposure::Internal, None)), "ops", day(3));
    tell(&mut world, &[], day(34));
    assert_eq!(lawful(&mut world, &Command::TellMissedScans, "system", day(35)).len(), 2);
    world.done(&Command::ChangeAsset(asset("a"), said(Exposure::Exposed, Some("web"))), "ops", day(35));
    let told = lawful(&mut world, &Command::TellMissedScans, "system", day(35));
    assert_eq!(told, [Event::ScanMissed { asset: asset("a"), due: day(10) }]);
    assert_eq!(world.asset("a").missed_scans, [day(34), day(10)]);
    tell(&mut world, &[], day(35));
    let ids: Vec<&str> = world.state.violations.keys().map(String::as_str).collect();
    assert_eq!(ids, ["2026-02-04#scan#nobody", "2026-02-04#scan#team/web"]);
    assert_eq!(violation(&world, ids[1]).opened.breach.kind.words(1), "1 asset was not looked at in time");
}

#[test]
fn what_a_role_owes_is_a_violation_of_the_role_and_an_answer_that_nobody_gives_opens_no_other_one() {
    let mut world = overseen();
    let managed = Attributes { tags: vec!["vendor-managed".to_owned()], ..Attributes::default() };
    world.done(&Command::RegisterAsset(asset("crm"), managed), "ops", day(3));
    for who in ["root", "boss", "lead", "ops", "boss2", "lead2", "emma"] {
        world.done(&Command::Acknowledge(plimsoll_lifecycle::DocumentId::policy(), "first".to_owned()), who, day(3));
    }
    tell(&mut world, &[breach(4, "web", 1)], day(5));
    lawful(&mut world, &Command::TellMissedDuties, "system", day(18));
    tell(&mut world, &[], day(18));
    let id = "2026-01-18#duty#role/operations";
    assert_eq!(violation(&world, id).opened.breach.party, Party::Role("operations".to_owned()));
    assert_eq!(violation(&world, id).opened.step.map(policy::promises::ResponseStep::word), Some("training"));
    let answer = Command::AnswerViolation(id.to_owned(), "seen to".to_owned(), false);
    assert_eq!(world.refused(&answer, "ops", day(18)), "refusal/own-violation");
    // Nobody answers the first one for two weeks: that is missed, and told, and no violation.
    let missed = lawful(&mut world, &Command::TellMissedDuties, "system", day(21));
    assert!(missed.iter().any(|event| event.subject() == "respond#2026-01-05#deadline#team/web"), "{missed:?}");
    assert_eq!(opened(&tell(&mut world, &[], day(22))), []);
}

#[test]
fn whoever_comes_under_the_id_of_somebody_who_was_erased_begins_anew() {
    let mut world = overseen();
    lawful(&mut world, &Command::TellMissedDuties, "system", day(17));
    tell(&mut world, &[], day(17));
    let id = "acknowledge#policy#emma";
    lawful(&mut world, &Command::ExcuseDuty(id.to_owned(), day(200), "ill".to_owned()), "lead", day(18));
    lawful(&mut world, &Command::ErasePerson(person("emma")), "root", day(19));
    world.done(&Command::SetRoles(person("emma"), [Role::Employee].into(), BTreeSet::new()), "root", day(25));
    let duty = world.state.duty(id, day(30)).expect("she is to read it");
    assert_eq!((duty.excused.clone(), duty.due), (None, day(39)), "somebody else was excused");
    lawful(&mut world, &Command::TellMissedDuties, "system", day(40));
    tell(&mut world, &[], day(40));
    assert_eq!(violation(&world, "2026-02-09#duty#person/emma").opened.number, 1);
}

#[test]
fn a_policy_without_answers_notes_violations_and_asks_for_none() {
    let mut world = World::staffed();
    let text = POLICY.split("[[response]]").next().expect("the head").to_owned()
        + POLICY.split_once("by = \"executive\"").expect("the classes").1;
    let rule = PolicyRule::of(&policy::Policy::parse(&text).expect("a policy"));
    world.done(&Command::AdoptPolicy { name: "p".to_owned(), document: "d".to_owned(), rule }, "lead", day(2));
    assert_eq!(opened(&tell(&mut world, &[breach(9, "web", 1)], day(10))), [(1, None)]);
    let id = "2026-01-10#deadline#team/web";
    assert_eq!((violation(&world, id).word(), violation(&world, id).waits()), ("noted", false));
    assert_eq!(world.state.duty(&format!("respond#{id}"), day(11)), None);
}

/// Whoever lost their roles for an hour had their violations of before left out when they were told, and counted when they were checked.
#[test]
fn roles_that_go_and_come_back_change_no_count_and_are_told_as_they_are_checked() {
    let mut world = overseen();
    tell(&mut world, &[], day(15));
    lawful(&mut world, &Command::TellMissedDuties, "system", day(17));
    tell(&mut world, &[], day(17));
    let roles = |roles: &[Role]| Command::SetRoles(person("emma"), roles.iter().copied().collect(), BTreeSet::new());
    world.done(&roles(&[]), "root", day(18));
    world.done(&roles(&[Role::Employee]), "root", day(18));
    lawful(&mut world, &Command::TellMissedDuties, "system", day(33));
    tell(&mut world, &[], day(34));
    let own: Vec<&Violation> = world
        .state
        .violations
        .values()
        .filter(|known| known.opened.breach.party == Party::Person(person("emma")))
        .collect();
    assert_eq!(own.iter().map(|known| known.opened.number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn another_policy_in_force_leaves_no_day_untold() {
    let mut world = overseen();
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "second".to_owned(), rule: world::asking() };
    world.done(&adopt, "lead", day(9));
    let last = plimsoll_lifecycle::day_of(day(9));
    assert_eq!(world.state.days_to_tell(day(10)), Some((last, last)));
}

#[test]
fn whoever_puts_themselves_into_a_group_gets_no_role_of_a_policy_that_comes_later() {
    let mut world = overseen();
    let group = plimsoll_lifecycle::GroupId::new("management").expect("an id");
    let set = |members: &[&str]| {
        let members = members.iter().map(|who| person(who)).collect();
        Command::SetGroup(group.clone(), "Management".to_owned(), plimsoll_lifecycle::Source::Local, members)
    };
    lawful(&mut world, &set(&["root", "emma"]), "root", day(3));
    let text = POLICY.replace("\"executive\"", "\"management\"").replace("holds = [\"approver\"]", "holds = []");
    let rule = PolicyRule::of(&policy::Policy::parse(&text).expect("a policy"));
    world.done(&Command::AdoptPolicy { name: "p".to_owned(), document: "second".to_owned(), rule }, "lead", day(4));
    let seat = world.state.seat_called("management").expect("a role");
    assert_eq!(world.state.people_of(seat), [person("emma")]);
}

#[test]
fn nobody_inherits_the_approval_of_somebody_who_was_erased() {
    let mut world = overseen();
    let decision = DecisionId::new("e").expect("an id");
    let request = Command::RequestDecision {
        decision: decision.clone(),
        kind: DecisionKind::Exception,
        reach: Reach { vulnerability: "CVE-2026-1".to_owned(), package: None, assets: Vec::new() },
        reason: "the vendor has no patch".to_owned(),
        until: day(60),
        renews: None,
        assessment: Assessment {
            risk: "small".to_owned(),
            controls: ["segmentation".to_owned()].into(),
            plan: "soon".to_owned(),
        },
    };
    lawful(&mut world, &request, "ops", day(3));
    let approve = Command::AnswerDecision(decision.clone(), true);
    lawful(&mut world, &approve, "boss2", day(3));
    let missing = |world: &World| world.state.approvals_missing(&world.state.decisions[&decision]).len();
    assert_eq!(missing(&world), 1);
    world.done(&Command::ErasePerson(person("boss2")), "root", day(4));
    world.done(&Command::SetRoles(person("boss2"), [Role::Approver].into(), BTreeSet::new()), "root", day(5));
    assert_eq!(missing(&world), 2, "somebody else has approved it");
    lawful(&mut world, &approve, "lead", day(6));
    assert!(!world.state.decisions[&decision].holds(day(6)));
    lawful(&mut world, &approve, "boss2", day(7));
    assert!(world.state.decisions[&decision].holds(day(7)), "who goes by that id now has approved it as well");
}
