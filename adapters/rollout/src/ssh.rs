//! SSH: the configuration, keys and known hosts are those of whoever runs this.

use crate::error::Error;
use crate::process::{output, said};
use crate::{FOLDER, MOST, PROGRAM, SOON, check_host, check_words};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How hosts are reached by SSH.
#[derive(Debug, Clone, Default)]
pub struct Ssh {
    /// A configuration of its own (`ssh -F`); the user's where there is none.
    pub config: Option<PathBuf>,
    /// As whom; as the configuration says where it is left out.
    pub user: Option<String>,
}

impl Ssh {
    fn command(&self, host: &str, remote: &str) -> Result<Command, Error> {
        check_host(host)?;
        let mut command = Command::new("ssh");
        command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15"]);
        if let Some(config) = &self.config {
            command.arg("-F").arg(config);
        }
        if let Some(user) = &self.user {
            check_host(user)?;
            command.arg("-l").arg(user);
        }
        command.arg("--").arg(host).arg(remote);
        Ok(command)
    }

    fn say(&self, host: &str, remote: &str, input: &[u8], most: Duration) -> Result<String, Error> {
        let output = output(self.command(host, remote)?, input, most)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(Error::Ended { host: host.to_owned(), said: said(&output) }),
        }
    }

    pub(crate) fn put(&self, host: &str, program: &Path) -> Result<(), Error> {
        let failed = |source| Error::File { path: program.display().to_string(), source };
        let bytes = std::fs::read(program).map_err(failed)?;
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let known = self.say(host, &format!("sha256sum {PROGRAM} 2>/dev/null || true"), &[], SOON)?;
        if known.starts_with(&digest) {
            return Ok(());
        }
        let remote = format!(
            "umask 077 && mkdir -p {FOLDER} && cat > {PROGRAM}.next && chmod 0755 {PROGRAM}.next && mv {PROGRAM}.next {PROGRAM}"
        );
        self.say(host, &remote, &bytes, SOON).map(|_| ())
    }

    pub(crate) fn run(&self, host: &str, words: &[&str], order: Option<&str>) -> Result<String, Error> {
        check_words(words)?;
        self.say(host, &format!("exec {PROGRAM} {}", words.join(" ")), order.unwrap_or_default().as_bytes(), MOST)
    }
}
