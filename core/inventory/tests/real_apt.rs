//! Generated preferences, sources and default releases against the real apt's candidates.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

mod hosts;

use plimsoll_inventory::Inventory;
use std::path::Path;
use std::process::Command;
use testkit::fuzz::Random;

const HOSTS: usize = 400;
const PACKAGES: &[&str] = &["a:amd64", "a:i386", "b:amd64", "linux-x:amd64"];

/// What is there on every host: lists of five suites, with more versions the further one goes.
fn lists() -> Vec<(String, String)> {
    let package = |name: &str, version: &str, architecture: &str| {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: D\nDescription: x\nMulti-Arch: same\nFilename: {name}.deb\nSize: 1\nSHA256: 00\n\n"
        )
    };
    let all = |version: &str, architecture: &str| {
        let source = "Package: linux-x\nSource: kernel\nVersion: ";
        package("a", version, architecture)
            + &package("b", version, "all").replace("Multi-Arch: same\n", "")
            + &format!(
                "{source}{version}\nArchitecture: {architecture}\nMaintainer: D\nDescription: x\nFilename: l.deb\nSize: 1\nSHA256: 00\n\n"
            )
    };
    let suites = [
        (
            "deb.example_debian_dists_bookworm",
            "main",
            "1.0-2",
            "Origin: Debian\nLabel: Debian\nSuite: stable\nVersion: 12.5\nCodename: bookworm\n",
        ),
        (
            "deb.example_debian_dists_bookworm-security",
            "updates_main",
            "1.0-1+deb12u1",
            "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nVersion: 12\nCodename: bookworm-security\n",
        ),
        (
            "deb.example_debian_dists_bookworm-backports",
            "main",
            "2.0-1~bpo12",
            "Origin: Debian Backports\nSuite: stable-backports\nCodename: bookworm-backports\nNotAutomatic: yes\nButAutomaticUpgrades: YES\n",
        ),
        ("deb.example_debian_dists_sid", "contrib", "3.0-1", "Origin: Debian\nSuite: unstable\nCodename: sid\n"),
        (
            "q.example:8080_repo_dists_x",
            "main",
            "4.0-1",
            "Origin: Q Corp\nLabel: Q\nSuite: x\nCodename: x\nNotAutomatic: Yes\n",
        ),
    ];
    let mut files = Vec::new();
    for (base, component, version, release) in suites {
        let date = "Date: Sat, 21 Nov 2026 08:28:25 UTC\nArchitectures: amd64 i386\n";
        files.push((format!("var/lib/apt/lists/{base}_Release"), format!("{release}{date}")));
        for architecture in ["amd64", "i386"] {
            let list = format!("var/lib/apt/lists/{base}_{component}_binary-{architecture}_Packages");
            files.push((list, all(version, architecture)));
        }
    }
    files
}

fn status() -> String {
    let package = |name: &str, architecture: &str, more: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nMaintainer: D\nVersion: 1.0-1\nArchitecture: {architecture}\nDescription: x\n{more}\n"
        )
    };
    package("dpkg", "amd64", "")
        + &package("a", "amd64", "Multi-Arch: same\n")
        + &package("a", "i386", "Multi-Arch: same\n")
        + &package("b", "all", "")
        + &package("linux-x", "amd64", "Source: kernel\n")
}

const NAMES: &[&str] = &[
    "*",
    "*",
    "a",
    "b",
    "a:amd64",
    "a:i386",
    "a:any",
    "linux-*",
    "src:kernel",
    "src:a",
    "A",
    "/^(a|b)$/",
    "[ab]",
    "? b",
    "a\n b",
    "/linux/",
    "a *",
    "lin[!a]x-x",
    "/^[[:alpha:]]$/:any",
];
const PINS: &[&str] = &[
    "release a=stable",
    "release n=sid",
    "release n=SID",
    "release *",
    "release a=now",
    "release o=Debian",
    "release o=Debian*,a=stable*",
    "release l=Debian-Security",
    "release c=contrib",
    "release c=updates/main",
    "release c=main",
    "release v=12",
    "release v=12*",
    "release 12.5",
    "release 12*",
    "release sid",
    "release b=i386",
    "release /^bookworm(|-security)$/",
    "release n=/^bookworm-/",
    "release x=y",
    "origin q.example",
    "origin \"q.example\"",
    "origin *.example",
    "origin \"\"",
    "version 1.0-2",
    "version 1.0*",
    "version 3.?-1",
    "version /^[34]/",
    "version *",
    "Release a=x",
    "release o=Q Corp",
    "RELEASE a=unstable",
];
const PRIORITIES: &[&str] =
    &["-1", "-10", "1", "99", "100", "101", "499", "500", "501", "600", "900", "990", "995", "1000", "1001", "100 # x"];
const RELEASES: &[&str] = &[
    "stable",
    "bookworm",
    "sid",
    "stable*",
    "/^bookworm(|-security)$/",
    "n=bookworm-backports",
    "12.5",
    "x",
    "unstable",
];

