//! Storage that speaks as Amazon's S3 does: `moto` of PyPI, on loopback.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The address of a bucket; `None`, said visibly, where `moto` is not installed.
///
/// The server ends with the process.
#[must_use]
pub fn bucket() -> Option<String> {
    static STARTED: OnceLock<Option<String>> = OnceLock::new();
    STARTED.get_or_init(start).clone()
}

/// Where the checks' set-up puts it.
fn program() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/moto/bin/moto_server"))
}

fn start() -> Option<String> {
    if !program().exists() {
        eprintln!("SKIPPED: there is no storage to speak S3 with (`moto` of PyPI, in target/tools/moto)");
        return None;
    }
    // Asked for and given back: nobody else takes it so soon.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).ok()?.port();
    // It ends when the pipe to this process does.
    let script = format!("{} -H 127.0.0.1 -p {port} >/dev/null 2>&1 & read _; kill $!", program().display());
    let child = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().ok()?;
    std::mem::forget(child);
    let until = Instant::now() + Duration::from_secs(60);
    while make_bucket(port).is_none() {
        assert!(Instant::now() < until, "the storage does not answer");
        std::thread::sleep(Duration::from_millis(100));
    }
    let keys = std::env::temp_dir().join(format!("plimsoll-s3-keys-{}", std::process::id()));
    std::fs::write(&keys, "test\ntest\n").ok()?;
    Some(format!("s3://plimsoll/blobs?endpoint=http://127.0.0.1:{port}&region=us-east-1&keys={}", keys.display()))
}

fn make_bucket(port: u16) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = "PUT /plimsoll HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(())
}
