//! Replay: every table is made anew from the ledger and its documents, and compared with what is there.

use crate::commit::take_entries;
use crate::database::{self, Database};
use crate::error::{Doing, Error, in_words};
use crate::log;
use crate::record::{Projected, Record};
use crate::snapshot;
use crate::store::Store;
use crate::tables::{self, Cell, Row, Table};
use jiff::{SignedDuration, Timestamp};
use ledger::Entry;
use lifecycle::{Event, PersonId, Refusal, Role, Rolled, review};
use std::path::Path;

/// What comparing the tables with the ledger found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many entries there are.
    pub entries: u64,
    /// How many rows were compared.
    pub rows: u64,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Entries that the rules would not have let happen, by their numbers.
    pub unlawful: Vec<(u64, Refusal)>,
    /// Why it ended before the last entry: what it needed is not there or damaged. Tables are not compared then.
    pub stopped: Option<String>,
    /// Entries that are dated well before one that stands before them: a clock was wrong, or somebody dated them back.
    pub dated_back: Vec<u64>,
}

/// Clocks of several programs may differ by this.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

impl Replayed {
    /// Looks at the next entry, against what stands before it and the newest instant until then.
    fn look(
        &mut self,
        record: &Record,
        ((entry, event), document): ((&Entry, Option<&Event>), Option<&[u8]>),
        newest: &mut Option<Timestamp>,
    ) {
        let number = record.state.entries;
        if newest.is_some_and(|newest| newest.duration_since(entry.at) > CLOCKS_DIFFER) {
            self.dated_back.push(number);
        }
        *newest = (*newest).max(Some(entry.at));
        let lawful = PersonId::new(entry.actor.as_str()).map_err(Refusal::from).and_then(|by| match event {
            Some(event) => {
                review(&record.state, event, &by, entry.at)?;
                Rolled::check_all(&record.state, &record.rollouts, std::slice::from_ref(event), entry.at)?;
                record.check_plan(event, document).map_err(|error| match error {
                    Error::Refused(refusal) => refusal,
                    _ => Refusal::Unlike,
                })
            }
            None => record.state.may(&by, &[Role::Administrator]),
        });
        self.unlawful.extend(lawful.err().map(|refusal| (number, refusal)));
    }
}

/// A row that is not what follows from the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub key: String,
    /// What is wrong.
    pub kind: DifferenceKind,
}

/// How a row differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It follows from the ledger, and is not there.
    Missing,
    /// It is there, and does not follow from the ledger.
    Foreign,
    /// It has other contents.
    Changed,
}

impl Store {
    /// Makes every table anew from the ledger, and compares. Nothing is written.
    ///
    /// # Errors
    /// If the ledger cannot be followed, or the database fails.
    pub async fn replay(&self, progress: impl FnMut(u64)) -> Result<(Replayed, Record), Error> {
        replay(&self.database, None, progress).await
    }
}

/// The same for a database that need not be open as a store: its tables may be damaged. A snapshot's facts are compared too.
///
/// # Errors
/// If the ledger cannot be followed, or the database fails.
pub async fn replay_at(
    (url, blobs): (&str, Option<&str>),
    snapshot: Option<&Path>,
    progress: impl FnMut(u64),
) -> Result<Replayed, Error> {
    Ok(replay(&Database::inspect(url, blobs).await?, snapshot, progress).await?.0)
}

pub(crate) async fn replay(
    database: &Database,
    kept: Option<&Path>,
    mut progress: impl FnMut(u64),
) -> Result<(Replayed, Record), Error> {
    const PART: u64 = 2048;
    let transaction = database.snapshot().await?;
    let (size, _) = log::head(&transaction).await?;
    let (mut record, mut projected) = (Record::default(), Projected::new());
    let mut replayed = Replayed { entries: size, ..Replayed::default() };
    let mark = kept.and_then(snapshot::mark);
    let mut newest = None;
    let mut from = 0;
    while from < size {
        let stop = mark.map(|mark| mark.entries).filter(|stop| *stop > from);
        let until = size.min(from + PART).min(stop.unwrap_or(size));
        let bytes = log::entries(&transaction, (from, until)).await?;
        let look = |record: &Record, told: (&Entry, Option<&Event>), document: Option<&[u8]>| {
            replayed.look(record, (told, document), &mut newest);
        };
        let taken =
            take_entries((&transaction, &database.blobs), (from, &bytes), &mut record, &mut projected, look).await;
        match taken {
            Err(error @ (Error::Damaged { .. } | Error::Facts { .. })) => {
                replayed.stopped = Some(in_words(&error));
                return Ok((replayed, record));
            }
            taken => taken?,
        }
        from = until;
        if let Some(mark) = mark.filter(|mark| mark.entries == from)
            && mark.is_of(&transaction, size).await?
            && !mark.is_met_by(&record.facts)?
        {
            let key = kept.map_or_else(String::new, |path| path.display().to_string());
            replayed.differences.push(Difference { table: "snapshot", key, kind: DifferenceKind::Changed });
        }
        progress(from);
    }
    for table in tables::projections() {
        let made = projected.remove(table.name).unwrap_or_default();
        compare(&transaction, table, made, &mut replayed).await?;
    }
    transaction.rollback().await.doing("end reading")?;
    Ok((replayed, record))
}

async fn compare(
    on: &impl sea_orm::ConnectionTrait,
    table: &Table,
    mut made: std::collections::BTreeMap<Cell, Row>,
    replayed: &mut Replayed,
) -> Result<(), Error> {
    let mut differ = |key: &Cell, kind| {
        let key = match key {
            Cell::Integer(number) => number.to_string(),
            other => other.text().to_owned(),
        };
        replayed.differences.push(Difference { table: table.name, key, kind });
    };
    let mut rows = 0;
    database::each_row(on, table, |row| {
        rows += 1;
        match made.remove(&row[0]) {
            None => differ(&row[0], DifferenceKind::Foreign),
            Some(same) if same == row => {}
            Some(_) => differ(&row[0], DifferenceKind::Changed),
        }
        Ok(())
    })
    .await?;
    made.keys().for_each(|key| differ(key, DifferenceKind::Missing));
    replayed.rows += rows;
    Ok(())
}
