//! Alpine versions: `digits(.digits)*[letter](_suffix[number])*(~hash)?(-rN)?`, apk-tools `version.c`.
//!
//! The order is decided token by token; a malformed rest is an error only if the order hangs on it.

use crate::error::{Error, invalid};
use crate::numbers::{compare_digits, split_digits};
use std::cmp::Ordering;

const PRE_SUFFIXES: &[&str] = &["alpha", "beta", "pre", "rc"];
const POST_SUFFIXES: &[&str] = &["cvs", "svn", "git", "hg", "p"];

/// Orders two Alpine versions.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, Error> {
    if a == b && !a.is_empty() {
        // The same text is the same version only if it is one: a check reads all its tokens.
        let mut tokens = Tokens::new(a);
        while tokens.next()? != Token::End {}
        return Ok(Ordering::Equal);
    }
    let (mut left, mut right) = (Tokens::new(a), Tokens::new(b));
    loop {
        let (x, y) = (left.next()?, right.next()?);
        let order = compare_tokens(&x, &y);
        if order.is_ne() || (x == Token::End && y == Token::End) {
            return Ok(order);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    /// The first number, and those after a letter.
    Number(&'a [u8]),
    /// A number after a dot: with a leading zero it is a fraction, as `1.01` < `1.1`.
    Fraction(&'a [u8]),
    Letter(u8),
    /// Negative before a release, zero or positive after it.
    Suffix(i32),
    SuffixNumber(&'a [u8]),
    Hash(&'a [u8]),
    Revision(&'a [u8]),
    End,
}

impl Token<'_> {
    /// Where both versions go on differently, the lower kind is the later version.
    fn rank(&self) -> u8 {
        match self {
            Self::Fraction(digits) if !digits.is_empty() => 0,
            Self::Number(_) => 1,
            Self::Letter(_) => 2,
            Self::Fraction(_) => 3,
            Self::Suffix(_) => 4,
            Self::SuffixNumber(_) => 5,
            Self::Hash(_) => 6,
            Self::Revision(_) => 7,
            Self::End => 8,
        }
    }
}

fn compare_tokens(a: &Token<'_>, b: &Token<'_>) -> Ordering {
    match (a, b) {
        (Token::Number(x), Token::Number(y)) | (Token::SuffixNumber(x), Token::SuffixNumber(y)) => compare_digits(x, y),
        (Token::Revision(x), Token::Revision(y)) => compare_digits(x, y),
        (Token::Fraction(x), Token::Fraction(y)) => compare_fractions(x, y),
        (Token::Letter(x), Token::Letter(y)) => x.cmp(y),
        (Token::Suffix(x), Token::Suffix(y)) => x.cmp(y),
        (Token::Hash(x), Token::Hash(y)) => x.cmp(y),
        // `1_rc` < `1`, `1_rc1` > `1_rc`, `1-r1` > `1-r0` > `1`.
        (Token::Suffix(x), _) if *x < 0 => Ordering::Less,
        (_, Token::Suffix(y)) if *y < 0 => Ordering::Greater,
        (Token::Revision(x), Token::End) if crate::numbers::is_zero(x) => Ordering::Equal,
        (Token::End, Token::Revision(y)) if crate::numbers::is_zero(y) => Ordering::Equal,
        _ => b.rank().cmp(&a.rank()),
    }
}

/// Leading zeros make a fraction: more zeros are smaller, and any of them is smaller than none.
fn compare_fractions(a: &[u8], b: &[u8]) -> Ordering {
    let zeros = |digits: &[u8]| digits.iter().take_while(|byte| **byte == b'0').count();
    match (zeros(a), zeros(b)) {
        (0, 0) => compare_digits(a, b),
        (x, y) => y.cmp(&x).then_with(|| compare_digits(a, b)),
    }
}

struct Tokens<'a> {
    version: &'a str,
    rest: &'a [u8],
    state: u8,
}

impl<'a> Tokens<'a> {
    fn new(version: &'a str) -> Self {
        Self { version, rest: version.as_bytes(), state: 0 }
    }

    fn next(&mut self) -> Result<Token<'a>, Error> {
        let token = self.read()?;
        // INVARIANT: parts come in their order; only dots and suffixes repeat.
        let state = match &token {
            Token::Number(_) | Token::Fraction(_) => 1,
            Token::Letter(_) => 2,
            Token::Suffix(_) => 3,
            Token::SuffixNumber(_) => 4,
            Token::Hash(_) => 5,
            Token::Revision(_) | Token::End => 6,
        };
        let repeats = matches!(token, Token::Number(_) | Token::Fraction(_)) && self.state <= 2;
        let next_suffix = matches!(token, Token::Suffix(_)) && self.state <= 4;
        if state <= self.state && token != Token::End && !repeats && !next_suffix {
            return self.fail("its parts are out of order");
        }
        self.state = state;
        Ok(token)
    }

    fn read(&mut self) -> Result<Token<'a>, Error> {
        let Some(&first) = self.rest.first() else {
            return if self.state == 0 { self.fail("it is empty") } else { Ok(Token::End) };
        };
        match (self.state, first) {
            (0 | 2, b'0'..=b'9') => Ok(Token::Number(self.digits())),
            (3, b'0'..=b'9') => Ok(Token::SuffixNumber(self.digits())),
            (0 | 1, b'a'..=b'z' | b'A'..=b'Z') => {
                self.rest = &self.rest[1..];
                Ok(Token::Letter(first))
            }
            (0, b'.') => Ok(Token::Number(&[])),
            (_, b'.') => {
                self.rest = &self.rest[1..];
                Ok(Token::Fraction(self.digits()))
            }
            (_, b'_') => self.suffix(),
            (_, b'~') => Ok(self.hash()),
            (_, b'-') if self.rest.get(1) == Some(&b'r') => {
                self.rest = &self.rest[2..];
                Ok(Token::Revision(self.digits()))
            }
            _ => self.fail("it has a part that Alpine's scheme does not know"),
        }
    }

    fn digits(&mut self) -> &'a [u8] {
        let (digits, rest) = split_digits(self.rest);
        self.rest = rest;
        digits
    }

    fn suffix(&mut self) -> Result<Token<'a>, Error> {
        let text = &self.rest[1..];
        let end = text.iter().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let place = |names: &[&str]| names.iter().position(|known| known.as_bytes() == name);
        let weight = match (place(PRE_SUFFIXES), place(POST_SUFFIXES)) {
            (Some(at), _) => i32::try_from(at).unwrap_or(0) - 4,
            (None, Some(at)) => i32::try_from(at).unwrap_or(0),
            (None, None) => return self.fail("it has an unknown suffix"),
        };
        self.rest = rest;
        Ok(Token::Suffix(weight))
    }

    fn hash(&mut self) -> Token<'a> {
        let text = &self.rest[1..];
        let end = text.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(text.len());
        let (hash, rest) = text.split_at(end);
        self.rest = rest;
        Token::Hash(hash)
    }

    fn fail<T>(&self, reason: &'static str) -> Result<T, Error> {
        Err(invalid("alpine", self.version, reason))
    }
}
