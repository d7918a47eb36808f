//! Reads an index where it lies: nothing is unpacked before it is asked for.

use super::blocks::Blocks;
use super::build::FeedState;
use super::encode::Cursor;
use super::file::PLACES;
use super::statement::Statements;
use super::{FORMAT, HEADER_BYTES, MAGIC, SECTIONS, Section, hash, package_key};
use crate::error::Error;
use crate::model::{Exploited, Release, Ssvc, SupportNote};
use crate::severity::Scored;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::ops::Range;

/// An opened index over bytes that live elsewhere, as a memory map does.
#[derive(Debug)]
pub struct Index<'a> {
    blocks: Blocks<'a>,
    sections: [Range<usize>; SECTIONS],
    digest: [u8; 32],
}

/// What the index says about itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Meta {
    /// The feeds that went in.
    pub feeds: Vec<FeedState>,
    /// How many advisories it holds.
    pub advisories: u64,
    /// How many vulnerabilities it holds.
    pub vulnerabilities: u64,
    releases: Vec<MetaRelease>,
    notes: Vec<MetaNote>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct MetaRelease(String, String, Option<Timestamp>, Option<Timestamp>, Option<Timestamp>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct MetaNote(String, String, Option<Timestamp>, Option<String>, String);

impl Meta {
    pub(super) fn encode(
        feeds: &[FeedState],
        releases: impl Iterator<Item = Release>,
        notes: &[SupportNote],
        advisories: usize,
        vulnerabilities: usize,
    ) -> Vec<u8> {
        let meta = Self {
            feeds: feeds.to_vec(),
            advisories: advisories as u64,
            vulnerabilities: vulnerabilities as u64,
            releases: releases
                .map(|r| {
                    MetaRelease(
                        r.ecosystem,
                        r.codename,
                        r.end_of_support,
                        r.end_of_long_support,
                        r.end_of_extended_support,
                    )
                })
                .collect(),
            notes: notes
                .iter()
                .map(|n| {
                    MetaNote(n.ecosystem.clone(), n.package.clone(), n.ended, n.last_version.clone(), n.reason.clone())
                })
                .collect(),
        };
        serde_json::to_vec(&meta).unwrap_or_default()
    }

    /// The support dates of a release, if a feed names them.
    #[must_use]
    pub fn release(&self, ecosystem: &str) -> Option<Release> {
        let MetaRelease(_, codename, regular, long, extended) =
            self.releases.iter().find(|release| release.0 == ecosystem)?;
        Some(Release {
            ecosystem: ecosystem.to_owned(),
            codename: codename.clone(),
            end_of_support: *regular,
            end_of_long_support: *long,
            end_of_extended_support: *extended,
        })
    }

    /// The notes on limited or ended support that hold for a release.
    pub fn notes<'m>(&'m self, ecosystem: &'m str) -> impl Iterator<Item = SupportNote> + 'm {
        let (family, _) = crate::split_ecosystem(ecosystem);
        let holds = move |note: &&MetaNote| note.0 == ecosystem || note.0 == family;
        self.notes.iter().filter(holds).map(|note| SupportNote {
            ecosystem: note.0.clone(),
            package: note.1.clone(),
            ended: note.2,
            last_version: note.3.clone(),
            reason: note.4.clone(),
        })
    }
}

impl<'a> Index<'a> {
    /// Opens an index: checks its header, its bounds and the checksums' own. Each block of the body is verified before
    /// the first read from it; [`Index::verify`] reads the whole.
    ///
    /// # Errors
    /// If the bytes are no index, of another format, cut off or damaged there.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        if !bytes.starts_with(MAGIC) {
            return Err(Error::NotAnIndex);
        }
        let format = u32::from_le_bytes(array(bytes, 8)?);
        if format != FORMAT {
            return Err(Error::Format { found: format, known: FORMAT });
        }
        let damaged = |what, at| Error::Damaged { what, at };
        let header = bytes.get(..HEADER_BYTES).ok_or_else(|| damaged("the header is cut off", bytes.len()))?;
        if blake3::hash(&header[..HEADER_BYTES - 32]).as_bytes() != &header[HEADER_BYTES - 32..] {
            return Err(damaged("the header does not match its checksum", 0));
        }
        if u64::from_le_bytes(array(header, 16)?) != bytes.len() as u64 {
            return Err(damaged("the file is longer or shorter than its header says", bytes.len()));
        }
        let mut sections: [Range<usize>; SECTIONS] = std::array::from_fn(|_| 0..0);
        for (number, section) in sections.iter_mut().enumerate() {
            let at = PLACES + number * 16;
            let (start, length) = (u64::from_le_bytes(array(header, at)?), u64::from_le_bytes(array(header, at + 8)?));
            let range = usize::try_from(start).ok().zip(usize::try_from(length).ok());
            let range = range.and_then(|(start, length)| Some(start..start.checked_add(length)?));
            *section = range
                .filter(|range| range.end <= bytes.len())
                .ok_or_else(|| damaged("a section beyond the end", at))?;
        }
        let checks = &bytes[sections[Section::Checks as usize].clone()];
        if hash(checks) != u64::from_le_bytes(array(header, 56)?) {
            return Err(damaged("the checksums are damaged", sections[Section::Checks as usize].start));
        }
        Ok(Self { blocks: Blocks::new(bytes, checks), sections, digest: array(header, 24)? })
    }

    /// Recomputes the digest of the whole file.
    ///
    /// # Errors
    /// If it is not the one in the header.
    pub fn verify(bytes: &[u8]) -> Result<(), Error> {
        let index = Index::open(bytes)?;
        let found = blake3::hash(&bytes[HEADER_BYTES..]);
        if found.as_bytes() != &index.digest {
            return Err(Error::Digest { found: found.to_hex().to_string(), expected: index.digest() });
        }
        Ok(())
    }

    /// The digest that addresses this index: 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        blake3::Hash::from_bytes(self.digest).to_hex().to_string()
    }

    /// What the index says about itself.
    ///
    /// # Errors
    /// If that section is damaged.
    pub fn meta(&self) -> Result<Meta, Error> {
        serde_json::from_slice(self.blocks.get(self.section(Section::Meta))?)
            .map_err(|_| Error::Damaged { what: "the description of the feeds", at: 0 })
    }

    fn section(&self, section: Section) -> Range<usize> {
        self.sections[section as usize].clone()
    }

    fn table(&self, section: Section) -> Table<'_, 'a> {
        Table { blocks: &self.blocks, section: self.section(section) }
    }

    /// All statements about a package of an ecosystem. A name is looked up in its ecosystem's canonical form.
    ///
    /// # Errors
    /// If that part of the index is damaged.
    pub fn statements(&self, ecosystem: &str, name: &str) -> Result<Statements<'_, 'a>, Error> {
        let head = self.record_of(&package_key(ecosystem, name))?;
        Statements::begin(&self.blocks, self.section(Section::Statements), head)
    }

    /// The place behind the key in the record of a package.
    fn record_of(&self, key: &[u8]) -> Result<Option<Cursor<'a>>, Error> {
        let slots = self.section(Section::Slots);
        let size = slots.len() / 8;
        let hash = hash(key);
        // The size is a power of two; another one, in a forged file, only hides records.
        let mask = size.wrapping_sub(1);
        for step in 0..size {
            let slot = (hash as usize).wrapping_add(step) & mask;
            let at = slots.start + slot * 8;
            let bytes = self.blocks.get(at..at + 8)?;
            let place = u32::from_le_bytes(array(bytes, 0)?);
            let Some(place) = place.checked_sub(1) else { return Ok(None) };
            if u32::from_le_bytes(array(bytes, 4)?) == (hash >> 32) as u32 {
                let mut cursor = self.table(Section::Packages).record(place)?;
                if cursor.part()? == key {
                    return Ok(Some(cursor));
                }
            }
        }
        Ok(None)
    }

    /// Says whether the index knows any package of this ecosystem (with its release).
    ///
    /// # Errors
    /// If that part of the index is damaged.
    pub fn knows_ecosystem(&self, ecosystem: &str) -> Result<bool, Error> {
        let start = format!("{ecosystem}{}", super::KEY_SEPARATOR);
        let table = self.table(Section::Packages);
        let place = table.lower_bound(&start)?;
        Ok(place < table.count()? && table.record(place)?.text()?.starts_with(&start))
    }

    /// All ecosystems of a family of which the index knows any package, with their releases: `SUSE`, `Ubuntu`.
    ///
    /// # Errors
    /// If that part of the index is damaged.
    pub fn ecosystems_of(&self, family: &str) -> Result<Vec<&'a str>, Error> {
        let table = self.table(Section::Packages);
        let (count, mut found) = (table.count()?, Vec::new());
        let mut place = table.lower_bound(&format!("{family}:"))?;
        while place < count {
            let text = table.record(place)?.text()?;
            let ecosystem = text.split_once(super::KEY_SEPARATOR).map_or(text, |(ecosystem, _)| ecosystem);
            if crate::split_ecosystem(ecosystem).0 != family {
                break;
            }
            found.push(ecosystem);
            // All packages of one ecosystem stand together.
            let next = format!("{ecosystem}{}", char::from(super::KEY_SEPARATOR as u8 + 1));
            place = table.lower_bound(&next)?;
        }
        Ok(found)
    }

    /// The advisory with this number.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn advisory(&self, number: u32) -> Result<AdvisoryRef<'a>, Error> {
        AdvisoryRef::read(&mut self.table(Section::Advisories).record(number)?, &self.table(Section::Dictionary))
    }

    /// The number of the vulnerability with this id.
    ///
    /// # Errors
    /// If that part of the index is damaged.
    pub fn vulnerability_number(&self, id: &str) -> Result<Option<u32>, Error> {
        let table = self.table(Section::Vulnerabilities);
        let place = table.lower_bound(id)?;
        let is_there = place < table.count()? && table.record(place)?.text()? == id;
        Ok(is_there.then_some(place))
    }

    /// The vulnerability with this number.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn vulnerability(&self, number: u32) -> Result<VulnerabilityRef<'a>, Error> {
        VulnerabilityRef::read(&mut self.table(Section::Vulnerabilities).record(number)?)
    }

    /// How many advisories there are.
    ///
    /// # Errors
    /// If that part of the index is damaged.
    pub fn advisory_count(&self) -> Result<u32, Error> {
        self.table(Section::Advisories).count()
    }
}

