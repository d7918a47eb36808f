//! What people are told of, and told of again.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use jiff::SignedDuration;
use lifecycle::{Command, PersonId, Role};
use plimsoll_operations::{Alert, AlertKind, notices};
use std::collections::BTreeSet;
use world::{World, day};

/// Assets of the team `web` that say nothing: how many, and when the last of them fell silent.
fn silent(count: u64, last: jiff::Timestamp) -> Alert {
    Alert {
        kind: AlertKind::AssetSilent,
        team: Some("web".to_owned()),
        subjects: Vec::new(),
        count,
        at: Some(day(1)),
        last: Some(last),
        told: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_told_again_where_it_grows_and_not_where_it_shrinks() {
    let world = World::new("notices-alerts").await;
    let wanda = PersonId::new("wanda").expect("an id");
    let teams = BTreeSet::from(["web".to_owned()]);
    let set = Command::SetRoles(wanda.clone(), BTreeSet::from([Role::Developer]), teams);
    world.organisation.act(&world.person, day(0), set).await.expect("set");
    let record = world.organisation.store.record().await.expect("a record");
    let people = BTreeSet::from([wanda.clone(), world.person.clone()]);
    let mut told = BTreeSet::new();
    let mut is_told = |alert: Alert| {
        let notices = notices(&record, &people, (&[alert], &[]), day(9));
        let [(person, own)] = &notices.iter().collect::<Vec<_>>()[..] else { panic!("{notices:?}") };
        assert_eq!((*person, own.len()), (&wanda, 1), "nobody else is of that team");
        own[0].keys.iter().filter(|key| told.insert((*key).clone())).count() > 0
    };
    let hours = |hours: i64| day(1) + SignedDuration::from_hours(hours);
    assert!(is_told(silent(1, hours(0))));
    assert!(!is_told(silent(1, hours(0))), "each thing once");
    assert!(is_told(silent(2, hours(1))), "it has doubled");
    assert!(!is_told(silent(3, hours(2))), "it has not");
    assert!(is_told(silent(400, hours(3))));
    for left in [300, 80, 3, 1] {
        assert!(!is_told(silent(left, hours(3))), "{left}: it has become less");
    }
    assert!(is_told(silent(2, day(3))), "another day, and one more");
    assert!(!is_told(silent(1, hours(1))), "what came that day is mended");
}
