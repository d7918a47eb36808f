//! Certificates of authorities (RFC 5280): reading them, what they may be used for, and the chain to one that is trusted.
//!
//! Whether a certificate was revoked is not looked at: that takes a network, or lists that nobody hands in.

use crate::error::Error;
use crate::timestamp::signature::Scheme;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::asn1::ObjectIdentifier;
use der::{Decode, Reader, SliceReader};
use jiff::Timestamp;
use std::collections::VecDeque;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier};

const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
/// The critical extensions that are either obeyed below (basic constraints, key usage, purposes) or bind nobody who asks
/// for no name and no policy (alternative names of the subject, policies).
const UNDERSTOOD: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
];
/// More certificates than any chain has between signer and root.
const LONGEST_CHAIN: usize = 8;

/// A certificate, and the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) bytes: Vec<u8>,
    pub(super) fields: x509_cert::Certificate,
    /// What its issuer signed.
    signed: Vec<u8>,
}

impl Certificate {
    /// Reads the DER of one.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, der::Error> {
        let fields = x509_cert::Certificate::from_der(bytes)?;
        let signed = SliceReader::new(bytes)?.sequence(|reader| {
            let signed = reader.tlv_bytes()?;
            reader.drain(reader.remaining_len())?;
            Ok::<_, der::Error>(signed)
        })?;
        Ok(Self { bytes: bytes.to_vec(), fields, signed: signed.to_vec() })
    }

    /// Whose it is; control characters are written as escapes.
    pub(super) fn name(&self) -> String {
        shown(&self.fields.tbs_certificate().subject().to_string())
    }

    /// Its subject key identifier.
    pub(super) fn key_id(&self) -> Option<Vec<u8>> {
        let found = self.fields.tbs_certificate().get_extension::<SubjectKeyIdentifier>();
        found.ok().flatten().map(|(_, id)| id.0.as_bytes().to_vec())
    }

    /// Whether it may sign timestamps, at that instant (RFC 3161, section 2.3).
    fn check_signer(&self, at: Timestamp) -> Result<(), Error> {
        self.check_any(at)?;
        let purposes = self.extension::<ExtendedKeyUsage>("its purposes cannot be read")?;
        match purposes {
            Some((true, ExtendedKeyUsage(purposes))) if purposes == [TIME_STAMPING] => {}
            Some((false, _)) => return Err(self.refused("its purposes are not critical")),
            Some((true, ExtendedKeyUsage(purposes))) if purposes.contains(&TIME_STAMPING) => {
                return Err(self.refused("it has purposes other than timestamping"));
            }
            _ => return Err(self.refused("its purpose is not timestamping")),
        }
        let usage = self.extension::<KeyUsage>("its key usage cannot be read")?;
        let signs = usage.is_none_or(|(_, usage)| usage.digital_signature() || usage.non_repudiation());
        if signs { Ok(()) } else { Err(self.refused("its key may not sign")) }
    }

    /// Whether it may issue certificates of signers, over so many other issuers, at that instant.
    fn check_issuer(&self, issuers_below: usize, at: Timestamp) -> Result<(), Error> {
        self.check_any(at)?;
        let constraints = self.extension::<BasicConstraints>("its basic constraints cannot be read")?;
        let Some((_, BasicConstraints { ca: true, path_len_constraint })) = constraints else {
            return Err(self.refused("it is not that of an issuer"));
        };
        if path_len_constraint.is_some_and(|most| issuers_below > usize::from(most)) {
            return Err(self.refused("the chain below it is longer than it allows"));
        }
        let usage = self.extension::<KeyUsage>("its key usage cannot be read")?;
        if usage.is_some_and(|(_, usage)| !usage.key_cert_sign()) {
            return Err(self.refused("its key may not sign certificates"));
        }
        let purposes = self.extension::<ExtendedKeyUsage>("its purposes cannot be read")?;
        let allows = |purpose: &ObjectIdentifier| [TIME_STAMPING, ANY_PURPOSE].contains(purpose);
        if purposes.is_some_and(|(_, purposes)| !purposes.0.iter().any(allows)) {
            return Err(self.refused("its purposes leave timestamping out"));
        }
        Ok(())
    }

    /// What every certificate of a chain owes: to be valid at that instant, and to ask for nothing that is not understood.
    fn check_any(&self, at: Timestamp) -> Result<(), Error> {
        let fields = self.fields.tbs_certificate();
        let (from, until) = (instant(fields.validity().not_before)?, instant(fields.validity().not_after)?);
        // The last instant is a whole second, which belongs to it to its end.
        if at < from || at.as_second() > until.as_second() {
            return Err(Error::CertificateExpired { name: self.name(), at, from, until });
        }
        let mut extensions = fields.extensions().into_iter().flatten();
        match extensions.find(|extension| extension.critical && !UNDERSTOOD.contains(&extension.extn_id)) {
            Some(unknown) => {
                Err(self.refused(&format!("its critical extension `{}` is not understood", unknown.extn_id)))
            }
            None => Ok(()),
        }
    }

    /// Whether this is the issuer of the other, and was allowed to be.
    fn has_issued(&self, other: &Self, issuers_below: usize, at: Timestamp) -> Result<bool, Error> {
        let (own, others) = (self.fields.tbs_certificate(), other.fields.tbs_certificate());
        if own.subject() != others.issuer() {
            return Ok(false);
        }
        let named = other.fields.signature_algorithm();
        if named != others.signature() {
            return Err(other.refused("it names two algorithms of its signature"));
        }
        let signature = other.fields.signature().as_bytes().unwrap_or_default();
        let scheme = Scheme::of_certificate(named.oid)?;
        if !scheme.verify(own.subject_public_key_info(), &other.signed, signature)? {
            return Ok(false);
        }
        self.check_issuer(issuers_below, at).map(|()| true)
    }

    fn extension<'a, T>(&'a self, unreadable: &str) -> Result<Option<(bool, T)>, Error>
    where
        T: Decode<'a> + der::oid::AssociatedOid,
    {
        self.fields.tbs_certificate().get_extension::<T>().map_err(|_| self.refused(unreadable))
    }

    fn refused(&self, what: &str) -> Error {
        Error::CertificatePurpose { name: self.name(), what: what.to_owned() }
    }
}

