//! Agents over TLS with certificates on both sides: who is let in, what they may say, and that it is about their own asset alone.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{AssetId, Command, Event};
use protocol::{AUTHORITY, CHECK_IN, Certified, CheckIn, ENROL, Enrol, Noted, RENEW, Renew};
use rcgen::{CertificateParams, Issuer, KeyPair};
use world::agent::{Agent, authority, client, enrol, missing, order, order_within, read, request, say, start, ticket};
use world::{World, asset, day, observed, problem, thing};

async fn inventory_of(world: &World, id: &str) -> Option<String> {
    let record = world.organisation.store.record().await.expect("read");
    record.state.assets[&asset(id)].inventory.as_ref().map(|known| known.digest.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_enrols_reports_what_has_changed_and_renews() {
    let world = World::new("agent").await;
    let agent = enrol(&world, "web-1").await;
    assert_eq!(
        agent.certified.asset,
        AssetId::new("web-1").expect("an id"),
        "the ticket says who it is, not the request"
    );
    let first = observed(vec![thing("openssl", "3.0.1")]);
    let noted: Noted = read(agent.check_in(&first.digest, day(0)).await).await;
    assert!(noted.wants_inventory);
    read::<Noted>(agent.hand_in(&first, day(0)).await).await;
    assert_eq!(inventory_of(&world, "web-1").await, Some(first.digest.clone()));
    let noted: Noted = read(agent.check_in(&first.digest, day(0)).await).await;
    assert!(!noted.wants_inventory && noted.next_seconds == 3600);
    let entries = async || world.organisation.store.record().await.expect("read").state.entries;
    let before = entries().await;
    // A look an hour later is not worth an entry; one six hours later is.
    world.set_clock(day(0) + jiff::SignedDuration::from_hours(1));
    read::<Noted>(agent.check_in(&first.digest, world.now()).await).await;
    assert_eq!(entries().await, before);
    world.set_clock(day(0) + jiff::SignedDuration::from_hours(6));
    read::<Noted>(agent.check_in(&first.digest, world.now()).await).await;
    assert_eq!(entries().await, before + 1);
    let key = KeyPair::generate().expect("a key");
    let renewed: Certified = read(agent.say(RENEW, &Renew { request: request(&key) }).await).await;
    let next = Agent {
        client: client(&authority(&world).await, Some((&renewed.certificate, &key))),
        base: world.agents.clone(),
        certified: renewed,
    };
    read::<Noted>(next.check_in(&first.digest, world.now()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_without_a_certificate_of_an_agent_that_is_enrolled_now() {
    let world = World::new("let-in").await;
    let authority_text = authority(&world).await;
    let told = CheckIn { digest: "sha256:0".to_owned(), taken_at: day(0), version: String::new() };
    let address = format!("{}{CHECK_IN}", world.agents);
    let nobody = client(&authority_text, None);
    assert_eq!(problem(say(&nobody, &address, &told).await).await, (401, "agent/no-certificate".to_owned()));
    // A certificate of another authority under the same name is refused in the handshake.
    let own = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let forged_authority = Issuer::new(parameters, own);
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::default();
    parameters.subject_alt_names = vec![rcgen::SanType::URI("plimsoll-agent:t:web-1".try_into().expect("a name"))];
    let forged = parameters.signed_by(&key, &forged_authority).expect("a certificate").pem();
    let forger = client(&authority_text, Some((&forged, &key)));
    let sent = forger.post(&address).header("content-type", "application/json").body("{}").send().await;
    assert!(sent.is_err(), "it was let in");
    let agent = enrol(&world, "web-1").await;
    read::<Noted>(agent.check_in("sha256:0", day(0)).await).await;
    world.act("root", Command::RevokeAgent(asset("web-1"), "its key was stolen".to_owned())).await;
    assert_eq!(problem(agent.check_in("sha256:0", day(0)).await).await, (403, "agent/revoked".to_owned()));
    let renew = Renew { request: request(&key) };
    assert_eq!(problem(agent.say(RENEW, &renew).await).await.0, 403, "nor does it get another certificate");
    // Whoever enrolls anew takes the place of the one before.
    let second = enrol(&world, "web-1").await;
    let third = enrol(&world, "web-1").await;
    assert_eq!(problem(second.check_in("sha256:0", day(0)).await).await.0, 403);
    read::<Noted>(third.check_in("sha256:0", day(0)).await).await;
    world.act("root", Command::RetireAsset(asset("web-1"), "gone".to_owned())).await;
    assert_eq!(problem(third.check_in("sha256:0", day(0)).await).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_holds_once_for_one_key_and_an_hour() {
    let world = World::new("ticket").await;
    let (authority, address) = (authority(&world).await, format!("{}{ENROL}", world.agents));
    let nobody = client(&authority, None);
    let (key, text) = (KeyPair::generate().expect("a key"), ticket(&world, "web-1").await);
    let asked = Enrol { ticket: text.clone(), request: request(&key) };
    let first: Certified = read(say(&nobody, &address, &asked).await).await;
    // The answer was lost on the way: the same agent asks again with the same key.
    let again: Certified = read(say(&nobody, &address, &asked).await).await;
    assert_eq!(first.asset, again.asset);
    let thief = KeyPair::generate().expect("a key");
    let stolen = Enrol { ticket: text, request: request(&thief) };
    assert_eq!(problem(say(&nobody, &address, &stolen).await).await, (409, "refusal/state".to_owned()));
    let late = ticket(&world, "web-2").await;
    world.set_clock(day(0) + jiff::SignedDuration::from_hours(2));
    let asked = Enrol { ticket: late, request: request(&thief) };
    assert_eq!(problem(say(&nobody, &address, &asked).await).await.0, 404);
    for bad in ["", "plimsoll_0.00", "x"] {
        let asked = Enrol { ticket: bad.to_owned(), request: request(&thief) };
        assert_eq!(problem(say(&nobody, &address, &asked).await).await, (403, "agent/ticket".to_owned()), "{bad}");
    }
    // Somebody's API token is no ticket.
    let token = world.token("root", lifecycle::TokenScope::ALL).await;
    let asked = Enrol { ticket: token, request: request(&thief) };
    assert_eq!(problem(say(&nobody, &address, &asked).await).await, (403, "agent/ticket".to_owned()));
    let fetched = nobody.get(format!("{}{AUTHORITY}", world.agents)).send().await.expect("answered");
    assert_eq!(fetched.text().await.expect("a body"), authority);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_reaches_the_data_of_its_own_host_alone() {
    let world = World::new("stolen").await;
    world.host("other", "web", vec![thing("nginx", "1.22")]).await;
    let agent = enrol(&world, "web-1").await;
    let before = inventory_of(&world, "other").await;
    read::<Noted>(agent.hand_in(&observed(vec![thing("openssl", "3.0.1")]), day(0)).await).await;
    assert_eq!(inventory_of(&world, "other").await, before);
    let record = world.organisation.store.record().await.expect("read");
    let actors: Vec<_> = record.state.assets[&asset("web-1")].inventory.iter().collect();
    assert_eq!(actors.len(), 1);
    drop(record);
    // The agents' listener has nothing else, and its certificate opens nothing on the other one.
    for path in ["/api/v1/assets", "/", "/metrics", "/sign-in"] {
        let answer = agent.client.get(format!("{}{path}", agent.base)).send().await.expect("answered");
        assert_eq!(answer.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_sends_is_bounded_and_held_against_its_digest() {
    let world = World::new("bounded").await;
    let agent = enrol(&world, "web-1").await;
    let pack = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).expect("compressed");
    let good = observed(vec![thing("openssl", "3.0.1")]);
    let text = serde_json::to_string(&good).expect("JSON");
    let lied = text.replace("3.0.1", "9.9.9");
    let refused = async |body: Vec<u8>| problem(agent.send(body, day(0)).await).await;
    assert_eq!(
        refused(pack(lied.as_bytes())).await,
        (422, "inventory/refused".to_owned()),
        "its digest is another one"
    );
    assert_eq!(refused(pack(b"{")).await.0, 422);
    assert_eq!(refused(b"not compressed".to_vec()).await.0, 422);
    let bomb = pack(&vec![b' '; 300 << 20]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(refused(bomb).await.0, 422, "it unpacks to more than anybody has");
    // Few bytes that stand for very many empty things.
    let many = "{},".repeat(2_000_000);
    let empty = format!(r#"{{"things":[{many}{{}}],"platform":"","problems":[],"unread":0,"digest":""}}"#);
    assert_eq!(refused(pack(empty.as_bytes())).await.0, 422);
    let long = observed(vec![thing(&"x".repeat(5000), "1")]);
    assert_eq!(refused(pack(&serde_json::to_vec(&long).expect("JSON"))).await.0, 422);
    let none = observed(Vec::new());
    assert_eq!(problem(agent.hand_in(&none, day(0)).await).await, (422, "refusal/empty".to_owned()));
    let ahead = day(0) + jiff::SignedDuration::from_hours(1);
    assert_eq!(problem(agent.hand_in(&good, ahead).await).await, (422, "refusal/ahead".to_owned()));
    assert_eq!(inventory_of(&world, "web-1").await, None);
    read::<Noted>(agent.hand_in(&good, day(0)).await).await;
    // The same again, and an older one: nothing is counted twice.
    let entries = world.organisation.store.record().await.expect("read").state.entries;
    read::<Noted>(agent.hand_in(&good, day(0)).await).await;
    assert_eq!(world.organisation.store.record().await.expect("read").state.entries, entries);
    let mut statuses = Vec::new();
    for _ in 0..80 {
        statuses.push(agent.check_in(&good.digest, day(0)).await.status().as_u16());
    }
    assert!(statuses.contains(&429), "an agent that asks without an end is slowed down");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_with_the_longest_id_reports_too() {
    let world = World::new("long-id").await;
    let id = "x".repeat(128);
    let agent = enrol(&world, &id).await;
    let first = observed(vec![thing("openssl", "3.0.1")]);
    read::<Noted>(agent.hand_in(&first, day(0)).await).await;
    assert_eq!(inventory_of(&world, &id).await, Some(first.digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_tells_who_enrolled_and_no_secret() {
    let world = World::new("agent-ledger").await;
    let text = ticket(&world, "web-1").await;
    let secret = text.split('.').nth(1).expect("a secret").to_owned();
    let key = KeyPair::generate().expect("a key");
    let asked = Enrol { ticket: text, request: request(&key) };
    let nobody = client(&authority(&world).await, None);
    read::<Certified>(say(&nobody, &format!("{}{ENROL}", world.agents), &asked).await).await;
    let total = world.organisation.store.record().await.expect("read").state.entries;
    let entries = world.organisation.store.entries(0, total).await.expect("entries");
    let last = ledger::Entry::parse(entries.last().expect("an entry")).expect("an entry");
    let event = Event::from_entry(total - 1, &last).expect("an event");
    assert!(matches!(event, Event::AgentEnrolled { asset, .. } if asset.as_str() == "web-1"));
    assert!(entries.iter().all(|entry| !String::from_utf8_lossy(entry).contains(&secret)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_given_to_whom_it_is_for_again_until_its_end_is_told() {
    let world = World::new("orders").await;
    let (first, second) = (enrol(&world, "web-1").await, enrol(&world, "web-2").await);
    for agent in [&first, &second] {
        assert_eq!(agent.hand_in(&observed(missing()), world.now()).await.status(), 200);
    }
    assert_eq!(order(&first, 0).await, None, "nothing is planned");
    // Whoever waits is told as soon as it may begin; a ring begins with one.
    let (begun, waits) = (std::time::Instant::now(), async { tokio::join!(order(&first, 20), order(&second, 20)) });
    let starting = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        start(&world, "c1").await
    };
    let key = ledger::Verifier::parse(&first.certified.orders_key).expect("a key");
    let (given, change) =
        tokio::join!(async { tokio::time::timeout(std::time::Duration::from_secs(5), waits).await }, starting);
    // One of them has its order, the other one waits on: it is asked anew below.
    assert!(given.is_err() && begun.elapsed() < std::time::Duration::from_secs(15));
    let (again, other) = (order(&first, 0).await, order(&second, 0).await);
    let ((agent, own), idle) = match (again, other) {
        (Some(note), None) => ((&first, note), &second),
        (None, Some(note)) => ((&second, note), &first),
        both => unreachable!("one of them: {both:?}"),
    };
    let open = |note: &str| protocol::AssetOrder::open(note, std::slice::from_ref(&key), &[]).expect("it is signed");
    let opened = open(&own);
    assert_eq!((&opened.slip.asset, opened.errand), (&agent.certified.asset, protocol::Errand::Upgrade));
    assert_eq!(opened.slip.upgrades[0].to, "2");
    assert_eq!(open(&order(agent, 0).await.expect("again")), opened, "the same one");
    let other =
        ledger::Signer::from_seed("plimsoll/orders/x", ledger::KeyKind::Note, &[9; 32]).expect("a key").verifier();
    assert!(protocol::AssetOrder::open(&own, std::slice::from_ref(&other), &[]).is_err(), "another server's");
    assert!(protocol::AssetOrder::open(&own, std::slice::from_ref(&key), &[other]).is_err(), "its plan was not signed");
    assert!(protocol::AssetOrder::open(&own.replace("\"2\"", "\"3\""), std::slice::from_ref(&key), &[]).is_err());
    // Nobody else can tell how it ended.
    let report = |came| protocol::OrderReport {
        change: change.clone(),
        begun_at: opened.begun_at,
        came,
        words: "no".to_owned(),
        log: "said".to_owned(),
    };
    let is_new = |answer: serde_json::Value| answer["is_new"].as_bool();
    assert_eq!(is_new(read(idle.say(protocol::REPORT, &report(Some(change::Came::Failed))).await).await), Some(false));
    let (status, _) = problem(agent.say(protocol::REPORT, &report(Some(change::Came::Verified))).await).await;
    assert!((400..500).contains(&status), "an agent says nothing of what inventories show: {status}");
    assert_eq!(is_new(read(agent.say(protocol::REPORT, &report(None)).await).await), Some(false), "a step");
    assert_eq!(is_new(read(agent.say(protocol::REPORT, &report(Some(change::Came::Failed))).await).await), Some(true));
    assert_eq!(is_new(read(agent.say(protocol::REPORT, &report(Some(change::Came::Failed))).await).await), Some(false));
    assert_eq!(order(agent, 0).await, None, "it is through");
    let log = "x".repeat(protocol::MOST_LOG_BYTES + 1);
    let long = protocol::OrderReport { log, ..report(Some(change::Came::Failed)) };
    assert_eq!(agent.say(protocol::REPORT, &long).await.status(), 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_own_window_is_too_short_begins_nothing_and_what_is_held_is_given_to_nobody() {
    let world = World::new("rooms").await;
    let agent = enrol(&world, "web-1").await;
    assert_eq!(agent.hand_in(&observed(missing()), world.now()).await.status(), 200);
    let change = start(&world, "c1").await;
    for room in [0, 1, 59] {
        assert_eq!(order_within(&agent, 0, Some(room)).await, None, "{room} minutes");
    }
    assert!(order_within(&agent, 5, Some(60)).await.is_some());
    assert!(order_within(&agent, 0, Some(0)).await.is_some(), "what it has begun is its own");
    let held = change::Happening::Aborted { reason: "not today".to_owned() };
    world.act("root", Command::Change(change, held)).await;
    assert_eq!(order(&agent, 0).await, None, "nothing of it begins any more");
}
