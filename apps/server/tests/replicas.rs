//! Two replicas on one database: each sees what the other has taken in, and when one is killed the other goes on.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

mod world;

use jiff::SignedDuration;
use lifecycle::{Command, Role, TokenScope};
use std::path::Path;
use std::time::{Duration, Instant};
use world::{World, asset, person, thing};

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
