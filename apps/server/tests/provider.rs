//! An identity provider that lies: each mistake of OpenID Connect is refused (Core 1.0, section 3.1.3.7), and what is right is let in.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

mod world;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lifecycle::Role;
use plimsoll_server::ProviderSettings;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};
use world::World;

/// Changes what would be right into something else.
type Lie = fn(&mut Value, &mut Value);

/// A provider that says what it is told to say.
struct Liar {
    issuer: String,
    key: RsaKeyPair,
    /// The nonce of the attempt, and the lie about it.
    says: Mutex<(String, Lie)>,
}

/// A key pair; `None`, said visibly, where there is no `openssl`.
fn key() -> Option<RsaKeyPair> {
    let made =
        Command::new("openssl").args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).output();
    match made {
        Ok(made) if made.status.success() => {
            let key = PrivatePkcs8KeyDer::from_pem_slice(&made.stdout).expect("a key");
            Some(RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).expect("a key"))
        }
        _ => {
            eprintln!("SKIPPED: openssl is not installed");
            None
        }
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Liar {
    async fn begin() -> Option<Arc<Self>> {
        let key = key()?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let liar = Arc::new(Self { issuer, key, says: Mutex::new((String::new(), |_, _| {})) });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(Self::describe))
            .route("/keys", get(Self::keys))
            .route("/token", post(Self::token))
            .with_state(Arc::clone(&liar));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Some(liar)
    }

    async fn describe(State(liar): State<Arc<Self>>) -> Json<Value> {
        let at = |path: &str| format!("{}{path}", liar.issuer);
        Json(json!({
            "issuer": liar.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }))
    }

    async fn keys(State(liar): State<Arc<Self>>) -> Json<Value> {
        let ring::rsa::PublicKeyComponents { n, e } =
            ring::rsa::PublicKeyComponents::<Vec<u8>>::from(liar.key.public());
        Json(
            json!({ "keys": [{ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": encoded(n), "e": encoded(e) }] }),
        )
    }

    async fn token(State(liar): State<Arc<Self>>) -> Json<Value> {
        let (nonce, lie) = liar.says.lock().expect("what it says").clone();
        let now = jiff::Timestamp::now().as_second();
        let mut head = json!({ "alg": "RS256", "kid": "1" });
        let mut claims = json!({
            "iss": liar.issuer, "sub": "account-1", "aud": "plimsoll", "exp": now + 600, "iat": now, "nonce": nonce,
            "preferred_username": "olaf",
        });
        lie(&mut head, &mut claims);
        let signed = format!("{}.{}", encoded(head.to_string()), encoded(claims.to_string()));
        let mut signature = vec![0; liar.key.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        liar.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("signed");
        match head["alg"].as_str() {
            // Signed with the public key as a shared secret: whoever takes the algorithm from the token believes it.
            Some("HS256") => {
                let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, liar.key.public().as_ref());
                signature = ring::hmac::sign(&secret, signed.as_bytes()).as_ref().to_vec();
            }
            Some("none") => signature.clear(),
            _ => {}
        }
        if claims["forged"] == true {
            signature[0] ^= 1;
        }
        Json(
            json!({ "access_token": "a", "token_type": "Bearer", "id_token": format!("{signed}.{}", encoded(signature)) }),
        )
    }
}

/// One attempt to sign in while the provider lies in one way.
async fn attempt(world: &World, liar: &Liar, lie: Lie, change: fn(&mut String)) -> (u16, String) {
    let begun = world.get("/sign-in/provider?next=/findings").send().await.expect("answered");
    assert_eq!(begun.status(), 303);
    let header = |name: &str| begun.headers().get(name).expect(name).to_str().expect("text").to_owned();
    let (location, cookie) = (header("location"), header("set-cookie"));
    let parameters: Vec<(String, String)> =
        serde_urlencoded::from_str(location.split_once('?').expect("a query").1).expect("a query");
    let value = |wanted: &str| {
        parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()).expect(wanted)
    };
    assert_eq!((value("code_challenge_method").as_str(), value("response_type").as_str()), ("S256", "code"));
    *liar.says.lock().expect("what it says") = (value("nonce"), lie);
    let mut state = value("state");
    change(&mut state);
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let back = world.get(&format!("/sign-in/provider/back?code=c&state={state}")).header("cookie", cookie);
    let back = back.send().await.expect("answered");
    let (status, location) = (back.status().as_u16(), back.headers().get("location").cloned());
    (status, location.map(|to| to.to_str().expect("text").to_owned()).unwrap_or_default())
}

async fn world_with(liar: &Liar, name: &str) -> World {
    let settings = ProviderSettings {
        issuer: liar.issuer.clone(),
        client: "plimsoll".to_owned(),
        secret: "s".to_owned(),
        claim: "preferred_username".to_owned(),
    };
    let world = World::with(name, |set| set.provider = Some(settings)).await;
    world.set_clock(jiff::Timestamp::now());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_of_a_provider_is_refused() {
    let Some(liar) = Liar::begin().await else { return };
    let world = world_with(&liar, "lies").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    let same: fn(&mut String) = |_| {};
    let lies: &[(&str, Lie)] = &[
        ("nonce", |_, claims| claims["nonce"] = json!("another")),
        ("no nonce", |_, claims| claims["nonce"] = Value::Null),
        ("audience", |_, claims| claims["aud"] = json!("another-service")),
        ("issuer", |_, claims| claims["iss"] = json!("https://evil.example")),
        ("expiry", |_, claims| claims["exp"] = json!(jiff::Timestamp::now().as_second() - 60)),
        ("signature", |_, claims| claims["forged"] = json!(true)),
        ("no algorithm", |head, _| head["alg"] = json!("none")),
        ("the public key as a secret", |head, _| head["alg"] = json!("HS256")),
        ("nobody who is known", |_, claims| claims["preferred_username"] = json!("mallory")),
        ("no name", |_, claims| claims["preferred_username"] = Value::Null),
        ("a name that is none", |_, claims| claims["preferred_username"] = json!("../root")),
    ];
    for (name, lie) in lies {
        assert_eq!(attempt(&world, &liar, *lie, same).await.0, 403, "{name}");
    }
    assert_eq!(attempt(&world, &liar, |_, _| {}, |state| state.push('x')).await.0, 403, "state");
    let without = world.get("/sign-in/provider/back?code=c&state=s").send().await.expect("answered");
    assert_eq!(without.status(), 403, "nobody began this");
    let refused = world
        .get("/sign-in/provider/back?error=access_denied&error_description=%3Cscript%3E")
        .send()
        .await
        .expect("answered");
    let (status, page) = (refused.status(), refused.text().await.expect("a body"));
    assert!(status == 403 && !page.contains("<script>"), "{page}");
    assert!(
        world.organisation.store.account(&world::person("olaf")).await.expect("read").is_none(),
        "nothing was linked"
    );
    assert_eq!(attempt(&world, &liar, |_, _| {}, same).await, (303, "/findings".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_known_by_the_providers_own_id_once_they_have_signed_in() {
    let Some(liar) = Liar::begin().await else { return };
    let world = world_with(&liar, "linked").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    world.somebody("dina", &[Role::Developer], &[]).await;
    let same: fn(&mut String) = |_| {};
    assert_eq!(attempt(&world, &liar, |_, _| {}, same).await.0, 303);
    // Another account at the provider is given the name that somebody has here.
    assert_eq!(attempt(&world, &liar, |_, claims| claims["sub"] = json!("account-2"), same).await.0, 403);
    // The same account under another name is who it was.
    let done = attempt(&world, &liar, |_, claims| claims["preferred_username"] = json!("dina"), same).await;
    assert_eq!(done.0, 303);
    assert!(world.organisation.store.account(&world::person("dina")).await.expect("read").is_none());
    world.somebody("olaf", &[], &[]).await;
    assert_eq!(attempt(&world, &liar, |_, _| {}, same).await.0, 403, "who has no role any more is let in no longer");
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_follow_what_the_provider_says_at_each_sign_in() {
    let Some(liar) = Liar::begin().await else { return };
    let world = world_with(&liar, "groups").await;
    world.somebody("olaf", &[Role::Operator], &[]).await;
    world.somebody("dina", &[Role::Developer], &[]).await;
    let local = lifecycle::GroupId::new("local").expect("an id");
    let members = [world::person("dina")].into();
    let set = lifecycle::Command::SetGroup(local, "Local".to_owned(), lifecycle::Source::Local, members);
    world.act("root", set).await;
    let groups_of = async |who: &str| {
        let record = world.organisation.store.record().await.expect("read");
        let own = record.state.groups.iter().filter(|(_, group)| group.members.contains_key(&world::person(who)));
        own.map(|(id, _)| id.to_string()).collect::<Vec<_>>()
    };
    let same: fn(&mut String) = |_| {};
    let says: Lie = |_, claims| claims["groups"] = json!(["ops", "Night Shift (EU)", "local", "!!"]);
    assert_eq!(attempt(&world, &liar, says, same).await.0, 303);
    assert_eq!(
        groups_of("olaf").await,
        ["night-shift-eu", "ops"],
        "a name gives an id; a group of another word stays as it is"
    );
    // A provider that says nothing of groups changes none; one that says something else does.
    assert_eq!(attempt(&world, &liar, |_, _| {}, same).await.0, 303);
    assert_eq!(groups_of("olaf").await, ["night-shift-eu", "ops"]);
    assert_eq!(attempt(&world, &liar, |_, claims| claims["groups"] = json!(["ops"]), same).await.0, 303);
    assert_eq!(groups_of("olaf").await, ["ops"]);
    assert_eq!(
        attempt(&world, &liar, |_, claims| claims["groups"] = json!("ops"), same).await.0,
        303,
        "a claim of another form"
    );
    assert_eq!((groups_of("olaf").await, groups_of("dina").await), (vec!["ops".to_owned()], vec!["local".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_provider_leads_this_service_elsewhere() {
    for issuer in ["http://example.invalid", "http://169.254.169.254", "ftp://example.invalid", "file:///etc/passwd"] {
        let folder = std::env::temp_dir().join(format!("plimsoll-server-ssrf-{}", std::process::id()));
        let settings = ProviderSettings {
            issuer: issuer.to_owned(),
            client: "c".to_owned(),
            secret: "s".to_owned(),
            claim: "sub".to_owned(),
        };
        let here = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let mut set = plimsoll_server::Settings::new(here, None);
        set.provider = Some(settings);
        let world = World::new("ssrf").await;
        std::fs::create_dir_all(folder.join("keys")).expect("a folder");
        let clock: plimsoll_server::Clock = Arc::new(|| world::day(0));
        let begun = plimsoll_server::Service::begin(
            world.organisation.clone(),
            folder.clone(),
            (set, clock),
            &world::person("root"),
        )
        .await;
        assert!(begun.is_err(), "{issuer}");
        let _ = std::fs::remove_dir_all(&folder);
    }
}
