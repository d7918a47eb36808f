//! Orders on a real Debian host, one after the other and cut short: what is carried out, what is not, and what is taken back. Needs root,
//! mmdebstrap and the machine's own mirror; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "tests")]

use change::{Hours, Upgrade};
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{AssetId, ChangeId};
use protocol::{AssetOrder, Errand, Outcome, Slip};
use std::io::Write;
use std::process::{Command, Stdio};
use testkit::hosts::Host;

const PACKAGE: &str = "plimsoll-case";

fn signer() -> Signer {
    Signer::from_seed("plimsoll/orders/test", KeyKind::Note, &[7; 32]).expect("a key")
}

/// An order of a change to bring the package from 1 to 2.
fn order(change: &str, errand: Errand) -> AssetOrder {
    let now = Timestamp::now();
    let upgrade = Upgrade { package: PACKAGE.to_owned(), from: Some("1".to_owned()), to: "2".to_owned() };
    let slip = Slip {
        change: ChangeId::new(change).expect("an id"),
        plan: "sha256:0".to_owned(),
        asset: AssetId::new("web-1").expect("an id"),
        upgrades: vec![upgrade],
        hours: Hours::Always,
        until: now + SignedDuration::from_hours(24),
        takes_minutes: 60,
        size_bytes: 0,
        health: std::collections::BTreeSet::new(),
        restarts: None,
    };
    AssetOrder { errand, slip, begun_at: now, expires_at: now + SignedDuration::from_mins(10), proof: None }
}

/// The same, expired.
fn expired(mut order: AssetOrder) -> AssetOrder {
    order.begun_at -= SignedDuration::from_hours(2);
    order.expires_at = order.begun_at + SignedDuration::from_mins(10);
    order
}

/// Carries an order out on a host.
fn carry(host: &Host, order: &AssetOrder) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll-agent"));
    command.args(["carry-out", "--key", &signer().verifier().to_string(), "--root"]).arg(&host.root);
    command.arg("--allowed").arg(host.root.join("etc/plimsoll/agent.toml"));
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let note = order.sign(&signer()).expect("signed");
    process.stdin.take().expect("piped").write_all(note.as_bytes()).expect("written");
    let output = process.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("an outcome")
}

fn came(outcome: &Outcome) -> (Option<&'static str>, &str) {
    (outcome.came.map(change::Came::word), outcome.words.as_str())
}

fn host(name: &str) -> Option<Host> {
    let host = Host::debian(name)?;
    host.offer("1", "exit 0");
    host.inside(&["apt-get", "-qq", "-y", "install", PACKAGE]);
    host.offer("2", "exit 0");
    host.write("etc/plimsoll/agent.toml", "actions = [\"upgrade\", \"roll-back\"]\n");
    Some(host)
}

/// Writes down that the order of a change has come no further than this.
fn cut(host: &Host, change: &str, journal: &str) {
    let folders = std::fs::read_dir(host.root.join("var/lib/plimsoll/patches")).expect("a folder").flatten();
    let is_its = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path.join("order.json")).unwrap_or_default();
        text.contains(&format!("\"{change} sha256:0\""))
    };
    let folder = folders.map(|entry| entry.path()).find(|path| is_its(path)).expect("the order");
    std::fs::write(folder.join("journal"), journal).expect("written");
}

#[test]
fn what_is_cut_short_goes_on_from_its_journal_and_not_by_the_clock() {
    let Some(host) = host("carry-cut") else { return };
    assert_eq!(came(&carry(&host, &expired(order("late", Errand::Upgrade)))), (Some("refused"), "it has expired"));
    let before = host.state();
    let first = order("c1", Errand::Upgrade);
    assert_eq!(came(&carry(&host, &first)), (Some("installed"), ""));
    assert_eq!(host.version_of(PACKAGE), "2");
    // What has changed packages is brought to its end at any hour; done again it is as it was.
    cut(&host, "c1", "\"ordered\"\n\"kept\"\n\"installing\"\n");
    assert_eq!(came(&carry(&host, &expired(first.clone()))).0, Some("installed"));
    // What has changed nothing begins anew, or not at all.
    let back = order("c1", Errand::RollBack);
    assert_eq!(came(&carry(&host, &back)), (None, "it is as it was before"));
    assert_eq!(host.state(), before);
    assert_eq!(came(&carry(&host, &expired(back.clone()))), (None, "it is as it was before"), "told late");
    cut(&host, "c1", "\"ordered\"\n\"kept\"\n");
    assert_eq!(came(&carry(&host, &expired(first.clone()))), (Some("refused"), "it has expired"));
    assert_eq!(host.version_of(PACKAGE), "1");
    // A journal that lost its words does not make what is installed what was there before.
    assert_eq!(came(&carry(&host, &order("c2", Errand::Upgrade))).0, Some("installed"));
    cut(&host, "c2", "");
    let lost = carry(&host, &order("c2", Errand::RollBack));
    assert_eq!(came(&lost), (Some("failed, not as before"), "plimsoll-case is not what it was"));
    // A step that was cut in the middle of its line takes none with it.
    cut(&host, "c2", "\"ordered\"\n\"kept\"\n\"inst");
    assert_eq!(came(&carry(&host, &order("c2", Errand::Upgrade))).0, Some("installed"), "it is 2 already");
}

