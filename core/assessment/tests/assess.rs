//! What an assessment makes of matches, pending updates and what is not known, on small indexes of our own making.
#![allow(clippy::expect_used, reason = "tests")]

use advisories::index::{Builder, FeedState, Index};
use advisories::vex::{Statement, Status};
use advisories::{Advisory, Affected, Record, Severity, Subject, Vulnerability};
use inventory::{Inventory, Offered, Package, PackageType, PendingUpdate, SourcePackage};
use jiff::Timestamp;
use plimsoll_assessment::{Assessment, Changelog, Input, Kind, assess};
use policy::{Asset, Policy};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// A case: what is installed and pending, and what is known of it.
struct Case {
    inventory: Inventory,
    records: Vec<Record>,
    feeds: Vec<FeedState>,
    policy: Policy,
    statements: Vec<Statement>,
    changelogs: Vec<Changelog>,
    fetched: Vec<(String, Timestamp)>,
}

impl Case {
    fn new(packages: Vec<Package>, records: Vec<Record>) -> Self {
        Self {
            inventory: Inventory { packages, ..Inventory::default() },
            records,
            feeds: vec![feed("debian_lists", Some("2026-11-20T00:00:00Z")), feed("kev", Some("2026-11-20T00:00:00Z"))],
            policy: policy::preset("baseline").expect("there").expect("reads"),
            statements: Vec::new(),
            changelogs: Vec::new(),
            fetched: Vec::new(),
        }
    }

    fn assess(self) -> Assessment {
        let mut builder = Builder::default();
        self.records.into_iter().for_each(|record| builder.add(Builder::prepare(record), 0));
        let bytes = builder.finish(&self.feeds).expect("an index");
        let index = Index::open(&bytes).expect("opens");
        assess(Input {
            inventory: &self.inventory,
            index: Some(&index),
            policy: &self.policy,
            asset: &Asset::default(),
            statements: &self.statements,
            changelogs: &self.changelogs,
            now: at("2026-11-22T00:00:00Z"),
            today: at("2026-11-22T00:00:00Z"),
            fetched: &self.fetched,
            has_catalogue: false,
        })
        .expect("assessed")
    }
}

fn feed(id: &str, newest: Option<&str>) -> FeedState {
    FeedState { feed: id.to_owned(), records: 1, newest: newest.map(at), ..FeedState::default() }
}

fn deb(name: &str, version: &str) -> Package {
    let mut package = Package::new(PackageType::Deb, "Debian:12", name.to_owned(), version.to_owned(), "status");
    package.source = Some(SourcePackage { name: name.into(), version: version.into() });
    package.offered = Offered::Marked;
    package
}

fn advisory(id: &str, resolves: &str, name: &str, fixed: &str) -> Record {
    Record::Advisory(Box::new(Advisory {
        id: id.to_owned(),
        resolves: vec![resolves.to_owned()],
        affected: vec![Affected::fixed_in("Debian:12", name, Subject::Source, fixed)],
        published: Some(at("2026-11-01T00:00:00Z")),
        ..Advisory::default()
    }))
}

fn update(name: &str, installed: &str, candidate: &str) -> PendingUpdate {
    PendingUpdate {
        name: name.into(),
        architecture: "".into(),
        installed: installed.into(),
        candidate: candidate.into(),
        source: SourcePackage { name: name.into(), version: candidate.into() },
        suite: "stable-security".to_owned(),
        is_security: true,
        holds_security_fix: true,
        advisories: Vec::new(),
        fixes: Vec::new(),
        published_at: None,
        is_held: false,
        size_bytes: 0,
    }
}

fn kinds(assessment: &Assessment) -> Vec<(Kind, &str)> {
    assessment.findings.iter().map(|finding| (finding.kind, finding.id.as_str())).collect()
}

/// A Python package explained Debian's update of the same name, and took over its version.
#[test]
fn a_language_package_explains_no_update_of_the_distribution() {
    let python = Package::language(PackageType::PyPi, "requests", "2.20.0", "uv.lock");
    let affected = Affected::fixed_in("PyPI", "requests", Subject::Source, "2.31.0");
    let record = Advisory {
        id: "GHSA-1".to_owned(),
        resolves: vec!["CVE-2026-0001".to_owned()],
        affected: vec![affected],
        published: Some(at("2026-11-01T00:00:00Z")),
        ..Advisory::default()
    };
    let mut case = Case::new(vec![python, deb("requests", "2.28-1")], vec![Record::Advisory(Box::new(record))]);
    case.inventory.pending = vec![update("requests", "2.28-1", "2.28-1+deb12u1")];
    let assessment = case.assess();
    assert!(kinds(&assessment).contains(&(Kind::SecurityUpdate, "UPDATE-requests-2.28-1+deb12u1")), "{assessment:?}");
    let targets: Vec<_> =
        assessment.patches.iter().filter_map(|patch| Some((patch.kind?, patch.target.as_deref()?))).collect();
    assert!(
        targets.contains(&(PackageType::PyPi, "2.31.0")) && targets.contains(&(PackageType::Deb, "2.28-1+deb12u1"))
    );
}

