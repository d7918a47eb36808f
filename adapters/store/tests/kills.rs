//! A process that is killed at any write loses nothing that it acknowledged, and leaves nothing half done.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stderr, reason = "tests that say what they measured")]

mod world;

use plimsoll_store::{Error, Options, Store};
use world::player::{KINDS, MOST_IN_GROUP, Task, Told, key, open_with, play_task, prepare, run};
use world::{Place, day, register};

#[test]
#[ignore = "what the others kill"]
fn player() {
    play_task(|| {});
}

/// So many entries more has the ledger before the first kill: the edges of tiles and bundles lie in what follows.
const SIZES: [u64; 4] = [0, 30, 60, 235];
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
        let with = |keys| Options::new(&self.url, key(keys));
        match Store::open(with(self.keys), |_| {}).await {
            Err(Error::Key { .. }) => {}
            opened => return opened.expect("opened"),
        }
        let store = Store::open(with(self.keys + 1), |_| {}).await.expect("opened");
        self.keys += 1;
        store
    }
}
