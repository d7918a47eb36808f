//! Tables. The header is repeated on each page; `SheetTable` gives it its shade.

use super::body::{Body, Form};
use crate::blocks::{self, Run, Table};

/// How wide the text is, and so every table, in twentieths of a point: a page of A4 without its margins.
const TEXT_WIDTH: usize = 9070;

/// That a table is as its style says, with a header and without bands.
const LOOK: &[(&str, &str)] = &[
    ("w:val", "0620"),
    ("w:firstRow", "1"),
    ("w:lastRow", "0"),
    ("w:firstColumn", "0"),
    ("w:lastColumn", "0"),
    ("w:noHBand", "1"),
    ("w:noVBand", "1"),
];

impl Body {
    pub(super) fn table(&mut self, table: &Table) {
        let widths: Vec<String> = widths(table).iter().map(usize::to_string).collect();
        self.xml.open("w:tbl", &[]);
        self.xml.open("w:tblPr", &[]);
        self.xml.value("w:tblStyle", "SheetTable");
        self.xml.empty("w:tblW", &[("w:w", &TEXT_WIDTH.to_string()), ("w:type", "dxa")]);
        self.xml.empty("w:tblLayout", &[("w:type", "fixed")]);
        self.xml.empty("w:tblLook", LOOK);
        self.xml.close();
        self.xml.open("w:tblGrid", &[]);
        widths.iter().for_each(|width| self.xml.empty("w:gridCol", &[("w:w", width)]));
        self.xml.close();
        for (place, row) in std::iter::once(&table.header).chain(&table.rows).enumerate() {
            let is_header = place == 0;
            self.xml.open("w:tr", &[]);
            self.row(is_header);
            for ((runs, side), width) in row.iter().zip(&table.sides).zip(&widths) {
                let style = if is_header { "TableHeader" } else { "TableText" };
                self.cell(Form { style, side: Some(*side), ..Form::default() }, width, runs);
            }
            self.xml.close();
        }
        self.xml.close();
        // Word joins tables that follow each other.
        self.line("AfterTable", "");
    }

    /// What a row is like: it stays whole, and the header comes again on each page.
    fn row(&mut self, is_header: bool) {
        self.xml.open("w:trPr", &[]);
        self.xml.empty("w:cantSplit", &[]);
        if is_header {
            self.xml.empty("w:tblHeader", &[]);
        }
        self.xml.close();
    }

    fn cell(&mut self, form: Form, width: &str, runs: &[Run]) {
        self.xml.open("w:tc", &[]);
        self.xml.open("w:tcPr", &[]);
        self.xml.empty("w:tcW", &[("w:w", width), ("w:type", "dxa")]);
        self.xml.close();
        self.paragraph(form, runs);
        self.xml.close();
    }
}

/// The widths of the columns: shares that grow slower than their text.
fn widths(table: &Table) -> Vec<usize> {
    let rows = || std::iter::once(&table.header).chain(&table.rows);
    let longest = |column: usize| {
        let cells = rows().filter_map(|row| row.get(column));
        cells.map(|cell| blocks::plain(cell).chars().count()).max().unwrap_or(0).clamp(9, 400).isqrt()
    };
    let shares: Vec<usize> = (0..table.header.len()).map(longest).collect();
    let all: usize = shares.iter().sum();
    shares.into_iter().map(|share| TEXT_WIDTH * share / all.max(1)).collect()
}
