//! How rows are written: few statements, of few shapes, so that databases prepare each once.

use crate::error::{Doing, Error};
use crate::tables::{Cell, Kind, Row, Table};
use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use std::fmt::Write as _;

/// So few rows are one statement, whatever their number.
const FEW_ROWS: usize = 16;
/// Values in one statement: SQLite allows 32,766.
const MOST_VALUES: usize = 30_000;
/// Rows in one statement where they travel as one array for each column.
const MOST_ROWS: usize = 10_000;

/// What becomes of a row whose key is there.
#[derive(Clone, Copy)]
enum Conflict {
    Fails,
    Stays,
    IsReplaced,
}

/// Inserts rows that are new.
pub(crate) async fn insert(on: &impl ConnectionTrait, table: &Table, rows: Vec<Row>) -> Result<(), Error> {
    put(on, table, rows, Conflict::Fails).await
}

/// Inserts rows, or leaves those that are there as they are.
pub(crate) async fn insert_missing(on: &impl ConnectionTrait, table: &Table, rows: Vec<Row>) -> Result<(), Error> {
    put(on, table, rows, Conflict::Stays).await
}

/// Inserts rows, or puts them in the place of those that are there. No two of them may have one key.
pub(crate) async fn upsert(on: &impl ConnectionTrait, table: &Table, rows: Vec<Row>) -> Result<(), Error> {
    put(on, table, rows, Conflict::IsReplaced).await
}

async fn put(on: &impl ConnectionTrait, table: &Table, rows: Vec<Row>, conflict: Conflict) -> Result<(), Error> {
    let backend = on.get_database_backend();
    let by_column = backend == DbBackend::Postgres;
    if let Some(row) = rows.iter().find(|row| row.len() != table.columns.len()) {
        let what = format!("a row of {} values", row.len());
        return Err(Error::Damaged { place: table.name.to_owned(), what });
    }
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    while left > 0 {
        let count = if by_column { left.min(MOST_ROWS) } else { of_one_statement(left, table) };
        left -= count;
        let part = rows.by_ref().take(count);
        let (source, values) = if by_column { columns(table, part) } else { tuples(table, part) };
        let mut text = format!("INSERT INTO \"{}\" (", table.name);
        list(&mut text, table.columns.iter().map(|(name, _)| name));
        text.push_str(") ");
        text.push_str(&source);
        on_conflict(&mut text, table, conflict);
        on.execute_raw(Statement::from_sql_and_values(backend, text, values)).await.doing("write")?;
    }
    Ok(())
}

/// How many rows go into one statement: few different numbers, for each is a statement of its own to SQLite.
fn of_one_statement(left: usize, table: &Table) -> usize {
    let most = left.min(MOST_VALUES / table.columns.len());
    if most < FEW_ROWS { most } else { 1 << most.ilog2() }
}

/// Rows as SQLite takes them: one place for each value.
fn tuples(table: &Table, rows: impl Iterator<Item = Row>) -> (String, Vec<Value>) {
    let mut tuple = "(".to_owned();
    (0..table.columns.len()).for_each(|column| tuple.push_str(if column == 0 { "?" } else { ",?" }));
    tuple.push(')');
    let (mut text, mut values) = ("VALUES ".to_owned(), Vec::new());
    for (number, row) in rows.enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&tuple);
        values.extend(row.into_iter().map(Value::from));
    }
    (text, values)
}

/// Rows as PostgreSQL takes them: one array for each column, so that every number of rows is one statement.
fn columns(table: &Table, rows: impl Iterator<Item = Row>) -> (String, Vec<Value>) {
    let mut arrays = vec![Vec::new(); table.columns.len()];
    for row in rows {
        arrays.iter_mut().zip(row).for_each(|(array, cell)| array.push(Value::from(cell)));
    }
    let mut text = "SELECT * FROM UNNEST(".to_owned();
    let mut values = Vec::with_capacity(arrays.len());
    for (number, (array, (_, kind))) in arrays.into_iter().zip(table.columns).enumerate() {
        let (of, name) = match kind {
            Kind::Integer => (ArrayType::BigInt, "bigint"),
            Kind::Text => (ArrayType::String, "text"),
            Kind::Bytes => (ArrayType::Bytes, "bytea"),
        };
        let comma = if number == 0 { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = write!(text, "{comma}${}::{name}[]", number + 1);
        values.push(Value::Array(of, Some(Box::new(array))));
    }
    text.push(')');
    (text, values)
}

fn on_conflict(text: &mut String, table: &Table, conflict: Conflict) {
    if matches!(conflict, Conflict::Fails) {
        return;
    }
    let (keys, rest) = table.columns.split_at(table.keys);
    text.push_str(" ON CONFLICT (");
    list(text, keys.iter().map(|(name, _)| name));
    if matches!(conflict, Conflict::Stays) || rest.is_empty() {
        return text.push_str(") DO NOTHING");
    }
    text.push_str(") DO UPDATE SET ");
    for (number, (name, _)) in rest.iter().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}\"{name}\" = excluded.\"{name}\"");
    }
}

fn list<'a>(text: &mut String, names: impl Iterator<Item = &'a &'static str>) {
    for (number, name) in names.enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}\"{name}\"");
    }
}

impl From<Cell> for Value {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Integer(number) => Self::from(number),
            Cell::Text(text) => Self::from(text),
            Cell::Bytes(bytes) => Self::from(bytes),
        }
    }
}
