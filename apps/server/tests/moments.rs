//! Past days on the pages: what is shown of a day is what was known of it then, and every link leads on to the same day.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Attributes, Command, DecisionId, DecisionKind, Holder, Reach, Role};
use protocol::Ticket;
use world::{World, asset, day, observed, thing};

/// A host that changes its owner, its package and its agent on the fifth day.
async fn changed(name: &str) -> World {
    let world = World::new(name).await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    world.host("web-1", "first-team", vec![thing("openssl", "3.0.1"), thing("zlib1g", "1.2.13")]).await;
    world.set_clock(day(5));
    let attributes = Attributes { owner: Some("second-team".to_owned()), ..Attributes::default() };
    world.act("root", Command::ChangeAsset(asset("web-1"), attributes)).await;
    let (input, root) = ((observed(vec![thing("openssl", "3.0.2")]), world.now()), world::person("root"));
    let pushed = world.organisation.push(&root, asset("web-1"), input, (None, world.now()));
    pushed.await.expect("taken in");
    world
}

/// What a page shows: its own content, without what stands around it.
async fn page(world: &World, path: &str) -> String {
    page_of(world, "olaf", path).await
}

async fn page_of(world: &World, person: &str, path: &str) -> String {
    let cookie = world.cookie(person).await;
    let answer = world.get(path).header("cookie", &cookie).send().await.expect("answered");
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    assert_eq!(status, 200, "{path}: {text}");
    text.split("<main").nth(1).expect("the content").to_owned()
}