/// What somebody accepted is one vulnerability, and not whatever the next update brings.
#[test]
fn what_is_suppressed_explains_no_newer_update() {
    let with = |candidate: &str| {
        let mut case =
            Case::new(vec![deb("a", "1.0-1")], vec![advisory("DSA-1", "CVE-2026-0001", "a", "1.0-1+deb12u1")]);
        case.inventory.pending = vec![update("a", "1.0-1", candidate)];
        case.statements = vec![Statement {
            within: None,
            vulnerability: "CVE-2026-0001".to_owned(),
            products: vec!["*".to_owned()],
            status: Status::Accepted,
            justification: None,
            reason: "r".to_owned(),
            by: "file".to_owned(),
            at: None,
            until: None,
        }];
        case.assess().findings.len()
    };
    assert_eq!(with("1.0-1+deb12u2"), 1);
    assert_eq!(with("1.0-1+deb12u1"), 0);
}

/// A publisher's word on one package is none on another, and the strictest class of all counts.
#[test]
fn what_is_unimportant_in_one_package_is_not_so_in_another() {
    let mut mild = Affected::fixed_in("Debian:12", "aaa", Subject::Source, "2.0-1");
    mild.urgency = Some("unimportant".to_owned());
    let of = |affected: Affected, id: &str| {
        Record::Advisory(Box::new(Advisory {
            id: id.to_owned(),
            resolves: vec!["CVE-2026-0100".to_owned()],
            affected: vec![affected],
            published: Some(at("2026-11-01T00:00:00Z")),
            ..Advisory::default()
        }))
    };
    let vulnerability = Record::Vulnerability(Box::new(Vulnerability {
        id: "CVE-2026-0100".to_owned(),
        severities: vec![Severity {
            source: "nvd".to_owned(),
            value: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned(),
        }],
        ..Vulnerability::default()
    }));
    let records = vec![
        of(mild, "DSA-1"),
        of(Affected::fixed_in("Debian:12", "bbb", Subject::Source, "2.0-1"), "DSA-2"),
        vulnerability,
    ];
    let assessment = Case::new(vec![deb("aaa", "1.0-1"), deb("bbb", "1.0-1")], records).assess();
    let finding = &assessment.findings[0];
    assert_eq!((finding.deadline.class.as_str(), finding.carriers.len()), ("critical", 2));
    assert!(finding.carriers[0].due > finding.carriers[1].due, "{finding:?}");
}

/// A patch that is said to come next summer can be installed today: its date is wrong, and says nothing.
#[test]
fn a_patch_of_the_future_has_no_date() {
    let Record::Advisory(mut late) = advisory("DSA-1", "CVE-2026-0001", "a", "2.0-1") else { return };
    late.published = Some(at("2027-07-01T00:00:00Z"));
    let assessment = Case::new(vec![deb("a", "1.0-1")], vec![Record::Advisory(late)]).assess();
    assert_eq!(assessment.coverage.undated, 1, "{:?}", assessment.findings);
}

#[test]
fn feeds_that_do_not_date_themselves_are_as_old_as_their_fetch() {
    let gaps = |fetched: &[(&str, &str)], newest: Option<&str>| {
        let mut case = Case::new(vec![deb("a", "1.0-1")], vec![advisory("DSA-1", "CVE-2026-0001", "b", "2")]);
        case.feeds = vec![feed("debian_tracker", newest), feed("kev", Some("2026-11-20T00:00:00Z"))];
        case.fetched = fetched.iter().map(|(id, day)| ((*id).to_owned(), at(day))).collect();
        case.assess().coverage.gaps().join("; ")
    };
    assert_eq!(gaps(&[("debian_tracker", "2026-11-20T00:00:00Z")], None), "");
    assert!(gaps(&[("debian_tracker", "2026-10-01T00:00:00Z")], None).contains("stale"));
    assert!(gaps(&[], None).contains("age of the feed debian_tracker is not known"));
    assert!(gaps(&[], Some("2027-08-01T00:00:00Z")).contains("how old the rest is cannot be said"));
}

/// What only a changelog names is accepted, rejected and named like everything else; so it is without any index.
#[test]
fn statements_hold_for_what_changelogs_name() {
    let accepted = |id: &str| Statement {
        within: None,
        vulnerability: id.to_owned(),
        products: vec!["*".to_owned()],
        status: Status::Accepted,
        justification: None,
        reason: "r".to_owned(),
        by: "file".to_owned(),
        at: None,
        until: None,
    };
    let rejected = Record::Vulnerability(Box::new(Vulnerability {
        id: "CVE-2026-0051".to_owned(),
        rejected: Some(at("2026-11-01T00:00:00Z")),
        ..Vulnerability::default()
    }));
    let mut case = Case::new(vec![deb("a", "1.0-1")], vec![rejected]);
    case.inventory.pending = vec![update("a", "1.0-1", "1.0-2")];
    case.statements = vec![accepted("CVE-2026-0050"), accepted("CVE-1999-9999")];
    let named =
        ["CVE-2026-0050", "CVE-2026-0051", "CVE-2026-0052"].map(|id| (id.to_owned(), Some(at("2026-11-01T00:00:00Z"))));
    case.changelogs = vec![Changelog {
        source: "a".to_owned(),
        version: "1.0-2".to_owned(),
        at: None,
        vulnerabilities: named.to_vec(),
    }];
    let assessment = case.assess();
    let suppressed: Vec<&str> = assessment.suppressed.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(suppressed, ["CVE-2026-0051", "CVE-2026-0050"]);
    assert_eq!(kinds(&assessment), [(Kind::Vulnerability, "CVE-2026-0052")]);
    assert_eq!(assessment.coverage.idle_statements, ["file: CVE-1999-9999"]);
}
