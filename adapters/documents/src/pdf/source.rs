//! Blocks as Typst source. Every piece of somebody's text is a string literal: nothing in it can be code.

use super::world;
use crate::blocks::{Block, List, Run, Side, Style, Table, plain, spelled};

/// How the page looks.
const PAGE: &str = include_str!("page.typ");

/// After how many signs without a space a line may break: a fingerprint is longer than a column.
const UNBROKEN: usize = 24;

/// How many signs of code fit on a line.
const CODE_LINE: usize = 80;

/// A column whose longest cell has at most this many signs is as wide as it needs.
const NARROW: usize = 14;

/// The whole source.
pub(super) fn source(title: &str, imprint: &str, blocks: &[Block]) -> String {
    let [title, imprint] = [title, imprint].map(|text| prose(text, Style::default()));
    let mut source = format!("#let sheet-title = [{title}]\n#let sheet-imprint = [{imprint}]\n{PAGE}\n");
    for written in blocks.iter().map(block) {
        source.push_str(&written);
        source.push_str("\n\n");
    }
    source
}

/// A block as markup. Blocks nest a few levels only, so this may call itself.
fn block(block: &Block) -> String {
    match block {
        Block::Heading(level, text) => format!("#heading(level: {level})[{}]", runs(text)),
        Block::Paragraph(text) => format!("#par[{}]", runs(text)),
        Block::Code(text) => format!("#raw(block: true, {})", literal(&code_lines(text))),
        Block::List(list) => self::list(list),
        Block::Quote(inner) => format!("#quote(block: true)[{}]", blocks(inner, false)),
        Block::Table(table) => self::table(table),
        Block::Rule => "#rule".to_owned(),
    }
}

/// Blocks in a block. The first paragraph of an item of a tight list is no paragraph of its own.
fn blocks(inner: &[Block], is_tight: bool) -> String {
    let mut written = String::new();
    for (place, inner) in inner.iter().enumerate() {
        match inner {
            Block::Paragraph(text) if is_tight && place == 0 => written.push_str(&runs(text)),
            _ => written.push_str(&block(inner)),
        }
    }
    written
}

fn list(list: &List) -> String {
    let items: String = list.items.iter().map(|item| format!(", [{}]", blocks(item, list.is_tight))).collect();
    match list.start {
        Some(start) => format!("#enum(tight: {}, start: {start}{items})", list.is_tight),
        None => format!("#list(tight: {}{items})", list.is_tight),
    }
}

fn table(table: &Table) -> String {
    let cells = |row: &[Vec<Run>]| row.iter().map(|cell| format!("[{}], ", runs(cell))).collect::<String>();
    let columns: String = (0..table.header.len()).map(|column| width(table, column)).collect();
    let sides: String = table.sides.iter().map(|side| side_name(*side)).collect();
    let mut written =
        format!("#table(columns: ({columns}), align: ({sides}), table.header({}), ", cells(&table.header));
    table.rows.iter().for_each(|row| written.push_str(&cells(row)));
    written.push(')');
    written
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Left => "left, ",
        Side::Center => "center, ",
        Side::Right => "right, ",
    }
}

/// How wide a column is: as wide as it needs if that is little, else a share that grows slower than its text.
fn width(table: &Table, column: usize) -> String {
    let rows = std::iter::once(&table.header).chain(&table.rows);
    let longest = rows.filter_map(|row| row.get(column)).map(|cell| plain(cell).chars().count()).max().unwrap_or(0);
    if longest <= NARROW { "auto, ".to_owned() } else { format!("{}fr, ", longest.clamp(16, 400).isqrt()) }
}

fn runs(runs: &[Run]) -> String {
    runs.iter().map(run).collect()
}

fn run(run: &Run) -> String {
    let line = |line: &str| if run.style.is_code { styled(code(line), run.style) } else { prose(line, run.style) };
    let written = run.text.split('\n').map(line).collect::<Vec<_>>().join("#linebreak()");
    match &run.link {
        Some(address) => format!("#link({})[{written}]", literal(address)),
        None => written,
    }
}

fn styled(mut written: String, style: Style) -> String {
    if style.is_emphasised {
        written = format!("#emph[{written}]");
    }
    if style.is_strong {
        written = format!("#strong[{written}]");
    }
    written
}

