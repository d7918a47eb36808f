//! Right answers on the reference data: real hosts, real advisories, real answers of other programs.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

use advisories::index::Index;
use feeds::{Silent, Store, compile, import};
use inventory::readers::{self, Document};
use inventory::{Directory, Inventory, Os};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;
use testkit::reference;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-reference-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn now() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().expect("an instant")
}

/// The index of all feeds of the reference data, compiled once.
fn index_bytes() -> Option<&'static [u8]> {
    static INDEX: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    INDEX
        .get_or_init(|| {
            let names = ["debian", "osv", "kev", "epss", "cve", "lifecycle"];
            let paths: Vec<PathBuf> = names.iter().filter_map(|name| reference::path(name)).collect();
            if paths.len() < names.len() {
                return None;
            }
            let folder = folder("index");
            let store = Store::new(&folder);
            import(&store, &paths, None, now()).expect("the feeds are imported");
            let compiled = compile(&store, &Silent).expect("the index is compiled");
            let again = compile(&store, &Silent).expect("the index is compiled again");
            assert!(compiled.bytes == again.bytes, "the same documents gave another index");
            for (feed, problem) in &compiled.problems {
                println!("{feed} {} {}: {}", problem.code, problem.place, problem.what);
            }
            std::fs::remove_dir_all(&folder).expect("removed");
            Some(compiled.bytes)
        })
        .as_deref()
}

/// The fixture host's packages, from its dpkg status.
fn host() -> Option<Inventory> {
    let os = Os::parse(&reference::bytes("debian/host-bookworm/os-release")?);
    let mut inventory = Inventory { os: Some(os), ..Inventory::default() };
    let status = reference::bytes("debian/host-bookworm/dpkg-status.zst")?;
    assert!(readers::read_database_file(&Document { name: "status", bytes: &status }, &[], &mut inventory));
    assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
    Some(inventory)
}

#[test]
fn the_hosts_packages_are_those_dpkg_names() {
    let (Some(inventory), Some(table)) = (host(), reference::text("debian/host-bookworm/dpkg-query.tsv")) else {
        return;
    };
    let found: BTreeSet<String> = inventory
        .packages
        .iter()
        .map(|package| {
            let source = package.source.as_ref().expect("every dpkg package has a source");
            [&package.name, &package.version, &package.architecture, &source.name, &source.version]
                .map(|text| text.as_str())
                .join("\t")
        })
        .collect();
    let expected: BTreeSet<String> =
        table.lines().skip(1).map(|line| line.rsplit_once('\t').expect("a status").0.to_owned()).collect();
    assert_eq!(found.len(), 709);
    assert_eq!(found, expected);
}

#[test]
fn pending_updates_are_exactly_apts_own() {
    let Some(status) = reference::bytes("debian/host-bookworm/dpkg-status.zst") else { return };
    let (Some(security), Some(updates), Some(main), Some(headers), Some(expected)) = (
        reference::bytes("debian/Packages-bookworm-security-main-amd64-2026-11-21.zst"),
        reference::bytes("debian/Packages-bookworm-updates-main-amd64-2026-11-21.zst"),
        reference::text("debian/package-versions-bookworm-main-amd64-2026-07-11.tsv.zst"),
        reference::text("debian/Release-headers-2026-11-21.txt"),
        reference::text("debian/host-bookworm/expected-upgradable.tsv"),
    ) else {
        return;
    };
    let root = folder("apt");
    let lists = root.join("var/lib/apt/lists");
    std::fs::create_dir_all(&lists).expect("a folder");
    std::fs::create_dir_all(root.join("var/lib/dpkg")).expect("a folder");
    std::fs::write(root.join("var/lib/dpkg/status"), status).expect("written");
    let main: String = main
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            format!(
                "Package: {}\nVersion: {}\nArchitecture: {}\nSource: {} ({})\n\n",
                cells[0], cells[1], cells[2], cells[3], cells[4]
            )
        })
        .collect();
    let releases: Vec<&str> = headers.split("\n\n").collect();
    for (suite, packages, release) in [
        ("bookworm", main.as_bytes(), releases[0]),
        ("bookworm-security", &security, releases[1]),
        ("bookworm-updates", &updates, releases[2]),
    ] {
        let base = format!("archive.example_debian_dists_{suite}");
        std::fs::write(lists.join(format!("{base}_main_binary-amd64_Packages")), packages).expect("written");
        std::fs::write(lists.join(format!("{base}_InRelease")), release).expect("written");
    }
    let directory = Directory::new(std::fs::File::open(&root).expect("opens").into());
    let mut inventory = Inventory::default();
    readers::read_databases(&directory, &mut inventory);
    inventory::pending::collect(&directory, &mut inventory);
    let found: BTreeSet<String> = inventory
        .pending
        .iter()
        .map(|update| {
            [&update.name, &update.architecture, &update.installed, &update.candidate]
                .map(|text| text.as_str())
                .join("\t")
                + if update.is_security { "\tyes" } else { "\tno" }
        })
        .collect();
    let expected: BTreeSet<String> = expected
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            format!("{}\t{}\t{}\t{}\t{}", cells[0], cells[1], cells[2], cells[3], cells[5])
        })
        .collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    println!(
        "{} pending updates, {} of them security",
        found.len(),
        found.iter().filter(|row| row.ends_with("yes")).count()
    );
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}, extra {extra:#?}");
    std::fs::remove_dir_all(&root).expect("removed");
}

