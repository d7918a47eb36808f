//! Sessions: a random secret in a cookie; what is kept of it is its digest.

use crate::app::{App, random};
use crate::error::Error;
use crate::problem::{Answer, Problem};
use axum::http::{HeaderMap, HeaderValue, header};
use jiff::SignedDuration;
use lifecycle::PersonId;
use store::Session;

/// How long somebody stays signed in.
const HOURS: i64 = 12;
/// More cookies of one name than this are not looked at.
const MOST: usize = 4;

/// The cookie's name. Over TLS its prefix keeps other hosts and plain HTTP from setting it.
fn name(is_secure: bool) -> &'static str {
    if is_secure { "__Host-plimsoll" } else { "plimsoll" }
}

/// The secrets that a request carries under the name that is set here; others may have planted those under another name.
pub(crate) fn secrets(headers: &HeaderMap, is_secure: bool) -> Vec<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name(is_secure)).map(|(_, value)| value.to_owned()).take(MOST).collect()
}

/// What is kept of a secret.
pub(crate) fn digest(secret: &str) -> String {
    ledger::digest(secret.as_bytes())
}

/// A session of somebody's, with the cookie that says so.
pub(crate) fn new(app: &App, person: &PersonId) -> Answer<(Session, HeaderValue)> {
    let secret = protocol::hexadecimal(&random::<32>().map_err(|error: Error| Problem::internal(&error))?);
    let until = app.now() + SignedDuration::from_hours(HOURS);
    let session = Session { digest: digest(&secret), person: person.clone(), until, body: String::new() };
    Ok((session, cookie(app, &secret, HOURS * 3600)))
}

/// Ends what a request carries: whoever signs in or out leaves nothing behind.
pub(crate) async fn end_all(app: &App, headers: &HeaderMap) -> Answer<()> {
    for secret in secrets(headers, app.settings.is_secure()) {
        app.organisation.store.end_session(&digest(&secret)).await?;
    }
    Ok(())
}

/// The cookie that takes the one before away.
pub(crate) fn end(app: &App) -> HeaderValue {
    cookie(app, "", 0)
}

fn cookie(app: &App, secret: &str, seconds: i64) -> HeaderValue {
    let is_secure = app.settings.is_secure();
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", name(is_secure));
    // INVARIANT: hexadecimal digits and plain words are a header's value.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
