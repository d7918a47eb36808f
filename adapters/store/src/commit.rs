//! The one function that commits: it appends to the ledger, updates the tables and queues effects in one transaction.
//!
//! What is asked for while a transaction runs goes into the next one together.

use crate::accounts::SignIn;
use crate::blobs::Blobs;
use crate::database::{self, Database};
use crate::document;
use crate::error::{Doing, Error};
use crate::log::{self, Log};
use crate::plan::{Committed, NewJob, Planner, Request, WritePoint};
use crate::put;
use crate::record::{Projected, Record, documents};
use crate::tables::{self, BATCHES, Cell, DOCUMENTS, HEAD, JOBS, Row, TILES};
use jiff::Timestamp;
use ledger::{Entry, KeyChange, Signer};
use lifecycle::{Event, PersonId, Role, Rolled, decide};
use rayon::prelude::*;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{RwLock, mpsc, oneshot};

/// The most plans in one transaction.
const MOST_PLANS: usize = 2000;

/// From so many events on, entries are made on all cores.
const MANY_EVENTS: usize = 64;

/// After about so many bytes the database's log is moved: who commits meanwhile waits for the disk to have them.
const LOG_BYTES: usize = 256 << 10;

/// Who asked, and what is to be answered if all of the group is kept.
type Answers = Vec<(oneshot::Sender<Result<Committed, Error>>, Result<Committed, Error>)>;

/// Who writes.
pub(crate) struct Writer {
    pub(crate) database: Database,
    pub(crate) record: Arc<RwLock<Record>>,
    pub(crate) log: Log,
    pub(crate) signer: Signer,
    /// The key that is to sign after a change of which it is not known whether it was kept.
    pub(crate) next_signer: Option<Signer>,
    pub(crate) write_point: Option<WritePoint>,
    /// Whether the record in memory may differ from the tables.
    pub(crate) is_stale: bool,
    /// Whether another ledger was put in the place of the one that was written.
    pub(crate) is_replaced: bool,
    /// Whether findings are kept.
    pub(crate) is_live: bool,
    /// About how many bytes were written since the database's log was moved last, and whether that is being done.
    pub(crate) log_bytes: usize,
    pub(crate) is_moving_log: Arc<AtomicBool>,
    /// The file of a snapshot that reading anew may begin with.
    pub(crate) snapshot: Option<PathBuf>,
}

