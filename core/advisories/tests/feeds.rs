//! Every case below `tests/cases`: a folder with one document of a feed and the records that it must give.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

use plimsoll_advisories::feeds::{self, Document, FEEDS, Feed, Reading};
use plimsoll_advisories::index::{Builder, FeedState, Index};
use plimsoll_advisories::{Event, Record, vex};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn document(folder: &Path) -> (String, Vec<u8>) {
    let file = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.file_name().is_some_and(|name| name != "expected.txt"));
    let file = file.unwrap_or_else(|| panic!("{} has no document", folder.display()));
    (file.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read(&file).expect("read"))
}

/// The feed that a case is of: its folder's name up to a hyphen.
fn feed_of(folder: &Path) -> &'static Feed {
    let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
    feeds::find(name.split('-').next().expect("a part")).unwrap_or_else(|| panic!("no feed for {name}"))
}

fn records(feed: &Feed, name: &str, bytes: &[u8]) -> (Vec<Record>, Vec<String>) {
    let mut records = Vec::new();
    let mut emit = |record| records.push(record);
    let mut reading = Reading::new(&mut emit);
    (feed.read)(&Document { name, bytes }, &mut reading);
    let problems = reading
        .problems
        .iter()
        .map(|problem| format!("problem {} at {}: {}", problem.code, problem.place, problem.what))
        .collect();
    (records, problems)
}

fn in_words(record: &Record) -> String {
    let mut text = String::new();
    match record {
        Record::Advisory(advisory) => {
            writeln!(text, "advisory {} aliases {:?} resolves {:?} published {:?} withdrawn {:?}", advisory.id, advisory.aliases, advisory.resolves, advisory.published, advisory.withdrawn).expect("written");
            writeln!(text, "  {:?} severities {:?}", advisory.summary, advisory.severities.iter().map(|severity| &severity.value).collect::<Vec<_>>()).expect("written");
            for affected in &advisory.affected {
                let events: Vec<String> = affected.ranges.iter().flat_map(|range| &range.events).map(|event| match event {
                    Event::Introduced(version) => format!("from {version}"),
                    Event::Fixed(version) => format!("fixed {version}"),
                    Event::LastAffected(version) => format!("last {version}"),
                    Event::Limit(version) => format!("limit {version}"),
                }).collect();
                writeln!(text, "  {} {} {:?} {:?} {} versions {:?} module {:?} on {:?} urgency {:?}", affected.ecosystem, affected.name, affected.subject, affected.state, events.join(" "), affected.versions, affected.module, affected.architectures, affected.urgency).expect("written");
            }
        }
        Record::Vulnerability(v) => writeln!(text, "vulnerability {} {:?} published {:?} rejected {:?} severities {:?} weaknesses {:?} epss {:?} ssvc {:?} exploited {:?}", v.id, v.summary, v.published, v.rejected, v.severities.iter().map(|severity| &severity.value).collect::<Vec<_>>(), v.weaknesses, v.epss, v.ssvc, v.exploited).expect("written"),
        Record::Release(release) => writeln!(text, "{release:?}").expect("written"),
        Record::SupportNote(note) => writeln!(text, "{note:?}").expect("written"),
    }
    text
}

fn check(folder: &Path) -> String {
    let (name, bytes) = document(folder);
    let feed = feed_of(folder);
    let found = feeds::detect(&Document { name: &name, bytes: &bytes }).map(|feed| feed.id);
    assert_eq!(found, Some(feed.id), "{} is taken for another feed", folder.display());
    let (records, problems) = records(feed, &name, &bytes);
    records.iter().map(in_words).collect::<String>() + &problems.join("\n") + "\n"
}

#[test]
fn every_document_gives_its_records() {
    testkit::cases::run(&cases(), check);
}

#[test]
fn every_feed_has_a_case() {
    let folders: Vec<String> = std::fs::read_dir(cases())
        .expect("cases")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for feed in FEEDS {
        assert!(folders.iter().any(|folder| folder.split('-').next() == Some(feed.id)), "{} has no case", feed.id);
    }
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(cases()).expect("cases").map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders
}

/// Every document, changed at random: records or problems, never a panic; and an index of them that opens.
#[test]
fn fuzz_every_feed() {
    for folder in folders() {
        let (name, bytes) = document(&folder);
        let feed = feed_of(&folder);
        testkit::fuzz::run(std::slice::from_ref(&bytes), |input| {
            let _ = feeds::detect(&Document { name: &name, bytes: input });
            let (records, _) = records(feed, &name, input);
            let mut builder = Builder::default();
            records.into_iter().for_each(|record| builder.add(Builder::prepare(record), 0));
            let index = builder.finish(&[FeedState::default()]).expect("an index");
            Index::open(&index).expect("it opens");
            let _ = vex::read(&name, input);
        });
    }
}

/// An index with bytes changed: an error or other answers, never a panic.
#[test]
fn fuzz_the_index() {
    let mut builder = Builder::default();
    for folder in folders() {
        let (name, bytes) = document(&folder);
        records(feed_of(&folder), &name, &bytes)
            .0
            .into_iter()
            .for_each(|record| builder.add(Builder::prepare(record), 0));
    }
    let bytes = builder.finish(&[FeedState { feed: "osv".to_owned(), ..FeedState::default() }]).expect("an index");
    Index::verify(&bytes).expect("whole");
    testkit::fuzz::run(std::slice::from_ref(&bytes), |input| {
        let Ok(index) = Index::open(input) else { return };
        let _ = index.meta();
        for number in 0..index.advisory_count().min(50) {
            let _ = index.advisory(number);
            let _ = index.vulnerability(number);
            let _ = index.vulnerability_number("CVE-2026-0001");
        }
        for (ecosystem, name) in [("Debian:12", "example"), ("PyPI", "exam-ple"), ("Red Hat:9", "tiny")] {
            let _ = index.statements(ecosystem, name);
        }
    });
}

#[test]
fn the_same_records_give_the_same_index_and_a_flipped_bit_is_found() {
    let build = || {
        let mut builder = Builder::default();
        for folder in folders() {
            let (name, bytes) = document(&folder);
            records(feed_of(&folder), &name, &bytes)
                .0
                .into_iter()
                .for_each(|record| builder.add(Builder::prepare(record), 0));
        }
        builder.finish(&[FeedState::default()]).expect("an index")
    };
    let bytes = build();
    assert!(bytes == build());
    for at in [600, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Index::verify(&damaged).is_err(), "byte {at}");
    }
    assert!(
        Index::open(&bytes[..bytes.len() - 1]).is_err()
            && Index::open(b"").is_err()
            && Index::open(&bytes[..100]).is_err()
    );
    // Aliases are one vulnerability: the GHSA record and the CVE are found under the CVE.
    let index = Index::open(&bytes).expect("opens");
    let number = index.vulnerability_number("CVE-2026-0001").expect("whole").expect("known");
    let vulnerability = index.vulnerability(number).expect("whole");
    assert!(vulnerability.aliases.contains(&"GHSA-xxxx-1") && vulnerability.epss == Some((0.94321, 0.99912)));
    assert!(index.vulnerability_number("GHSA-xxxx-1").expect("whole").is_none());
}
