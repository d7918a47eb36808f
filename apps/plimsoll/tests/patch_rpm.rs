//! One host of rpm's from missing to verified and back, by DNF and by zypper: real programs and a small repository of the test's own.
//! Needs root and mmdebstrap; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::process::{Command, Output, Stdio};
use std::time::Duration;
use testkit::hosts::{Host, Spec};

fn command(host: &Host, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("patch").args(words).arg("--root").arg(&host.root).stdin(Stdio::null());
    command
}

fn patch(host: &Host, words: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command(host, words).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    eprintln!("patch {words:?}: {status} {said}");
    (status.code(), said)
}

/// `case-b` needs `case-a` of its own version, whose second one needs the new `case-c`; scripts take a while.
fn specs() -> [Spec<'static>; 5] {
    let spec = |name, version, needs| Spec { name, version, needs, post: "sleep 0.4" };
    [
        spec("case-a", "1.0-1", ""),
        spec("case-b", "1.0-1", "Requires: case-a >= 1.0"),
        spec("case-a", "2.0-1", "Requires: case-c"),
        spec("case-b", "2.0-1", "Requires: case-a >= 2.0"),
        spec("case-c", "1.0-1", ""),
    ]
}

/// A host with the first versions, of which one's configuration somebody has changed.
fn fresh(base: &Host, program: &str, name: &str) -> Host {
    let host = base.rpm_with(program, name);
    host.offer_rpms(&specs());
    host.inside(&["rpm", "--install", "/repository/case-a-1.0-1.noarch.rpm", "/repository/case-b-1.0-1.noarch.rpm"]);
    host.write("etc/case-a.conf", "what somebody wrote here stays\n");
    host
}

#[test]
fn hosts_of_rpm_are_patched_verified_and_brought_back_to_the_byte() {
    let Some(base) = Host::rpm("rpm") else { return };
    for program in ["dnf", "zypper"] {
        let host = fresh(&base, program, &format!("rpm-{program}"));
        whole(&host);
        // The versions before are in no cache and no archive: they come back from what was installed.
        let whole = std::fs::read(host.root.join("repository/case-a-1.0-1.noarch.rpm")).expect("read");
        host.forget_rpms(|file| file.contains("-2.0-") || file.contains("case-c"));
        // A fetch that was cut short has left a part of one of them under its name: it is not taken for the whole.
        cached_in_part(&host, "case-a-1.0-1.noarch.rpm", &whole);
        let before = host.rpm_state();
        assert_eq!(patch(&host, &["apply", "--yes"]).0, Some(3));
        assert_eq!(host.rpm_state().0, ["base-1-1", "case-a-2.0-1", "case-b-2.0-1", "case-c-1.0-1"]);
        assert_eq!(patch(&host, &["rollback", "--yes"]).0, Some(0));
        assert_eq!(host.rpm_state(), before, "{program}: from headers and files");
        assert!(host.inside(&["rpm", "--verify", "case-b"]).is_empty(), "rpm itself finds nothing wrong");
        others_work_stays(&host);
        a_script_that_fails(&host);
    }
}

/// Puts the first half of a package's file where programs keep what they fetched.
fn cached_in_part(host: &Host, name: &str, whole: &[u8]) {
    let below = |folder: &str| std::fs::read_dir(host.root.join(folder)).into_iter().flatten().flatten();
    let dnf = below("var/cache/dnf").filter(|entry| entry.file_name().to_string_lossy().starts_with("case-"));
    let dnf = dnf.map(|entry| entry.path()).filter(|path| path.is_dir()).map(|path| path.join("packages"));
    let folders: Vec<_> = dnf.chain([host.root.join("var/cache/zypp/packages/case")]).collect();
    for folder in folders {
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), &whole[..whole.len() / 2]).expect("written");
    }
}

