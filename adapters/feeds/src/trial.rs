//! What a file would bring, before it takes the place of what is stored.

use crate::archive::{Visitor, visit};
use crate::compile::{document_of, newest_of};
use crate::error::Error;
use advisories::Record;
use advisories::feeds::{Feed, Reading, Revision};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::Path;

/// What reading a file gave.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Trial {
    /// How many records it gives, for a catalogue; for others whether it gives any. What gives none must not take the place
    /// of what did.
    pub(crate) records: u64,
    /// The newest instant inside it, for a catalogue that is read to its end.
    pub(crate) newest: Option<Timestamp>,
}

/// Reads documents until one gives a record; those of catalogues to the end.
struct Reader {
    feed: &'static Feed,
    trial: Trial,
}

impl Visitor for Reader {
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        let (document, feed) = document_of(self.feed, name, &bytes);
        let Some(feed) = feed else { return true };
        let mut emit = |record: Record| {
            self.trial.records += 1;
            self.trial.newest = self.trial.newest.max(newest_of(&record));
        };
        let mut reading = Reading::new(&mut emit);
        (feed.read)(&document, &mut reading);
        let made = reading.made;
        self.trial.newest = self.trial.newest.max(made);
        self.trial.records == 0 || matches!(self.feed.revision, Revision::Whole(_))
    }

    fn may_split(&self, name: &str) -> bool {
        self.feed.by_line && name.ends_with(".jsonl")
    }

    fn problem(&mut self, _: &str, _: &str) {}
}

/// Reads a file as far as it takes to say what it would bring.
pub(crate) fn read(path: &Path, feed: &'static Feed) -> Result<Trial, Error> {
    let mut reader = Reader { feed, trial: Trial::default() };
    visit(path, &mut reader)?;
    Ok(reader.trial)
}

/// Collects the parts of a catalogue that documents are.
struct Parts {
    feed: &'static Feed,
    found: BTreeSet<String>,
    /// Whether there is something beside them, which no other document would make up for.
    has_more: bool,
}

impl Visitor for Parts {
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        let (document, feed) = document_of(self.feed, name, &bytes);
        let Some(feed) = feed else { return true };
        let part = if let Revision::Whole(part) = feed.revision { part(&document) } else { None };
        match part {
            Some(part) => drop(self.found.insert(format!("{} {part}", feed.id))),
            None => self.has_more = true,
        }
        !self.has_more
    }

    fn may_split(&self, _: &str) -> bool {
        false
    }

    fn wants_heads_only(&self) -> bool {
        true
    }

    fn problem(&mut self, _: &str, _: &str) {}
}

/// The parts of catalogues that a file holds, if it holds nothing else: then another file with these parts can take its
/// place. None for a feed whose records replace each other by themselves.
pub(crate) fn parts_of(path: &Path, feed: &'static Feed) -> Result<BTreeSet<String>, Error> {
    let mut parts = Parts { feed, found: BTreeSet::new(), has_more: false };
    if matches!(feed.revision, Revision::Whole(_)) {
        visit(path, &mut parts)?;
    }
    Ok(if parts.has_more { BTreeSet::new() } else { parts.found })
}
