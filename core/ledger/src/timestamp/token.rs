//! A timestamp's token (RFC 3161, section 2.4.2): signed data (RFC 5652) around what the authority says of the time.

use crate::error::Error;
use crate::timestamp::asn1::{
    Attribute, ContentInfo, Elements, EssCertId, IssuerAndSerial, Response, SignedData, SignerInfo, SigningCertificate,
    StatusInfo, TstInfo,
};
use crate::timestamp::certificate::{Certificate, TrustedCertificate, shown};
use crate::timestamp::signature::{HashKind, Scheme};
use der::asn1::ObjectIdentifier;
use der::{AnyRef, Decode, Encode, SliceReader, Tag, TagNumber};
use sha1::{Digest, Sha1};
use x509_cert::ext::pkix::name::GeneralName;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// More bytes than any token has.
const MOST_BYTES: usize = 1 << 16;
/// More certificates than any token carries.
const MOST_CERTIFICATES: usize = 16;
/// The names of `PKIFailureInfo`, by their bit.
const FAILURES: [(usize, &str); 8] = [
    (0, "badAlg"),
    (2, "badRequest"),
    (5, "badDataFormat"),
    (14, "timeNotAvailable"),
    (15, "unacceptedPolicy"),
    (16, "unacceptedExtension"),
    (17, "addInfoNotAvailable"),
    (25, "systemFailure"),
];

/// An error about the form, with where it does not fit.
pub(super) fn unreadable(what: &'static str) -> impl Fn(der::Error) -> Error {
    move |source| Error::TimestampForm { what, source: Some(source) }
}

fn wrong(what: &'static str) -> Error {
    Error::TimestampForm { what, source: None }
}

fn attribute_refused(what: &'static str) -> Error {
    Error::TimestampAttribute { what }
}

/// A token, of which nothing is to be believed yet.
pub(super) struct Token<'a> {
    content: &'a [u8],
    signer: SignerInfo<'a>,
    /// The certificates that it carries, as far as they can be read.
    pub(super) certificates: Vec<Certificate>,
}

impl<'a> Token<'a> {
    /// Reads a token, or the response that it came in.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > MOST_BYTES {
            return Err(wrong("it is larger than 64 KiB"));
        }
        let token = match first_inside(bytes).map_err(unreadable("it is not DER"))? {
            Tag::ObjectIdentifier => ContentInfo::from_der(bytes).map_err(unreadable("it is not a token"))?,
            _ => granted(Response::from_der(bytes).map_err(unreadable("it is not a response"))?)?,
        };
        if token.content_type != SIGNED_DATA {
            return Err(wrong("its token is not signed data"));
        }
        let data: SignedData = token.content.decode_as().map_err(unreadable("its signed data is malformed"))?;
        if data.content.content_type != TST_INFO {
            return Err(wrong("what is signed is not about a time"));
        }
        let mut signers = data.signers.read().map_err(unreadable("its signer is malformed"))?;
        let signer = signers.pop().filter(|_| signers.is_empty()).ok_or(wrong("it does not have one signer"))?;
        let certificates = data.certificates.map_or(Ok(vec![]), Elements::each);
        let certificates = certificates.map_err(unreadable("its certificates are malformed"))?;
        if certificates.len() > MOST_CERTIFICATES {
            return Err(wrong("it carries more than 16 certificates"));
        }
        // What is not readable is of another kind, or of use to somebody else; a chain that needs it will not hold.
        let certificates = certificates.into_iter().filter_map(|bytes| Certificate::parse(bytes).ok()).collect();
        Ok(Self { content: data.content.content.as_bytes(), signer, certificates })
    }

    /// What the authority says.
    pub(super) fn info(&self) -> Result<TstInfo<'a>, Error> {
        let info = TstInfo::from_der(self.content).map_err(unreadable("what it says of the time is malformed"))?;
        if info.version != 1 {
            return Err(wrong("its version is not 1"));
        }
        let mut extensions = info.extensions.iter().flatten();
        match extensions.find(|extension| extension.critical) {
            Some(critical) => Err(Error::TimestampExtension { extension: critical.extn_id.to_string() }),
            None => Ok(info),
        }
    }

    /// Its signer's certificate, from what it carries or what the caller has. Several may fit the name; the signed
    /// attributes say which it is.
    pub(super) fn signer<'c>(&'c self, trusted: &'c [TrustedCertificate]) -> Result<&'c Certificate, Error> {
        let sid = self.signer.sid;
        let key_id = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };
        let by_name: Option<IssuerAndSerial> = match sid.header().tag() {
            tag if tag == key_id => None,
            _ => Some(sid.decode_as().map_err(unreadable("the name of its signer is malformed"))?),
        };
        let is_signer = |certificate: &&Certificate| match &by_name {
            Some(IssuerAndSerial { issuer, serial }) => {
                let fields = certificate.fields.tbs_certificate();
                fields.issuer() == issuer && fields.serial_number() == serial
            }
            None => certificate.key_id().as_deref() == Some(sid.value()),
        };
        let all = || self.certificates.iter().chain(trusted.iter().map(|trusted| &trusted.0)).filter(is_signer);
        let attributes = self.attributes()?;
        let named = all().find(|certificate| check_signing_certificate(&attributes, certificate).is_ok());
        named.or(all().next()).ok_or(Error::TimestampSigner)
    }

    /// Checks that the signed attributes fit the content and the signer, and that the signature is the signer's.
    pub(super) fn check_signature(&self, signer: &Certificate) -> Result<(), Error> {
        let attributes = self.attributes()?;
        let content_type = only(&attributes, CONTENT_TYPE)?.ok_or(attribute_refused("the content type is missing"))?;
        if content_type.decode_as::<ObjectIdentifier>().ok() != Some(TST_INFO) {
            return Err(attribute_refused("the content type is not about a time"));
        }
        let hash = HashKind::of(self.signer.digest_algorithm.oid)?;
        let digest = only(&attributes, MESSAGE_DIGEST)?.ok_or(attribute_refused("the digest is missing"))?;
        if digest.header().tag() != Tag::OctetString || digest.value() != hash.hash(self.content) {
            return Err(attribute_refused("the digest is not that of the content"));
        }
        check_signing_certificate(&attributes, signer)?;
        // The signature is over the attributes as a SET, not under the tag that they have here (RFC 5652, section 5.4).
        let signed = self.signer.signed_attributes.as_ref().map(Encode::to_der).transpose();
        let signed = signed.map_err(unreadable("its signed attributes are malformed"))?.unwrap_or_default();
        let scheme = Scheme::of_signer(self.signer.signature_algorithm.oid, hash)?;
        let key = signer.fields.tbs_certificate().subject_public_key_info();
        match scheme.verify(key, &signed, self.signer.signature.as_bytes())? {
            true => Ok(()),
            false => Err(Error::TimestampSignature { name: signer.name() }),
        }
    }

    fn attributes(&self) -> Result<Vec<Attribute<'a>>, Error> {
        let signed = self.signer.signed_attributes.ok_or(attribute_refused("there are none"))?;
        signed.read().map_err(unreadable("its signed attributes are malformed"))
    }
}