impl Writer {
    /// Serves requests until all who could send one are gone.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut group = Vec::new();
        while requests.recv_many(&mut group, MOST_PLANS).await > 0 {
            self.serve(std::mem::take(&mut group)).await;
        }
    }

    async fn serve(&mut self, group: Vec<Request>) {
        // Who reads goes on while the database is waited for.
        let begun = match self.begin().await {
            Ok(begun) => begun,
            Err(error) => return refuse(group, error),
        };
        let now = group.iter().map(|request| request.at).max();
        let mut answers = Answers::with_capacity(group.len());
        let record = Arc::clone(&self.record);
        // Nobody reads what is not durable.
        let mut record = record.write().await;
        let before = record.state.entries;
        let done = self.commit(begun, group, &mut record, &mut answers).await;
        if done.is_err() {
            self.is_stale = true;
        }
        if done.is_err() && record.state.entries != before {
            // What was taken in and not kept must not be seen. If the tables cannot be read now, whoever asks next tries again.
            record.is_doubtful = true;
            if !matches!(done, Err(Error::Uncertain(_))) {
                let _ = self.reload(&mut record).await;
            }
        }
        if let Some(now) = now.filter(|_| self.is_live && !record.is_live()) {
            record.go_live(now);
        }
        match done {
            Ok(()) => {
                for (answer, result) in answers {
                    let checkpoint = self.log.checkpoint.clone();
                    // Who asked may have gone.
                    let _ = answer.send(result.map(|done| Committed { checkpoint, ..done }));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for (answer, result) in answers {
                    let refused = matches!(result, Err(Error::Refused(_) | Error::Plan(_)));
                    let failed = Err(Error::Group(Arc::clone(&error)));
                    let _ = answer.send(if refused { result } else { failed });
                }
            }
        }
    }

    async fn commit(
        &mut self,
        begun: Begun,
        group: Vec<Request>,
        record: &mut Record,
        answers: &mut Answers,
    ) -> Result<(), Error> {
        let mut change = Change::default();
        let begun = match self.catch_up(begun, record).await {
            Ok(transaction) => transaction,
            Err(error) => {
                answers.extend(group.into_iter().map(|request| (request.answer, Err(Error::Closed))));
                return Err(error);
            }
        };
        let mut failure = None;
        for request in group {
            let Request { planner, by, at, expects, answer } = request;
            let as_expected = match &failure {
                // INVARIANT: after a failure the record is read anew, so that nothing more is taken in.
                Some(_) => Err(Error::Closed),
                None => change.sign_in.check(&begun, &expects).await,
            };
            let result = as_expected.and_then(|()| self.take(record, planner, (&by, at), &mut change));
            match result {
                Err(error @ (Error::Refused(_) | Error::Plan(_))) => answers.push((answer, Err(error))),
                Err(error) => {
                    failure.get_or_insert(error);
                    answers.push((answer, Err(Error::Closed)));
                }
                done => answers.push((answer, done)),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        self.write(begun, change).await
    }

    /// Begins a transaction in which nobody else appends.
    async fn begin(&self) -> Result<Begun, Error> {
        self.point("begin")?;
        let transaction = self.database.begin_alone().await?;
        let (size, checkpoint) = log::head(&transaction).await?;
        Ok(Begun { transaction, size, checkpoint })
    }

    /// Takes in what others have appended before.
    async fn catch_up(&mut self, begun: Begun, record: &mut Record) -> Result<DatabaseTransaction, Error> {
        let Begun { transaction, size, checkpoint } = begun;
        let is_behind = size < self.log.size() || size == self.log.size() && checkpoint != self.log.checkpoint;
        self.is_replaced |= is_behind && !self.is_stale;
        if self.is_replaced {
            // What was acknowledged is gone, or another history stands in its place: to go on would sign that.
            let (found, had) = (size, self.log.size());
            return Err(Error::Damaged {
                place: "the ledger".to_owned(),
                what: format!(
                    "an older or another state was put in its place while it was in use: it has {found} entries, and had {had}"
                ),
            });
        }
        if self.is_stale {
            let log = Log::load(&transaction).await?;
            *record = self.load(&transaction, size).await?;
            self.adopt(log)?;
        } else if size > self.log.size() {
            self.is_stale = true;
            self.follow(&transaction, size, record).await?;
            self.log.checkpoint = checkpoint;
            self.log.check()?;
            self.is_stale = false;
        }
        if !self.log.is_signed_by(&self.signer.verifier())? {
            return Err(Error::Key { found: self.signer.verifier().to_string() });
        }
        Ok(transaction)
    }

    /// Reads the record anew, after something went wrong.
    async fn reload(&mut self, record: &mut Record) -> Result<(), Error> {
        let snapshot = self.database.snapshot().await?;
        let log = Log::load(&snapshot).await?;
        *record = self.load(&snapshot, log.size()).await?;
        snapshot.rollback().await.doing("end reading")?;
        self.adopt(log)
    }

    /// Goes on from the ledger as it was read anew: with the new key, if it was kept that it changes.
    fn adopt(&mut self, log: Log) -> Result<(), Error> {
        if let Some(next) = self.next_signer.take()
            && !log.is_signed_by(&self.signer.verifier())?
        {
            self.signer = next;
        }
        (self.log, self.is_stale) = (log, false);
        Ok(())
    }

    async fn follow(&mut self, on: &DatabaseTransaction, size: u64, record: &mut Record) -> Result<(), Error> {
        const PART: u64 = 1000;
        let mut from = self.log.size();
        while from < size {
            let until = size.min(from + PART);
            let bytes = log::entries(on, (from, until)).await?;
            take_entries((on, &self.database.blobs), (from, &bytes), record, &mut Projected::new(), |_, _, _| {})
                .await?;
            self.log.follow(&bytes);
            from = until;
        }
        Ok(())
    }

    /// Takes a plan in: what follows from it is in the record, and in the change that is to be written.
    fn take(
        &self,
        record: &mut Record,
        planner: Planner,
        (by, at): (&PersonId, Timestamp),
        change: &mut Change,
    ) -> Result<Committed, Error> {
        // Whole milliseconds are what the tables hold.
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let plan = planner(record)?;
        plan.documents.iter().try_for_each(|bytes| document::check(bytes))?;
        let mut events = Vec::new();
        for command in &plan.commands {
            events.extend(decide(&record.state, command, by, at)?);
        }
        Rolled::check_all(&record.state, &record.rollouts, &events, at)?;
        if plan.key.is_some() {
            record.state.may(by, &[Role::Administrator])?;
        }
        let first = record.state.entries;
        let documents: HashMap<String, Vec<u8>> =
            plan.documents.into_iter().map(|bytes| (ledger::digest(&bytes), bytes)).collect();
        let entries = checked(&events, &documents, (by, at))?;
        for event in &events {
            record.check_plan(event, event.document().and_then(|digest| documents.get(digest)).map(Vec::as_slice))?;
        }
        // INVARIANT: the rules have said yes, and everything can be kept; from here on nothing but a fault can stop it.
        if let Some(next) = plan.key {
            let key_change = KeyChange { number: first, next: next.verifier() };
            let old = change.key.as_ref().unwrap_or(&self.signer);
            let entry = key_change.entry(&old.verifier().name, old, at, by.as_str())?;
            change.take(record, (&entry, None), entry.canonical()?, None)?;
            change.key = Some(next);
        }
        for (event, (entry, entry_bytes)) in events.iter().zip(entries) {
            let bytes = event.document().and_then(|digest| documents.get(digest)).map(Vec::as_slice);
            change.take(record, (&entry, Some(event)), entry_bytes, bytes)?;
            if let (Some(digest), Some(bytes)) = (event.document(), bytes)
                && !change.documents.contains_key(digest)
            {
                change.documents.insert(digest.to_owned(), document::row(digest, bytes)?);
            }
        }
        change.jobs.extend(plan.jobs.into_iter().map(NewJob::row));
        change.sign_in.extend(plan.accounts, plan.sessions);
        Ok(Committed { first, events, checkpoint: String::new() })
    }

    async fn write(&mut self, transaction: DatabaseTransaction, change: Change) -> Result<(), Error> {
        if change.entries.is_empty() && change.jobs.is_empty() && change.sign_in.is_empty() {
            return transaction.rollback().await.doing("end a transaction");
        }
        // What was appended in memory must be thrown away if it does not become durable.
        self.is_stale = true;
        let Change { entries, mut projected, documents, jobs, sign_in, key } = change;
        let mut written = entries.iter().map(Vec::len).sum::<usize>();
        let is_told = !entries.is_empty();
        // Until it is kept that the key changes, the old one signs.
        self.next_signer = key;
        if is_told {
            let appended = self.log.extend(&entries, self.next_signer.as_ref().unwrap_or(&self.signer))?;
            self.point("ledger_batches")?;
            put::insert(&transaction, &BATCHES, appended.batches).await?;
            self.point("ledger_tiles")?;
            put::upsert(&transaction, &TILES, appended.tiles).await?;
            self.point("ledger_head")?;
            put::upsert(&transaction, &HEAD, vec![appended.head]).await?;
        }
        let mut documents: Vec<Row> = documents.into_values().collect();
        let blobs = &self.database.blobs;
        for row in documents.iter_mut().filter(|row| blobs.wants(row[1].size())) {
            self.point("blobs")?;
            document::set_apart(row, blobs).await?;
        }
        written += documents.iter().flatten().map(Cell::size).sum::<usize>();
        if !documents.is_empty() {
            self.point("documents")?;
            put::insert_missing(&transaction, &DOCUMENTS, documents).await?;
        }
        for table in tables::projections() {
            let Some(rows) = projected.remove(table.name) else { continue };
            self.point(table.name)?;
            let rows: Vec<Row> = rows.into_values().collect();
            written += rows.iter().flatten().map(Cell::size).sum::<usize>();
            put::upsert(&transaction, table, rows).await?;
        }
        if !jobs.is_empty() {
            self.point("jobs")?;
            put::insert_missing(&transaction, &JOBS, jobs).await?;
        }
        if !sign_in.is_empty() {
            self.point("accounts")?;
            sign_in.put(&transaction).await?;
        }
        self.point("commit")?;
        if let Err(error) = transaction.commit().await.doing("commit") {
            self.confirm(error, &entries).await?;
        }
        self.is_stale = false;
        self.log_bytes += written;
        self.move_log();
        if let Some(next) = self.next_signer.take() {
            self.signer = next;
        }
        self.point("committed")
    }

    async fn load(&self, on: &DatabaseTransaction, size: u64) -> Result<Record, Error> {
        let trusted = [self.signer.verifier()];
        let kept = self.snapshot.as_deref().map(|path| (path, trusted.as_slice()));
        Ok(Record::load((on, &self.database.blobs), size, kept, |_| {}).await?.0)
    }

    /// Has the database's log moved when it has grown, beside what is written meanwhile.
    fn move_log(&mut self) {
        if self.log_bytes < LOG_BYTES || self.is_moving_log.swap(true, Ordering::AcqRel) {
            return;
        }
        self.log_bytes = 0;
        let (database, is_moving) = (self.database.clone(), Arc::clone(&self.is_moving_log));
        tokio::spawn(async move {
            // Where it cannot be moved now, it is the next time.
            let _ = database.move_log().await;
            is_moving.store(false, Ordering::Release);
        });
    }

    /// Finds out whether entries were kept although the commit failed: it may have come through before the connection broke, and
    /// others may have appended since.
    async fn confirm(&self, error: Error, entries: &[Vec<u8>]) -> Result<(), Error> {
        let end = self.log.size();
        let kept = match self.settle(&error).await {
            // Jobs alone leave no trace in the ledger; on SQLite nothing comes through that has failed.
            Ok(_) if entries.is_empty() && !self.database.is_sqlite() => None,
            Ok(size) if entries.is_empty() || size < end => Some(false),
            Ok(_) => {
                let found = log::entries(&self.database.readers, (end - entries.len() as u64, end)).await;
                found.ok().map(|found| found == entries)
            }
            Err(_) => None,
        };
        match kept {
            Some(true) => Ok(()),
            Some(false) => Err(error),
            None => Err(Error::Uncertain(Box::new(error))),
        }
    }

    /// The ledger's size after a commit that failed, once that can no longer come through.
    ///
    /// A server may still be at it when the connection to it breaks: it holds the ledger's lock until then. SQLite has all of
    /// it in the file when the disk fails to confirm it, and finds it there after a crash, unless it is written over; on a full
    /// disk its end, without which it counts for nothing, was not written.
    async fn settle(&self, failure: &Error) -> Result<u64, Error> {
        let transaction = self.database.begin_alone().await?;
        if self.database.is_sqlite() && !database::is_full(failure) {
            // A value that is the same is not written at all.
            for step in ["+ 1", "- 1"] {
                let over = format!("UPDATE schema_version SET version = version {step}");
                transaction.execute_unprepared(&over).await.doing("write over what failed")?;
            }
        }
        let (size, _) = log::head(&transaction).await?;
        transaction.commit().await.doing("write over what failed")?;
        Ok(size)
    }

    fn point(&self, name: &'static str) -> Result<(), Error> {
        let Some(point) = &self.write_point else { return Ok(()) };
        point(name).map_err(|source| Error::File { act: "write", path: name.to_owned(), source })
    }
}

/// The entries of events, after a look at whether each can be kept: what cannot is refused for who asked, and not for all who
/// share the transaction.
fn checked(
    events: &[Event],
    documents: &HashMap<String, Vec<u8>>,
    (by, at): (&PersonId, Timestamp),
) -> Result<Vec<(Entry, Vec<u8>)>, Error> {
    let one = |event: &Event| {
        let entry = event.to_entry(at, by)?;
        let written = entry.canonical().map_err(|error| Error::Plan(error.to_string()))?;
        if let Some(digest) = event.document() {
            let bytes = documents.get(digest);
            let bytes = bytes.ok_or_else(|| Error::Plan(format!("the document `{digest}` is missing")))?;
            fleet::check_document(event, bytes).map_err(|error| Error::Plan(error.to_string()))?;
        }
        Ok((entry, written))
    };
    // Few are made sooner than other cores are woken.
    match events.len() {
        ..MANY_EVENTS => events.iter().map(one).collect(),
        _ => events.par_iter().map(one).collect(),
    }
}

/// Says that nothing was done of what was asked for.
fn refuse(group: Vec<Request>, error: Error) {
    let error = Arc::new(error);
    for request in group {
        // Who asked may have gone.
        let _ = request.answer.send(Err(Error::Group(Arc::clone(&error))));
    }
}

/// A transaction in which nobody else appends, and the head that it found.
struct Begun {
    transaction: DatabaseTransaction,
    size: u64,
    checkpoint: String,
}

/// What a transaction is to write.
#[derive(Default)]
struct Change {
    entries: Vec<Vec<u8>>,
    projected: Projected,
    documents: BTreeMap<String, Row>,
    jobs: Vec<Row>,
    sign_in: SignIn,
    key: Option<Signer>,
}

impl Change {
    fn take(
        &mut self,
        record: &mut Record,
        told: (&Entry, Option<&Event>),
        bytes: Vec<u8>,
        document: Option<&[u8]>,
    ) -> Result<(), Error> {
        record.apply(told, document, &mut self.projected)?;
        self.entries.push(bytes);
        Ok(())
    }
}

/// Takes entries from the ledger in, with their documents.
pub(crate) async fn take_entries(
    (on, blobs): (&impl ConnectionTrait, &Blobs),
    (from, bytes): (u64, &[Vec<u8>]),
    record: &mut Record,
    projected: &mut Projected,
    mut before: impl FnMut(&Record, (&Entry, Option<&Event>), Option<&[u8]>),
) -> Result<(), Error> {
    let mut entries = Vec::with_capacity(bytes.len());
    let mut digests = Vec::new();
    for (number, bytes) in (from..).zip(bytes) {
        let entry = Entry::parse(bytes)?;
        let event = (entry.kind != KeyChange::KIND).then(|| Event::from_entry(number, &entry)).transpose()?;
        let digest = event.as_ref().and_then(|event| event.document().map(str::to_owned));
        digests.extend(digest.clone());
        entries.push((entry, event, digest));
    }
    let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
    let documents = documents((on, blobs), &digests).await?;
    for (entry, event, digest) in &entries {
        let document = digest.as_ref().and_then(|digest| documents.get(digest)).map(Vec::as_slice);
        before(record, (entry, event.as_ref()), document);
        record.apply((entry, event.as_ref()), document, projected)?;
    }
    Ok(())
}
