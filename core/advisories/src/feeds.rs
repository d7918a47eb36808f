//! Every feed the product knows: one file each, listed in [`FEEDS`].

mod alpine;
mod csaf;
mod cve;
mod debian_lists;
mod debian_support;
mod debian_tracker;
pub(crate) mod distro_info;
mod endoflife;
mod epss;
mod kev;
mod nvd;
mod osv;
pub(crate) mod text;
mod ubuntu_vex;
mod updateinfo;

use crate::model::{Problem, Record};
use jiff::Timestamp;

/// A document of a feed: a file, or one inside an archive.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Its path, with the archive's before it; some formats say in it what they do not say inside.
    pub name: &'a str,
    /// Its decompressed content.
    pub bytes: &'a [u8],
}

/// What a reader gives back: records as they are read, and problems.
pub struct Reading<'a> {
    emit: &'a mut dyn FnMut(Record),
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// When the document says it was made, where no record says it.
    pub made: Option<Timestamp>,
}

impl<'a> Reading<'a> {
    /// Starts reading; every record goes to `emit`.
    pub fn new(emit: &'a mut dyn FnMut(Record)) -> Self {
        Self { emit, problems: Vec::new(), made: None }
    }

    pub(crate) fn record(&mut self, record: Record) {
        (self.emit)(record);
    }

    pub(crate) fn problem(&mut self, place: impl Into<String>, what: impl std::fmt::Display) {
        // INVARIANT: bounded, so that a hostile file cannot fill memory with complaints; the last one says so.
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem::bad_record(place, what));
        } else if self.problems.len() == MOST_PROBLEMS {
            self.problems
                .push(Problem::bad_record(place, "more problems follow in this document; they are not listed"));
        }
    }
}

const MOST_PROBLEMS: usize = 1000;

/// How a later state of a feed replaces an earlier one.
#[derive(Debug, Clone, Copy)]
pub enum Revision {
    /// A document is a whole catalogue, or a named part of one: a later document of the same part replaces it, and what it
    /// no longer says is no longer said. The function names the part, from the document's name and its first MiB.
    Whole(fn(&Document<'_>) -> Option<String>),
    /// Records carry the instant of their last change: of two with one id in one feed the later alone counts.
    ByRecord,
    /// The parts of one record are spread over documents, and add up.
    InPieces,
}

/// A feed: where it is published, how it is recognised and read.
#[derive(Debug)]
pub struct Feed {
    /// Its stable id: the file's name here, the folder's name in the cache.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Where its documents are published; none for feeds that are imported only.
    pub addresses: &'static [&'static str],
    /// After how many days without a newer record inside it counts as stale.
    pub stale_after_days: u16,
    /// Whether a document of this feed may be cut at line ends and read in parts.
    pub by_line: bool,
    /// What replaces what when it is stored a second time.
    pub revision: Revision,
    /// Says whether a document is of this feed, from its name and its first bytes.
    pub detect: fn(&Document<'_>) -> bool,
    /// Reads a document.
    pub read: fn(&Document<'_>, &mut Reading<'_>),
}

/// Every feed the product knows. The order is that of detection: the more particular first.
pub const FEEDS: &[Feed] = &[
    kev::FEED,
    epss::FEED,
    nvd::FEED,
    cve::FEED,
    ubuntu_vex::FEED,
    csaf::FEED,
    alpine::FEED,
    endoflife::FEED,
    updateinfo::FEED,
    debian_lists::FEED,
    debian_support::FEED,
    distro_info::FEED,
    osv::FEED,
    debian_tracker::FEED,
];

/// The feed with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Feed> {
    FEEDS.iter().find(|feed| feed.id == id)
}

/// The feed that a document belongs to, judged by its name and content.
#[must_use]
pub fn detect(document: &Document<'_>) -> Option<&'static Feed> {
    FEEDS.iter().find(|feed| (feed.detect)(document))
}
