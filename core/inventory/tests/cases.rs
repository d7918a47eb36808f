//! Every case below `tests/cases`: a folder with one document and the inventory that it must give.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

use plimsoll_inventory::readers::{Document, read_database_file, read_document};
use plimsoll_inventory::{Inventory, Limits, Os, unpack};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// The one document of a case, with its path below the folder.
fn document(folder: &Path) -> (String, Vec<u8>) {
    let mut waiting = vec![folder.to_owned()];
    while let Some(place) = waiting.pop() {
        for entry in std::fs::read_dir(&place).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                waiting.push(entry);
            } else if entry.file_name().is_some_and(|name| name != "expected.txt") {
                let name = entry.strip_prefix(folder).expect("below").display().to_string();
                let bytes = unpack(std::fs::read(&entry).expect("read"), Limits { bytes: 1 << 26 }).expect("unpacked");
                return (name.trim_end_matches(".zst").to_owned(), bytes);
            }
        }
    }
    panic!("{} has no document", folder.display());
}

fn read(name: &str, bytes: &[u8]) -> Inventory {
    let (id, version) = match name {
        "installed" => ("alpine", "3.20.1"),
        "rpmdb.sqlite" | "Packages" | "Packages.db" => ("almalinux", "9.4"),
        _ => ("debian", "12"),
    };
    let os = Os { id: id.to_owned(), version: version.to_owned(), ..Os::default() };
    let mut inventory = Inventory { os: Some(os), ..Inventory::default() };
    let document = Document { name, bytes };
    if !read_database_file(&document, &[], &mut inventory) {
        read_document(&document, &mut inventory);
    }
    inventory
}

fn check(folder: &Path) -> String {
    let (name, bytes) = document(folder);
    let inventory = read(&name, &bytes);
    let mut text = String::new();
    for package in &inventory.packages {
        let source = package
            .source
            .as_ref()
            .map(|source| format!(" from {} {}", source.name, source.version))
            .unwrap_or_default();
        let held = if package.is_held { " (held)" } else { "" };
        writeln!(
            text,
            "{} [{}] {} {} {}{source}{held}",
            package.kind.name(),
            package.ecosystem,
            package.name,
            package.version,
            package.architecture
        )
        .expect("written");
    }
    for problem in &inventory.problems {
        writeln!(
            text,
            "problem {} at {}: {}",
            problem.code,
            problem.place,
            problem.what.lines().next().unwrap_or_default()
        )
        .expect("written");
    }
    text
}

#[test]
fn every_document_gives_its_inventory() {
    testkit::cases::run(&cases(), check);
}

#[test]
fn every_reader_has_a_case() {
    let found: String = std::fs::read_dir(cases())
        .expect("cases")
        .map(|entry| {
            let (name, bytes) = document(&entry.expect("an entry").path());
            read(&name, &bytes).sources.into_iter().map(|(source, _)| source + "\n").collect::<String>()
        })
        .collect();
    // opkg's status is known by its place only: `tests/pending.rs` has its case.
    for reader in plimsoll_inventory::readers::READERS.iter().filter(|reader| reader.id != "opkg") {
        assert!(
            found.lines().any(|line| line.split(' ').next() == Some(reader.id)),
            "no case is read by {}",
            reader.id
        );
    }
}

/// Every document, changed at random: an answer or a problem, never a panic.
#[test]
fn fuzz_every_reader() {
    let documents: Vec<(String, Vec<u8>)> = {
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(cases()).expect("cases").map(|entry| entry.expect("an entry").path()).collect();
        folders.sort();
        folders.iter().map(|folder| document(folder)).collect()
    };
    for (name, bytes) in &documents {
        testkit::fuzz::run(std::slice::from_ref(bytes), |input| {
            let inventory = read(name, input);
            for package in &inventory.packages {
                let url = plimsoll_inventory::purl::write(package);
                let _ = plimsoll_inventory::purl::Purl::parse(&url);
            }
        });
    }
}

/// What else is read of packages: their files' changelogs, addresses, and whatever is compressed.
#[test]
fn fuzz_changelogs_addresses_and_compressed_files() {
    let changelog =
        "a (2-1) unstable; urgency=high\n\n  * CVE-2026-0001\n\n -- A <a@b>  Wed, 12 Feb 2025 10:00:00 +0100\n";
    let member = |name: &str, bytes: &[u8]| {
        let head = format!("{name:16}{:12}{:6}{:6}{:8}{:<10}`\n", 0, 0, 0, 100_644, bytes.len());
        [head.as_bytes(), bytes, if bytes.len() % 2 == 1 { b"\n" } else { b"" }].concat()
    };
    let mut entry = vec![0_u8; 512];
    entry[..39].copy_from_slice(b"./usr/share/doc/a/changelog.Debian\0\0\0\0\0");
    entry[124..135].copy_from_slice(format!("{:011o}", changelog.len()).as_bytes());
    entry[156] = b'0';
    entry[257..263].copy_from_slice(b"ustar\0");
    entry[148..156].copy_from_slice(b"        ");
    let sum: u32 = entry.iter().map(|byte| u32::from(*byte)).sum();
    entry[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    entry.extend_from_slice(changelog.as_bytes());
    entry.resize(entry.len().next_multiple_of(512) + 1024, 0);
    let package = [b"!<arch>\n".to_vec(), member("debian-binary", b"2.0\n"), member("data.tar", &entry)].concat();
    assert_eq!(plimsoll_inventory::changelog::of_package_file(&package).as_deref(), Some(changelog));
    let seeds = [
        changelog.as_bytes().to_vec(),
        package,
        b"pkg:deb/debian/a%2B%2B@1%3A2?arch=amd64&distro=debian-12#x".to_vec(),
    ];
    testkit::fuzz::run(&seeds, |input| {
        let _ = plimsoll_inventory::changelog::of_package_file(input);
        let _ = plimsoll_inventory::unpack(input.to_vec(), plimsoll_inventory::Limits { bytes: 1 << 20 });
        let text = String::from_utf8_lossy(input);
        let _ = plimsoll_inventory::changelog::newer_than(&text, "a", "2-1", "1-1");
        let _ = plimsoll_inventory::purl::package_named(&text, "x")
            .map(|package| plimsoll_inventory::purl::write(&package));
    });
}

#[test]
fn a_date_that_no_calendar_has_is_none() {
    let at = |date: &str| {
        let text = format!("a (2-1) unstable; urgency=high\n\n  * CVE-2026-0001\n\n -- A <a@b>  {date}\n");
        plimsoll_inventory::changelog::newer_than(&text, "a", "2-1", "1-1").at
    };
    assert_eq!(at("Wed, 12 Feb 2025 10:00:00 +0100"), Some(1_739_350_800));
    for date in [
        "Wed, 9223372036854775807 Feb 2025 10:00:00 +0100",
        "Wed, 12 Feb 9223372036854775807 10:00:00 +0100",
        "Wed, 12 Feb 2025 9223372036854775807:00:00 +0100",
        "Wed, 12 Feb 2025 10:00:00 +922337203685477580",
        "Wed, 12 Foo 2025 10:00:00 +0100",
    ] {
        assert_eq!(at(date), None, "{date}");
    }
}

#[test]
fn what_only_looks_like_an_id_is_none() {
    let text = "a (2-1) unstable; urgency=high\n\n  * CVE-pending, CVE-, CVE, CVE-2026-0001\n";
    let found = plimsoll_inventory::changelog::newer_than(text, "a", "2-1", "1-1").vulnerabilities;
    assert_eq!(found, [("CVE-2026-0001".to_owned(), None)]);
}