/// What dpkg says of two versions.
fn dpkg_says_less(a: &str, b: &str) -> bool {
    let status = std::process::Command::new("dpkg").args(["--compare-versions", a, "lt", b]).status();
    status.expect("dpkg runs").success()
}

/// Advisory ids and source packages that match the host.
fn matched_advisories(inventory: &Inventory, index: &Index<'_>) -> BTreeSet<(String, String)> {
    let matching = matching::find(inventory, index).expect("matches");
    let mut found = BTreeSet::new();
    for reason in matching.matches.iter().flat_map(|found| &found.reasons) {
        let advisory = index.advisory(reason.advisory).expect("there");
        found.insert((advisory.id.to_owned(), reason.name.to_string()));
    }
    found
}

#[test]
fn advisories_match_exactly_as_dpkg_compares() {
    let (Some(inventory), Some(bytes), Some(table)) =
        (host(), index_bytes(), reference::text("debian/advisories-DSA-DLA.tsv.zst"))
    else {
        return;
    };
    let index = Index::open(bytes).expect("opens");
    let sources: BTreeSet<(String, String)> = inventory
        .packages
        .iter()
        .filter_map(|package| package.source.as_ref())
        .map(|source| (source.name.to_string(), source.version.to_string()))
        .collect();
    let mut expected = BTreeSet::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [advisory, _, "bookworm", name, fixed, ..] = cells[..] else { continue };
        if sources.iter().any(|(source, version)| source == name && dpkg_says_less(version, fixed)) {
            expected.insert((advisory.to_owned(), name.to_owned()));
        }
    }
    let found = matched_advisories(&inventory, &index);
    println!("{} advisories match the host", found.len());
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}, extra {extra:#?}");
    assert!(found.len() > 20);
}

/// The advisories in the form that debsecan reads: names, then a package, its vulnerability and fixed version a line.
fn debsecan_feed(table: &str) -> Vec<u8> {
    let mut fixed: std::collections::BTreeMap<(String, String), String> = std::collections::BTreeMap::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, _, "bookworm", name, version, cves] = cells[..] else { continue };
        for cve in cves.split(' ').filter(|cve| cve.starts_with("CVE-")) {
            let known = fixed.entry((name.to_owned(), cve.to_owned())).or_insert_with(|| version.to_owned());
            if dpkg_says_less(known, version) {
                version.clone_into(known);
            }
        }
    }
    let names: Vec<&String> = fixed.keys().map(|(_, cve)| cve).collect();
    let head: String = names.iter().map(|cve| format!("{cve},,x\n")).collect();
    let body: String =
        fixed.iter().enumerate().map(|(at, ((name, _), version))| format!("{name},{at},S  F,{version},\n")).collect();
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, format!("VERSION 1\n{head}\n{body}\n\n").as_bytes()).expect("written");
    encoder.finish().expect("finished")
}

