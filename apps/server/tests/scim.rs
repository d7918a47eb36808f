//! An identity provider keeps people and groups up to date by itself (RFC 7643, RFC 7644).
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Role, TokenScope};
use serde_json::{Value, json};
use world::{World, person};

struct Provider<'w>(&'w World, String);

impl Provider<'_> {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.0.client.request(method, format!("{}/scim/v2{path}", self.0.base));
        let request = request.header("authorization", format!("Bearer {}", self.1));
        let request = match body {
            Some(body) => request.header("content-type", "application/scim+json").body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.expect("answered");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_come_change_go_and_come_back() {
    let world = World::new("scim-users").await;
    let provider = Provider(&world, world.token("root", TokenScope::ALL).await);
    let (status, configuration) = provider.ask("GET", "/ServiceProviderConfig", None).await;
    assert_eq!((status, &configuration["patch"]["supported"]), (200, &Value::Bool(true)));
    let new = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@example.org", "externalId": "e-1",
        "name": { "givenName": "Ada", "familyName": "L" }, "emails": [{ "value": "ada@example.org", "primary": true }], "active": true });
    let (status, user) = provider.ask("POST", "/Users", Some(new.clone())).await;
    assert_eq!(status, 201, "{user}");
    assert_eq!(
        (&user["id"], &user["displayName"], &user["active"]),
        (&json!("ada@example.org"), &json!("Ada L"), &json!(true))
    );
    let (status, twice) = provider.ask("POST", "/Users", Some(new)).await;
    assert_eq!((status, &twice["scimType"], &twice["status"]), (409, &json!("uniqueness"), &json!("409")), "{twice}");
    let roles =
        async |id: &str| world.organisation.store.record().await.expect("read").state.people[&person(id)].roles.clone();
    assert_eq!(roles("ada@example.org").await, world::roles(&[Role::Employee]), "what else they may is said by people");
    for filter in ["userName eq \"ADA@example.org\"", "externalId eq \"e-1\"", "emails.value eq \"ada@example.org\""] {
        let path = format!("/Users?filter={}", filter.replace(' ', "%20").replace('"', "%22"));
        let (_, found) = provider.ask("GET", &path, None).await;
        assert_eq!(found["totalResults"], 1, "{filter}: {found}");
    }
    let (status, wrong) = provider.ask("GET", "/Users?filter=userName%20co%20%22a%22", None).await;
    assert_eq!((status, &wrong["scimType"]), (400, &json!("invalidFilter")));
    // As one large provider writes it: words for truth values, capital letters.
    let off = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
    let (status, user) = provider.ask("PATCH", "/Users/ada@example.org", Some(off)).await;
    assert_eq!((status, &user["active"]), (200, &json!(false)), "{user}");
    assert!(roles("ada@example.org").await.is_empty());
    let on = json!({ "Operations": [{ "op": "replace", "value": { "active": true, "displayName": "Ada Lovelace" } }] });
    let (_, user) = provider.ask("PATCH", "/Users/ada@example.org", Some(on)).await;
    assert_eq!((&user["active"], &user["displayName"]), (&json!(true), &json!("Ada Lovelace")));
    let named = json!({ "Operations": [{ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false }] });
    assert_eq!(provider.ask("PATCH", "/Users/ada@example.org", Some(named)).await.1["active"], false);
    let shouted = json!({ "userName": "ada@example.org", "Active": true });
    assert_eq!(provider.ask("PUT", "/Users/ada@example.org", Some(shouted)).await.1["active"], true);
    let idle = json!({ "userName": "idle", "active": false });
    assert_eq!(provider.ask("POST", "/Users", Some(idle)).await.1["active"], false);
    let long = json!({ "userName": "long", "displayName": "x".repeat(900) });
    assert_eq!(provider.ask("POST", "/Users", Some(long)).await.0, 400);
    let renamed = json!({ "userName": "other", "active": true });
    let (status, problem) = provider.ask("PUT", "/Users/ada@example.org", Some(renamed)).await;
    assert_eq!((status, &problem["scimType"]), (400, &json!("mutability")));
    assert_eq!(provider.ask("DELETE", "/Users/ada@example.org", None).await.0, 204);
    assert_eq!(provider.ask("GET", "/Users/ada@example.org", None).await.0, 404);
    assert_eq!(
        world.organisation.store.account(&person("ada@example.org")).await.expect("read"),
        None,
        "names are erased"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_follow_what_the_provider_says() {
    let world = World::new("scim-groups").await;
    let provider = Provider(&world, world.token("root", TokenScope::ALL).await);
    for name in ["ada", "ben", "cleo"] {
        assert_eq!(provider.ask("POST", "/Users", Some(json!({ "userName": name }))).await.0, 201);
    }
    let new = json!({ "displayName": "Night Shift (EU)", "members": [{ "value": "ada" }] });
    let (status, group) = provider.ask("POST", "/Groups", Some(new)).await;
    assert_eq!((status, &group["id"]), (201, &json!("night-shift-eu")), "{group}");
    let members = |group: &Value| {
        let all = group["members"].as_array().expect("members").iter();
        all.map(|member| member["value"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let patch = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": "ben" }, { "value": "cleo" }] }]));
    let (_, group) = provider.ask("PATCH", "/Groups/night-shift-eu", Some(add)).await;
    assert_eq!(members(&group), ["ada", "ben", "cleo"]);
    let remove = patch(json!([{ "op": "remove", "path": "members[value eq \"ben\"]" }]));
    let (_, group) = provider.ask("PATCH", "/Groups/night-shift-eu", Some(remove)).await;
    assert_eq!(members(&group), ["ada", "cleo"]);
    for path in
        ["Members[value eq \"ada\" and type eq \"User\"]", "members[value eq 'ada']", "members[display eq \"ada\"]"]
    {
        let (status, problem) = provider
            .ask("PATCH", "/Groups/night-shift-eu", Some(patch(json!([{ "op": "remove", "path": path }]))))
            .await;
        assert_eq!(
            (status, &problem["scimType"]),
            (400, &json!("invalidFilter")),
            "{path}: what is not understood is not passed over"
        );
    }
    let unknown = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]));
    assert_eq!(provider.ask("PATCH", "/Groups/night-shift-eu", Some(unknown)).await.0, 404);
    // Who has gone hinders nobody.
    assert_eq!(provider.ask("DELETE", "/Users/cleo", None).await.0, 204);
    let replace = patch(json!([{ "op": "replace", "path": "members", "value": [{ "value": "ben" }] }]));
    let (status, group) = provider.ask("PATCH", "/Groups/night-shift-eu", Some(replace)).await;
    assert_eq!((status, members(&group)), (200, vec!["ben".to_owned()]), "{group}");
    let (_, found) = provider.ask("GET", "/Groups?filter=displayName%20eq%20%22Night%20Shift%20(EU)%22", None).await;
    assert_eq!(found["totalResults"], 1);
    assert_eq!(provider.ask("DELETE", "/Groups/night-shift-eu", None).await.0, 204);
    assert_eq!(provider.ask("GET", "/Groups/night-shift-eu", None).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrators_token_opens_it() {
    let world = World::new("scim-access").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let olaf = Provider(&world, world.token("olaf", TokenScope::ALL).await);
    let (status, problem) = olaf.ask("GET", "/Users", None).await;
    assert_eq!((status, &problem["schemas"][0]), (403, &json!("urn:ietf:params:scim:api:messages:2.0:Error")));
    let reads = Provider(&world, world.token("root", &[TokenScope::Read]).await);
    assert_eq!(reads.ask("GET", "/Users", None).await.0, 403);
    let root = Provider(&world, world.token("root", TokenScope::ALL).await);
    for body in [
        json!([]),
        json!({ "userName": "a b" }),
        json!({ "userName": 7 }),
        json!({}),
        json!({ "userName": "x", "active": 3 }),
    ] {
        assert_eq!(root.ask("POST", "/Users", Some(body.clone())).await.0, 400, "{body}");
    }
    assert_eq!(
        root.ask(
            "PATCH",
            "/Users/root",
            Some(json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] }))
        )
        .await
        .0,
        403,
        "nobody changes their own roles"
    );
}
