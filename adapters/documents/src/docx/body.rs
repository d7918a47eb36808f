//! The text of a DOCX. Elements stand in the order of the schema: Word refuses a file where they do not.

use super::links::{FOOTER, HEADER, Links};
use super::numbers::{BULLETS, Numbers};
use super::xml::{PRESERVE, RELATIONS, WORD, Xml};
use crate::blocks::{Block, List, Run, Side};

/// By how much a quote or an item of a list stands in, in twentieths of a point; `numbering.xml` has the same.
const STEP: usize = 425;

/// The text as it grows.
pub(super) struct Body {
    pub(super) xml: Xml,
    numbers: Numbers,
    links: Links,
}

/// Where a block stands.
#[derive(Clone, Copy, Default)]
struct Place {
    /// How far it stands in.
    indent: usize,
    /// How many lists it is in.
    lists: usize,
    is_quote: bool,
}

/// What a paragraph is like.
#[derive(Clone, Copy, Default)]
pub(super) struct Form {
    pub(super) style: &'static str,
    pub(super) side: Option<Side>,
    pub(super) indent: usize,
    /// Whether the first line stands out by a step, for a bullet or a number.
    pub(super) is_hanging: bool,
    /// The numbering and its level.
    pub(super) counted: Option<(usize, usize)>,
}

impl Body {
    pub(super) fn new() -> Self {
        let mut xml = Xml::new("w:document", &[WORD, RELATIONS]);
        xml.open("w:body", &[]);
        Self { xml, numbers: Numbers::default(), links: Links::default() }
    }

    /// The text as a part, and what it names in others.
    pub(super) fn finish(mut self) -> (String, Numbers, Links) {
        self.section();
        (self.xml.finish(), self.numbers, self.links)
    }

    pub(super) fn blocks(&mut self, blocks: &[Block]) {
        blocks.iter().for_each(|block| self.block(block, Place::default()));
    }

    /// A paragraph of plain text; a line feed in it is a line break.
    pub(super) fn line(&mut self, style: &'static str, text: &str) {
        self.plain(Form { style, ..Form::default() }, text);
    }

    /// A paragraph of runs.
    pub(super) fn paragraph(&mut self, form: Form, runs: &[Run]) {
        self.begin(form);
        self.runs(runs);
        self.xml.close();
    }

    /// A block. Blocks nest a few levels only, so this may call itself.
    fn block(&mut self, block: &Block, place: Place) {
        let indent = place.indent;
        match block {
            Block::Heading(level, runs) => self.paragraph(Form { style: heading(*level), ..Form::default() }, runs),
            Block::Paragraph(runs) => self.paragraph(Form { style: prose(place), indent, ..Form::default() }, runs),
            Block::Code(code) => self.plain(Form { style: "SourceCode", indent, ..Form::default() }, code),
            Block::List(list) => self.list(list, place),
            Block::Quote(inner) => {
                let place = Place { indent: indent + STEP, is_quote: true, ..place };
                inner.iter().for_each(|block| self.block(block, place));
            }
            Block::Table(table) => self.table(table),
            Block::Rule => self.line("HorizontalLine", ""),
        }
    }

    fn list(&mut self, list: &List, place: Place) {
        let numbering = match list.start {
            Some(start) => self.numbers.add(start, list.items.len(), place.lists),
            None => Some(BULLETS),
        };
        let within = Place { indent: place.indent + STEP, lists: place.lists + 1, ..place };
        let counted = numbering.map(|numbering| (numbering, place.lists));
        let form = Form { style: "ListParagraph", indent: within.indent, is_hanging: true, counted, side: None };
        for (item, number) in list.items.iter().zip(list.start.unwrap_or(0)..) {
            let (first, rest) = match item.split_first() {
                Some((Block::Paragraph(runs), rest)) => (runs.as_slice(), rest),
                // Every item has its bullet or number, also one that begins with a table, or is empty.
                _ => (&[][..], item.as_slice()),
            };
            self.begin(form);
            // What Word cannot count is written.
            if numbering.is_none() {
                self.written_number(number);
            }
            self.runs(first);
            self.xml.close();
            rest.iter().for_each(|block| self.block(block, within));
        }
    }

    fn written_number(&mut self, number: usize) {
        self.xml.open("w:r", &[]);
        self.xml.leaf("w:t", &[PRESERVE], &format!("{number}."));
        self.xml.empty("w:tab", &[]);
        self.xml.close();
    }

