//! Builds an index from records. The order of the file depends on the records alone.

use super::encode::{put_number, put_score, put_text};
use super::file::{File, slots, table};
use super::record::{encode_advisory, encode_statement, encode_vulnerability};
use super::statement::ceiling;
use super::{KEY_SEPARATOR, Section, package_key};
use crate::ecosystem::Family;
use crate::error::Error;
use crate::feeds::text::is_cve;
use crate::feeds::{self, Revision};
use crate::model::{Advisory, Record, Release, SupportNote, Vulnerability};
use crate::severity;
use foldhash::fast::RandomState;
use jiff::Timestamp;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// What an index says about a feed that went into it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FeedState {
    /// The feed's id.
    pub feed: String,
    /// Records that went in.
    pub records: u64,
    /// Problems met while reading.
    pub problems: u64,
    /// The newest instant inside its records: its true age, whatever the file's date.
    pub newest: Option<Timestamp>,
}

/// Collects records and writes the index.
#[derive(Default)]
pub struct Builder {
    names: Names,
    keys: Names,
    /// Texts that many advisories share: CVSS vectors, the beginnings of addresses.
    dictionary: Names,
    advisories: Vec<Draft>,
    statements: Vec<StatementDraft>,
    arena: Vec<u8>,
    vulnerabilities: HashMap<u32, Facts, RandomState>,
    releases: BTreeMap<String, Release>,
    notes: Vec<SupportNote>,
}

/// Texts and their numbers, in the order in which they came.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<Box<str>, u32, RandomState>,
}

impl Names {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        match self.numbers.get(text) {
            Some(number) => *number,
            None => *self.numbers.entry(text.into()).or_insert(next),
        }
    }

    /// All texts by their number.
    fn by_number(&self) -> Vec<&str> {
        let mut all = vec![""; self.numbers.len()];
        for (text, number) in &self.numbers {
            all[*number as usize] = text;
        }
        all
    }
}

/// An advisory whose text lies in the arena.
struct Draft {
    id: u32,
    feed: u8,
    modified: Option<Timestamp>,
    aliases: Vec<u32>,
    resolves: Vec<u32>,
    body: (u32, u32),
}

struct StatementDraft {
    key: u32,
    advisory: u32,
    body: (u32, u32),
}

/// The few facts that most vulnerabilities have, with the rest apart: EPSS alone lists some 300,000.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) epss: Option<(f32, f32)>,
    /// What each feed says, by its number.
    rest: Vec<(u8, Vulnerability)>,
}

impl Facts {
    /// Takes in what a feed says. Of two states of one record in one feed the later alone counts.
    fn add(&mut self, feed: u8, new: Vulnerability) {
        let Some((_, known)) = self.rest.iter_mut().find(|(own, _)| *own == feed) else {
            return self.rest.push((feed, new));
        };
        match known.modified.zip(new.modified) {
            Some((old, now)) if now > old => *known = new,
            Some((old, now)) if now < old => {}
            _ => merge(known, new),
        }
    }

    /// What all feeds say together.
    fn merged(mut self) -> Option<Vulnerability> {
        self.rest.sort_by_key(|(feed, _)| *feed);
        let all = self.rest.into_iter().map(|(_, said)| said);
        all.reduce(|mut known, new| {
            merge(&mut known, new);
            known
        })
    }
}

/// An advisory with its statements already encoded, so that this work can be done on many threads.
pub struct Prepared {
    advisory: Advisory,
    statements: Vec<(String, Vec<u8>)>,
}

/// A record made ready for [`Builder::add`].
pub enum Ready {
    /// An advisory.
    Advisory(Box<Prepared>),
    /// Anything else.
    Other(Record),
}

fn text_key(ecosystem: &str, name: &str) -> String {
    String::from_utf8_lossy(&package_key(ecosystem, name)).into_owned()
}

impl Builder {
    /// Does the part of the work on a record that needs nothing else: can run on any thread.
    #[must_use]
    pub fn prepare(record: Record) -> Ready {
        let Record::Advisory(mut advisory) = record else { return Ready::Other(record) };
        let affected = std::mem::take(&mut advisory.affected);
        // A withdrawn advisory speaks of nothing any more; its record stays, so that its end can be told.
        let kept = if advisory.withdrawn.is_some() { Vec::new() } else { affected };
        let statements =
            kept.iter().map(|entry| (text_key(&entry.ecosystem, &entry.name), encode_statement(entry))).collect();
        Ready::Advisory(Box::new(Prepared { advisory: *advisory, statements }))
    }

