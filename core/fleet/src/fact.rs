//! Single facts with their intervals of time: of a thing, a vulnerability, an asset.

use crate::error::Error;
use crate::judgement::{Fix, Signals, Standing, Statement};
use crate::packed::Packed;
use crate::snapshot::json;
use crate::thing::Thing;
use jiff::Timestamp;
use lifecycle::Transition;
use lifecycle::{AssetId, Attributes};
use policy::Policy;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Milliseconds since 1970.
pub(crate) type Instant = i64;
/// The end of what has not ended.
pub(crate) const OPEN: Instant = Instant::MAX;

/// A thing, who has it, and what is said of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ThingFacts {
    #[serde(with = "json")]
    pub(crate) thing: Arc<Thing>,
    /// The assets that have it now.
    pub(crate) holders: RoaringBitmap,
    /// The assets that had it for a time, whether or not they have it now.
    pub(crate) past: RoaringBitmap,
    /// The intervals of assets that have it, and not ever since they are known, or had it, in the order of assets and time.
    /// Open ones are of holders.
    pub(crate) spans: Vec<Span>,
    /// The vulnerabilities that it was ever said to have, each with its place among that vulnerability's claims.
    pub(crate) claims: Vec<(u32, u32)>,
    /// Since when nothing can be said of it, and why; an empty reason ends that.
    pub(crate) undetermined: Vec<(Instant, String)>,
    /// Since when something is said of it at all.
    pub(crate) judged: Option<Instant>,
}

/// An interval in which an asset has a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) asset: u32,
    pub(crate) from: Instant,
    pub(crate) until: Instant,
}

/// What is known of a vulnerability.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VulnerabilityFacts {
    pub(crate) id: String,
    #[serde(with = "json")]
    pub(crate) signals: Vec<(Instant, Arc<Signals>)>,
    pub(crate) claims: Vec<Claim>,
    /// The vulnerabilities that it was told as before, under other ids.
    pub(crate) formerly: Vec<u32>,
}

/// An interval in which a thing is said to have a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) thing: u32,
    pub(crate) detail: u32,
    pub(crate) from: Instant,
    pub(crate) until: Instant,
}

/// A statement without the vulnerability that it is about: most are made of many things in the same words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) standing: Standing,
    pub(crate) remark: String,
    pub(crate) fix: Fix,
    pub(crate) patch_available: Option<Timestamp>,
    pub(crate) urgency: Option<String>,
    /// Tenths of a CVSS score.
    pub(crate) cvss: Option<u16>,
    pub(crate) published: Option<Timestamp>,
    pub(crate) because: String,
}

/// An asset's facts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AssetFacts {
    pub(crate) id: AssetId,
    /// What was said about it, since when.
    #[serde(with = "json")]
    pub(crate) attributes: Vec<(Instant, Arc<Attributes>)>,
    /// When it was looked at first since it was registered.
    pub(crate) first: Option<Instant>,
    /// When it was looked at first in each of its lives, with the place of that life.
    pub(crate) firsts: Vec<(u32, Instant)>,
    /// From registration to retirement, each.
    pub(crate) lives: Vec<(Instant, Instant)>,
    /// What it has now.
    pub(crate) things: Packed,
    /// Things of which there are spans of it, in rising order.
    pub(crate) spanned: Vec<u32>,
    /// Its operating systems, in words, and since when.
    pub(crate) platforms: Vec<(Instant, String)>,
    /// How many files or entries could not be read, and since when.
    pub(crate) unread: Vec<(Instant, u64)>,
    /// What could not be read when it was looked at last.
    pub(crate) problems: Vec<String>,
}

/// A policy, and since when it is in force.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) since: Instant,
    pub(crate) text: String,
    pub(crate) policy: Arc<Policy>,
    /// What held for findings that were open then.
    pub(crate) transition: Transition,
}

impl Adopted {
    pub(crate) fn new(since: Instant, text: String, transition: Transition) -> Result<Self, Error> {
        let policy = Arc::new(Policy::parse(&text).map_err(|source| Error::Policy { source })?);
        Ok(Self { since, text, policy, transition })
    }
}

impl ThingFacts {
    pub(crate) fn new(thing: Arc<Thing>) -> Self {
        Self {
            thing,
            holders: RoaringBitmap::new(),
            past: RoaringBitmap::new(),
            spans: Vec::new(),
            claims: Vec::new(),
            undetermined: Vec::new(),
            judged: None,
        }
    }

    /// Whether the advisories could say something of it as of an instant.
    fn is_determined(&self, at: Instant) -> bool {
        let end = self.undetermined.partition_point(|(since, _)| *since <= at);
        self.judged.is_some_and(|since| since <= at)
            && self.undetermined[..end].last().is_none_or(|(_, why)| why.is_empty())
    }

