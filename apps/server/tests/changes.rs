//! Changes on pages and for programs: planned, held, approved and taken back by those who may, and shown to those who see it.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use change::Came;
use fleet::{Offer, Thing};
use lifecycle::{ChangeId, Role, TokenScope};
use protocol::OrderReport;
use serde_json::{Value, json};
use world::{World, asset, main_of, person, problem, shown, thing};

/// Version 1 of a package, of which version 2 is offered.
fn missing() -> Vec<Thing> {
    let source = |version: &str| ("example".to_owned(), version.to_owned());
    let offer = Offer {
        version: "2".to_owned(),
        source: source("2"),
        suite: "bookworm-security".to_owned(),
        ..Offer::default()
    };
    let own = Thing { source: Some(source("1")), ..thing("libexample1", "1") };
    vec![own.clone(), Thing { offer: Some(Box::new(offer)), ..own }]
}

/// Two hosts of two teams that miss an update, and people of every role.
async fn changing(name: &str) -> World {
    let world = World::new(name).await;
    for (who, role, teams) in [
        ("lea", Role::SecurityLead, &[][..]),
        ("bob", Role::Approver, &[]),
        ("otto", Role::Operator, &[]),
        ("dora", Role::Developer, &["web"]),
        ("emma", Role::Employee, &[]),
    ] {
        world.somebody(who, &[role], teams).await;
    }
    world.host("web-1", "web", missing()).await;
    world.host("db-1", "data", missing()).await;
    world
}

async fn bearer(world: &World, who: &str) -> String {
    format!("Bearer {}", world.token(who, TokenScope::ALL).await)
}

async fn get(world: &World, who: &str, path: &str) -> reqwest::Response {
    world.get(path).header("authorization", bearer(world, who).await).send().await.expect("answered")
}

async fn asked(world: &World, who: &str, path: &str) -> Value {
    let answer = get(world, who, path).await;
    assert_eq!(answer.status(), 200, "{who} {path}");
    serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
}

async fn posted(world: &World, who: &str, path: &str, body: &Value) -> reqwest::Response {
    let request = world.post(path).header("authorization", bearer(world, who).await);
    request.header("content-type", "application/json").body(body.to_string()).send().await.expect("answered")
}

