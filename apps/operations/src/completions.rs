//! Completions of courses as learning management systems tell them: a table (CSV) or statements (xAPI 1.0.3).
//!
//! What cannot be taken is listed with its place; the rest is taken. What is kept beside the ledger names people by their ids alone.

use crate::error::Error;
use crate::organisation::Organisation;
use crate::people_file::{Named, Wrong};
use jiff::Timestamp;
use lifecycle::{Command, Completion, PersonId, State, Word};
use serde::Deserialize;
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use store::{Plan, digest};

/// Somebody has done a course, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    line: u64,
    who: Who,
    course: String,
    at: Timestamp,
}

/// How somebody is named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Id(String),
    Email(String),
    /// Of `mailto:` and their address (xAPI 4.1.2.1, `mbox_sha1sum`).
    EmailDigest(String),
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionsTaken {
    /// How many were told.
    pub told: usize,
    /// How many of them were new.
    pub new: usize,
    /// What could not be taken, with its line or its place among the statements.
    pub problems: Vec<Wrong>,
}

/// The verbs that say that somebody has done a course (ADL's vocabulary).
const VERBS: &[&str] = &["http://adlnet.gov/expapi/verbs/completed", "http://adlnet.gov/expapi/verbs/passed"];

impl Organisation {
    /// Takes completions in: JSON is read as statements, everything else as a table with the columns `person` or `email`, `course`
    /// and `completed_at`.
    ///
    /// # Errors
    /// If nothing of it can be read, somebody may not, or it cannot be kept.
    pub async fn take_completions(&self, by: &PersonId, text: &str, now: Timestamp) -> Result<CompletionsTaken, Error> {
        let word = if text.trim_start().starts_with(['{', '[']) { Word::Xapi } else { Word::Csv };
        let read = if word == Word::Xapi { statements(text) } else { table(text) };
        let (told, mut problems) = read.map_err(|first| Error::Completions { first })?;
        let named = Addresses::of(&self.names().await?);
        let mut taken = CompletionsTaken { told: told.len() + problems.len(), ..CompletionsTaken::default() };
        let record = self.store.record().await?;
        let mut found: BTreeMap<(PersonId, String), Timestamp> = BTreeMap::new();
        for one in told {
            match one.find((&record.state, &named), (by, now)) {
                Err(what) => problems.push(Wrong { line: one.line, what }),
                Ok((person, course)) => {
                    let newest = found.entry((person, course)).or_insert(one.at);
                    *newest = one.at.max(*newest);
                }
            }
        }
        drop(record);
        let rows: Vec<_> = found.iter().map(|((person, course), at)| (person.as_str(), course, at)).collect();
        let source = digest(text.as_bytes());
        let kept = serde_json::json!({ "version": 1, "word": word, "source": source, "completions": rows });
        let bytes = kept.to_string().into_bytes();
        let evidence = Some(digest(&bytes));
        let command = |((person, course), at): ((PersonId, String), Timestamp)| {
            Command::CompleteTraining(Completion { person, course, at, word, evidence: evidence.clone() })
        };
        let commands: Vec<Command> = found.into_iter().map(command).collect();
        // Nothing is kept of what tells nothing.
        let documents = if commands.is_empty() { Vec::new() } else { vec![bytes] };
        let plan = Plan { commands, documents, ..Plan::default() };
        taken.new = self.store.commit(by, now, move |_| Ok(plan)).await?.events.len();
        problems.sort_by_key(|problem| problem.line);
        taken.problems = problems;
        Ok(taken)
    }
}

impl Told {
    fn find(
        &self,
        (state, named): (&State, &Addresses),
        (by, now): (&PersonId, Timestamp),
    ) -> Result<(PersonId, String), String> {
        let (id, words) = match &self.who {
            Who::Id(id) => (Some(id.clone()), id.clone()),
            Who::Email(email) => (named.by_email.get(&email.to_lowercase()).cloned().flatten(), email.clone()),
            Who::EmailDigest(sum) => {
                let id = named.by_digest.get(&sum.to_lowercase()).cloned().flatten();
                (id, format!("the address with the digest {sum}"))
            }
        };
        let person = id
            .and_then(|id| PersonId::new(id).ok())
            .filter(|person| state.people.get(person).is_some_and(|known| !known.is_erased));
        let person = person.ok_or_else(|| format!("nobody here is `{}`", words.escape_debug()))?;
        let courses = &state.governance().courses;
        let is_asked = courses.iter().any(|course| course.id == self.course);
        if !is_asked {
            return Err(format!("the policy in force asks for no course `{}`", self.course.escape_debug()));
        }
        if person == *by {
            return Err(lifecycle::Refusal::OwnTraining.to_string());
        }
        if self.at > now {
            return Err(lifecycle::Refusal::Ahead { at: self.at, now }.to_string());
        }
        Ok((person, self.course.clone()))
    }
}

/// People by their addresses for mail; an address that two have is nobody's.
#[derive(Default)]
struct Addresses {
    by_email: BTreeMap<String, Option<String>>,
    by_digest: BTreeMap<String, Option<String>>,
}

