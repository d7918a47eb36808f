//! Inventories that the rules pass over, and what is said of things that come in.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use fleet::{Offer, Thing};
use lifecycle::{AssetId, Attributes, Command};
use plimsoll_operations::Taken;
use world::{World, advisories, day, observed, thing};

/// It brought a judgement of packages that were not numbered, and with it everything failed that shared its transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_inventory_that_is_passed_over_brings_no_judgement() {
    let (world, advisories) = (World::new("late").await, advisories());
    let (organisation, person) = (&world.organisation, &world.person);
    organisation.judge(person, &advisories, day(1), |_, _| {}).await.expect("judged");
    let taken = world.push(vec![thing("example", "1")], day(10), &advisories).await;
    assert_eq!(taken, Taken::Changed { added: 1, removed: 0 });
    assert_eq!(world.push(vec![thing("first", "1")], day(5), &advisories).await, Taken::Late);
    let input = (observed(vec![thing("second", "1")]), day(5));
    let known = (Some(&advisories), day(20));
    let passed = organisation.submit(person, world.asset.clone(), input, known).await.expect("handed in");
    let other = Command::RegisterAsset(AssetId::new("web-2").expect("an id"), Attributes::default());
    organisation.act(person, day(20), other).await.expect("what others ask for is not hindered");
    assert_eq!(organisation.taken(passed).await.expect("passed over"), Taken::Known);
    assert_eq!(organisation.store.replay(|_| {}).await.expect("replayed").0.differences, []);
}

/// What repositories offer is a finding of its own only where no advisory says what it fixes; so is what must be restarted.
#[tokio::test(flavor = "multi_thread")]
async fn offers_and_restarts_are_findings_where_nothing_explains_them() {
    let (world, advisories) = (World::new("offers").await, advisories());
    let (organisation, person) = (&world.organisation, &world.person);
    organisation.judge(person, &advisories, day(1), |_, _| {}).await.expect("judged");
    let offer = |name: &str, version: &str| Offer {
        version: version.to_owned(),
        source: (name.to_owned(), version.to_owned()),
        suite: "bookworm-security".to_owned(),
        ..Offer::default()
    };
    let explained = Thing { offer: Some(Box::new(offer("example", "2"))), ..thing("example", "1") };
    let unexplained = Thing { offer: Some(Box::new(offer("other", "9"))), ..thing("other", "8") };
    let fixes = vec![("CVE-2026-0007".to_owned(), Some(day(2).as_second()))];
    let told = Thing { offer: Some(Box::new(Offer { fixes, ..offer("third", "5") })), ..thing("third", "4") };
    let restart = Thing {
        kind: Thing::RESTART.to_owned(),
        name: "running programs".to_owned(),
        restart: "a reboot is owed".to_owned(),
        ..Thing::default()
    };
    let installed = [thing("example", "1"), thing("other", "8"), thing("third", "4")];
    let all = installed.into_iter().chain([explained, unexplained, told, restart]).collect();
    world.push(all, day(10), &advisories).await;
    let query = fleet::Query { limit: 100, sort: fleet::Sort::Vulnerability, now: day(11), ..fleet::Query::default() };
    let found =
        organisation.view(None, day(11), |view| view.findings.list(&view.record.facts, &query)).await.expect("asked");
    let mut found: Vec<(String, &str)> =
        found.rows.iter().map(|row| (row.vulnerability.clone(), row.state.word())).collect();
    found.sort();
    let expected = [
        ("CVE-2026-0001", "open"),
        ("CVE-2026-0007", "open"),
        ("RESTART", "restart pending"),
        ("UPDATE-other-9", "open"),
    ];
    assert_eq!(found, expected.map(|(id, state)| (id.to_owned(), state)));
    let packages = organisation.view(None, day(11), |view| view.findings.summary(&view.record.facts, day(11)).packages);
    assert_eq!(packages.await.expect("asked"), 3, "what is offered is no package");
}
