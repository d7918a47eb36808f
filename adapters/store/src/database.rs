//! The database: connections, and the few kinds of statement that all tables share.

use crate::blobs::Blobs;
use crate::error::{Doing, Error};
use crate::tables::{Cell, Kind, Row, Table};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as Connect, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait, Value,
};
use std::path::Path;
use std::time::Duration;

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);
/// After so many pages (256 MiB) SQLite moves its log into the file by itself, and whoever commits waits for that. It is done
/// earlier, and beside the writing, by [`Database::move_log`].
const MOST_LOG_PAGES: &str = "65536";

/// Connections to one database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) writer: DatabaseConnection,
    pub(crate) readers: DatabaseConnection,
    pub(crate) blobs: Blobs,
}

impl Database {
    /// Opens the database at an address (`postgres://…`) or in a file, and brings its schema up to date.
    pub(crate) async fn open(url: &str, blobs: Option<&str>) -> Result<Self, Error> {
        let mut database = match is_postgres(url) {
            true => postgres(url, Access::Write).await?,
            false => sqlite(Path::new(url), Access::Write).await?,
        };
        database.blobs = blobs_of(url, blobs)?;
        database.migrate().await?;
        Ok(database)
    }

    /// Opens a database in which there is a record, to read it and change nothing, not even its schema.
    pub(crate) async fn inspect(url: &str, blobs: Option<&str>) -> Result<Self, Error> {
        let mut database = match is_postgres(url) {
            true => postgres(url, Access::Read).await?,
            false => sqlite(Path::new(url), Access::Read).await?,
        };
        database.blobs = blobs_of(url, blobs)?;
        match database.version(&database.readers).await? {
            0 => Err(Error::NoRecord { url: without_password(url) }),
            _ => database.refuse_foreign(&database.readers).await.map(|()| database),
        }
    }

    /// Moves what is in SQLite's log into its file, while others go on to write.
    pub(crate) async fn move_log(&self) -> Result<(), Error> {
        if self.is_sqlite() {
            self.readers.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await.doing("move its log")?;
        }
        Ok(())
    }

    /// The same, and makes the log empty: for a time nobody else can write.
    pub(crate) async fn empty_log(&self) -> Result<(), Error> {
        if self.is_sqlite() {
            self.writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.doing("move its log")?;
        }
        Ok(())
    }

    /// Closes all connections: on SQLite all is in the one file then.
    pub(crate) async fn close(self) -> Result<(), Error> {
        self.readers.close().await.doing("close")?;
        self.writer.close().await.doing("close")
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
            // Whoever holds the lock and does not let go must not hold up everybody for ever.
            let lock = format!(
                "SET LOCAL lock_timeout = '{}ms'; SELECT size FROM ledger_head WHERE id = 1 FOR UPDATE",
                BUSY.as_millis()
            );
            transaction.execute_unprepared(&lock).await.doing("lock the ledger")?;
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
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Where blobs are: as somebody says, or in the folder `blobs` beside a file.
fn blobs_of(url: &str, named: Option<&str>) -> Result<Blobs, Error> {
    match named {
        Some(named) => Blobs::at(named),
        None if is_postgres(url) => Ok(Blobs::Nowhere),
        None => Ok(Blobs::Folder(Path::new(url).with_file_name("blobs"))),
    }
}

/// What connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    Read,
    /// To read a file in a place where nothing can be written, not even beside it.
    ReadStill,
}

async fn sqlite(path: &Path, access: Access) -> Result<Database, Error> {
    if path.as_os_str().is_empty() || path.to_string_lossy().contains("://") {
        return Err(Error::Address { url: without_password(&path.to_string_lossy()) });
    }
    match (access, path.exists()) {
        (Access::Write, false) => {
            // What is in there is for nobody else: what SQLite puts beside it has the same rights.
            let mut create = std::fs::OpenOptions::new();
            std::os::unix::fs::OpenOptionsExt::mode(create.write(true).create(true).truncate(false), 0o600);
            create.open(path).map_err(Error::file("create", path))?;
        }
        (_, false) => return Err(Error::NoRecord { url: path.display().to_string() }),
        (_, true) => {}
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
            let options = sea_orm::sqlx::sqlite::SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(false)
                // What was acknowledged outlives a loss of power.
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(BUSY);
            match access {
                Access::Write => {
                    options.journal_mode(SqliteJournalMode::Wal).pragma("wal_autocheckpoint", MOST_LOG_PAGES)
                }
                Access::Read => options.read_only(true),
                Access::ReadStill => options.read_only(true).immutable(true),
            }
        });
        options
    };
    let open = async |is_reader: bool| {
        let database = Connect::connect(options(is_reader)).await?;
        // Only a question shows whether it can be read.
        database.execute_unprepared("SELECT COUNT(*) FROM sqlite_master").await?;
        Ok::<_, DbErr>(database)
    };
    let opened = match open(false).await {
        Ok(writer) => open(true).await.map(|readers| Database { writer, readers, blobs: Blobs::Nowhere }),
        Err(error) => Err(error),
    };
    if access != Access::Read || opened.is_ok() {
        return opened.doing("open its file");
    }
    // Where nothing can be written SQLite cannot look whether somebody else is writing. What lies there lies still, unless
    // something is left in its log: that would be left out.
    let log = std::path::PathBuf::from(format!("{}-wal", path.display()));
    match log.metadata().is_ok_and(|log| log.len() > 0) {
        true => opened.doing("be read where nothing can be written: copy its folder elsewhere"),
        false => Box::pin(sqlite(path, Access::ReadStill)).await,
    }
}

