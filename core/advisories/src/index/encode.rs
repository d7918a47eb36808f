//! Numbers and texts of the index: LEB128 and length-prefixed UTF-8, read with every bound checked.

use crate::error::Error;

/// Appends a number in LEB128.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a text with its length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a score from 0 to 10 with one decimal, or nothing.
pub(super) fn put_score(out: &mut Vec<u8>, score: Option<f64>) {
    out.push(score.map_or(0, |score| (score.clamp(0.0, 10.0) * 10.0).round() as u8 + 1));
}

/// Appends an instant in seconds, or nothing; zigzag, shifted by one so that zero is "none".
pub(super) fn put_instant(out: &mut Vec<u8>, instant: Option<jiff::Timestamp>) {
    let zigzag = |second: i64| ((second << 1) ^ (second >> 63)) as u64;
    put_number(out, instant.map_or(0, |at| zigzag(at.as_second()) + 1));
}

/// A place in the index from which values are read in turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the beginning of bytes that were verified.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bytes, with their length before them.
    pub(super) fn part(&mut self) -> Result<&'a [u8], Error> {
        let length = self.count()?;
        let bytes = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(bytes)
    }

    fn damaged(&self, what: &'static str) -> Error {
        Error::Damaged { what, at: self.at }
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.damaged("a byte beyond the end"))?;
        self.at += 1;
        Ok(byte)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged("a number that does not end"))
    }

    /// The next number, as a count of things of at least one byte each.
    pub(super) fn count(&mut self) -> Result<usize, Error> {
        let count = usize::try_from(self.number()?).map_err(|_| self.damaged("a count"))?;
        if count > self.bytes.len().saturating_sub(self.at) {
            return Err(self.damaged("a count beyond the end"));
        }
        Ok(count)
    }

    /// The next text.
    pub(super) fn text(&mut self) -> Result<&'a str, Error> {
        let bytes = self.part()?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged("a text that is not UTF-8"))
    }

    /// The next list of texts.
    pub(super) fn texts(&mut self) -> Result<Vec<&'a str>, Error> {
        let count = self.count()?;
        (0..count).map(|_| self.text()).collect()
    }

    /// The next score.
    pub(super) fn score(&mut self) -> Result<Option<f64>, Error> {
        Ok(self.byte()?.checked_sub(1).map(|tenths| f64::from(tenths) / 10.0))
    }

    /// The next instant.
    pub(super) fn instant(&mut self) -> Result<Option<jiff::Timestamp>, Error> {
        let number = self.number()?;
        let Some(zigzag) = number.checked_sub(1) else { return Ok(None) };
        let second = ((zigzag >> 1) as i64) ^ -((zigzag & 1) as i64);
        jiff::Timestamp::from_second(second).map(Some).map_err(|_| self.damaged("an instant"))
    }
}
