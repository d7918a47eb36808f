//! What statements come to, one rule a test, on small indexes of our own making.
#![allow(clippy::expect_used, reason = "tests")]

use advisories::index::{Builder, FeedState, Index};
use advisories::vex::{Statement, Status};
use advisories::{Advisory, Affected, Event, FixState, Range, RangeKind, Record, Subject, Vulnerability};
use inventory::{HostFacts, Inventory, Os, Package, PackageType, SourcePackage};
use jiff::Timestamp;
use plimsoll_matching::{Fix, Match, Statements, Verdict, end_of_life, find};

fn index(records: Vec<Record>) -> Vec<u8> {
    let mut builder = Builder::default();
    records.into_iter().for_each(|record| builder.add(Builder::prepare(record), 0));
    builder.finish(&[FeedState::default()]).expect("an index")
}

fn advisory(id: &str, resolves: &[&str], affected: Vec<Affected>) -> Record {
    Record::Advisory(Box::new(Advisory {
        id: id.to_owned(),
        resolves: resolves.iter().map(|text| (*text).to_owned()).collect(),
        affected,
        ..Advisory::default()
    }))
}

fn deb(name: &str, version: &str, source: &str) -> Package {
    let mut package = Package::new(PackageType::Deb, "Debian:12", name.to_owned(), version.to_owned(), "status");
    package.source = Some(SourcePackage { name: source.into(), version: version.into() });
    package
}

fn matches(packages: Vec<Package>, records: Vec<Record>) -> Vec<(String, Verdict, Fix)> {
    let bytes = index(records);
    let index = Index::open(&bytes).expect("opens");
    let inventory = Inventory { packages, ..Inventory::default() };
    let found = find(&inventory, &index).expect("matches").matches;
    found
        .iter()
        .map(|found| {
            (
                index.vulnerability(found.vulnerability).expect("there").id.to_owned(),
                found.verdict.clone(),
                found.fix.clone(),
            )
        })
        .collect()
}

fn fixed(ecosystem: &str, name: &str, version: &str) -> Affected {
    Affected::fixed_in(ecosystem, name, Subject::Source, version)
}

#[test]
fn a_backported_fix_is_a_fix() {
    let records = || vec![advisory("DSA-1", &["CVE-1-1"], vec![fixed("Debian:12", "curl", "7.88-10+deb12u5")])];
    assert!(matches(vec![deb("libcurl4", "7.88-10+deb12u5", "curl")], records()).is_empty());
    let found = matches(vec![deb("libcurl4", "7.88-10+deb12u4", "curl")], records());
    assert_eq!(found, [("CVE-1-1".to_owned(), Verdict::Affected, Fix::Available("7.88-10+deb12u5".into()))]);
}

#[test]
fn a_source_statement_says_nothing_about_a_binary_of_that_name() {
    let records = vec![advisory("DSA-1", &["CVE-1-1"], vec![fixed("Debian:12", "tool", "2")])];
    assert!(matches(vec![deb("tool", "1", "other-source")], records).is_empty());
}

#[test]
fn what_is_said_about_the_release_outranks_what_is_said_about_all() {
    let general = advisory(
        "DEBIAN-CVE-1-1",
        &["CVE-1-1"],
        vec![
            fixed("Debian", "curl", "8.0-1"),
            Affected::with_state("Debian:12", "curl", Subject::Source, FixState::NotAffected),
        ],
    );
    assert!(matches(vec![deb("curl", "7.88-1", "curl")], vec![general.clone()]).is_empty());
    let mut elsewhere = deb("curl", "7.88-1", "curl");
    elsewhere.ecosystem = "Debian:13".into();
    assert_eq!(matches(vec![elsewhere], vec![general]).len(), 1);
}

#[test]
fn open_holds_only_while_no_fixed_version_is_published() {
    let open = advisory(
        "TRACKER",
        &["CVE-1-1"],
        vec![Affected::with_state("Debian:12", "curl", Subject::Source, FixState::NotFixedYet)],
    );
    let fix = advisory("DSA-1", &["CVE-1-1"], vec![fixed("Debian:12", "curl", "2")]);
    assert_eq!(matches(vec![deb("curl", "1", "curl")], vec![open.clone()])[0].2, Fix::NotYet);
    assert_eq!(
        matches(vec![deb("curl", "1", "curl")], vec![open.clone(), fix.clone()])[0].2,
        Fix::Available("2".into())
    );
    assert!(matches(vec![deb("curl", "2", "curl")], vec![open, fix]).is_empty());
}

