//! A PostgreSQL server of the tests' own, from Debian's packages, in a temporary folder; it listens on a socket in there.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The address of a new, empty database; `None`, said visibly, where PostgreSQL is not installed.
///
/// The server lives as long as the process.
#[must_use]
pub fn database() -> Option<String> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref().map(Server::database)
}

/// A server that a test has for itself: it can go away and come back.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    /// None while it is gone.
    child: Option<Child>,
}

impl Server {
    /// Starts a new server; `None`, said visibly, where PostgreSQL is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if programs().is_none() {
            eprintln!("SKIPPED: PostgreSQL is not installed (Debian's package `postgresql`)");
            return None;
        }
        sweep();
        let name = format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).ok()?;
        if is_root() {
            let own = Command::new("chown").arg("postgres:postgres").arg(&folder).status();
            assert!(own.is_ok_and(|status| status.success()), "the folder cannot be given to `postgres`");
        }
        let mut make = program("initdb");
        make.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"]).arg(folder.join("data"));
        assert!(make.output().is_ok_and(|output| output.status.success()), "initdb failed");
        let mut server = Self { folder, child: None };
        server.start_again();
        Some(server)
    }

    /// The address of a new, empty database.
    #[must_use]
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        assert!(self.sql(&format!("CREATE DATABASE {name}")), "the tests' PostgreSQL makes no database");
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.display())
    }

    /// Ends the server at once, as a crash does: nothing is finished, nobody is told.
    pub fn crash(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Killed outright it would leave processes behind that keep it from being started again.
        let quit = Command::new("kill").arg("-QUIT").arg(child.id().to_string()).status();
        assert!(quit.is_ok_and(|status| status.success()), "PostgreSQL cannot be ended");
        let _ = child.wait();
    }

    /// Starts the server again over what it left, and waits until it answers.
    pub fn start_again(&mut self) {
        let mut server = program("postgres");
        server.arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        server.args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
        let log = std::fs::File::create(self.folder.join("log"));
        server.stdout(Stdio::null()).stderr(log.map_or_else(|_| Stdio::null(), Stdio::from));
        // The server ends with the thread that started it: that one must not end before the process.
        let (sender, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = sender.send(server.spawn());
            loop {
                std::thread::park();
            }
        });
        self.child = started.recv().ok().and_then(Result::ok);
        assert!(self.child.is_some(), "PostgreSQL cannot be started");
        for _ in 0..600 {
            if self.sql("SELECT 1") {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("PostgreSQL does not answer: {}", std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    fn sql(&self, text: &str) -> bool {
        let mut psql = Command::new("psql");
        psql.args(["-q", "-U", "postgres", "-d", "postgres", "-c", text]).arg("-h").arg(&self.folder);
        psql.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where Debian puts the server's programs: the newest version's.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).max_by_key(number)?.join("bin");
    newest.join("initdb").exists().then_some(newest)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn program(name: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        // The server refuses to run as root.
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg("--pdeathsig=INT").arg(programs().unwrap_or_default().join(name));
    command.current_dir("/").stdin(Stdio::null());
    command
}

const PREFIX: &str = "plimsoll-postgres-";

/// Removes the folders of processes that are gone.
fn sweep() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(server) = name.strip_prefix(PREFIX) else { continue };
        let process = server.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
