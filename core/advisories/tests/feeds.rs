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

/// An index of all cases, under one feed.
fn index_of_all() -> Vec<u8> {
    let mut builder = Builder::default();
    for folder in folders() {
        let (name, bytes) = document(&folder);
        records(feed_of(&folder), &name, &bytes)
            .0
            .into_iter()
            .for_each(|record| builder.add(Builder::prepare(record), 0));
    }
    builder.finish(&[FeedState { feed: "osv".to_owned(), ..FeedState::default() }]).expect("an index")
}

const LOOKED_UP: [(&str, &str); 3] = [("Debian:12", "example"), ("PyPI", "exam-ple"), ("Red Hat:9", "tiny")];

/// Everything that can be asked of an index, as text.
fn read_all(bytes: &[u8]) -> Result<String, plimsoll_advisories::Error> {
    let index = Index::open(bytes)?;
    let mut text = format!("{:?}", index.meta()?);
    for number in 0..index.advisory_count()? {
        text.push_str(&format!("{:?}{:?}", index.advisory(number)?, index.vulnerability(number).ok()));
    }
    text.push_str(&format!("{:?}", index.vulnerability_number("CVE-2026-0001")?));
    for (ecosystem, name) in LOOKED_UP {
        for statement in index.statements(ecosystem, name)? {
            let statement = statement?;
            text.push_str(&format!("{statement:?}{:?}", statement.ranges()?));
            let _ = statement.evaluate(versions::Scheme::Debian, "1.0-1")?;
        }
        text.push_str(&format!("{}", index.knows_ecosystem(ecosystem)?));
    }
    Ok(text)
}

/// An index with bytes changed and then sealed again, as a forger would: an error or other answers, never a panic.
#[test]
fn fuzz_the_index() {
    let bytes = index_of_all();
    Index::verify(&bytes).expect("whole");
    testkit::fuzz::run(std::slice::from_ref(&bytes), |input| {
        let _ = read_all(input);
        let mut sealed = input.to_vec();
        plimsoll_advisories::index::seal(&mut sealed);
        let _ = read_all(&sealed);
    });
}

/// One bit changed anywhere: an error, or (in the room between sections) exactly the same answers. The whole file's
/// digest notices it in any case.
#[test]
fn a_flipped_bit_is_never_another_answer() {
    let bytes = index_of_all();
    assert!(bytes == index_of_all(), "the same records give the same index");
    let whole = read_all(&bytes).expect("whole");
    let mut noticed = 0;
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(Index::verify(&damaged).is_err(), "byte {at}");
        match read_all(&damaged) {
            Ok(text) => assert_eq!(text, whole, "byte {at}"),
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed > bytes.len() / 7 / 2, "{noticed} of {} noticed while reading", bytes.len() / 7);
    for length in [0, 100, 4096, bytes.len() - 1] {
        assert!(Index::open(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn aliases_are_one_vulnerability() {
    let bytes = index_of_all();
    let index = Index::open(&bytes).expect("opens");
    let number = index.vulnerability_number("CVE-2026-0001").expect("whole").expect("known");
    let vulnerability = index.vulnerability(number).expect("whole");
    assert!(vulnerability.aliases.contains(&"GHSA-xxxx-1") && vulnerability.epss == Some((0.94321, 0.99912)));
    assert!(index.vulnerability_number("GHSA-xxxx-1").expect("whole").is_none());
}

/// What is up to date is settled by one comparison, and nothing else is.
#[test]
fn a_ceiling_spares_what_is_above_all_fixes() {
    use plimsoll_advisories::{Advisory, Affected, Event, Range, RangeKind, Subject};
    use versions::Scheme;
    let fixed = |version: &str| Affected::fixed_in("Debian:12", "a", Subject::Source, version);
    let spare = |affected: Vec<Affected>, version: &str| {
        let mut builder = Builder::default();
        let advisory = Advisory { id: "X-1".to_owned(), affected, ..Advisory::default() };
        builder.add(Builder::prepare(plimsoll_advisories::Record::Advisory(Box::new(advisory))), 0);
        let bytes = builder.finish(&[FeedState::default()]).expect("an index");
        Index::open(&bytes).expect("opens").statements("Debian:12", "a").expect("whole").spare(Scheme::Debian, version)
    };
    let two = || vec![fixed("1.5-1"), fixed("1.10-1")];
    assert!(spare(two(), "1.10-1") && spare(two(), "2:0"));
    assert!(!spare(two(), "1.9-1"));
    let with = |event: Event| {
        let mut own = fixed("1.5-1");
        own.ranges
            .push(Range { kind: RangeKind::Ecosystem, events: vec![Event::Introduced("1.6-1".to_owned()), event] });
        vec![own]
    };
    assert!(!spare(with(Event::LastAffected("1.7-1".to_owned())), "9"));
    assert!(!spare(with(Event::Limit("1.7-1".to_owned())), "9"));
    assert!(!spare(with(Event::Fixed("1.5-9".to_owned())), "9"), "it begins again after its fix");
    assert!(
        spare(with(Event::Fixed("1.7-1".to_owned())), "9") && !spare(with(Event::Fixed("1.7-1".to_owned())), "1.6-5")
    );
    let listed = vec![Affected { versions: vec!["3.0-1".to_owned()], ..fixed("1.5-1") }];
    assert!(!spare(listed, "9"));
    let open = vec![Affected { state: plimsoll_advisories::FixState::NotFixedYet, ranges: Vec::new(), ..fixed("1") }];
    assert!(!spare(open, "9"));
}
