//! Every role against every address, made of the list that the routes themselves are made of.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Role, TokenScope};
use plimsoll_server::{RoutePolicy, policies};
use world::World;

/// An address with something in the place of its parameters: it need not be there.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| match part {
            "{number}" => "0",
            "{answer}" => "approve",
            part if part.starts_with('{') => "x",
            part => part,
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// Whether an answer is the guard's own refusal: the route itself was never reached.
async fn is_turned_away(response: reqwest::Response) -> bool {
    let status = response.status().as_u16();
    let is_sent_to_sign_in =
        response.headers().get("location").is_some_and(|to| to.as_bytes().starts_with(b"/sign-in?next="));
    let body = response.text().await.expect("a body");
    is_sent_to_sign_in
        || status == 401
        || status == 403
            && (body.contains("it takes one of the roles")
                || body.contains("it takes a token with the scope")
                || body.contains("tokens are for the API"))
}

async fn ask(world: &World, route: &RoutePolicy, (name, value): (&str, &str)) -> reqwest::Response {
    let method = reqwest::Method::from_bytes(route.method.as_bytes()).expect("a method");
    let request = world.client.request(method, format!("{}{}", world.base, filled(&route.path)));
    let request = if name.is_empty() { request } else { request.header(name, value) };
    request.body("").send().await.expect("answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_against_every_address() {
    let world = World::new("roles").await;
    let routes = policies();
    assert!(routes.len() > 50, "the list has {} addresses", routes.len());
    let mut asked = 0;
    for role in Role::ALL {
        // A token is taken back by its owner, a session is ended: each address is asked with its own.
        for route in &routes {
            let name = format!("{}-{asked}", role.word());
            world.somebody(&name, &[*role], &[]).await;
            let admits = route.admits.as_ref().is_none_or(|(roles, _)| roles.contains(&role.word()));
            let is_api = route.path.starts_with("/api/") || route.path.starts_with("/scim/");
            let header = match is_api {
                true => ("authorization", format!("Bearer {}", world.token(&name, TokenScope::ALL).await)),
                false => ("cookie", world.cookie(&name).await),
            };
            let response = ask(&world, route, (header.0, &header.1)).await;
            let status = response.status();
            let away = is_turned_away(response).await;
            let is_sign_in = route.method == "POST" && route.path == "/sign-in";
            assert!(away != admits || is_sign_in, "{} {} as {}: {status}", route.method, route.path, role.word());
            assert!(status.as_u16() < 500, "{} {} as {}: {status}", route.method, route.path, role.word());
            asked += 1;
        }
    }
    assert_eq!(asked, routes.len() * Role::ALL.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_without_a_name_and_no_token_beyond_its_scopes() {
    let world = World::new("scopes").await;
    world.somebody("everything", Role::ALL, &[]).await;
    let nothing = world.token("everything", &[]).await;
    for route in policies().iter().filter(|route| route.admits.is_some()) {
        let (_, scope) = route.admits.as_ref().expect("admits somebody");
        assert!(is_turned_away(ask(&world, route, ("", "")).await).await, "{} {} for nobody", route.method, route.path);
        let forged = "Bearer plimsoll_0000000000000000.00";
        assert_eq!(
            ask(&world, route, ("authorization", forged)).await.status(),
            401,
            "{} {}",
            route.method,
            route.path
        );
        if !route.path.starts_with("/api/") {
            continue;
        }
        let bearer = format!("Bearer {nothing}");
        assert!(
            is_turned_away(ask(&world, route, ("authorization", &bearer)).await).await,
            "{} without a scope",
            route.path
        );
        let others: Vec<TokenScope> = TokenScope::ALL.iter().copied().filter(|one| one.word() != *scope).collect();
        let bearer = format!("Bearer {}", world.token("everything", &others).await);
        assert!(
            is_turned_away(ask(&world, route, ("authorization", &bearer)).await).await,
            "{} without {scope}",
            route.path
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_sees_and_reports_the_assets_of_their_teams_alone() {
    let world = World::new("teams").await;
    world.host("theirs", "web", vec![world::thing("openssl", "3.0.1")]).await;
    world.host("others", "data", vec![world::thing("postgresql-15", "15.1")]).await;
    // Another team, which differs in case alone.
    world.host("loud-others", "WEB", vec![world::thing("postgresql-16", "16.1")]).await;
    world.somebody("dina", &[Role::Developer], &["web"]).await;
    let bearer = format!("Bearer {}", world.token("dina", TokenScope::ALL).await);
    let ask = async |path: &str| world.get(path).header("authorization", &bearer).send().await.expect("answered");
    let list = ask("/api/v1/assets").await.text().await.expect("a body");
    assert!(list.contains("theirs") && !list.contains("others"), "{list}");
    assert_eq!(ask("/api/v1/assets/theirs").await.status(), 200);
    for path in ["", "/inventory", "/findings/CVE-2026-1"] {
        assert_eq!(ask(&format!("/api/v1/assets/others{path}")).await.status(), 404, "{path}");
    }
    let all = [
        "/api/v1/findings",
        "/api/v1/findings/groups?by=asset",
        "/api/v1/undetermined",
        "/api/v1/agents",
        "/api/v1/decisions",
    ];
    for path in all {
        let text = ask(path).await.text().await.expect("a body");
        assert!(!text.contains("others") && !text.contains("postgresql"), "{path}: {text}");
    }
    assert_eq!(ask("/api/v1/ledger/entries").await.status(), 403);
    let summary: serde_json::Value =
        serde_json::from_str(&ask("/api/v1/summary").await.text().await.expect("a body")).expect("JSON");
    assert_eq!(summary["assets"], 1);
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"serde","version":"1.0.0","purl":"pkg:cargo/serde@1.0.0"}]}"#;
    let push = async |id: &str| {
        let request = world.post(&format!("/api/v1/assets/{id}/inventory")).header("authorization", &bearer);
        request.body(bom).send().await.expect("answered")
    };
    assert_eq!(push("others").await.status(), 404, "it is not theirs to report");
    assert_eq!(push("theirs").await.status(), 200);
    let cookie = world.cookie("dina").await;
    for path in ["/", "/findings", "/assets", "/patches", "/undetermined", "/decisions", "/agents"] {
        let page =
            world.get(path).header("cookie", &cookie).send().await.expect("answered").text().await.expect("a body");
        assert!(!page.contains("others") && !page.contains("postgresql"), "{path}");
    }
    for path in ["/assets/others", "/assets/others/inventory", "/assets/others/why/CVE-2026-1"] {
        let page = world.get(path).header("cookie", &cookie).send().await.expect("answered");
        assert_eq!(page.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_back_opens_nothing_from_then_on() {
    let world = World::new("revoked").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let token = world.token("olaf", &[TokenScope::Read]).await;
    let ask = async || world.status_with(&token).await;
    assert_eq!(ask().await, 200);
    let id = protocol::Ticket::parse(&token).expect("a ticket").token;
    world.act("root", lifecycle::Command::RevokeToken(id)).await;
    assert_eq!(ask().await, 401);
    let other = world.token("olaf", &[TokenScope::Read]).await;
    let ask = async || world.status_with(&other).await;
    assert_eq!(ask().await, 200);
    world.set_clock(world::day(299));
    assert_eq!(ask().await, 200);
    world.set_clock(world::day(301));
    assert_eq!(ask().await, 401, "it is over");
    world.set_clock(world::day(299));
    world.somebody("olaf", &[], &[]).await;
    assert_eq!(ask().await, 403, "who has no role sees nothing");
}
