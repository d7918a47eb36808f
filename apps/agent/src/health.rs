//! Whether a host is well. What is held is named on the host itself, and is one of a few kinds: nobody sends commands.

use anyhow::Result;
use serde::{Deserialize, Deserializer};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is waited between two tries.
const BETWEEN: Duration = Duration::from_secs(1);

/// Something that is so on a host that is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    /// A unit of systemd is active.
    Unit(String),
    /// An address takes connections.
    Tcp(String),
    /// An address answers with a status below 400.
    Http(String),
    /// A program of the host's own ends well; it is given no words.
    Program(PathBuf),
}

impl<'d> Deserialize<'d> for Check {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let hint = "write `unit:nginx.service`, `tcp:127.0.0.1:5432`, `http://127.0.0.1/health` or `program:/usr/local/sbin/check`";
            serde::de::Error::custom(format!("`{}` says nothing that could be held: {hint}", text.escape_debug()))
        })
    }
}

impl From<&change::Health> for Check {
    fn from(health: &change::Health) -> Self {
        match health {
            change::Health::Unit(name) => Self::Unit(name.clone()),
            change::Health::Port(port) => Self::Tcp(format!("127.0.0.1:{port}")),
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unit(name) => write!(formatter, "unit:{name}"),
            Self::Tcp(address) => write!(formatter, "tcp:{address}"),
            Self::Http(address) => write!(formatter, "{address}"),
            Self::Program(path) => write!(formatter, "program:{}", path.display()),
        }
    }
}

impl Check {
    fn parse(text: &str) -> Option<Self> {
        if text.starts_with("http://") {
            return Some(Self::Http(text.to_owned()));
        }
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty())?;
        Some(match kind {
            "unit" if !rest.starts_with('-') => Self::Unit(rest.to_owned()),
            "tcp" => Self::Tcp(rest.to_owned()),
            "program" if rest.starts_with('/') => Self::Program(rest.into()),
            _ => return None,
        })
    }

    /// Whether it is so now; otherwise why not.
    fn hold(&self) -> Result<(), String> {
        match self {
            Self::Unit(name) => ends_well(Command::new("systemctl").args(["--quiet", "is-active", "--", name])),
            Self::Program(path) => ends_well(&mut Command::new(path)),
            Self::Tcp(address) => {
                let found = address.to_socket_addrs().map_err(|error| error.to_string())?.next();
                let found = found.ok_or_else(|| "it is no address".to_owned())?;
                TcpStream::connect_timeout(&found, PATIENCE).map(|_| ()).map_err(|error| error.to_string())
            }
            Self::Http(address) => {
                let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
                agent.get(address).call().map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }
}

/// Holds all of them, again and again until all are so or the time is over; otherwise what is not, and why.
pub(crate) fn hold(checks: &[Check], within: Duration) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let wrong = checks.iter().find_map(|check| Some((check, check.hold().err()?)));
        match wrong {
            None => return Ok(()),
            Some((check, why)) if begun.elapsed() >= within => return Err(format!("{check} does not hold: {why}")),
            Some(_) => std::thread::sleep(BETWEEN),
        }
    }
}

/// Whether a command ends well in time.
fn ends_well(command: &mut Command) -> Result<(), String> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().map_err(|error| error.to_string())?;
    let begun = Instant::now();
    loop {
        match process.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("it ended with {status}")),
            None if begun.elapsed() >= PATIENCE => {
                let _ = process.kill();
                let _ = process.wait();
                return Err(format!("it took longer than {} seconds", PATIENCE.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