fn planned(world: &World, id: &str) -> Value {
    let until = (world.now() + jiff::SignedDuration::from_hours(48)).to_string();
    json!({ "id": id, "kind": "normal", "title": "<script>alert(1)</script>", "until": until, "packages": ["example"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_planned_held_and_taken_back_by_programs() {
    let world = changing("changes-api").await;
    let whole = planned(&world, "c1");
    for who in ["dora", "emma", "bob"] {
        let (status, kind) = problem(posted(&world, who, "/api/v1/changes", &whole).await).await;
        assert_eq!((status, kind.as_str()), (403, "refusal/role"), "{who}");
    }
    let made = posted(&world, "otto", "/api/v1/changes", &whole).await;
    assert_eq!(made.status(), 201);
    assert_eq!(made.headers()["location"], "/api/v1/changes/c1");
    assert_eq!(problem(posted(&world, "otto", "/api/v1/changes", &whole).await).await.0, 409, "it is there");
    let mut nothing = planned(&world, "c2");
    nothing["packages"] = json!(["nothing"]);
    assert_eq!(problem(posted(&world, "otto", "/api/v1/changes", &nothing).await).await.0, 422);
    let list = asked(&world, "otto", "/api/v1/changes").await;
    assert_eq!((list["total"].as_u64(), list["items"][0]["stage"].as_str()), (Some(1), Some("planned")));
    let act = |act: &str| json!({ "act": act, "why": "the shop is slow" });
    let acts = "/api/v1/changes/c1/acts";
    assert_eq!(problem(posted(&world, "otto", acts, &act("pause")).await).await.0, 409, "it was not started");
    assert_eq!(posted(&world, "otto", acts, &act("start")).await.status(), 200);
    assert_eq!(posted(&world, "otto", acts, &act("pause")).await.status(), 200);
    let shown = asked(&world, "otto", "/api/v1/changes/c1").await;
    assert_eq!(shown["standing"], "paused (the shop is slow)", "{shown}");
    assert_eq!(shown["assets_seen"].as_array().map(Vec::len), Some(2));
    assert_eq!(posted(&world, "otto", acts, &act("resume")).await.status(), 200);
    let (otto, id) = (person("otto"), ChangeId::new("c1").expect("an id"));
    let handed = world.organisation.hand_out(&otto, &id, (9, world.now())).await;
    let first = handed.expect("handed out").remove(0).asset;
    let begun_at = begun_at(&world, first.as_str()).await;
    let report = OrderReport {
        change: ChangeId::new("c1").expect("an id"),
        begun_at,
        came: Some(Came::Failed),
        words: "it says <no>".to_owned(),
        log: "what it <said>".to_owned(),
    };
    assert!(world.organisation.reported(&person("otto"), &first, report.clone(), world.now()).await.expect("kept"));
    assert!(!world.organisation.reported(&person("otto"), &first, report, world.now()).await.expect("known"), "once");
    let log = get(&world, "otto", &format!("/api/v1/changes/c1/assets/{first}/log")).await;
    assert_eq!((log.status().as_u16(), log.text().await.expect("a text").as_str()), (200, "what it <said>"));
    assert_eq!(posted(&world, "otto", acts, &act("rollback")).await.status(), 200);
    let calendar = get(&world, "dora", "/api/v1/calendar.ics").await;
    assert_eq!(calendar.headers()["content-type"], "text/calendar; charset=utf-8");
    assert!(calendar.text().await.expect("a text").starts_with("BEGIN:VCALENDAR"));
    assert_eq!(get(&world, "otto", "/api/v1/changes/nothing").await.status(), 404);
}

async fn begun_at(world: &World, host: &str) -> jiff::Timestamp {
    let record = world.organisation.store.record().await.expect("read");
    let rolled = &record.rollouts[&ChangeId::new("c1").expect("an id")];
    rolled.rollout.began_at(rolled.number(&asset(host)).expect("it is in it")).expect("it has begun")
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_the_changes_of_their_assets_and_do_what_they_may() {
    let world = changing("changes-pages").await;
    let text = policy::PROFILES[0].whole().expect("a profile");
    world.organisation.adopt(&person("root"), ("saas", &text), world.now()).await.expect("adopted");
    let cookie = world.cookie("otto").await;
    let fields = [("id", "c1"), ("kind", "normal"), ("title", "<script>alert(1)</script>"), ("until", "2026-12-24")];
    let sent = world.form("/changes", &cookie, &[&fields[..], &[("way_back", "as it was")]].concat()).await;
    assert_eq!((sent.status().as_u16(), &sent.headers()["location"]), (303, &"/changes/c1".parse().expect("a value")));
    let list = shown(&world, "otto", "/changes").await;
    assert!(list.contains("&lt;script&gt;") && !list.contains("<script>alert"), "{list}");
    assert!(
        list.contains("2 more assets are in a change that is not over") || list.contains("Nothing that the assets")
    );
    let page = shown(&world, "otto", "/changes/c1").await;
    for wanted in ["web-1", "db-1", "its gate lacks", "Start it", "as it was"] {
        assert!(page.to_lowercase().contains(&wanted.to_lowercase()), "{wanted}: {page}");
    }
    // A developer sees the hosts of their team, and may do nothing with it.
    let theirs = shown(&world, "dora", "/changes/c1").await;
    assert!(theirs.contains("web-1") && !theirs.contains("db-1") && theirs.contains("1 more belong"), "{theirs}");
    assert!(!theirs.contains("What you may do"), "{theirs}");
    assert_eq!(main_of(&world, "emma", "/changes").await.0, 403);
    assert_eq!(main_of(&world, "dora", "/changes/c1/assets/db-1").await.0, 403);
    // Nobody approves what cannot be proven yet, and an approver is told of what waits for them.
    let bob = world.cookie("bob").await;
    let refused = world.form("/changes/c1/answers", &bob, &[("answer", "approve"), ("plan", "x")]).await;
    assert_eq!(refused.status(), 409);
    let sent = world.form("/changes/c1/acts", &cookie, &[("act", "abort"), ("why", "not today")]).await;
    assert_eq!(sent.status(), 303);
    assert!(shown(&world, "otto", "/changes/c1").await.contains("aborted it: not today"));
    // An emergency of something that nobody knows here is none.
    assert_eq!(world.form("/vulnerabilities/CVE-1-1/emergency", &cookie, &[]).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn developers_patch_what_their_own_team_has_where_the_policy_lets_them() {
    let world = changing("changes-own").await;
    let text = policy::PROFILES[0].whole().expect("a profile");
    world.organisation.adopt(&person("root"), ("saas", &text), world.now()).await.expect("adopted");
    let mut whole = planned(&world, "own");
    whole["health"] = json!(["port:443"]);
    whole["way_back"] = json!("what was installed is kept");
    let made = posted(&world, "dora", "/api/v1/changes", &whole).await;
    let (status, body) = (made.status(), made.text().await.expect("a body"));
    assert_eq!(status, 201, "{body}");
    let made: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&made["assets"], &made["assets_seen"][0]["asset"]), (&json!(1), &json!("web-1")), "{made}");
    assert_eq!(made["health"], json!(["port:443"]));
    assert_eq!(made["needs"], json!({ "size_bytes": 0, "unsized_packages": ["libexample1"], "reboots": 0 }));
    let act = |act: &str| json!({ "act": act, "why": "the shop is slow" });
    for (what, status) in [("start", 200), ("pause", 200), ("resume", 200)] {
        let answer = posted(&world, "dora", "/api/v1/changes/own/acts", &act(what)).await;
        assert_eq!(answer.status(), status, "{what}");
    }
    assert_eq!(posted(&world, "otto", "/api/v1/changes/own/acts", &act("abort")).await.status(), 200);
    // What others have as well is for those who operate.
    assert_eq!(posted(&world, "otto", "/api/v1/changes", &planned(&world, "all")).await.status(), 201);
    let refused = problem(posted(&world, "dora", "/api/v1/changes/all/acts", &act("start")).await).await;
    assert_eq!(refused, (403, "refusal/role".to_owned()));
    let bad =
        json!({ "id": "bad", "kind": "normal", "title": "t", "until": whole["until"], "health": ["program:/bin/sh"] });
    assert_eq!(problem(posted(&world, "otto", "/api/v1/changes", &bad).await).await.0, 400);
    let page = shown(&world, "dora", "/changes").await;
    assert!(page.contains("Plan a change") && !page.contains("What falls due"), "{page}");
    let page = shown(&world, "dora", "/changes/own").await;
    assert!(page.contains("before and after: port:443, and what each host"), "{page}");
    assert!(!shown(&world, "emma", "/tasks").await.contains("Plan a change"));
}