#[test]
fn a_regression_update_raises_the_version_to_reach() {
    let records = vec![
        advisory("DSA-1-1", &["CVE-1-1"], vec![fixed("Debian:12", "a", "2")]),
        advisory("DSA-1-2", &["CVE-1-1"], vec![fixed("Debian:12", "a", "3")]),
    ];
    assert_eq!(matches(vec![deb("a", "1", "a")], records)[0].2, Fix::Available("3".into()));
}

#[test]
fn packages_of_others_and_unreadable_versions_are_undetermined() {
    let bytes = index(vec![advisory("DSA-1", &["CVE-1-1"], vec![fixed("Debian:12", "nodejs", "18")])]);
    let index = Index::open(&bytes).expect("opens");
    let mut unknown_release = deb("x", "1", "x");
    unknown_release.ecosystem = "Debian:99".into();
    let mut elsewhere = deb("y", "1", "y");
    elsewhere.ecosystem = "Alpine:v3.20".into();
    let packages = vec![
        deb("nodejs", "22.1-1nodesource1", "nodejs"),
        deb("a", "", "a"),
        deb("b", "1 2", "b"),
        elsewhere,
        unknown_release,
    ];
    let inventory = Inventory { packages, ..Inventory::default() };
    let matching = find(&inventory, &index).expect("matches");
    let whys: Vec<&str> = matching.undetermined.iter().map(|entry| entry.why.as_str()).collect();
    assert_eq!(whys.len() + matching.judged, 5);
    assert!(
        whys[0].contains("NodeSource")
            && whys[1].contains("not known")
            && whys[2].contains("white space")
            && whys[3].contains("no feed"),
        "{whys:?}"
    );
}

#[test]
fn module_streams_are_kept_apart() {
    let mut affected = Affected::fixed_in("AlmaLinux:8", "nodejs", Subject::Binary, "1:18.20-1.module_el8.9");
    affected.module = Some("nodejs:18".to_owned());
    let records = || vec![advisory("ALSA-1", &["CVE-1-1"], vec![affected.clone()])];
    let rpm = |module: Option<&str>| {
        let mut package = Package::new(
            PackageType::Rpm,
            "AlmaLinux:8",
            "nodejs".to_owned(),
            "1:16.1-1.module_el8.5".to_owned(),
            "db",
        );
        package.module = module.map(Into::into);
        package
    };
    assert!(matches(vec![rpm(Some("nodejs:16"))], records()).is_empty());
    assert_eq!(matches(vec![rpm(Some("nodejs:18"))], records())[0].1, Verdict::Affected);
    assert!(matches!(matches(vec![rpm(None)], records())[0].1, Verdict::Undetermined { .. }));
}

#[test]
fn rejected_vulnerabilities_are_suppressed_and_shown() {
    let rejected = Record::Vulnerability(Box::new(Vulnerability {
        id: "CVE-2026-0001".to_owned(),
        rejected: Some(Timestamp::UNIX_EPOCH),
        ..Vulnerability::default()
    }));
    let found = matches(
        vec![deb("a", "1", "a")],
        vec![advisory("DSA-1", &["CVE-2026-0001"], vec![fixed("Debian:12", "a", "2")]), rejected],
    );
    assert!(matches!(found[0].1, Verdict::Suppressed(_)));
}

#[test]
fn languages_meet_by_every_alias_and_spelling() {
    let record = |id: &str, alias: &str, upper: &str| {
        let events = vec![Event::Introduced("0".to_owned()), Event::Fixed(upper.to_owned())];
        let affected = Affected {
            ecosystem: "PyPI".to_owned(),
            name: "Ruamel_Yaml".to_owned(),
            ranges: vec![Range { kind: RangeKind::Ecosystem, events }],
            ..Affected::default()
        };
        Record::Advisory(Box::new(Advisory {
            id: id.to_owned(),
            aliases: vec![alias.to_owned()],
            affected: vec![affected],
            ..Advisory::default()
        }))
    };
    let package = Package::language(PackageType::PyPi, "ruamel.yaml", "1.0", "lock");
    let found =
        matches(vec![package], vec![record("PYSEC-1", "GHSA-1", "1.5"), record("GHSA-1", "CVE-2026-0002", "1.6")]);
    assert_eq!(found, [("CVE-2026-0002".to_owned(), Verdict::Affected, Fix::Available("1.6".into()))]);
}

fn host_with_kernels(running: &str) -> Inventory {
    let packages = vec![
        deb("linux-image-6.1.0-18-amd64", "6.1.76-1", "linux"),
        deb("linux-image-6.1.0-22-amd64", "6.1.94-1", "linux"),
    ];
    let host = HostFacts {
        running_kernel: Some(running.to_owned()),
        newest_kernel: Some("6.1.0-22-amd64".to_owned()),
        running_kernel_version: Some("6.1".to_owned()),
        ..HostFacts::default()
    };
    Inventory { packages, host: Some(host), ..Inventory::default() }
}

