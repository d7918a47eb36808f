//! What programs may rely on: pages of lists, tags, keys that make a request happen once, problems, limits, and hostile input.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Command, Role, TokenScope};
use serde_json::{Value, json};
use world::{World, asset, problem, thing};

async fn operator(world: &World) -> String {
    world.somebody("olaf", &[Role::Operator, Role::SecurityLead], &[]).await;
    format!("Bearer {}", world.token("olaf", TokenScope::ALL).await)
}

async fn json_of(response: reqwest::Response) -> Value {
    serde_json::from_str(&response.text().await.expect("a body")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_that_are_whole_together() {
    let world = World::new("pages").await;
    let bearer = operator(&world).await;
    for number in 0..25 {
        world.host(&format!("host-{number:02}"), "web", vec![thing("openssl", "3.0.1")]).await;
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/assets?limit=10&page_token={token}");
        let page = json_of(world.get(&path).header("authorization", &bearer).send().await.expect("answered")).await;
        if token.is_empty() {
            assert_eq!(page["total"], 25);
            // What comes and goes before the place moves nothing behind it.
            world.act("root", Command::RetireAsset(asset("host-00"), "gone".to_owned())).await;
            world.act("root", Command::RegisterAsset(asset("a-host"), lifecycle::Attributes::default())).await;
        }
        seen.extend(
            page["items"].as_array().expect("a list").iter().map(|one| one["id"].as_str().expect("an id").to_owned()),
        );
        match page["next_page_token"].as_str() {
            Some(next) => {
                token = next.to_owned();
                // It holds for this list as it was asked for, and for no other one.
                for other in
                    ["assets?limit=10&owner=db", "assets?at=2026-11-01", "findings?limit=10", "agents?limit=10"]
                {
                    let path = format!("/api/v1/{other}&page_token={token}");
                    let refused = world.get(&path).header("authorization", &bearer).send().await.expect("answered");
                    assert_eq!(problem(refused).await, (400, "request/malformed".to_owned()), "{other}");
                }
            }
            None => break,
        }
    }
    assert_eq!(seen, (0..25).map(|number| format!("host-{number:02}")).collect::<Vec<_>>());
    for bad in [
        "page_token=zzz",
        "limit=0",
        "limit=1001",
        "limit=x",
        "unknown=1",
        "at=yesterday",
        "at=2026-11-01T00:00",
        "exposure=maybe",
    ] {
        let refused = world
            .get(&format!("/api/v1/assets?{bad}"))
            .header("authorization", &bearer)
            .send()
            .await
            .expect("answered");
        assert_eq!(problem(refused).await, (400, "request/malformed".to_owned()), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_no_empty_list() {
    let world = World::new("slips").await;
    let bearer = operator(&world).await;
    world.host("web-1", "web", vec![thing("openssl", "3.0.1")]).await;
    let session = world.cookie("olaf").await;
    for list in
        ["api/v1/findings?", "api/v1/findings/groups?", "findings?", "patches?", "patches?by=owner&", "assets/web-1?"]
    {
        let request = world.get(&format!("/{list}class=nosuch"));
        let request = match list.starts_with("api") {
            true => request.header("authorization", &bearer),
            false => request.header("cookie", &session),
        };
        let answer = request.send().await.expect("answered");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status == 400 && text.contains("is no class of the policy"), "{list}: {status} {text}");
    }
    let body = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}]}"#;
    for slip in ["findings?by=owner", "findings/groups?sort=due", "assets?unknown=owners", "findings?unknown=owner,,"] {
        let asked = world.get(&format!("/api/v1/{slip}")).header("authorization", &bearer).send().await;
        assert_eq!(asked.expect("answered").status(), 400, "{slip}");
    }
    for (at, status) in [("2026-11-01T10:00", 400), ("2026-11-01%2010:00:00", 400), ("2026-11-01", 200)] {
        let path = format!("/api/v1/assets/web-1/inventory?taken_at={at}&file=bom.cdx.json");
        let asked = world.post(&path).header("authorization", &bearer).body(body).send().await.expect("answered");
        assert_eq!(asked.status(), status, "{at}: {}", asked.text().await.expect("a body"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_sent_again_and_nobody_overwrites_what_they_have_not_seen() {
    let world = World::new("tags").await;
    let bearer = operator(&world).await;
    world.host("web-1", "web", vec![thing("openssl", "3.0.1")]).await;
    let first = world.get("/api/v1/assets/web-1").header("authorization", &bearer).send().await.expect("answered");
    let tag = first.headers().get("etag").expect("a tag").to_str().expect("text").to_owned();
    let again = world.get("/api/v1/assets/web-1").header("authorization", &bearer).header("if-none-match", &tag);
    assert_eq!(again.send().await.expect("answered").status(), 304);
    let put = async |tag: &str, owner: &str| {
        let request = world.client.put(format!("{}/api/v1/assets/web-1", world.base)).header("authorization", &bearer);
        let request = request.header("if-match", tag).header("content-type", "application/json");
        request.body(json!({ "owner": owner }).to_string()).send().await.expect("answered").status().as_u16()
    };
    assert_eq!(put(&tag, "data").await, 200);
    assert_eq!(put(&tag, "it").await, 412, "somebody has changed it since");
    let now =
        json_of(world.get("/api/v1/assets/web-1").header("authorization", &bearer).send().await.expect("answered"))
            .await;
    assert_eq!(now["attributes"]["owner"], "data");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_a_key_is_done_once() {
    let world = World::new("once").await;
    let bearer = operator(&world).await;
    let create = async |key: &str, scope: &str| {
        let request = world.post("/api/v1/tokens").header("authorization", &bearer).header("idempotency-key", key);
        let request = request.header("content-type", "application/json");
        request.body(json!({ "scopes": [scope], "until": "2026-12-24" }).to_string()).send().await.expect("answered")
    };
    let (one, two) = (create("a", "read").await, create("a", "read").await);
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (201, 201));
    let (one, two) = (json_of(one).await, json_of(two).await);
    assert_eq!(one, two, "the same token, made once");
    assert_eq!(problem(create("a", "report").await).await, (422, "request/key-reused".to_owned()));
    assert_ne!(json_of(create("b", "read").await).await, one);
    let tokens = world.organisation.store.record().await.expect("read").state.tokens.len();
    assert_eq!(tokens, 3, "one to ask with, and two that were made");
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_name_what_was_wrong() {
    let world = World::new("problems").await;
    let bearer = operator(&world).await;
    let post = async |path: &str, body: &str| {
        let request = world.post(path).header("authorization", &bearer).header("content-type", "application/json");
        problem(request.body(body.to_owned()).send().await.expect("answered")).await
    };
    assert_eq!(post("/api/v1/assets", r#"{"id":"a b"}"#).await, (400, "refusal/no-id".to_owned()));
    assert_eq!(post("/api/v1/assets", "{").await, (400, "request/malformed".to_owned()));
    assert_eq!(post("/api/v1/assets", r#"{"id":"a","surprise":1}"#).await, (400, "request/malformed".to_owned()));
    assert_eq!(post("/api/v1/assets/gone/retire", r#"{"reason":"x"}"#).await, (404, "refusal/unknown".to_owned()));
    assert_eq!(post("/api/v1/nothing", "{}").await, (404, "request/unknown-address".to_owned()));
    let wrong = world.client.delete(format!("{}/api/v1/assets", world.base)).header("authorization", &bearer);
    assert_eq!(problem(wrong.send().await.expect("answered")).await, (405, "request/wrong-method".to_owned()));
    let large =
        world.post("/api/v1/assets").header("authorization", &bearer).header("content-type", "application/json");
    assert_eq!(large.body("x".repeat(2 << 20)).send().await.expect("answered").status(), 413);
    world.act("root", lifecycle::Command::RegisterAsset(world::asset("a"), lifecycle::Attributes::default())).await;
    assert_eq!(post("/api/v1/assets", r#"{"id":"a"}"#).await, (409, "refusal/exists".to_owned()));
    assert_eq!(post("/api/v1/assets/a/inventory", "what is this").await, (422, "inventory/refused".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_of_materials_of_a_build_is_taken_in() {
    let world = World::new("sbom").await;
    let bearer = operator(&world).await;
    world
        .act("root", lifecycle::Command::RegisterAsset(world::asset("shop/api"), lifecycle::Attributes::default()))
        .await;
    let push = async |path: &str, body: &str| {
        let request = world.post(path).header("authorization", &bearer).body(body.to_owned());
        json_of(request.send().await.expect("answered")).await
    };
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"serde","version":"1.0.0","purl":"pkg:cargo/serde@1.0.0"}]}"#;
    let first = push("/api/v1/assets/shop%2Fapi/inventory", bom).await;
    assert_eq!((first["result"].as_str(), first["packages"].as_u64()), (Some("changed"), Some(1)));
    world.set_clock(world::day(1));
    assert_eq!(push("/api/v1/assets/shop%2Fapi/inventory", bom).await["result"], "unchanged");
    let lock = "version = 3\n[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nsource = \"registry+https://example.invalid\"\n";
    world.set_clock(world::day(2));
    assert_eq!(push("/api/v1/assets/shop%2Fapi/inventory?file=Cargo.lock", lock).await["result"], "changed");
    let has = json_of(
        world
            .get("/api/v1/assets/shop%2Fapi/inventory")
            .header("authorization", &bearer)
            .send()
            .await
            .expect("answered"),
    )
    .await;
    assert_eq!(has["items"][0]["version"], "1.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_forwarded_address_is_nobodys() {
    let world = World::new("forwarded").await;
    let mut statuses = Vec::new();
    for number in 0..40 {
        let request = world.post("/sign-in").header("x-forwarded-for", format!("10.0.0.{number}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let sent = request.body(format!("person=p{number}&password=x")).send().await.expect("answered");
        statuses.push(sent.status().as_u16());
    }
    assert!(statuses.contains(&429), "each attempt was counted for another address: {statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_answers_whoever_used_it_and_nobody_else_and_no_secret_lies_open() {
    let world = World::new("once-whose").await;
    let bearer = operator(&world).await;
    world.somebody("dina", &[Role::Developer], &[]).await;
    let other = format!("Bearer {}", world.token("dina", TokenScope::ALL).await);
    let body = json!({ "scopes": ["read"], "until": "2026-12-24" }).to_string();
    let create = async |bearer: &str| {
        let request = world.post("/api/v1/tokens").header("authorization", bearer).header("idempotency-key", "1");
        request.header("content-type", "application/json").body(body.clone()).send().await.expect("answered")
    };
    let first = json_of(create(&bearer).await).await;
    assert_ne!(json_of(create(&other).await).await, first, "another one's key is another key");
    let anonymous = world.post("/api/v1/tokens").header("idempotency-key", "1");
    let anonymous = anonymous.header("content-type", "application/json").body(body.clone());
    assert_eq!(anonymous.send().await.expect("answered").status(), 401);
    let id = protocol::Ticket::parse(bearer.trim_start_matches("Bearer ")).expect("a ticket").token;
    world.act("root", lifecycle::Command::RevokeToken(id)).await;
    assert_eq!(create(&bearer).await.status(), 401, "whoever is let in no longer hears nothing again");
    let secret = first["token"].as_str().expect("a token");
    for entry in std::fs::read_dir(&world.folder).expect("a folder").flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).expect("read");
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "the secret lies in {}", entry.path().display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_says_of_assets_is_no_news_of_others_and_no_book() {
    let world = World::new("reach").await;
    world.host("theirs", "web", vec![thing("openssl", "3.0.1")]).await;
    world.host("others", "data", vec![thing("openssl", "3.0.1")]).await;
    world.somebody("dina", &[Role::Developer], &["web"]).await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let dina = format!("Bearer {}", world.token("dina", TokenScope::ALL).await);
    let olaf = format!("Bearer {}", world.token("olaf", TokenScope::ALL).await);
    let ask = async |bearer: &str, id: &str, assets: &[&str], reason: &str| {
        let body = json!({ "id": id, "kind": "exception", "vulnerability": "CVE-2026-1", "assets": assets, "reason": reason, "until": "2026-12-01" });
        let request = world.post("/api/v1/decisions").header("authorization", bearer);
        let request = request.header("content-type", "application/json");
        problem(request.body(body.to_string()).send().await.expect("answered")).await
    };
    assert_eq!(ask(&olaf, "D-1", &["theirs", "others"], "both").await.0, 201);
    let seen = world.get("/api/v1/decisions").header("authorization", &dina).send().await.expect("answered");
    let seen = json_of(seen).await;
    assert_eq!((&seen["items"][0]["assets"], &seen["items"][0]["assets_not_shown"]), (&json!(["theirs"]), &json!(1)));
    assert_eq!(ask(&dina, "D-2", &[], "all of them").await, (422, "refusal/all-assets".to_owned()));
    assert_eq!(ask(&dina, "D-3", &["others"], "not mine").await.0, 404);
    assert_eq!(ask(&dina, "D-4", &["theirs"], &"x".repeat(5000)).await, (422, "refusal/too-long".to_owned()));
    assert_eq!(ask(&dina, "D-5", &["theirs"], "mine").await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_for_a_tag_is_sent_all_the_same() {
    let world = World::new("large").await;
    let bearer = operator(&world).await;
    let named = |number| thing(&format!("a-package-with-a-rather-long-name-{number:08}"), "1.0.0-0ubuntu0.22.04.1");
    world.host("large", "web", (0..120_000).map(named).collect()).await;
    let answer = world.get("/api/v1/assets/large/inventory").header("authorization", &bearer).send().await;
    let answer = answer.expect("answered");
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("etag")), (200, false));
    assert_eq!(json_of(answer).await["items"].as_array().expect("a list").len(), 120_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_connects_and_says_nothing_is_let_go() {
    use tokio::io::AsyncReadExt;
    let world = World::new("silent").await;
    let agents = world.agents.trim_start_matches("https://").replace("localhost", "127.0.0.1");
    for address in [world.base.trim_start_matches("http://"), &agents] {
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
        let mut rest = Vec::new();
        let read = tokio::time::timeout(std::time::Duration::from_secs(25), stream.read_to_end(&mut rest)).await;
        assert!(read.is_ok(), "{address} keeps it open");
    }
}

/// Texts that somebody would be glad to see taken for something else.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE assets; --",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "=HYPERLINK(\"http://evil.example\")",
    "\u{202e}gnp.exe",
    "\u{1b}]0;owned\u{7}\u{1b}[31m",
    "../../../../etc/passwd",
    "%0d%0aSet-Cookie:%20a=b",
    "\u{0}nul",
    "javascript:alert(1)",
    "</textarea><svg onload=alert(1)>",
];

/// An asset that says nothing but what is hostile; answers with how many things it has.
async fn register_hostile(world: &World) -> usize {
    let things: Vec<fleet::Thing> = (0..10_000)
        .map(|number| {
            let text = HOSTILE[number % HOSTILE.len()];
            let mut thing = thing(&format!("{text}{number}"), text);
            thing.vendor = Some(text.to_owned());
            thing.source = Some((format!("{text}{number}"), text.to_owned()));
            if number % 3 == 0 {
                thing.still_runs = Some(text.to_owned());
            }
            thing
        })
        .collect();
    let count = things.len();
    let all = HOSTILE.iter().map(|text| (*text).to_owned());
    let attributes = lifecycle::Attributes {
        name: Some(HOSTILE[0].to_owned()),
        owner: Some(HOSTILE[1].to_owned()),
        environment: Some(HOSTILE[2].to_owned()),
        tags: all.collect(),
        ..lifecycle::Attributes::default()
    };
    world.act("root", lifecycle::Command::RegisterAsset(world::asset("target"), attributes)).await;
    let problems = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    let observed = operations::Observed::new(things, HOSTILE[3].to_owned(), problems, 9).expect("observed");
    let input = (observed, world.now());
    world
        .organisation
        .push(&world::person("root"), world::asset("target"), input, (None, world.now()))
        .await
        .expect("taken in");
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_hostile_names_and_values_do_nothing_anywhere() {
    let world = World::new("hostile").await;
    let bearer = operator(&world).await;
    let cookie = world.cookie("olaf").await;
    let count = register_hostile(&world).await;
    let pages = [
        "/",
        "/assets",
        "/assets/target",
        "/assets/target/inventory?limit=1000",
        "/findings",
        "/undetermined?limit=1000",
        "/patches?by=owner",
        "/ledger",
        "/ledger/2",
        "/ledger/3",
    ];
    for path in pages {
        let page = world.get(path).header("cookie", &cookie).send().await.expect("answered");
        assert_eq!(page.status(), 200, "{path}");
        let text = page.text().await.expect("a body");
        for part in ["<script>alert", "<img src=x", "<svg onload", "\u{1b}", "\u{202e}", "\u{0}"] {
            assert!(!text.contains(part), "{path} has {part:?}");
        }
        assert!(!text.contains("href=\"javascript:"), "{path}");
    }
    let found = json_of(
        world.get("/api/v1/assets/target/inventory").header("authorization", &bearer).send().await.expect("answered"),
    )
    .await;
    assert_eq!(found["items"].as_array().expect("a list").len(), count, "nothing is lost either");
    for text in HOSTILE {
        let query =
            serde_urlencoded::to_string([("name", *text), ("owner", *text), ("platform", *text)]).expect("a query");
        for path in ["/api/v1/assets", "/assets"] {
            let request = world.get(&format!("{path}?{query}")).header(
                if path == "/assets" { "cookie" } else { "authorization" },
                if path == "/assets" { &cookie } else { &bearer },
            );
            let answer = request.send().await.expect("answered");
            assert_eq!(answer.status(), 200, "{path} {text}");
            assert!(!answer.text().await.expect("a body").contains("<script>alert"), "{path} {text}");
        }
    }
    let verified = world.organisation.store.record().await.expect("read").state.assets.len();
    assert_eq!(verified, 1, "the tables are there");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_told_what_they_may_do() {
    let world = World::new("headers").await;
    for path in ["/sign-in", "/api/v1/assets", "/static/htmx-4.0.1.min.js", "/nothing"] {
        let answer = world.get(path).send().await.expect("answered");
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            (header("x-content-type-options"), header("x-frame-options")),
            ("nosniff".to_owned(), "DENY".to_owned()),
            "{path}"
        );
        assert!(!header("x-request-id").is_empty());
    }
    let page = world.get("/sign-in").send().await.expect("answered").text().await.expect("a body");
    assert!(!page.contains("style=\"") && !page.contains("onclick"), "a strict policy allows neither");
}

/// Where nobody has looked, nothing "could be judged".
#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_rows_says_what_is_not_known() {
    let world = World::new("unlooked").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let attributes = lifecycle::Attributes::default();
    world.act("root", lifecycle::Command::RegisterAsset(world::asset("web-1"), attributes)).await;
    let cookie = world.cookie("olaf").await;
    for path in ["/findings", "/patches", "/undetermined", "/assets", "/assets/web-1", "/"] {
        let page = world.get(path).header("cookie", &cookie).send().await.expect("answered").text().await;
        assert!(page.expect("a body").contains("Not enough data to say that all is well."), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_are_current_is_not_known_where_nothing_was_held_against_advisories() {
    let world = World::new("current").await;
    let bearer = operator(&world).await;
    world.host("web-1", "web", vec![thing("openssl", "3.0.1")]).await;
    let summary = world.get("/api/v1/summary").header("authorization", &bearer).send().await.expect("answered");
    assert_eq!(json_of(summary).await["assets_current"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_of_today_was_taken_by_now() {
    let world = World::new("today").await;
    let bearer = operator(&world).await;
    world.act("root", lifecycle::Command::RegisterAsset(world::asset("web-1"), Default::default())).await;
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"serde","version":"1.0.0","purl":"pkg:cargo/serde@1.0.0"}]}"#;
    let today = world.now().strftime("%F").to_string();
    let request = world.post(&format!("/api/v1/assets/web-1/inventory?taken_at={today}"));
    let answer = request.header("authorization", &bearer).body(bom).send().await.expect("answered");
    assert_eq!(answer.status(), 200);
}
