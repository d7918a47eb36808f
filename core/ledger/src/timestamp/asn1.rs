//! The structures that a timestamp is made of (RFC 3161, RFC 5652, RFC 5035), as they are read and written.
//!
//! What was signed or hashed stays a slice of what was read, so that it is checked byte by byte and never written anew.

use der::asn1::{BitStringRef, IntRef, ObjectIdentifier, OctetStringRef, UintRef, Utf8StringRef};
use der::{
    AnyRef, Decode, DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Sequence, SliceReader, Tag, Writer,
};
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierRef;

/// The elements of a SET as they stand there, in whatever order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elements<'a>(pub(super) &'a [u8]);

impl<'a> Elements<'a> {
    /// The bytes of each element, its header included.
    pub(super) fn each(self) -> Result<Vec<&'a [u8]>, der::Error> {
        let mut reader = SliceReader::new(self.0)?;
        let mut found = Vec::new();
        while !reader.is_finished() {
            found.push(reader.tlv_bytes()?);
        }
        Ok(found)
    }

    /// Each element, read.
    pub(super) fn read<T: Decode<'a, Error = der::Error>>(self) -> Result<Vec<T>, der::Error> {
        self.each()?.into_iter().map(T::from_der).collect()
    }
}

impl FixedTag for Elements<'_> {
    const TAG: Tag = Tag::Set;
}

impl<'a> DecodeValue<'a> for Elements<'a> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> Result<Self, der::Error> {
        reader.read_slice(header.length()).map(Self)
    }
}

impl EncodeValue for Elements<'_> {
    fn value_len(&self) -> Result<Length, der::Error> {
        self.0.len().try_into()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> Result<(), der::Error> {
        writer.write(self.0)
    }
}

/// `TimeStampReq` without its optional policy and extensions.
#[derive(Sequence)]
pub(super) struct Request<'a> {
    pub(super) version: u8,
    pub(super) imprint: MessageImprint<'a>,
    pub(super) nonce: UintRef<'a>,
    pub(super) cert_req: bool,
}

/// `MessageImprint`.
#[derive(Sequence)]
pub(super) struct MessageImprint<'a> {
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) digest: &'a OctetStringRef,
}

/// `TimeStampResp`.
#[derive(Sequence)]
pub(super) struct Response<'a> {
    pub(super) status: StatusInfo<'a>,
    pub(super) token: Option<ContentInfo<'a>>,
}

/// `PKIStatusInfo`.
#[derive(Sequence)]
pub(super) struct StatusInfo<'a> {
    pub(super) status: u8,
    pub(super) text: Option<Vec<Utf8StringRef<'a>>>,
    pub(super) failure: Option<BitStringRef<'a>>,
}

/// `ContentInfo`, which a `TimeStampToken` is.
#[derive(Sequence)]
pub(super) struct ContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: AnyRef<'a>,
}

/// `SignedData`.
#[derive(Sequence)]
pub(super) struct SignedData<'a> {
    pub(super) version: u8,
    pub(super) digest_algorithms: Elements<'a>,
    pub(super) content: EncapsulatedContent<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) certificates: Option<Elements<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) crls: Option<Elements<'a>>,
    pub(super) signers: Elements<'a>,
}

/// `EncapsulatedContentInfo`, whose content a timestamp always has.
#[derive(Sequence)]
pub(super) struct EncapsulatedContent<'a> {
    pub(super) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: &'a OctetStringRef,
}

/// `SignerInfo`; its `sid` is an [`IssuerAndSerial`] or a subject key identifier under the tag 0.
#[derive(Sequence)]
pub(super) struct SignerInfo<'a> {
    pub(super) version: u8,
    pub(super) sid: AnyRef<'a>,
    pub(super) digest_algorithm: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) signed_attributes: Option<Elements<'a>>,
    pub(super) signature_algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) signature: &'a OctetStringRef,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) unsigned_attributes: Option<Elements<'a>>,
}

/// `IssuerAndSerialNumber`.
#[derive(Sequence)]
pub(super) struct IssuerAndSerial {
    pub(super) issuer: Name,
    pub(super) serial: SerialNumber,
}

/// `Attribute`.
#[derive(Sequence)]
pub(super) struct Attribute<'a> {
    pub(super) kind: ObjectIdentifier,
    pub(super) values: Elements<'a>,
}

/// `SigningCertificate` and `SigningCertificateV2`.
#[derive(Sequence)]
pub(super) struct SigningCertificate<'a> {
    pub(super) certificates: Vec<EssCertId<'a>>,
    pub(super) policies: Option<AnyRef<'a>>,
}

/// `ESSCertID`, which never names an algorithm, and `ESSCertIDv2`, which names it if it is not SHA-256.
#[derive(Sequence)]
pub(super) struct EssCertId<'a> {
    pub(super) algorithm: Option<AlgorithmIdentifierRef<'a>>,
    pub(super) hash: &'a OctetStringRef,
    pub(super) issuer_serial: Option<IssuerSerial>,
}

/// `IssuerSerial`.
#[derive(Sequence)]
pub(super) struct IssuerSerial {
    pub(super) issuer: Vec<GeneralName>,
    pub(super) serial: SerialNumber,
}

/// `TSTInfo`.
#[derive(Sequence)]
pub(super) struct TstInfo<'a> {
    pub(super) version: u8,
    pub(super) policy: ObjectIdentifier,
    pub(super) imprint: MessageImprint<'a>,
    pub(super) serial: IntRef<'a>,
    /// A GeneralizedTime with fractions of seconds, which `der` has no type for.
    pub(super) time: AnyRef<'a>,
    pub(super) accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    pub(super) ordering: bool,
    pub(super) nonce: Option<IntRef<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) tsa: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

/// `Accuracy`.
#[derive(Sequence)]
pub(super) struct Accuracy {
    pub(super) seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) micros: Option<u16>,
}

/// `RSAPublicKey`.
#[derive(Sequence)]
pub(super) struct RsaKey<'a> {
    pub(super) modulus: UintRef<'a>,
    pub(super) exponent: UintRef<'a>,
}
