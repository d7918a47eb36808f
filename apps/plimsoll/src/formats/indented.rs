//! JSON with each value on a line of its own, as `serde_json` lays it out, with each indentation written in one go, and
//! with all that a terminal would act on escaped.

use crate::printable::is_harmless;
use anyhow::Result;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// What stands between two values: a comma, a line's end and the deepest indentation that is written at once.
const LINE: &[u8; 66] = b",\n                                                                ";

/// Writes a value and ends the last line.
pub(super) fn write(value: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Indented::default()))?;
    out.push(b'\n');
    Ok(())
}

#[derive(Default)]
struct Indented {
    depth: usize,
    /// Whether the list or object that is being written has something in it.
    has_value: bool,
}

impl Indented {
    /// Begins a line, after a comma or not.
    fn line<W: ?Sized + Write>(&self, out: &mut W, has_comma: bool) -> io::Result<()> {
        let (start, end) = (usize::from(!has_comma), self.depth * 2 + 2);
        match LINE.get(start..end) {
            Some(line) => out.write_all(line),
            None => {
                out.write_all(&LINE[start..])?;
                (LINE.len()..end).try_for_each(|_| out.write_all(b" "))
            }
        }
    }

    fn open<W: ?Sized + Write>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        out.write_all(sign)
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(out, false)?;
        }
        out.write_all(sign)
    }
}

impl Formatter for Indented {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all is plain ASCII, of which only the last character is not harmless here.
        let is_plain = fragment.is_ascii() && memchr::memchr(0x7f, fragment.as_bytes()).is_none();
        if is_plain || fragment.chars().all(is_harmless) {
            return out.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            match is_harmless(character) {
                true => write!(out, "{character}")?,
                false => {
                    let mut units = [0; 2];
                    character.encode_utf16(&mut units).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        self.line(out, !is_first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        self.line(out, !is_first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_layout_is_that_of_serde_json() {
        let mut deep = serde_json::json!({ "a": [], "b": {}, "c": [1, [2, { "d": "é\n" }], null], "e": { "f": 1.5 } });
        for _ in 0..40 {
            deep = serde_json::json!([deep, {}]);
        }
        let mut out = Vec::new();
        super::write(&deep, &mut out).expect("writes");
        assert_eq!(String::from_utf8(out).expect("text"), serde_json::to_string_pretty(&deep).expect("writes") + "\n");
    }

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_reads_back_the_same() {
        let text = "a\u{9b}31m\u{202e}é\u{e0041}\u{1b}";
        let mut out = Vec::new();
        super::write(&text, &mut out).expect("writes");
        let written = String::from_utf8(out).expect("text");
        assert_eq!(written, "\"a\\u009b31m\\u202eé\\udb40\\udc41\\u001b\"\n");
        assert_eq!(serde_json::from_str::<String>(&written).expect("reads"), text);
    }
}
