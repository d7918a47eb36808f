//! A statement about a package, decoded as far as it is asked for.

use super::ALL_BEFORE;
use super::blocks::Blocks;
use super::encode::Cursor;
use super::range::{Verdict, evaluate};
use crate::error::Error;
use crate::model::{FixState, RangeKind, Subject};
use smallvec::{SmallVec, smallvec};
use std::cmp::Ordering;
use std::ops::Range;
use versions::Scheme;

/// One statement about a package.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// The number of its advisory.
    pub advisory: u32,
    /// Which name it speaks of.
    pub subject: Subject,
    /// What is said about a fix.
    pub state: FixState,
    /// The module stream.
    pub module: Option<&'a str>,
    /// Architectures; empty means all.
    pub architectures: Vec<&'a str>,
    /// The publisher's word of severity for this package.
    pub urgency: Option<&'a str>,
    /// Its ranges and the versions listed that no range holds, not decoded yet.
    rest: Cursor<'a>,
}

/// The statements about one package, read and decoded one after the other.
#[derive(Debug, Clone)]
pub struct Statements<'i, 'a> {
    blocks: &'i Blocks<'a>,
    /// Where they stand in the file.
    range: Range<usize>,
    /// Where the next one begins; none until the first is asked for.
    place: Option<Cursor<'a>>,
    left: usize,
    /// The version from which on none of the statements affects any.
    ceiling: Option<&'a str>,
}

impl<'i, 'a> Statements<'i, 'a> {
    /// Starts behind the key in a package's record; without a record there are none.
    pub(super) fn begin(
        blocks: &'i Blocks<'a>,
        section: Range<usize>,
        head: Option<Cursor<'a>>,
    ) -> Result<Self, Error> {
        let Some(mut head) = head else {
            return Ok(Self { blocks, range: 0..0, place: None, left: 0, ceiling: None });
        };
        let ceiling = match head.byte()? {
            0 => None,
            _ => Some(head.text()?),
        };
        let mut number = || head.number().map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        let (left, start, length) = (number()?, number()?, number()?);
        let start = section.start.saturating_add(start);
        let range = start..start.saturating_add(length);
        if range.end > section.end || left > length {
            return Err(Error::Damaged { what: "statements beyond their section", at: range.start });
        }
        Ok(Self { blocks, range, place: None, left, ceiling })
    }

    /// Whether a version is known to be affected by none of the statements: one comparison for what is up to date.
    ///
    /// `false` says nothing: the statements then need to be asked one by one.
    #[must_use]
    pub fn spare(&self, scheme: Scheme, version: &str) -> bool {
        match self.ceiling {
            Some(ceiling) => scheme.compare(version, ceiling).is_ok_and(Ordering::is_ge),
            None => self.left == 0,
        }
    }
}

impl<'a> Iterator for Statements<'_, 'a> {
    type Item = Result<Statement<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let statement = match &mut self.place {
            Some(place) => Statement::read(place),
            None => self.blocks.get(self.range.clone()).and_then(|bytes| {
                let place = self.place.insert(Cursor::new(bytes));
                Statement::read(place)
            }),
        };
        if statement.is_err() {
            self.left = 0;
        }
        Some(statement)
    }
}

/// The version from which on none of these statements (encoded, of one package) affects any; none if there is no such
/// version, or if the statements say more than ranges that end with a fix.
pub(super) fn ceiling<'b>(scheme: Scheme, bodies: impl Iterator<Item = &'b [u8]>) -> Option<String> {
    let mut highest: Option<&'b str> = None;
    for body in bodies {
        let statement = Statement::decode(0, body).ok()?;
        match statement.state {
            FixState::NotAffected => continue,
            FixState::ByRange => {}
            _ => return None,
        }
        let mut rest = statement.rest;
        for _ in 0..rest.count().ok()? {
            let range = RangeRef::read(&mut rest).ok()?;
            let end = range.end(scheme)?;
            let is_higher = match highest {
                None => true,
                Some(known) => scheme.compare(end, known).ok()?.is_gt(),
            };
            highest = if is_higher { Some(end) } else { highest };
        }
        // Versions that are listed by name stand in no order.
        if rest.count().ok()? > 0 {
            return None;
        }
    }
    highest.map(str::to_owned)
}

