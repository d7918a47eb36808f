//! The database: connections, the schema, and the few kinds of statement that all tables share.

use crate::error::{Doing, Error};
use crate::tables::{self, Cell, HEAD, Kind, Row, Table};
use sea_orm::sea_query::{Alias, ColumnDef, Expr, ExprTrait, Index, OnConflict, Order, Query, SelectStatement};
use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as Connect, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    Value,
};
use std::path::Path;
use std::time::Duration;

/// The version of the schema that this program writes.
const SCHEMA: i64 = 1;
/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);
/// Rows in one statement: both databases allow 32,766 values at least.
const MOST_VALUES: usize = 30_000;

/// Connections to one database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) writer: DatabaseConnection,
    pub(crate) readers: DatabaseConnection,
}

impl Database {
    /// Opens the database at an address (`postgres://…`) or in a file, and brings its schema up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, Error> {
        let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let database = if is_postgres { postgres(url).await? } else { sqlite(Path::new(url)).await? };
        database.migrate().await?;
        Ok(database)
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Sqlite
    }

    /// Begins to write: on SQLite nobody else writes from here on.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, Error> {
        let options = TransactionOptions {
            sqlite_transaction_mode: self.is_sqlite().then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await.doing("begin a transaction")
    }

    /// Begins to append: nobody else does from here on, on either database.
    pub(crate) async fn begin_alone(&self) -> Result<DatabaseTransaction, Error> {
        let transaction = self.begin().await?;
        if !self.is_sqlite() {
            let lock = "SELECT size FROM ledger_head WHERE id = 1 FOR UPDATE";
            transaction.execute_unprepared(lock).await.doing("lock the ledger")?;
        }
        Ok(transaction)
    }

    /// Begins to read: all that is read is of one instant.
    pub(crate) async fn snapshot(&self) -> Result<DatabaseTransaction, Error> {
        let options = TransactionOptions {
            isolation_level: (!self.is_sqlite()).then_some(IsolationLevel::RepeatableRead),
            ..TransactionOptions::default()
        };
        self.readers.begin_with_options(options).await.doing("begin to read")
    }

    async fn migrate(&self) -> Result<(), Error> {
        const ACT: &str = "bring its schema up to date";
        let transaction = self.begin().await?;
        if !self.is_sqlite() {
            // One of several that start at once does it.
            let lock = Statement::from_string(DbBackend::Postgres, "SELECT pg_advisory_xact_lock(7306571)");
            transaction.execute_raw(lock).await.doing(ACT)?;
        }
        let create = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";
        transaction.execute_unprepared(create).await.doing(ACT)?;
        let found = transaction
            .query_one_raw(Statement::from_string(
                self.writer.get_database_backend(),
                "SELECT MAX(version) AS version FROM schema_version",
            ))
            .await
            .doing(ACT)?;
        let found = found.and_then(|row| row.try_get_by_index::<Option<i64>>(0).ok()).flatten().unwrap_or(0);
        if found > SCHEMA {
            return Err(Error::Schema { found, known: SCHEMA });
        }
        if found < 1 {
            for table in tables::all() {
                create_table(&transaction, table).await?;
            }
            let queue = Index::create()
                .name("jobs_by_queue")
                .table(Alias::new("jobs"))
                .col(Alias::new("queue"))
                .col(Alias::new("state"))
                .col(Alias::new("not_before"))
                .to_owned();
            transaction.execute(&queue).await.doing(ACT)?;
            let head: Row = vec![1_u64.into(), 0_u64.into(), "".into()];
            insert(&transaction, &HEAD, &[head]).await?;
            let version = format!("INSERT INTO schema_version (version) VALUES ({SCHEMA})");
            transaction.execute_unprepared(&version).await.doing(ACT)?;
        }
        transaction.commit().await.doing(ACT)
    }
}

