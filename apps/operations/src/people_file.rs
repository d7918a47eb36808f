//! A file of people (CSV): who is here, with which roles, in which teams and groups.
//!
//! `person,name,email,roles,teams,groups`: only the first column must be there; several words in one field have `;` between them.
//! Who has no role in the file is an employee. A group that the file names has exactly the people of the file. With any error
//! nothing is done.

use crate::error::Error;
use crate::organisation::Organisation;
use jiff::Timestamp;
use lifecycle::{Command, GroupId, PersonId, Role, Source};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use store::{AccountChange, Plan};

/// What is wrong with a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
}

/// People as a file tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleFile {
    /// Everybody, with what is said of them.
    pub people: BTreeMap<PersonId, Told>,
    /// The groups that are named, with who is in them.
    pub groups: BTreeMap<GroupId, BTreeSet<PersonId>>,
}

/// What is said of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Their name; it lies beside the ledger, where it can be erased.
    pub name: Option<String>,
    /// Their address for mail; likewise.
    pub email: Option<String>,
    /// What they are trusted with; none where the file has no such column.
    pub roles: Option<BTreeSet<Role>>,
    /// Their teams; none where the file has no such column.
    pub teams: Option<BTreeSet<String>>,
}

/// Names and addresses longer than this are none.
const MOST_BYTES: usize = 200;

/// The columns that a file may have.
const COLUMNS: &[&str] = &["person", "name", "email", "roles", "teams", "groups"];

impl PeopleFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of its lines.
    pub fn read(text: &str) -> Result<Self, Vec<Wrong>> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| vec![Wrong { line: 1, what: error.to_string() }])?.clone();
        let columns: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').to_ascii_lowercase()).collect();
        let mut wrong = Vec::new();
        for (place, name) in columns.iter().enumerate() {
            if !COLUMNS.contains(&name.as_str()) || columns[..place].contains(name) {
                let known = COLUMNS.join(", ");
                wrong.push(Wrong {
                    line: 1,
                    what: format!("the column `{}` is none of {known}, or is there twice", name.escape_debug()),
                });
            }
        }
        if !columns.iter().any(|name| name == "person") {
            wrong.push(Wrong { line: 1, what: "there is no column `person`".to_owned() });
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut file = Self::default();
        for row in reader.records() {
            match row {
                Err(error) => {
                    wrong.push(Wrong { line: error.position().map_or(0, csv::Position::line), what: error.to_string() })
                }
                Ok(row) => {
                    let line = row.position().map_or(0, csv::Position::line);
                    let taken = file.take(&Row { columns: &columns, row: &row });
                    wrong.extend(taken.err().map(|what| Wrong { line, what }));
                }
            }
        }
        if wrong.is_empty() { Ok(file) } else { Err(wrong) }
    }

    fn take(&mut self, row: &Row<'_>) -> Result<(), String> {
        if row.row.len() > row.columns.len() {
            return Err(format!("it has {} fields under {} columns", row.row.len(), row.columns.len()));
        }
        let person = PersonId::new(row.field("person").unwrap_or_default()).map_err(|error| error.to_string())?;
        if self.people.contains_key(&person) {
            return Err(format!("`{person}` is there twice"));
        }
        let role = |word: &str| {
            let known = Role::ALL.iter().find(|role| role.word() == word).copied();
            known.ok_or_else(|| format!("`{}` is no role", word.escape_debug()))
        };
        let roles = row.words("roles").map(|words| words.map(role).collect::<Result<BTreeSet<_>, _>>()).transpose()?;
        let groups: Vec<GroupId> = match row.words("groups") {
            Some(words) => words.map(GroupId::new).collect::<Result<_, _>>().map_err(|error| error.to_string())?,
            None => Vec::new(),
        };
        let text = |column: &str| match row.field(column).filter(|text| !text.is_empty()) {
            Some(text) if text.chars().any(char::is_control) || text.len() > MOST_BYTES => Err(format!(
                "its `{column}` is longer than {MOST_BYTES} bytes or has line breaks: is a quote left open?"
            )),
            text => Ok(text.map(str::to_owned)),
        };
        let told = Told {
            name: text("name")?,
            email: text("email")?,
            roles: roles.map(|roles| if roles.is_empty() { [Role::Employee].into() } else { roles }),
            teams: row.words("teams").map(|words| words.map(str::to_owned).collect()),
        };
        for group in groups {
            self.groups.entry(group).or_default().insert(person.clone());
        }
        self.people.insert(person, told);
        Ok(())
    }
}

struct Row<'r> {
    columns: &'r [String],
    row: &'r csv::StringRecord,
}