/// The addresses that a page leads to.
fn links(page: &str) -> Vec<String> {
    let all = page.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    all.map(|link| link.replace("&amp;", "&")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_asset_as_of_a_past_day_shows_that_day() {
    let world = changed("past").await;
    let (then, now) = (page(&world, "/assets/web-1?at=2026-11-03").await, page(&world, "/assets/web-1").await);
    assert!(now.contains("second-team") && now.contains("2026-11-06"));
    assert!(then.contains("first-team") && !then.contains("second-team"), "{then}");
    assert!(!then.contains("2026-11-06"), "{then}");
    let then = page(&world, "/assets/web-1/inventory?at=2026-11-03").await;
    assert!(then.contains("3.0.1") && then.contains("zlib1g") && !then.contains("3.0.2"), "{then}");
    let now = page(&world, "/assets/web-1/inventory").await;
    assert!(now.contains("3.0.2") && !now.contains("zlib1g"), "{now}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_a_past_day_leads_to_that_day_and_one_leads_back_with_all_that_was_asked_for() {
    let world = changed("past-links").await;
    let places = [
        "/?",
        "/findings?owner=first-team&",
        "/patches?by=owner&",
        "/assets?platform=Debian&",
        "/undetermined?",
        "/assets/web-1?",
    ];
    for place in places {
        let shown = page(&world, &format!("{place}at=2026-11-03")).await;
        assert!(shown.contains("As of ") && shown.contains("as it was known then"), "{place}: {shown}");
        let asked = place.split('?').nth(1).expect("a query").trim_end_matches('&');
        let back = format!("?{asked}");
        let all = links(&shown);
        assert!(all.contains(&back), "{place}: {all:?}");
        let is_of_now = |link: &&String| {
            let about_assets = ["/findings", "/patches", "/assets", "/undetermined", "/vulnerabilities"];
            **link != back && about_assets.iter().any(|path| link.starts_with(path)) && !link.ends_with("/history")
        };
        let followed: Vec<&String> = all.iter().filter(is_of_now).collect();
        assert!(!followed.is_empty(), "{place}: {all:?}");
        assert!(followed.iter().all(|link| link.contains("at=2026-11-03")), "{place}: {followed:?}");
        for link in followed {
            page(&world, link).await;
        }
    }
    let coming = page(&world, "/findings?at=2027-01-01").await;
    assert!(coming.contains("if nothing happens until then"), "{coming}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_of_assets_can_be_asked_for() {
    let world = changed("unknown").await;
    world.act("root", Command::RegisterAsset(asset("nobodys"), Attributes::default())).await;
    let shown = page(&world, "/assets?unknown=owner").await;
    assert!(shown.contains("nobodys") && !shown.contains("/assets/web-1"), "{shown}");
    let all = page(&world, "/assets").await;
    let link = links(&all).into_iter().find(|link| link.contains("unknown=owner")).expect("a link");
    assert_eq!(link, "/assets?unknown=owner");
    let shown = page(&world, "/assets?unknown=platform,environment").await;
    assert!(shown.contains("nobodys") && !shown.contains("/assets/web-1"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_past_day_a_team_sees_what_was_its_own_then() {
    let world = changed("past-teams").await;
    world.somebody("before", &[Role::Developer], &["first-team"]).await;
    world.somebody("after", &[Role::Developer], &["second-team"]).await;
    let status = async |person: &str, path: &str| {
        let cookie = world.cookie(person).await;
        world.get(path).header("cookie", &cookie).send().await.expect("answered").status().as_u16()
    };
    for path in ["/assets/web-1", "/assets/web-1/inventory"] {
        let then = format!("{path}?at=2026-11-03");
        assert_eq!((status("before", &then).await, status("after", &then).await), (200, 404), "{path}");
        assert_eq!((status("before", path).await, status("after", path).await), (404, 200), "{path}");
    }
    assert!(page_of(&world, "before", "/assets?at=2026-11-03").await.contains("web-1"));
    assert_eq!(status("after", "/assets/web-1/inventory?at=2026-10-01").await, 404, "it was not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_an_asset_tells_who_turned_its_agent_away_and_why() {
    let world = changed("history").await;
    let (ticket, id) = (Ticket::new(&[7; 40], None).expect("a ticket"), asset("web-1"));
    let issue = Command::IssueToken {
        token: ticket.token.clone(),
        holder: Holder::Asset(id.clone()),
        digest: ticket.digest(),
        until: day(6),
        scopes: Default::default(),
    };
    world.act("root", issue).await;
    world.act(lifecycle::SYSTEM, Command::EnrolAgent(ticket.token, "sha256:00".to_owned())).await;
    world.act("olaf", Command::RevokeAgent(id, "its key was stolen".to_owned())).await;
    let shown = page(&world, "/assets/web-1/history").await;
    assert!(
        shown.contains("agent/revoked") && shown.contains("its key was stolen") && shown.contains("olaf"),
        "{shown}"
    );
    world.somebody("dina", &[Role::Developer], &["second-team"]).await;
    // Somebody who bears the asset's id is another matter.
    world.somebody("web-1", &[Role::Approver], &[]).await;
    let theirs = page_of(&world, "dina", "/assets/web-1/history").await;
    assert!(!theirs.contains("person/") && !theirs.contains("approver"), "{theirs}");
    assert!(theirs.contains("agent/revoked"), "{theirs}");
    assert!(!theirs.contains("href=\"/ledger/"), "a developer is shown no way that is closed to them: {theirs}");
    let shown = page(&world, "/ledger?kind=agent/&subject=web-1").await;
    assert!(shown.contains("agent/revoked") && !shown.contains("asset/registered"), "{shown}");
    let none = page(&world, "/ledger?subject=web").await;
    assert!(none.contains("No entry fits"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_on_what_nobody_has_leads_nowhere() {
    let world = changed("decided").await;
    let request = Command::RequestDecision {
        decision: DecisionId::new("d-1").expect("an id"),
        kind: DecisionKind::Exception,
        reach: Reach { vulnerability: "CVE-2026-404".to_owned(), package: None, assets: Default::default() },
        reason: "it cannot be patched yet".to_owned(),
        until: day(30),
        renews: None,
        assessment: Default::default(),
    };
    world.act("root", request).await;
    let shown = page(&world, "/decisions").await;
    assert!(shown.contains("CVE-2026-404") && !shown.contains("/vulnerabilities/CVE-2026-404"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_is_a_document_with_figures_and_every_version_as_of_its_day() {
    let world = changed("policy").await;
    world.somebody("emil", &[Role::Employee], &[]).await;
    let before = page(&world, "/policy").await;
    assert!(
        before.contains("Common baseline") && before.contains("Known to be exploited"),
        "tables where there is no prose"
    );
    let lacks = page(&world, "/policy/documents/executive").await;
    assert!(lacks.contains("cannot be written"), "{lacks}");
    world.set_clock(day(8));
    let hostile = "Operations <script>alert(1)</script>";
    let text = policy::PROFILES[0].whole().expect("a profile").replace("Operations engineer", hostile);
    let excluded = text.replace("tag = [\"vendor-managed\"]", "owner = [\"second-team\"]");
    world.organisation.adopt(&world::person("root"), ("Ours", &excluded), world.now()).await.expect("in force");
    let now = page_of(&world, "emil", "/policy").await;
    for words in [
        "The vulnerability process",
        "What is promised, and how it stands",
        "at least every",
        "Versions",
        "1 asset besides",
    ] {
        assert!(now.contains(words), "{words}: {now}");
    }
    assert!(!now.contains("<script") && now.contains("&lt;script"), "what a policy says is text");
    assert!(page_of(&world, "emil", "/policy/documents/employee").await.contains("acknowledge"));
    let then = page(&world, "/policy?at=2026-11-03").await;
    assert!(then.contains("Common baseline") && !then.contains("The vulnerability process"), "{then}");
    let cookie = world.cookie("emil").await;
    let nothing = world.get("/policy/documents/nothing").header("cookie", &cookie).send().await.expect("answered");
    assert_eq!(nothing.status(), 404);
    // What is not covered is still found by who asks for it, and counted beside.
    let asset = page(&world, "/assets/web-1").await;
    assert!(asset.contains("The policy does not cover it") && !asset.contains("Not enough data"), "{asset}");
}