#[test]
fn debsecan_agrees_on_the_host() {
    let (Some(inventory), Some(bytes), Some(table)) =
        (host(), index_bytes(), reference::text("debian/advisories-DSA-DLA.tsv.zst"))
    else {
        return;
    };
    let folder = folder("debsecan");
    std::fs::write(folder.join("bookworm"), debsecan_feed(&table)).expect("written");
    std::fs::write(folder.join("status"), reference::bytes("debian/host-bookworm/dpkg-status.zst").expect("there"))
        .expect("written");
    let output = std::process::Command::new("debsecan")
        .args(["--format", "simple", "--suite", "bookworm"])
        .arg(format!("--source=file://{}/", folder.display()))
        .arg(format!("--status={}", folder.join("status").display()))
        .output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: debsecan is not on this machine");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(cve, package)| (cve.to_owned(), package.to_owned()))
        .collect();
    assert!(expected.len() > 100, "{}", String::from_utf8_lossy(&output.stderr));
    let index = Index::open(bytes).expect("opens");
    let matching = matching::find(&inventory, &index).expect("matches");
    let id = |number| index.vulnerability(number).expect("there").id.to_owned();
    let found: BTreeSet<(String, String)> = matching
        .matches
        .iter()
        .map(|found| (id(found.vulnerability), inventory.packages[found.package].name.to_string()))
        .collect();
    // What others built is undetermined here; debsecan compares it with Debian's versions all the same.
    let foreign: BTreeSet<&str> =
        matching.undetermined.iter().map(|entry| inventory.packages[entry.package].name.as_str()).collect();
    let missing: Vec<_> =
        expected.difference(&found).filter(|(_, package)| !foreign.contains(package.as_str())).collect();
    let extra: Vec<_> = found.difference(&expected).filter(|(cve, _)| cve.starts_with("CVE-")).collect();
    println!("debsecan names {} pairs of vulnerability and package, Plimsoll {}", expected.len(), found.len());
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}, extra {extra:?}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn other_generators_documents_give_the_same_findings() {
    let (Some(inventory), Some(bytes)) = (host(), index_bytes()) else { return };
    let index = Index::open(bytes).expect("opens");
    let key = |inventory: &Inventory| -> BTreeSet<(u32, String)> {
        let matching = matching::find(inventory, &index).expect("matches");
        matching
            .matches
            .iter()
            .map(|found| (found.vulnerability, inventory.packages[found.package].name.to_string()))
            .collect()
    };
    let expected = key(&inventory);
    assert!(expected.len() > 100, "{}", expected.len());
    for name in ["syft-1.18.1.cdx", "syft-1.18.1.spdx", "trivy-0.76.cdx", "trivy-0.76.spdx"] {
        let file = format!("sbom/other-generators/debian12-host-{name}.json.zst");
        let document = reference::bytes(&file).expect("present");
        let mut own = Inventory::default();
        assert!(
            readers::read_document(&Document { name: &format!("{name}.json"), bytes: &document }, &mut own).is_some()
        );
        let found = key(&own);
        let missing: Vec<_> = expected.difference(&found).take(10).collect();
        let extra: Vec<_> = found.difference(&expected).take(10).collect();
        println!("{name}: {} packages, {} findings", own.packages.len(), found.len());
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{name}: missing {missing:?}, extra {extra:?}, problems {:?}",
            own.problems.first()
        );
    }
}

