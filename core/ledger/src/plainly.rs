//! A quick look at whether JSON is in its canonical form (RFC 8785), for JSON that has nothing in it about which one could doubt.
//!
//! To write an entry again and compare takes ten times as long as to hash it, and a million of them are verified at once. What this
//! look does not say yes to is written again all the same.

/// Integers of so many digits are written alike as floating-point numbers.
const MOST_DIGITS: usize = 15;

/// Whether valid JSON is plainly canonical: no space between things, names of ASCII in rising order, no escapes, and small whole
/// numbers only (sections 3.2.1 to 3.2.3). `false` says nothing.
pub(crate) fn is_canonical(json: &[u8]) -> bool {
    // For each object that is open its last name; nothing for an array.
    let mut open: Vec<Option<&[u8]>> = Vec::new();
    let mut is_name = false;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                is_name = *byte == b'{';
                open.push(is_name.then_some(&[]));
            }
            b'}' | b']' => {
                open.pop();
                is_name = false;
            }
            b',' => is_name = matches!(open.last(), Some(Some(_))),
            b':' => {}
            b'"' => {
                let rest = &json[at..];
                let Some(length) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) else { return false };
                let text = &rest[..length];
                if rest[length] == b'\\' {
                    return false;
                }
                at += length + 1;
                if is_name {
                    let Some(Some(last)) = open.last_mut() else { return false };
                    // An empty name stands for none before it; it could only be the first, and is left to the long way.
                    // Names of this kind mean something else to the library that reads the values.
                    if !text.is_ascii() || text <= *last || text.starts_with(b"$") {
                        return false;
                    }
                    *last = text;
                    is_name = false;
                }
            }
            b'-' | b'0'..=b'9' => {
                let digits = json[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let is_zero = json[at - 1] == b'-' && json.get(at) == Some(&b'0');
                if is_zero || digits > MOST_DIGITS - 1 || matches!(json.get(at + digits), Some(b'.' | b'e' | b'E')) {
                    return false;
                }
                at += digits;
            }
            b'a'..=b'z' => {}
            _ => return false,
        }
    }
    open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plainly_canonical_is_so_to_the_library_too() {
        for json in [r#"{"a":1,"b":[true,null,-5],"c":{"aa":"x","ab":"é"}}"#, r#"[]"#, r#""x""#, "0"] {
            assert!(is_canonical(json.as_bytes()), "{json}");
            let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
            assert_eq!(serde_json_canonicalizer::to_vec(&value).expect("canonical"), json.as_bytes());
        }
        let not = [
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":-0}"#,
            r#"{"é":1}"#,
            r#"{"a":"\u0041"}"#,
            r#"{"a":9007199254740993}"#,
            r#"{"":1}"#,
            r#"{"$serde_json::private::RawValue":"1"}"#,
            " 1",
            r#"["a", "b"]"#,
        ];
        for json in not {
            assert!(!is_canonical(json.as_bytes()), "{json}");
        }
    }
}