async fn postgres(url: &str, access: Access) -> Result<Database, Error> {
    let open = |connections: u32| {
        let mut options = ConnectOptions::new(url);
        options.max_connections(connections).min_connections(1).sqlx_logging(false);
        options.acquire_timeout(BUSY).connect_timeout(BUSY).set_application_name("plimsoll");
        if access != Access::Write {
            options.map_sqlx_postgres_opts(|options| options.options([("default_transaction_read_only", "on")]));
        }
        async move {
            let database = Connect::connect(options).await;
            database.map_err(|source| Error::Unreachable { url: without_password(url), source })
        }
    };
    Ok(Database { writer: open(1).await?, readers: open(4).await?, blobs: Blobs::Nowhere })
}

/// Whether SQLite says that there is no space left.
pub(crate) fn is_full(error: &Error) -> bool {
    const FULL: &str = "13";
    let Error::Database { source: DbErr::Query(RuntimeErr::SqlxError(cause)), .. } = error else { return false };
    cause.as_database_error().and_then(|cause| cause.code()).is_some_and(|code| code == FULL)
}

/// An address that can be shown: without its password.
#[must_use]
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, settings) = rest.split_once('?').unwrap_or((rest, ""));
    let hidden = settings.split('&').map(|setting| match setting.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}=***"),
        _ => setting.to_owned(),
    });
    let settings = hidden.collect::<Vec<_>>().join("&");
    let settings = if settings.is_empty() { settings } else { format!("?{settings}") };
    let Some((user, host)) = rest.rsplit_once('@') else { return format!("{scheme}://{rest}{settings}") };
    format!("{scheme}://{}:***@{host}{settings}", user.split(':').next().unwrap_or_default())
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

/// Goes through a table in the order of its keys, some thousand rows at a time.
pub(crate) struct Cursor<'t> {
    table: &'t Table,
    last: Option<Row>,
    is_done: bool,
}

impl<'t> Cursor<'t> {
    const PART: u64 = 2000;

    pub(crate) fn new(table: &'t Table) -> Self {
        Self { table, last: None, is_done: false }
    }

    /// The next rows; none at the end.
    pub(crate) async fn next(&mut self, on: &impl ConnectionTrait) -> Result<Option<Vec<Row>>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let keys = self.table.keys;
        let mut statement = select(self.table);
        if let Some(last) = &self.last {
            let columns = self.table.columns[..keys].iter().map(|(name, _)| Expr::col(Alias::new(*name)));
            statement.and_where(
                Expr::tuple(columns).gt(Expr::tuple(last.iter().cloned().map(|cell| Expr::val(Value::from(cell))))),
            );
        }
        let found = rows(on, self.table, statement.limit(Self::PART)).await?;
        self.is_done = (found.len() as u64) < Self::PART;
        self.last = found.last().map(|row| row[..keys].to_vec());
        Ok(Some(found))
    }
}

/// Calls `each` with all rows of a table in the order of their keys.
pub(crate) async fn each_row(
    on: &impl ConnectionTrait,
    table: &Table,
    mut each: impl FnMut(Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut cursor = Cursor::new(table);
    while let Some(rows) = cursor.next(on).await? {
        rows.into_iter().try_for_each(&mut each)?;
    }
    Ok(())
}

pub(crate) fn read(table: &Table, row: &QueryResult) -> Result<Row, Error> {
    let read = |(at, (_, kind)): (usize, &(&str, Kind))| match kind {
        Kind::Integer => row.try_get_by_index(at).map(Cell::Integer),
        Kind::Text => row.try_get_by_index(at).map(Cell::Text),
        Kind::Bytes => row.try_get_by_index(at).map(Cell::Bytes),
    };
    table.columns.iter().enumerate().map(read).collect::<Result<_, _>>().doing("read a row")
}
