//! A host on btrfs of which a snapshot is made before its packages change: by btrfs itself, by snapper and by a program of its own. Needs
//! root, mmdebstrap, the machine's own mirror, btrfs and leave to mount; says so where they are missing.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

use std::process::{Command, Stdio};
use testkit::hosts::Host;

const PACKAGE: &str = "plimsoll-case";

fn patch(host: &Host, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.arg("patch").args(words).arg("--root").arg(&host.root).stdin(Stdio::null());
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    eprintln!("patch {words:?}: {said}");
    (output.status.code(), said)
}

/// What the newest order says of its snapshot.
fn snapshot(host: &Host) -> String {
    let (_, said) = patch(host, &["list", "-f", "csv"]);
    said.trim().lines().last().expect("an order").rsplit(',').next().expect("a column").to_owned()
}

fn there(host: &Host) -> usize {
    std::fs::read_dir(host.root.join(".plimsoll")).map(Iterator::count).unwrap_or_default()
}

#[test]
fn a_snapshot_is_made_before_packages_change_and_the_newest_stay() {
    let Some(base) = Host::debian_with("snapshot", &["btrfs-progs", "snapper"]) else { return };
    base.offer("1", "exit 0");
    base.inside(&["apt-get", "-qq", "-y", "install", PACKAGE]);
    base.offer("2", "exit 0");
    let Some(host) = base.on_btrfs("snapshots") else { return };
    let before = host.state();
    let apply = |of: &str| patch(&host, &["apply", PACKAGE, "--yes", "--snapshot", of]);
    assert_eq!(apply("ext4:/").0, Some(64));
    // Where it cannot be made nothing is changed.
    let (code, said) = apply("btrfs:/nowhere");
    assert!(code == Some(2) && said.contains("nothing was changed"), "{said}");
    assert_eq!(host.state(), before);
    for number in 1..=4 {
        assert_eq!(apply("btrfs:/").0, Some(3));
        assert_eq!(there(&host), number.min(2), "the two newest stay");
        let made = snapshot(&host);
        let path = made.strip_prefix("btrfs:/").and_then(|made| made.split(' ').next()).expect("a path");
        let kept = host.root.join(path).join("etc/plimsoll-case.conf");
        assert_eq!(std::fs::read_to_string(kept).expect("what was there before"), "of version 1\n");
        assert_eq!(host.version_of(PACKAGE), "2");
        assert_eq!(patch(&host, &["rollback", "--yes"]).0, Some(0));
        assert_eq!(host.state(), before);
    }
    by_snapper(&host);
    by_a_program(&host);
}

fn by_snapper(host: &Host) {
    // It looks up what is mounted, which is told to a system that runs.
    host.write("etc/mtab", "/dev/loop0 / btrfs rw 0 0\n");
    host.inside(&["snapper", "--no-dbus", "--config", "root", "create-config", "/"]);
    let before = host.state();
    assert_eq!(patch(host, &["apply", PACKAGE, "--yes", "--snapshot", "snapper:root"]).0, Some(3));
    assert_eq!(snapshot(host), "snapper:1 of root");
    let listed = host.inside(&["snapper", "--no-dbus", "--config", "root", "list"]);
    assert!(listed.contains("plimsoll-"), "{listed}");
    assert_eq!(patch(host, &["rollback", "--yes"]).0, Some(0));
    assert_eq!(host.state(), before);
}

/// Whoever makes the disks knows how: the host's own program asks them.
fn by_a_program(host: &Host) {
    host.write(
        "usr/local/sbin/disk",
        "#!/bin/sh\necho \"$@\" >> /var/log/disk\n[ \"$1\" = make ] && echo \"disk-$2\"\nexit 0\n",
    );
    host.inside(&["chmod", "0755", "/usr/local/sbin/disk"]);
    for _ in 0..3 {
        assert_eq!(patch(host, &["apply", PACKAGE, "--yes", "--snapshot", "program:/usr/local/sbin/disk"]).0, Some(3));
        assert!(snapshot(host).starts_with("program:disk-plimsoll-"), "{}", snapshot(host));
        assert_eq!(patch(host, &["rollback", "--yes"]).0, Some(0));
    }
    let told = std::fs::read_to_string(host.root.join("var/log/disk")).expect("told");
    let words: Vec<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(words, ["make", "make", "make", "remove"], "{told}");
    // What is broken says where it can be found whole: the kept files are gone, and what there is to go back to is told.
    assert_eq!(patch(host, &["apply", PACKAGE, "--yes", "--snapshot", "program:/usr/local/sbin/disk"]).0, Some(3));
    let orders = std::fs::read_dir(host.root.join("var/lib/plimsoll/patches")).expect("orders").flatten();
    let newest = orders.map(|entry| entry.path()).filter(|path| path.is_dir()).max().expect("an order");
    std::fs::remove_dir_all(newest.join("kept")).expect("gone");
    host.inside(&["apt-get", "clean"]);
    let (code, said) = patch(host, &["rollback", "--yes"]);
    assert!(code == Some(2) && said.contains("has what was there before"), "{said}");
}