#[test]
fn nothing_of_others_goes_when_a_change_is_taken_back() {
    let Some(host) = host("carry-others") else { return };
    assert_eq!(came(&carry(&host, &order("c1", Errand::Upgrade))).0, Some("installed"));
    // Somebody puts something there that needs the newer version, with what it keeps.
    host.write("tmp/user/DEBIAN/control", "Package: plimsoll-user\nVersion: 1\nArchitecture: all\nDepends: plimsoll-case (>= 2)\nMaintainer: nobody <nobody@example.org>\nDescription: a user\n");
    host.inside(&["dpkg-deb", "--root-owner-group", "--build", "/tmp/user", "/tmp/user.deb"]);
    host.inside(&["dpkg", "--install", "/tmp/user.deb"]);
    host.write("var/lib/plimsoll-user/kept", "of value");
    let refused = carry(&host, &order("c1", Errand::RollBack));
    assert_eq!(refused.came.map(change::Came::word), Some("failed, not as before"), "{}", refused.words);
    assert!(refused.words.contains("plimsoll-user needs the newer version"), "{}", refused.words);
    assert_eq!((host.version_of("plimsoll-user").as_str(), host.version_of(PACKAGE).as_str()), ("1", "2"));
    assert!(host.root.join("var/lib/plimsoll-user/kept").exists());
    // Another order is told why it cannot begin, and this one goes on once it can.
    let next = carry(&host, &order("c2", Errand::Upgrade));
    assert!(next.came.is_some(), "{}", next.words);
    host.inside(&["dpkg", "--purge", "plimsoll-user"]);
    assert_eq!(came(&carry(&host, &order("c1", Errand::RollBack))), (None, "it is as it was before"));
    // What came by other hands meanwhile stays, and so does other packages' state.
    assert_eq!(came(&carry(&host, &order("c3", Errand::Upgrade))).0, Some("installed"));
    host.inside(&["dpkg-deb", "--root-owner-group", "--build", "/tmp/user", "/tmp/user.deb"]);
    host.write("tmp/user/DEBIAN/control", "Package: plimsoll-user\nVersion: 2\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a user\n");
    host.inside(&["dpkg-deb", "--root-owner-group", "--build", "/tmp/user", "/tmp/user.deb"]);
    host.inside(&["dpkg", "--install", "/tmp/user.deb"]);
    assert_eq!(came(&carry(&host, &order("c3", Errand::RollBack))), (None, "it is as it was before"));
    assert_eq!(host.version_of("plimsoll-user"), "2");
    // The same id for another plan is another order; what was never carried out here needs nothing.
    let mut again = order("c3", Errand::Upgrade);
    again.slip.plan = "sha256:1".to_owned();
    assert_eq!(came(&carry(&host, &again)).0, Some("installed"));
    assert_eq!(host.version_of(PACKAGE), "2");
    let never = carry(&host, &order("never", Errand::RollBack));
    assert_eq!(
        came(&never),
        (Some("failed, not as before"), "plimsoll-case is not as before, and nothing is kept here of that")
    );
}

#[test]
fn what_a_plan_asks_of_a_host_holds_before_and_after() {
    let Some(host) = host("carry-health") else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut order = order("c1", Errand::Upgrade);
    order.slip.health = [change::Health::Port(port)].into();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = taken.local_addr().expect("an address").port();
    drop(taken);
    let mut unwell = order.clone();
    unwell.slip.health.insert(change::Health::Port(closed));
    let refused = carry(&host, &unwell);
    assert_eq!(refused.came.map(change::Came::word), Some("refused"));
    assert!(refused.words.contains(&format!("tcp:127.0.0.1:{closed} does not hold")), "{}", refused.words);
    assert_eq!(host.version_of(PACKAGE), "1");
    assert_eq!(came(&carry(&host, &order)), (Some("installed"), ""));
    assert_eq!(host.version_of(PACKAGE), "2");
    // What closed meanwhile is not well afterwards: it is taken back.
    assert_eq!(came(&carry(&host, &self::order("c1", Errand::RollBack))).0, None);
    host.write("etc/plimsoll/agent.toml", "actions = [\"upgrade\", \"roll-back\"]\nhealth-within-seconds = 2\n");
    host.offer("2", "echo 1 > /tmp/installed; sleep 1; exit 0");
    let mut next = self::order("c2", Errand::Upgrade);
    next.slip.health = [change::Health::Port(port)].into();
    let closing = std::thread::spawn({
        let installed = host.root.join("tmp/installed");
        move || {
            while !installed.exists() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            drop(listener);
        }
    });
    let failed = carry(&host, &next);
    closing.join().expect("closed");
    assert_eq!(failed.came.map(change::Came::word), Some("failed, as before"), "{}", failed.words);
    assert_eq!(host.version_of(PACKAGE), "1");
}
