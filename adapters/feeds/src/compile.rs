//! Compiles all stored documents into one index.

use crate::Progress;
use crate::archive::{Visitor, visit};
use crate::error::Error;
use crate::store::{Document, Store};
use advisories::feeds::{self, FEEDS, Feed, Reading};
use advisories::index::{Builder, FeedState, Ready};
use advisories::{Problem, Record};
use jiff::Timestamp;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

/// What compiling gave.
#[derive(Debug)]
pub struct Compiled {
    /// The index.
    pub bytes: Vec<u8>,
    /// What could not be read, by feed.
    pub problems: Vec<(&'static str, Problem)>,
    /// The feeds that went in.
    pub states: Vec<FeedState>,
}

impl Compiled {
    /// How many documents could not be read at all.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.problems.iter().filter(|(_, problem)| problem.code == "feed/unreadable-document").count()
    }
}

/// The code of what lies in a document and belongs to no feed.
const NOT_RECOGNISED: &str = "feed/not-recognised";
/// Documents are read in parallel, so many bytes at a time.
const BATCH_BYTES: usize = 8 << 20;
/// How many batches are read at a time: the next one begins where the last documents of one keep only some cores busy.
const MOST_BATCHES: usize = 2;

/// Reads every stored document and builds the index. The same documents give the same bytes.
///
/// # Errors
/// If a stored file cannot be read, or the index not be built.
pub fn compile(store: &Store, progress: &dyn Progress) -> Result<Compiled, Error> {
    let mut work = Work {
        builder: Builder::default(),
        states: Vec::new(),
        problems: Vec::new(),
        batch: Vec::new(),
        batch_bytes: 0,
        reading: VecDeque::new(),
        feed: &FEEDS[0],
    };
    let mut stored = Vec::new();
    for feed in FEEDS {
        let documents = store.documents(feed.id)?.into_iter();
        stored.extend(documents.map(|(name, document)| Stored { feed, name, document }));
    }
    stored.sort_by(|a, b| (a.feed.id, &a.name).cmp(&(b.feed.id, &b.name)));
    progress.begin("compile", Some(stored.iter().map(|one| one.document.size_bytes).sum()));
    let mut done = 0;
    let whole = stored
        .par_iter()
        .map(|one| store.is_whole(one.feed.id, &one.name, &one.document))
        .collect::<Result<Vec<_>, _>>()?;
    for (one, is_whole) in stored.iter().zip(whole) {
        work.feed = one.feed;
        if !is_whole {
            work.problem(&one.name, "its bytes are not those that were stored: fetch or import it again, or remove it");
            continue;
        }
        visit(&store.feed_folder(one.feed.id).join(&one.name), &mut work)?;
        work.read_batch();
        done += one.document.size_bytes;
        progress.advance("compile", done);
    }
    work.take_all_but(0);
    let Work { builder, states, problems, .. } = work;
    let bytes = builder.finish(&states)?;
    progress.end("compile", &format!("{} documents", stored.len()));
    Ok(Compiled { bytes, problems, states })
}

/// A document as the store lists it.
struct Stored {
    feed: &'static Feed,
    name: String,
    document: Document,
}

struct Work {
    builder: Builder,
    states: Vec<FeedState>,
    problems: Vec<(&'static str, Problem)>,
    batch: Vec<(String, Vec<u8>)>,
    batch_bytes: usize,
    /// Batches that are being read, in their order.
    reading: VecDeque<Receiver<Vec<Part>>>,
    feed: &'static Feed,
}

/// What one document gave.
struct Part {
    feed: &'static Feed,
    records: Vec<Ready>,
    problems: Vec<Problem>,
    newest: Option<Timestamp>,
}

impl Visitor for Work {
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        self.batch_bytes += bytes.len();
        self.batch.push((name.to_owned(), bytes));
        if self.batch_bytes >= BATCH_BYTES {
            self.read_batch();
        }
        true
    }

    fn may_split(&self, name: &str) -> bool {
        self.feed.by_line && name.ends_with(".jsonl")
    }

    fn problem(&mut self, place: &str, what: &str) {
        self.problems.push((
            self.feed.id,
            Problem { code: "feed/unreadable-document", place: place.to_owned(), what: what.to_owned() },
        ));
        self.state(self.feed).problems += 1;
    }
}

