//! XML as it is written: what is open is closed, and text is text.

use crate::blocks;

/// The namespace of the text, for the root of a part.
pub(super) const WORD: (&str, &str) = ("xmlns:w", "http://schemas.openxmlformats.org/wordprocessingml/2006/main");

/// The namespace of references from one part to another.
pub(super) const RELATIONS: (&str, &str) =
    ("xmlns:r", "http://schemas.openxmlformats.org/officeDocument/2006/relationships");

/// For text whose spaces count, also at its ends.
pub(super) const PRESERVE: (&str, &str) = ("xml:space", "preserve");

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Attributes of a tag, in order.
type Attributes<'a> = &'a [(&'a str, &'a str)];

/// A document as it grows.
pub(super) struct Xml {
    written: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// A document with its root, which `finish` closes.
    pub(super) fn new(root: &'static str, attributes: Attributes<'_>) -> Self {
        let mut xml = Self { written: DECLARATION.to_owned(), open: Vec::new() };
        xml.open(root, attributes);
        xml
    }

    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.tag(name, attributes);
        self.written.push('>');
        self.open.push(name);
    }

    /// Closes what was opened last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.written.extend(["</", name, ">"]);
        }
    }

    pub(super) fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        self.tag(name, attributes);
        self.written.push_str("/>");
    }

    /// An empty element that says one thing, as most of Word's do.
    pub(super) fn value(&mut self, name: &str, value: &str) {
        self.empty(name, &[("w:val", value)]);
    }

    /// An element that holds only text.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.open(name, attributes);
        self.text(text);
        self.close();
    }

    /// The document, with all that is open closed.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.written
    }

    fn tag(&mut self, name: &str, attributes: Attributes<'_>) {
        self.written.extend(["<", name]);
        for (key, value) in attributes {
            self.written.extend([" ", key, "=\""]);
            self.text(value);
            self.written.push('"');
        }
    }

    /// Text, also in an attribute. What XML 1.0 (2.2) forbids is spelled out.
    fn text(&mut self, text: &str) {
        for sign in text.chars() {
            match sign {
                '&' => self.written.push_str("&amp;"),
                '<' => self.written.push_str("&lt;"),
                '>' => self.written.push_str("&gt;"),
                '"' => self.written.push_str("&quot;"),
                '\t' | '\n' => self.written.push(sign),
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' => self.written.push_str(&blocks::spelled(sign)),
                _ => self.written.push(sign),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DECLARATION, Xml};

    #[test]
    fn text_is_never_a_tag() {
        let mut xml = Xml::new("a", &[("b", "\"<&>\u{1}")]);
        xml.open("c", &[]);
        xml.leaf("d", &[], "</d>\0]]>");
        let written = xml.finish();
        let expected = "<a b=\"&quot;&lt;&amp;&gt;[U+0001]\"><c><d>&lt;/d&gt;[U+0000]]]&gt;</d></c></a>";
        assert_eq!(written.strip_prefix(DECLARATION), Some(expected));
    }
}