async fn create_table(on: &impl ConnectionTrait, table: &Table) -> Result<(), Error> {
    let mut create = sea_orm::sea_query::Table::create();
    create.table(Alias::new(table.name));
    for (name, kind) in table.columns {
        let mut column = ColumnDef::new(Alias::new(*name));
        match kind {
            Kind::Integer => column.big_integer(),
            Kind::Text => column.text(),
            Kind::Bytes => column.blob(),
        };
        create.col(column.not_null());
    }
    let mut key = Index::create();
    table.columns[..table.keys].iter().for_each(|(name, _)| {
        key.col(Alias::new(*name));
    });
    create.primary_key(&mut key);
    on.execute(&create).await.doing("create its tables")?;
    let is_postgres = on.get_database_backend() == DbBackend::Postgres;
    for (name, _) in table.columns.iter().filter(|(_, kind)| is_postgres && *kind == Kind::Bytes) {
        // What is in there is compressed already, or hashes.
        let plain = format!("ALTER TABLE {} ALTER COLUMN {name} SET STORAGE EXTERNAL", table.name);
        on.execute_unprepared(&plain).await.doing("create its tables")?;
    }
    Ok(())
}

async fn sqlite(path: &Path) -> Result<Database, Error> {
    if path.as_os_str().is_empty() || path.to_string_lossy().contains("://") {
        return Err(Error::Address { url: without_password(&path.to_string_lossy()) });
    }
    let options = |is_reader: bool| {
        let path = path.to_owned();
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(if is_reader { 4 } else { 1 }).min_connections(1).sqlx_logging(false);
        options.acquire_timeout(BUSY).test_before_acquire(false).idle_timeout(None::<Duration>);
        options.max_lifetime(None::<Duration>);
        // When it cannot commit, SQLite ends the transaction by itself, and the driver does not notice: it would take the next
        // ones for parts of it, and confirm them without writing them. Such a connection is closed, and another one opened.
        options.map_sqlx_sqlite_before_acquire(|connection, _| {
            let is_usable = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_usable) })
        });
        options.map_sqlx_sqlite_opts(move |_| {
            sea_orm::sqlx::sqlite::SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(!is_reader)
                .journal_mode(SqliteJournalMode::Wal)
                // What was acknowledged outlives a loss of power.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(BUSY)
                .read_only(false)
        });
        options
    };
    let open = |options| async move { Connect::connect(options).await.doing("open its file") };
    let writer = open(options(false)).await?;
    Ok(Database { writer, readers: open(options(true)).await? })
}

async fn postgres(url: &str) -> Result<Database, Error> {
    let open = |connections: u32| {
        let mut options = ConnectOptions::new(url);
        options.max_connections(connections).min_connections(1).sqlx_logging(false);
        options.acquire_timeout(BUSY).connect_timeout(BUSY).set_application_name("plimsoll");
        async move { Connect::connect(options).await.doing("answer") }
    };
    Ok(Database { writer: open(1).await?, readers: open(4).await? })
}

/// Whether SQLite says that there is no space left.
pub(crate) fn is_full(error: &Error) -> bool {
    const FULL: &str = "13";
    let Error::Database { source: DbErr::Query(RuntimeErr::SqlxError(cause)), .. } = error else { return false };
    cause.as_database_error().and_then(|cause| cause.code()).is_some_and(|code| code == FULL)
}

/// An address that can be shown.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((user, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    format!("{scheme}://{}:***@{host}", user.split(':').next().unwrap_or_default())
}

fn value(cell: Cell) -> Expr {
    Expr::val(match cell {
        Cell::Integer(number) => Value::from(number),
        Cell::Text(text) => Value::from(text),
        Cell::Bytes(bytes) => Value::from(bytes),
    })
}

/// Inserts rows that are new.
pub(crate) async fn insert(on: &impl ConnectionTrait, table: &Table, rows: &[Row]) -> Result<(), Error> {
    put(on, table, rows, None).await
}

/// Inserts rows, or leaves those that are there as they are.
pub(crate) async fn insert_missing(on: &impl ConnectionTrait, table: &Table, rows: &[Row]) -> Result<(), Error> {
    let mut conflict = on_key(table);
    put(on, table, rows, Some(conflict.do_nothing().to_owned())).await
}