#[test]
fn a_fixed_kernel_on_disk_is_restart_pending_and_an_idle_one_is_marked() {
    let bytes = index(vec![advisory("DSA-1", &["CVE-1-1"], vec![fixed("Debian:12", "linux", "6.1.90-1")])]);
    let index = Index::open(&bytes).expect("opens");
    let found: Vec<Match> = find(&host_with_kernels("6.1.0-18-amd64"), &index).expect("matches").matches;
    assert!(
        matches!(&found[0].verdict, Verdict::RestartPending { what } if what.contains("6.1.0-22-amd64")),
        "{found:?}"
    );
    let found = find(&host_with_kernels("6.1.0-22-amd64"), &index).expect("matches").matches;
    assert!(found.len() == 1 && found[0].is_idle_kernel && matches!(found[0].verdict, Verdict::Suppressed(_)));
}

/// The new version is on disk, and a process runs the old one: its vulnerabilities are restart pending.
#[test]
fn what_was_replaced_on_disk_and_still_runs_is_restart_pending() {
    let records = || vec![advisory("DSA-1", &["CVE-1-1"], vec![fixed("Debian:12", "openssl", "3.0.11-1")])];
    let mut old = deb("libssl3", "3.0.9-1", "openssl");
    old.still_runs = Some("restart ssh.service".into());
    let found = matches(vec![deb("libssl3", "3.0.11-1", "openssl"), old.clone()], records());
    let pending = Verdict::RestartPending { what: "restart ssh.service".to_owned() };
    assert_eq!(found, [("CVE-1-1".to_owned(), pending, Fix::Available("3.0.11-1".into()))]);
    // Where what is on disk is affected too, there is something to install first.
    let found = matches(vec![deb("libssl3", "3.0.10-1", "openssl"), old], records());
    assert!(found.len() == 1 && found[0].1 == Verdict::Affected, "{found:?}");
}

#[test]
fn statements_suppress_until_they_expire_and_idle_ones_are_named() {
    let bytes = index(vec![advisory("DSA-1", &["CVE-2026-0001"], vec![fixed("Debian:12", "a", "2")])]);
    let index = Index::open(&bytes).expect("opens");
    let inventory = Inventory { packages: vec![deb("a", "1", "a")], ..Inventory::default() };
    let now: Timestamp = "2026-11-23T00:00:00Z".parse().expect("an instant");
    let statement = |id: &str, until: &str| Statement {
        within: None,
        vulnerability: id.to_owned(),
        products: vec!["pkg:deb/debian/a".to_owned()],
        status: Status::Accepted,
        justification: None,
        reason: "r".to_owned(),
        by: "file".to_owned(),
        at: None,
        until: Some(until.parse().expect("an instant")),
    };
    for (until, is_suppressed) in [("2026-12-01T00:00:00Z", true), ("2026-11-01T00:00:00Z", false)] {
        let mut found = find(&inventory, &index).expect("matches").matches;
        let both = [statement("cve-2026-0001", until), statement("CVE-2026-9999", until)];
        let mut statements = Statements::new(&both, &inventory, now);
        statements.apply(&mut found, &index).expect("applied");
        let idle: Vec<&str> = statements.idle().iter().map(|idle| idle.vulnerability.as_str()).collect();
        assert_eq!(matches!(found[0].verdict, Verdict::Suppressed(_)), is_suppressed);
        // What is over has no effect either, and is named as well.
        assert_eq!(idle, if is_suppressed { vec!["CVE-2026-9999"] } else { vec!["cve-2026-0001", "CVE-2026-9999"] });
    }
}

#[test]
fn the_end_of_a_release_is_found_and_an_unknown_release_is_said() {
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let of = |id: &str, version: &str| Inventory {
        os: Some(Os { id: id.to_owned(), version: version.to_owned(), ..Os::default() }),
        ..Inventory::default()
    };
    let (found, unknown) = end_of_life(&of("debian", "10"), None, at("2026-11-23T00:00:00Z"));
    assert!(found.len() == 1 && found[0].remark.contains("2029") && unknown.is_none());
    assert!(end_of_life(&of("debian", "12"), None, at("2026-11-23T00:00:00Z")).0.is_empty());
    assert!(end_of_life(&of("linuxmint", "22"), None, at("2026-11-23T00:00:00Z")).1.is_some());
}

