//! The agent's home: its key and certificate, where its server is, and what it could not send yet.

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Who the agent is, and whom it reports to. It is one file, so that key and certificate never disagree.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Identity {
    /// The server's address.
    pub(crate) server: String,
    /// The asset that the agent speaks for.
    pub(crate) asset: lifecycle::AssetId,
    /// The key (PKCS #8, PEM).
    pub(crate) key: String,
    /// The certificate (PEM).
    pub(crate) certificate: String,
    /// The certificate that vouches for the server (PEM).
    pub(crate) authority: String,
    /// When to ask for the next certificate.
    pub(crate) renew_at: Timestamp,
    /// The key that the server signs orders with; empty where it has given none.
    #[serde(default)]
    pub(crate) orders_key: String,
}

/// What the agent remembers of its own work.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Memory {
    /// The digest of the newest inventory that the server has, or that waits to be sent.
    pub(crate) digest: String,
    /// When the agent looked last.
    pub(crate) looked_at: Option<Timestamp>,
    /// When the server answered last.
    pub(crate) answered_at: Option<Timestamp>,
    /// Why the server does not let the agent in, if it does not.
    pub(crate) refused: Option<String>,
}

/// An agent's home.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// More inventories than this do not wait: the oldest go.
const MOST_WAITING: usize = 100;

impl Home {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    pub(crate) fn identity(&self) -> Result<Identity> {
        let path = self.0.join("identity.json");
        let text = fs::read(&path).with_context(|| {
            format!("failed to read `{}`: enrol first with `plimsoll-agent enrol SERVER TICKET`", path.display())
        })?;
        serde_json::from_slice(&text).with_context(|| format!("`{}` is damaged: enrol anew", path.display()))
    }

    pub(crate) fn keep_identity(&self, identity: &Identity) -> Result<()> {
        self.write("identity.json", &serde_json::to_vec_pretty(identity)?)
    }

    /// The key of an enrolment that was begun: the answer may be lost on the way, and asked for again with the same key.
    pub(crate) fn begun_key(&self, ticket: &str) -> Option<String> {
        let text = fs::read_to_string(self.0.join("enrolment.key")).ok()?;
        text.strip_prefix(&format!("{ticket}\n")).map(str::to_owned)
    }

    pub(crate) fn begin(&self, ticket: &str, key: &str) -> Result<()> {
        #[cfg(windows)]
        close(&self.0).with_context(|| format!("failed to close `{}` to others", self.0.display()))?;
        self.write("enrolment.key", format!("{ticket}\n{key}").as_bytes())
    }

    pub(crate) fn enrolled(&self) {
        // It is of no use any more; where it stays it does no harm.
        let _ = fs::remove_file(self.0.join("enrolment.key"));
    }

    /// What the agent remembers; nothing where that cannot be read: then it sends more than it must.
    pub(crate) fn memory(&self) -> Memory {
        fs::read(self.0.join("memory.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn remember(&self, memory: &Memory) -> Result<()> {
        self.write("memory.json", &serde_json::to_vec(memory)?)
    }

    /// Forgets what was told to another server.
    pub(crate) fn forget(&self) -> Result<()> {
        for path in self.waiting()? {
            self.sent(&path);
        }
        self.remember(&Memory::default())
    }

    /// Lets an inventory wait, compressed, under the instant at which it was taken.
    pub(crate) fn let_wait(&self, taken_at: Timestamp, packed: &[u8]) -> Result<()> {
        self.write(&format!("waiting/{:020}.json.zst", taken_at.as_millisecond()), packed)?;
        let waiting = self.waiting()?;
        for old in waiting.iter().take(waiting.len().saturating_sub(MOST_WAITING)) {
            crate::telling::say("more inventories wait than are kept: the oldest one goes");
            self.sent(old);
        }
        Ok(())
    }

    /// The inventories that wait, the oldest first.
    pub(crate) fn waiting(&self) -> Result<Vec<PathBuf>> {
        let folder = self.0.join("waiting");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("failed to read `{}`", folder.display())),
        };
        let mut found: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| taken_at(path).is_some()).collect();
        found.sort();
        Ok(found)
    }

    /// Takes an inventory away that was sent, or that nobody takes.
    pub(crate) fn sent(&self, path: &Path) {
        // Where it stays it is sent again, and known there.
        let _ = fs::remove_file(path);
    }

    /// Writes a file that the agent alone may read; it is there as a whole or not at all, whatever happens.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        private_write(&self.0.join(name), bytes)
    }
}

/// Writes a file that its owner alone may read; it is there as a whole or not at all, whatever happens.
pub(crate) fn private_write(path: &Path, bytes: &[u8]) -> Result<()> {
    let wrote = || format!("failed to write `{}`", path.display());
    create_private(path.parent().unwrap_or(path)).with_context(wrote)?;
    let next = path.with_extension("next");
    let mut file = open_private(&next).with_context(wrote)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(wrote)?;
    drop(file);
    fs::rename(&next, path).with_context(wrote)
}

/// When an inventory that waits was taken, by its name.
pub(crate) fn taken_at(path: &Path) -> Option<Timestamp> {
    let number = path.file_name()?.to_str()?.strip_suffix(".json.zst")?;
    Timestamp::from_millisecond(number.parse().ok()?).ok()
}

#[cfg(unix)]
pub(crate) fn create_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn open_private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(windows)]
pub(crate) fn create_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

/// Below the system's own folder for data everybody reads what is not said to be private, and may make folders: this one is made the
/// administrators' own, whoever made it, and is the system's, the administrators' and the agent's account's alone.
#[cfg(windows)]
fn close(folder: &Path) -> std::io::Result<()> {
    /// The system, the administrators, and the account of local services, by their well-known ids.
    const READERS: [&str; 3] = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", "*S-1-5-19:(OI)(CI)F"];
    fs::create_dir_all(folder)?;
    if fs::symlink_metadata(folder)?.is_symlink() {
        return Err(std::io::Error::other("it is a link: somebody else says where it leads"));
    }
    let system = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    let program = Path::new(&system).join(r"System32\icacls.exe");
    let grants: Vec<&str> = READERS.iter().flat_map(|reader| ["/grant:r", reader]).collect();
    for step in
        [&["/setowner", "*S-1-5-32-544", "/t"][..], &["/reset", "/t"], &[&["/inheritance:r"], &grants[..]].concat()]
    {
        let mut command = std::process::Command::new(&program);
        command.arg(folder).args(step).arg("/q");
        let done = command.stdin(std::process::Stdio::null()).output()?;
        if !done.status.success() {
            return Err(std::io::Error::other(format!("icacls {} ended with {}", step.join(" "), done.status)));
        }
    }
    Ok(())
}

#[cfg(windows)]
fn open_private(path: &Path) -> std::io::Result<fs::File> {
    fs::File::create(path)
}
