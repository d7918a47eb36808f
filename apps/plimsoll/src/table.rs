//! Tables for people: columns as wide as what is in them, the last one cut where the terminal ends.

use crate::printable::{cut, printable};
use anstyle::Style;
use anyhow::Result;
use std::io::Write;

const FAINT: Style = Style::new().dimmed();
/// No column but the first and the last is wider.
const MOST: usize = 40;

/// Rows under a head.
pub(crate) struct Table {
    head: Vec<&'static str>,
    /// Which columns hold numbers, and stand to the right.
    numbers: Vec<bool>,
    rows: Vec<(Style, Vec<String>)>,
}

impl Table {
    /// A table with these columns; those that begin with `#` hold numbers.
    pub(crate) fn new(head: &[&'static str]) -> Self {
        let numbers = head.iter().map(|name| name.starts_with('#')).collect();
        Self { head: head.iter().map(|name| name.trim_start_matches('#')).collect(), numbers, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, style: Style, cells: Vec<String>) {
        self.rows.push((style, cells));
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        let cells: Vec<Vec<String>> =
            self.rows.iter().map(|(_, row)| row.iter().map(|cell| printable(cell).into_owned()).collect()).collect();
        let width = |column: usize| {
            let of_cells = cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            of_cells.chain([self.head[column].len()]).max().unwrap_or_default()
        };
        let last = self.head.len() - 1;
        let mut widths: Vec<usize> = (0..=last).map(width).collect();
        // What stands first is what one asks for next: it is never cut.
        widths[..last].iter_mut().skip(1).for_each(|width| *width = (*width).min(MOST));
        if let Some((terminal_size::Width(terminal), _)) = terminal_size::terminal_size_of(std::io::stdout()) {
            let before: usize = widths[..last].iter().map(|width| width + 2).sum();
            widths[last] = widths[last].min(usize::from(terminal).saturating_sub(before).max(12));
        }
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        self.line(out, FAINT, &head, &widths)?;
        for ((style, _), row) in self.rows.iter().zip(&cells) {
            self.line(out, *style, row, &widths)?;
        }
        Ok(())
    }

    fn line(&self, out: &mut Vec<u8>, style: Style, cells: &[String], widths: &[usize]) -> Result<()> {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let (cell, width) = (cut(cell, *width), *width);
            let gap = if column == 0 { "" } else { "  " };
            line.push_str(gap);
            line.push_str(&if self.numbers[column] { format!("{cell:>width$}") } else { format!("{cell:width$}") });
        }
        writeln!(out, "{style}{}{style:#}", line.trim_end())?;
        Ok(())
    }
}
