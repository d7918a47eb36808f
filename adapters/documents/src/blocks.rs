//! Markdown as blocks of runs: what both writers of files share.
//!
//! Nothing here is deep: emphasis is a property of a run, and blocks nest `DEPTH` times at most. Raw HTML is text. What has no place in a
//! file (control characters, signs that turn the direction of writing) is spelled out, so that it can be seen and does nothing.

mod inlines;

use crate::error::Error;
use comrak::nodes::{ListType, NodeList, NodeTable, NodeValue, TableAlignment};
use comrak::{Arena, Node, Options};

pub(crate) use inlines::{Run, Style, line, plain, spelled};

/// How often blocks may nest; what lies deeper moves up to this depth. DOCX knows nine levels of a list.
const DEPTH: usize = 8;

/// How many columns a table may have; Word knows 63, and a page of paper fewer still. A wider one becomes paragraphs.
const COLUMNS: usize = 16;

/// How long a text may be.
const LONGEST_BYTES: usize = 1024 * 1024;

/// How many cells all tables together may have: setting them takes time and memory.
const MOST_CELLS: usize = 20_000;

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// A heading; the first has level 1, and none is skipped.
    Heading(usize, Vec<Run>),
    Paragraph(Vec<Run>),
    Code(String),
    List(List),
    Quote(Vec<Block>),
    Table(Table),
    Rule,
}

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    /// The number of its first item; a list without has bullets.
    pub(crate) start: Option<usize>,
    pub(crate) is_tight: bool,
    pub(crate) items: Vec<Vec<Block>>,
}

/// A table; each row has as many cells as `header`, and as `sides`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) sides: Vec<Side>,
    pub(crate) header: Vec<Vec<Run>>,
    pub(crate) rows: Vec<Vec<Vec<Run>>>,
}

/// To which side a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Center,
    Right,
}

/// Reads Markdown. A first heading that only repeats the title is left out.
///
/// # Errors
/// If the text is too long, or has too many cells.
pub(crate) fn read(markdown: &str, title: &str) -> Result<Vec<Block>, Error> {
    if markdown.len() > LONGEST_BYTES {
        return Err(Error::TooLong { bytes: markdown.len(), limit: LONGEST_BYTES });
    }
    let mut options = Options::default();
    options.extension.table = true;
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, markdown, &options);
    let is_cell = |node: &Node<'_>| matches!(node.data().value, NodeValue::TableCell);
    let cells = root.descendants().filter(is_cell).count();
    if cells > MOST_CELLS {
        return Err(Error::TooManyCells { cells, limit: MOST_CELLS });
    }
    let mut blocks = Vec::new();
    for node in root.children() {
        add(node, 0, &mut blocks);
    }
    if matches!(blocks.first(), Some(Block::Heading(_, runs)) if plain(runs) == title) {
        blocks.remove(0);
    }
    level(&mut blocks);
    Ok(blocks)
}

/// Gives the headings levels without gaps: readers' aids, and PDF/UA, want that.
fn level(blocks: &mut [Block]) {
    let mut above: Vec<usize> = Vec::new();
    for block in blocks {
        let Block::Heading(level, _) = block else { continue };
        while above.last().is_some_and(|upper| *upper >= *level) {
            above.pop();
        }
        above.push(*level);
        *level = above.len();
    }
}

/// Adds a block and what lies in it.
fn add(node: Node<'_>, depth: usize, blocks: &mut Vec<Block>) {
    let data = node.data();
    match &data.value {
        NodeValue::List(list) if depth < DEPTH => blocks.push(Block::List(items(node, list, depth + 1))),
        NodeValue::BlockQuote if depth < DEPTH => {
            let inner = within(node, depth + 1);
            if !inner.is_empty() {
                blocks.push(Block::Quote(inner));
            }
        }
        // Too deep: the blocks stay, their frames go. A walk without recursion, however deep the text is.
        NodeValue::List(_) | NodeValue::BlockQuote => {
            node.descendants().for_each(|inner| blocks.extend(leaf(inner, depth)));
        }
        _ => blocks.extend(leaf(node, depth)),
    }
}

/// The blocks in a block.
fn within(node: Node<'_>, depth: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    for inner in node.children() {
        add(inner, depth, &mut blocks);
    }
    blocks
}

fn items(node: Node<'_>, list: &NodeList, depth: usize) -> List {
    List {
        start: (list.list_type == ListType::Ordered).then_some(list.start),
        is_tight: list.tight,
        items: node.children().map(|item| within(item, depth)).collect(),
    }
}

/// A block that holds no other blocks; nothing for what only frames them.
fn leaf(node: Node<'_>, depth: usize) -> Vec<Block> {
    let data = node.data();
    match &data.value {
        NodeValue::Paragraph => text(inlines::runs(node)),
        // An empty heading is none, and in a list or a quote it is no part of the outline.
        NodeValue::Heading(heading) => match inlines::runs(node) {
            runs if plain(&runs).is_empty() => Vec::new(),
            runs if depth > 0 => text(inlines::strong(runs)),
            runs => vec![Block::Heading(usize::from(heading.level), runs)],
        },
        NodeValue::CodeBlock(code) => vec![Block::Code(inlines::code(&code.literal))],
        NodeValue::HtmlBlock(html) => text(inlines::literal(html.literal.trim_end())),
        NodeValue::ThematicBreak => vec![Block::Rule],
        NodeValue::Table(table) => grid(node, table),
        _ => Vec::new(),
    }
}

fn text(runs: Vec<Run>) -> Vec<Block> {
    if runs.is_empty() { Vec::new() } else { vec![Block::Paragraph(runs)] }
}

fn grid(node: Node<'_>, table: &NodeTable) -> Vec<Block> {
    let cells = |row: Node<'_>| row.children().map(|cell| inlines::runs(cell)).collect::<Vec<_>>();
    let mut rows = node.children().map(cells);
    let Some(header) = rows.next().filter(|header| !header.is_empty()) else { return Vec::new() };
    // A header that is repeated on each page may hold no links in PDF/UA.
    let header: Vec<_> = header.into_iter().map(inlines::unlinked).collect();
    let columns = header.len();
    let fitted = rows.map(|mut row| {
        row.resize(columns, Vec::new());
        row
    });
    if columns > COLUMNS {
        return std::iter::once(header).chain(fitted).flat_map(|row| text(inlines::joined(row))).collect();
    }
    let side = |column: usize| match table.alignments.get(column) {
        Some(TableAlignment::Right) => Side::Right,
        Some(TableAlignment::Center) => Side::Center,
        _ => Side::Left,
    };
    vec![Block::Table(Table { sides: (0..columns).map(side).collect(), rows: fitted.collect(), header })]
}