/// A large inventory is judged in parts; each package must get the answer that it gets alone.
#[test]
fn parts_give_what_the_whole_gives() {
    let bytes = index(vec![advisory(
        "DSA-1",
        &["CVE-2026-0001"],
        vec![Affected::fixed_in("Debian:12", "example", Subject::Source, "1.5")],
    )]);
    let index = Index::open(&bytes).expect("opens");
    let packages: Vec<Package> = (0..5000)
        .map(|number| {
            let version = format!("1.{}", number % 10);
            let mut package = Package::new(PackageType::Deb, "Debian:12", "example".to_owned(), version, "x");
            package.architecture = format!("a{number}").into();
            package.source = Some(SourcePackage { name: "example".into(), version: package.version.clone() });
            package
        })
        .collect();
    let inventory = Inventory { packages, ..Inventory::default() };
    let whole = find(&inventory, &index).expect("matches");
    let affected: Vec<usize> = whole.matches.iter().map(|found| found.package).collect();
    let expected: Vec<usize> = (0..5000).filter(|number| number % 10 < 5).collect();
    assert_eq!(affected, expected);
    assert_eq!(whole.judged, 5000);
}

/// A host with a version from backports has the fix that its release will never get.
#[test]
fn a_version_after_the_development_releases_fix_has_the_fix() {
    let open = Affected { state: FixState::WontFix, ranges: Vec::new(), ..fixed("Debian:12", "example", "0") };
    for general in ["Debian", "Debian:unstable"] {
        let records = || {
            vec![
                advisory("CVE-1-1", &["CVE-1-1"], vec![open.clone()]),
                advisory("CVE-1-1-sid", &["CVE-1-1"], vec![fixed(general, "example", "2.0-1")]),
            ]
        };
        assert_eq!(matches(vec![deb("example", "1.0-1", "example")], records()).len(), 1, "{general}");
        assert!(matches(vec![deb("example", "2.0-1~bpo12+1", "example")], records()).len() == 1, "{general}");
        assert!(matches(vec![deb("example", "2.0-1", "example")], records()).is_empty(), "{general}");
        assert!(matches(vec![deb("example", "2.1-1~bpo12+1", "example")], records()).is_empty(), "{general}");
    }
}

#[test]
fn what_ubuntu_pro_has_mended_is_judged_by_its_own_data() {
    let records = || {
        let open = Affected { state: FixState::NotFixedYet, ..fixed("Ubuntu:22.04:LTS", "example", "9") };
        let open = Affected { ranges: Vec::new(), ..open };
        vec![advisory(
            "UBUNTU-CVE-1-1",
            &["CVE-1-1"],
            vec![open, fixed("Ubuntu:Pro:22.04:LTS", "example", "1.0-1ubuntu0.1~esm2")],
        )]
    };
    let package = |version: &str| {
        let mut package = deb("example", version, "example");
        package.ecosystem = "Ubuntu:22.04:LTS".into();
        package
    };
    assert_eq!(matches(vec![package("1.0-1")], records())[0].2, Fix::NotYet);
    assert_eq!(
        matches(vec![package("1.0-1ubuntu0.1~esm1")], records())[0].2,
        Fix::Available("1.0-1ubuntu0.1~esm2".into())
    );
    assert!(matches(vec![package("1.0-1ubuntu0.1~esm2")], records()).is_empty());
}

