//! One host from missing to verified and back: a real Debian 12 without its security updates, with real packages; and a small
//! repository with a package whose script fails. Needs root, mmdebstrap and the machine's own mirror; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A system of its own below a folder.
struct Host {
    root: PathBuf,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end_all();
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The machine's own mirrors: of the release, and of its security updates.
fn mirrors() -> Option<(String, String)> {
    let told = Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI) $(CODENAME)"]).output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let of = |wanted: &str| told.lines().find_map(|line| line.strip_suffix(wanted).map(|uri| uri.trim().to_owned()));
    Some((of(" bookworm")?, of(" bookworm-security")?))
}

impl Host {
    /// A fresh one; none where it cannot be made here.
    fn new(name: &str) -> Option<Self> {
        let skip = |why: &str| {
            eprintln!("SKIPPED: {why}");
            None
        };
        if !rustix::process::geteuid().is_root() {
            return skip("making hosts takes root");
        }
        let Some((main, security)) = mirrors() else { return skip("apt knows no mirror of Debian 12 here") };
        let root = std::env::temp_dir().join(format!("plimsoll-host-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let path = root.display().to_string();
        let source = format!("deb {main} bookworm main");
        let made = Command::new("mmdebstrap").args(["--quiet", "--variant=apt", "bookworm", &path, &source]).output();
        match made {
            Ok(made) if made.status.success() => {}
            Ok(made) => return skip(&format!("mmdebstrap: {}", String::from_utf8_lossy(&made.stderr))),
            Err(error) => return skip(&format!("mmdebstrap: {error}")),
        }
        let host = Self { root };
        host.write("etc/apt/sources.list.d/security.list", &format!("deb {security} bookworm-security main\n"));
        host.inside(&["apt-get", "-qq", "update"]);
        Some(host)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// What a command says inside it.
    fn inside(&self, words: &[&str]) -> String {
        let output =
            Command::new("chroot").arg(&self.root).args(words).env("LC_ALL", "C.UTF-8").output().expect("it runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.arg("patch").args(words).arg("--root").arg(&self.root).stdin(Stdio::null());
        command
    }

    fn patch(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("it runs")
    }

    fn code(&self, words: &[&str]) -> Option<i32> {
        let output = self.patch(words);
        eprintln!(
            "patch {words:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output.status.code()
    }

    /// Packages with their versions and states, what is there for others alone, and every file of the configuration with its bytes.
    fn state(&self) -> (String, String, Vec<(PathBuf, Vec<u8>)>) {
        let format = "--showformat=${binary:Package} ${Version} ${db:Status-Status}\n";
        let packages = self.inside(&["dpkg-query", "--show", format]);
        let mut marks: Vec<String> = self.inside(&["apt-mark", "showauto"]).lines().map(str::to_owned).collect();
        marks.sort();
        let mut files = Vec::new();
        read_all(&self.root.join("etc"), &mut files);
        files.sort();
        (packages, marks.join("\n"), files)
    }

    /// Ends everything that runs inside it, at once.
    fn end_all(&self) {
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let is_inside = fs::read_link(entry.path().join("root")).is_ok_and(|at| at == root);
            let id = entry.file_name().to_string_lossy().parse::<i32>().ok().and_then(rustix::process::Pid::from_raw);
            if let Some(id) = id.filter(|_| is_inside) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        }
    }

    /// A package of a small repository of its own, whose script after installing says this.
    fn offer(&self, version: &str, postinst: &str) {
        let tree = self.root.join("tmp/build");
        let _ = fs::remove_dir_all(&tree);
        self.write("tmp/build/DEBIAN/control", &format!("Package: plimsoll-case\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a case\n"));
        self.write("tmp/build/DEBIAN/conffiles", "/etc/plimsoll-case.conf\n");
        self.write("tmp/build/DEBIAN/postinst", &format!("#!/bin/sh\n{postinst}\n"));
        self.write("tmp/build/etc/plimsoll-case.conf", &format!("of version {version}\n"));
        self.inside(&["chmod", "0755", "/tmp/build/DEBIAN/postinst"]);
        self.inside(&["mkdir", "-p", "/repository"]);
        self.inside(&["dpkg-deb", "--root-owner-group", "--build", "/tmp/build", "/repository/case.deb"]);
        let bytes = fs::read(self.root.join("repository/case.deb")).expect("built");
        let digest = self.inside(&["sha256sum", "/repository/case.deb"]);
        let digest = digest.split(' ').next().expect("a digest");
        let control = fs::read_to_string(tree.join("DEBIAN/control")).expect("read");
        self.write(
            "repository/Packages",
            &format!("{control}Filename: ./case.deb\nSize: {}\nSHA256: {digest}\n", bytes.len()),
        );
        self.write("etc/apt/sources.list.d/case.list", "deb [trusted=yes] file:/repository ./\n");
        self.inside(&["apt-get", "-qq", "update"]);
    }
}

fn read_all(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            read_all(&entry.path(), files);
        } else if kind.is_file() {
            files.push((entry.path(), fs::read(entry.path()).expect("read")));
        }
    }
}

#[test]
fn a_real_host_is_patched_verified_and_brought_back_to_the_byte() {
    let Some(host) = Host::new("whole") else { return };
    host.write("etc/security/limits.conf", "# what somebody wrote here stays\n");
    let before = host.state();
    let plan = host.patch(&["plan", "-f", "json"]);
    assert_eq!(plan.status.code(), Some(1), "{plan:?}");
    let order: serde_json::Value = serde_json::from_slice(&plan.stdout).expect("JSON");
    let upgrades = order["upgrades"].as_array().expect("a list").clone();
    assert!(upgrades.len() > 3, "{order}");
    assert_eq!(host.state(), before, "a plan changes nothing");
    assert_eq!(host.code(&["apply"]), Some(64), "nobody was asked");
    assert_eq!(host.state(), before);
    // What runs on a root that is only mounted nobody knows.
    assert_eq!(host.code(&["apply", "--yes"]), Some(3));
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
    assert_eq!(host.code(&["plan"]), Some(0), "nothing is missing");
    assert_eq!(host.code(&["rollback", "--yes"]), Some(0));
    assert_eq!(host.state(), before);
    assert_eq!(host.code(&["rollback", "--yes"]), Some(2), "it is back already");
    // Cut short at several instants, with everything that ran.
    for wait in [200, 900, 2500, 4500] {
        cut_short(&host, Duration::from_millis(wait));
        assert_eq!(host.state(), before, "cut after {wait} ms");
    }
}

/// Ends an order and all that runs for it so long after it began to install; whoever resumes brings it to its end, or all of it is taken
/// back by itself: a host is never called patched that is not.
fn cut_short(host: &Host, wait: Duration) {
    let mut apply = host.command(&["apply", "--yes"]);
    let mut running = apply.stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs");
    let is_installing = || newest_journal(&host.root).lines().last().is_some_and(|line| line.contains("installing"));
    while !is_installing() && running.try_wait().expect("known").is_none() {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(wait);
    running.kill().expect("ended");
    let _ = running.wait();
    host.end_all();
    if is_installing() {
        assert_ne!(host.code(&["apply", "--yes"]), Some(3), "what was cut short comes first");
        assert_eq!(host.code(&["list"]), Some(1));
        match host.code(&["resume"]) {
            Some(3) => {}
            // It could not go on, and is back.
            Some(1) => return,
            code => panic!("{code:?}"),
        }
    }
    let (packages, ..) = host.state();
    let is_whole = |line: &str| line.ends_with(" installed") || line.ends_with(" config-files");
    assert!(packages.lines().all(is_whole), "{packages}");
    assert_eq!(host.code(&["rollback", "--yes"]), Some(0));
}

fn newest_journal(root: &Path) -> String {
    let folders = fs::read_dir(root.join("var/lib/plimsoll/patches")).into_iter().flatten().flatten();
    let newest = folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.path()).max();
    newest.and_then(|folder| fs::read_to_string(folder.join("journal")).ok()).unwrap_or_default()
}

#[test]
fn a_package_whose_script_fails_is_taken_back_with_its_own_words() {
    let Some(host) = Host::new("fails") else { return };
    host.offer("1", "exit 0");
    host.inside(&["apt-get", "-qq", "-y", "install", "plimsoll-case"]);
    // The file of the installed version is nowhere any more: it is made of what is installed.
    host.inside(&["apt-get", "clean"]);
    host.offer("2", "echo the script of version two says no >&2; exit 3");
    let before = host.state();
    let failed = host.patch(&["apply", "plimsoll-case", "--yes"]);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("the script of version two says no"), "{said}");
    assert!(said.contains("Everything is what it was before"), "{said}");
    assert_eq!(host.state(), before);
    // Left as it is where that is wanted, and brought back later.
    assert_eq!(host.code(&["apply", "plimsoll-case", "--yes", "--keep-failed"]), Some(1));
    assert_ne!(host.state(), before);
    assert_eq!(host.code(&["rollback", "--yes"]), Some(0));
    assert_eq!(host.state(), before);
    // What is held is left out and said; what is no name reaches nobody.
    host.inside(&["apt-mark", "hold", "plimsoll-case"]);
    let plan = host.patch(&["plan", "plimsoll-case"]);
    assert!(String::from_utf8_lossy(&plan.stdout).contains("left out: it is held"), "{plan:?}");
    assert_eq!(plan.status.code(), Some(1));
    for word in ["--force-all", "../x.deb", "plimsoll-case=1; reboot"] {
        assert_eq!(host.code(&["plan", "--", word]), Some(64), "{word}");
    }
}