#[test]
fn every_package_database_and_document_is_read_or_refused_with_a_reason() {
    let mut rows = 0;
    for base in ["hosts/package-databases", "sbom/cyclonedx", "sbom/spdx", "sbom/small", "sbom/other-generators"] {
        let Some(base) = reference::path(base) else { return };
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&base).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        for file in files {
            let name = file.display().to_string();
            let bytes = inventory::unpack(std::fs::read(&file).expect("read"), inventory::Limits { bytes: 1 << 30 })
                .expect("unpacked");
            let plain = name.trim_end_matches(".zst");
            let document = Document { name: plain, bytes: &bytes };
            let mut found = Inventory::default();
            let is_known = readers::read_database_file(&document, &[], &mut found)
                || readers::read_document(&document, &mut found).is_some();
            let short = name.rsplit('/').next().unwrap_or_default();
            println!(
                "{short}: {} packages, {} problems{}",
                found.packages.len(),
                found.problems.len(),
                found.problems.first().map(|problem| format!(", first: {}", problem.what)).unwrap_or_default()
            );
            // Names a bill of materials, and is none.
            assert_eq!(is_known, short != "flatpak-metainfo.xml", "{short}");
            assert!(
                !is_known || !found.packages.is_empty() || !found.problems.is_empty() || short.contains("example"),
                "{short}: nothing, and no reason"
            );
            rows += 1;
        }
    }
    assert!(rows > 80);
}

/// Query answers of OSV for the ecosystems whose data is loaded.
#[test]
fn osv_answers_are_reproduced() {
    let (Some(bytes), Some(table)) = (index_bytes(), reference::text("oracles/osv-query-answers-2026-08.tsv")) else {
        return;
    };
    let index = Index::open(bytes).expect("opens");
    let (mut rows, mut newer, mut differ) = (0, 0, Vec::new());
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [ecosystem, name, version, _, _, answer] = cells[..] else { continue };
        if !matches!(ecosystem, "crates.io" | "PyPI" | "Go" | "Debian:10")
            || version.is_empty()
            || answer.contains('…')
            || answer.contains("...")
        {
            continue;
        }
        let prefixes: &[&str] = match ecosystem {
            "crates.io" => &["RUSTSEC-"],
            "PyPI" => &["PYSEC-"],
            "Go" => &["GO-"],
            _ => &["DSA-", "DLA-"],
        };
        let of_interest = |id: &&str| prefixes.iter().any(|prefix| id.starts_with(prefix));
        let expected: BTreeSet<String> = answer.split([' ', ',']).filter(of_interest).map(str::to_owned).collect();
        let kind = match ecosystem {
            "crates.io" => inventory::PackageType::Cargo,
            "PyPI" => inventory::PackageType::PyPi,
            "Go" => inventory::PackageType::Golang,
            _ => inventory::PackageType::Deb,
        };
        let mut package = inventory::Package::new(kind, ecosystem, name.to_owned(), version.to_owned(), "query");
        package.source = (kind == inventory::PackageType::Deb)
            .then(|| inventory::SourcePackage { name: name.into(), version: version.into() });
        let own = Inventory { packages: vec![package], ..Inventory::default() };
        let found: BTreeSet<String> = matched_advisories(&own, &index)
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| of_interest(&id.as_str()))
            .collect();
        rows += 1;
        // OSV answered on other days than the data is from: newer records are missing on one side or the other.
        let is_newer = |id: &String| published(&index, id).is_none_or(|at| at > answered());
        let is_explained = |id: &&String| is_newer(id) || EXPLAINED.contains(&(name, id.as_str()));
        let missing: Vec<_> = expected.difference(&found).filter(|id| !is_explained(id)).collect();
        let extra: Vec<_> = found.difference(&expected).filter(|id| !is_explained(id)).collect();
        if found != expected {
            newer += 1;
        }
        if !missing.is_empty() || !extra.is_empty() {
            differ.push(format!("{ecosystem} {name} {version}: OSV has {missing:?} more, we have {extra:?} more"));
        }
    }
    println!(
        "{rows} queries: {newer} differ by records that are newer than the other side, {} otherwise:\n{}",
        differ.len(),
        differ.join("\n")
    );
    assert!(rows > 100, "{rows}");
    assert!(differ.is_empty());
}

/// The day on which OSV's answers were recorded.
fn answered() -> Timestamp {
    "2026-08-01T00:00:00Z".parse().expect("an instant")
}

/// When an advisory of the index was published; none if the index has none of this id.
fn published(index: &Index<'_>, id: &str) -> Option<Timestamp> {
    (0..index.advisory_count().expect("whole")).find_map(|number| {
        let advisory = index.advisory(number).expect("there");
        (advisory.id == id).then_some(advisory.published).flatten()
    })
}

