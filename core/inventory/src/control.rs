//! Debian control files: paragraphs of `Field: value` lines (deb822(5)), read without copying.

use std::borrow::Cow;

/// One paragraph.
pub(crate) struct Paragraph<'a> {
    text: &'a [u8],
}

/// Cuts a file into its paragraphs.
pub(crate) fn paragraphs(text: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = skip_blank_lines(rest);
            if rest.is_empty() {
                return None;
            }
            let end = blank_line(rest).unwrap_or(rest.len());
            let (text, tail) = rest.split_at(end);
            rest = tail;
            if !text.trim_ascii().is_empty() {
                return Some(Paragraph { text });
            }
        }
    })
}

fn skip_blank_lines(mut text: &[u8]) -> &[u8] {
    while let Some((b'\n' | b'\r', tail)) = text.split_first().map(|(first, tail)| (*first, tail)) {
        text = tail;
    }
    text
}

/// Where the next empty line begins.
fn blank_line(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(step) = memchr_newline(&text[at..]) {
        at += step + 1;
        match text.get(at) {
            None | Some(b'\n') => return Some(at),
            Some(b'\r') if text.get(at + 1) == Some(&b'\n') => return Some(at),
            Some(_) => {}
        }
    }
    None
}

fn memchr_newline(text: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', text)
}

impl<'a> Paragraph<'a> {
    /// The first line of a field's value; field names have no case.
    pub(crate) fn get(&self, field: &str) -> Option<Cow<'a, str>> {
        self.fields()
            .find(|(name, _)| name.eq_ignore_ascii_case(field.as_bytes()))
            .map(|(_, value)| String::from_utf8_lossy(value))
    }

    /// A field's value with all its lines, comments left out; empty if there is no such field.
    pub(crate) fn whole(&self, field: &str) -> String {
        let text = String::from_utf8_lossy(self.text);
        let mut value: Option<String> = None;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match (&mut value, line.strip_prefix([' ', '\t'])) {
                (Some(value), Some(more)) => {
                    value.push('\n');
                    value.push_str(more.trim());
                }
                (Some(_), None) => break,
                (None, _) => {
                    let own = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case(field));
                    value = own.map(|(_, value)| value.trim().to_owned());
                }
            }
        }
        value.unwrap_or_default().trim().to_owned()
    }

    /// All fields with the first line of their values, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.text;
        let lines = std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = memchr_newline(rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            Some(line)
        });
        lines.filter(|line| !line.starts_with(b" ") && !line.starts_with(b"\t")).filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_fields_are_found() {
        let text = b"\n\nPackage: a\nDescription: x\n more\n even\nversion: 1\n\n\n\nPackage: b\r\n\r\nPackage: c";
        let all: Vec<_> = paragraphs(text).collect();
        let names: Vec<_> = all.iter().filter_map(|paragraph| paragraph.get("Package")).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(all[0].get("Version").as_deref(), Some("1"));
    }
}
