//! Compiles all stored documents into one index.

use crate::Progress;
use crate::archive::{Visitor, visit};
use crate::error::Error;
use crate::store::Store;
use advisories::feeds::{self, FEEDS, Feed, Reading};
use advisories::index::{Builder, FeedState, Ready};
use advisories::{Problem, Record};
use jiff::Timestamp;
use rayon::prelude::*;

/// What compiling gave.
#[derive(Debug)]
pub struct Compiled {
    /// The index.
    pub bytes: Vec<u8>,
    /// What could not be read, by feed.
    pub problems: Vec<(&'static str, Problem)>,
    /// The feeds that went in.
    pub states: Vec<FeedState>,
    /// How many records each stored document gave: feed, name, records.
    pub documents: Vec<(&'static str, String, u64)>,
}

/// The code of what lies in a document and belongs to no feed.
const NOT_RECOGNISED: &str = "feed/not-recognised";
/// Documents are read in parallel, so many bytes at a time.
const BATCH_BYTES: usize = 8 << 20;

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
        read: Vec::new(),
        feed: &FEEDS[0],
        documents: Vec::new(),
    };
    let mut files = Vec::new();
    for feed in FEEDS {
        let documents = store.documents(feed.id)?;
        files.extend(documents.into_iter().map(|(name, document)| (feed, name, document.size_bytes)));
    }
    files.sort_by(|a, b| (a.0.id, &a.1).cmp(&(b.0.id, &b.1)));
    let total = files.iter().map(|(_, _, size)| size).sum();
    progress.begin("compile", Some(total));
    let mut done = 0;
    let damaged = damaged_files(store, &files)?;
    for (at, (feed, name, size)) in files.iter().enumerate() {
        work.feed = feed;
        if damaged.contains(&at) {
            work.problem(name, "its bytes are not those that were stored: fetch or import it again, or remove it");
            continue;
        }
        work.documents.push((feed.id, name.clone(), 0));
        visit(&store.feed_folder(feed.id).join(name), &mut work)?;
        work.read_batch();
        done += size;
        progress.advance("compile", done);
    }
    // The last documents were read, but not yet taken in.
    work.read_batch();
    let Work { builder, states, problems, documents, .. } = work;
    let bytes = builder.finish(&states)?;
    progress.end("compile", &format!("{} documents", files.len()));
    Ok(Compiled { bytes, problems, states, documents })
}

/// The places of documents whose bytes are not those that were stored.
fn damaged_files(store: &Store, files: &[(&'static Feed, String, u64)]) -> Result<Vec<usize>, Error> {
    let check = |at: usize| -> Result<Option<usize>, Error> {
        let (feed, name, _) = &files[at];
        let path = store.feed_folder(feed.id).join(name);
        let expected = store.documents(feed.id)?.remove(name).map(|document| document.digest);
        let mut hasher = blake3::Hasher::new();
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            // One that is gone says as little as one that was changed.
            Err(_) => return Ok(Some(at)),
        };
        hasher.update_reader(file).map_err(Error::file("read", &path))?;
        let is_whole = expected.is_some_and(|expected| hasher.finalize().to_hex().as_str() == expected);
        Ok((!is_whole).then_some(at))
    };
    let found = (0..files.len()).into_par_iter().map(check).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

struct Work {
    builder: Builder,
    states: Vec<FeedState>,
    problems: Vec<(&'static str, Problem)>,
    batch: Vec<(String, Vec<u8>)>,
    batch_bytes: usize,
    /// Documents that were read, and wait to be taken in.
    read: Vec<Part>,
    feed: &'static Feed,
    /// The stored documents so far, with the records that each gave.
    documents: Vec<(&'static str, String, u64)>,
}

/// What one document gave.
struct Part {
    /// The place of the stored document that it is or lies in.
    stored: usize,
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

    /// Reads the waiting documents on all cores, while the records of those before them are taken in.
    fn read_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let (expected, stored) = (self.feed, self.documents.len().saturating_sub(1));
        let before = std::mem::take(&mut self.read);
        let read_all =
            || batch.into_par_iter().map(|(name, bytes)| read(expected, stored, &name, &bytes)).collect::<Vec<Part>>();
        let (read, ()) = rayon::join(read_all, || before.into_iter().for_each(|part| self.take(part)));
        self.read = read;
    }

    /// Takes in the records of one document: always in the order of the documents.
    fn take(&mut self, part: Part) {
        if let Some((_, _, records)) = self.documents.get_mut(part.stored) {
            *records += part.records.len() as u64;
        }
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

/// Reads one document, as its folder's feed unless it is plainly of another.
fn read(expected: &'static Feed, stored: usize, name: &str, bytes: &[u8]) -> Part {
    let document = feeds::Document { name, bytes: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) };
    let is_part = name.contains(" from line ");
    let feed = if is_part || (expected.detect)(&document) { Some(expected) } else { feeds::detect(&document) };
    let feed_or_expected = feed.unwrap_or(expected);
    let mut part = Part { stored, feed: feed_or_expected, records: Vec::new(), problems: Vec::new(), newest: None };
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

fn newest_of(record: &Record) -> Option<Timestamp> {
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