/// Records in the order of the text that each begins with, found by halving.
struct Table<'i, 'a> {
    blocks: &'i Blocks<'a>,
    section: Range<usize>,
}

impl<'a> Table<'_, 'a> {
    /// A number of the section's head: the count, and then where each record begins.
    fn head(&self, place: usize) -> Result<u32, Error> {
        let at = self.section.start + place * 4;
        if at + 4 > self.section.end {
            return Err(Error::Damaged { what: "a table's head beyond its end", at });
        }
        Ok(u32::from_le_bytes(array(self.blocks.get(at..at + 4)?, 0)?))
    }

    fn count(&self) -> Result<u32, Error> {
        self.head(0)
    }

    /// The beginning of record `number`.
    fn record(&self, number: u32) -> Result<Cursor<'a>, Error> {
        let count = self.count()?;
        if number >= count {
            return Err(Error::Damaged { what: "a record's number", at: number as usize });
        }
        let base = self.section.start + 4 + count as usize * 4;
        let start = base + self.head(number as usize + 1)? as usize;
        let end = match number + 1 {
            next if next == count => self.section.end,
            next => base + self.head(next as usize + 1)? as usize,
        };
        if start > end || end > self.section.end {
            return Err(Error::Damaged { what: "a record beyond its table", at: start });
        }
        Ok(Cursor::new(self.blocks.get(start..end)?))
    }

    /// The first record whose text is not before `key`.
    fn lower_bound(&self, key: &str) -> Result<u32, Error> {
        let (mut low, mut high) = (0, self.count()?);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.record(middle)?.text()? < key { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Error> {
    let end = at.checked_add(N);
    let part = end.and_then(|end| bytes.get(at..end)).and_then(|part| part.try_into().ok());
    part.ok_or(Error::Damaged { what: "a number beyond the end", at })
}

/// An advisory as the index holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct AdvisoryRef<'a> {
    /// The publisher's id.
    pub id: &'a str,
    /// The place of its feed in [`Meta::feeds`].
    pub feed: u8,
    /// The numbers of the vulnerabilities that it is about.
    pub vulnerabilities: SmallVec<[u32; 4]>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it last changed.
    pub modified: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn: Option<Timestamp>,
    /// One line of text.
    pub summary: &'a str,
    /// Where people read more: the address's beginning and end; may be empty.
    url: (&'a str, &'a str),
    /// Published severities.
    pub severities: SmallVec<[Scored<'a>; 2]>,
}

impl<'a> AdvisoryRef<'a> {
    /// Where people read more; may be empty.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.url.0, self.url.1)
    }

    fn read(cursor: &mut Cursor<'a>, dictionary: &Table<'_, 'a>) -> Result<Self, Error> {
        let word = |cursor: &mut Cursor<'a>| dictionary.record(u32::try_from(cursor.number()?).unwrap_or(u32::MAX));
        let (id, feed) = (cursor.text()?, cursor.byte()?);
        let count = cursor.count()?;
        let vulnerabilities = (0..count).map(|_| Ok(cursor.number()? as u32)).collect::<Result<_, Error>>()?;
        Ok(Self {
            id,
            feed,
            vulnerabilities,
            published: cursor.instant()?,
            modified: cursor.instant()?,
            withdrawn: cursor.instant()?,
            summary: cursor.text()?,
            url: (word(cursor)?.text()?, cursor.text()?),
            severities: {
                let count = cursor.count()?;
                let scored = |mut word: Cursor<'a>| Ok(Scored { value: word.text()?, score: word.score()? });
                (0..count).map(|_| scored(word(cursor)?)).collect::<Result<_, Error>>()?
            },
        })
    }
}

/// A vulnerability as the index holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VulnerabilityRef<'a> {
    /// Its id: a CVE where one exists.
    pub id: &'a str,
    /// Other ids.
    pub aliases: Vec<&'a str>,
    /// EPSS score and percentile, from 0 to 1.
    pub epss: Option<(f64, f64)>,
    /// One line of text; may be empty.
    pub summary: &'a str,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was rejected; the epoch stands for an unknown day.
    pub rejected: Option<Timestamp>,
    /// Published severities, the decisive one first.
    pub severities: Vec<Scored<'a>>,
    /// Weaknesses.
    pub weaknesses: Vec<&'a str>,
    /// CISA's decision points.
    pub ssvc: Option<Ssvc>,
    /// Catalogue entries.
    pub exploited: Vec<Exploited>,
}

