//! Days that are told with what was broken on them, and what people are told of while it is so.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use jiff::Timestamp;
use lifecycle::{Attributes, Command, Party, Role};
use plimsoll_operations::{Alert, AlertKind, DaysTold};
use std::collections::BTreeSet;
use world::{World, advisories, day, thing};

/// An organisation with a whole policy since the first day, whose asset `web-1` of the team `web` has what is fixed in 2.
async fn overseen(name: &str) -> World {
    let world = World::new(name).await;
    let (organisation, person) = (&world.organisation, &world.person);
    let text = policy::PROFILES[0].whole().expect("a profile");
    organisation.adopt(person, ("saas", &text), day(0)).await.expect("adopted");
    let attributes = Attributes {
        owner: Some("web".to_owned()),
        environment: Some("production".to_owned()),
        ..Attributes::default()
    };
    organisation.act(person, day(0), Command::ChangeAsset(world.asset.clone(), attributes)).await.expect("changed");
    let advisories = advisories();
    organisation.judge(person, &advisories, day(1), |_, _| {}).await.expect("judged");
    world.push(vec![thing("example", "1")], day(1), &advisories).await;
    world
}

/// The deadline of the one finding.
async fn due(world: &World, now: Timestamp) -> Timestamp {
    let query = fleet::Query { limit: 9, now, ..fleet::Query::default() };
    let list = world.organisation.view(None, now, |view| view.findings.list(&view.record.facts, &query)).await;
    let rows = list.expect("asked").rows;
    assert_eq!(rows.len(), 1);
    rows[0].due.expect("a deadline")
}

async fn alerts(world: &World, now: Timestamp) -> Vec<Alert> {
    world.organisation.view(None, now, |view| view.alerts()).await.expect("asked")
}

