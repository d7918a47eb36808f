//! Text in runs of one style each.

use comrak::Node;
use comrak::arena_tree::NodeEdge;
use comrak::nodes::NodeValue;

/// How long an address may be; Typst refuses more than 8000 bytes.
const LONGEST_ADDRESS: usize = 2000;

/// Text of one style; a line feed in it is a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) text: String,
    pub(crate) style: Style,
    /// An address in ASCII, of a scheme that is safe.
    pub(crate) link: Option<String>,
}

/// How a run looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) is_strong: bool,
    pub(crate) is_emphasised: bool,
    pub(crate) is_code: bool,
}

/// What a walk over inlines knows.
#[derive(Default)]
struct Walk {
    runs: Vec<Run>,
    strong: usize,
    emphasis: usize,
    link: Option<String>,
}

/// The text in a block. A walk without recursion, however deep the text is.
pub(crate) fn runs(node: Node<'_>) -> Vec<Run> {
    let mut walk = Walk::default();
    for edge in node.traverse() {
        match edge {
            NodeEdge::Start(inner) => walk.enter(&inner.data().value),
            NodeEdge::End(inner) => walk.leave(&inner.data().value),
        }
    }
    walk.runs
}

impl Walk {
    fn enter(&mut self, value: &NodeValue) {
        match value {
            NodeValue::Text(text) => self.push(text, false),
            NodeValue::HtmlInline(text) => self.push(text, false),
            NodeValue::Code(code) => self.push(&code.literal, true),
            NodeValue::SoftBreak => self.push(" ", false),
            NodeValue::LineBreak => self.push("\n", false),
            NodeValue::Strong => self.strong += 1,
            NodeValue::Emph => self.emphasis += 1,
            NodeValue::Link(link) => self.link = address(&link.url),
            _ => {}
        }
    }

    fn leave(&mut self, value: &NodeValue) {
        match value {
            NodeValue::Strong => self.strong -= 1,
            NodeValue::Emph => self.emphasis -= 1,
            NodeValue::Link(_) => self.link = None,
            // Nothing is fetched: an image is its description and its address.
            NodeValue::Image(image) => self.push(&format!(" ({})", image.url), false),
            _ => {}
        }
    }

    fn push(&mut self, text: &str, is_code: bool) {
        let style = Style { is_strong: self.strong > 0, is_emphasised: self.emphasis > 0, is_code };
        let text = clean(text);
        match self.runs.last_mut() {
            Some(last) if last.style == style && last.link == self.link => last.text.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.runs.push(Run { text, style, link: self.link.clone() }),
        }
    }
}

/// Text as it stands, line by line.
pub(crate) fn literal(text: &str) -> Vec<Run> {
    let text = clean(text);
    if text.is_empty() { Vec::new() } else { vec![Run { text, style: Style::default(), link: None }] }
}

/// A block of code.
pub(crate) fn code(text: &str) -> String {
    clean(&text.replace('\t', "    ")).trim_end_matches('\n').to_owned()
}

/// Text on one line.
pub(crate) fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs as text on one line.
pub(crate) fn plain(runs: &[Run]) -> String {
    line(&runs.iter().map(|run| run.text.as_str()).collect::<String>())
}

pub(crate) fn strong(mut runs: Vec<Run>) -> Vec<Run> {
    runs.iter_mut().for_each(|run| run.style.is_strong = true);
    runs
}

pub(crate) fn unlinked(mut runs: Vec<Run>) -> Vec<Run> {
    runs.iter_mut().for_each(|run| run.link = None);
    runs
}

/// The cells of a row as one text.
pub(crate) fn joined(cells: Vec<Vec<Run>>) -> Vec<Run> {
    let bar = || literal(" | ");
    cells
        .into_iter()
        .enumerate()
        .flat_map(|(column, cell)| if column == 0 { cell } else { [bar(), cell].concat() })
        .collect()
}

/// An address that a file may point to: the web and mail, in ASCII, without what ends an address.
fn address(url: &str) -> Option<String> {
    let start = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    if url.len() > LONGEST_ADDRESS || !["http://", "https://", "mailto:"].iter().any(|scheme| start.starts_with(scheme))
    {
        return None;
    }
    let mut address = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(address)
}

/// Text without what has no place in a file: spelled out where it could mean something.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '\n' => clean.push(sign),
            '\r' => {}
            '\t' | '\u{2028}' | '\u{2029}' => clean.push(' '),
            _ if is_unprintable(sign) => clean.push_str(&spelled(sign)),
            _ => clean.push(sign),
        }
    }
    clean
}

/// Whether a sign steers rather than shows: controls, the direction of writing, tags, signs that Unicode says are none.
fn is_unprintable(sign: char) -> bool {
    let is_none = u32::from(sign) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&sign);
    let turns = matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let steers = matches!(sign, '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    sign.is_control() || is_none || turns || steers
}

/// A sign by its number, as Unicode writes it.
pub(crate) fn spelled(sign: char) -> String {
    format!("[U+{:04X}]", u32::from(sign))
}
