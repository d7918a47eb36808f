//! A disk that fails, under a process that writes to SQLite: killed at any call, without power, full, not confirming.
//!
//! The faults are made by a library of the tests' own (`shim/faults.c`) that is loaded before all others.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stderr, reason = "tests that say what they measured")]

mod world;

use plimsoll_store::{Error, NewJob, Options, Store, replay_at};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use world::player::{KINDS, MOST_IN_GROUP, Task, key, open_with, play_task, prepare, run};
use world::{Place, asset, day, open, person, populate, push, register, signer, words};

/// Where a process reads what is to happen to its disk.
const ORDERS: &str = "FAULT_ORDERS";
/// What happens in the second step of a task.
const SECOND: &str = "FAULT_SECOND";

/// The library, built once; `None`, said visibly, where there is no compiler for C.
fn shim() -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/faults.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}.so", std::process::id()));
        let mut build = Command::new("cc");
        match build.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => {
                eprintln!("SKIPPED: there is no compiler for C (`cc`)");
                return None;
            }
        }
        Some(library)
    };
    SHIM.get_or_init(build).as_deref()
}

/// A database on a disk whose faults are ordered.
struct Disk {
    place: Place,
    orders: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Disk {
    fn new() -> Option<Self> {
        let shim = shim()?.display().to_string();
        let place = Place::sqlite()?;
        let folder = Path::new(&place.url).parent()?.to_owned();
        let orders = folder.with_extension("orders");
        std::fs::write(&orders, "").expect("written");
        let variables = vec![
            ("LD_PRELOAD", shim),
            ("FAULT_FOLDER", format!("{}/", folder.display())),
            (ORDERS, orders.display().to_string()),
        ];
        Some(Self { place, orders, variables })
    }

    fn order(&self, text: &str) {
        std::fs::write(&self.orders, text).expect("written");
    }

    /// Runs an ignored test of this file in a process of its own on this disk.
    fn run(&self, name: &str) {
        let mut test = Command::new(std::env::current_exe().expect("the program"));
        test.args([name, "--exact", "--ignored", "--nocapture"]).env("FAULT_URL", &self.place.url);
        let output = test.envs(self.variables.iter().map(|(name, value)| (name, value))).output().expect("it ran");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.orders);
    }
}

/// In a process on a [`Disk`]: its database, and how to order faults.
fn here() -> Option<(String, impl Fn(&str))> {
    let url = std::env::var("FAULT_URL").ok()?;
    let orders = std::env::var(ORDERS).ok()?;
    Some((url, move |text: &str| std::fs::write(&orders, text).expect("written")))
}