/// Settings that people write, and some that they had better not write.
fn settings(random: &mut Random) -> Vec<(String, String)> {
    fn one_of(random: &mut Random, all: &[&str]) -> String {
        all[random.below(all.len())].to_owned()
    }
    let mut files = Vec::new();
    let mut text = String::new();
    for _ in 0..random.below(5) {
        let name = one_of(random, NAMES);
        let mut pin = one_of(random, PINS);
        // apt refuses to run with a version pinned for all packages.
        if name == "*" && pin.starts_with("version") {
            pin = "release a=stable".to_owned();
        }
        let mut priority = one_of(random, PRIORITIES);
        if name == "*" && random.below(8) == 0 {
            priority = "never".to_owned();
        }
        text.push_str(&format!("# why\nPackage: {name}\nPin: {pin}\nPin-Priority: {priority}\n\n"));
    }
    let places = [
        "etc/apt/preferences",
        "etc/apt/preferences.d/x",
        "etc/apt/preferences.d/x.pref",
        "etc/apt/preferences.d/x~",
        "etc/apt/preferences.d/a b",
    ];
    files.push((one_of(random, &places), text));
    if random.below(3) == 0 {
        let release = one_of(random, RELEASES);
        let text = match random.below(2) {
            0 => format!("APT::Default-Release \"{release}\";\n"),
            _ => format!("APT {{\n  Default-Release \"{release}\";\n}};\n"),
        };
        files.push(("etc/apt/apt.conf.d/00release".to_owned(), text));
    }
    files.push(("etc/apt/sources.list".to_owned(), sources(random)));
    files
}

/// The sources of the lists, some of them switched off.
fn sources(random: &mut Random) -> String {
    let mut sources = String::new();
    let all = [
        "deb http://deb.example/debian bookworm main",
        "deb http://deb.example/debian bookworm-security updates/main",
        "deb [arch=amd64,i386] http://deb.example/debian/ bookworm-backports main",
        "deb http://deb.example/debian sid contrib # tempting",
        "deb https://me:word@q.example:8080/repo x main",
    ];
    for source in all {
        let mark = if random.below(6) == 0 { "# " } else { "" };
        sources.push_str(&format!("{mark}{source}\n"));
    }
    sources
}

/// The real apt's candidates; none where it refuses its settings.
fn candidates_of_apt(root: &Path) -> Option<Vec<String>> {
    let folder = root.display().to_string();
    // Only what this variable names is read before the folders of settings are.
    let config = format!(
        "Dir \"{folder}\";\nDir::State::status \"{folder}/var/lib/dpkg/status\";\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\nAPT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; \"i386\"; }};\n"
    );
    std::fs::write(root.join("apt.conf"), config).expect("written");
    let output = Command::new("apt-cache")
        .env("LC_ALL", "C")
        .env("APT_CONFIG", root.join("apt.conf"))
        .arg("policy")
        .args(PACKAGES)
        .output()
        .expect("apt-cache runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let candidates = text.lines().filter_map(|line| line.trim().strip_prefix("Candidate: "));
    let candidates: Vec<String> = candidates.map(str::to_owned).collect();
    (output.status.success() && candidates.len() == PACKAGES.len()).then_some(candidates)
}

/// The version that would replace the installed one; the installed one where nothing would.
fn candidates_of(inventory: &Inventory) -> Vec<String> {
    let candidate = |package: &&str| {
        let (name, architecture) = package.split_once(':').expect("an architecture");
        let mut own = inventory.pending.iter().filter(|update| {
            update.name == name && (update.architecture == architecture || update.architecture == "all")
        });
        own.next().map_or_else(|| "1.0-1".to_owned(), |update| update.candidate.to_string())
    };
    PACKAGES.iter().map(candidate).collect()
}

#[test]
fn candidates_are_those_of_the_real_apt() {
    if Command::new("apt-cache").arg("--version").output().is_err() {
        eprintln!("SKIPPED: apt is not on this machine");
        return;
    }
    let (mut random, mut compared, mut with_updates) = (Random::new(11), 0, 0);
    for number in 0..HOSTS {
        let mut files = lists();
        files.push(("var/lib/dpkg/status".to_owned(), status()));
        files.push(("etc/os-release".to_owned(), "ID=debian\nVERSION_ID=12\n".to_owned()));
        files.push(("etc/apt/trusted.gpg.d/none.asc".to_owned(), String::new()));
        files.push(("etc/apt/preferences.d/none.pref".to_owned(), String::new()));
        files.push(("etc/apt/apt.conf.d/none.conf".to_owned(), String::new()));
        files.push(("var/cache/apt/archives/partial/none".to_owned(), String::new()));
        let own = settings(&mut random);
        files.extend(own.clone());
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
        let (root, inventory) = hosts::host(&format!("real-apt-{number}"), &files);
        if let Some(mut expected) = candidates_of_apt(&root) {
            // All versions in the lists are newer than the installed one, so that nothing is the only other answer.
            for candidate in &mut expected {
                if candidate == "(none)" {
                    *candidate = "1.0-1".to_owned();
                }
            }
            assert_eq!(
                candidates_of(&inventory),
                expected,
                "host {number}: {PACKAGES:?} with {own:#?}; problems {:?}",
                inventory.problems
            );
            compared += 1;
            with_updates += usize::from(expected.iter().any(|candidate| candidate != "1.0-1"));
        }
        std::fs::remove_dir_all(root).expect("removed");
    }
    println!("{compared} of {HOSTS} hosts compared, {with_updates} with updates");
    assert!(compared > HOSTS * 9 / 10 && with_updates > HOSTS / 2, "{compared} compared, {with_updates} with updates");
}
