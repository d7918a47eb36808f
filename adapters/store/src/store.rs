//! The store: the record of one organisation, opened.

use crate::commit::Writer;
use crate::database::Database;
use crate::error::{Doing, Error};
use crate::log::{self, Log, Tiles};
use crate::plan::{Committed, NewJob, Plan, Planner, Request, WritePoint};
use crate::record::{Record, documents};
use crate::rollouts::{ChangeStep, steps};
use crate::snapshot::Made;
use jiff::Timestamp;
use ledger::{Hash, Signer, Tampering, Verifier};
use lifecycle::PersonId;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{RwLock, RwLockReadGuard, mpsc, oneshot};

/// How many entries with facts may have to be followed when opening, before a new snapshot is worth its while.
const MOST_BEHIND: u64 = 1000;
/// How many requests may wait.
const MOST_WAITING: usize = 10_000;

/// The record of one organisation.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) database: Database,
    record: Arc<RwLock<Record>>,
    /// The key that signs snapshots, as the store was opened with it.
    sealer: Option<Signer>,
    /// None where the record was opened to be read.
    requests: Option<mpsc::Sender<Request>>,
}

/// How a store is opened.
pub struct Options<'a> {
    /// The path of a SQLite file, or the address of a PostgreSQL database.
    pub url: &'a str,
    /// The key that signs checkpoints; its name is that of the ledger. Without one the record can be read, and nothing else.
    pub signer: Option<Signer>,
    /// Called before each write, so that faults can be tried.
    pub write_point: Option<WritePoint>,
    /// The instant as of which decisions hold, where findings are to be kept; none where nobody asks for findings.
    pub findings_at: Option<Timestamp>,
    /// The file of a snapshot that opening may begin with, and that is written anew where it is far behind.
    pub snapshot: Option<PathBuf>,
    /// Where the record is only read: keys of which one signs the ledger. It is the one that signs snapshots; where it is not at
    /// hand none is believed, and none is written.
    pub sealers: Vec<Signer>,
    /// Where documents are kept that are too large for the database: a folder, or `s3://bucket/prefix`. Beside a SQLite file it is
    /// the folder `blobs` if nothing is said; for PostgreSQL nowhere.
    pub blobs: Option<String>,
}

impl<'a> Options<'a> {
    /// A place and a key, and nothing else asked for.
    #[must_use]
    pub fn new(url: &'a str, signer: Signer) -> Self {
        Self { signer: Some(signer), ..Self::reading(url) }
    }

    /// A place, to read what is there.
    #[must_use]
    pub fn reading(url: &'a str) -> Self {
        Self {
            url,
            signer: None,
            write_point: None,
            findings_at: None,
            snapshot: None,
            sealers: Vec::new(),
            blobs: None,
        }
    }
}

/// Something that was handed in, and may not be kept yet.
#[derive(Debug)]
pub struct Submitted(oneshot::Receiver<Result<Committed, Error>>);

impl Submitted {
    /// Waits until it is kept.
    ///
    /// # Errors
    /// If the rules refuse it, or it cannot be kept; then nothing has happened.
    pub async fn wait(self) -> Result<Committed, Error> {
        self.0.await.map_err(|_| Error::Closed)?
    }
}

/// One entry with the proof that it is in the ledger.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Its number.
    pub number: u64,
    /// Its bytes.
    pub entry: Vec<u8>,
    /// The hashes beside its way to the root.
    pub proof: Vec<Hash>,
    /// The signed checkpoint that has the root.
    pub checkpoint: String,
    /// The entries that tell changes of the ledger's key, with their numbers: they lead from the first key to the one that signed.
    pub key_changes: Vec<(u64, Vec<u8>)>,
}

