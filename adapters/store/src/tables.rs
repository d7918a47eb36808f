//! The tables, once for both databases: whole numbers, text and bytes are all they hold. Instants are milliseconds since 1970.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

/// What a row has in a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row, by its columns.
pub(crate) type Row = Vec<Cell>;

/// A table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// How many of the columns, from the first on, are its key.
    pub(crate) keys: usize,
}

use Kind::{Bytes, Integer, Text};

/// Entries as they were appended, in bundles' form; a row never reaches over a multiple of 256.
pub(crate) const BATCHES: Table =
    Table { name: "ledger_batches", columns: &[("first", Integer), ("count", Integer), ("entries", Bytes)], keys: 1 };
/// Hashes.
pub(crate) const TILES: Table =
    Table { name: "ledger_tiles", columns: &[("level", Integer), ("place", Integer), ("hashes", Bytes)], keys: 2 };
/// One row: the newest checkpoint.
pub(crate) const HEAD: Table =
    Table { name: "ledger_head", columns: &[("id", Integer), ("size", Integer), ("checkpoint", Text)], keys: 1 };
/// What entries name by digest; the bytes are compressed with zstd.
pub(crate) const DOCUMENTS: Table =
    Table { name: "documents", columns: &[("digest", Text), ("bytes", Bytes)], keys: 1 };

const NOUN: &[(&str, Kind)] = &[("id", Text), ("entry", Integer), ("body", Text)];
pub(crate) const ASSETS: Table = Table { name: "assets", columns: NOUN, keys: 1 };
pub(crate) const PEOPLE: Table = Table { name: "people", columns: NOUN, keys: 1 };
pub(crate) const TOKENS: Table = Table { name: "tokens", columns: NOUN, keys: 1 };
pub(crate) const FEEDS: Table = Table { name: "feeds", columns: NOUN, keys: 1 };
pub(crate) const DECISIONS: Table = Table { name: "decisions", columns: NOUN, keys: 1 };
pub(crate) const REGISTER: Table = Table { name: "governing_documents", columns: NOUN, keys: 1 };
pub(crate) const VERSIONS: Table = Table { name: "document_versions", columns: NOUN, keys: 1 };
pub(crate) const GROUPS: Table = Table { name: "people_groups", columns: NOUN, keys: 1 };
pub(crate) const CAMPAIGNS: Table = Table { name: "campaigns", columns: NOUN, keys: 1 };
/// What people did not do in time, by the duty.
pub(crate) const MISSED: Table = Table { name: "missed_duties", columns: NOUN, keys: 1 };
/// What people need not do for now, by the duty.
pub(crate) const EXCUSED: Table = Table { name: "excused_duties", columns: NOUN, keys: 1 };
/// What was broken.
pub(crate) const VIOLATIONS: Table = Table { name: "violations", columns: NOUN, keys: 1 };
/// What is planned and rolled out, and what has happened to it, by the change's id and the number of the entry.
pub(crate) const CHANGES: Table = Table { name: "changes", columns: NOUN, keys: 1 };
pub(crate) const CHANGE_STEPS: Table = Table { name: "change_steps", columns: NOUN, keys: 1 };
/// What there is one of: the policy and the index in force.
pub(crate) const IN_FORCE: Table = Table { name: "in_force", columns: NOUN, keys: 1 };

/// Work to be done: jobs, and effects on their way out.
pub(crate) const JOBS: Table = Table {
    name: "jobs",
    columns: &[
        ("id", Text),
        ("queue", Text),
        ("body", Text),
        ("not_before", Integer),
        ("attempts", Integer),
        ("holder", Text),
        ("held_until", Integer),
        ("state", Text),
        ("failure", Text),
    ],
    keys: 1,
};
/// Who leads, until when.
pub(crate) const LEASES: Table =
    Table { name: "leases", columns: &[("name", Text), ("holder", Text), ("held_until", Integer)], keys: 1 };

/// How people sign in, by their ids: what can be erased, and is in no entry.
pub(crate) const ACCOUNTS: Table = Table { name: "accounts", columns: &[("id", Text), ("body", Text)], keys: 1 };
/// Who is signed in, by the digest of the secret that says so.
pub(crate) const SESSIONS: Table = Table {
    name: "sessions",
    columns: &[("digest", Text), ("person", Text), ("until", Integer), ("body", Text)],
    keys: 1,
};

/// What was answered to requests that may come again, by their keys.
pub(crate) const ANSWERS: Table =
    Table { name: "answers", columns: &[("key", Text), ("until", Integer), ("body", Text)], keys: 1 };

/// What the ledger is made of.
pub(crate) const LEDGER: &[Table] = &[BATCHES, TILES, HEAD, DOCUMENTS];
/// What follows from the ledger.
const PROJECTIONS: &[Table] = &[ASSETS, PEOPLE, TOKENS, FEEDS, DECISIONS, IN_FORCE];
/// The same, of documents and of what people owe.
const GOVERNANCE: &[Table] = &[REGISTER, VERSIONS, GROUPS, CAMPAIGNS, MISSED];
/// The same, of promises that were not kept.
const OVERSIGHT: &[Table] = &[EXCUSED, VIOLATIONS];
/// The same, of changes.
const CHANGED: &[Table] = &[CHANGES, CHANGE_STEPS];
/// What is neither.
pub(crate) const WORK: &[Table] = &[JOBS, LEASES];

/// The tables that a version of the schema brought.
pub(crate) fn brought_by(version: i64) -> Vec<&'static Table> {
    match version {
        1 => LEDGER.iter().chain(PROJECTIONS).chain(WORK).collect(),
        2 => vec![&ACCOUNTS, &SESSIONS, &ANSWERS],
        3 => GOVERNANCE.iter().collect(),
        4 => OVERSIGHT.iter().collect(),
        5 => CHANGED.iter().collect(),
        _ => Vec::new(),
    }
}

/// Every table that follows from the ledger.
pub(crate) fn projections() -> impl Iterator<Item = &'static Table> {
    PROJECTIONS.iter().chain(GOVERNANCE).chain(OVERSIGHT).chain(CHANGED)
}

/// All tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Table> {
    (1..=crate::schema::SCHEMA).flat_map(brought_by)
}

/// The tables of a version of the schema that are worth keeping: who is signed in and what was answered is not.
pub(crate) fn kept(version: i64) -> impl Iterator<Item = &'static Table> {
    (1..=version).flat_map(brought_by).filter(|table| table.name != SESSIONS.name && table.name != ANSWERS.name)
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        // INVARIANT: sizes and numbers of entries stay below 2⁶³.
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Cell {
    pub(crate) fn integer(&self) -> i64 {
        if let Self::Integer(number) = self { *number } else { 0 }
    }

    pub(crate) fn number(&self) -> u64 {
        u64::try_from(self.integer()).unwrap_or(0)
    }

    pub(crate) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// How many bytes it has.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Integer(_) => size_of::<i64>(),
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }
}
