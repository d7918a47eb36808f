//! Webhooks, signed as Standard Webhooks 1.0 says (symmetric signatures, `v1`).

use crate::address;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::{Client, Url};
use ring::hmac;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::time::Duration;

/// How long whoever receives something may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many bytes a secret has.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The way to what receives webhooks.
pub struct Webhook {
    url: Url,
    host: String,
    key: hmac::Key,
    client: Client,
}

impl Webhook {
    /// The way to an address, with the secret that is shared with it (`whsec_` and Base64), and authorities (PEM) that are trusted
    /// beside the public ones.
    ///
    /// # Errors
    /// If the address, the secret or the authorities are none.
    pub fn new(address: &str, secret: &str, authorities: Option<&[u8]>) -> Result<Self, Error> {
        let wanted = "`https://…`; `http://…` on this machine alone; without a password";
        let url = address::parse(address, ["http", "https"], wanted)?;
        let host = address::host(&url).unwrap_or_default();
        if url.scheme() == "http" && !address::is_here(&host) {
            return Err(Error::Address { address: address.to_owned(), wanted });
        }
        let mut client = Client::builder();
        if address::is_here(&host) {
            // What does not leave this machine goes to no proxy either.
            client = client.no_proxy();
        }
        let client = client
            .tls_backend_preconfigured(tls(authorities)?)
            // Where it is sent on to nobody has said.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::Client)?;
        Ok(Self { url, host, key: key(secret)?, client })
    }

    /// Sends a body (JSON) under an id that is the same at every attempt. It may have arrived where this fails.
    ///
    /// # Errors
    /// If it is not reached, or answers with anything but success.
    pub async fn send(&self, id: &str, at: Timestamp, body: String) -> Result<(), Error> {
        let signature = signature(&self.key, id, at, &body);
        let request = self.client.post(self.url.clone()).header("content-type", "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", at.as_second());
        let answer = request.header("webhook-signature", signature).body(body).send().await;
        // What its error says of the address is ours, and may hold a token.
        let answer =
            answer.map_err(|source| Error::Unreached { host: self.host.clone(), source: source.without_url() })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(Error::Refused { host: self.host.clone(), status: status.as_u16() }),
        }
    }
}

fn key(secret: &str) -> Result<hmac::Key, Error> {
    let no = || Error::Secret { wanted: "`whsec_` and 24 to 64 bytes in Base64" };
    let bytes = secret.trim().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()).ok_or_else(no)?;
    if !SECRET_BYTES.contains(&bytes.len()) {
        return Err(no());
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn signature(key: &hmac::Key, id: &str, at: Timestamp, body: &str) -> String {
    let signed = format!("{id}.{}.{body}", at.as_second());
    format!("v1,{}", STANDARD.encode(hmac::sign(key, signed.as_bytes())))
}

fn tls(authorities: Option<&[u8]>) -> Result<rustls::ClientConfig, Error> {
    // Asking twice is no error: the first answer stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in authorities.map(CertificateDer::pem_slice_iter).into_iter().flatten() {
        let no = |what: String| Error::Authorities { what };
        let certificate = certificate.map_err(|error| no(error.to_string()))?;
        roots.add(certificate).map_err(|error| no(error.to_string()))?;
    }
    Ok(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::{Webhook, key, signature};
    use jiff::Timestamp;

    /// The example of the specification's own libraries.
    #[test]
    fn what_is_sent_is_signed_as_the_specification_says() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let at = Timestamp::from_second(1_614_265_330).expect("an instant");
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_would_go_in_the_clear_or_unsigned_is_refused() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert!(Webhook::new("https://tool.example.org/hook", secret, None).is_ok());
        assert!(Webhook::new("http://127.0.0.1:8080/hook", secret, None).is_ok());
        for address in ["http://tool.example.org/", "ftp://127.0.0.1/", "tool", "https://u:p@tool.example.org/"] {
            assert!(Webhook::new(address, secret, None).is_err(), "{address}");
        }
        for secret in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_?"] {
            assert!(Webhook::new("https://tool.example.org/", secret, None).is_err(), "{secret}");
        }
    }
}