impl Store {
    /// Opens a store, or makes a new one; its schema is brought up to date.
    ///
    /// `progress` is told the number of the entry whose facts were read last.
    ///
    /// # Errors
    /// If the database cannot be reached, is damaged, or belongs to another key.
    pub async fn open(options: Options<'_>, progress: impl FnMut(u64)) -> Result<Self, Error> {
        let database = match options.signer {
            Some(_) => Database::open(options.url, options.blobs.as_deref()).await?,
            None => Database::inspect(options.url, options.blobs.as_deref()).await?,
        };
        let snapshot = database.snapshot().await?;
        let log = Log::load(&snapshot).await?;
        if let Some(signer) = &options.signer
            && !log.is_signed_by(&signer.verifier())?
        {
            return Err(Error::Key { found: signer.verifier().to_string() });
        }
        let mut sealer = options.signer.clone();
        for other in options.sealers.iter().filter(|_| options.signer.is_none()) {
            if log.is_signed_by(&other.verifier())? {
                sealer = Some(other.clone());
                break;
            }
        }
        let trusted: Vec<Verifier> = sealer.iter().map(Signer::verifier).collect();
        let kept = options.snapshot.as_deref().map(|path| (path, trusted.as_slice()));
        let (mut record, followed) = Record::load((&snapshot, &database.blobs), log.size(), kept, progress).await?;
        snapshot.rollback().await.doing("end reading")?;
        if let Some(now) = options.findings_at {
            record.go_live(now);
        }
        let record = Arc::new(RwLock::new(record));
        let requests = options.signer.map(|signer| {
            let (requests, received) = mpsc::channel(MOST_WAITING);
            let writer = Writer {
                database: database.clone(),
                record: Arc::clone(&record),
                log,
                signer,
                next_signer: None,
                write_point: options.write_point,
                // What others left in the log is moved soon.
                log_bytes: log_bytes(options.url),
                is_moving_log: Arc::default(),
                is_stale: false,
                is_replaced: false,
                is_live: options.findings_at.is_some(),
                snapshot: options.snapshot.clone(),
            };
            tokio::spawn(writer.run(received));
            requests
        });
        let store = Self { database, record, sealer, requests };
        if let Some(path) = options.snapshot.filter(|_| followed > MOST_BEHIND) {
            // It is there to be faster: who may not write it, or has no room for it, opens as slowly the next time.
            let _ = store.keep_snapshot(&path).await;
        }
        Ok(store)
    }

    /// Keeps the facts as of now in a file, so that opening is fast.
    ///
    /// # Errors
    /// If they cannot be read, or the file cannot be written.
    pub async fn keep_snapshot(&self, path: &Path) -> Result<(), Error> {
        let record = self.record().await?;
        let entries = record.state.entries;
        let root = log::root(&self.database.readers, entries).await?;
        let sealer = self.sealer.as_ref().ok_or(Error::ReadOnly)?;
        let made = tokio::task::block_in_place(|| Made::of(&record.facts, (entries, root), sealer))?;
        drop(record);
        tokio::task::block_in_place(|| made.put(path))
    }