impl Work {
    fn state(&mut self, feed: &'static Feed) -> &mut FeedState {
        let at = self.number(feed);
        &mut self.states[at]
    }

    /// The feed's place among those that went in: the number that the index keeps for it.
    fn number(&mut self, feed: &'static Feed) -> usize {
        self.states.iter().position(|state| state.feed == feed.id).unwrap_or_else(|| {
            self.states.push(FeedState { feed: feed.id.to_owned(), ..FeedState::default() });
            self.states.len() - 1
        })
    }

    /// Has the waiting documents read on all cores, while those after them are fetched and those before taken in.
    fn read_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let expected = self.feed;
        let (sender, receiver) = std::sync::mpsc::channel();
        rayon::spawn(move || {
            let documents = batch.into_par_iter().with_max_len(1);
            let parts = documents.map(|(name, bytes)| read(expected, &name, &bytes)).collect();
            // Who no longer waits for an answer needs none.
            let _ = sender.send(parts);
        });
        self.reading.push_back(receiver);
        self.take_all_but(MOST_BATCHES);
    }

    /// Takes in what was read, until so many batches remain.
    fn take_all_but(&mut self, remaining: usize) {
        while self.reading.len() > remaining {
            match self.reading.pop_front().map(|receiver| receiver.recv()) {
                Some(Ok(parts)) => parts.into_iter().for_each(|part| self.take(part)),
                _ => self.problem("a batch of documents", "its reader ended without an answer"),
            }
        }
    }

    /// Takes in the records of one document: always in the order of the documents.
    fn take(&mut self, part: Part) {
        let number = self.number(part.feed);
        let state = &mut self.states[number];
        state.records += part.records.len() as u64;
        // What lies beside the records in an archive, such as a licence, is no record that was lost.
        let lost = part.problems.iter().filter(|problem| problem.code != NOT_RECOGNISED);
        state.problems += lost.count() as u64;
        state.newest = state.newest.max(part.newest);
        self.problems.extend(part.problems.into_iter().map(|problem| (part.feed.id, problem)));
        let number = u8::try_from(number).unwrap_or(u8::MAX);
        part.records.into_iter().for_each(|record| self.builder.add(record, number));
    }
}

/// A document without the mark of its byte order, and the feed it is of: the expected one, unless it is plainly of another.
pub(crate) fn document_of<'d>(
    expected: &'static Feed,
    name: &'d str,
    bytes: &'d [u8],
) -> (feeds::Document<'d>, Option<&'static Feed>) {
    let document = feeds::Document { name, bytes: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) };
    let is_part = name.contains(" from line ");
    let is_expected = is_part || (expected.detect)(&document);
    (document, if is_expected { Some(expected) } else { feeds::detect(&document) })
}

/// Reads one document.
fn read(expected: &'static Feed, name: &str, bytes: &[u8]) -> Part {
    let (document, feed) = document_of(expected, name, bytes);
    let mut part = Part { feed: feed.unwrap_or(expected), records: Vec::new(), problems: Vec::new(), newest: None };
    let Some(feed) = feed else {
        let what = "it is not recognised as a document of any feed".to_owned();
        part.problems.push(Problem { code: NOT_RECOGNISED, place: name.to_owned(), what });
        return part;
    };
    let (mut records, mut newest) = (Vec::new(), None);
    let mut emit = |record: Record| {
        newest = newest_of(&record).max(newest);
        records.push(Builder::prepare(record));
    };
    let mut reading = Reading::new(&mut emit);
    (feed.read)(&document, &mut reading);
    let made = reading.made;
    part.problems = reading.problems;
    (part.records, part.newest) = (records, newest.max(made));
    part
}

pub(crate) fn newest_of(record: &Record) -> Option<Timestamp> {
    match record {
        Record::Advisory(advisory) => advisory.published.max(advisory.modified),
        Record::Vulnerability(vulnerability) => {
            let listed = vulnerability.exploited.iter().map(|entry| entry.listed).max();
            vulnerability.published.max(listed)
        }
        Record::Release(_) => None,
        Record::SupportNote(note) => note.ended,
    }
}
