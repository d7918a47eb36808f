//! How people sign in, and who is signed in: neither follows from the ledger, and both can be erased.

use crate::database;
use crate::error::{Doing, Error};
use crate::store::Store;
use crate::tables::{ACCOUNTS, ANSWERS, Cell, Row, SESSIONS, Table};
use jiff::Timestamp;
use lifecycle::PersonId;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use std::collections::BTreeMap;

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The digest of the secret that says so.
    pub digest: String,
    /// Who.
    pub person: PersonId,
    /// Until when.
    pub until: Timestamp,
    /// What else is known of it, a text of the caller's.
    pub body: String,
}

/// Puts accounts in their places, or takes them away; whoever is erased is signed in no longer.
pub(crate) async fn put(on: &impl ConnectionTrait, accounts: BTreeMap<PersonId, Option<String>>) -> Result<(), Error> {
    for (person, body) in accounts {
        match body {
            Some(body) => {
                let row: Row = vec![Cell::from(person.as_str()), Cell::Text(body)];
                database::upsert(on, &ACCOUNTS, &[row]).await?;
            }
            None => {
                delete(on, &ACCOUNTS, ("id", person.as_str())).await?;
                delete(on, &SESSIONS, ("person", person.as_str())).await?;
            }
        }
    }
    Ok(())
}

async fn delete(on: &impl ConnectionTrait, table: &Table, (column, text): (&str, &str)) -> Result<(), Error> {
    let mut delete = Query::delete();
    delete.from_table(Alias::new(table.name)).and_where(Expr::col(Alias::new(column)).eq(text));
    on.execute(&delete).await.doing("forget")?;
    Ok(())
}

impl Store {
    /// What is kept of how somebody signs in.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn account(&self, person: &PersonId) -> Result<Option<String>, Error> {
        let mut select = database::select(&ACCOUNTS);
        select.and_where(Expr::col(Alias::new("id")).eq(person.as_str()));
        let rows = database::rows(&self.database.readers, &ACCOUNTS, &select).await?;
        Ok(rows.first().map(|row| row[1].text().to_owned()))
    }

    /// How everybody signs in.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn accounts(&self) -> Result<BTreeMap<String, String>, Error> {
        let rows = database::rows(&self.database.readers, &ACCOUNTS, &database::select(&ACCOUNTS)).await?;
        Ok(rows.iter().map(|row| (row[0].text().to_owned(), row[1].text().to_owned())).collect())
    }

    /// Notes that somebody is signed in.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_session(&self, session: &Session) -> Result<(), Error> {
        let row: Row = vec![
            Cell::from(session.digest.as_str()),
            Cell::from(session.person.as_str()),
            Cell::Integer(session.until.as_millisecond()),
            Cell::from(session.body.as_str()),
        ];
        database::upsert(&self.database.writer, &SESSIONS, &[row]).await
    }

    /// Who is signed in with a secret of this digest, as of an instant.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session(&self, digest: &str, now: Timestamp) -> Result<Option<Session>, Error> {
        let mut select = database::select(&SESSIONS);
        select.and_where(Expr::col(Alias::new("digest")).eq(digest));
        select.and_where(Expr::col(Alias::new("until")).gt(now.as_millisecond()));
        let rows = database::rows(&self.database.readers, &SESSIONS, &select).await?;
        let read = |row: &Row| {
            Ok(Session {
                digest: row[0].text().to_owned(),
                person: PersonId::new(row[1].text())?,
                until: Timestamp::from_millisecond(row[2].integer()).unwrap_or(Timestamp::MIN),
                body: row[3].text().to_owned(),
            })
        };
        rows.first().map(read).transpose()
    }

    /// Signs somebody out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_session(&self, digest: &str) -> Result<(), Error> {
        delete(&self.database.writer, &SESSIONS, ("digest", digest)).await
    }

    /// Signs somebody out everywhere.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_sessions_of(&self, person: &PersonId) -> Result<(), Error> {
        delete(&self.database.writer, &SESSIONS, ("person", person.as_str())).await
    }

    /// Forgets the sessions that are over.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sweep_sessions(&self, now: Timestamp) -> Result<(), Error> {
        self.sweep(&SESSIONS, now).await
    }

    /// Forgets the answers that are kept no longer.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn sweep_answers(&self, now: Timestamp) -> Result<(), Error> {
        self.sweep(&ANSWERS, now).await
    }

    async fn sweep(&self, table: &Table, now: Timestamp) -> Result<(), Error> {
        let mut delete = Query::delete();
        delete.from_table(Alias::new(table.name));
        delete.and_where(Expr::col(Alias::new("until")).lte(now.as_millisecond()));
        self.database.writer.execute(&delete).await.doing("forget")?;
        Ok(())
    }

    /// What was answered under a key, where that is still kept.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn answer(&self, key: &str, now: Timestamp) -> Result<Option<String>, Error> {
        let mut select = database::select(&ANSWERS);
        select.and_where(Expr::col(Alias::new("key")).eq(key));
        select.and_where(Expr::col(Alias::new("until")).gt(now.as_millisecond()));
        let rows = database::rows(&self.database.readers, &ANSWERS, &select).await?;
        Ok(rows.first().map(|row| row[2].text().to_owned()))
    }

    /// Keeps what was answered under a key until an instant.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_answer(&self, key: &str, until: Timestamp, body: &str) -> Result<(), Error> {
        let row: Row = vec![Cell::from(key), Cell::Integer(until.as_millisecond()), Cell::from(body)];
        database::upsert(&self.database.writer, &ANSWERS, &[row]).await
    }
}
