//! The cycle: look, let wait what has changed, tell the server, wait. What goes wrong in one is tried again in the next.

use crate::client::{Answer, Client, enrol as ask_to_enrol, request_for};
use crate::home::{Home, Identity, Memory, taken_at};
use crate::look;
use crate::telling::say;
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use protocol::{CheckIn, Observed};
use rcgen::KeyPair;
use std::time::Duration;

/// How long to wait where the server has not said it.
const USUAL: Duration = Duration::from_secs(3600);
/// The first wait after a failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait after failures, and for an agent that the server does not know.
const LONGEST_WAIT: Duration = Duration::from_secs(900);
/// What the server says is taken within these bounds: nobody has the agent look all the time, or never.
const BOUNDS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(7 * 24 * 3600));

/// Enrols at a server.
pub(crate) fn enrol(home: &Home, server: &str, ticket: &str) -> Result<()> {
    let server = server.trim_end_matches('/');
    if !server.starts_with("https://") {
        bail!("`{server}` is no address of a server: it begins with https://");
    }
    let key = match home.begun_key(ticket) {
        Some(text) => KeyPair::from_pem(&text).context("the key of the enrolment that was begun cannot be read")?,
        None => KeyPair::generate()?,
    };
    home.begin(ticket, &key.serialize_pem())?;
    let certified = ask_to_enrol(server, ticket, &key)?;
    let identity = Identity {
        server: server.to_owned(),
        asset: certified.asset,
        key: key.serialize_pem(),
        certificate: certified.certificate,
        authority: certified.authority,
        renew_at: certified.renew_at,
        orders_key: certified.orders_key,
    };
    home.keep_identity(&identity)?;
    home.enrolled();
    home.forget()?;
    say(&format!("enrolled at {server} as `{}`", identity.asset));
    Ok(())
}

/// What came of a report.
pub(crate) struct Reported {
    /// How long to wait before the next.
    wait: Duration,
    /// Why the server would not have something of it, or let the agent in.
    pub(crate) refused: Option<String>,
}

/// Looks and reports again and again.
pub(crate) fn run(home: &Home) -> Result<()> {
    // Whoever has not enrolled is told at once.
    home.identity()?;
    let mut failures = 0;
    loop {
        let wait = match once(home) {
            Ok(reported) => {
                failures = 0;
                spread(reported.wait, 10)
            }
            Err(error) => {
                say(&format!("not reported: {error:#}"));
                failures += 1;
                let wait = FIRST_WAIT.saturating_mul(1 << failures.min(10_u32)).min(LONGEST_WAIT);
                // Whoever was cut off with many others does not come back with all of them at once.
                spread(wait, 50)
            }
        };
        std::thread::sleep(wait);
    }
}

/// A wait, longer or shorter by up to so many percent.
pub(crate) fn spread(wait: Duration, percent: u64) -> Duration {
    let mut random = [0_u8; 8];
    // Without randomness all come at once, and that is no worse than not coming.
    let _ = getrandom::fill(&mut random);
    let part = u64::from_le_bytes(random) % (2 * percent + 1);
    wait.mul_f64((100 - percent + part) as f64 / 100.0)
}

/// Looks, and reports.
pub(crate) fn once(home: &Home) -> Result<Reported> {
    home.identity()?;
    // What it sees is at least as new as its beginning.
    let now = Timestamp::now();
    let observed = look::apart()?;
    let mut memory = home.memory();
    memory.looked_at = Some(now);
    if observed.digest != memory.digest {
        // It waits first: what happens to the server meanwhile loses nothing.
        home.let_wait(now, &packed(&observed)?)?;
        memory.digest.clone_from(&observed.digest);
    }
    home.remember(&memory)?;
    report(home, &observed, now)
}

pub(crate) fn packed(observed: &Observed) -> Result<Vec<u8>> {
    zstd::bulk::compress(&serde_json::to_vec(observed)?, 3).context("failed to compress the inventory")
}

