//! Filters (RFC 7644, section 3.4.2.2), as far as identity providers use them: one attribute that equals one value.

use super::wrong;
use crate::problem::Answer;

/// An attribute, in lower case, and the value that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Equals {
    pub(super) attribute: String,
    pub(super) value: String,
}

/// Reads a filter; none where nothing is asked for.
pub(super) fn parse(filter: Option<&str>) -> Answer<Option<Equals>> {
    let Some(text) = filter.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let not_known = || wrong("invalidFilter", "filters are of the form: attribute eq \"value\"");
    let (attribute, rest) = text.split_once(char::is_whitespace).ok_or_else(not_known)?;
    let (operator, value) = rest.trim_start().split_once(char::is_whitespace).ok_or_else(not_known)?;
    if !operator.eq_ignore_ascii_case("eq") {
        return Err(not_known());
    }
    let value: String = serde_json::from_str(value.trim()).map_err(|_| not_known())?;
    Ok(Some(Equals { attribute: attribute.to_ascii_lowercase(), value }))
}

#[cfg(test)]
mod tests {
    use super::{Equals, parse};

    #[test]
    fn one_attribute_equals_one_value_and_nothing_else_is_read() {
        let equals = |attribute: &str, value: &str| Equals { attribute: attribute.to_owned(), value: value.to_owned() };
        assert_eq!(parse(None).expect("nothing"), None);
        assert_eq!(parse(Some("userName Eq \"a \\\"b\\\"\"")).expect("read"), Some(equals("username", "a \"b\"")));
        for text in ["userName", "userName co \"a\"", "userName eq a", "userName eq \"a\" and active eq true", "eq"] {
            assert!(parse(Some(text)).is_err(), "{text}");
        }
    }
}