/// Inserts rows, or puts them in the place of those that are there. No two of them may have one key.
pub(crate) async fn upsert(on: &impl ConnectionTrait, table: &Table, rows: &[Row]) -> Result<(), Error> {
    let mut conflict = on_key(table);
    let rest = table.columns[table.keys..].iter().map(|(name, _)| Alias::new(*name));
    put(on, table, rows, Some(conflict.update_columns(rest).to_owned())).await
}

fn on_key(table: &Table) -> OnConflict {
    OnConflict::columns(table.columns[..table.keys].iter().map(|(name, _)| Alias::new(*name)))
}

async fn put(
    on: &impl ConnectionTrait,
    table: &Table,
    rows: &[Row],
    conflict: Option<OnConflict>,
) -> Result<(), Error> {
    for part in rows.chunks(MOST_VALUES / table.columns.len()) {
        let mut statement = Query::insert();
        statement.into_table(Alias::new(table.name));
        statement.columns(table.columns.iter().map(|(name, _)| Alias::new(*name)));
        for row in part {
            // INVARIANT: every row has the table's columns.
            statement.values_panic(row.iter().cloned().map(value));
        }
        if let Some(conflict) = &conflict {
            statement.on_conflict(conflict.clone());
        }
        on.execute(&statement).await.doing("write")?;
    }
    Ok(())
}

/// A question for rows in the order of their keys.
pub(crate) fn select(table: &Table) -> SelectStatement {
    let mut statement = Query::select();
    statement.from(Alias::new(table.name));
    statement.columns(table.columns.iter().map(|(name, _)| Alias::new(*name)));
    for (name, _) in &table.columns[..table.keys] {
        statement.order_by(Alias::new(*name), Order::Asc);
    }
    statement
}

/// The rows that answer a question made by [`select`].
pub(crate) async fn rows(
    on: &impl ConnectionTrait,
    table: &Table,
    statement: &SelectStatement,
) -> Result<Vec<Row>, Error> {
    let found = on.query_all(statement).await.doing("read")?;
    found.iter().map(|row| read(table, row)).collect()
}

/// Rows whose first column lies in a range.
pub(crate) async fn range(
    on: &impl ConnectionTrait,
    table: &Table,
    (from, until): (u64, u64),
) -> Result<Vec<Row>, Error> {
    let mut statement = select(table);
    let column = || Expr::col(Alias::new(table.columns[0].0));
    let bound = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    statement.and_where(column().gte(bound(from))).and_where(column().lt(bound(until)));
    rows(on, table, &statement).await
}

/// Calls `each` with all rows of a table in the order of their keys, some thousand at a time.
pub(crate) async fn each_row(
    on: &impl ConnectionTrait,
    table: &Table,
    mut each: impl FnMut(Row) -> Result<(), Error>,
) -> Result<(), Error> {
    const PART: u64 = 2000;
    let mut last: Option<Row> = None;
    loop {
        let mut statement = select(table);
        if let Some(last) = &last {
            let columns = table.columns[..table.keys].iter().map(|(name, _)| Expr::col(Alias::new(*name)));
            let keys = last.iter().cloned().map(value);
            statement.and_where(Expr::tuple(columns).gt(Expr::tuple(keys)));
        }
        statement.limit(PART);
        let found = rows(on, table, &statement).await?;
        let is_last = (found.len() as u64) < PART;
        for row in found {
            last = Some(row[..table.keys].to_vec());
            each(row)?;
        }
        if is_last {
            return Ok(());
        }
    }
}

pub(crate) fn read(table: &Table, row: &QueryResult) -> Result<Row, Error> {
    let read = |(at, (_, kind)): (usize, &(&str, Kind))| match kind {
        Kind::Integer => row.try_get_by_index(at).map(Cell::Integer),
        Kind::Text => row.try_get_by_index(at).map(Cell::Text),
        Kind::Bytes => row.try_get_by_index(at).map(Cell::Bytes),
    };
    table.columns.iter().enumerate().map(read).collect::<Result<_, _>>().doing("read a row")
}