/// The tag of the first element within the outermost one: an object identifier in a token, a sequence in a response.
fn first_inside(bytes: &[u8]) -> Result<Tag, der::Error> {
    let outermost = AnyRef::from_der(bytes)?;
    Tag::peek(&SliceReader::new(outermost.value())?)
}

/// The token of a response that has one.
fn granted(response: Response<'_>) -> Result<ContentInfo<'_>, Error> {
    // 0 is granted and 1 granted with changes, which the checks that follow accept or not.
    if response.status.status > 1 {
        return Err(Error::TimestampNotGranted { status: response.status.status, says: says(&response.status) });
    }
    response.token.ok_or(wrong("its token is missing"))
}

/// What an authority says about why it gives nothing.
fn says(status: &StatusInfo<'_>) -> String {
    let words = status.text.iter().flatten().map(|text| shown(text.as_str()));
    let failure = status.failure.as_ref();
    let is_set = |bit: usize| failure.is_some_and(|failure| failure.bits().nth(bit).unwrap_or(false));
    let failures = FAILURES.iter().filter(|(bit, _)| is_set(*bit)).map(|(_, name)| (*name).to_owned());
    words.chain(failures).collect::<Vec<_>>().join(", ")
}

/// The one value of the one attribute of a kind.
fn only<'a>(attributes: &[Attribute<'a>], kind: ObjectIdentifier) -> Result<Option<AnyRef<'a>>, Error> {
    let mut found = attributes.iter().filter(|attribute| attribute.kind == kind);
    let Some(attribute) = found.next() else { return Ok(None) };
    let values: Vec<AnyRef> = attribute.values.read().map_err(unreadable("its signed attributes are malformed"))?;
    match (values.as_slice(), found.next()) {
        ([value], None) => Ok(Some(*value)),
        _ => Err(attribute_refused("one stands there twice, or has not one value")),
    }
}

/// Checks that the signer named this certificate as its own. Without that, whoever has another certificate for the same
/// key could pass the timestamp off as that one's (RFC 3161, section 2.4.2; RFC 5816).
fn check_signing_certificate(attributes: &[Attribute<'_>], signer: &Certificate) -> Result<(), Error> {
    let (first, second) = (only(attributes, SIGNING_CERTIFICATE)?, only(attributes, SIGNING_CERTIFICATE_V2)?);
    if first.is_none() && second.is_none() {
        return Err(attribute_refused("the signing certificate is missing"));
    }
    for (value, is_second) in [(first, false), (second, true)] {
        let Some(value) = value else { continue };
        let named: SigningCertificate =
            value.decode_as().map_err(unreadable("the signing certificate that it names is malformed"))?;
        let id = named.certificates.first().ok_or(attribute_refused("the signing certificate is missing"))?;
        if !is_id_of(id, is_second, signer)? {
            return Err(attribute_refused("the signing certificate is another than the signer's"));
        }
    }
    Ok(())
}

/// The first version knows SHA-1 only. That is no weakness here: the chain is checked by stronger ones.
fn is_id_of(id: &EssCertId<'_>, is_second: bool, signer: &Certificate) -> Result<bool, Error> {
    let hash = match (&id.algorithm, is_second) {
        (None, false) => Sha1::digest(&signer.bytes).to_vec(),
        (Some(_), false) => return Err(attribute_refused("a signing certificate of version 1 names an algorithm")),
        (None, true) => HashKind::Sha256.hash(&signer.bytes),
        (Some(algorithm), true) => HashKind::of(algorithm.oid)?.hash(&signer.bytes),
    };
    let fields = signer.fields.tbs_certificate();
    let is_same = id.issuer_serial.as_ref().is_none_or(|named| {
        let issuer = [GeneralName::DirectoryName(fields.issuer().clone())];
        named.issuer == issuer && named.serial == *fields.serial_number()
    });
    Ok(is_same && id.hash.as_bytes() == hash)
}
