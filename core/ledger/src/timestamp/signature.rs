//! The signatures that are accepted: RSA PKCS #1 v1.5 and ECDSA on P-256 and P-384, each over SHA-256, SHA-384 or SHA-512.

use crate::error::Error;
use crate::timestamp::asn1::RsaKey;
use der::Decode;
use der::asn1::ObjectIdentifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::ops::RangeInclusive;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ELLIPTIC_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Shorter keys are broken, longer ones are there to keep the reader busy.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// A hash function that is accepted in signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashKind {
    Sha256,
    Sha384,
    Sha512,
}

impl HashKind {
    /// The function of an object identifier.
    pub(super) fn of(algorithm: ObjectIdentifier) -> Result<Self, Error> {
        match algorithm {
            SHA_256 => Ok(Self::Sha256),
            SHA_384 => Ok(Self::Sha384),
            SHA_512 => Ok(Self::Sha512),
            _ => Err(refused("hash algorithm", algorithm)),
        }
    }

    /// The hash of a message.
    pub(super) fn hash(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    Ecdsa,
}

/// A way to sign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scheme {
    family: Family,
    hash: HashKind,
}

impl Scheme {
    /// The way that a certificate names.
    pub(super) fn of_certificate(algorithm: ObjectIdentifier) -> Result<Self, Error> {
        let (family, hash) = match algorithm {
            RSA_SHA_256 => (Family::Rsa, HashKind::Sha256),
            RSA_SHA_384 => (Family::Rsa, HashKind::Sha384),
            RSA_SHA_512 => (Family::Rsa, HashKind::Sha512),
            ECDSA_SHA_256 => (Family::Ecdsa, HashKind::Sha256),
            ECDSA_SHA_384 => (Family::Ecdsa, HashKind::Sha384),
            ECDSA_SHA_512 => (Family::Ecdsa, HashKind::Sha512),
            _ => return Err(refused("signature algorithm", algorithm)),
        };
        Ok(Self { family, hash })
    }

    /// The way that a signer of CMS names: RSA may leave the hash to the digest algorithm (RFC 3370, section 3.2), and
    /// where both name one they must agree.
    pub(super) fn of_signer(algorithm: ObjectIdentifier, hash: HashKind) -> Result<Self, Error> {
        if algorithm == RSA {
            return Ok(Self { family: Family::Rsa, hash });
        }
        let scheme = Self::of_certificate(algorithm)?;
        if scheme.hash == hash {
            Ok(scheme)
        } else {
            Err(refused("signature over another hash than the digest's", algorithm))
        }
    }

    /// Whether a signature of a message is that of a key.
    ///
    /// # Errors
    /// If the key is of a kind that is not accepted.
    pub(super) fn verify(
        self,
        key: &SubjectPublicKeyInfoOwned,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        let hash = self.hash.hash(message);
        let point = key.subject_public_key.as_bytes().unwrap_or_default();
        match (self.family, key.algorithm.oid) {
            (Family::Rsa, RSA) => self.verify_rsa(point, &hash, signature),
            (Family::Ecdsa, ELLIPTIC_CURVE) => {
                let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok());
                match curve {
                    Some(P_256) => Ok(verify_p256(point, &hash, signature)),
                    Some(P_384) => Ok(verify_p384(point, &hash, signature)),
                    Some(other) => Err(refused("elliptic curve", other)),
                    None => Err(refused("key without a named curve", ELLIPTIC_CURVE)),
                }
            }
            (_, RSA | ELLIPTIC_CURVE) => Ok(false),
            (_, other) => Err(refused("kind of key", other)),
        }
    }

    fn verify_rsa(self, key: &[u8], hash: &[u8], signature: &[u8]) -> Result<bool, Error> {
        let key = rsa_key(key).ok_or_else(|| refused("RSA key of fewer than 2048 or more than 8192 bits", RSA))?;
        let padding = match self.hash {
            HashKind::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            HashKind::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            HashKind::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        };
        Ok(key.verify(padding, hash, signature).is_ok())
    }
}

fn refused(what: &'static str, algorithm: ObjectIdentifier) -> Error {
    Error::TimestampAlgorithm { what, algorithm: algorithm.to_string() }
}

fn rsa_key(bytes: &[u8]) -> Option<PublicKey> {
    let key = RsaKey::from_der(bytes).ok()?;
    let (modulus, exponent) = (key.modulus.as_bytes(), key.exponent.as_bytes());
    // The size is looked at before numbers are made of it.
    if modulus.len() * 8 > *RSA_BITS.end() || exponent.len() > 8 {
        return None;
    }
    let number = BoxedUint::from_be_slice_vartime;
    PublicKey::new_with_size_limits(number(modulus), number(exponent), RSA_BITS).ok()
}

fn verify_p256(point: &[u8], hash: &[u8], signature: &[u8]) -> bool {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point);
    let signature = p256::ecdsa::Signature::from_der(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_prehash(hash, &signature).is_ok())
}

fn verify_p384(point: &[u8], hash: &[u8], signature: &[u8]) -> bool {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point);
    let signature = p384::ecdsa::Signature::from_der(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_prehash(hash, &signature).is_ok())
}
