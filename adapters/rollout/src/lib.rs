//! Hosts that no agent runs on: the agent's program is put there, carries out one order, or looks once, and leaves nothing running.
//!
//! Nothing that a plan names reaches a shell: what is run there is always the same few words, and orders go in as data.

mod ansible;
mod error;
mod process;
mod ssh;

pub use ansible::Ansible;
pub use error::Error;
pub use ssh::Ssh;

use std::path::Path;
use std::time::Duration;

/// Where the program lies on a host that is reached.
pub const PROGRAM: &str = "/var/lib/plimsoll/bin/plimsoll-agent";
/// The folder that it lies in.
const FOLDER: &str = "/var/lib/plimsoll/bin";
/// How long a host may take for what takes no time.
const SOON: Duration = Duration::from_secs(10 * 60);
/// How long it may take to carry an order out: an hour, and an hour of patience, as in a plan.
const MOST: Duration = Duration::from_secs(2 * 60 * 60);
/// Where an order lies for as long as it is carried out, where it cannot go in otherwise.
const ORDER: &str = "/var/lib/plimsoll/bin/order.note";

/// How hosts are reached.
#[derive(Debug, Clone)]
pub enum Way {
    /// By SSH, with the configuration of whoever runs this.
    Ssh(Ssh),
    /// Through Ansible, with an inventory and credentials of its own.
    Ansible(Ansible),
}

impl Way {
    /// Puts the program on a host; where it is there already nothing is sent.
    ///
    /// # Errors
    /// If the host cannot be reached, or does not take it.
    pub fn put(&self, host: &str, program: &Path) -> Result<(), Error> {
        match self {
            Self::Ssh(ssh) => ssh.put(host, program),
            Self::Ansible(ansible) => ansible.put(host, program),
        }
    }

    /// Runs the program on a host with some words and an order, if there is one, and says what it wrote.
    ///
    /// # Errors
    /// If the host cannot be reached, or the program ends badly.
    pub fn run(&self, host: &str, words: &[&str], order: Option<&str>) -> Result<String, Error> {
        match self {
            Self::Ssh(ssh) => ssh.run(host, words, order),
            Self::Ansible(ansible) => ansible.run(host, words, order),
        }
    }
}

/// Whether a host's name is one, and is read as nothing else by what it is handed to.
fn check_host(host: &str) -> Result<(), Error> {
    let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b".-_@:[]".contains(&byte);
    match !host.is_empty() && !host.starts_with('-') && host.len() < 256 && host.bytes().all(is_of) {
        true => Ok(()),
        false => Err(Error::Host { host: host.to_owned() }),
    }
}

/// Words that the shell on the other side reads as they are.
fn check_words(words: &[&str]) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"./+=-_:".contains(&byte);
    match words.iter().find(|word| word.is_empty() || !word.bytes().all(is_plain)) {
        None => Ok(()),
        Some(word) => Err(Error::Word { word: (*word).to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_host, check_words};

    #[test]
    fn nothing_that_a_shell_or_an_option_could_be_made_of_is_a_host_or_a_word() {
        for host in ["web-1", "root@web-1.example.org", "[::1]", "10.0.0.1"] {
            assert!(check_host(host).is_ok(), "{host}");
        }
        for host in ["", "-oProxyCommand=id", "web 1", "web;id", "all,web", "web*", "$(id)", "a'b"] {
            assert!(check_host(host).is_err(), "{host}");
        }
        assert!(check_words(&["carry-out", "--key", "plimsoll/orders/1a+0b+AQ=="]).is_ok());
        for word in ["", "a b", "$(id)", "a;b", "a|b", "`id`", "a'b", "a\"b", "*", "~"] {
            assert!(check_words(&[word]).is_err(), "{word}");
        }
    }
}
