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
