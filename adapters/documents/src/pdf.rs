//! Markdown as PDF: tagged, for long storage (PDF/A-2a) and for readers' aids (PDF/UA-1).

mod source;
mod world;

use crate::blocks;
use crate::error::Error;
use crate::sheet::Sheet;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};
use world::OneText;

/// Markdown (`CommonMark` with tables) as a PDF. Nothing in the text is code; addresses that could do something are left out.
///
/// # Errors
/// If the text is too long, the date is out of range, or the file would not be what it claims to be.
pub fn pdf(sheet: &Sheet<'_>, markdown: &str) -> Result<Vec<u8>, Error> {
    let title = sheet.heading();
    let options = options(sheet)?;
    let blocks = blocks::read(markdown, &title)?;
    let text = OneText::new(source::source(&title, &sheet.subtitle(), &blocks));
    let made = typst::compile::<PagedDocument>(&text).output.and_then(|document| typst_pdf::pdf(&document, &options));
    // What Typst remembers of one document helps no other.
    typst::comemo::evict(0);
    made.map_err(|problems| Error::Typeset(described(&problems)))
}

/// What the file is to be. Its date is the sheet's, in UTC: Typst asks no clock.
fn options(sheet: &Sheet<'_>) -> Result<PdfOptions, Error> {
    let standards = PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1])
        .map_err(|problem| Error::Typeset(problem.message().to_string()))?;
    Ok(PdfOptions {
        // The id is then made from the content.
        ident: Smart::Auto,
        creator: Smart::Custom(Some("Plimsoll".to_owned())),
        timestamp: Some(Timestamp::new_utc(moment(sheet)?)),
        page_ranges: None,
        standards,
        tagged: true,
        pretty: false,
    })
}

fn moment(sheet: &Sheet<'_>) -> Result<Datetime, Error> {
    let at = sheet.date()?;
    let [month, day, hour, minute, second] =
        [at.month(), at.day(), at.hour(), at.minute(), at.second()].map(i8::unsigned_abs);
    Datetime::from_ymd_hms(i32::from(at.year()), month, day, hour, minute, second).ok_or(Error::Date(sheet.at))
}

fn described(problems: &[SourceDiagnostic]) -> String {
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}
