//! Documents, their versions and approvals; groups, campaigns, courses, and what people owe.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use plimsoll_lifecycle::{
    CampaignId, Command, Completion, Described, DocumentId, Draft, DutyKind, Event, Governance, GroupId, Level,
    PersonId, PolicyRule, Refusal, Role, Source, Stage, Standing, Transition, Verdict, VersionId, Word,
};
use std::collections::BTreeSet;
use world::{World, at, day, lawful, person, under};

/// What a policy with approvals, acknowledgement and courses asks.
fn asking() -> PolicyRule {
    let text = r#"
name = "p"
[[role]]
id = "executive"
title = "Executive"
holds = ["approver"]
[[role]]
id = "owner"
title = "Owner"
holds = ["security-lead"]
[[role]]
id = "operations"
title = "Operations"
holds = ["operator"]
[review]
owner = "owner"
every = "12 months"
approved-by = ["executive", "owner"]
[acknowledgement]
within = "14 days"
every = "12 months"
remind = "5 days"
escalates-to = "owner"
[[training]]
id = "patching"
title = "Patching without fear"
roles = ["operations"]
within = "30 days"
every = "12 months"
[[class]]
id = "all"
title = "All"
due = "30 days"
clock = ["first-seen"]
"#;
    PolicyRule::of(&policy::Policy::parse(text).expect("a policy"))
}

fn version(id: &str) -> VersionId {
    VersionId::new(id).expect("an id")
}

fn document(id: &str) -> DocumentId {
    DocumentId::new(id).expect("an id")
}

fn draft_of(id: &str, text: &str) -> Draft {
    Draft {
        document: document(id),
        text: text.to_owned(),
        rationale: "it must".to_owned(),
        effective_at: None,
        transition: Transition::FromSwitch,
    }
}

fn note(world: &World, id: &str, verdict: Verdict, words: &str) -> Command {
    let terms = world.state.versions[&version(id)].terms();
    Command::NoteVersion { version: version(id), verdict, words: words.to_owned(), terms }
}

fn refused_note(
    world: &mut World,
    (id, verdict, words): (&str, Verdict, &str),
    by: &str,
    now: jiff::Timestamp,
) -> &'static str {
    let said = note(world, id, verdict, words);
    world.refused(&said, by, now)
}

/// A world with a policy in force that asks for an executive's and an owner's approval, and more people.
fn governed() -> World {
    under(asking())
}