    /// Moves what is in SQLite's log into its file, and makes the log empty.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tidy(&self) -> Result<(), Error> {
        self.database.empty_log().await
    }

    /// The record as it stands: nothing of it is less than durable.
    ///
    /// # Errors
    /// If a write has failed, and the database cannot be asked what was kept.
    pub async fn record(&self) -> Result<RwLockReadGuard<'_, Record>, Error> {
        let record = self.record.read().await;
        if !record.is_doubtful {
            return Ok(record);
        }
        drop(record);
        // Whoever writes reads what was kept first, also where there is nothing to write.
        self.catch_up().await?;
        Ok(self.record.read().await)
    }

    /// The record with findings under the decisions that hold at an instant.
    ///
    /// # Errors
    /// If a write has failed, and the database cannot be asked what was kept.
    pub async fn record_at(&self, now: Timestamp) -> Result<RwLockReadGuard<'_, Record>, Error> {
        if !self.record().await?.is_decided(now) {
            self.record.write().await.decide(now);
        }
        self.record().await
    }

    /// Does what `planner` makes up when it sees the record, at an instant, in somebody's name: all of it or nothing.
    ///
    /// # Errors
    /// If the rules refuse it, or it cannot be kept; then nothing has happened.
    pub async fn commit(
        &self,
        by: &PersonId,
        at: Timestamp,
        planner: impl FnOnce(&Record) -> Result<Plan, Error> + Send + 'static,
    ) -> Result<Committed, Error> {
        self.submit(by, at, planner).await?.wait().await
    }

    /// Hands in what is to be done, and does not wait for it: what is handed in first is done first.
    ///
    /// # Errors
    /// If the store is closed.
    pub async fn submit(
        &self,
        by: &PersonId,
        at: Timestamp,
        planner: impl FnOnce(&Record) -> Result<Plan, Error> + Send + 'static,
    ) -> Result<Submitted, Error> {
        self.hand_in(by, at, (Vec::new(), Box::new(planner))).await
    }

    /// The same as [`Store::commit`], as long as what is kept of how somebody signs in is still what the caller has read.
    ///
    /// # Errors
    /// If it is not, the rules refuse it, or it cannot be kept; then nothing has happened.
    pub async fn commit_on_account(
        &self,
        by: &PersonId,
        at: Timestamp,
        expects: (PersonId, Option<String>),
        planner: impl FnOnce(&Record) -> Result<Plan, Error> + Send + 'static,
    ) -> Result<Committed, Error> {
        self.commit_on_accounts(by, at, vec![expects], planner).await
    }

    /// The same for several people.
    ///
    /// # Errors
    /// If one of them is not, the rules refuse it, or it cannot be kept; then nothing has happened.
    pub async fn commit_on_accounts(
        &self,
        by: &PersonId,
        at: Timestamp,
        expects: Vec<(PersonId, Option<String>)>,
        planner: impl FnOnce(&Record) -> Result<Plan, Error> + Send + 'static,
    ) -> Result<Committed, Error> {
        self.hand_in(by, at, (expects, Box::new(planner))).await?.wait().await
    }

    async fn hand_in(
        &self,
        by: &PersonId,
        at: Timestamp,
        (expects, planner): (Vec<(PersonId, Option<String>)>, Planner),
    ) -> Result<Submitted, Error> {
        let (answer, answered) = oneshot::channel();
        let request = Request { planner, by: by.clone(), at, expects, answer };
        let requests = self.requests.as_ref().ok_or(Error::ReadOnly)?;
        requests.send(request).await.map_err(|_| Error::Closed)?;
        Ok(Submitted(answered))
    }

    /// Takes in what other programs have written to the record.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn catch_up(&self) -> Result<(), Error> {
        let nobody = PersonId::new(lifecycle::SYSTEM)?;
        self.commit(&nobody, Timestamp::UNIX_EPOCH, |_| Ok(Plan::default())).await.map(|_| ())
    }

    /// Changes the ledger's key, vouched for by the one before it.
    ///
    /// # Errors
    /// If the new key has another name, or the change cannot be kept.
    pub async fn change_key(&self, by: &PersonId, at: Timestamp, next: Signer) -> Result<Committed, Error> {
        self.commit(by, at, move |_| Ok(Plan { key: Some(next), ..Plan::default() })).await
    }

    /// Queues work without an entry in the ledger.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub async fn queue(&self, by: &PersonId, at: Timestamp, jobs: Vec<NewJob>) -> Result<(), Error> {
        self.commit(by, at, move |_| Ok(Plan { jobs, ..Plan::default() })).await.map(|_| ())
    }

    /// What has happened to a change, the first first.
    ///
    /// # Errors
    /// If the database fails, or what it holds is damaged.
    pub async fn change_steps(&self, change: &lifecycle::ChangeId) -> Result<Vec<ChangeStep>, Error> {
        steps(&self.database.readers, change).await
    }

    /// A document by its digest.
    ///
    /// # Errors
    /// If it is not there or damaged.
    pub async fn document(&self, digest: &str) -> Result<Vec<u8>, Error> {
        let mut found = documents((&self.database.readers, &self.database.blobs), &[digest]).await?;
        let missing = || Error::Damaged { place: format!("document `{digest}`"), what: "it is not there".to_owned() };
        found.remove(digest).ok_or_else(missing)
    }

    /// The newest checkpoint, a signed note; empty before the first entry.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn checkpoint(&self) -> Result<String, Error> {
        Ok(log::head(&self.database.readers).await?.1)
    }

    /// Entries `from..until` as they were written.
    ///
    /// # Errors
    /// If there are none such, or the database fails.
    pub async fn entries(&self, from: u64, until: u64) -> Result<Vec<Vec<u8>>, Error> {
        log::entries(&self.database.readers, (from, until)).await
    }

    /// Proves that an entry is in the ledger.
    ///
    /// # Errors
    /// If there is no such entry, or the database fails.
    pub async fn prove(&self, number: u64) -> Result<Proven, Error> {
        let snapshot = self.database.snapshot().await?;
        let (size, checkpoint) = log::head(&snapshot).await?;
        if number >= size {
            return Err(ledger::Error::Range { what: format!("entry {number}"), size }.into());
        }
        let proof = log::from_hashes(&snapshot, size, |hashes| ledger::inclusion(number, size, hashes)).await?;
        let entry = log::entries(&snapshot, (number, number + 1)).await?.pop().unwrap_or_default();
        let mut key_changes = Vec::new();
        let numbers = self.record().await?.state.key_changes.clone();
        for number in numbers.into_iter().filter(|number| *number < size) {
            let entry = log::entries(&snapshot, (number, number + 1)).await?.pop().unwrap_or_default();
            key_changes.push((number, entry));
        }
        snapshot.rollback().await.doing("end reading")?;
        Ok(Proven { number, entry, proof, checkpoint, key_changes })
    }

    /// Verifies the whole ledger against the key it began with, and checkpoints that somebody kept.
    ///
    /// # Errors
    /// If the newest checkpoint cannot be read at all, or the database fails. Tampering is in the report.
    pub async fn verify(
        &self,
        first_key: &Verifier,
        kept: Vec<Vec<u8>>,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<ledger::Report, Error> {
        verify(&self.database, first_key, kept, progress).await
    }
}

