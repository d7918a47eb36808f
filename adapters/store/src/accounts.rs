//! How people sign in, and who is signed in: neither follows from the ledger, and both can be erased.

use crate::database;
use crate::error::{Doing, Error};
use crate::plan::AccountChange;
use crate::put;
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

/// What a transaction is to write of how people sign in, and of who is signed in.
#[derive(Default)]
pub(crate) struct SignIn {
    accounts: BTreeMap<PersonId, AccountChange>,
    sessions: Vec<Session>,
}

impl SignIn {
    pub(crate) fn extend(&mut self, accounts: Vec<AccountChange>, sessions: Vec<Session>) {
        for change in accounts {
            if change.ends_sessions || change.body.is_none() {
                self.sessions.retain(|session| session.person != change.person);
            }
            let ended =
                self.accounts.get(&change.person).is_some_and(|before| before.ends_sessions || before.body.is_none());
            let change = AccountChange { ends_sessions: change.ends_sessions || ended, ..change };
            self.accounts.insert(change.person.clone(), change);
        }
        self.sessions.extend(sessions);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.sessions.is_empty()
    }

    /// Says no if something else is kept of how people sign in than a caller has read.
    pub(crate) async fn check(
        &self,
        on: &impl ConnectionTrait,
        expects: &[(PersonId, Option<String>)],
    ) -> Result<(), Error> {
        for (person, before) in expects {
            let kept = match self.accounts.get(person) {
                Some(change) => change.body.clone(),
                None => body_of(on, person).await?,
            };
            if kept != *before {
                let what = format!("how `{person}` signs in was changed meanwhile: try again");
                return Err(Error::Plan(what));
            }
        }
        Ok(())
    }

    /// Puts accounts in their places, or takes them away; then those who are signed in.
    pub(crate) async fn put(self, on: &impl ConnectionTrait) -> Result<(), Error> {
        for (person, AccountChange { body, ends_sessions, .. }) in self.accounts {
            if ends_sessions || body.is_none() {
                delete(on, &SESSIONS, ("person", person.as_str())).await?;
            }
            match body {
                Some(body) => {
                    let row: Row = vec![Cell::from(person.as_str()), Cell::Text(body)];
                    put::upsert(on, &ACCOUNTS, vec![row]).await?;
                }
                None => delete(on, &ACCOUNTS, ("id", person.as_str())).await?,
            }
        }
        let rows: Vec<Row> = self.sessions.iter().map(Session::row).collect();
        if rows.is_empty() { Ok(()) } else { put::upsert(on, &SESSIONS, rows).await }
    }
}

impl Session {
    fn row(&self) -> Row {
        vec![
            Cell::from(self.digest.as_str()),
            Cell::from(self.person.as_str()),
            Cell::Integer(self.until.as_millisecond()),
            Cell::from(self.body.as_str()),
        ]
    }
}

async fn body_of(on: &impl ConnectionTrait, person: &PersonId) -> Result<Option<String>, Error> {
    let mut select = database::select(&ACCOUNTS);
    select.and_where(Expr::col(Alias::new("id")).eq(person.as_str()));
    let rows = database::rows(on, &ACCOUNTS, &select).await?;
    Ok(rows.first().map(|row| row[1].text().to_owned()))
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
        body_of(&self.database.readers, person).await
    }

    /// How everybody signs in.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn accounts(&self) -> Result<BTreeMap<String, String>, Error> {
        let rows = database::rows(&self.database.readers, &ACCOUNTS, &database::select(&ACCOUNTS)).await?;
        Ok(rows.iter().map(|row| (row[0].text().to_owned(), row[1].text().to_owned())).collect())
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
        put::upsert(&self.database.writer, &ANSWERS, vec![row]).await
    }
}
