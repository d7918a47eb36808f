//! Debian control files: paragraphs of `Field: value` lines (deb822(5)), read without copying.

use std::borrow::Cow;
use std::io::{Error, Read, Result};

/// One paragraph.
pub(crate) struct Paragraph<'a> {
    text: &'a [u8],
}

/// Cuts a file into its paragraphs.
pub(crate) fn paragraphs(text: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut rest = text;
    let empty_line = memchr::memmem::Finder::new(b"\n\n");
    std::iter::from_fn(move || {
        loop {
            rest = skip_blank_lines(rest);
            if rest.is_empty() {
                return None;
            }
            let end = blank_line(rest, &empty_line).unwrap_or(rest.len());
            let (text, tail) = rest.split_at(end);
            rest = tail;
            if !text.trim_ascii().is_empty() {
                return Some(Paragraph { text });
            }
        }
    })
}

/// The bytes that are read of a stream at a time; a paragraph that is longer has more read for it.
const PIECE: usize = 128 * 1024;
/// No paragraph is as long.
const MOST_BYTES_OF_PARAGRAPH: usize = 16 << 20;

/// Calls `each` with the paragraphs of a stream in their order, as [`paragraphs`] cuts them, and never holds more than a piece of it.
/// Says how many bytes it had.
///
/// # Errors
/// If it cannot be read, or a paragraph is longer than any is.
pub(crate) fn each_paragraph(mut stream: impl Read, mut each: impl FnMut(&Paragraph<'_>)) -> Result<u64> {
    let mut held = vec![0; PIECE];
    let (mut filled, mut total) = (0, 0);
    loop {
        if filled == held.len() {
            if filled >= MOST_BYTES_OF_PARAGRAPH {
                return Err(Error::other(format!("a paragraph has more than {MOST_BYTES_OF_PARAGRAPH} bytes")));
            }
            held.resize(2 * filled, 0);
        }
        let read = match stream.read(&mut held[filled..]) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        (filled, total) = (filled + read, total + read as u64);
        // What follows the last empty line is not whole until there is no more.
        let whole = if read == 0 { filled } else { last_break(&held[..filled]) };
        paragraphs(&held[..whole]).for_each(|paragraph| each(&paragraph));
        if read == 0 {
            return Ok(total);
        }
        held.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

/// Where the last paragraph begins that may not be whole: behind the last empty line that something follows.
fn last_break(text: &[u8]) -> usize {
    let mut end = text.len();
    while let Some(at) = memchr::memrchr(b'\n', &text[..end]) {
        let line = &text[at + 1..end];
        // An empty line that ends here.
        if matches!(line, b"" | b"\r") && end < text.len() {
            return end + 1;
        }
        end = at;
    }
    0
}

fn skip_blank_lines(mut text: &[u8]) -> &[u8] {
    while let Some((b'\n' | b'\r', tail)) = text.split_first().map(|(first, tail)| (*first, tail)) {
        text = tail;
    }
    text
}

/// Where the next empty line begins.
fn blank_line(text: &[u8], empty_line: &memchr::memmem::Finder<'_>) -> Option<usize> {
    // Almost all files have no other line ends than these, and then the next empty line is found at once.
    let next = empty_line.find(text);
    let before = &text[..next.map_or(text.len(), |at| at + 1)];
    if memchr::memchr(b'\r', before).is_none() {
        return next.map(|at| at + 1).or_else(|| text.ends_with(b"\n").then_some(text.len()));
    }
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
    use testkit::fuzz::Random;

    /// A stream that gives a few bytes at a time.
    struct Dripping<'a>(&'a [u8], Random);

    impl Read for Dripping<'_> {
        fn read(&mut self, room: &mut [u8]) -> Result<usize> {
            let count = (1 + self.1.below(7)).min(room.len()).min(self.0.len());
            let (given, rest) = self.0.split_at(count);
            room[..count].copy_from_slice(given);
            self.0 = rest;
            Ok(count)
        }
    }

    #[test]
    fn a_stream_has_the_paragraphs_of_the_whole() {
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let bytes: Vec<u8> =
                (0..random.below(40)).map(|_| *b"\n\n\n\r: aB".get(random.below(9)).unwrap_or(&b'x')).collect();
            let whole: Vec<Vec<u8>> = paragraphs(&bytes).map(|paragraph| paragraph.text.to_vec()).collect();
            let mut found = Vec::new();
            let seed = random.next_u64();
            let total =
                each_paragraph(Dripping(&bytes, Random::new(seed)), |paragraph| found.push(paragraph.text.to_vec()));
            assert_eq!(total.expect("read"), bytes.len() as u64);
            let trimmed =
                |all: Vec<Vec<u8>>| all.into_iter().map(|text| text.trim_ascii().to_vec()).collect::<Vec<_>>();
            assert_eq!(trimmed(found), trimmed(whole), "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_paragraph_that_does_not_end_is_an_error_before_it_fills_memory() {
        let read = each_paragraph(std::io::repeat(b'a'), |_| {});
        assert!(read.is_err_and(|error| error.to_string().contains("a paragraph has more than")));
    }

    #[test]
    fn paragraphs_and_fields_are_found() {
        let text = b"\n\nPackage: a\nDescription: x\n more\n even\nversion: 1\n\n\n\nPackage: b\r\n\r\nPackage: c";
        let all: Vec<_> = paragraphs(text).collect();
        let names: Vec<_> = all.iter().filter_map(|paragraph| paragraph.get("Package")).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(all[0].get("Version").as_deref(), Some("1"));
    }
}
