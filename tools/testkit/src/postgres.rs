//! A PostgreSQL server of the tests' own, from Debian's packages, in a temporary folder; it listens on a socket in there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The address of a new, empty database; `None`, said visibly, where PostgreSQL is not installed.
///
/// The server lives as long as the process.
#[must_use]
pub fn database() -> Option<String> {
    static SERVER: OnceLock<Option<PathBuf>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = SERVER.get_or_init(start).as_ref()?;
    let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let created = sql(folder, &format!("CREATE DATABASE {name}"));
    assert!(created, "the tests' PostgreSQL makes no database");
    Some(format!("postgres://postgres@localhost/{name}?host={}", folder.display()))
}

fn sql(folder: &Path, text: &str) -> bool {
    let mut psql = Command::new("psql");
    psql.args(["-q", "-U", "postgres", "-d", "postgres", "-c", text]).arg("-h").arg(folder);
    psql.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Where Debian puts the server's programs: the newest version's.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).max_by_key(number)?.join("bin");
    newest.join("initdb").exists().then_some(newest)
}

fn start() -> Option<PathBuf> {
    let Some(programs) = programs() else {
        eprintln!("SKIPPED: PostgreSQL is not installed (Debian's package `postgresql`)");
        return None;
    };
    sweep();
    let folder = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
    std::fs::create_dir_all(&folder).ok()?;
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if is_root {
        let own = Command::new("chown").arg("postgres:postgres").arg(&folder).status();
        assert!(own.is_ok_and(|status| status.success()), "the folder cannot be given to `postgres`");
    }
    let data = folder.join("data");
    let run = |program: &str| {
        let mut command = Command::new("setpriv");
        if is_root {
            // The server refuses to run as root.
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        }
        command.arg("--pdeathsig=INT").arg(programs.join(program));
        command.current_dir("/").stdin(Stdio::null());
        command
    };
    let made =
        run("initdb").args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"]).arg(&data).output();
    assert!(made.is_ok_and(|output| output.status.success()), "initdb failed");
    let mut server = run("postgres");
    server.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
    let log = std::fs::File::create(folder.join("log")).ok()?;
    server.stdout(Stdio::null()).stderr(log);
    // The server ends with the thread that started it: that one must not end before the process.
    let (sender, started) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let child = server.spawn();
        let _ = sender.send(child.is_ok());
        let _child = child;
        loop {
            std::thread::park();
        }
    });
    assert!(started.recv().is_ok_and(|is_started| is_started), "PostgreSQL cannot be started");
    for _ in 0..600 {
        if sql(&folder, "SELECT 1") {
            return Some(folder);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("PostgreSQL does not answer: {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
}

const PREFIX: &str = "plimsoll-postgres-";

/// Removes the folders of processes that are gone.
fn sweep() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(process) = name.strip_prefix(PREFIX) else { continue };
        if !Path::new("/proc").join(process).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
