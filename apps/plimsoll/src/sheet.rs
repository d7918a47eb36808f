//! What programs read: CSV whose cells no spreadsheet takes for a formula, and JSON that no terminal acts on.

use crate::printable::{is_harmless, printable};
use anyhow::Result;
use std::fmt::Write;

/// Writes CSV with a head.
pub(crate) fn csv(out: &mut Vec<u8>, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<()> {
    let rows = rows.into_iter().map(|row| row.into_iter().map(|cell| printable(&cell).into_owned()));
    out.extend(documents::csv(head, rows)?);
    Ok(())
}

/// JSON, indented, with a newline at its end.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String> {
    Ok(escaped(&serde_json::to_string_pretty(value)?) + "\n")
}

/// JSON with everything escaped that a terminal would act on: only strings can hold such characters.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_harmless(character) || character == '\n' {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{csv, escaped};

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        let mut out = Vec::new();
        let row = ["=HYPERLINK(\"x\")", "@SUM(1)", "-", "-1", "a,b"].map(str::to_owned).to_vec();
        csv(&mut out, &["a", "b", "c", "d", "e"], [row]).expect("written");
        assert_eq!(String::from_utf8_lossy(&out), "a,b,c,d,e\n\"'=HYPERLINK(\"\"x\"\")\",'@SUM(1),-,'-1,\"a,b\"\n");
    }

    #[test]
    fn json_stays_what_it_is_and_does_nothing_to_a_terminal() {
        let text = "a\u{9b}31m\u{202e}\u{e0041}ö\n";
        let json = serde_json::to_string(text).expect("written");
        let escaped = escaped(&json);
        assert!(escaped.chars().all(|character| character == '\n' || super::is_harmless(character)), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).expect("read"), text);
    }
}