    /// Whether it should be judged and nothing could be said of it as of an instant. What is offered for a package stands beside it:
    /// the package is the one that is judged or not.
    pub(crate) fn is_open(&self, at: Instant) -> bool {
        !self.is_determined(at) && self.thing.offer.is_none()
    }

    /// The place behind an asset's last span.
    fn behind(&self, asset: u32) -> usize {
        self.spans.partition_point(|span| span.asset <= asset)
    }

    /// An asset has it from now on.
    pub(crate) fn begin(&mut self, asset: u32, at: Instant) {
        self.spans.insert(self.behind(asset), Span { asset, from: at, until: OPEN });
    }

    /// An asset has it no longer.
    pub(crate) fn end(&mut self, asset: u32, first: Instant, at: Instant) {
        self.holders.remove(asset);
        self.past.insert(asset);
        let behind = self.behind(asset);
        match self.spans[..behind].last_mut().filter(|span| span.asset == asset && span.until == OPEN) {
            Some(span) => span.until = at,
            None => self.spans.insert(behind, Span { asset, from: first, until: at }),
        }
    }

    /// The spans of an asset.
    pub(crate) fn spans_of(&self, asset: u32) -> &[Span] {
        let start = self.spans.partition_point(|span| span.asset < asset);
        &self.spans[start..self.behind(asset)]
    }
}

impl VulnerabilityFacts {
    /// Whether an id is its own or one of its aliases, whatever the case.
    pub(crate) fn is_named(&self, id: &str) -> bool {
        let aliases = self.signals.last().map(|(_, signals)| signals.aliases.as_slice()).unwrap_or_default();
        self.id.eq_ignore_ascii_case(id) || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(id))
    }

    /// What was known of it at an instant; what was known first where that is later.
    pub(crate) fn signals_at(&self, at: Instant) -> Option<&Signals> {
        let end = self.signals.partition_point(|(since, _)| *since <= at).max(1);
        self.signals.get(..end).and_then(<[_]>::last).map(|(_, signals)| signals.as_ref())
    }
}

impl AssetFacts {
    /// Whether it is registered as of an instant.
    pub(crate) fn is_there(&self, at: Instant) -> bool {
        self.lives.iter().any(|(from, until)| *from <= at && at < *until)
    }

    /// Whether one of its lives ends at an instant.
    pub(crate) fn goes_at(&self, at: Instant) -> bool {
        self.lives.iter().any(|(_, until)| *until == at)
    }

    /// What was said about it at an instant; what was said first where that is later.
    pub(crate) fn attributes_at(&self, at: Instant) -> Option<Arc<Attributes>> {
        let end = self.attributes.partition_point(|(since, _)| *since <= at).max(1);
        self.attributes.get(..end).and_then(<[_]>::last).map(|(_, said)| Arc::clone(said))
    }

    /// The same, to look at.
    pub(crate) fn said_at(&self, at: Instant) -> Option<&Attributes> {
        let end = self.attributes.partition_point(|(since, _)| *since <= at).max(1);
        self.attributes.get(..end).and_then(<[_]>::last).map(|(_, said)| said.as_ref())
    }

    /// Its operating system at an instant, in words; nothing before it was looked at.
    pub(crate) fn platform_at(&self, at: Instant) -> &str {
        let end = self.platforms.partition_point(|(since, _)| *since <= at);
        self.platforms[..end].last().map_or("", |(_, platform)| platform)
    }

    /// How many files or entries could not be read when it was looked at last by an instant.
    pub(crate) fn unread_at(&self, at: Instant) -> u64 {
        let end = self.unread.partition_point(|(since, _)| *since <= at);
        self.unread[..end].last().map_or(0, |(_, unread)| *unread)
    }

    /// Whether somebody had looked at it by an instant, in the life that it had then.
    pub(crate) fn is_seen(&self, at: Instant) -> bool {
        let life = self.lives.partition_point(|(from, _)| *from <= at).max(1) as u32 - 1;
        self.firsts.iter().any(|(of, first)| *of == life && *first <= at)
    }

    pub(crate) fn note_span(&mut self, thing: u32) {
        if let Err(place) = self.spanned.binary_search(&thing) {
            self.spanned.insert(place, thing);
        }
    }
}

impl Detail {
    pub(crate) fn statement(&self, vulnerability: &str) -> Statement {
        let Self { standing, remark, fix, patch_available, urgency, cvss, published, because } = self.clone();
        let (vulnerability, cvss) = (vulnerability.to_owned(), cvss.map(|tenths| f64::from(tenths) / 10.0));
        Statement { vulnerability, standing, remark, fix, patch_available, urgency, cvss, published, because }
    }
}