    /// Takes in a prepared record of the feed with this place in the list that [`Builder::finish`] gets.
    pub fn add(&mut self, ready: Ready, feed: u8) {
        match ready {
            Ready::Advisory(prepared) => self.add_advisory(&prepared, feed),
            Ready::Other(Record::Vulnerability(vulnerability)) => self.add_vulnerability(*vulnerability, feed),
            Ready::Other(Record::Release(release)) => {
                self.releases.entry(release.ecosystem.clone()).or_insert(release);
            }
            Ready::Other(Record::SupportNote(note)) => self.notes.push(note),
            Ready::Other(Record::Advisory(_)) => {}
        }
    }

    fn add_advisory(&mut self, prepared: &Prepared, feed: u8) {
        let advisory = &prepared.advisory;
        let number = u32::try_from(self.advisories.len()).unwrap_or(u32::MAX);
        let start = self.arena.len();
        encode_advisory(&mut self.arena, &mut self.dictionary, advisory);
        let body = self.span(start);
        for (key, bytes) in &prepared.statements {
            let start = self.arena.len();
            self.arena.extend_from_slice(bytes);
            let body = self.span(start);
            self.statements.push(StatementDraft { key: self.keys.number(key), advisory: number, body });
        }
        let mut numbers = |texts: &[String]| texts.iter().map(|text| self.names.number(text)).collect();
        let (aliases, resolves) = (numbers(&advisory.aliases), numbers(&advisory.resolves));
        self.advisories.push(Draft {
            id: self.names.number(&advisory.id),
            feed,
            modified: advisory.modified,
            aliases,
            resolves,
            body,
        });
    }

    fn span(&self, start: usize) -> (u32, u32) {
        (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(self.arena.len() - start).unwrap_or(u32::MAX))
    }

    fn add_vulnerability(&mut self, new: Vulnerability, feed: u8) {
        let facts = self.vulnerabilities.entry(self.names.number(&new.id)).or_default();
        if let Some(epss) = new.epss {
            facts.epss = Some(epss);
        }
        let only_epss = Vulnerability { id: new.id.clone(), epss: new.epss, ..Vulnerability::default() };
        if new != only_epss {
            facts.add(feed, new);
        }
    }

    /// Takes out advisories that a later state of the same record replaces: from the second of two snapshots, or from a
    /// document of changes. What the older one says must neither warn nor reassure.
    fn drop_replaced(&mut self, states: &[FeedState]) {
        let replaces: Vec<bool> = states
            .iter()
            .map(|state| feeds::find(&state.feed).is_none_or(|feed| matches!(feed.revision, Revision::ByRecord)))
            .collect();
        let can_replace = |draft: &Draft| replaces.get(usize::from(draft.feed)).is_none_or(|replaces| *replaces);
        let mut newest: HashMap<(u32, u8), Option<Timestamp>, RandomState> = HashMap::default();
        for draft in self.advisories.iter().filter(|draft| can_replace(draft)) {
            let known = newest.entry((draft.id, draft.feed)).or_insert(draft.modified);
            *known = draft.modified.max(*known);
        }
        let is_replaced = |draft: &Draft| {
            can_replace(draft) && newest.get(&(draft.id, draft.feed)).is_some_and(|newest| *newest > draft.modified)
        };
        let replaced: Vec<bool> = self.advisories.iter().map(is_replaced).collect();
        if !replaced.contains(&true) {
            return;
        }
        let mut place = 0;
        let places: Vec<u32> = replaced
            .iter()
            .map(|is_replaced| {
                place += u32::from(!is_replaced);
                place.saturating_sub(1)
            })
            .collect();
        let mut numbers = 0..;
        self.advisories.retain(|_| !numbers.next().is_some_and(|at: usize| replaced[at]));
        self.statements.retain(|statement| !replaced[statement.advisory as usize]);
        // A package of which nothing is said any more has no entry.
        let mut keys = Names::default();
        let texts = self.keys.by_number();
        for statement in &mut self.statements {
            statement.advisory = places[statement.advisory as usize];
            statement.key = keys.number(texts[statement.key as usize]);
        }
        drop(texts);
        self.keys = keys;
    }