fn whole(host: &Host) {
    let before = host.rpm_state();
    let (code, said) = patch(host, &["plan", "-f", "json"]);
    assert_eq!(code, Some(1), "{said}");
    let order: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let upgrades: Vec<String> = order["upgrades"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{} {} {}", one["package"].as_str().unwrap_or(""), one["from"], one["to"]))
        .collect();
    let expected =
        ["case-a:noarch \"1.0-1\" \"2.0-1\"", "case-b:noarch \"1.0-1\" \"2.0-1\"", "case-c:noarch null \"1.0-1\""];
    assert_eq!(upgrades, expected);
    assert_eq!(host.rpm_state(), before, "a plan changes nothing");
    assert_eq!(patch(host, &["apply", "--yes"]).0, Some(3), "what runs nobody knows of a root that is only mounted");
    let after = host.rpm_state();
    assert_eq!(after.0, ["base-1-1", "case-a-2.0-1", "case-b-2.0-1", "case-c-1.0-1"]);
    let own = std::path::Path::new("etc/case-a.conf");
    assert!(after.1.iter().any(|(path, bytes)| path == own && bytes.starts_with(b"what somebody wrote")));
    assert_eq!(patch(host, &["plan"]).0, Some(0), "nothing is missing");
    assert_eq!(patch(host, &["rollback", "--yes"]).0, Some(0));
    assert_eq!(host.rpm_state(), before);
    // Cut short at several instants, with everything that ran.
    for wait in [0, 150, 500, 900, 1300, 1700, 2200] {
        cut_short(host, Duration::from_millis(wait));
        assert_eq!(host.rpm_state(), before, "cut after {wait} ms");
    }
}

/// Ends an order and all that runs for it so long after it began to install: whoever resumes brings it to its end, or all of it is
/// taken back by itself.
fn cut_short(host: &Host, wait: Duration) {
    let mut apply = command(host, &["apply", "--yes"]);
    let mut running = apply.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs");
    while !host.newest_journal().ends_with("\"installing\"\n") && running.try_wait().expect("known").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(wait);
    running.kill().expect("ended");
    let _ = running.wait();
    host.end_all();
    if host.newest_journal().ends_with("\"installing\"\n") {
        assert_ne!(patch(host, &["apply", "--yes"]).0, Some(3), "what was cut short comes first");
        match patch(host, &["resume"]).0 {
            Some(3) => {}
            // It could not go on, and is back.
            Some(1) => return,
            code => panic!("{code:?}"),
        }
    }
    assert_eq!(host.rpm_state().0, ["base-1-1", "case-a-2.0-1", "case-b-2.0-1", "case-c-1.0-1"]);
    assert_eq!(patch(host, &["rollback", "--yes"]).0, Some(0));
}

/// What somebody put there since and needs the newer version is theirs: nothing goes back that breaks it.
fn others_work_stays(host: &Host) {
    assert_eq!(patch(host, &["apply", "--yes"]).0, Some(3));
    host.offer_rpms(&[Spec { name: "case-d", version: "1.0-1", needs: "Requires: case-a >= 2.0", post: "" }]);
    host.inside(&["rpm", "--install", "/repository/case-d-1.0-1.noarch.rpm"]);
    let between = host.rpm_state();
    let (code, said) = patch(host, &["rollback", "--yes"]);
    assert_ne!(code, Some(0));
    assert!(said.contains("case-a >= 2.0 is needed by (installed) case-d"), "{said}");
    assert_eq!(host.rpm_state(), between, "nothing was changed");
    host.inside(&["rpm", "--erase", "case-d"]);
    assert_eq!(patch(host, &["rollback", "--yes"]).0, Some(0));
}

fn a_script_that_fails(host: &Host) {
    let post = "echo the script of version three says no >&2; exit 3";
    host.offer_rpms(&[Spec { name: "case-b", version: "3.0-1", needs: "Requires: case-a", post }]);
    let before = host.rpm_state();
    let (code, said) = patch(host, &["apply", "case-b", "--yes"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the script of version three says no"), "{said}");
    assert!(said.contains("Everything is what it was before"), "{said}");
    assert_eq!(host.rpm_state(), before);
}
