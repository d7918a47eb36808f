//! Sealing: secrets that must be read again lie in the database encrypted, with a key that lies beside it.

use crate::agents::authority;
use crate::app::random;
use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::path::Path;

/// Encrypts and decrypts (AES-256-GCM, a random nonce each time).
pub(crate) struct Sealer(LessSafeKey);

impl Sealer {
    /// Reads the key of a data directory, or makes one.
    pub(crate) fn open(data: &Path) -> Result<Self, Error> {
        let path = data.join("keys").join("accounts.key");
        let _lock = authority::lock(data)?;
        if !path.exists() {
            authority::write(&path, &random::<32>()?)?;
        }
        let key = std::fs::read(&path).map_err(Error::file("read", &path))?;
        let key = UnboundKey::new(&AES_256_GCM, &key);
        let key = key.map_err(|_| Error::Setting(format!("`{}` holds no key of 32 bytes", path.display())))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret for one purpose: what is sealed for one opens for no other.
    pub(crate) fn seal(&self, secret: &[u8], purpose: &str) -> Result<String, Error> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = secret.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| Error::Random)?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what was sealed for a purpose; none if it was not, or was changed.
    pub(crate) fn unseal(&self, sealed: &str, purpose: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        let secret = self.0.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut opened).ok()?;
        Some(secret.to_vec())
    }
}
