//! Settings: where the service listens, and by what names it is reached.

use crate::error::Error;
use jiff::{SignedDuration, Timestamp};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An identity provider (OpenID Connect).
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its address, exactly as it names itself.
    pub issuer: String,
    /// Who this service is to it.
    pub client: String,
    /// The secret that proves that.
    pub secret: String,
    /// The claim whose value is a person's id here.
    pub claim: String,
}

/// How the service runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where pages and API are.
    pub listen: SocketAddr,
    /// Where agents report; none if they cannot.
    pub agents: Option<SocketAddr>,
    /// The names and addresses by which agents reach it: its certificate for them bears these.
    pub agent_names: Vec<String>,
    /// Certificate and key (PEM) for pages and API.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The address by which people reach it, where a proxy stands before it.
    pub public: Option<String>,
    /// How many proxies stand before it, and say in `X-Forwarded-For` who asks.
    pub proxies: usize,
    /// An identity provider.
    pub provider: Option<ProviderSettings>,
    /// What takes mail to people; nobody is written to without.
    pub mail: Option<connectors::MailServer>,
    /// How often is gathered what people are to be told of.
    pub write_every: Duration,
    /// How often agents look.
    pub look_every: SignedDuration,
    /// How often a look that found nothing new is noted in the ledger at the most.
    pub note_every: SignedDuration,
    /// When feeds are fetched (a cron expression), and in which time zone; never if there is none.
    pub sync_at: Option<(String, jiff::tz::TimeZone)>,
    /// A mirror that serves the feeds instead of their publishers.
    pub mirror: Option<String>,
    /// How long a request may take, its body included.
    pub patience: Duration,
    /// The ports that were found free, where 0 was asked for.
    bound: Arc<OnceLock<(SocketAddr, Option<SocketAddr>)>>,
}

impl Settings {
    /// The usual: this machine alone sees the pages, agents reach it from everywhere.
    #[must_use]
    pub fn new(listen: SocketAddr, agents: Option<SocketAddr>) -> Self {
        Self {
            listen,
            agents,
            agent_names: Vec::new(),
            tls: None,
            public: None,
            proxies: 0,
            provider: None,
            mail: None,
            write_every: Duration::from_secs(60),
            look_every: SignedDuration::from_hours(1),
            note_every: SignedDuration::from_hours(6),
            sync_at: None,
            mirror: None,
            patience: Duration::from_secs(120),
            bound: Arc::default(),
        }
    }

    /// Says no to what cannot be used.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let is_address = |text: &String| text.starts_with("http://") || text.starts_with("https://");
        if let Some(public) = self.public.as_ref().filter(|public| !is_address(public)) {
            return Err(Error::Setting(format!("`{public}` is no address: it begins with http:// or https://")));
        }
        if let Some(mail) = &self.mail {
            connectors::Mail::new(mail).map_err(|error| Error::Setting(format!("mail: {error}")))?;
        }
        if !self.is_secure() && !self.listen.ip().is_loopback() {
            return Err(Error::Setting(format!(
                "{} can be reached from other machines, and passwords would cross the network in the clear: give a certificate with --tls-certificate and --tls-key, or the https address of the proxy before it with --public",
                self.listen
            )));
        }
        Ok(())
    }

    /// Whether people reach it over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some() || self.public.as_ref().is_some_and(|public| public.starts_with("https://"))
    }

    pub(crate) fn note_ports(&self, pages: SocketAddr, agents: Option<SocketAddr>) {
        // It begins once.
        let _ = self.bound.set((pages, agents));
    }

    /// The address of a page, as people reach it.
    pub(crate) fn address_of(&self, path: &str) -> String {
        let base = self.public.clone().unwrap_or_else(|| {
            let listen = self.bound.get().map_or(self.listen, |(pages, _)| *pages);
            format!("{}://{listen}", if self.tls.is_some() { "https" } else { "http" })
        });
        format!("{}{path}", base.trim_end_matches('/'))
    }

    /// The address that agents are given.
    pub(crate) fn agents_address(&self) -> String {
        let listen = self.bound.get().and_then(|(_, agents)| *agents).or(self.agents);
        let port = listen.map_or(0, |listen| listen.port());
        let name = self.agent_names.first().cloned().unwrap_or_else(|| "localhost".to_owned());
        let name = if name.contains(':') { format!("[{name}]") } else { name };
        format!("https://{name}:{port}")
    }
}
