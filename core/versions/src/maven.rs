//! Maven versions, by the "Version Order Specification" of the POM reference.

use crate::error::{Error, invalid};
use crate::numbers::{compare_digits, is_zero};
use std::cmp::Ordering;

/// Orders two Maven versions.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    for version in [a, b] {
        if version.is_empty() || version.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
            return Err(invalid("maven", version, "it is empty or has white space inside"));
        }
    }
    let (lower_a, lower_b) = (a.to_lowercase(), b.to_lowercase());
    let (left, right) = (tokens(&lower_a), tokens(&lower_b));
    let mut order = Ordering::Equal;
    for at in 0..left.len().max(right.len()) {
        order = compare_tokens(left.get(at), right.get(at));
        if order.is_ne() {
            break;
        }
    }
    Ok(order)
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    separator: u8,
    text: &'a str,
}

impl Token<'_> {
    fn is_number(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Nothing, zero and the words for a release carry no weight at the end of a part.
    fn is_null(&self) -> bool {
        (self.is_number() && is_zero(self.text.as_bytes())) || matches!(self.text, "final" | "ga" | "release")
    }
}

/// Cuts at dots, hyphens and between digits and letters, then trims weightless ends of each part.
fn tokens(version: &str) -> Vec<Token<'_>> {
    let mut all: Vec<Token<'_>> = Vec::new();
    let mut separator = b'-';
    let mut start = 0;
    let bytes = version.as_bytes();
    for at in 0..=bytes.len() {
        let byte = bytes.get(at).copied();
        if matches!(byte, None | Some(b'.' | b'-' | b'_')) {
            push(&mut all, separator, &version[start..at], false);
            separator = byte.unwrap_or(b'-');
            start = at + 1;
        } else if at > start && bytes[at - 1].is_ascii_digit() != bytes[at].is_ascii_digit() {
            let followed_by_digit = bytes[at].is_ascii_digit();
            push(&mut all, separator, &version[start..at], followed_by_digit);
            separator = b'-';
            start = at;
        }
    }
    trim(all)
}

fn push<'a>(all: &mut Vec<Token<'a>>, separator: u8, text: &'a str, followed_by_digit: bool) {
    let text = match text {
        "" => "0",
        // One letter is short for a qualifier only where a number follows it.
        "a" if followed_by_digit => "alpha",
        "b" if followed_by_digit => "beta",
        "m" if followed_by_digit => "milestone",
        "cr" => "rc",
        text => text,
    };
    all.push(Token { separator: if separator == b'_' { b'-' } else { separator }, text });
}

fn trim(all: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut kept: Vec<Token<'_>> = Vec::with_capacity(all.len());
    for token in all {
        if token.separator == b'-' || !token.is_number() {
            drop_null_end(&mut kept);
        }
        kept.push(token);
    }
    drop_null_end(&mut kept);
    kept
}

fn drop_null_end(kept: &mut Vec<Token<'_>>) {
    while kept.len() > 1 && kept.last().is_some_and(Token::is_null) {
        kept.pop();
    }
}

/// What a token is compared as where the other version has ended.
fn compare_tokens(a: Option<&Token<'_>>, b: Option<&Token<'_>>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else {
        return match (a, b) {
            (Some(token), None) => against_nothing(token),
            (None, Some(token)) => against_nothing(token).reverse(),
            _ => Ordering::Equal,
        };
    };
    // Only the text decides whether a word comes before or after the bare release, or the order would not be total.
    let before_release = |token: &Token<'_>| !token.is_number() && place(token.text) < RELEASE;
    let order = before_release(b).cmp(&before_release(a)).then_with(|| rank(a).cmp(&rank(b)));
    order.then_with(|| {
        if a.is_number() && b.is_number() {
            compare_digits(a.text.as_bytes(), b.text.as_bytes())
        } else {
            compare_words(a.text, b.text)
        }
    })
}

fn against_nothing(token: &Token<'_>) -> Ordering {
    if token.is_number() { compare_digits(token.text.as_bytes(), b"0") } else { compare_words(token.text, "") }
}

/// `.qualifier` < `-qualifier` < `-number` < `.number`.
fn rank(token: &Token<'_>) -> u8 {
    match (token.is_number(), token.separator) {
        (false, b'-') => 1,
        (false, _) => 0,
        (true, b'-') => 2,
        (true, _) => 3,
    }
}

/// The place of the words that Maven knows; all others come after them, in alphabetical order.
fn place(word: &str) -> u8 {
    match word {
        "alpha" => 0,
        "beta" => 1,
        "milestone" => 2,
        "rc" => 3,
        "snapshot" => 4,
        "" | "final" | "ga" | "release" => RELEASE,
        "sp" => 6,
        _ => 7,
    }
}

const RELEASE: u8 = 5;

fn compare_words(a: &str, b: &str) -> Ordering {
    place(a).cmp(&place(b)).then_with(|| if place(a) == 7 { a.cmp(b) } else { Ordering::Equal })
}