impl Addresses {
    fn of(named: &BTreeMap<String, Named>) -> Self {
        let mut addresses = Self::default();
        for (id, named) in named {
            let Some(email) = &named.email else { continue };
            let note = |known: &mut BTreeMap<String, Option<String>>, key: String| {
                known.entry(key).and_modify(|one| *one = None).or_insert_with(|| Some(id.clone()));
            };
            note(&mut addresses.by_email, email.to_lowercase());
            note(&mut addresses.by_digest, sha1_of(email));
        }
        addresses
    }
}

fn sha1_of(email: &str) -> String {
    let sum = Sha1::digest(format!("mailto:{email}"));
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Read = Result<(Vec<Told>, Vec<Wrong>), String>;

/// Reads a table.
fn table(text: &str) -> Read {
    #[derive(Deserialize)]
    struct Row {
        person: Option<String>,
        email: Option<String>,
        course: String,
        completed_at: String,
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let has = |name: &str| header.iter().any(|column| column.trim_start_matches('\u{feff}') == name);
    if !(has("person") || has("email")) || !has("course") || !has("completed_at") {
        return Err("it has no columns `person` or `email`, `course` and `completed_at`".to_owned());
    }
    let header: csv::StringRecord = header.iter().map(|column| column.trim_start_matches('\u{feff}')).collect();
    let (mut told, mut problems) = (Vec::new(), Vec::new());
    for row in reader.records() {
        let line = match &row {
            Ok(row) => row.position().map_or(0, csv::Position::line),
            Err(error) => error.position().map_or(0, csv::Position::line),
        };
        let read = row.map_err(|error| error.to_string()).and_then(|row| {
            let row: Row = row.deserialize(Some(&header)).map_err(|error| error.to_string())?;
            let some = |text: Option<String>| text.filter(|text| !text.is_empty());
            let who = some(row.person).map(Who::Id).or_else(|| some(row.email).map(Who::Email));
            let who = who.ok_or_else(|| "nobody is named".to_owned())?;
            Ok(Told { line, who, course: row.course, at: instant(&row.completed_at)? })
        });
        match read {
            Ok(one) => told.push(one),
            Err(what) => problems.push(Wrong { line, what }),
        }
    }
    Ok((told, problems))
}

/// A day or an instant; of a day its beginning.
fn instant(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let is_day = text.len() == "2026-11-30".len();
    let read = text.parse().ok().or_else(|| day().filter(|_| is_day).map(|day| day.timestamp()));
    read.ok_or_else(|| format!("`{}` is no date (2026-11-30) and no instant", text.escape_debug()))
}

/// A statement, as far as it concerns completions (xAPI 1.0.3, part 2, 2.4).
#[derive(Deserialize)]
struct Statement {
    actor: Actor,
    verb: Addressed,
    object: Addressed,
    #[serde(default)]
    result: Outcome,
    timestamp: Option<Timestamp>,
    stored: Option<Timestamp>,
}

/// Somebody or something by an address of its own.
#[derive(Deserialize)]
struct Addressed {
    id: String,
}

#[derive(Deserialize)]
struct Actor {
    mbox: Option<String>,
    mbox_sha1sum: Option<String>,
    account: Option<AccountName>,
}

#[derive(Deserialize)]
struct AccountName {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Outcome {
    success: Option<bool>,
    completion: Option<bool>,
}

/// Reads statements: one, a list of them, or an answer of a learning record store.
fn statements(text: &str) -> Read {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let all = match value {
        serde_json::Value::Array(all) => all,
        serde_json::Value::Object(mut answer) => match answer.remove("statements") {
            Some(serde_json::Value::Array(all)) => all,
            Some(_) => return Err("its `statements` are no list".to_owned()),
            None => vec![serde_json::Value::Object(answer)],
        },
        _ => return Err("it is no statement and no list of them".to_owned()),
    };
    let (mut told, mut problems) = (Vec::new(), Vec::new());
    for (line, value) in (1..).zip(all) {
        let read = serde_json::from_value::<Statement>(value).map_err(|error| error.to_string());
        match read.and_then(|statement| statement.told(line)) {
            Ok(one) => told.push(one),
            Err(what) => problems.push(Wrong { line, what }),
        }
    }
    Ok((told, problems))
}

impl Statement {
    fn told(self, line: u64) -> Result<Told, String> {
        if !VERBS.contains(&self.verb.id.as_str()) {
            return Err(format!("the verb `{}` says nothing of having done a course", self.verb.id.escape_debug()));
        }
        if self.result.success == Some(false) || self.result.completion == Some(false) {
            return Err("it says that the course was not passed".to_owned());
        }
        let Actor { mbox, mbox_sha1sum, account } = self.actor;
        let mail = mbox.map(|mbox| Who::Email(mbox.trim_start_matches("mailto:").to_owned()));
        let who = mail.or(mbox_sha1sum.map(Who::EmailDigest)).or(account.map(|account| Who::Id(account.name)));
        let course = self.object.id.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Told {
            line,
            who: who.ok_or_else(|| "nobody is named: it has no mbox, mbox_sha1sum or account".to_owned())?,
            course,
            at: self.timestamp.or(self.stored).ok_or_else(|| "it says no time".to_owned())?,
        })
    }
}
