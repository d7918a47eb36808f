//! VEX documents and ignore files, made for these tests, against what they say.
#![allow(clippy::expect_used, clippy::disallowed_methods, reason = "tests touch the world")]

use plimsoll_advisories::vex::{self, Justification, Statements};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vex")
}

/// The document of a case.
fn document(folder: &Path) -> (String, Vec<u8>) {
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let mut files = std::fs::read_dir(folder).expect("a case").map(|entry| entry.expect("an entry").path());
    let file = files.find(|path| name(path) != "expected.txt").expect("a document");
    (name(&file), std::fs::read(&file).expect("read"))
}

fn read(name: &str, bytes: &[u8]) -> Statements {
    let text = String::from_utf8_lossy(bytes);
    match name {
        ".trivyignore" => vex::trivy_plain(name, &text),
        ".trivyignore.yaml" => vex::trivy(name, &text),
        ".grype.yaml" => vex::grype(name, &text),
        "osv-scanner.toml" => vex::osv_scanner(name, &text),
        "audit.toml" => vex::audit_toml(name, &text),
        _ => vex::read(name, bytes),
    }
}

fn check(folder: &Path) -> String {
    let (name, bytes) = document(folder);
    let found = read(&name, &bytes);
    let mut text = String::new();
    for own in found.statements {
        let head = format!("{} {:?} {:?} of {:?}", own.vulnerability, own.status, own.products, own.within);
        let tail =
            format!("{:?} {:?} by {} at {:?} until {:?}", own.justification, own.reason, own.by, own.at, own.until);
        writeln!(text, "{head}\n  {tail}").expect("written");
    }
    for problem in found.problems {
        writeln!(text, "problem: {}: {}", problem.place, problem.what).expect("written");
    }
    text
}

#[test]
fn every_document_gives_its_statements() {
    testkit::cases::run(&cases(), check);
}

/// Every document, changed at random: statements or problems, never a panic, and never nothing.
#[test]
fn fuzz_vex_documents_and_ignore_files() {
    for entry in std::fs::read_dir(cases()).expect("cases") {
        let (name, bytes) = document(&entry.expect("an entry").path());
        let is_vex = name.ends_with(".json");
        testkit::fuzz::run(std::slice::from_ref(&bytes), |input| {
            let found = read(&name, input);
            assert!(!is_vex || !found.statements.is_empty() || !found.problems.is_empty());
        });
    }
}

#[test]
fn justifications_keep_their_words() {
    let both = |word: &str| Justification::parse(word).map(|own| (own.openvex(), own.cyclonedx()));
    for word in [
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    ] {
        assert_eq!(both(word).and_then(|words| words.0), Some(word));
    }
    for word in [
        "code_not_present",
        "code_not_reachable",
        "requires_configuration",
        "requires_dependency",
        "requires_environment",
        "protected_by_compiler",
        "protected_at_runtime",
        "protected_at_perimeter",
        "protected_by_mitigating_control",
    ] {
        assert_eq!(both(word).and_then(|words| words.1), Some(word));
    }
    assert_eq!(both("because"), None);
}