/// A statement counts for what it names, and for nothing near it.
#[test]
fn statements_on_something_else_suppress_nothing() {
    let bytes = index(vec![advisory("DSA-1", &["CVE-2026-0001"], vec![fixed("Debian:12", "example", "1.5-1")])]);
    let index = Index::open(&bytes).expect("opens");
    let mut package = deb("example", "1.0-1", "example");
    package.architecture = "amd64".into();
    let described = vec!["pkg:oci/app@sha256:1?arch=amd64".to_owned()];
    let inventory = Inventory { packages: vec![package], described, ..Inventory::default() };
    let instant = |text: &str| -> Option<Timestamp> { Some(text.parse().expect("an instant")) };
    let now = instant("2026-11-23T00:00:00Z").expect("now");
    let said = |status: Status, product: &str, at: &str| Statement {
        within: None,
        vulnerability: "CVE-2026-0001".to_owned(),
        products: vec![product.to_owned()],
        status,
        justification: None,
        reason: String::new(),
        by: "file".to_owned(),
        at: instant(at),
        until: None,
    };
    let is_suppressed = |statements: &[Statement]| {
        let mut found = find(&inventory, &index).expect("matches").matches;
        Statements::new(statements, &inventory, now).apply(&mut found, &index).expect("applied");
        matches!(found[0].verdict, Verdict::Suppressed(_))
    };
    let (no, day) = (Status::NotAffected, "2026-01-01T00:00:00Z");
    for product in [
        "pkg:deb/debian/example",
        "pkg:deb/example@1.0-1",
        "pkg:deb/debian/example@1.0-1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/example?arch=source&distro=bookworm",
    ] {
        assert!(is_suppressed(&[said(no, product, day)]), "{product}");
    }
    for product in [
        "*",
        "example",
        "pkg:deb/debian/example?distro=debian-11",
        "pkg:deb/ubuntu/example",
        "pkg:deb/example",
        "pkg:deb/debian/example@1.0-2",
        "pkg:deb/debian/example?arch=arm64",
        "pkg:deb/debian/example?repository_url=elsewhere",
        "pkg:deb/debian/example#part",
        "pkg:rpm/debian/example",
    ] {
        assert!(!is_suppressed(&[said(no, product, day)]), "{product}");
    }
    let within = |image: &str| Statement { within: Some(image.to_owned()), ..said(no, "pkg:deb/debian/example", day) };
    assert!(is_suppressed(&[within("pkg:oci/app")]), "a part of the image that the document describes");
    assert!(!is_suppressed(&[within("pkg:oci/other")]), "a part of another image");
    assert!(!is_suppressed(&[within("pkg:oci/app@sha256:2")]), "a part of another build of the image");
    assert!(is_suppressed(&[said(Status::Accepted, "*", day)]), "an ignore file may mean everything");
    let purl = "pkg:deb/debian/example";
    assert!(!is_suppressed(&[said(Status::Fixed, purl, day)]), "fixed is said of a version");
    assert!(!is_suppressed(&[said(no, purl, "2027-01-01T00:00:00Z")]), "not said yet");
    for both in [[Status::Affected, no], [no, Status::Affected]] {
        assert!(!is_suppressed(&both.map(|status| said(status, purl, day))), "two at once: the cautious one stands");
    }
    assert!(is_suppressed(&[said(Status::Affected, purl, day), said(no, purl, "2026-02-01T00:00:00Z")]));
}

/// Where SUSE publishes for a module, the hosts of that service pack are meant.
#[test]
fn modules_of_suse_speak_of_hosts_of_their_service_pack() {
    let package = |version: &str| {
        Package::new(PackageType::Rpm, "SUSE:Linux Enterprise Server 15 SP5", "tiny", version.to_owned(), "rpmdb")
    };
    let records = || {
        let of = |module: &str, version: &str| Affected::fixed_in(module, "tiny", Subject::Either, version);
        let module = of("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "1.5-150500.3.1");
        let other = of("SUSE:Linux Enterprise Module for Basesystem 15 SP6", "1.9-150600.1.1");
        vec![advisory("SUSE-SU-1", &["CVE-1-1"], vec![module]), advisory("SUSE-SU-2", &["CVE-1-2"], vec![other])]
    };
    let found = matches(vec![package("1.4-150500.1.1")], records());
    assert_eq!(found, [("CVE-1-1".to_owned(), Verdict::Affected, Fix::Available("1.5-150500.3.1".into()))]);
    assert!(matches(vec![package("1.5-150500.3.1")], records()).is_empty());
}

/// Two crates that may not know each other name the releases: they must not drift apart.
#[test]
fn code_names_mean_the_same_release_everywhere() {
    for (name, ecosystem) in advisories::lifecycle::codenames().filter(|(name, _)| *name != "experimental") {
        let named = Os::named(name).and_then(|os| os.ecosystem());
        // OSV and the trackers name old releases of Debian by their first number.
        let known = if ecosystem.starts_with("Debian:") {
            ecosystem.split('.').next().map(str::to_owned)
        } else {
            Some(ecosystem)
        };
        assert_eq!(named, known, "{name}");
    }
}

#[test]
fn a_host_may_know_the_end_of_its_own_release() {
    let os = Os { id: "ubuntu".to_owned(), version: "12.04".to_owned(), ..Os::default() };
    let table = b"version,codename,series,created,release,eol,eol-server,eol-esm\n12.04 LTS,Precise Pangolin,precise,2011-10-13,2012-04-26,2017-04-28,2017-04-28,2019-04-26\n";
    let mut inventory = Inventory { os: Some(os), ..Inventory::default() };
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().expect("an instant");
    assert!(end_of_life(&inventory, None, now).1.is_some());
    inventory.release_table = Some(table.to_vec());
    assert_eq!(end_of_life(&inventory, None, now).0[0].subject, "Ubuntu:12.04:LTS");
}
