//! Searching the ledger: from its end to its beginning, a bounded number of entries at a time.

use crate::error::Error;
use crate::{Store, log};
use ledger::Entry;
use lifecycle::Event;
use memchr::memmem::Finder;
use tokio::sync::Semaphore;

/// So many entries are gone through in one search: about a second of work.
const MOST_SEARCHED: u64 = 1 << 18;
/// One search at a time.
static SEARCHING: Semaphore = Semaphore::const_new(1);
/// So many are read at a time.
const PART: u64 = 1 << 12;

/// Which entries are asked for; what is empty lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// What they are about, whole: an asset may bear the id of a person.
    pub subject: Option<String>,
    /// Whether only what is about assets counts.
    pub is_of_assets: bool,
    /// What kind of thing, or with a `/` at the end what group of kinds: `asset/`.
    pub kind: Option<String>,
    /// Who did it, whole.
    pub actor: Option<String>,
}

/// What a search has found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntriesFound {
    /// The entries with their numbers, the newest first.
    pub entries: Vec<(u64, Entry)>,
    /// The number of the oldest entry that was gone through: what came before it was not.
    pub from: u64,
}

impl EntryFilter {
    fn lets(&self, number: u64, entry: &Entry) -> bool {
        let is_of = |kind: &String| match kind.ends_with('/') {
            true => entry.kind.starts_with(kind.as_str()),
            false => entry.kind == *kind,
        };
        self.subject.as_ref().is_none_or(|subject| *subject == entry.subject)
            && self.actor.as_ref().is_none_or(|actor| *actor == entry.actor)
            && self.kind.as_ref().is_none_or(is_of)
            && (!self.is_of_assets || Event::from_entry(number, entry).is_ok_and(|event| event.asset().is_some()))
    }

    /// What stands in the bytes of every entry that it lets through (RFC 8785 writes a text in one way).
    fn marks(&self) -> Result<Vec<String>, Error> {
        let whole = [("subject", &self.subject), ("actor", &self.actor)];
        let whole = whole.iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        let mut marks = Vec::new();
        for (name, text) in whole {
            marks.push(format!("\"{name}\":{}", serde_json::to_string(text)?));
        }
        if let Some(kind) = &self.kind {
            marks.push(format!("\"kind\":{}", serde_json::to_string(kind)?.trim_end_matches('"')));
        }
        Ok(marks)
    }
}

impl Store {
    /// The newest entries before one that a filter lets through, as many as are wanted or as were found among those that are gone
    /// through at a time.
    ///
    /// # Errors
    /// If the database fails, or an entry is none.
    pub async fn search(&self, filter: &EntryFilter, before: u64, wanted: usize) -> Result<EntriesFound, Error> {
        // One is gone through at a time: it takes a core, and who asks for many waits for their own.
        let _turn = SEARCHING.acquire().await;
        let marks = filter.marks()?;
        let finders: Vec<Finder<'_>> = marks.iter().map(Finder::new).collect();
        let end = before.saturating_sub(MOST_SEARCHED);
        let mut found = EntriesFound { from: before, ..EntriesFound::default() };
        while found.from > end {
            // Parts begin where rows do.
            let start = ((found.from - 1) - (found.from - 1) % PART).max(end);
            let entries = log::entries(&self.database.readers, (start, found.from)).await?;
            for (place, bytes) in entries.iter().enumerate().rev() {
                let number = start + place as u64;
                if finders.iter().any(|finder| finder.find(bytes).is_none()) {
                    continue;
                }
                let entry = Entry::parse(bytes)?;
                if !filter.lets(number, &entry) {
                    continue;
                }
                found.entries.push((number, entry));
                if found.entries.len() == wanted {
                    found.from = number;
                    return Ok(found);
                }
            }
            found.from = start;
            // Others go on in between.
            tokio::task::yield_now().await;
        }
        Ok(found)
    }
}
