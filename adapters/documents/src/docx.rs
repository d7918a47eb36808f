//! Markdown as DOCX: headings, lists and tables are what Word calls so, that the reader can go on writing.
//!
//! The parts are those of ECMA-376, part 1 (`WordprocessingML`, transitional). What is the same in each file lies in `docx/parts`.

mod body;
mod links;
mod numbers;
mod package;
mod table;
mod xml;

use crate::blocks;
use crate::error::Error;
use crate::sheet::Sheet;
use body::Body;
use xml::Xml;

/// Markdown (`CommonMark` with tables) as a DOCX. Addresses that could do something are left out.
///
/// # Errors
/// If the text is too long, or the date is out of range.
pub fn docx(sheet: &Sheet<'_>, markdown: &str) -> Result<Vec<u8>, Error> {
    let title = sheet.heading();
    let blocks = blocks::read(markdown, &title)?;
    let mut body = Body::new();
    body.line("Title", &title);
    body.line("Subtitle", &sheet.subtitle());
    body.blocks(&blocks);
    let (document, numbers, links) = body.finish();
    let parts = [
        ("[Content_Types].xml", include_str!("docx/parts/content_types.xml").to_owned()),
        ("_rels/.rels", include_str!("docx/parts/rels.xml").to_owned()),
        ("docProps/core.xml", properties(sheet)?),
        ("docProps/app.xml", include_str!("docx/parts/app.xml").to_owned()),
        ("word/document.xml", document),
        ("word/_rels/document.xml.rels", links.part()),
        ("word/styles.xml", include_str!("docx/parts/styles.xml").to_owned()),
        ("word/numbering.xml", numbers.part()),
        ("word/settings.xml", include_str!("docx/parts/settings.xml").to_owned()),
        ("word/fontTable.xml", include_str!("docx/parts/font_table.xml").to_owned()),
        ("word/header1.xml", header(&title)),
        ("word/footer1.xml", include_str!("docx/parts/footer.xml").to_owned()),
    ];
    package::packed(&parts).map_err(Error::Pack)
}

/// What the file says about itself.
fn properties(sheet: &Sheet<'_>) -> Result<String, Error> {
    let at = sheet.date()?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let w3c = [("xsi:type", "dcterms:W3CDTF")];
    let mut xml = Xml::new(
        "cp:coreProperties",
        &[
            ("xmlns:cp", "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"),
            ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
            ("xmlns:dcterms", "http://purl.org/dc/terms/"),
            ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
        ],
    );
    xml.leaf("dc:title", &[], &sheet.heading());
    xml.leaf("dc:subject", &[], &sheet.subtitle());
    xml.leaf("dc:creator", &[], "Plimsoll");
    xml.leaf("dc:language", &[], "en-GB");
    xml.leaf("dcterms:created", &w3c, &at);
    xml.leaf("dcterms:modified", &w3c, &at);
    Ok(xml.finish())
}

/// The title at the top of each page.
fn header(title: &str) -> String {
    let mut xml = Xml::new("w:hdr", &[xml::WORD]);
    xml.open("w:p", &[]);
    xml.open("w:pPr", &[]);
    xml.value("w:pStyle", "Header");
    xml.close();
    xml.open("w:r", &[]);
    xml.leaf("w:t", &[xml::PRESERVE], title);
    xml.finish()
}
