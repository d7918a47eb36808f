//! Addresses of what things are sent to: nothing crosses a network in the clear.

use crate::error::Error;
use reqwest::Url;
use std::net::IpAddr;

/// An address with one of these schemes and a host; the first of them is the one without TLS, for this machine alone.
pub(crate) fn parse(address: &str, schemes: [&str; 2], wanted: &'static str) -> Result<Url, Error> {
    // What stands before an `@` may be a password.
    let shown = address.rsplit('@').next().unwrap_or(address).to_owned();
    let no = || Error::Address { address: shown.clone(), wanted };
    let url = Url::parse(address).map_err(|_| no())?;
    let has_secrets = !url.username().is_empty() || url.password().is_some();
    let host = host(&url).filter(|host| !host.is_empty());
    match host {
        Some(_) if schemes.contains(&url.scheme()) && !has_secrets => Ok(url),
        _ => Err(no()),
    }
}

/// The host of an address, an address of the sixth version without its brackets.
pub(crate) fn host(url: &Url) -> Option<String> {
    url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// Whether it is this machine.
pub(crate) fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
