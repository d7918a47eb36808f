//! What the agent says to its server, and what it hears.

use crate::home::Identity;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use protocol::{
    AUTHORITY, CHECK_IN, Certified, CheckIn, ENROL, Enrol, INVENTORY, Noted, RENEW, Renew, SENT_AT, TAKEN_AT, Ticket,
};
#[cfg(unix)]
use protocol::{AskOrder, ORDERS, OrderReport, Ordered, REPORT};
use rcgen::{CertificateParams, KeyPair};
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes of an answer.
const MOST_BYTES: u64 = 1 << 20;

/// What became of something that was said.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// The server has it.
    Taken(T),
    /// The server will never take this.
    Refused(String),
    /// The server does not know this agent, or not any more.
    Unknown(String),
    /// The server asks to come back later.
    Later,
}

/// A connection to the server.
pub(crate) struct Client {
    agent: Agent,
    server: String,
}

fn agent(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .tls_config(tls)
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(PATIENCE * 5))
        .timeout_connect(Some(PATIENCE / 2))
        .user_agent(concat!("plimsoll-agent/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

fn tls(roots: RootCerts) -> ureq::tls::TlsConfig {
    TlsConfig::builder().provider(TlsProvider::Rustls).root_certs(roots).build()
}

fn certificate(pem: &str) -> Result<Certificate<'static>> {
    Certificate::from_pem(pem.as_bytes()).map_err(|error| anyhow::anyhow!("it is no certificate: {error}"))
}

impl Client {
    /// Connects as the agent that was enrolled.
    pub(crate) fn new(identity: &Identity) -> Result<Self> {
        let key = PrivateKey::from_pem(identity.key.as_bytes());
        let key = key.map_err(|error| anyhow::anyhow!("the agent's key cannot be read: {error}"))?;
        let own = ClientCert::new_with_certs(&[certificate(&identity.certificate)?], key);
        let roots = RootCerts::from([certificate(&identity.authority)?]);
        let config =
            TlsConfig::builder().provider(TlsProvider::Rustls).root_certs(roots).client_cert(Some(own)).build();
        Ok(Self { agent: agent(config), server: identity.server.clone() })
    }

    /// Says that the agent has looked.
    pub(crate) fn check_in(&self, told: &CheckIn) -> Result<Answer<Noted>> {
        self.say(CHECK_IN, &serde_json::to_vec(told)?)
    }

    /// Asks what is to be done, and waits for it.
    #[cfg(unix)]
    pub(crate) fn ask(&self, wait: Duration, room_minutes: Option<i64>) -> Result<Answer<Ordered>> {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.say(ORDERS, &serde_json::to_vec(&AskOrder { wait_seconds: wait.as_secs(), room_minutes, version })?)
    }

    /// Says how far an order has come.
    #[cfg(unix)]
    pub(crate) fn report(&self, report: &OrderReport) -> Result<Answer<serde_json::Value>> {
        self.say(REPORT, &serde_json::to_vec(report)?)
    }

    /// Hands in an inventory, compressed.
    pub(crate) fn hand_in(&self, taken_at: Timestamp, packed: &[u8]) -> Result<Answer<Noted>> {
        let request = self.agent.post(format!("{}{INVENTORY}", self.server));
        let request = request.header("content-type", "application/json").header("content-encoding", "zstd");
        let request = request.header(SENT_AT, Timestamp::now().to_string());
        let done = request.header(TAKEN_AT, taken_at.to_string()).send(packed);
        read(done.with_context(|| format!("failed to reach {}", self.server))?)
    }

    /// Asks for the next certificate, for a new key.
    pub(crate) fn renew(&self, request: String) -> Result<Answer<Certified>> {
        self.say(RENEW, &serde_json::to_vec(&Renew { request })?)
    }

    fn say<T: serde::de::DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<Answer<T>> {
        let request = self.agent.post(format!("{}{path}", self.server)).header("content-type", "application/json");
        let request = request.header(SENT_AT, Timestamp::now().to_string());
        read(request.send(body).with_context(|| format!("failed to reach {}", self.server))?)
    }
}

/// Reads what the server answers. Whoever answers in another way is no server of this kind.
fn read<T: serde::de::DeserializeOwned>(mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer<T>> {
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(MOST_BYTES).read_to_vec().context("failed to read the answer")?;
    let detail = || {
        let problem: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let words = problem["detail"].as_str().unwrap_or("it does not say why");
        words.chars().filter(|character| !character.is_control()).take(300).collect::<String>()
    };
    Ok(match status {
        200..=299 => Answer::Taken(serde_json::from_slice(&text).context("failed to understand the answer")?),
        401 | 403 => Answer::Unknown(detail()),
        408 | 429 | 500..=599 => Answer::Later,
        _ => Answer::Refused(format!("{status}: {}", detail())),
    })
}

/// A request for a certificate (PKCS #10, PEM) for a key; what name it bears is the server's to say.
pub(crate) fn request_for(key: &KeyPair) -> Result<String> {
    Ok(CertificateParams::new(Vec::new())?.serialize_request(key)?.pem()?)
}

/// Enrols: first the authority is fetched and held against the ticket's digest, so that nobody in between is believed; then the
/// ticket is shown, to a server that the authority vouches for.
pub(crate) fn enrol(server: &str, ticket_text: &str, key: &KeyPair) -> Result<Certified> {
    let ticket = Ticket::parse(ticket_text).context("the ticket is none")?;
    let wanted =
        ticket.authority.context("the ticket is none for an agent: it does not say by what the server is known")?;
    let blind = TlsConfig::builder().provider(TlsProvider::Rustls).disable_verification(true).build();
    let asked = agent(blind).get(format!("{server}{AUTHORITY}")).call();
    let mut asked = asked.with_context(|| {
        format!("failed to reach {server} (is it the address at which agents report, as `plimsoll serve` says it?)")
    })?;
    let text =
        asked.body_mut().with_config().limit(MOST_BYTES).read_to_string().context("failed to read the authority")?;
    let authority = certificate(&text).context("the server did not say who vouches for it")?;
    let digest = ring::digest::digest(&ring::digest::SHA256, authority.der());
    if !protocol::is_same(protocol::hexadecimal(digest.as_ref()).as_bytes(), wanted.as_bytes()) {
        bail!("{server} is not the server that the ticket is for: somebody may stand in between");
    }
    let body = serde_json::to_vec(&Enrol { ticket: ticket_text.to_owned(), request: request_for(key)? })?;
    let request = agent(tls(RootCerts::from([authority]))).post(format!("{server}{ENROL}"));
    let answer = request.header("content-type", "application/json").send(&body[..]);
    let answer = answer.with_context(|| {
        format!("failed to enrol at {server} (does its certificate bear this name? see `plimsoll serve --agents-name`)")
    })?;
    match read(answer)? {
        Answer::Taken(certified) => Ok(certified),
        Answer::Refused(why) | Answer::Unknown(why) => bail!("the server refused: {why}"),
        Answer::Later => bail!("the server cannot do it now: try again in a minute"),
    }
}