/// A line of prose, each sign in a family that has it: no run mixes families, so every cluster has its glyphs.
fn prose(line: &str, style: Style) -> String {
    let mut pieces: Vec<(usize, &'static str, String)> = Vec::new();
    let mut push = |place: usize, name: &'static str, sign: char| match pieces.last_mut() {
        Some((last, _, text)) if *last == place => text.push(sign),
        _ => pieces.push((place, name, sign.to_string())),
    };
    for sign in line.chars().filter(|sign| !is_invisible(*sign)) {
        match world::family(sign) {
            Some((place, name)) => push(place, name, sign),
            None => substitute(sign).chars().for_each(|sign| push(0, "", sign)),
        }
    }
    let piece = |(place, name, text): (usize, &str, String)| match place {
        0 => styled(breakable(&text, |part| format!("#{part}")), style),
        // Only the regular face of another family is known to have the sign.
        _ => {
            breakable(&text, |part| format!("#text(font: \"{name}\", style: \"normal\", weight: \"regular\", {part})"))
        }
    };
    pieces.into_iter().map(piece).collect()
}

/// A line of code in running text.
fn code(line: &str) -> String {
    breakable(&in_code(line), |part| format!("#raw({part})"))
}

/// A text for the family of code.
fn in_code(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars().filter(|sign| !is_invisible(*sign)) {
        if sign == '\n' || world::is_in_code(sign) { shown.push(sign) } else { shown.push_str(&substitute(sign)) }
    }
    shown
}

/// A block of code whose lines fit, where they have no space to break at.
fn code_lines(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut unbroken = 0;
    for sign in in_code(text).chars() {
        if unbroken == CODE_LINE {
            written.push('\n');
        }
        unbroken = if sign.is_whitespace() { 0 } else { unbroken % CODE_LINE + 1 };
        written.push(sign);
    }
    written
}

/// A text as literals between which a line may break, if it goes on for long without a space.
fn breakable(text: &str, wrap: impl Fn(&str) -> String) -> String {
    let (mut written, mut part, mut unbroken) = (String::new(), String::new(), 0);
    for sign in text.chars() {
        if unbroken == UNBROKEN {
            written.push_str(&wrap(&literal(&part)));
            // Typst leaves out a space of no width at all.
            written.push_str("#h(0.01pt)");
            (part, unbroken) = (String::new(), 0);
        }
        unbroken = if sign.is_whitespace() { 0 } else { unbroken + 1 };
        part.push(sign);
    }
    if !part.is_empty() {
        written.push_str(&wrap(&literal(&part)));
    }
    written
}

/// Signs that show nothing; the fonts need not have them.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

/// What stands for a sign that no font here has.
fn substitute(sign: char) -> String {
    match sign {
        _ if sign.is_whitespace() => " ".to_owned(),
        '\u{2010}' | '\u{2011}' => "-".to_owned(),
        _ => spelled(sign),
    }
}

/// A string literal of Typst.
fn literal(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for sign in text.chars() {
        match sign {
            '"' | '\\' => written.extend(['\\', sign]),
            _ if sign.is_control() => written.push_str(&format!("\\u{{{:x}}}", u32::from(sign))),
            _ => written.push(sign),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::{Style, literal, source};

    fn prose(text: &str) -> String {
        super::prose(text, Style::default())
    }

    #[test]
    fn nothing_in_a_literal_ends_it() {
        assert_eq!(literal("a\"b\\c\n#eval(\"x\")"), r##""a\"b\\c\u{a}#eval(\"x\")""##);
    }

    #[test]
    fn text_is_only_ever_in_literals() {
        let written = prose("#panic() $x$ @label <b> *s* _e_ `r` = h \\ ]");
        assert_eq!(written, "#\"#panic() $x$ @label <b> *s* _e_ `r` = h \\\\ ]\"");
    }

    #[test]
    fn signs_without_a_glyph_are_spelled_out() {
        assert_eq!(prose("中\u{e000}"), "#\"[U+4E2D][U+E000]\"");
        assert!(prose("a✓").contains("#text(font: "), "{}", prose("a✓"));
    }

    #[test]
    fn a_title_is_no_code() {
        let written = source("]#panic(\"x\")[", "", &[]);
        assert!(written.starts_with("#let sheet-title = [#\"]#panic(\\\"x\\\")[\"]\n"), "{written}");
    }
}
