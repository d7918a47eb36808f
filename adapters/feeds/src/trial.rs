//! What a file would bring, before it takes the place of what is stored.

use crate::archive::{Visitor, visit};
use crate::compile::document_of;
use crate::error::Error;
use advisories::feeds::{Feed, Reading, Revision};
use std::collections::BTreeSet;
use std::path::Path;

/// Reads documents until one gives a record.
struct Trial {
    feed: &'static Feed,
    found: bool,
}

impl Visitor for Trial {
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        let (document, feed) = document_of(self.feed, name, &bytes);
        let mut emit = |_| self.found = true;
        if let Some(feed) = feed {
            (feed.read)(&document, &mut Reading::new(&mut emit));
        }
        !self.found
    }

    fn may_split(&self, name: &str) -> bool {
        self.feed.by_line && name.ends_with(".jsonl")
    }

    fn problem(&mut self, _: &str, _: &str) {}
}

/// Whether a file gives any record at all: what gives none must not take the place of what did.
pub(crate) fn gives_records(path: &Path, feed: &'static Feed) -> Result<bool, Error> {
    let mut trial = Trial { feed, found: false };
    visit(path, &mut trial)?;
    Ok(trial.found)
}

/// Collects the parts of a catalogue that documents are.
struct Parts {
    feed: &'static Feed,
    found: BTreeSet<String>,
}

impl Visitor for Parts {
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        let (document, feed) = document_of(self.feed, name, &bytes);
        if let Some((feed, Revision::Whole(part))) = feed.map(|feed| (feed, feed.revision)) {
            // What is of no part that is known stands for itself.
            let part = part(&document).unwrap_or_else(|| format!("document {name}"));
            self.found.insert(format!("{} {part}", feed.id));
        }
        true
    }

    fn may_split(&self, _: &str) -> bool {
        false
    }

    fn wants_heads_only(&self) -> bool {
        true
    }

    fn problem(&mut self, _: &str, _: &str) {}
}

/// The parts of a feed's catalogue that a file holds; none for a feed whose records replace each other by themselves.
pub(crate) fn parts_of(path: &Path, feed: &'static Feed) -> Result<BTreeSet<String>, Error> {
    let mut parts = Parts { feed, found: BTreeSet::new() };
    if matches!(feed.revision, Revision::Whole(_)) {
        visit(path, &mut parts)?;
    }
    Ok(parts.found)
}