    fn plain(&mut self, form: Form, text: &str) {
        self.begin(form);
        if !text.is_empty() {
            self.xml.open("w:r", &[]);
            self.lines(text);
            self.xml.close();
        }
        self.xml.close();
    }

    /// Opens a paragraph.
    fn begin(&mut self, form: Form) {
        self.xml.open("w:p", &[]);
        self.xml.open("w:pPr", &[]);
        self.xml.value("w:pStyle", form.style);
        if let Some((numbering, level)) = form.counted {
            self.xml.open("w:numPr", &[]);
            self.xml.value("w:ilvl", &level.to_string());
            self.xml.value("w:numId", &numbering.to_string());
            self.xml.close();
        }
        if form.indent > 0 {
            let hanging = if form.is_hanging { STEP } else { 0 };
            self.xml.empty("w:ind", &[("w:left", &form.indent.to_string()), ("w:hanging", &hanging.to_string())]);
        }
        match form.side {
            Some(Side::Center) => self.xml.value("w:jc", "center"),
            Some(Side::Right) => self.xml.value("w:jc", "right"),
            Some(Side::Left) | None => {}
        }
        self.xml.close();
    }

    /// Runs; those that follow each other and lead to the same address are one link.
    fn runs(&mut self, runs: &[Run]) {
        for group in runs.chunk_by(|run, next| run.link == next.link) {
            let address = group.first().and_then(|run| run.link.as_deref());
            let id = address.and_then(|address| self.links.id(address));
            if let Some(id) = &id {
                self.xml.open("w:hyperlink", &[("r:id", id), ("w:history", "1")]);
            }
            group.iter().for_each(|run| self.run(run, id.is_some()));
            if id.is_some() {
                self.xml.close();
            }
        }
    }

    fn run(&mut self, run: &Run, is_link: bool) {
        let style = match (is_link, run.style.is_code) {
            (true, true) => Some("HyperlinkCode"),
            (true, false) => Some("Hyperlink"),
            (false, true) => Some("Code"),
            (false, false) => None,
        };
        self.xml.open("w:r", &[]);
        if style.is_some() || run.style.is_strong || run.style.is_emphasised {
            self.xml.open("w:rPr", &[]);
            style.into_iter().for_each(|style| self.xml.value("w:rStyle", style));
            let strong = if run.style.is_strong { &["w:b", "w:bCs"][..] } else { &[] };
            let emphasised = if run.style.is_emphasised { &["w:i", "w:iCs"][..] } else { &[] };
            strong.iter().chain(emphasised).for_each(|sign| self.xml.empty(sign, &[]));
            self.xml.close();
        }
        self.lines(&run.text);
        self.xml.close();
    }

    /// Text in a run; its line feeds are line breaks.
    fn lines(&mut self, text: &str) {
        for (place, line) in text.split('\n').enumerate() {
            if place > 0 {
                self.xml.empty("w:br", &[]);
            }
            if !line.is_empty() {
                self.xml.leaf("w:t", &[PRESERVE], line);
            }
        }
    }

    /// The page: A4, with its header and footer.
    fn section(&mut self) {
        self.xml.open("w:sectPr", &[]);
        self.xml.empty("w:headerReference", &[("w:type", "default"), ("r:id", HEADER)]);
        self.xml.empty("w:footerReference", &[("w:type", "default"), ("r:id", FOOTER)]);
        self.xml.empty("w:pgSz", &[("w:w", "11906"), ("w:h", "16838")]);
        let margins = [("w:top", "1418"), ("w:right", "1418"), ("w:bottom", "1418"), ("w:left", "1418")];
        let others = [("w:header", "709"), ("w:footer", "709"), ("w:gutter", "0")];
        self.xml.empty("w:pgMar", &[&margins[..], &others[..]].concat());
        self.xml.close();
    }
}

/// The style of a heading.
fn heading(level: usize) -> &'static str {
    match level {
        1 => "Heading1",
        2 => "Heading2",
        3 => "Heading3",
        4 => "Heading4",
        5 => "Heading5",
        _ => "Heading6",
    }
}

/// The style of a paragraph of prose.
fn prose(place: Place) -> &'static str {
    match (place.is_quote, place.lists) {
        (true, _) => "Quote",
        (false, 0) => "BodyText",
        (false, _) => "ListParagraph",
    }
}
