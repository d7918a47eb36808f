//! A document as readers get it: its bytes in the form they expect, its text, its JSON, within limits.

use crate::model::Inventory;
use std::borrow::Cow;

/// A file with its content.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Its path.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// A document's bytes as readers expect them: UTF-8 without a mark of its byte order, with lines that end in a newline.
///
/// # Errors
/// If they are marked as UTF-16, as some Windows programs write it, and are none.
pub(crate) fn normalised(bytes: &[u8]) -> Result<Cow<'_, [u8]>, &'static str> {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Ok(with_newlines(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).into())),
    };
    let units = bytes[2..].chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    let text = text.ok().filter(|_| bytes.len().is_multiple_of(2)).ok_or("it is marked as UTF-16, and is none")?;
    Ok(with_newlines(text.into_bytes().into()))
}

/// Lines that end as they did on old Macintoshes would be one line to every reader.
fn with_newlines(mut bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let is_old = memchr::memchr(b'\n', &bytes).is_none() && memchr::memchr(b'\r', &bytes).is_some();
    if is_old && !bytes.contains(&0) {
        bytes.to_mut().iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
    }
    bytes
}

/// The most bytes of a line: those of lock files have some hundred.
const MOST_LINE_BYTES: usize = 1 << 20;

/// A document as text; bytes that are not UTF-8 are replaced, and what they said is lost.
pub(crate) fn text_of<'a>(document: &Document<'a>, inventory: &mut Inventory) -> Cow<'a, str> {
    let text = String::from_utf8_lossy(document.bytes);
    if matches!(text, Cow::Owned(_)) {
        inventory.unreadable(document.name, "it is not UTF-8 throughout; the bytes in question were replaced");
    }
    if let Some(at) = document.bytes.split(|byte| *byte == b'\n').position(|line| line.len() > MOST_LINE_BYTES) {
        inventory.unreadable(document.name, format!("line {} is longer than 1 MiB; the document was not read", at + 1));
        return Cow::default();
    }
    let is_marker = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    if text.lines().any(is_marker) {
        inventory.unreadable(document.name, "it holds the marks of a merge that was not resolved");
    }
    text
}

/// The most bytes of a document that is taken apart into JSON values, each of which takes sixteen times its text.
const MOST_JSON_BYTES: usize = 128 << 20;
/// The most objects in a document whose entries become structures: `{}` is two bytes, and some hundred in memory.
const MOST_OBJECTS: usize = 4_000_000;

/// Says, with a problem, whether a JSON document has more objects than any real one.
pub(crate) fn has_too_many_objects(document: &Document<'_>, inventory: &mut Inventory) -> bool {
    let too_many = memchr::memchr2_iter(b'{', b'[', document.bytes).nth(MOST_OBJECTS).is_some();
    if too_many {
        inventory.unreadable(document.name, format!("it has more than {MOST_OBJECTS} objects"));
    }
    too_many
}

/// A document as a JSON value; `None` with a problem if it is none.
pub(crate) fn json_of(document: &Document<'_>, inventory: &mut Inventory) -> Option<serde_json::Value> {
    if document.bytes.len() > MOST_JSON_BYTES {
        inventory.unreadable(document.name, format!("it has more than {MOST_JSON_BYTES} bytes of JSON"));
        return None;
    }
    match serde_json::from_slice(document.bytes) {
        Ok(value) => Some(value),
        Err(error) => {
            inventory.unreadable(document.name, format!("it is not valid JSON: {error}"));
            None
        }
    }
}

/// What is said of XML that ends too early.
pub(crate) const CUT_OFF: &str = "the document ends before its elements are closed";

/// Says whether the first 64 KiB hold a text.
pub(crate) fn head_contains(document: &Document<'_>, wanted: &str) -> bool {
    let head = &document.bytes[..document.bytes.len().min(65_536)];
    head.windows(wanted.len().max(1)).any(|window| window == wanted.as_bytes())
}