#[test]
fn a_version_goes_from_draft_to_force_by_other_peoples_hands() {
    let mut world = governed();
    let draft = draft_of("policy", "second");
    let alone = Command::AdoptPolicy { name: "q".to_owned(), document: "second".to_owned(), rule: asking() };
    assert_eq!(world.refused(&alone, "lead", day(3)), "refusal/needs-approval");
    assert_eq!(world.refused(&Command::DraftVersion(version("v"), draft.clone()), "emma", day(3)), "refusal/role");
    lawful(&mut world, &Command::DraftVersion(version("v"), draft.clone()), "ops", day(3));
    assert_eq!(world.done(&Command::DraftVersion(version("v"), draft), "ops", day(3)), [], "the same again is nothing");
    let sound = note(&world, "v", Verdict::Sound, "");
    assert_eq!(world.refused(&sound, "lead", day(3)), "refusal/state", "nothing is judged before it is handed in");
    let submit = Command::SubmitVersion(version("v"), [person("emma")].into(), Some(day(9)));
    let no_date = Command::SubmitVersion(version("v"), [person("emma")].into(), None);
    assert_eq!(world.refused(&no_date, "ops", day(4)), "refusal/not-ready");
    lawful(&mut world, &submit, "ops", day(4));
    assert_eq!(world.refused(&sound, "ops", day(4)), "refusal/own-draft");
    let approve = note(&world, "v", Verdict::Approved, "");
    assert_eq!(world.refused(&approve, "boss", day(4)), "refusal/not-ready", "nobody has reviewed it");
    lawful(&mut world, &sound, "lead2", day(4));
    assert_eq!(world.refused(&approve, "boss", day(5)), "refusal/not-ready", "emma was not heard");
    let owed = world.state.duties_of(&person("emma"), day(5));
    let input = owed.iter().find(|duty| duty.kind == DutyKind::Input).expect("input is owed");
    assert_eq!((input.due, input.standing(day(5))), (day(9), Standing::Due));
    let said = note(&world, "v", Verdict::Input, "fine by us");
    lawful(&mut world, &said, "emma", day(5));
    assert_eq!(refused_note(&mut world, ("v", Verdict::Approved, ""), "emma", day(5)), "refusal/no-seat");
    lawful(&mut world, &approve, "boss", day(5));
    assert_eq!(world.refused(&approve, "boss2", day(5)), "refusal/no-seat", "one executive is enough");
    assert_eq!(world.refused(&Command::PublishVersion(version("v")), "lead", day(5)), "refusal/not-ready");
    lawful(&mut world, &approve, "lead", day(5));
    assert_eq!(world.refused(&Command::PublishVersion(version("v")), "boss", day(5)), "refusal/role");
    lawful(&mut world, &Command::PublishVersion(version("v")), "lead", day(6));
    assert!(world.state.is_ahead(&version("v")));
    let force = Command::PutInForce { version: version("v"), name: "q".to_owned(), rule: asking() };
    let told = lawful(&mut world, &force, "system", day(6));
    assert!(matches!(&told[..], [Event::PolicyAdopted { document, change: Some(change), .. }]
        if document == "second" && change.transition == Transition::FromSwitch));
    assert_eq!(world.done(&force, "system", day(7)), [], "once");
    let texts = &world.state.documents[&DocumentId::policy()].texts;
    assert_eq!(texts.iter().map(|text| text.text.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(world.state.documents[&DocumentId::policy()].in_force(day(5)).expect("one").text, "first");
}

#[test]
fn what_is_revised_is_approved_anew_and_what_is_overtaken_is_not_published() {
    let mut world = governed();
    for (id, text) in [("v", "second"), ("w", "other")] {
        world.done(&Command::DraftVersion(version(id), draft_of("policy", text)), "ops", day(3));
        world.done(&Command::SubmitVersion(version(id), BTreeSet::new(), None), "ops", day(3));
    }
    let said = note(&world, "v", Verdict::Objection, "too short");
    lawful(&mut world, &said, "lead2", day(3));
    assert_eq!(refused_note(&mut world, ("v", Verdict::Objection, " "), "lead", day(3)), "refusal/no-reason");
    let said = note(&world, "v", Verdict::Sound, "");
    lawful(&mut world, &said, "lead", day(3));
    assert_eq!(refused_note(&mut world, ("v", Verdict::Approved, ""), "boss", day(3)), "refusal/not-ready");
    let seen = note(&world, "v", Verdict::Sound, "");
    lawful(&mut world, &Command::DraftVersion(version("v"), draft_of("policy", "longer")), "ops", day(4));
    assert_eq!(world.state.versions[&version("v")].stage, Stage::Draft);
    assert_eq!(world.refused(&seen, "lead", day(4)), "refusal/state", "it is not what was read");
    world.done(&Command::SubmitVersion(version("v"), BTreeSet::new(), None), "ops", day(4));
    assert!(world.state.versions[&version("v")].reviewed_by().is_empty(), "what was said of another text is void");
    for (who, verdict) in [("lead2", Verdict::Sound), ("boss", Verdict::Approved), ("lead", Verdict::Approved)] {
        for id in ["v", "w"] {
            let said = note(&world, id, verdict, "");
            world.done(&said, who, day(4));
        }
    }
    lawful(&mut world, &Command::PublishVersion(version("v")), "lead", day(5));
    let refused = world.attempt(&Command::PublishVersion(version("w")), "lead", day(5)).expect_err("refused");
    assert!(matches!(&refused, Refusal::NotReady { lacks } if lacks.contains("revise it")), "{refused}");
    let again = Command::DraftVersion(version("w"), draft_of("policy", "other"));
    assert!(matches!(lawful(&mut world, &again, "ops", day(6))[..], [Event::VersionRevised { .. }]), "on another base");
    lawful(&mut world, &Command::WithdrawVersion(version("w")), "ops", day(6));
    assert_eq!(world.refused(&again, "ops", day(6)), "refusal/state");
}

#[test]
fn a_policy_is_not_in_force_before_its_day() {
    let mut world = governed();
    let draft = Draft { effective_at: Some(day(20)), ..draft_of("policy", "second") };
    assert_eq!(
        world.refused(
            &Command::DraftVersion(version("v"), Draft { effective_at: Some(day(1)), ..draft.clone() }),
            "ops",
            day(3)
        ),
        "refusal/end"
    );
    world.done(&Command::DraftVersion(version("v"), draft), "ops", day(3));
    world.done(&Command::SubmitVersion(version("v"), BTreeSet::new(), None), "ops", day(3));
    for (who, verdict) in [("lead2", Verdict::Sound), ("boss", Verdict::Approved), ("lead", Verdict::Approved)] {
        let said = note(&world, "v", verdict, "");
        world.done(&said, who, day(4));
    }
    world.done(&Command::PublishVersion(version("v")), "lead", day(5));
    let force = Command::PutInForce { version: version("v"), name: "q".to_owned(), rule: asking() };
    assert_eq!(world.refused(&force, "system", day(19)), "refusal/not-ready");
    assert_eq!(world.refused(&force, "ops", day(20)), "refusal/role");
    assert_eq!(lawful(&mut world, &force, "system", day(20)).len(), 1);
}

#[test]
fn documents_stand_below_what_they_carry_out() {
    let mut world = governed();
    let described = |level, implements: Option<&str>| Described {
        level,
        title: "  Hardening \n of hosts ".to_owned(),
        owner: person("ops"),
        implements: implements.map(document),
        review_every: policy::Length::parse("6 months").expect("a length"),
    };
    let describe = |id: &str, level, above| Command::DescribeDocument(document(id), described(level, above));
    assert_eq!(world.refused(&describe("s", Level::Policy, None), "lead", day(3)), "refusal/reserved");
    assert_eq!(world.refused(&describe("s", Level::Standard, Some("x")), "lead", day(3)), "refusal/unknown");
    lawful(&mut world, &describe("s", Level::Standard, Some("policy")), "lead", day(3));
    assert_eq!(world.state.documents[&document("s")].described.title, "Hardening of hosts");
    lawful(&mut world, &describe("p", Level::Procedure, Some("s")), "lead", day(3));
    assert_eq!(world.refused(&describe("t", Level::Standard, Some("p")), "lead", day(3)), "refusal/hierarchy");
    assert_eq!(
        world.refused(&describe("s", Level::Guideline, None), "lead", day(3)),
        "refusal/hierarchy",
        "p is below it"
    );
    assert_eq!(world.refused(&describe("s", Level::Standard, None), "ops", day(3)), "refusal/role");
    // A standard's own version: its owner drafts, others review and approve.
    world.done(&Command::DraftVersion(version("s1"), draft_of("s", "text")), "ops", day(3));
    world.done(&Command::SubmitVersion(version("s1"), BTreeSet::new(), None), "ops", day(3));
    for (who, verdict) in [("lead2", Verdict::Sound), ("boss", Verdict::Approved), ("lead", Verdict::Approved)] {
        let said = note(&world, "s1", verdict, "");
        world.done(&said, who, day(3));
    }
    assert_eq!(
        world.refused(&Command::ReviewDocument(document("s"), "fits".to_owned()), "ops", day(4)),
        "refusal/state"
    );
    lawful(&mut world, &Command::PublishVersion(version("s1")), "ops", day(4));
    let owed =
        |world: &World, now| world.state.duty("review#s", now).map(|duty| (duty.due, duty.standing(now), duty.owners));
    let due = at("2026-07-05T00:00:00Z");
    assert_eq!(owed(&world, day(4)), Some((due, Standing::Done, vec![person("ops")])));
    assert_eq!(owed(&world, due + jiff::SignedDuration::from_hours(1)).expect("owed").1, Standing::Missed);
    lawful(&mut world, &Command::CallReview(document("s"), "an incident".to_owned()), "ops", day(30));
    assert_eq!(owed(&world, day(31)).expect("owed").0, day(44), "within fourteen days of the call");
    lawful(&mut world, &Command::ReviewDocument(document("s"), "it holds".to_owned()), "ops", day(32));
    assert_eq!(owed(&world, day(33)).expect("owed").0, at("2026-08-02T00:00:00Z"));
    lawful(&mut world, &Command::RetireDocument(document("s"), "merged".to_owned()), "lead", day(40));
    assert_eq!(owed(&world, day(41)), None);
    assert_eq!(
        world.refused(&Command::RetireDocument(document("policy"), "x".to_owned()), "lead", day(40)),
        "refusal/reserved"
    );
}

#[test]
fn everybody_reads_the_policy_and_reads_the_next_one() {
    let mut world = governed();
    let of = |world: &World, who: &str, now| {
        let duties = world.state.duties_of(&person(who), now);
        let duty = duties.into_iter().find(|duty| duty.kind == DutyKind::Acknowledge).expect("owed");
        (duty.due, duty.standing(now), duty.is_reminded(now))
    };
    assert_eq!(of(&world, "emma", day(3)), (day(16), Standing::Due, false));
    assert_eq!(of(&world, "emma", day(12)), (day(16), Standing::Due, true));
    let read = |text: &str| Command::Acknowledge(DocumentId::policy(), text.to_owned());
    assert_eq!(world.refused(&read("other"), "emma", day(4)), "refusal/state");
    lawful(&mut world, &read("first"), "emma", day(4));
    assert_eq!(of(&world, "emma", day(4)), (at("2027-01-05T00:00:00Z"), Standing::Done, false));
    assert_eq!(of(&world, "emma", at("2027-01-01T00:00:00Z")).1, Standing::Due, "every year again");
    // Whoever comes later has the same time.
    world.done(&Command::SetRoles(person("new"), [Role::Employee].into(), BTreeSet::new()), "root", day(100));
    assert_eq!(of(&world, "new", day(100)).0, day(114));
    let tell = Command::TellMissedDuties;
    let missed = lawful(&mut world, &tell, "system", day(17));
    let who: Vec<&str> = missed.iter().map(|event| event.subject().rsplit('#').next().expect("somebody")).collect();
    assert_eq!(who, ["boss", "boss2", "lead", "lead2", "ops", "root"], "emma has read it, and the courses have time");
    assert_eq!(world.done(&tell, "system", day(18)), [], "told once");
    // Who has gone owes nothing.
    world.done(&Command::ErasePerson(person("boss2")), "root", day(19));
    assert_eq!(world.state.duties_of(&person("boss2"), day(20)), []);
}

#[test]
fn campaigns_are_for_the_people_of_groups_and_end() {
    let mut world = governed();
    let group = GroupId::new("night").expect("an id");
    let set = |members: &[&str]| {
        let members = members.iter().map(|who| person(who)).collect();
        Command::SetGroup(group.clone(), "Night shift".to_owned(), Source::Local, members)
    };
    assert_eq!(world.refused(&set(&["stranger"]), "root", day(3)), "refusal/unknown");
    assert_eq!(world.refused(&set(&["ops"]), "lead", day(3)), "refusal/role");
    lawful(&mut world, &set(&["ops", "emma"]), "root", day(3));
    assert_eq!(world.done(&set(&["ops", "emma"]), "root", day(3)), []);
    let campaign = CampaignId::new("c").expect("an id");
    let open = Command::OpenCampaign(campaign.clone(), DocumentId::policy(), [group.clone()].into(), day(13));
    lawful(&mut world, &open, "lead", day(3));
    assert_eq!(world.refused(&open, "lead", day(3)), "refusal/exists");
    let of = |world: &World, who: &str, now| {
        let duties = world.state.duties_of(&person(who), now);
        duties.into_iter().find(|duty| duty.campaign.is_some()).map(|duty| (duty.due, duty.standing(now)))
    };
    assert_eq!(of(&world, "ops", day(4)), Some((day(13), Standing::Due)));
    assert_eq!(of(&world, "boss", day(4)), None);
    lawful(&mut world, &set(&["boss", "emma"]), "root", day(10));
    assert_eq!(of(&world, "ops", day(10)), None, "who has left owes it no longer");
    assert_eq!(of(&world, "boss", day(10)), Some((day(24), Standing::Due)), "who comes has their time");
    lawful(&mut world, &Command::Acknowledge(DocumentId::policy(), "first".to_owned()), "emma", day(11));
    assert_eq!(of(&world, "emma", day(14)).expect("one").1, Standing::Done);
    lawful(&mut world, &Command::CloseCampaign(campaign), "lead", day(15));
    assert_eq!(of(&world, "boss", day(15)), None);
    lawful(&mut world, &Command::RemoveGroup(group), "root", day(16));
}

#[test]
fn courses_are_owed_by_those_who_have_the_role() {
    let mut world = governed();
    let of = |world: &World, who: &str, now| {
        let duties = world.state.duties_of(&person(who), now);
        duties.into_iter().find(|duty| duty.kind == DutyKind::Train).map(|duty| (duty.due, duty.standing(now)))
    };
    assert_eq!(
        of(&world, "ops", day(3)),
        Some((day(32), Standing::Due)),
        "from the day on that the policy asks for it"
    );
    assert_eq!(of(&world, "emma", day(3)), None);
    let completed = |who: &str, course: &str, at| {
        let (course, word) = (course.to_owned(), Word::Csv);
        Command::CompleteTraining(Completion { person: person(who), course, at, word, evidence: None })
    };
    lawful(&mut world, &completed("ops", "patching", day(5)), "lead", day(6));
    assert_eq!(world.done(&completed("ops", "patching", day(4)), "lead", day(6)), [], "an older one is nothing new");
    assert_eq!(world.refused(&completed("lead", "patching", day(5)), "lead", day(6)), "refusal/own-training");
    assert_eq!(world.refused(&completed("ops", "patching", day(9)), "lead", day(6)), "refusal/ahead");
    assert_eq!(world.refused(&completed("stranger", "patching", day(5)), "lead", day(6)), "refusal/unknown");
    assert_eq!(of(&world, "ops", day(6)), Some((at("2027-01-06T00:00:00Z"), Standing::Done)));
    // Whoever gets the role later has the same time from then on; a group of the role's id gives it too.
    world.done(&Command::SetRoles(person("emma"), [Role::Operator].into(), BTreeSet::new()), "root", day(50));
    assert_eq!(of(&world, "emma", day(50)).expect("owed").0, day(80));
    let operations = GroupId::new("operations").expect("an id");
    world.done(
        &Command::SetGroup(operations, "Operations".to_owned(), Source::File, [person("boss")].into()),
        "root",
        day(60),
    );
    assert_eq!(of(&world, "boss", day(60)).expect("owed").0, day(90));
    // The same course under another policy begins no new time.
    let mut rule = asking();
    rule.governance.approvals.clear();
    let mut open = World::staffed();
    let adopt = |document: &str| Command::AdoptPolicy {
        name: "p".to_owned(),
        document: document.to_owned(),
        rule: rule.clone(),
    };
    open.done(&adopt("a"), "lead", day(2));
    open.done(&adopt("b"), "lead", day(20));
    assert_eq!(of(&open, "ops", day(20)).expect("owed").0, day(32));
}

#[test]
fn governance_is_what_the_policy_says() {
    let governance = asking().governance;
    let titles: Vec<&str> = governance.approvals.iter().map(|seat| seat.title.as_str()).collect();
    assert_eq!(titles, ["Executive", "Owner"]);
    let text = serde_json::to_string(&governance).expect("JSON");
    assert_eq!(serde_json::from_str::<Governance>(&text).expect("the same"), governance);
    assert!(PersonId::new("a").is_ok() && Governance::default().is_empty());
}

/// Takes a version through review and approval.
fn approved(world: &mut World, id: &str, draft: Draft, now: jiff::Timestamp) {
    world.done(&Command::DraftVersion(version(id), draft), "ops", now);
    world.done(&Command::SubmitVersion(version(id), BTreeSet::new(), None), "ops", now);
    for (who, verdict) in [("lead2", Verdict::Sound), ("boss", Verdict::Approved), ("lead", Verdict::Approved)] {
        let said = note(world, id, verdict, "");
        world.done(&said, who, now);
    }
}

#[test]
fn what_was_approved_on_another_text_is_not_approved() {
    let mut world = governed();
    approved(&mut world, "v", draft_of("policy", "second"), day(3));
    approved(&mut world, "w", draft_of("policy", "third"), day(3));
    world.done(&Command::PublishVersion(version("w")), "lead", day(4));
    assert_eq!(world.refused(&Command::PublishVersion(version("v")), "lead", day(4)), "refusal/not-ready");
    // The same words again, on the text that is published now.
    world.done(&Command::DraftVersion(version("v"), draft_of("policy", "second")), "ops", day(5));
    world.done(&Command::SubmitVersion(version("v"), BTreeSet::new(), None), "ops", day(5));
    assert!(world.state.versions[&version("v")].approved_by().is_empty());
    assert_eq!(world.refused(&Command::PublishVersion(version("v")), "lead", day(5)), "refusal/not-ready");
}

#[test]
fn whoever_writes_no_longer_approves_and_whoever_lost_the_role_has_not_reviewed() {
    let mut world = governed();
    approved(&mut world, "v", draft_of("policy", "second"), day(3));
    world.done(&Command::SetRoles(person("lead2"), [Role::Employee].into(), BTreeSet::new()), "root", day(4));
    assert_eq!(world.refused(&Command::PublishVersion(version("v")), "lead", day(4)), "refusal/not-ready");
    world.done(&Command::SetRoles(person("lead2"), [Role::SecurityLead].into(), BTreeSet::new()), "root", day(4));
    // One of the approvers writes it otherwise, and back.
    world.done(&Command::DraftVersion(version("v"), draft_of("policy", "other")), "lead", day(5));
    world.done(&Command::DraftVersion(version("v"), draft_of("policy", "second")), "lead", day(5));
    world.done(&Command::SubmitVersion(version("v"), BTreeSet::new(), None), "lead", day(5));
    let known = &world.state.versions[&version("v")];
    assert_eq!(known.approved_by(), [&person("boss")]);
    assert_eq!(world.state.approvals_lacking(known), ["Owner"]);
}

#[test]
fn an_approval_can_be_taken_back_before_publication() {
    let mut world = governed();
    approved(&mut world, "v", draft_of("policy", "second"), day(3));
    let objection = note(&world, "v", Verdict::Objection, "I have thought again");
    lawful(&mut world, &objection, "boss", day(4));
    assert_eq!(world.refused(&Command::PublishVersion(version("v")), "lead", day(4)), "refusal/not-ready");
    let declined = note(&world, "v", Verdict::Declined, "no");
    assert_eq!(world.refused(&declined, "emma", day(4)), "refusal/not-ready".replace("not-ready", "no-seat"));
    lawful(&mut world, &declined, "lead", day(4));
    assert_eq!(world.state.versions[&version("v")].stage, Stage::Declined);
}

#[test]
fn what_is_published_ahead_can_be_taken_back_and_is_not_overtaken() {
    let mut world = governed();
    approved(&mut world, "later", Draft { effective_at: Some(day(60)), ..draft_of("policy", "second") }, day(3));
    lawful(&mut world, &Command::PublishVersion(version("later")), "lead", day(4));
    approved(&mut world, "now", draft_of("policy", "third"), day(5));
    let refused = world.attempt(&Command::PublishVersion(version("now")), "lead", day(6)).expect_err("refused");
    assert!(refused.to_string().contains("version later comes into force"), "{refused}");
    assert_eq!(world.refused(&Command::WithdrawVersion(version("later")), "ops", day(6)), "refusal/role");
    lawful(&mut world, &Command::WithdrawVersion(version("later")), "lead", day(6));
    // What it rested on is not published any more.
    approved(&mut world, "now", draft_of("policy", "third, again"), day(7));
    lawful(&mut world, &Command::PublishVersion(version("now")), "lead", day(7));
    let force = Command::PutInForce { version: version("later"), name: "q".to_owned(), rule: asking() };
    assert_eq!(world.refused(&force, "system", day(61)), "refusal/not-ready".replace("not-ready", "state"));
}

#[test]
fn nobody_puts_themselves_into_a_seat_and_who_comes_back_has_none() {
    let mut world = governed();
    let group = |id: &str| GroupId::new(id).expect("an id");
    let set = |id: &str, who: &[&str]| {
        let members = who.iter().map(|who| person(who)).collect();
        Command::SetGroup(group(id), id.to_owned(), Source::Local, members)
    };
    assert_eq!(world.refused(&set("executive", &["root", "emma"]), "root", day(3)), "refusal/own-roles");
    lawful(&mut world, &set("executive", &["emma"]), "root", day(3));
    lawful(&mut world, &set("night", &["root"]), "root", day(3));
    let seat = asking().governance.approvals[0].clone();
    assert!(world.state.holds(&person("emma"), &seat));
    for roles in [BTreeSet::new(), BTreeSet::from([Role::Employee])] {
        world.done(&Command::SetRoles(person("emma"), roles, BTreeSet::new()), "root", day(4));
    }
    assert!(!world.state.holds(&person("emma"), &seat), "what they were trusted with is said anew");
    lawful(&mut world, &set("executive", &["emma"]), "root", day(5));
    assert!(world.state.holds(&person("emma"), &seat));
    // Another person under the id of one who was erased has read nothing.
    world.done(&Command::Acknowledge(DocumentId::policy(), "first".to_owned()), "emma", day(6));
    world.done(&Command::ErasePerson(person("emma")), "root", day(7));
    assert!(world.state.people[&person("emma")].acknowledged.contains_key("first"), "the proof stays");
    world.done(&Command::SetRoles(person("emma"), [Role::Employee].into(), BTreeSet::new()), "root", day(8));
    assert!(world.state.people[&person("emma")].acknowledged.is_empty());
    assert!(!world.state.holds(&person("emma"), &seat));
}

#[test]
fn a_campaign_is_for_one_text_and_what_came_of_it_stays() {
    let mut world = governed();
    let campaign = |id: &str| CampaignId::new(id).expect("an id");
    let open = |id: &str, due| Command::OpenCampaign(campaign(id), DocumentId::policy(), BTreeSet::new(), due);
    assert_eq!(world.refused(&open("policy", day(13)), "lead", day(3)), "refusal/reserved");
    world.done(&Command::Acknowledge(DocumentId::policy(), "first".to_owned()), "emma", day(3));
    lawful(&mut world, &open("c", day(13)), "lead", day(4));
    let of = |world: &World, who: &str| {
        let results = world.state.campaign_results(&campaign("c")).into_iter();
        let own = results.filter(|duty| duty.owners == [person(who)]).map(|duty| duty.done_at);
        own.collect::<Vec<_>>()
    };
    assert_eq!(of(&world, "emma"), [None], "what was read before it is read again");
    world.done(&Command::Acknowledge(DocumentId::policy(), "first".to_owned()), "emma", day(5));
    approved(&mut world, "v", draft_of("policy", "second"), day(6));
    world.done(&Command::PublishVersion(version("v")), "lead", day(6));
    let force = Command::PutInForce { version: version("v"), name: "q".to_owned(), rule: asking() };
    world.done(&force, "system", day(6));
    let owes = |world: &World, who: &str| {
        world.state.duties_of(&person(who), day(7)).iter().any(|duty| duty.campaign.is_some())
    };
    assert!(!owes(&world, "boss"), "nobody is asked to read what holds no longer");
    assert_eq!(
        (of(&world, "emma"), of(&world, "boss")),
        (vec![Some(day(5))], vec![None]),
        "and it can be shown who has"
    );
}

#[test]
fn what_was_done_long_before_it_was_asked_for_leaves_the_time_that_is_given() {
    let mut world = World::staffed();
    let completion = Completion {
        person: person("ops"),
        course: "patching".to_owned(),
        at: at("2024-11-01T00:00:00Z"),
        word: Word::Csv,
        evidence: None,
    };
    world.done(&Command::CompleteTraining(completion), "lead", day(1));
    let adopt = Command::AdoptPolicy { name: "p".to_owned(), document: "first".to_owned(), rule: asking() };
    world.done(&adopt, "lead", day(2));
    let duty = world.state.duty("train#patching#ops", day(3)).expect("owed");
    assert_eq!((duty.due, duty.standing(day(3))), (day(32), Standing::Due));
}
