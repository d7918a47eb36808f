//! Tickets: secrets that are shown once, as text. What is kept of one is its digest.

use crate::error::Error;
use lifecycle::TokenId;

/// A token's id and its secret, as somebody carries them: `plimsoll_ID.SECRET`, and for agents `.FINGERPRINT` behind it, by which
/// they know the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The token's id.
    pub token: TokenId,
    /// The secret.
    secret: String,
    /// The digest of the certificate that vouches for the server, in hexadecimal digits; for agents alone.
    pub authority: Option<String>,
}

const PREFIX: &str = "plimsoll_";

impl Ticket {
    /// A new ticket from randomness.
    ///
    /// # Errors
    /// Never: hexadecimal digits are an id.
    pub fn new(random: &[u8; 40], authority: Option<String>) -> Result<Self, Error> {
        let (id, secret) = random.split_at(8);
        let token = TokenId::new(hexadecimal(id)).map_err(|_| Error::Ticket)?;
        Ok(Self { token, secret: hexadecimal(secret), authority })
    }

    /// Reads a ticket.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.trim().strip_prefix(PREFIX).ok_or(Error::Ticket)?;
        let mut parts = rest.split('.');
        let (id, secret) = (parts.next().unwrap_or_default(), parts.next().ok_or(Error::Ticket)?);
        let authority = parts.next().map(str::to_owned);
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if parts.next().is_some() || !is_plain(secret) || !authority.as_deref().is_none_or(is_plain) {
            return Err(Error::Ticket);
        }
        let token = TokenId::new(id).map_err(|_| Error::Ticket)?;
        Ok(Self { token, secret: secret.to_owned(), authority })
    }

    /// The digest that is kept of the secret. The secret has 256 random bits: guessing it is hopeless, so that no slow hash is
    /// needed.
    #[must_use]
    pub fn digest(&self) -> String {
        ledger::digest(self.secret.as_bytes())
    }

    /// Whether this is the ticket that a digest was kept of; how long that takes tells nothing about where they differ.
    #[must_use]
    pub fn is_of(&self, digest: &str) -> bool {
        is_same(self.digest().as_bytes(), digest.as_bytes())
    }

    /// The ticket as text: whoever has it may do what it is for.
    #[must_use]
    pub fn reveal(&self) -> String {
        let authority = self.authority.as_ref().map(|authority| format!(".{authority}")).unwrap_or_default();
        format!("{PREFIX}{}.{}{authority}", self.token, self.secret)
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ticket").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Compares in a time that depends on the lengths alone.
#[must_use]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// Bytes in hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::Ticket;

    #[test]
    fn a_ticket_is_read_as_it_was_shown_and_known_by_its_digest() {
        for authority in [None, Some("ab12".to_owned())] {
            let ticket = Ticket::new(&std::array::from_fn(|at| at as u8), authority).expect("a ticket");
            let read = Ticket::parse(&ticket.reveal()).expect("read");
            assert_eq!(read, ticket);
            assert!(read.is_of(&ticket.digest()));
        }
        let other = Ticket::new(&[7; 40], None).expect("a ticket");
        assert!(!other.is_of(&Ticket::new(&[8; 40], None).expect("a ticket").digest()));
    }

    #[test]
    fn what_is_no_ticket_is_refused() {
        for text in [
            "",
            "plimsoll_",
            "plimsoll_a",
            "plimsoll_a.",
            "plimsoll_a.x y",
            "plimsoll_a.12.34.56",
            "a.12",
            "plimsoll_../x.12",
        ] {
            assert!(Ticket::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_in_no_debugging_output() {
        let ticket = Ticket::new(&[0xab; 40], None).expect("a ticket");
        assert!(!format!("{ticket:?}").contains(&"ab".repeat(32)));
    }
}