/// Verifies the ledger of a database that need not be open as a store: its tables may be damaged.
///
/// # Errors
/// If the newest checkpoint cannot be read at all, or the database fails.
pub async fn verify_at(
    url: &str,
    first_key: &Verifier,
    kept: Vec<Vec<u8>>,
    progress: impl FnMut(u64) + Send + 'static,
) -> Result<ledger::Report, Error> {
    verify(&Database::inspect(url, None).await?, first_key, kept, progress).await
}

pub(crate) async fn verify(
    database: &Database,
    first_key: &Verifier,
    kept: Vec<Vec<u8>>,
    progress: impl FnMut(u64) + Send + 'static,
) -> Result<ledger::Report, Error> {
    let snapshot = database.snapshot().await?;
    let (size, checkpoint) = log::head(&snapshot).await?;
    let surplus = log::surplus(&snapshot, size).await?;
    let end = log::end(&snapshot).await?;
    if size > end {
        // Whoever writes a size of their own must not keep anybody busy with entries that do not exist.
        return Err(Error::Damaged {
            place: "the ledger".to_owned(),
            what: format!("its head says that it is of {size} entries, and its tables end with {end}"),
        });
    }
    snapshot.rollback().await.doing("end reading")?;
    let first_key = first_key.clone();
    let mut tiles = Tiles::new(database.clone(), tokio::runtime::Handle::current());
    let work = move || ledger::verify(checkpoint.as_bytes(), &first_key, &kept, &mut tiles, progress);
    let mut report = tokio::task::spawn_blocking(work).await.map_err(|_| Error::Closed)??;
    if size != report.checkpoint.size {
        let what = format!("the head says that it is of {size} entries, and it is of {}", report.checkpoint.size);
        report.tampering.push(Tampering::Checkpoint { what });
    } else {
        report.tampering.extend(surplus);
    }
    Ok(report)
}

/// Whether there is no record at an address yet.
///
/// # Errors
/// If the database cannot be read.
pub async fn is_new(url: &str) -> Result<bool, Error> {
    match Database::inspect(url, None).await {
        Err(Error::NoRecord { .. }) => Ok(true),
        Err(error) => Err(error),
        Ok(database) => Ok(log::head(&database.readers).await?.0 == 0),
    }
}

/// How many bytes lie in the log beside a SQLite file.
fn log_bytes(url: &str) -> usize {
    std::fs::metadata(format!("{url}-wal")).map_or(0, |log| usize::try_from(log.len()).unwrap_or(usize::MAX / 2))
}