/// Alerts of a kind, with the roles that are told.
fn of_kind(alerts: &[Alert], kind: AlertKind) -> Vec<(String, Vec<String>)> {
    let told = |alert: &Alert| alert.told.iter().map(|seat| seat.role.clone()).collect();
    alerts.iter().filter(|alert| alert.kind == kind).map(|alert| (alert.words(), told(alert))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_is_a_violation_of_the_team_and_of_one_day() {
    let world = overseen("passes").await;
    let (organisation, person) = (&world.organisation, &world.person);
    let due = due(&world, day(2)).await;
    let last = due.to_zoned(jiff::tz::TimeZone::UTC).date();
    let morning = |days: i64| {
        let day = last.checked_add(jiff::Span::new().days(days)).expect("a day");
        day.at(6, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("an instant").timestamp()
    };
    let told = organisation.tell_missed(person, morning(0)).await.expect("told");
    assert_eq!(told.violations, 0, "the day of the deadline is not over");
    let told = organisation.tell_missed(person, morning(1)).await.expect("told");
    assert_eq!(told.violations, 1, "{told:?}");
    let again = organisation.tell_missed(person, morning(1)).await.expect("told");
    assert_eq!(again, DaysTold::default(), "it is told once");
    let state = &organisation.store.record().await.expect("a record").state.clone();
    let violation = state.violations.values().next().expect("a violation");
    assert_eq!((violation.opened.breach.day, violation.opened.breach.count), (last, 1));
    assert_eq!(violation.opened.breach.party, Party::Team("web".to_owned()));
    // It stays open, and breaks no other promise on the days after.
    let told = organisation.tell_missed(person, morning(3)).await.expect("told");
    assert_eq!(told.violations, 0, "{told:?}");
    // Remediated after its deadline it was missed all the same: whoever asks later finds it.
    let advisories = advisories();
    world.push(vec![thing("example", "2")], morning(4), &advisories).await;
    let end = morning(1) - jiff::SignedDuration::from_hours(6) - jiff::SignedDuration::from_millis(1);
    let missed = organisation.view(Some(end), morning(5), |view| view.deadlines_missed(last)).await.expect("asked");
    assert_eq!(missed.iter().map(|breach| breach.count).collect::<Vec<_>>(), [1]);
    let replayed = organisation.store.replay(|_| {}).await.expect("replayed").0;
    assert_eq!(replayed.differences, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remediated_in_time_or_set_aside_is_no_violation() {
    let world = overseen("in-time").await;
    let (organisation, person) = (&world.organisation, &world.person);
    let due = due(&world, day(2)).await;
    let advisories = advisories();
    world.push(vec![thing("example", "2")], due - jiff::SignedDuration::from_hours(1), &advisories).await;
    let later = due + jiff::SignedDuration::from_hours(30);
    assert_eq!(organisation.tell_missed(person, later).await.expect("told").violations, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_on_its_day_is_no_violation_whenever_the_day_is_told() {
    let world = overseen("aside").await;
    let (organisation, person) = (&world.organisation, &world.person);
    let due = due(&world, day(2)).await;
    let hours = |hours: i64| due + jiff::SignedDuration::from_hours(hours);
    for id in ["boss", "lea"] {
        let who = lifecycle::PersonId::new(id).expect("an id");
        let set = Command::SetRoles(who, BTreeSet::from([Role::Approver]), BTreeSet::new());
        organisation.act(person, day(2), set).await.expect("set");
    }
    let decision = lifecycle::DecisionId::new("e").expect("an id");
    let ask = Command::RequestDecision {
        decision: decision.clone(),
        kind: lifecycle::DecisionKind::Exception,
        reach: lifecycle::Reach { vulnerability: "CVE-2026-0001".to_owned(), package: None, assets: Vec::new() },
        reason: "the vendor has no patch".to_owned(),
        until: hours(48),
        renews: None,
        assessment: lifecycle::Assessment {
            risk: "small".to_owned(),
            controls: BTreeSet::from(["segmentation".to_owned()]),
            plan: "soon".to_owned(),
        },
    };
    organisation.act(person, day(3), ask).await.expect("asked for");
    let approve = Command::AnswerDecision(decision, true);
    organisation.act(&lifecycle::PersonId::new("boss").expect("an id"), day(3), approve).await.expect("approved");
    // Remediated on the day, after its deadline; told days later, when the exception is over.
    let advisories = advisories();
    world.push(vec![thing("example", "2")], hours(1), &advisories).await;
    let told = organisation.tell_missed(person, hours(120)).await.expect("told");
    assert_eq!(told.violations, 0, "{told:?}");
}

/// An exception of some hours over midnight, or an asset that was away then, made it vanish for good.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_away_or_set_aside_on_its_day_is_a_violation_once_it_is_owed_again() {
    let world = overseen("again").await;
    let (organisation, person) = (&world.organisation, &world.person);
    let due = due(&world, day(2)).await;
    let hours = |hours: i64| due + jiff::SignedDuration::from_hours(hours);
    organisation.tell_missed(person, hours(-30)).await.expect("told");
    let (asset, advisories) = (world.asset.clone(), advisories());
    let retire = Command::RetireAsset(asset.clone(), "moved".to_owned());
    organisation.act(person, hours(-1), retire).await.expect("retired");
    assert_eq!(organisation.tell_missed(person, hours(4)).await.expect("told").violations, 0);
    let attributes = Attributes {
        owner: Some("web".to_owned()),
        environment: Some("production".to_owned()),
        ..Attributes::default()
    };
    organisation.act(person, hours(5), Command::RegisterAsset(asset, attributes)).await.expect("registered");
    world.push(vec![thing("example", "1")], hours(6), &advisories).await;
    let told = organisation.tell_missed(person, hours(60)).await.expect("told");
    assert_eq!(told.violations, 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_before_a_deadline_and_higher_up_the_longer_it_is_missed() {
    let world = overseen("told").await;
    let (organisation, person) = (&world.organisation, &world.person);
    let due = due(&world, day(2)).await;
    let hours = |hours: i64| due + jiff::SignedDuration::from_hours(hours);
    let found = alerts(&world, hours(-73)).await;
    assert_eq!(of_kind(&found, AlertKind::DueSoon), [], "three days before is soon enough");
    let found = alerts(&world, hours(-71)).await;
    let roles = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>();
    let due_soon =
        [("1 finding on assets of team web falls due soon".to_owned(), roles(&["operations", "policy-owner"]))];
    assert_eq!(of_kind(&found, AlertKind::DueSoon), due_soon);
    assert_eq!(of_kind(&found, AlertKind::Overdue), []);
    let overdue = |told: &[&str]| [("1 finding on assets of team web is overdue".to_owned(), roles(told))];
    for (after, told) in [
        (1, &["operations"][..]),
        (8, &["operations", "policy-owner"]),
        (31, &["operations", "policy-owner"]),
        (32, &["operations", "policy-owner", "executive"]),
    ] {
        let found = alerts(&world, hours(after)).await;
        assert_eq!(of_kind(&found, AlertKind::Overdue), overdue(told), "after {after} hours");
        assert_eq!(of_kind(&found, AlertKind::DueSoon), []);
    }
    // Whose team it is is told as well, and nobody else.
    let set = |id: &str, role: Role, team: &str| {
        let id = lifecycle::PersonId::new(id).expect("an id");
        Command::SetRoles(id, BTreeSet::from([role]), BTreeSet::from([team.to_owned()]))
    };
    for command in [set("wendy", Role::Developer, "web"), set("dan", Role::Developer, "data")] {
        organisation.act(person, day(2), command).await.expect("set");
    }
    let found = alerts(&world, hours(1)).await;
    let alert = found.iter().find(|alert| alert.kind == AlertKind::Overdue).expect("an alert");
    let state = organisation.store.record().await.expect("a record").state.clone();
    let is_for = |id: &str| alert.is_for(&state, &lifecycle::PersonId::new(id).expect("an id"));
    assert_eq!((is_for("wendy"), is_for("dan"), is_for("olaf")), (true, false, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_feeds_that_do_not_come_are_told() {
    let world = overseen("silence").await;
    world.organisation.note_feeds(&world.person, &advisories(), day(1)).await.expect("noted");
    let found = alerts(&world, day(3)).await;
    assert_eq!(of_kind(&found, AlertKind::AssetSilent), []);
    let found = alerts(&world, day(5)).await;
    let silent: Vec<String> = of_kind(&found, AlertKind::AssetSilent).into_iter().map(|(words, _)| words).collect();
    assert_eq!(silent, ["1 asset of team web says nothing"]);
    let feeds: Vec<String> = of_kind(&found, AlertKind::FeedStale).into_iter().map(|(words, _)| words).collect();
    assert!(feeds.contains(&"the feed kev, which the policy rests on, was never taken in".to_owned()), "{feeds:?}");
    assert!(feeds.contains(&"the feed debian_lists does not move".to_owned()), "{feeds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_forbidden_in_test_environments_is_told_and_so_is_what_nobody_knows() {
    let world = overseen("forbidden").await;
    let (organisation, person) = (&world.organisation, &world.person);
    assert_eq!(of_kind(&alerts(&world, day(2)).await, AlertKind::ForbiddenData), [], "production may hold it");
    let set = async |environment: &str, data: Option<&[&str]>| {
        let attributes = Attributes {
            owner: Some("web".to_owned()),
            environment: Some(environment.to_owned()),
            data_classes: data.map(|data| data.iter().map(|class| (*class).to_owned()).collect()),
            ..Attributes::default()
        };
        organisation.act(person, day(2), Command::ChangeAsset(world.asset.clone(), attributes)).await.expect("set");
        of_kind(&alerts(&world, day(2)).await, AlertKind::ForbiddenData).len()
    };
    assert_eq!(set("staging", Some(&["Customer"])).await, 1);
    assert_eq!(set("Staging", None).await, 1, "nobody says what it holds");
    assert_eq!(set("staging", Some(&[])).await, 0);
    assert_eq!(set("staging", Some(&["public"])).await, 0);
    assert_eq!(set("production", Some(&["customer"])).await, 0);
}
