//! Keys of notes and their text forms (C2SP signed-note, "Verifier keys").

use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyKind {
    /// The text of a note (type 0x01).
    Note = 0x01,
    /// A witness's cosignature with an instant (type 0x04, C2SP tlog-cosignature).
    Cosignature = 0x04,
}

/// A public key under its name: `example.com/log+530d903a+AekyeRrm…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Its name.
    pub name: String,
    /// What it signs.
    pub kind: KeyKind,
    key: VerifyingKey,
}

/// Names are not empty, and have neither blanks nor a plus sign.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// The first four bytes of a hash over name, kind and public key.
fn id_of(name: &str, kind: KeyKind, public: &[u8; 32]) -> u32 {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', kind as u8]).chain_update(public).finalize();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Name, id and the bytes behind them of a key's text form.
fn parts(text: &str) -> Result<(&str, u32, [u8; 33]), Error> {
    let wrong = |what| Error::Key { what };
    let (name, rest) = text.split_once('+').ok_or(wrong("it is not `name+id+key`"))?;
    let (id, key) = rest.split_once('+').ok_or(wrong("it is not `name+id+key`"))?;
    if !is_name(name) {
        return Err(wrong("its name is empty or has blanks"));
    }
    let is_hex = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let id = u32::from_str_radix(id, 16).ok().filter(|_| is_hex).ok_or(wrong("its id is not 8 hexadecimal digits"))?;
    let key = STANDARD.decode(key).ok().and_then(|bytes| bytes.try_into().ok());
    Ok((name, id, key.ok_or(wrong("its last part is not the Base64 of 33 bytes"))?))
}

impl Verifier {
    /// Reads the text form.
    ///
    /// # Errors
    /// If it is not one, or its id is not that of its key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, id, bytes) = parts(text.trim_end_matches(['\n', '\r']))?;
        let kind = match bytes[0] {
            0x01 => KeyKind::Note,
            0x04 => KeyKind::Cosignature,
            _ => return Err(Error::Key { what: "its kind is not known" }),
        };
        let public: [u8; 32] = std::array::from_fn(|at| bytes[at + 1]);
        if id != id_of(name, kind, &public) {
            return Err(Error::Key { what: "its id is not that of its key" });
        }
        let key = VerifyingKey::from_bytes(&public).map_err(|_| Error::Key { what: "it is no point of the curve" })?;
        Ok(Self { name: name.to_owned(), kind, key })
    }

    /// The short number under which its signatures stand.
    #[must_use]
    pub fn id(&self) -> u32 {
        id_of(&self.name, self.kind, self.key.as_bytes())
    }

    /// Whether this is a signature of a text by this key. Malleable signatures and weak keys count as none.
    pub(crate) fn has_signed(&self, text: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&[self.kind as u8], self.key.as_bytes().as_slice()].concat();
        write!(formatter, "{}+{:08x}+{}", self.name, self.id(), STANDARD.encode(bytes))
    }
}

/// A private key under its name. It is never shown by `Debug`.
#[derive(Clone)]
pub struct Signer {
    name: String,
    kind: KeyKind,
    key: SigningKey,
}

/// What the text form of a private key begins with.
const PRIVATE: &str = "PRIVATE+KEY+";

impl Signer {
    /// A key from 32 random bytes, which the caller drew.
    ///
    /// # Errors
    /// If the name is none.
    pub fn from_seed(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, Error> {
        match is_name(name) {
            true => Ok(Self { name: name.to_owned(), kind, key: SigningKey::from_bytes(seed) }),
            false => Err(Error::Key { what: "its name is empty or has blanks" }),
        }
    }

    /// Reads the text form: `PRIVATE+KEY+name+id+key`.
    ///
    /// # Errors
    /// If it is not one, or its id is not that of its key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.trim_end_matches(['\n', '\r']).strip_prefix(PRIVATE);
        let (name, id, bytes) = parts(rest.ok_or(Error::Key { what: "it is no private key" })?)?;
        let kind = match bytes[0] {
            0x01 => KeyKind::Note,
            0x04 => KeyKind::Cosignature,
            _ => return Err(Error::Key { what: "its kind is not known" }),
        };
        let signer = Self::from_seed(name, kind, &std::array::from_fn(|at| bytes[at + 1]))?;
        match signer.verifier().id() == id {
            true => Ok(signer),
            false => Err(Error::Key { what: "its id is not that of its key" }),
        }
    }

    /// The text form with the secret in it.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let bytes = [&[self.kind as u8], self.key.as_bytes().as_slice()].concat();
        format!("{PRIVATE}{}+{:08x}+{}", self.name, self.verifier().id(), STANDARD.encode(bytes))
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), kind: self.kind, key: self.key.verifying_key() }
    }

    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text).to_bytes()
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Signer({})", self.verifier())
    }
}