/// A range of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeRef<'a> {
    /// Its order.
    pub kind: RangeKind,
    /// Event kinds (0 introduced, 1 fixed, 2 last affected, 3 limit) and versions.
    pub events: SmallVec<[(u8, &'a str); 2]>,
}

impl<'a> RangeRef<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let head = cursor.byte()?;
        let kind = match head & !ALL_BEFORE {
            0 => RangeKind::Ecosystem,
            1 => RangeKind::SemVer,
            _ => RangeKind::Git,
        };
        if head & ALL_BEFORE != 0 {
            return Ok(Self { kind, events: smallvec![(0, "0"), (1, cursor.text()?)] });
        }
        let count = cursor.count()?;
        let events = (0..count).map(|_| Ok((cursor.byte()?, cursor.text()?))).collect::<Result<_, Error>>()?;
        Ok(Self { kind, events })
    }

    /// The fix after which the range affects nothing: it stands above all other events, by the scheme's own order.
    fn end(&self, scheme: Scheme) -> Option<&'a str> {
        let by_scheme = self.kind == RangeKind::Ecosystem
            || matches!((self.kind, scheme), (RangeKind::SemVer, Scheme::Go | Scheme::Npm | Scheme::SemVer));
        let fixes = self.events.iter().filter(|(tag, _)| *tag == 1).map(|(_, version)| *version);
        let mut end: Option<&str> = None;
        for fix in fixes {
            let is_higher = match end {
                None => scheme.check(fix).is_ok(),
                Some(known) => scheme.compare(fix, known).ok()?.is_gt(),
            };
            end = if is_higher { Some(fix) } else { end };
        }
        let end = end.filter(|_| by_scheme)?;
        let is_above = |(tag, version): &(u8, &str)| match tag {
            0 => *version == "0" || scheme.compare(version, end).is_ok_and(Ordering::is_lt),
            1 => true,
            _ => false,
        };
        self.events.iter().all(is_above).then_some(end)
    }

    /// What the range says about a version.
    ///
    /// # Errors
    /// If the version, or an event that the answer hangs on, cannot be read.
    pub fn evaluate(&self, scheme: Scheme, version: &str) -> Result<Verdict<'a>, versions::Error> {
        evaluate(scheme, self.kind, version, self.events.iter().copied())
    }
}

impl<'a> Statement<'a> {
    /// Reads the statement at a place, and moves the place behind it.
    pub(super) fn read(place: &mut Cursor<'a>) -> Result<Self, Error> {
        let advisory =
            u32::try_from(place.number()?).map_err(|_| Error::Damaged { what: "an advisory's number", at: 0 })?;
        Self::decode(advisory, place.part()?)
    }

    fn decode(advisory: u32, body: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(body);
        let flags = cursor.byte()?;
        let has = |bit: u8| flags & (1 << bit) != 0;
        let state = match flags & 7 {
            0 => FixState::ByRange,
            1 => FixState::NotFixedYet,
            2 => FixState::WontFix,
            3 => FixState::Deferred,
            4 => FixState::EndOfLife,
            5 => FixState::NotAffected,
            _ => FixState::Undetermined,
        };
        let subject = match flags >> 3 & 3 {
            0 => Subject::Binary,
            1 => Subject::Source,
            _ => Subject::Either,
        };
        let module = if has(5) { Some(cursor.text()?) } else { None };
        let architectures = if has(6) { cursor.texts()? } else { Vec::new() };
        let urgency = if has(7) { Some(cursor.text()?) } else { None };
        Ok(Self { advisory, subject, state, module, architectures, urgency, rest: cursor })
    }

    /// What the statement's ranges and list say about a version: the first range that holds it, or the list.
    ///
    /// The inner error says that the version, or a version the answer hangs on, cannot be read.
    ///
    /// # Errors
    /// If that part of the index is damaged.
    pub fn evaluate(&self, scheme: Scheme, version: &str) -> Result<Result<Verdict<'a>, versions::Error>, Error> {
        let mut cursor = self.rest.clone();
        let mut failure = None;
        for _ in 0..cursor.count()? {
            match RangeRef::read(&mut cursor)?.evaluate(scheme, version) {
                Ok(Verdict::Outside) => {}
                Ok(verdict) => return Ok(Ok(verdict)),
                Err(error) => failure = Some(error),
            }
        }
        for _ in 0..cursor.count()? {
            if cursor.text()? == version {
                return Ok(Ok(Verdict::Listed));
            }
        }
        Ok(failure.map_or(Ok(Verdict::Outside), Err))
    }

    /// Its ranges.
    ///
    /// # Errors
    /// If that part of the index is damaged.
    pub fn ranges(&self) -> Result<Vec<RangeRef<'a>>, Error> {
        let mut cursor = self.rest.clone();
        let count = cursor.count()?;
        (0..count).map(|_| RangeRef::read(&mut cursor)).collect()
    }
}
