//! A statement about a package, decoded as far as it is asked for.

use super::ALL_BEFORE;
use super::encode::Cursor;
use super::range::{Verdict, evaluate};
use crate::error::Error;
use crate::model::{FixState, RangeKind, Subject};
use smallvec::{SmallVec, smallvec};
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

/// The statements about one package, decoded one after the other.
#[derive(Debug, Clone, Default)]
pub struct Statements<'a> {
    place: Cursor<'a>,
    left: usize,
}

impl<'a> Statements<'a> {
    /// Starts where a record's statements begin.
    pub(super) fn begin(mut place: Cursor<'a>) -> Result<Self, Error> {
        let left = place.count()?;
        Ok(Self { place, left })
    }
}

impl<'a> Iterator for Statements<'a> {
    type Item = Result<Statement<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let statement = Statement::read(&mut self.place);
        if statement.is_err() {
            self.left = 0;
        }
        Some(statement)
    }
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
        let mut cursor = Cursor::new(place.part()?);
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
