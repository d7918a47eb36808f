//! The authority: the key that vouches for agents to the server, and for the server to agents. It is nobody else's, and no
//! browser knows it.

use crate::error::Error;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, TokenId};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How long an agent's certificate holds: it is renewed after a third of that, so that a server may be away for days.
const AGENT_DAYS: i64 = 7;
/// How long the server's own holds: it makes a new one at every start, and while it runs.
const SERVER_DAYS: i64 = 90;
/// How long the authority holds.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Clocks that are behind take a new certificate too.
const BACK: SignedDuration = SignedDuration::from_hours(1);
/// What the name of an agent in its certificate begins with; the token that it enrolled with and its asset follow.
const NAME: &str = "plimsoll-agent:";

/// The key that vouches, with its certificate.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate (PEM).
    pub(crate) certificate: String,
    /// Its certificate (DER).
    pub(crate) der: CertificateDer<'static>,
    /// The SHA-256 of that, in hexadecimal digits: by it agents know the server when they enrol.
    pub(crate) fingerprint: String,
}

/// Who an agent is, by its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgentName {
    pub(crate) token: TokenId,
    pub(crate) asset: AssetId,
}

impl Authority {
    /// Reads the authority of a data directory, or makes one where there is none.
    pub(crate) fn open(data: &Path, now: Timestamp) -> Result<Self, Error> {
        let folder = data.join("keys");
        let (key_path, path) = (folder.join("agents.key"), folder.join("agents.crt"));
        let lock = lock(data)?;
        if !path.exists() {
            let key = KeyPair::generate()?;
            let certificate = authority(now)?.self_signed(&key)?;
            write(&key_path, key.serialize_pem().as_bytes())?;
            write(&path, certificate.pem().as_bytes())?;
        }
        drop(lock);
        let key = std::fs::read_to_string(&key_path).map_err(Error::file("read", &key_path))?;
        let certificate = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes());
        let der = der.map_err(|error| Error::Setting(format!("`{}` is no certificate: {error}", path.display())))?;
        let fingerprint = protocol::hexadecimal(ring::digest::digest(&ring::digest::SHA256, &der).as_ref());
        let issuer = Issuer::from_ca_cert_pem(&certificate, KeyPair::from_pem(&key)?)?;
        Ok(Self { issuer, certificate, der, fingerprint })
    }

    /// A certificate for the server itself, under the names by which agents reach it.
    pub(crate) fn for_server(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Error> {
        let mut parameters = CertificateParams::new(names.to_vec())?;
        hold(&mut parameters, now, SERVER_DAYS);
        parameters.distinguished_name = named("plimsoll server");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((certificate.der().clone(), key))
    }

    /// A certificate for an agent: it asked with a request (PKCS #10) that proves that it has the key, and what else the request
    /// says is left aside.
    pub(crate) fn for_agent(
        &self,
        request: &CertificateSigningRequestParams,
        name: &AgentName,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Error> {
        let mut parameters = CertificateParams::default();
        hold(&mut parameters, now, AGENT_DAYS);
        parameters.distinguished_name = named(name.asset.as_str());
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        parameters.subject_alt_names = vec![SanType::URI(format!("{NAME}{}:{}", name.token, name.asset).try_into()?)];
        let certificate = parameters.signed_by(&request.public_key, &self.issuer)?;
        Ok((certificate.pem(), now + SignedDuration::from_hours(24 * AGENT_DAYS / 3)))
    }
}

/// Who an agent is, by its certificate, which TLS has verified already.
pub(crate) fn agent_of(certificate: &[u8]) -> Option<AgentName> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let names = read.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| match name {
        x509_parser::extensions::GeneralName::URI(uri) => {
            let (token, asset) = uri.strip_prefix(NAME)?.split_once(':')?;
            Some(AgentName { token: TokenId::new(token).ok()?, asset: AssetId::new(asset).ok()? })
        }
        _ => None,
    })
}

/// The digest of the public key that a request proves to have.
pub(crate) fn key_of(request: &CertificateSigningRequestParams) -> String {
    use rcgen::PublicKeyData;
    ledger::digest(request.public_key.der_bytes())
}

fn authority(now: Timestamp) -> Result<CertificateParams, Error> {
    let mut parameters = CertificateParams::default();
    hold(&mut parameters, now, AUTHORITY_DAYS);
    let random = crate::app::random::<4>()?;
    parameters.distinguished_name = named(&format!("plimsoll agents {}", protocol::hexadecimal(&random)));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

fn hold(parameters: &mut CertificateParams, now: Timestamp, days: i64) {
    let at = |at: Timestamp| time::OffsetDateTime::from_unix_timestamp(at.as_second());
    let until = now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    if let (Ok(from), Ok(until)) = (at(now.checked_sub(BACK).unwrap_or(now)), at(until)) {
        (parameters.not_before, parameters.not_after) = (from, until);
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// Takes the keys of a data directory, until the value is dropped: of several servers that begin at once all have the same.
pub(crate) fn lock(data: &Path) -> Result<std::fs::File, Error> {
    let folder = data.join("keys");
    std::fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let path = folder.join(".lock");
    let lock = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    lock.and_then(|file| file.lock().map(|()| file)).map_err(Error::file("lock", &path))
}

/// Writes a file that its owner alone may read; it is there as a whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let wrap = || Error::file("write", path);
    let next = path.with_extension("next");
    let open = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next);
    let mut file = open.map_err(wrap())?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(wrap())?;
    std::fs::rename(&next, path).map_err(wrap())
}

/// The SHA-256 of the authority's certificate in a data directory, made if there is none: agents know the server by it.
///
/// # Errors
/// If it cannot be read or made.
pub fn fingerprint(data: &Path, now: Timestamp) -> Result<String, Error> {
    Ok(Authority::open(data, now)?.fingerprint)
}