/// Differences that docs/accuracy.md explains: the record's range was corrected after the data was taken.
const EXPLAINED: &[(&str, &str)] = &[("urllib3", "PYSEC-2021-108")];

/// What is judged thing by thing in the record is what a scan says of the whole host: the same findings, classes and dates.
#[test]
fn the_record_says_of_a_host_what_a_scan_says() {
    use fleet::{Facts, Findings, Query, Question};
    let (Some(bytes), Some(inventory)) = (index_bytes(), host()) else { return };
    let index = Index::open(bytes).expect("opens");
    for preset in ["baseline", "cisa-bod-26-04", "pci-dss"] {
        let preset = policy::PRESETS.iter().find(|one| one.id == preset).expect("a preset");
        let policy = policy::Policy::parse(preset.text).expect("reads");
        let scanned = assessment::assess(assessment::Input {
            inventory: &inventory,
            index: Some(&index),
            policy: &policy,
            asset: &policy::Asset::default(),
            statements: &[],
            changelogs: &[],
            now: now(),
            today: now(),
            fetched: &[],
            has_catalogue: false,
        })
        .expect("assessed");
        // A scan does not know when something was seen first, and takes the earliest day; the record knows.
        let is_by_first_sight = preset.text.contains("first-seen");
        let due = |due: Option<Timestamp>| due.filter(|_| !is_by_first_sight).map(Timestamp::as_millisecond);
        let expected: BTreeSet<_> = scanned
            .findings
            .iter()
            .map(|finding| (finding.id.clone(), finding.deadline.class.clone(), due(finding.deadline.due)))
            .collect();
        assert!(expected.len() > 100, "{}", expected.len());
        let asset = lifecycle::AssetId::new("host").expect("an id");
        let mut facts = Facts::default();
        let take = |facts: &mut Facts, event: lifecycle::Event, document: Vec<u8>| {
            facts.apply(&event, now(), Some(&document)).expect("applied");
        };
        let none = String::new;
        let rule = lifecycle::PolicyRule::default();
        let adopted = lifecycle::Event::PolicyAdopted { name: none(), document: none(), rule, change: None };
        take(&mut facts, adopted, preset.text.as_bytes().to_vec());
        let attributes = lifecycle::Attributes::default();
        take(&mut facts, lifecycle::Event::AssetRegistered { asset: asset.clone(), attributes }, Vec::new());
        let document = facts.plan_inventory(&asset, &assessment::things_of(&inventory, &[]));
        let taken = lifecycle::Event::InventoryTaken {
            asset,
            digest: none(),
            document: none(),
            at: now(),
            packages: 709,
            unread: 0,
            is_late: false,
        };
        take(&mut facts, taken, document.write().expect("written"));
        let things: Vec<fleet::Thing> = facts.things().cloned().collect();
        let things: Vec<&fleet::Thing> = things.iter().collect();
        let (judgements, signals) = assessment::judge(&things, &index, now()).expect("judged");
        let document = facts.plan_judged((0..).zip(judgements), signals, true);
        let judged =
            lifecycle::Event::AdvisoriesJudged { index: none(), document: none(), packages: 0, vulnerabilities: 0 };
        take(&mut facts, judged, document.write().expect("written"));
        let question = Question { policy: facts.policy().expect("a policy"), decisions: Vec::new(), at: None };
        let findings = Findings::evaluate(&facts, question);
        let query = Query { limit: usize::MAX, now: now(), ..Query::default() };
        let found: BTreeSet<_> = findings
            .list(&facts, &query)
            .rows
            .into_iter()
            .map(|row| (row.vulnerability, row.class, due(row.due)))
            .collect();
        let (missing, more): (Vec<_>, Vec<_>) =
            (expected.difference(&found).collect(), found.difference(&expected).collect());
        assert!(missing.is_empty() && more.is_empty(), "{}: missing {missing:#?}, more {more:#?}", preset.id);
    }
}
