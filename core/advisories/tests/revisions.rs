//! Two states of one record, or of one catalogue: the later alone counts.
#![allow(clippy::expect_used, reason = "tests")]

use jiff::Timestamp;
use plimsoll_advisories::feeds::{self, Document, Revision};
use plimsoll_advisories::index::{Builder, FeedState, Index};
use plimsoll_advisories::{Advisory, Affected, FixState, Record, Severity, Subject, Vulnerability};

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().expect("an instant"))
}

/// The index of records of feeds, by the feeds' ids.
fn index_of(feeds: &[&str], records: Vec<(u8, Record)>) -> Vec<u8> {
    let mut builder = Builder::default();
    records.into_iter().for_each(|(feed, record)| builder.add(Builder::prepare(record), feed));
    let states = feeds.iter().map(|feed| FeedState { feed: (*feed).to_owned(), ..FeedState::default() });
    builder.finish(&states.collect::<Vec<_>>()).expect("an index")
}

fn advisory(modified: &str, affected: Vec<Affected>) -> Record {
    let id = "GHSA-1".to_owned();
    Record::Advisory(Box::new(Advisory { id, modified: at(modified), affected, ..Advisory::default() }))
}

/// How many statements speak of `a`, and of `b`.
fn statements(bytes: &[u8]) -> [usize; 2] {
    let index = Index::open(bytes).expect("opens");
    ["a", "b"].map(|name| index.statements("npm", name).expect("readable").count())
}

const EARLY: &str = "2026-01-01T00:00:00Z";
const LATE: &str = "2026-02-01T00:00:00Z";

#[test]
fn a_later_state_of_an_advisory_replaces_the_earlier_one() {
    let fixed = |name: &str| Affected::fixed_in("npm", name, Subject::Binary, "2.0.0");
    let safe = Affected::with_state("npm", "a", Subject::Binary, FixState::NotAffected);
    let (old, new) = (advisory(EARLY, vec![safe, fixed("b")]), advisory(LATE, vec![fixed("a")]));
    let other = || {
        (
            0,
            Record::Advisory(Box::new(Advisory {
                id: "A".to_owned(),
                affected: vec![fixed("a")],
                ..Advisory::default()
            })),
        )
    };
    for (first, second) in [(old.clone(), new.clone()), (new.clone(), old.clone())] {
        let bytes = index_of(&["osv"], vec![(0, first.clone()), other(), (0, second.clone())]);
        assert_eq!(statements(&bytes), [2, 0]);
        let index = Index::open(&bytes).expect("opens");
        let advisories: Vec<u32> =
            index.statements("npm", "a").expect("readable").map(|one| one.expect("one").advisory).collect();
        let ids: Vec<&str> = advisories.iter().map(|at| index.advisory(*at).expect("one").id).collect();
        assert_eq!(ids, ["A", "GHSA-1"]);
        // Feeds speak for themselves, and the parts of an update stand in several documents.
        assert_eq!(statements(&index_of(&["osv", "csaf"], vec![(0, first.clone()), (1, second.clone())])), [2, 1]);
        assert_eq!(statements(&index_of(&["updateinfo"], vec![(0, first), (0, second)])), [2, 1]);
    }
    // What was withdrawn says nothing, and neither does what it said before.
    let gone = Record::Advisory(Box::new(Advisory {
        id: "GHSA-1".to_owned(),
        modified: at(LATE),
        withdrawn: at(LATE),
        ..Advisory::default()
    }));
    assert_eq!(statements(&index_of(&["osv"], vec![(0, advisory(EARLY, vec![fixed("a")])), (0, gone)])), [0, 0]);
}

#[test]
fn a_later_state_of_a_vulnerability_replaces_the_earlier_one() {
    let said = |modified: &str, vector: &str, is_rejected: bool| {
        let severities = vec![Severity { source: "x".to_owned(), value: vector.to_owned() }];
        let id = "CVE-2026-0001".to_owned();
        let (modified, rejected) = (at(modified), at(modified).filter(|_| is_rejected));
        Record::Vulnerability(Box::new(Vulnerability {
            id,
            modified,
            rejected,
            severities,
            ..Vulnerability::default()
        }))
    };
    let (high, low) = ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N");
    let read = |feeds: &[&str], records: Vec<(u8, Record)>| {
        let bytes = index_of(feeds, records);
        let index = Index::open(&bytes).expect("opens");
        let found = index.vulnerability(0).expect("one");
        (found.rejected.is_some(), found.severities.len())
    };
    let (old, new) = (said(EARLY, high, true), said(LATE, low, false));
    for records in [vec![(0, old.clone()), (0, new.clone())], vec![(0, new.clone()), (0, old.clone())]] {
        assert_eq!(read(&["nvd"], records), (false, 1));
    }
    // Of two feeds whichever changed last says whether it still stands; both scores stay.
    assert_eq!(read(&["cve", "nvd"], vec![(0, new.clone()), (1, old)]), (false, 2));
    assert_eq!(read(&["cve", "nvd"], vec![(0, new), (1, said("2026-03-01T00:00:00Z", high, true))]), (true, 2));
}

#[test]
fn documents_name_the_part_of_the_catalogue_that_they_are() {
    let part = |name: &str, text: &str| {
        let document = Document { name, bytes: text.as_bytes() };
        let feed = feeds::detect(&document).expect("recognised");
        let Revision::Whole(part) = feed.revision else { return format!("{}: by record", feed.id) };
        format!("{}: {}", feed.id, part(&document).unwrap_or("adds up".to_owned()))
    };
    for (name, text, expected) in [
        ("main.json", r#"{"distroversion":"v3.20","reponame":"main","packages":[]}"#, "alpine: v3.20/main"),
        (
            "main.json",
            r#"{"reponame" : "community", "distroversion":"v3.21","packages":[]}"#,
            "alpine: v3.21/community",
        ),
        ("list", "[01 Jan 2026] DSA-1-1 a - security update\n", "debian_lists: adds up"),
        ("x", "[01 Jan 2026] DLA-1-1 a - security update\n", "debian_lists: adds up"),
        ("list", "CVE-2026-0001 (x)\n\t- a 1\n", "debian_lists: CVE"),
        ("debian.csv", "version,codename,series,created\n", "distro_info: Debian"),
        ("x.csv", "version,codename,series,created,eol-server\n", "distro_info: Ubuntu"),
        ("security-support-ended.deb12", "", "debian_support: security-support-ended.deb12"),
        ("kev.json", r#"{"catalogVersion":"1","vulnerabilities":[]}"#, "kev: catalogue"),
        ("osv.json", r#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z"}"#, "osv: by record"),
    ] {
        assert_eq!(part(name, text), expected);
    }
}
