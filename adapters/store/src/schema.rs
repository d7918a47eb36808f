//! The schema: the tables of a new record, and what must not stand beside them.

use crate::database::Database;
use crate::error::{Doing, Error};
use crate::put;
use crate::tables::{self, HEAD, Kind, Row, Table};
use sea_orm::sea_query::{Alias, ColumnDef, Index};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

/// The version of the schema that this program writes.
pub(crate) const SCHEMA: i64 = 5;

impl Database {
    /// The version of the schema; 0 where there is none yet, in whatever schema of PostgreSQL's search path it might be.
    ///
    /// # Errors
    /// If it is of a newer program, or the database cannot be read.
    pub(crate) async fn version(&self, on: &impl ConnectionTrait) -> Result<i64, Error> {
        const ACT: &str = "read its version";
        let backend = self.writer.get_database_backend();
        let look = match self.is_sqlite() {
            true => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
            false => "SELECT COUNT(to_regclass('schema_version'))",
        };
        let there = on.query_one_raw(Statement::from_string(backend, look)).await.doing(ACT)?;
        if there.and_then(|row| row.try_get_by_index::<i64>(0).ok()).unwrap_or(0) == 0 {
            return Ok(0);
        }
        let newest = Statement::from_string(backend, "SELECT MAX(version) FROM schema_version");
        let found = on.query_one_raw(newest).await.doing(ACT)?;
        match found.and_then(|row| row.try_get_by_index::<Option<i64>>(0).ok()).flatten().unwrap_or(0) {
            found if found > SCHEMA => Err(Error::Schema { found, known: SCHEMA }),
            found => Ok(found),
        }
    }

    /// Says no to what could answer in the place of a table, or change what is written: nobody of ours put it there.
    pub(crate) async fn refuse_foreign(&self, on: &impl ConnectionTrait) -> Result<(), Error> {
        let names = tables::all().map(|table| format!("'{}'", table.name)).collect::<Vec<_>>().join(", ");
        let question = match self.is_sqlite() {
            true => "SELECT type || ' ' || name FROM sqlite_master WHERE type IN ('view', 'trigger')".to_owned(),
            false => format!(
                "WITH ours AS (SELECT to_regclass(name)::oid AS id FROM unnest(ARRAY[{names}]) AS name) \
                 SELECT 'trigger ' || tgname FROM pg_trigger JOIN ours ON tgrelid = id WHERE NOT tgisinternal \
                 UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite JOIN ours ON ev_class = id \
                   JOIN pg_class ON pg_class.oid = ev_class WHERE relkind IN ('r', 'p') \
                 UNION ALL SELECT 'view ' || relname FROM pg_class JOIN ours ON pg_class.oid = id WHERE relkind NOT IN ('r', 'p') \
                 UNION ALL SELECT 'row security on ' || relname FROM pg_class JOIN ours ON pg_class.oid = id WHERE relrowsecurity \
                 UNION ALL SELECT 'table that inherits from ' || relname FROM pg_inherits JOIN ours ON inhparent = id \
                   JOIN pg_class ON pg_class.oid = inhparent \
                 UNION ALL SELECT 'schema ' || (array_agg(relnamespace::regnamespace))[1] || ' before another one' \
                   FROM pg_class JOIN ours ON pg_class.oid = id HAVING COUNT(DISTINCT relnamespace) > 1"
            ),
        };
        let statement = Statement::from_string(self.writer.get_database_backend(), question);
        let found = on.query_one_raw(statement).await.doing("read its schema")?;
        match found.and_then(|row| row.try_get_by_index::<String>(0).ok()) {
            None => Ok(()),
            Some(what) => Err(Error::Damaged {
                place: "the database".to_owned(),
                what: format!("it has the {what}, which this program did not put there"),
            }),
        }
    }

    /// Makes the tables of a new record, or brings those of an older one up to date; and says no to what does not belong there.
    pub(crate) async fn migrate(&self) -> Result<(), Error> {
        const ACT: &str = "bring its schema up to date";
        let transaction = self.begin().await?;
        if !self.is_sqlite() {
            // One of several that start at once does it.
            let lock = Statement::from_string(DbBackend::Postgres, "SELECT pg_advisory_xact_lock(7306571)");
            transaction.execute_raw(lock).await.doing(ACT)?;
        }
        let found = self.version(&transaction).await?;
        if found < 1 {
            create_tables(&transaction, 1).await?;
            let queue = Index::create()
                .name("jobs_by_queue")
                .table(Alias::new("jobs"))
                .col(Alias::new("queue"))
                .col(Alias::new("state"))
                .col(Alias::new("not_before"))
                .to_owned();
            transaction.execute(&queue).await.doing(ACT)?;
            let head: Row = vec![1_u64.into(), 0_u64.into(), "".into()];
            put::insert(&transaction, &HEAD, vec![head]).await?;
            let create = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";
            transaction.execute_unprepared(create).await.doing(ACT)?;
            transaction.execute_unprepared("INSERT INTO schema_version (version) VALUES (1)").await.doing(ACT)?;
        }
        for version in found.max(1) + 1..=SCHEMA {
            create_tables(&transaction, version).await?;
            bring_up(&transaction, version).await?;
            let update = format!("UPDATE schema_version SET version = {version}");
            transaction.execute_unprepared(&update).await.doing(ACT)?;
        }
        // What is refused leaves the record as it was.
        self.refuse_foreign(&transaction).await?;
        transaction.commit().await.doing(ACT)
    }
}

/// Brings what is in the tables from the version before to this one.
pub(crate) async fn bring_up(on: &impl ConnectionTrait, version: i64) -> Result<(), Error> {
    // Schema 1 called approvers executives: so says what is kept of people until it is brought up to date.
    const RENAME: &str = r#"UPDATE people SET body = REPLACE(body, '"executive"', '"approver"')"#;
    match version {
        2 => on.execute_unprepared(RENAME).await.doing("bring its people up to date").map(|_| ()),
        3 => crate::record::project_governance(on).await,
        4 => crate::record::project_more(on).await,
        _ => Ok(()),
    }
}

async fn create_tables(on: &impl ConnectionTrait, version: i64) -> Result<(), Error> {
    for table in tables::brought_by(version) {
        create_table(on, table).await?;
    }
    Ok(())
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
