//! Two replicas on one database: each sees what the other has taken in, and when one is killed the other goes on.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

mod world;

use change::Happening;
use jiff::SignedDuration;
use lifecycle::{ChangeId, Command, Role, TokenScope};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use world::agent::{Agent, enrol, missing, order, start};
use world::{World, asset, observed, person, thing};

/// The second one has a data directory of its own, with a copy of the keys.
fn copy_keys(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("keys")).expect("a folder");
    for entry in std::fs::read_dir(from.join("keys")).expect("a folder").flatten() {
        std::fs::copy(entry.path(), to.join("keys").join(entry.file_name())).expect("copied");
    }
}

async fn two() -> Option<(World, World)> {
    let url = testkit::postgres::database()?;
    let folder = |name: &str| {
        let folder = std::env::temp_dir().join(format!("plimsoll-server-replica-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    };
    let (first, second) = (folder("a"), folder("b"));
    let one = World::at(first.clone(), &url, |_| {}).await;
    copy_keys(&first, &second);
    Some((one, World::at(second, &url, |_| {}).await))
}

/// Waits until something holds; answers with how long that took.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_the_other_takes_in_and_one_alone_leads() {
    let Some((one, other)) = two().await else { return };
    assert_eq!(
        std::fs::read(one.folder.join("keys/agents.crt")).expect("a file"),
        std::fs::read(other.folder.join("keys/agents.crt")).expect("a file")
    );
    one.host("web-1", "web", vec![thing("openssl", "3.0.1")]).await;
    let has = async |world: &World| {
        world.organisation.store.record().await.expect("read").state.assets.contains_key(&asset("web-1"))
    };
    let took = until("the asset is seen", async || has(&other).await).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    // Signed in at one is signed in at the other; a token given out by one opens the other at once.
    one.somebody("olaf", &[Role::Operator], &[]).await;
    until("the person is seen", async || {
        other.organisation.store.record().await.expect("read").state.people.contains_key(&person("olaf"))
    })
    .await;
    let cookie = one.cookie("olaf").await;
    assert_eq!(other.get("/assets").header("cookie", &cookie).send().await.expect("answered").status(), 200);
    let token = one.token("olaf", &[TokenScope::Read]).await;
    let ask = async || other.status_with(&token).await;
    assert_eq!(ask().await, 200);
    let id = protocol::Ticket::parse(&token).expect("a ticket").token;
    one.act("root", Command::RevokeToken(id)).await;
    let took = until("the token is refused", async || ask().await == 401).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_one_loses_nothing_and_the_other_leads_within_five_seconds() {
    let Some((mut one, other)) = two().await else { return };
    // Whoever leads does so under a name of its own: nobody else gets the lead while it holds.
    let taken = async |world: &World| {
        // It lets go at once.
        let now = world.now();
        world.organisation.store.lead("work", "a stranger", (now, now)).await.expect("asked")
    };
    until("somebody leads", async || !taken(&other).await).await;
    for number in 0..50 {
        one.host(&format!("host-{number}"), "web", vec![thing("openssl", "3.0.1")]).await;
    }
    // Its tasks end where they are, as those of a process that is killed.
    drop(one.service.take());
    let total = async || other.organisation.store.record().await.expect("read").state.assets.len();
    let took = until("everything that was acknowledged is there", async || total().await == 50).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    other.host("after", "web", vec![thing("nginx", "1.22")]).await;
    // The lease of the one that is gone runs out by the clock; then the other takes it, and a stranger does not get it.
    other.set_clock(other.now() + SignedDuration::from_secs(6));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!taken(&other).await, "nobody leads");
    other.set_clock(other.now() + SignedDuration::from_secs(6));
}

/// What many agents were given, by the asset: which of the two gave it.
type Given = Arc<Mutex<BTreeMap<String, usize>>>;

/// An agent that asks its replica for so long; what it is given it does, tells and shows.
async fn at_work(agent: Arc<Agent>, replica: usize, given: Given, until: Instant) {
    while Instant::now() < until {
        let Some(_) = order(&agent, 1).await else { continue };
        let name = agent.certified.asset.to_string();
        assert_eq!(given.lock().expect("held").insert(name.clone(), replica), None, "{name} was given it already");
        let key = ledger::Verifier::parse(&agent.certified.orders_key).expect("a key");
        let note = order(&agent, 0).await.expect("the same again, until it is told");
        let opened = protocol::AssetOrder::open(&note, std::slice::from_ref(&key), &[]).expect("it is signed");
        let report = protocol::OrderReport {
            change: ChangeId::new("c1").expect("an id"),
            begun_at: opened.begun_at,
            came: Some(change::Came::Installed),
            words: String::new(),
            log: "done".to_owned(),
        };
        assert_eq!(agent.say(protocol::REPORT, &report).await.status(), 200);
        // The clock goes on meanwhile: an inventory that is no newer than the beginning shows nothing.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let taken_at = opened.begun_at + SignedDuration::from_secs(1);
        assert_eq!(agent.hand_in(&observed(vec![thing("example", "2")]), taken_at).await.status(), 200);
        return;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_share_the_orders_of_a_rollout_each_is_given_once_and_a_pause_at_one_holds_at_both() {
    const HOSTS: usize = 24;
    let Some((one, other)) = two().await else { return };
    let mut agents = Vec::new();
    for number in 0..HOSTS {
        let world = if number % 2 == 0 { &one } else { &other };
        let agent = Arc::new(enrol(world, &format!("host-{number}")).await);
        assert_eq!(agent.hand_in(&observed(missing()), world.now()).await.status(), 200);
        agents.push(agent);
    }
    until("everything is seen", async || {
        let record = one.organisation.store.record().await.expect("read");
        record.state.assets.values().filter(|asset| asset.inventory.is_some()).count() == HOSTS
    })
    .await;
    let change = start(&one, "c1").await;
    let given = Given::default();
    let forward = |by: SignedDuration| [&one, &other].iter().for_each(|world| world.set_clock(world.now() + by));
    let work = async |seconds: u64| {
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut working = tokio::task::JoinSet::new();
        let waits = |agent: &&Arc<Agent>| !given.lock().expect("held").contains_key(agent.certified.asset.as_str());
        for agent in agents.iter().filter(waits) {
            let number: usize = agent.certified.asset.as_str()[5..].parse().expect("a number");
            working.spawn(at_work(Arc::clone(agent), number % 2, Arc::clone(&given), until));
        }
        while !working.is_empty() {
            if let Ok(Some(done)) = tokio::time::timeout(Duration::from_millis(100), working.join_next()).await {
                done.expect("it went well");
            }
            forward(SignedDuration::from_secs(1));
        }
        given.lock().expect("held").len()
    };
    let canaries = work(6).await;
    assert!((1..HOSTS / 2).contains(&canaries), "{canaries} canaries");
    // They were watched for long enough; held at one of the two nothing begins at the other.
    forward(SignedDuration::from_hours(25));
    let held = Instant::now();
    one.act("root", Command::Change(change.clone(), Happening::Paused { reason: "the shop is slow".to_owned() })).await;
    until("the pause is seen", async || {
        let record = other.organisation.store.record().await.expect("read");
        record.state.changes[&change].stage == change::Stage::Paused
    })
    .await;
    assert!(held.elapsed() < Duration::from_secs(5), "{:?}", held.elapsed());
    assert_eq!(work(3).await, canaries);
    other.act("root", Command::Change(change.clone(), Happening::Resumed { reason: "it is fast".to_owned() })).await;
    assert_eq!(work(60).await, HOSTS);
    let by_first = given.lock().expect("held").values().filter(|replica| **replica == 0).count();
    assert_eq!(by_first, HOSTS / 2, "each gave its own agents theirs");
    until("all is verified", async || {
        let record = other.organisation.store.record().await.expect("read");
        record.state.changes[&change].came.get(&change::Came::Verified) == Some(&(HOSTS as u64))
    })
    .await;
    // Nobody was told twice that it has begun.
    let steps = one.organisation.change_steps(&change).await.expect("read");
    let begun = |step: &&store::ChangeStep| matches!(&step.what, Happening::Asset { came: change::Came::Begun, .. });
    assert_eq!(steps.iter().filter(begun).count(), HOSTS);
}
