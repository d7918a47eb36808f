//! Ansible: the inventory and its credentials are the organisation's own. Of `ansible-core` alone, with its built-in modules.

use crate::error::Error;
use crate::process::{output, said};
use crate::{FOLDER, MOST, ORDER, PROGRAM, SOON, check_host, check_words};
use serde_json::{Value, json};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How hosts are reached through Ansible.
#[derive(Debug, Clone)]
pub struct Ansible {
    /// The inventory (`ansible -i`).
    pub inventory: PathBuf,
    /// Whether it becomes root there (`ansible --become`).
    pub becomes: bool,
}

/// A folder of its own, gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Error> {
        let mut random = [0; 16];
        let failed = |error: getrandom::Error| Error::File {
            path: "/dev/urandom".to_owned(),
            source: std::io::Error::other(error.to_string()),
        };
        getrandom::fill(&mut random).map_err(failed)?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = std::env::temp_dir().join(format!("plimsoll-ansible-{name}"));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|source| Error::File { path: path.display().to_string(), source })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Ansible {
    /// Runs a module on one host, and says what it answered.
    fn module(&self, host: &str, (module, arguments): (&str, &Value), most: Duration) -> Result<Value, Error> {
        check_host(host)?;
        let results = Folder::new()?;
        let mut command = Command::new("ansible");
        // What it says is written for people, what it answers into a file for each host.
        command.args(["--inventory"]).arg(&self.inventory).arg("--tree").arg(&results.0);
        if self.becomes {
            command.arg("--become");
        }
        command.args(["--module-name", module, "--args", &arguments.to_string(), "--", host]);
        command.env("ANSIBLE_NOCOLOR", "1").env("ANSIBLE_RETRY_FILES_ENABLED", "0");
        let output = output(command, &[], most)?;
        let answered = std::fs::read(results.0.join(host)).ok();
        let answered: Option<Value> = answered.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let ended = |said: String| Error::Ended { host: host.to_owned(), said };
        match answered {
            Some(answered) if output.status.success() => Ok(answered),
            Some(answered) => {
                let words = ["stderr", "msg", "stdout"].iter().filter_map(|name| answered[name].as_str());
                Err(ended(words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(": ")))
            }
            // A host that the inventory does not have is passed over, and Ansible calls that success.
            None => Err(ended(said(&output))),
        }
    }

    /// Says no to a name that the inventory does not have as exactly one host: to Ansible every name is a pattern, and a group's name
    /// would be all of its hosts.
    fn check_single(&self, host: &str) -> Result<(), Error> {
        check_host(host)?;
        let wrong = || Error::Host { host: host.to_owned() };
        if host.contains(['[', ']', ':', '@']) {
            return Err(wrong());
        }
        let mut command = Command::new("ansible");
        command.arg("--inventory").arg(&self.inventory).args(["--list-hosts", "--", host]);
        command.env("ANSIBLE_NOCOLOR", "1");
        let output = output(command, &[], SOON)?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = listed.lines().map(str::trim).skip(1).filter(|line| !line.is_empty());
        let is_single = output.status.success() && lines.next() == Some(host) && lines.next().is_none();
        if is_single { Ok(()) } else { Err(Error::Ended { host: host.to_owned(), said: said(&output) }) }
    }

    pub(crate) fn put(&self, host: &str, program: &Path) -> Result<(), Error> {
        self.check_single(host)?;
        let folder = json!({ "path": FOLDER, "state": "directory", "mode": "0700" });
        self.module(host, ("ansible.builtin.file", &folder), SOON)?;
        let path = program.canonicalize();
        let path = path.map_err(|source| Error::File { path: program.display().to_string(), source })?;
        let copied = json!({ "src": path.to_string_lossy(), "dest": PROGRAM, "mode": "0755" });
        self.module(host, ("ansible.builtin.copy", &copied), SOON).map(|_| ())
    }

    pub(crate) fn run(&self, host: &str, words: &[&str], order: Option<&str>) -> Result<String, Error> {
        check_words(words)?;
        let mut argv = vec![PROGRAM];
        argv.extend(words);
        if let Some(order) = order {
            let own = Folder::new()?;
            let path = own.0.join("order.note");
            let failed = |source| Error::File { path: path.display().to_string(), source };
            std::fs::write(&path, order).map_err(failed)?;
            let copied = json!({ "src": path.to_string_lossy(), "dest": ORDER, "mode": "0600" });
            self.module(host, ("ansible.builtin.copy", &copied), SOON)?;
            argv.extend(["--order", ORDER]);
        }
        let answered = self.module(host, ("ansible.builtin.command", &json!({ "argv": argv })), MOST);
        if order.is_some() {
            // It is of no use to anybody any more; where it stays it does no harm.
            let gone = json!({ "path": ORDER, "state": "absent" });
            let _ = self.module(host, ("ansible.builtin.file", &gone), SOON);
        }
        let answered = answered?;
        Ok(answered["stdout"].as_str().unwrap_or_default().to_owned())
    }
}
