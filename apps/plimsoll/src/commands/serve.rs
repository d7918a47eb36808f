//! `plimsoll serve`.

use crate::arguments::{ClaimArgument, LogArgument, ServeArguments};
use crate::exit::{self, Usage};
use crate::progress::say;
use crate::record::{self, block_on};
use anyhow::{Context, Result};
use connectors::MailServer;
use jiff::{SignedDuration, Timestamp};
use server::{ProviderSettings, Service, Settings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until it is told to stop.
pub(super) fn run(arguments: &ServeArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    log(arguments.log);
    let settings = settings(arguments)?;
    settings.check().map_err(|error| Usage(error.to_string()))?;
    block_on(async {
        let opened = record::open_to_serve(data, &arguments.record, is_quiet).await?;
        let clock: server::Clock = Arc::new(Timestamp::now);
        let begun = Service::begin(opened.organisation.clone(), data.to_owned(), (settings, clock), &opened.person);
        let mut service = begun.await?;
        say(&format!("Serving {}", service.address));
        if let Some(agents) = &service.agents {
            say(&format!("Agents report to {agents}"));
        }
        if let Some(setup) = &service.setup {
            say(&format!("Nobody can sign in yet. `{}` begins here, once: {setup}", opened.person));
        }
        let mut terminate = signal(SignalKind::terminate()).context("failed to listen for signals")?;
        let code = tokio::select! {
            _ = tokio::signal::ctrl_c() => exit::WITHIN_POLICY,
            _ = terminate.recv() => exit::WITHIN_POLICY,
            () = service.failed() => exit::COULD_NOT_FINISH,
        };
        say("Stopping: what was begun is ended first.");
        service.end().await;
        Ok(code)
    })
}

fn log(form: LogArgument) {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_env("PLIMSOLL_LOG").unwrap_or_else(|_| EnvFilter::new("warn,plimsoll_server=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Setting it twice is no error: the first one stays.
    let _ = match form {
        LogArgument::Text => builder.with_ansi(false).try_init(),
        LogArgument::Json => builder.json().try_init(),
    };
}

fn settings(arguments: &ServeArguments) -> Result<Settings> {
    let mut settings = Settings::new(arguments.listen, (!arguments.no_agents).then_some(arguments.agents));
    settings.agent_names =
        if arguments.agents_name.is_empty() { own_names(arguments) } else { arguments.agents_name.clone() };
    settings.tls = arguments.tls_certificate.clone().zip(arguments.tls_key.clone());
    settings.public.clone_from(&arguments.public);
    settings.proxies = arguments.proxies;
    settings.look_every = SignedDuration::from_mins(i64::from(arguments.look_every));
    settings.mirror.clone_from(&arguments.mirror);
    let zone = match &arguments.zone {
        None => jiff::tz::TimeZone::system(),
        Some(name) => {
            jiff::tz::TimeZone::get(name).map_err(|_| Usage(format!("`{name}` is no time zone that is known")))?
        }
    };
    server::check_schedule(&arguments.sync_at).map_err(Usage)?;
    settings.sync_at = (!arguments.no_sync).then(|| (arguments.sync_at.clone(), zone));
    if let (Some(issuer), Some(client), Some(file)) =
        (&arguments.oidc_issuer, &arguments.oidc_client, &arguments.oidc_secret_file)
    {
        let secret = crate::files::read_text(file).with_context(|| format!("failed to read `{}`", file.display()))?;
        let claim = match arguments.oidc_claim {
            ClaimArgument::PreferredUsername => "preferred_username",
            ClaimArgument::Email => "email",
            ClaimArgument::Sub => "sub",
        };
        let (issuer, client) = (issuer.clone(), client.clone());
        settings.provider =
            Some(ProviderSettings { issuer, client, secret: secret.trim().to_owned(), claim: claim.to_owned() });
    }
    settings.mail = mail(arguments)?;
    Ok(settings)
}

/// The server that takes mail to people.
fn mail(arguments: &ServeArguments) -> Result<Option<MailServer>> {
    let (Some(address), Some(from)) = (arguments.mail.clone(), arguments.mail_from.clone()) else { return Ok(None) };
    let read =
        |file: &PathBuf| crate::files::read_text(file).with_context(|| format!("failed to read `{}`", file.display()));
    let password = arguments.mail_password_file.as_ref().map(read).transpose()?;
    let credentials = arguments.mail_user.clone().zip(password.map(|password| password.trim_end().to_owned()));
    let authorities = arguments.mail_ca.as_ref().map(read).transpose()?.map(String::into_bytes);
    Ok(Some(MailServer { address, from, credentials, authorities }))
}

/// The names by which this machine is reached, as far as it knows them itself.
fn own_names(arguments: &ServeArguments) -> Vec<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim().to_owned()).filter(|host| !host.is_empty() && host.is_ascii() && !host.contains('_'));
    let listen = arguments.agents.ip();
    let listen = (!listen.is_unspecified()).then(|| listen.to_string());
    let mut names: Vec<String> = host.into_iter().chain(listen).collect();
    names.extend(["localhost".to_owned(), "127.0.0.1".to_owned()]);
    names.dedup();
    names
}
