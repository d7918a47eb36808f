//! What a file says about itself, beside its text.

use crate::blocks;
use crate::error::Error;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What a file says about itself, beside its text.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// The title: on the first page, in the header or footer of each, and in the file's properties.
    pub title: &'a str,
    /// One line below the title: whose the document is, which version, since when it is in force.
    pub imprint: &'a str,
    /// When the document was made. The same sheet and text give the same bytes.
    pub at: Timestamp,
}

impl Sheet<'_> {
    /// The title on one line; a file must have one.
    pub(crate) fn heading(&self) -> String {
        let title = blocks::line(self.title);
        if title.is_empty() { "Document".to_owned() } else { title }
    }

    /// The imprint on one line; it may be empty.
    pub(crate) fn subtitle(&self) -> String {
        blocks::line(self.imprint)
    }

    /// The date in UTC.
    ///
    /// # Errors
    /// If the year has not four digits, as the properties of a file need.
    pub(crate) fn date(&self) -> Result<jiff::Zoned, Error> {
        let at = self.at.to_zoned(TimeZone::UTC);
        if (1..=9999).contains(&at.year()) { Ok(at) } else { Err(Error::Date(self.at)) }
    }
}