    /// Writes the index. `states` describes the feeds that went in.
    ///
    /// # Errors
    /// If the index would pass 4 GiB.
    pub fn finish(mut self, states: &[FeedState]) -> Result<Vec<u8>, Error> {
        if self.arena.len() > u32::MAX as usize {
            return Err(Error::Damaged { what: "more than 4 GiB of advisories", at: self.arena.len() });
        }
        self.drop_replaced(states);
        let canonical = self.canonical_ids();
        let texts = self.names.by_number();
        let known =
            self.vulnerabilities.keys().copied().chain(self.advisories.iter().flat_map(Draft::vulnerability_ids));
        let members = grouped(known, &canonical, &texts);
        // Vulnerabilities are numbered in the order of the ids that stand for them.
        let mut places = vec![0_u32; texts.len()];
        for (place, group) in members.chunk_by(|a, b| a.0 == b.0).enumerate() {
            group.iter().for_each(|(_, member)| places[*member as usize] = place as u32);
        }
        let count = members.chunk_by(|a, b| a.0 == b.0).count();
        let order = self.advisory_order(&texts);
        self.notes.sort_by(|a, b| (&a.ecosystem, &a.package, a.ended).cmp(&(&b.ecosystem, &b.package, b.ended)));
        let mut file = File::new();
        let meta = super::read::Meta::encode(states, self.releases.into_values(), &self.notes, order.len(), count);
        file.section(Section::Meta, |out| out.extend_from_slice(&meta));
        let mut final_number = vec![0_u32; order.len()];
        order.iter().zip(0..).for_each(|(at, number)| final_number[*at as usize] = number);
        let mut bodies = Vec::new();
        file.section(Section::Packages, |out| {
            write_packages(out, &mut bodies, &self.keys, (&mut self.statements, &final_number, &self.arena));
        });
        file.section(Section::Statements, |out| out.append(&mut bodies));
        file.section(Section::Slots, |out| {
            let mut keys = self.keys.by_number();
            keys.par_sort_unstable();
            slots(out, keys.len(), keys.into_iter());
        });
        drop((self.keys, self.statements, final_number));
        file.section(Section::Advisories, |out| {
            table(out, order.len(), order.iter(), |out, at| {
                self.advisories[*at as usize].write(out, &texts, &places, &self.arena);
            });
        });
        file.section(Section::Vulnerabilities, |out| {
            write_vulnerabilities(out, &members, count, &texts, &mut self.vulnerabilities)
        });
        file.section(Section::Dictionary, |out| {
            let words = self.dictionary.by_number();
            table(out, words.len(), words.iter(), |out, word| {
                put_text(out, word);
                put_score(out, severity::score(word));
            });
        });
        Ok(file.finish())
    }

    /// Advisories in the order of id, feed and content.
    fn advisory_order(&self, texts: &[&str]) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.advisories.len() as u32).collect();
        order.par_sort_by_key(|at| {
            let draft = &self.advisories[*at as usize];
            (texts[draft.id as usize], draft.feed, span_of(&self.arena, draft.body))
        });
        order
    }

    /// For each id the one that stands for its whole group of aliases: a CVE where there is one, the smallest.
    fn canonical_ids(&self) -> Vec<u32> {
        let texts = self.names.by_number();
        let mut parent: Vec<u32> = (0..texts.len() as u32).collect();
        fn root(parent: &mut [u32], mut at: u32) -> u32 {
            while parent[at as usize] != at {
                parent[at as usize] = parent[parent[at as usize] as usize];
                at = parent[at as usize];
            }
            at
        }
        let rank = |number: u32| {
            let text = texts[number as usize];
            (!is_cve(text), !text.starts_with("GHSA-"), text)
        };
        for draft in &self.advisories {
            for alias in &draft.aliases {
                // Two CVEs are two vulnerabilities, even if somebody calls them aliases.
                let (a, b) = (root(&mut parent, draft.id), root(&mut parent, *alias));
                if a == b || (is_cve(texts[a as usize]) && is_cve(texts[b as usize])) {
                    continue;
                }
                let (winner, loser) = if rank(a) <= rank(b) { (a, b) } else { (b, a) };
                parent[loser as usize] = winner;
            }
        }
        (0..texts.len() as u32).map(|at| root(&mut parent, at)).collect()
    }
}

impl Draft {
    /// The vulnerabilities that the advisory is about: those it resolves; else its aliases that are CVEs; else itself.
    fn vulnerability_ids(&self) -> impl Iterator<Item = u32> + '_ {
        let own = if self.resolves.is_empty() { Some(self.id) } else { None };
        self.resolves.iter().copied().chain(own)
    }

    fn write(&self, out: &mut Vec<u8>, texts: &[&str], places: &[u32], arena: &[u8]) {
        put_text(out, texts[self.id as usize]);
        out.push(self.feed);
        let mut resolved: Vec<u32> = self.vulnerability_ids().map(|id| places[id as usize]).collect();
        resolved.sort_unstable();
        resolved.dedup();
        put_number(out, resolved.len() as u64);
        resolved.iter().for_each(|place| put_number(out, u64::from(*place)));
        out.extend_from_slice(span_of(arena, self.body));
    }
}

/// Pairs of the id that stands for a group and a member of it, in the order of both texts.
fn grouped(known: impl Iterator<Item = u32>, canonical: &[u32], texts: &[&str]) -> Vec<(u32, u32)> {
    let mut members: Vec<(u32, u32)> = known.map(|member| (canonical[member as usize], member)).collect();
    members.par_sort_unstable_by_key(|(stands, member)| (texts[*stands as usize], texts[*member as usize]));
    members.dedup();
    members
}

