//! One host from missing to verified and back: a real Debian 12 without its security updates, with real packages; and a small
//! repository with a package whose script fails. Needs root, mmdebstrap and the machine's own mirror; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::process::{Command, Output, Stdio};
use std::time::Duration;
use testkit::hosts::Host;

/// `plimsoll patch` on a host.
fn command(host: &Host, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("patch").args(words).arg("--root").arg(&host.root).stdin(Stdio::null());
    command
}

fn patch(host: &Host, words: &[&str]) -> Output {
    command(host, words).output().expect("it runs")
}

fn code(host: &Host, words: &[&str]) -> Option<i32> {
    let output = patch(host, words);
    eprintln!(
        "patch {words:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.status.code()
}

#[test]
fn a_real_host_is_patched_verified_and_brought_back_to_the_byte() {
    let Some(host) = Host::debian("whole") else { return };
    host.write("etc/security/limits.conf", "# what somebody wrote here stays\n");
    let before = host.state();
    let plan = patch(&host, &["plan", "-f", "json"]);
    assert_eq!(plan.status.code(), Some(1), "{plan:?}");
    let order: serde_json::Value = serde_json::from_slice(&plan.stdout).expect("JSON");
    let upgrades = order["upgrades"].as_array().expect("a list").clone();
    assert!(upgrades.len() > 3, "{order}");
    assert_eq!(host.state(), before, "a plan changes nothing");
    assert_eq!(code(&host, &["apply"]), Some(64), "nobody was asked");
    assert_eq!(host.state(), before);
    // What runs on a root that is only mounted nobody knows.
    assert_eq!(code(&host, &["apply", "--yes"]), Some(3));
    let (packages, marks, _) = host.state();
    for upgrade in &upgrades {
        let line = format!(
            "{} {} installed",
            upgrade["package"].as_str().expect("a name"),
            upgrade["to"].as_str().expect("a version")
        );
        let bare = line.replacen(":amd64", "", 1);
        assert!(packages.lines().any(|known| known == line || known == bare), "{line} in {packages}");
    }
    assert_eq!(marks, before.1, "what came for others stays what it was");
    assert_eq!(code(&host, &["plan"]), Some(0), "nothing is missing");
    assert_eq!(code(&host, &["rollback", "--yes"]), Some(0));
    assert_eq!(host.state(), before);
    assert_eq!(code(&host, &["rollback", "--yes"]), Some(2), "it is back already");
    // Cut short at several instants, with everything that ran.
    for wait in [200, 900, 2500, 4500] {
        cut_short(&host, Duration::from_millis(wait));
        assert_eq!(host.state(), before, "cut after {wait} ms");
    }
}

/// Ends an order and all that runs for it so long after it began to install; whoever resumes brings it to its end, or all of it is taken
/// back by itself: a host is never called patched that is not.
fn cut_short(host: &Host, wait: Duration) {
    let mut apply = command(host, &["apply", "--yes"]);
    let mut running = apply.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs");
    let is_installing = || host.newest_journal().lines().last().is_some_and(|line| line.contains("installing"));
    while !is_installing() && running.try_wait().expect("known").is_none() {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(wait);
    running.kill().expect("ended");
    let _ = running.wait();
    host.end_all();
    if is_installing() {
        assert_ne!(code(host, &["apply", "--yes"]), Some(3), "what was cut short comes first");
        assert_eq!(code(host, &["list"]), Some(1));
        match code(host, &["resume"]) {
            Some(3) => {}
            // It could not go on, and is back.
            Some(1) => return,
            code => panic!("{code:?}"),
        }
    }
    let (packages, ..) = host.state();
    let is_whole = |line: &str| line.ends_with(" installed") || line.ends_with(" config-files");
    assert!(packages.lines().all(is_whole), "{packages}");
    assert_eq!(code(host, &["rollback", "--yes"]), Some(0));
}

#[test]
fn a_package_whose_script_fails_is_taken_back_with_its_own_words() {
    let Some(host) = Host::debian("fails") else { return };
    host.offer("1", "exit 0");
    host.inside(&["apt-get", "-qq", "-y", "install", "plimsoll-case"]);
    // The file of the installed version is nowhere any more: it is made of what is installed.
    host.inside(&["apt-get", "clean"]);
    host.offer("2", "echo the script of version two says no >&2; exit 3");
    let before = host.state();
    let failed = patch(&host, &["apply", "plimsoll-case", "--yes"]);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("the script of version two says no"), "{said}");
    assert!(said.contains("Everything is what it was before"), "{said}");
    assert_eq!(host.state(), before);
    // Left as it is where that is wanted, and brought back later.
    assert_eq!(code(&host, &["apply", "plimsoll-case", "--yes", "--keep-failed"]), Some(1));
    assert_ne!(host.state(), before);
    assert_eq!(code(&host, &["rollback", "--yes"]), Some(0));
    assert_eq!(host.state(), before);
    // What is held is left out and said; what is no name reaches nobody.
    host.inside(&["apt-mark", "hold", "plimsoll-case"]);
    let plan = patch(&host, &["plan", "plimsoll-case"]);
    assert!(String::from_utf8_lossy(&plan.stdout).contains("left out: it is held"), "{plan:?}");
    assert_eq!(plan.status.code(), Some(1));
    for word in ["--force-all", "../x.deb", "plimsoll-case=1; reboot"] {
        assert_eq!(code(&host, &["plan", "--", word]), Some(64), "{word}");
    }
}
