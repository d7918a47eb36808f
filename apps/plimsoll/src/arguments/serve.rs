//! Arguments of `plimsoll serve` and `plimsoll agent`.

use super::RecordArguments;
use clap::{Args, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    /// Where pages and API listen; port 0 is whichever is free
    #[arg(long, env = "PLIMSOLL_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8420")]
    pub(crate) listen: SocketAddr,
    /// Where agents report, over TLS with certificates on both sides
    #[arg(long, env = "PLIMSOLL_AGENTS", value_name = "ADDRESS", default_value = "0.0.0.0:8421")]
    pub(crate) agents: SocketAddr,
    /// No agents: pages and API alone
    #[arg(long, conflicts_with = "agents")]
    pub(crate) no_agents: bool,
    /// A name or address by which agents reach this machine; can be given several times. The first is told to those that enrol; the host's own name if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) agents_name: Vec<String>,
    /// How often agents look, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub(crate) look_every: u32,
    /// The certificate (PEM) of pages and API
    #[arg(long, env = "PLIMSOLL_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, env = "PLIMSOLL_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The address by which people reach the pages, where a proxy stands before them (as in `https://plimsoll.example`)
    #[arg(long, env = "PLIMSOLL_PUBLIC", value_name = "URL")]
    pub(crate) public: Option<String>,
    /// How many proxies stand before it: so many of the last addresses in X-Forwarded-For are believed
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) proxies: usize,
    /// An identity provider (OpenID Connect), by the address that it names itself
    #[arg(long, env = "PLIMSOLL_OIDC_ISSUER", value_name = "URL", requires_all = ["oidc_client", "oidc_secret_file"])]
    pub(crate) oidc_issuer: Option<String>,
    /// Who this service is to the identity provider
    #[arg(long, env = "PLIMSOLL_OIDC_CLIENT", value_name = "ID", requires = "oidc_issuer")]
    pub(crate) oidc_client: Option<String>,
    /// The file with the secret that proves it
    #[arg(long, env = "PLIMSOLL_OIDC_SECRET_FILE", value_name = "FILE", requires = "oidc_issuer")]
    pub(crate) oidc_secret_file: Option<PathBuf>,
    /// The claim that is a person's id here, the first time they sign in
    #[arg(long, value_enum, default_value_t = ClaimArgument::PreferredUsername)]
    pub(crate) oidc_claim: ClaimArgument,
    /// The server that takes mail to people: `smtps://HOST`, or `smtp://HOST` for STARTTLS (in the clear on this machine alone)
    #[arg(long, env = "PLIMSOLL_MAIL", value_name = "URL", requires = "mail_from")]
    pub(crate) mail: Option<String>,
    /// From whom mail is, as in `Plimsoll <plimsoll@example.org>`
    #[arg(long, env = "PLIMSOLL_MAIL_FROM", value_name = "ADDRESS", requires = "mail")]
    pub(crate) mail_from: Option<String>,
    /// As whom mail is handed over
    #[arg(long, env = "PLIMSOLL_MAIL_USER", value_name = "NAME", requires_all = ["mail", "mail_password_file"])]
    pub(crate) mail_user: Option<String>,
    /// The file with the password for that
    #[arg(long, env = "PLIMSOLL_MAIL_PASSWORD_FILE", value_name = "FILE", requires = "mail_user")]
    pub(crate) mail_password_file: Option<PathBuf>,
    /// An authority whose certificates are trusted for mail beside the public ones (PEM)
    #[arg(long, env = "PLIMSOLL_MAIL_CA", value_name = "FILE", requires = "mail")]
    pub(crate) mail_ca: Option<PathBuf>,
    /// When the feeds are fetched: a cron expression (minute, hour, day, month, weekday)
    #[arg(long, value_name = "CRON", default_value = "17 */6 * * *")]
    pub(crate) sync_at: String,
    /// The time zone of that (Europe/Berlin); this machine's if left out
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Never fetch the feeds by itself
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// A mirror that serves FEED/FILE instead of the publishers
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// The form of the log, on standard error
    #[arg(long, value_enum, default_value_t = LogArgument::Text)]
    pub(crate) log: LogArgument,
}

/// Claims of an identity provider.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum ClaimArgument {
    /// What they call themselves there.
    PreferredUsername,
    /// Their address, where the provider has verified it.
    Email,
    /// The provider's own id for them.
    Sub,
}

/// Forms of a log.
#[derive(ValueEnum, Debug, Clone, Copy)]
pub(crate) enum LogArgument {
    /// One line of text.
    Text,
    /// One JSON document a line.
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct AgentArguments {
    #[command(flatten)]
    pub(crate) record: RecordArguments,
    #[command(subcommand)]
    pub(crate) command: AgentCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum AgentCommand {
    /// Make a ticket with which an asset's agent enrols, once and within an hour
    Enrol {
        /// The asset that it will speak for
        asset: String,
        /// Register the asset if it is not there
        #[arg(long)]
        register: bool,
    },
    /// List the agents that are enrolled
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Trust an asset's agent no longer
    Revoke {
        /// The asset
        asset: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}