fn report(home: &Home, observed: &Observed, now: Timestamp) -> Result<Reported> {
    let mut refused = None;
    let identity = renewed(home, home.identity()?, now)?;
    let client = Client::new(&identity)?;
    for path in home.waiting()? {
        let packed = std::fs::read(&path).with_context(|| format!("failed to read `{}`", path.display()))?;
        // INVARIANT: only what bears an instant in its name waits.
        let taken_at = taken_at(&path).unwrap_or(now);
        match client.hand_in(taken_at, &packed)? {
            Answer::Taken(_) => home.sent(&path),
            Answer::Refused(why) => {
                refused = Some(heard(format!("the server will not take the inventory of {taken_at}: {why}")));
                home.sent(&path);
            }
            Answer::Unknown(why) => return unknown(home, why),
            Answer::Later => bail!("the server asks to come back later"),
        }
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let told = CheckIn { digest: observed.digest.clone(), taken_at: now, version };
    let mut noted = match client.check_in(&told)? {
        Answer::Taken(noted) => noted,
        Answer::Refused(why) => bail!("the server refused: {why}"),
        Answer::Unknown(why) => return unknown(home, why),
        Answer::Later => bail!("the server asks to come back later"),
    };
    if noted.wants_inventory {
        // It has another one, or none: it was restored from a backup, or the asset was registered anew.
        match client.hand_in(now, &packed(observed)?)? {
            Answer::Taken(answer) => noted = answer,
            Answer::Refused(why) => refused = Some(heard(format!("the server will not take the inventory: {why}"))),
            Answer::Unknown(why) => return unknown(home, why),
            Answer::Later => bail!("the server asks to come back later"),
        }
    }
    home.remember(&Memory { answered_at: Some(Timestamp::now()), refused: refused.clone(), ..home.memory() })?;
    let next = if noted.next_seconds == 0 { USUAL } else { Duration::from_secs(noted.next_seconds) };
    Ok(Reported { wait: next.clamp(BOUNDS.0, BOUNDS.1), refused })
}

fn unknown(home: &Home, why: String) -> Result<Reported> {
    home.remember(&Memory { refused: Some(why.clone()), ..home.memory() })?;
    let refused = Some(heard(format!("the server does not let this agent in: {why}")));
    Ok(Reported { wait: LONGEST_WAIT, refused })
}

/// Says something, and keeps it.
fn heard(text: String) -> String {
    say(&text);
    text
}

/// The identity with a certificate that holds: a new one is asked for in time, for a new key.
fn renewed(home: &Home, identity: Identity, now: Timestamp) -> Result<Identity> {
    if now < identity.renew_at {
        return Ok(identity);
    }
    let key = KeyPair::generate()?;
    match Client::new(&identity)?.renew(request_for(&key)?) {
        Ok(Answer::Taken(certified)) => {
            let identity = Identity {
                key: key.serialize_pem(),
                certificate: certified.certificate,
                authority: certified.authority,
                renew_at: certified.renew_at,
                orders_key: certified.orders_key,
                ..identity
            };
            home.keep_identity(&identity)?;
            Ok(identity)
        }
        // The one at hand holds for days yet, most likely: what comes next shows it.
        Ok(Answer::Refused(why) | Answer::Unknown(why)) => {
            say(&format!("no new certificate: {why}"));
            Ok(identity)
        }
        Ok(Answer::Later) => Ok(identity),
        Err(error) => {
            say(&format!("no new certificate: {error:#}"));
            Ok(identity)
        }
    }
}

/// How the agent stands.
pub(crate) fn status(home: &Home) -> Result<String> {
    let (identity, memory) = (home.identity()?, home.memory());
    let told = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let refused = memory.refused.as_ref().map(|why| format!("REFUSED   {why}\n")).unwrap_or_default();
    Ok(format!(
        "{refused}asset     {}\nserver    {}\nlooked    {}\nanswered  {}\nwaiting   {}\nrenews    {}\n",
        identity.asset,
        identity.server,
        told(memory.looked_at),
        told(memory.answered_at),
        home.waiting()?.len(),
        identity.renew_at
    ))
}