/// A certificate that the caller trusts: an authority's root, one between, or the signer's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedCertificate(pub(super) Certificate);

impl TrustedCertificate {
    /// Reads a file: one certificate in DER, or any number in PEM, whatever text stands between them.
    ///
    /// # Errors
    /// If one of them cannot be read, or there is none.
    pub fn parse(file: &[u8]) -> Result<Vec<Self>, Error> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let unreadable = |source| Error::Certificate { what: "it is not DER of a certificate", source: Some(source) };
        let read = |bytes: &[u8]| Certificate::parse(bytes).map(Self).map_err(unreadable);
        let Some(text) = std::str::from_utf8(file).ok().filter(|text| text.contains(BEGIN)) else {
            return Ok(vec![read(file)?]);
        };
        let blocks = text.split(BEGIN).skip(1).map(|block| {
            let wrong = |what| Error::Certificate { what, source: None };
            let (base64, _) = block.split_once(END).ok_or(wrong("its PEM does not end"))?;
            let base64: String = base64.split_ascii_whitespace().collect();
            read(&STANDARD.decode(base64).map_err(|_| wrong("its PEM is not Base64"))?)
        });
        blocks.collect()
    }

    /// Whose it is.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.name()
    }
}

/// Checks that a chain leads from the signer to a certificate that is trusted, and that each of its certificates was valid
/// and allowed to do its part at that instant.
pub(super) fn check_chain(
    signer: &Certificate,
    others: &[Certificate],
    trusted: &[TrustedCertificate],
    at: Timestamp,
) -> Result<(), Error> {
    signer.check_signer(at)?;
    let is_trusted = |certificate: &Certificate| trusted.iter().any(|trusted| trusted.0.bytes == certificate.bytes);
    // Each certificate is reached once, by the shortest chain, so that ones which issue each other end nowhere.
    let mut rest: Vec<&Certificate> = trusted.iter().map(|trusted| &trusted.0).chain(others).collect();
    let mut open = VecDeque::from([(signer, 0)]);
    let (mut last, mut refusal) = (signer, None);
    while let Some((certificate, issuers)) = open.pop_front() {
        if is_trusted(certificate) {
            return Ok(());
        }
        last = certificate;
        if issuers == LONGEST_CHAIN {
            continue;
        }
        rest.retain(|issuer| match issuer.has_issued(certificate, issuers, at) {
            Ok(true) => {
                open.push_back((issuer, issuers + 1));
                false
            }
            Ok(false) => true,
            Err(error) => {
                refusal.get_or_insert(error);
                true
            }
        });
    }
    Err(refusal.unwrap_or_else(|| Error::CertificateUntrusted { name: last.name() }))
}

/// An instant of a certificate.
fn instant(time: x509_cert::time::Time) -> Result<Timestamp, Error> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    let wrong = |_| Error::TimestampForm { what: "a certificate's validity is out of range", source: None };
    Timestamp::from_second(seconds).map_err(wrong)
}

/// A text of somebody else's, without what would steer a terminal.
pub(super) fn shown(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}