impl<'a> VulnerabilityRef<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let (id, aliases) = (cursor.text()?, cursor.texts()?);
        let (score, percentile) = (cursor.number()?, cursor.number()?);
        let epss = score.checked_sub(1).map(|score| (score as f64 / 1e5, percentile as f64 / 1e5));
        let mut vulnerability = Self { id, aliases, epss, ..Self::default() };
        if cursor.byte()? == 0 {
            return Ok(vulnerability);
        }
        vulnerability.summary = cursor.text()?;
        vulnerability.published = cursor.instant()?;
        vulnerability.rejected = cursor.instant()?;
        for _ in 0..cursor.count()? {
            vulnerability.severities.push(Scored { value: cursor.text()?, score: cursor.score()? });
        }
        vulnerability.weaknesses = cursor.texts()?;
        if cursor.byte()? == 1 {
            let exploitation = cursor.text()?.to_owned();
            let tri = |byte: u8| match byte {
                1 => Some(false),
                2 => Some(true),
                _ => None,
            };
            let (automatable, total_impact) = (tri(cursor.byte()?), tri(cursor.byte()?));
            vulnerability.ssvc = Some(Ssvc { exploitation, automatable, total_impact });
        }
        for _ in 0..cursor.count()? {
            let asserter = cursor.text()?.to_owned();
            let (listed, due) = (cursor.instant()?.unwrap_or(Timestamp::UNIX_EPOCH), cursor.instant()?);
            let flags = cursor.byte()?;
            let (ransomware, forensic_triage) = (flags & 1 != 0, flags & 2 != 0);
            vulnerability.exploited.push(Exploited { asserter, listed, due, ransomware, forensic_triage });
        }
        Ok(vulnerability)
    }
}
