//! Work that is shared: jobs with leases, effects on their way out, and who leads.
//!
//! A job is done at least once: whoever takes it holds it for a time, and loses it when that is over.

use crate::database;
use crate::error::{Doing, Error};
use crate::plan::NewJob;
use crate::put;
use crate::store::Store;
use crate::tables::{Cell, JOBS, LEASES, Row};
use jiff::{SignedDuration, Timestamp};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, LockBehavior, LockType, Order, Query};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// A job that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id, the same at every attempt: whoever receives an effect twice knows it by that.
    pub id: String,
    /// What is to be done.
    pub body: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed, and is tried again after a while.
    Failed(String),
    /// It failed, and trying again would not help.
    Dead(String),
}

/// After so many attempts a job is dead.
const MOST_ATTEMPTS: i64 = 20;
/// So many effects are asked for in one statement.
const MOST_ASKED: usize = 1000;
/// The wait after the first attempt; it doubles with each.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(10);

fn column(name: &'static str) -> Expr {
    Expr::col(Alias::new(name))
}

impl Store {
    /// Takes up to so many jobs of a queue, the oldest first, and holds them until an instant.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn claim(
        &self,
        queue: &str,
        holder: &str,
        (now, until): (Timestamp, Timestamp),
        most: u64,
    ) -> Result<Vec<Job>, Error> {
        let transaction = self.database.begin().await?;
        let mut free = database::select(&JOBS);
        free.clear_order_by();
        free.and_where(column("queue").eq(queue)).and_where(column("state").eq("waiting"));
        free.and_where(column("not_before").lte(now.as_millisecond()));
        free.and_where(column("held_until").lte(now.as_millisecond()));
        free.order_by(Alias::new("not_before"), Order::Asc).order_by(Alias::new("id"), Order::Asc).limit(most);
        if !self.database.is_sqlite() {
            free.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let mut rows = database::rows(&transaction, &JOBS, &free).await?;
        // Whoever took it so often never said how it ended: it may be what ends them.
        for row in rows.iter_mut().filter(|row| row[4].integer() >= MOST_ATTEMPTS) {
            row[7] = Cell::from("dead");
            row[8] = Cell::from("nobody who took it has said how it ended");
        }
        let (dead, mut rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row[7].text() == "dead");
        if !dead.is_empty() {
            put::upsert(&transaction, &JOBS, dead).await?;
        }
        for row in &mut rows {
            row[4] = Cell::Integer(row[4].integer() + 1);
            row[5] = Cell::from(holder);
            row[6] = Cell::Integer(until.as_millisecond());
        }
        let taken = rows.clone();
        if !rows.is_empty() {
            put::upsert(&transaction, &JOBS, rows).await?;
        }
        transaction.commit().await.doing("take jobs")?;
        let job = |row: &Row| Job {
            id: row[0].text().to_owned(),
            body: row[2].text().to_owned(),
            attempt: u32::try_from(row[4].integer()).unwrap_or(u32::MAX),
        };
        Ok(taken.iter().map(job).collect())
    }

    /// Queues a job for those of some effects that none was queued for before; `body` is made of which these are, by their places.
    /// `false` where there are none: however often it is asked for, each leaves once.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn queue_once(
        &self,
        queue: &str,
        effects: &[String],
        now: Timestamp,
        body: impl FnOnce(&[usize]) -> String,
    ) -> Result<bool, Error> {
        let ids: Vec<String> =
            effects.iter().map(|effect| format!("{queue}#{}", ledger::digest(effect.as_bytes()))).collect();
        let transaction = self.database.begin().await?;
        if !self.database.is_sqlite() {
            // Two that gather at once would each take the other's effects for told.
            let lock = Statement::from_string(DbBackend::Postgres, "SELECT pg_advisory_xact_lock(7306572)");
            transaction.execute_raw(lock).await.doing("queue a job")?;
        }
        let mut known = BTreeSet::new();
        for some in ids.chunks(MOST_ASKED) {
            let mut select = database::select(&JOBS);
            select.and_where(column("id").is_in(some.iter().map(String::as_str)));
            let rows = database::rows(&transaction, &JOBS, &select).await?;
            known.extend(rows.iter().map(|row| row[0].text().to_owned()));
        }
        let new: Vec<usize> = (0..ids.len()).filter(|place| !known.contains(&ids[*place])).collect();
        let Some(first) = new.first() else { return Ok(false) };
        let of_effect = |id: &String, body: String, state: &str, queue: String| -> Row {
            let job = NewJob { id: id.clone(), queue, body, not_before: now };
            let mut row = job.row();
            row[7] = Cell::from(state);
            row
        };
        // The job itself goes by the first of them; the others are kept beside it, as done.
        let job = of_effect(&ids[*first], body(&new), "waiting", queue.to_owned());
        let others =
            new[1..].iter().map(|place| of_effect(&ids[*place], String::new(), "done", format!("{queue}, told")));
        put::insert_missing(&transaction, &JOBS, std::iter::once(job).chain(others).collect()).await?;
        transaction.commit().await.doing("queue a job")?;
        Ok(true)
    }

    /// Holds a job for longer. `false` if it was lost meanwhile.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn hold(&self, id: &str, holder: &str, until: Timestamp) -> Result<bool, Error> {
        let mut update = Query::update();
        update.table(Alias::new(JOBS.name)).value(Alias::new("held_until"), until.as_millisecond());
        update.and_where(column("id").eq(id)).and_where(column("holder").eq(holder));
        update.and_where(column("state").eq("waiting"));
        let done = self.database.writer.execute(&update).await.doing("hold a job")?;
        Ok(done.rows_affected() == 1)
    }

    /// Says how an attempt ended. `false` if the job was lost meanwhile: then somebody else does it again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn finish(&self, job: &Job, holder: &str, outcome: Outcome, now: Timestamp) -> Result<bool, Error> {
        let (state, failure) = match outcome {
            Outcome::Done => ("done", String::new()),
            Outcome::Failed(failure) if i64::from(job.attempt) < MOST_ATTEMPTS => ("waiting", failure),
            Outcome::Failed(failure) | Outcome::Dead(failure) => ("dead", failure),
        };
        let wait = FIRST_WAIT.checked_mul(1 << (job.attempt.clamp(1, 12) - 1)).unwrap_or(FIRST_WAIT);
        let mut update = Query::update();
        update.table(Alias::new(JOBS.name));
        update.value(Alias::new("state"), state).value(Alias::new("failure"), failure);
        update.value(Alias::new("holder"), "").value(Alias::new("held_until"), 0_i64);
        update.value(Alias::new("not_before"), (now + wait).as_millisecond());
        if state != "waiting" {
            // What has left, or never will, is kept nowhere.
            update.value(Alias::new("body"), "");
        }
        update.and_where(column("id").eq(job.id.as_str())).and_where(column("holder").eq(holder));
        update.and_where(column("state").eq("waiting"));
        let done = self.database.writer.execute(&update).await.doing("finish a job")?;
        Ok(done.rows_affected() == 1)
    }

    /// How many jobs of a queue are in each state, by the state's name: `waiting`, `done`, `dead`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn count_jobs(&self, queue: &str) -> Result<BTreeMap<String, u64>, Error> {
        let mut counted = Query::select();
        counted.from(Alias::new(JOBS.name)).column(Alias::new("state")).expr(column("id").count());
        counted.and_where(column("queue").eq(queue)).group_by_col(Alias::new("state"));
        let mut counts = BTreeMap::new();
        for row in self.database.readers.query_all(&counted).await.doing("count jobs")? {
            let state: String = row.try_get_by_index(0).doing("count jobs")?;
            let count: i64 = row.try_get_by_index(1).doing("count jobs")?;
            counts.insert(state, u64::try_from(count).unwrap_or(0));
        }
        Ok(counts)
    }

    /// Takes the lead under a name, or keeps it, until an instant. `false` while somebody else has it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn lead(&self, name: &str, holder: &str, (now, until): (Timestamp, Timestamp)) -> Result<bool, Error> {
        let transaction = self.database.begin().await?;
        let row: Row = vec![Cell::from(name), Cell::from(""), Cell::Integer(0)];
        put::insert_missing(&transaction, &LEASES, vec![row]).await?;
        let mut update = Query::update();
        update.table(Alias::new(LEASES.name));
        update.value(Alias::new("holder"), holder).value(Alias::new("held_until"), until.as_millisecond());
        update.and_where(column("name").eq(name));
        update.and_where(column("holder").eq(holder).or(column("held_until").lte(now.as_millisecond())));
        let done = transaction.execute(&update).await.doing("take the lead")?;
        transaction.commit().await.doing("take the lead")?;
        Ok(done.rows_affected() == 1)
    }
}