fn span_of(arena: &[u8], (start, length): (u32, u32)) -> &[u8] {
    &arena[start as usize..start as usize + length as usize]
}

/// Adds what a second feed knows: nothing that is known is lost, the earlier instant counts.
fn merge(known: &mut Vulnerability, new: Vulnerability) {
    if known.summary.is_empty() {
        known.summary = new.summary;
    }
    let earlier = |a: Option<Timestamp>, b: Option<Timestamp>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    known.published = earlier(known.published, new.published);
    known.rejected = match known.modified.zip(new.modified) {
        // Two records of the vulnerability itself: whichever changed last says whether it still stands.
        Some((old, now)) if now > old => new.rejected,
        Some((old, now)) if now < old => known.rejected,
        // The epoch stands for "rejected on an unknown day", so a real date wins.
        _ => known.rejected.max(new.rejected),
    };
    known.modified = known.modified.max(new.modified);
    known.severities.extend(new.severities);
    known.weaknesses.extend(new.weaknesses);
    known.ssvc = new.ssvc.or(known.ssvc.take());
    for entry in new.exploited {
        match known.exploited.iter_mut().find(|listed| listed.asserter == entry.asserter) {
            None => known.exploited.push(entry),
            Some(listed) => {
                listed.listed = listed.listed.min(entry.listed);
                listed.due = earlier(listed.due, entry.due);
                listed.ransomware |= entry.ransomware;
                listed.forensic_triage |= entry.forensic_triage;
            }
        }
    }
}

fn write_vulnerabilities(
    out: &mut Vec<u8>,
    members: &[(u32, u32)],
    count: usize,
    texts: &[&str],
    facts: &mut HashMap<u32, Facts, RandomState>,
) {
    table(out, count, members.chunk_by(|a, b| a.0 == b.0), |out, group| {
        let id = group.first().map_or("", |(stands, _)| texts[*stands as usize]);
        let (mut epss, mut rest) = (None, None::<Vulnerability>);
        let mut aliases: Vec<&str> = Vec::new();
        for (_, member) in group {
            if texts[*member as usize] != id {
                aliases.push(texts[*member as usize]);
            }
            let Some(known) = facts.remove(member) else { continue };
            epss = epss.or(known.epss);
            rest = match (rest, known.merged()) {
                (Some(mut rest), Some(new)) => {
                    merge(&mut rest, new);
                    Some(rest)
                }
                (a, b) => a.or(b),
            };
        }
        encode_vulnerability(out, id, &aliases, (epss, rest));
    });
}

/// Packages with their ceilings, and apart from them in `bodies` the statements, each with its advisory's number.
fn write_packages(
    out: &mut Vec<u8>,
    bodies: &mut Vec<u8>,
    keys: &Names,
    (drafts, final_number, arena): (&mut [StatementDraft], &[u32], &[u8]),
) {
    let texts = keys.by_number();
    let mut by_text: Vec<u32> = (0..texts.len() as u32).collect();
    by_text.par_sort_unstable_by_key(|key| texts[*key as usize]);
    let mut rank = vec![0_u32; texts.len()];
    by_text.iter().zip(0..).for_each(|(key, place)| rank[*key as usize] = place);
    drafts.par_sort_unstable_by_key(|draft| {
        (rank[draft.key as usize], final_number[draft.advisory as usize], span_of(arena, draft.body))
    });
    let is_same = |a: &StatementDraft, b: &StatementDraft| a.key == b.key;
    let ceilings: Vec<Option<String>> = drafts
        .par_chunk_by(is_same)
        .map(|group| {
            let key = group.first().map_or("", |draft| texts[draft.key as usize]);
            let family = Family::of(key.split(KEY_SEPARATOR).next().unwrap_or_default())?;
            ceiling(family.scheme, group.iter().map(|draft| span_of(arena, draft.body)))
        })
        .collect();
    table(out, texts.len(), drafts.chunk_by(is_same).zip(ceilings), |out, (group, ceiling)| {
        put_text(out, group.first().map_or("", |draft| texts[draft.key as usize]));
        out.push(u8::from(ceiling.is_some()));
        ceiling.iter().for_each(|ceiling| put_text(out, ceiling));
        let start = bodies.len();
        for draft in group {
            let body = span_of(arena, draft.body);
            put_number(bodies, u64::from(final_number[draft.advisory as usize]));
            put_number(bodies, body.len() as u64);
            bodies.extend_from_slice(body);
        }
        put_number(out, group.len() as u64);
        put_number(out, start as u64);
        put_number(out, (bodies.len() - start) as u64);
    });
}
