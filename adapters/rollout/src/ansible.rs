//! Ansible: the inventory and its credentials are the organisation's own. Of `ansible-core` alone, with its built-in modules.

use crate::error::Error;
use crate::process::{output, said};
use crate::{FOLDER, ORDER, PROGRAM, check_host, check_words};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

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
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("plimsoll-ansible-{}-{number}", std::process::id()));
        let made = {
            use std::os::unix::fs::DirBuilderExt;
            std::fs::DirBuilder::new().mode(0o700).create(&path)
        };
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
    fn module(&self, host: &str, module: &str, arguments: &Value) -> Result<Value, Error> {
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
        let output = output(command, &[])?;
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

    pub(crate) fn put(&self, host: &str, program: &Path) -> Result<(), Error> {
        let folder = json!({ "path": FOLDER, "state": "directory", "mode": "0700" });
        self.module(host, "ansible.builtin.file", &folder)?;
        let path = program.canonicalize();
        let path = path.map_err(|source| Error::File { path: program.display().to_string(), source })?;
        let copied = json!({ "src": path.to_string_lossy(), "dest": PROGRAM, "mode": "0755" });
        self.module(host, "ansible.builtin.copy", &copied).map(|_| ())
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
            self.module(host, "ansible.builtin.copy", &copied)?;
            argv.extend(["--order", ORDER]);
        }
        let answered = self.module(host, "ansible.builtin.command", &json!({ "argv": argv }))?;
        Ok(answered["stdout"].as_str().unwrap_or_default().to_owned())
    }
}
