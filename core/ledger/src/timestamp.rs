//! Timestamps of checkpoints (RFC 3161): what an authority outside vouches for, so that not even the ledger's owner can
//! write its history anew and date it back.
//!
//! A timestamp is of the note's text, from the origin to the newline of its last line, without the empty line and the
//! signatures under it ([`crate::Note::text`], as `Checkpoint` writes it). Cosignatures that are added later, and a change
//! of the order of signatures, leave it as it is. Nothing here asks an authority: the caller sends and keeps the bytes.

mod asn1;
mod certificate;
mod signature;
mod token;

pub use certificate::TrustedCertificate;

use crate::checkpoint::Checkpoint;
use crate::error::Error;
use asn1::{Accuracy, MessageImprint, Request, TstInfo};
use der::asn1::{OctetStringRef, UintRef};
use der::{AnyRef, Encode, Tag};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use signature::SHA_256;
use std::time::Duration;
use token::{Token, unreadable};
use x509_cert::spki::AlgorithmIdentifierRef;

/// What is sent to an authority (`application/timestamp-query`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampRequest {
    der: Vec<u8>,
}

impl TimestampRequest {
    /// Asks for a timestamp over the SHA-256 of a checkpoint's text, with the signer's certificate in it. The nonce is to be
    /// random, and kept until the answer is there.
    ///
    /// # Errors
    /// If the text is not that of a checkpoint.
    pub fn new(checkpoint_text: &str, nonce: u64) -> Result<Self, Error> {
        let (digest, nonce) = (digest_of(checkpoint_text)?, nonce.to_be_bytes());
        let write = || {
            let request = Request {
                version: 1,
                imprint: MessageImprint {
                    // Both NULL and nothing are allowed as parameters (RFC 5754, section 2); authorities know NULL.
                    algorithm: AlgorithmIdentifierRef { oid: SHA_256, parameters: Some(AnyRef::NULL) },
                    digest: OctetStringRef::new(&digest)?,
                },
                nonce: UintRef::new(&nonce)?,
                cert_req: true,
            };
            request.to_der()
        };
        write().map(|der| Self { der }).map_err(unreadable("the request cannot be written"))
    }

    /// Its DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

/// What a timestamp proves: the checkpoint was there at this instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampProof {
    /// When, by the authority's clock.
    pub at: Timestamp,
    /// By how much its clock may be off either way, if it says so.
    pub accuracy: Option<Duration>,
    /// The object identifier of the policy that the authority follows.
    pub policy: String,
    /// The timestamp's number at the authority, in hexadecimal.
    pub serial: String,
    /// Whose certificate signed it. The name that a timestamp may carry itself is not looked at: the certificate counts.
    pub authority: String,
}

/// Checks an authority's answer, whole or only its token, for a checkpoint's text: that it is of this text and answers the
/// request with this nonce, and that a certificate for timestamps signed it which was valid then and leads to one that is
/// trusted. Without a nonce, whatever nonce it has is accepted: the text alone binds a timestamp that was kept. Whether a
/// certificate was revoked is not looked at.
///
/// # Errors
/// If one of that is not so: the error says which.
pub fn verify_timestamp(
    bytes: &[u8],
    checkpoint_text: &str,
    trusted: &[TrustedCertificate],
    nonce: Option<u64>,
) -> Result<TimestampProof, Error> {
    let text_digest = digest_of(checkpoint_text)?;
    let token = Token::parse(bytes)?;
    let info = token.info()?;
    if info.imprint.algorithm.oid != SHA_256 {
        let algorithm = info.imprint.algorithm.oid.to_string();
        return Err(Error::TimestampAlgorithm { what: "hash of a checkpoint", algorithm });
    }
    if info.imprint.digest.as_bytes() != text_digest {
        return Err(Error::TimestampOfOther);
    }
    if let Some(expected) = nonce {
        check_nonce(&info, expected)?;
    }
    let at = instant(info.time)?;
    let signer = token.signer(trusted)?;
    token.check_signature(signer)?;
    certificate::check_chain(signer, &token.certificates, trusted, at)?;
    Ok(TimestampProof {
        at,
        accuracy: info.accuracy.as_ref().map(accuracy).transpose()?,
        policy: info.policy.to_string(),
        serial: hexadecimal(info.serial.as_bytes()),
        authority: signer.name(),
    })
}

/// The hash of a checkpoint's text. That it is one is checked, so that nobody takes the note with its signatures.
fn digest_of(checkpoint_text: &str) -> Result<[u8; 32], Error> {
    Checkpoint::parse(checkpoint_text)?;
    Ok(Sha256::digest(checkpoint_text).into())
}

fn check_nonce(info: &TstInfo<'_>, expected: u64) -> Result<(), Error> {
    let found = info.nonce.map(|nonce| nonce.as_bytes());
    // An integer is the same whatever zeros stand before it; those that are negative begin with a set bit.
    let is_negative = found.and_then(<[u8]>::first).is_some_and(|first| first & 0x80 != 0);
    let number = found.map(without_zeros);
    if !is_negative && number == Some(without_zeros(&expected.to_be_bytes())) {
        return Ok(());
    }
    Err(Error::TimestampNonce { expected, found: found.map(hexadecimal) })
}

/// An instant with or without a fraction of a second: `20261125101518.25Z` (RFC 3161, section 2.4.2).
fn instant(time: AnyRef<'_>) -> Result<Timestamp, Error> {
    let parse = || {
        let text = std::str::from_utf8(time.value()).ok()?.strip_suffix('Z')?;
        let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 14 || !is_number(whole) || fraction.is_some_and(|text| text.len() > 9 || !is_number(text)) {
            return None;
        }
        let nanoseconds = format!("{:0<9}", fraction.unwrap_or_default()).parse().ok()?;
        let part = |from: usize| whole[from..from + 2].parse::<i8>().ok();
        let (year, month, day) = (whole[..4].parse().ok()?, part(4)?, part(6)?);
        let time = DateTime::new(year, month, day, part(8)?, part(10)?, part(12)?, nanoseconds).ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
    };
    let is_time = time.header().tag() == Tag::GeneralizedTime;
    let wrong = Error::TimestampForm { what: "its instant is not a GeneralizedTime in UTC", source: None };
    parse().filter(|_| is_time).ok_or(wrong)
}

fn accuracy(accuracy: &Accuracy) -> Result<Duration, Error> {
    let (millis, micros) = (accuracy.millis.unwrap_or(0), accuracy.micros.unwrap_or(0));
    if millis > 999 || micros > 999 {
        return Err(Error::TimestampForm { what: "its accuracy has more than 999 of a part", source: None });
    }
    let parts = Duration::from_micros(u64::from(millis) * 1000 + u64::from(micros));
    Ok(Duration::from_secs(accuracy.seconds.unwrap_or(0)).saturating_add(parts))
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = without_zeros(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if digits.is_empty() { "00".to_owned() } else { digits }
}
