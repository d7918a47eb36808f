//! A process that is killed at any write loses nothing that it acknowledged, and leaves nothing half done.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "tests")]

mod faults;
mod world;

use plimsoll_store::{Error, Options, Store};
use world::player::{KINDS, MOST_IN_GROUP, Task, Told, key, open_with, play_task, prepare, run};
use world::{Place, day, register};

#[test]
#[ignore = "what the others kill"]
fn player() {
    play_task(faults::begin);
}

#[test]
#[ignore = "what the others run on a disk with faults"]
fn survivor() {
    faults::survive();
}

/// Steps that write an entry, a document, a change of keys, work without an entry.
const FINE_KINDS: [u64; 4] = [0, 4, 8, 9];

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_or_a_loss_of_power_at_any_system_call_loses_nothing_on_sqlite() {
    let Some(shim) = faults::shim() else { return };
    let place = Place::sqlite().expect("a place");
    let mut witness = Witness { url: place.url.clone(), kept: Vec::new(), until: 0, jobs: 0, keys: 0 };
    prepare(&open_with(&place.url, 0, None).await, 250).await;
    let (mut points, mut serial) = (0, 0);
    for (kind, act) in FINE_KINDS.iter().flat_map(|kind| [(*kind, "kill"), (*kind, "power")]) {
        for call in 1.. {
            serial += 2;
            let task = Task { url: place.url.clone(), kind, serial, keys: witness.keys, point: 0 };
            let told = run(&task, &shim.orders(&place.url, &format!("{act} {call}")));
            witness.look(&told, serial).await;
            if !told.is_killed {
                break;
            }
            points += 1;
        }
    }
    assert!(points > 40, "{points} points");
    eprintln!("killed at {points} system calls");
}

/// Nothing that was refused is there, nothing that was acknowledged is lost, and the store goes on once the disk does.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_and_one_that_confirms_nothing_refuse_and_lose_nothing() {
    let Some(shim) = faults::shim() else { return };
    for act in ["full", "unsure"] {
        let mut refused = 0;
        for from in 1..8 {
            let place = Place::sqlite().expect("a place");
            let mut survivor = std::process::Command::new(std::env::current_exe().expect("the program"));
            survivor.args(["survivor", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
            survivor.envs(shim.orders(&place.url, &format!("{act} {from}"))).env(faults::URL, &place.url);
            let output = survivor.output().expect("it ran");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{act} {from}: {said}");
            let store = open_with(&place.url, 0, None).await;
            let report = store.verify(&key(0).verifier(), Vec::new(), |_| {}).await.expect("verified");
            assert_eq!(report.tampering, []);
            assert_eq!(store.replay(|_| {}).await.expect("replayed").0.differences, []);
            let record = store.record().await.expect("read");
            let is_there = |id: &str| record.state.assets.contains_key(&world::asset(id));
            assert!(is_there("before") && is_there("after"), "{act} {from}");
            // The process said on its own whether it was refused.
            let told = String::from_utf8_lossy(&output.stdout);
            let was_kept = told.contains("KEPT during");
            if !told.contains("UNCERTAIN during") {
                assert_eq!(is_there("during"), was_kept, "{act} {from}: {said}");
            }
            refused += u32::from(!was_kept);
        }
        assert!(refused > 0, "{act}: the fault was felt");
    }
}

/// So many entries more has the ledger before the first kill: the edges of tiles and bundles lie in what follows.
const SIZES: [u64; 4] = [0, 235, 492, 747];
/// So many points there are at least, on each database.
const LEAST: u64 = 500;

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_write_loses_nothing_on_sqlite() {
    let mut points = 0;
    for size in SIZES {
        points += kill_at_each_point(&Place::sqlite().expect("a place"), size).await;
    }
    assert!(points >= LEAST, "{points} points");
    eprintln!("killed at {points} points of SQLite");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_write_loses_nothing_on_postgresql() {
    let mut points = 0;
    for size in SIZES {
        let Some(place) = Place::postgres() else { return };
        points += kill_at_each_point(&place, size).await;
    }
    assert!(points >= LEAST, "{points} points");
    eprintln!("killed at {points} points of PostgreSQL");
}

/// Kills a process at each write point of each kind of step, one after the other; says at how many.
async fn kill_at_each_point(place: &Place, size: u64) -> u64 {
    let mut witness = Witness { url: place.url.clone(), kept: Vec::new(), until: 0, jobs: 0, keys: 0 };
    prepare(&open_with(&place.url, 0, None).await, size).await;
    let mut points = 0;
    let mut serial = 0;
    for kind in 0..KINDS {
        for point in 1.. {
            serial += 2;
            let task = Task { url: place.url.clone(), kind, serial, keys: witness.keys, point };
            let told = run(&task, &[]);
            witness.look(&told, serial).await;
            if !told.is_killed {
                break;
            }
            points += 1;
        }
    }
    points
}

/// Who has kept what was acknowledged.
struct Witness {
    url: String,
    /// The newest checkpoint that was handed out.
    kept: Vec<u8>,
    /// One behind the last entry that was acknowledged.
    until: u64,
    jobs: u64,
    keys: u64,
}

impl Witness {
    /// Looks at what a process left: all that it acknowledged, at most one group more, and one can write on.
    async fn look(&mut self, told: &Told, serial: u64) {
        let store = self.open().await;
        self.jobs += told.jobs;
        let mut kept: Vec<Vec<u8>> = told.checkpoints.iter().map(|text| text.as_bytes().to_vec()).collect();
        kept.push(std::mem::take(&mut self.kept));
        kept.retain(|checkpoint| !checkpoint.is_empty());
        let report = store.verify(&key(0).verifier(), kept, |_| {}).await.expect("verified");
        assert_eq!(report.tampering, [], "{told:?}");
        assert_eq!(report.key_changes.len() as u64, self.keys);
        let size = report.checkpoint.size;
        let until = self.until.max(told.until);
        assert!((until..=until + MOST_IN_GROUP).contains(&size), "{size} of {until}: {told:?}");
        let (replayed, record) = store.replay(|_| {}).await.expect("replayed");
        assert_eq!((replayed.differences.as_slice(), replayed.entries), (&[][..], size));
        assert_eq!(record.state, store.record().await.expect("read").state);
        let jobs = store.count_jobs("mail").await.expect("counted").values().sum::<u64>();
        assert!(self.jobs <= jobs && jobs <= self.jobs + 1, "{jobs} jobs, {} acknowledged", self.jobs);
        self.jobs = jobs;
        let done = register(&store, &format!("witness-{serial}"), day(1)).await.expect("it writes on");
        assert_eq!(done.first, size);
        self.until = size + 1;
        self.kept = done.checkpoint.into_bytes();
    }

    /// With the key that signs now: a change of it may have been kept, or not.
    async fn open(&mut self) -> Store {
        let with = |keys| Options { url: &self.url, signer: key(keys), write_point: None, findings_at: None };
        match Store::open(with(self.keys), |_| {}).await {
            Err(Error::Key { .. }) => {}
            opened => return opened.expect("opened"),
        }
        let store = Store::open(with(self.keys + 1), |_| {}).await.expect("opened");
        self.keys += 1;
        store
    }
}
