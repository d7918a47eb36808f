//! Signed notes (C2SP signed-note) and cosignatures (C2SP tlog-cosignature).

use crate::error::Error;
use crate::key::{KeyKind, Signer, Verifier, is_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// More signatures than anybody gives.
const MOST_SIGNATURES: usize = 100;
/// More bytes than any note has.
const MOST_BYTES: usize = 1 << 20;

/// A text with signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with the newline at its end.
    pub text: String,
    /// Its signatures, also those of keys that nobody knows.
    pub signatures: Vec<Signature>,
}

/// A signature under the name and the id of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: u32,
    /// What the key's kind makes of it.
    pub bytes: Vec<u8>,
}

impl Note {
    /// Reads a note. Nothing of it is to be believed before [`Note::verify`].
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |what| Error::Note { what };
        if bytes.len() > MOST_BYTES {
            return Err(wrong("it is larger than 1 MiB"));
        }
        let all = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
        if all.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(wrong("it has control characters"));
        }
        let at = all.rfind("\n\n").ok_or(wrong("no empty line stands before its signatures"))?;
        let (text, lines) = (&all[..=at], &all[at + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(wrong("its last line does not end"))?;
        let signatures: Vec<Signature> =
            lines.split('\n').take(MOST_SIGNATURES + 1).map(Signature::parse).collect::<Result<_, _>>()?;
        match signatures.len() {
            0..=MOST_SIGNATURES => Ok(Self { text: text.to_owned(), signatures }),
            _ => Err(wrong("it has more than 100 signatures")),
        }
    }

    /// A text, signed by keys of the kind [`KeyKind::Note`].
    ///
    /// # Errors
    /// If the text does not end with a newline, or a key signs something else.
    pub fn sign(text: &str, signers: &[&Signer]) -> Result<Self, Error> {
        if !text.ends_with('\n') || text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(Error::Note { what: "its text does not end with a newline, or has control characters" });
        }
        let sign = |signer: &&Signer| {
            let key = signer.verifier();
            match key.kind {
                KeyKind::Note => {
                    Ok(Signature { id: key.id(), name: key.name, bytes: signer.sign(text.as_bytes()).into() })
                }
                KeyKind::Cosignature => Err(Error::Key { what: "a witness's key signs checkpoints of others only" }),
            }
        };
        Ok(Self { text: text.to_owned(), signatures: signers.iter().map(sign).collect::<Result<_, _>>()? })
    }

    /// Adds a witness's cosignature: it saw this checkpoint at this instant, and nothing that contradicts it before.
    ///
    /// # Errors
    /// If the key is no witness's, or the instant before 1970.
    pub fn cosign(&mut self, witness: &Signer, at: Timestamp) -> Result<(), Error> {
        let key = witness.verifier();
        let seconds = u64::try_from(at.as_second()).map_err(|_| Error::Note { what: "its instant is before 1970" })?;
        if key.kind != KeyKind::Cosignature {
            return Err(Error::Key { what: "it is no witness's key" });
        }
        let signature = witness.sign(cosigned(&self.text, seconds).as_bytes());
        let bytes = [seconds.to_be_bytes().as_slice(), &signature].concat();
        self.signatures.push(Signature { id: key.id(), name: key.name, bytes });
        Ok(())
    }

    /// The keys of those that are known which have signed, with the instant of cosignatures. Signatures of others are
    /// passed over.
    ///
    /// # Errors
    /// If none of them has, or a signature under a known name and id does not fit the text.
    pub fn verify<'k>(&self, known: &'k [Verifier]) -> Result<Vec<(&'k Verifier, Option<Timestamp>)>, Error> {
        let mut found: Vec<(&Verifier, Option<Timestamp>)> = Vec::new();
        for signature in &self.signatures {
            let is_its = |key: &&Verifier| key.name == signature.name && key.id() == signature.id;
            let Some(key) = known.iter().find(is_its) else { continue };
            let at = signature.check(&self.text, key)?;
            if !found.iter().any(|(other, _)| *other == key) {
                found.push((key, at));
            }
        }
        if found.is_empty() { Err(Error::Unsigned) } else { Ok(found) }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        for signature in &self.signatures {
            let bytes = [signature.id.to_be_bytes().as_slice(), &signature.bytes].concat();
            writeln!(formatter, "— {} {}", signature.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

impl Signature {
    fn parse(line: &str) -> Result<Self, Error> {
        let wrong = Error::Note { what: "a signature is not `— name Base64`" };
        let parsed = || {
            let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
            let bytes = STANDARD.decode(base64).ok().filter(|bytes| bytes.len() > 4 && is_name(name))?;
            let (id, bytes) = bytes.split_first_chunk::<4>()?;
            Some(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
        };
        parsed().ok_or(wrong)
    }

    /// Checks it against a text; a cosignature says when it was given.
    fn check(&self, text: &str, key: &Verifier) -> Result<Option<Timestamp>, Error> {
        let wrong = || Error::Signature { name: self.name.clone() };
        match key.kind {
            KeyKind::Note => key.has_signed(text.as_bytes(), &self.bytes).then_some(None).ok_or_else(wrong),
            KeyKind::Cosignature => {
                let (seconds, signature) = self.bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
                let seconds = u64::from_be_bytes(*seconds);
                let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
                let has_signed = key.has_signed(cosigned(text, seconds).as_bytes(), signature);
                at.filter(|_| has_signed).map(Some).ok_or_else(wrong)
            }
        }
    }
}

/// What a witness signs.
fn cosigned(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}
