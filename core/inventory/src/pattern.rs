//! Patterns in the settings of package managers: shell patterns (fnmatch(3)) and regular expressions.

use regex_lite::{Regex, RegexBuilder};

/// A compiled pattern; as package managers do it, case does not count.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// A text without anything special in it.
    Plain(String),
    /// Everything else.
    Special(Box<Regex>),
}

/// Patterns whose compiled form would be larger than this are refused.
const MOST_BYTES: usize = 1 << 20;

impl Pattern {
    /// A shell pattern with `*`, `?` and `[…]`; `None` if it cannot be read.
    pub(crate) fn shell(pattern: &str) -> Option<Self> {
        if !pattern.contains(['*', '?', '[', '\\']) {
            return Some(Self::Plain(pattern.to_owned()));
        }
        compile(&format!("^(?s:{})$", of_shell(pattern)))
    }

    /// A shell pattern, or an extended `/regular expression/`, as apt's settings have it.
    pub(crate) fn shell_or_regular(pattern: &str) -> Option<Self> {
        let regular = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        regular.map_or_else(|| Self::shell(pattern), compile)
    }

    /// Whether it describes the text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Plain(own) => own.eq_ignore_ascii_case(text),
            Self::Special(regex) => regex.is_match(text),
        }
    }
}

fn compile(regular: &str) -> Option<Pattern> {
    let regex = RegexBuilder::new(regular).case_insensitive(true).size_limit(MOST_BYTES).build().ok()?;
    Some(Pattern::Special(Box::new(regex)))
}

/// Writes a shell pattern as a regular expression.
fn of_shell(pattern: &str) -> String {
    let mut regular = String::new();
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match character {
            '*' => regular.push_str(".*"),
            '?' => regular.push('.'),
            '\\' => regular.push_str(&regex_lite::escape(&rest.next().map_or("\\".to_owned(), String::from))),
            '[' => match bracket(rest.as_str()) {
                Some((class, tail)) => {
                    regular.push_str(&class);
                    rest = tail.chars();
                }
                // A bracket that does not close stands for itself.
                None => regular.push_str("\\["),
            },
            other => regular.push_str(&regex_lite::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regular
}

/// A bracket expression after its `[`, as a regular expression's class, and what follows it.
fn bracket(text: &str) -> Option<(String, &str)> {
    let (negation, inner) = match text.strip_prefix(['!', '^']) {
        Some(inner) => ("^", inner),
        None => ("", text),
    };
    // A `]` that comes first is a member; `[:alpha:]` closes within.
    let mut end = usize::from(inner.starts_with(']'));
    loop {
        let next = inner.get(end..)?.find([']', '['])? + end;
        match inner[next..].strip_prefix("[:").and_then(|class| class.find(":]")) {
            Some(length) => end = next + length + 4,
            None if inner[next..].starts_with('[') => end = next + 1,
            None => {
                end = next;
                break;
            }
        }
    }
    let mut class = String::new();
    let mut members = inner[..end].chars().peekable();
    while let Some(member) = members.next() {
        match member {
            '[' if members.peek() == Some(&':') => class.push('['),
            '\\' | '[' | '^' | '&' | '~' => class.extend(['\\', member]),
            ']' if class.is_empty() => class.push_str("\\]"),
            other => class.push(other),
        }
    }
    Some((format!("[{negation}{class}]"), &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of the C library's `fnmatch` with `FNM_CASEFOLD`.
    #[test]
    fn shell_patterns_match_as_shells_do() {
        for (pattern, text, expected) in [
            ("linux-*", "linux-image-amd64", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("linux", "linux-image", false),
            ("LINUX", "linux", true),
            ("lib[ab]", "libb", true),
            ("lib[!ab]", "libb", false),
            ("lib[0-9]*", "lib6x", true),
            ("lib[[:digit:]]", "lib6", true),
            ("lib[]x]", "lib]", true),
            ("lib[6", "lib[6", true),
            ("g++-1?", "g++-12", true),
            ("a.c*", "abcd", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
        ] {
            let pattern_of = Pattern::shell(pattern).expect("a pattern");
            assert_eq!(pattern_of.matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn regular_expressions_are_extended_ones() {
        let matches = |pattern: &str, text: &str| Pattern::shell_or_regular(pattern).map(|own| own.matches(text));
        assert_eq!(matches("/^linux-.*$/", "linux-x"), Some(true));
        assert_eq!(matches("/image/", "linux-image"), Some(true));
        assert_eq!(matches("/^image/", "linux-image"), Some(false));
        assert_eq!(matches("/^(a|b)$/", "B"), Some(true));
        assert_eq!(matches("/^[ab]+$/", "abba"), Some(true));
        assert_eq!(matches("/(/", "("), None);
        assert_eq!(matches("/srv", "/srv"), Some(true), "not closed, so no regular expression");
    }
}