impl<'r> Row<'r> {
    fn field(&self, column: &str) -> Option<&'r str> {
        let place = self.columns.iter().position(|name| name == column)?;
        Some(self.row.get(place).unwrap_or_default())
    }

    fn words(&self, column: &str) -> Option<impl Iterator<Item = &'r str>> {
        Some(self.field(column)?.split(';').map(str::trim).filter(|word| !word.is_empty()))
    }
}

/// What came of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeopleTaken {
    /// How many people it tells of.
    pub people: usize,
    /// How many of them came in, or have other roles now.
    pub changed: usize,
    /// How many groups have other people now.
    pub groups: usize,
}

impl Organisation {
    /// Takes a file of people in.
    ///
    /// # Errors
    /// If somebody may not, or it cannot be kept.
    pub async fn take_people(&self, by: &PersonId, file: PeopleFile, now: Timestamp) -> Result<PeopleTaken, Error> {
        let PeopleFile { people, groups } = file;
        let mut taken = PeopleTaken { people: people.len(), ..PeopleTaken::default() };
        let accounts = self.store.accounts().await?;
        let (mut changes, mut expected) = (Vec::new(), Vec::new());
        for (person, told) in &people {
            let before = accounts.get(person.as_str());
            let body = called(before.map(String::as_str), (told.name.as_deref(), told.email.as_deref()));
            let body = body.map_err(|_| store::Error::Plan(format!("the account of `{person}` cannot be read")))?;
            if before.is_some_and(|before| is_same(before, &body)) || told.name.is_none() && told.email.is_none() {
                continue;
            }
            changes.push(AccountChange { person: person.clone(), body: Some(body), ends_sessions: false });
            expected.push((person.clone(), before.cloned()));
        }
        let plan = move |record: &store::Record| {
            let command = |(person, told): (PersonId, Told)| {
                let known = record.state.people.get(&person);
                let roles = told.roles.or_else(|| known.map(|known| known.roles.clone()));
                let roles = roles.filter(|roles| !roles.is_empty()).unwrap_or_else(|| [Role::Employee].into());
                let teams = told.teams.or_else(|| known.map(|known| known.teams.clone())).unwrap_or_default();
                let is_same =
                    known.is_some_and(|known| known.roles == roles && known.teams == teams && !known.is_erased);
                (!is_same).then_some(Command::SetRoles(person, roles, teams))
            };
            let commands = people.into_iter().filter_map(command).collect();
            Ok(Plan { commands, accounts: changes, ..Plan::default() })
        };
        taken.changed = self.store.commit_on_accounts(by, now, expected, plan).await?.events.len();
        // Whoever is in a group is here first.
        let set = move |record: &store::Record| {
            let title = |group: &GroupId| {
                let known = record.state.groups.get(group).filter(|known| !known.is_gone);
                known.map_or_else(|| group.to_string(), |known| known.title.clone())
            };
            let command = |(group, members): (GroupId, BTreeSet<PersonId>)| {
                Command::SetGroup(group.clone(), title(&group), Source::File, members)
            };
            Ok(Plan { commands: groups.into_iter().map(command).collect(), ..Plan::default() })
        };
        taken.groups = self.store.commit(by, now, set).await?.events.len();
        Ok(taken)
    }

    /// What people are called, and their addresses for mail, by their ids; both can be erased.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn names(&self) -> Result<BTreeMap<String, Named>, Error> {
        let accounts = self.store.accounts().await?;
        let read = |body: &str| serde_json::from_str::<Map<String, Value>>(body).unwrap_or_default();
        let text = |body: &Map<String, Value>, key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let named = accounts.iter().map(|(id, body)| {
            let body = read(body);
            (id.clone(), Named { name: text(&body, "name"), email: text(&body, "email") })
        });
        Ok(named.collect())
    }
}

/// What somebody is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Their name.
    pub name: Option<String>,
    /// Their address for mail.
    pub email: Option<String>,
}

/// An account's text with another name and address in it, where they are given; the rest stays.
///
/// # Errors
/// If the text is no account.
pub fn called(account: Option<&str>, (name, email): (Option<&str>, Option<&str>)) -> Result<String, serde_json::Error> {
    let mut body: Map<String, Value> = account.map(serde_json::from_str).transpose()?.unwrap_or_default();
    for (key, value) in [("name", name), ("email", email)] {
        if let Some(value) = value {
            body.insert(key.to_owned(), Value::from(value));
        }
    }
    Ok(Value::Object(body).to_string())
}

/// Whether two accounts say the same, however they are written.
fn is_same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    read(one) == read(other)
}