#[test]
#[ignore = "what the others kill"]
fn player() {
    play_task(|| {
        let (orders, second) = (std::env::var(ORDERS), std::env::var(SECOND));
        std::fs::write(orders.expect("a path"), second.expect("orders")).expect("written");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_call_of_the_system_loses_nothing() {
    end_at_each_call("kill").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_of_power_at_any_call_of_the_system_loses_nothing() {
    end_at_each_call("power").await;
}

/// Ends a process at each call with which SQLite writes, in some steps of each kind.
async fn end_at_each_call(how: &str) {
    let Some(disk) = Disk::new() else { return };
    let url = disk.place.url.clone();
    let (mut serial, mut keys, mut calls) = (0, 0, 0);
    prepare(&open_with(&url, 0, None).await, 20).await;
    for kind in 0..KINDS {
        for call in 1.. {
            serial += 2;
            disk.order("");
            let second = format!("{how} {call}");
            let mut variables: Vec<(&str, &str)> =
                disk.variables.iter().map(|(name, text)| (*name, text.as_str())).collect();
            variables.push((SECOND, &second));
            let told = run(&Task { url: url.clone(), kind, serial, keys, point: 0 }, &variables);
            let store = open_newest(&url, &mut keys).await;
            let kept = told.checkpoints.iter().map(|text| text.as_bytes().to_vec()).collect();
            let report = store.verify(&key(0).verifier(), kept, |_| {}).await.expect("verified");
            assert_eq!(report.tampering, [], "{second}, kind {kind}: {told:?}");
            let size = report.checkpoint.size;
            assert!(told.until == 0 || (told.until..=told.until + MOST_IN_GROUP).contains(&size), "{size}: {told:?}");
            let replayed = store.replay(|_| {}).await.expect("replayed").0;
            assert_eq!(replayed.differences, [], "{second}, kind {kind}");
            if !told.is_killed {
                break;
            }
            calls += 1;
        }
    }
    assert!(calls > 100, "{calls} calls");
    eprintln!("{how}: at {calls} calls");
}

async fn open_newest(url: &str, keys: &mut u64) -> Store {
    let with = |keys| Options::new(url, key(keys));
    match Store::open(with(*keys), |_| {}).await {
        Err(Error::Key { .. }) => {}
        opened => return opened.expect("opened"),
    }
    *keys += 1;
    Store::open(with(*keys), |_| {}).await.expect("opened")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_a_new_record_is_made_leaves_one_that_can_be_made() {
    let mut calls = 0;
    for call in 1.. {
        let Some(disk) = Disk::new() else { return };
        disk.order(&format!("power {call}"));
        let task = Task { url: disk.place.url.clone(), kind: 1, serial: 1, keys: 0, point: 0 };
        let mut variables: Vec<(&str, &str)> =
            disk.variables.iter().map(|(name, text)| (*name, text.as_str())).collect();
        variables.push((SECOND, ""));
        let told = run(&task, &variables);
        if !told.is_killed {
            break;
        }
        calls += 1;
        let store = open(&disk.place.url).await;
        let there = store.record().await.expect("read").state.entries;
        assert!(there >= told.until.max(1), "{there}: {told:?}");
        register(&store, "after", day(2)).await.expect("registered");
        assert_eq!(store.replay(|_| {}).await.expect("replayed").0.differences, []);
    }
    assert!(calls > 10, "{calls} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_changes_and_keeps_what_was_acknowledged() {
    for call in [1, 2, 3, 5, 9] {
        let Some(disk) = Disk::new() else { return };
        disk.order(&format!("later full {call}"));
        disk.run("on_a_full_disk");
        assert_kept(&disk, false).await;
    }
}

#[test]
#[ignore = "runs on a disk of its own"]
fn on_a_full_disk() {
    fail("full", "full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_does_not_confirm_refuses_and_keeps_what_was_acknowledged() {
    for call in [1, 2, 3] {
        let Some(disk) = Disk::new() else { return };
        disk.order(&format!("later unsure {call}"));
        disk.run("on_a_disk_that_does_not_confirm");
        assert_kept(&disk, true).await;
    }
}

#[test]
#[ignore = "runs on a disk of its own"]
fn on_a_disk_that_does_not_confirm() {
    fail("unsure", "disk I/O error");
}

/// In a process on a disk: writes before, while and after it fails, and leaves behind in the end what was not told to be kept.
fn fail(how: &str, says: &str) {
    let Some((url, order)) = here() else { return };
    let later = std::fs::read_to_string(std::env::var(ORDERS).expect("a path")).expect("read");
    let from = later.rsplit(' ').next().expect("a number").to_owned();
    order("");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = open(&url).await;
        populate(&store).await;
        let before = store.record().await.expect("read").state.clone();
        order(&format!("{how} {from}"));
        let mut failures = 0;
        for number in 0..20 {
            let entries = store.record().await.expect("read").state.entries;
            let version = format!("{number}-{}", "x".repeat(20_000));
            match push(&store, "web-2", day(10 + number), &[("openssl", &version)]).await {
                Ok(_) => assert_eq!(store.record().await.expect("read").state.entries, entries + 1),
                Err(error) => {
                    failures += 1;
                    let text = words(&error);
                    let is_uncertain = text.contains("not confirmed") || text.contains("went away in the middle");
                    assert!(text.contains("nothing was changed") || is_uncertain, "{text}");
                    assert!(text.contains(says), "{text}");
                    let record = store.record().await.expect("read goes on");
                    assert_eq!(record.state.entries, entries, "nobody sees what was not kept");
                }
            }
        }
        assert!(failures >= 15, "{failures} failures");
        // Neither jobs alone nor a change of keys are confirmed; both can be asked for again.
        let job = || NewJob { id: "job".to_owned(), queue: "mail".to_owned(), body: String::new(), not_before: day(1) };
        store.queue(&person("root"), day(39), vec![job()]).await.expect_err("it is not kept");
        store.change_key(&person("root"), day(39), key(1)).await.expect_err("it is not kept");
        order("");
        let entries = store.record().await.expect("read").state.entries;
        assert!(entries >= before.entries);
        assert_eq!(store.count_jobs("mail").await.expect("counted").len(), 0);
        store.queue(&person("root"), day(40), vec![job()]).await.expect("queued");
        assert_eq!(store.count_jobs("mail").await.expect("counted")["waiting"], 1);
        register(&store, "after", day(40)).await.expect("it writes again, and need not be opened again");
        assert_eq!(store.record().await.expect("read").state.entries, entries + 1);
        assert_eq!(store.replay(|_| {}).await.expect("replayed").0.differences, []);
        // What fails last is what a crash finds.
        order(&format!("{how} 1"));
        let last = register(&store, "last", day(41)).await.expect_err("it fails");
        let is_uncertain = words(&last).contains("not confirmed");
        // The process ends without closing anything, and leaves word of what it was told.
        order(if is_uncertain { "told uncertain" } else { "told nothing" });
        std::mem::forget(store);
    });
    std::mem::forget(runtime);
}

/// After the process is gone: what was acknowledged is there, and what was said not to be kept is not.
async fn assert_kept(disk: &Disk, may_be_uncertain: bool) {
    let told = std::fs::read_to_string(&disk.orders).expect("read");
    let store = open(&disk.place.url).await;
    let record = store.record().await.expect("read");
    assert!(record.state.assets.contains_key(&asset("after")), "it was acknowledged");
    assert!(may_be_uncertain || told == "told nothing");
    assert!(
        told == "told uncertain" || !record.state.assets.contains_key(&asset("last")),
        "it was said that nothing was changed"
    );
    drop(record);
    let report = store.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
    assert_eq!(report.tampering, []);
    assert_eq!(replay_at((&disk.place.url, None), None, |_| {}).await.expect("replayed").differences, []);
    register(&store, "again", day(50)).await.expect("it writes on");
}
