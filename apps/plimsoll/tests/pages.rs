//! The pages of a demonstration in a real browser: journeys by click and key, the rules of WCAG 2.2 AA, pictures to look at in
//! `target/screenshots`; and the identity provider of an organisation.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PLIMSOLL: &str = env!("CARGO_BIN_EXE_plimsoll");
const SECRET: &str = "a secret of tests alone";

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the project")
}

/// The folder with what drives the browser, and the journeys; `None`, said visibly, where it is not installed.
fn driver() -> Option<PathBuf> {
    let folder = root().join("target/tools/browser");
    let has_browser = Path::new("/usr/bin/chromium").exists();
    if !has_browser || !folder.join("node_modules/playwright-core").exists() {
        eprintln!(
            "SKIPPED: no browser (Debian's `chromium`, and `npm ci` in target/tools/browser; ./test installs both)"
        );
        return None;
    }
    for script in ["journeys.mjs", "provider.mjs"] {
        let from = root().join("apps/server/tests/browser").join(script);
        std::fs::copy(from, folder.join(script)).expect("copied");
    }
    Some(folder)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Starts a program, and reads its lines until one has a word in it.
fn start(command: &mut Command, wanted: &str, is_on_error: bool) -> (Running, Vec<String>) {
    let piped =
        if is_on_error { command.stdout(Stdio::null()).stderr(Stdio::piped()) } else { command.stdout(Stdio::piped()) };
    let mut running = Running(piped.spawn().expect("begun"));
    let child = &mut running.0;
    let stream: Box<dyn std::io::Read + Send> = match is_on_error {
        true => Box::new(child.stderr.take().expect("a stream")),
        false => Box::new(child.stdout.take().expect("a stream")),
    };
    let mut lines = BufReader::new(stream).lines();
    let mut seen = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        let is_last = line.contains(wanted);
        seen.push(line);
        if is_last {
            // The rest is read too, or the program would stand still when the pipe is full.
            std::thread::spawn(move || lines.for_each(drop));
            return (running, seen);
        }
    }
    panic!("it ended before it said `{wanted}`: {seen:?}");
}

#[test]
fn every_page_of_a_demonstration_in_a_real_browser() {
    let Some(driver) = driver() else { return };
    let data = std::env::temp_dir().join(format!("plimsoll-pages-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&data);
    let mut demo = Command::new(PLIMSOLL);
    demo.args(["--quiet", "--data"]).arg(&data).args(["demo", "--assets", "60", "--months", "6"]);
    assert!(demo.status().expect("run").success());
    let (listen, issuer) = (free_port(), format!("http://127.0.0.1:{}", free_port()));
    let back = format!("http://127.0.0.1:{listen}/sign-in/provider/back");
    let mut provider = Command::new("node");
    provider.arg(driver.join("provider.mjs")).env("ISSUER", &issuer).env("CLIENT", "plimsoll");
    provider.env("SECRET", SECRET).env("BACK", &back).stderr(Stdio::null());
    let (_provider, _) = start(&mut provider, "listening", false);
    let secret = data.join("secret");
    std::fs::write(&secret, SECRET).expect("written");
    let mut serve = Command::new(PLIMSOLL);
    serve.arg("--data").arg(&data).args([
        "serve",
        "--no-sync",
        "--agents",
        "127.0.0.1:0",
        "--as",
        "freya.administrator",
    ]);
    serve.arg("--listen").arg(format!("127.0.0.1:{listen}")).arg("--oidc-secret-file").arg(&secret);
    serve.args(["--oidc-issuer", &issuer, "--oidc-client", "plimsoll"]).env("PLIMSOLL_LOG", "warn");
    let (_serve, lines) = start(&mut serve, "/invitation/", true);
    let setup = lines.last().and_then(|line| line.split_whitespace().last()).expect("a link").to_owned();
    let shots = root().join("target/screenshots");
    let _ = std::fs::remove_dir_all(&shots);
    let mut journeys = Command::new("node");
    journeys.arg(driver.join("journeys.mjs")).env("BASE", format!("http://127.0.0.1:{listen}")).env("SETUP", setup);
    let done = journeys.env("SHOTS", &shots).env("PROVIDER", &issuer).output().expect("run");
    let words = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    eprintln!("{words}");
    let _ = std::fs::remove_dir_all(&data);
    assert!(done.status.success(), "{words}");
}
