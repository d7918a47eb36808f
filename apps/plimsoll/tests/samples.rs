//! Samples of feed formats, and package managers' recorded answers, from the reference data.
#![allow(clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout, reason = "tests touch the world")]

use std::collections::BTreeMap;
use testkit::reference;

/// Reads every document of a file as whatever feed it is recognised as.
struct Sampler {
    outcome: Vec<(String, String)>,
}

impl ::feeds::Visitor for Sampler {
    fn document(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        let document = advisories::feeds::Document { name, bytes: &bytes };
        let word = match advisories::feeds::detect(&document) {
            None => "of no feed that is read".to_owned(),
            Some(feed) => {
                let mut records = 0_usize;
                let mut emit = |_| records += 1;
                let mut reading = advisories::feeds::Reading::new(&mut emit);
                (feed.read)(&document, &mut reading);
                let problems = reading.problems.len();
                match (records, problems) {
                    (0, 0) => format!("{}: nothing, and no problem", feed.id),
                    (0, _) => format!("{}: refused", feed.id),
                    _ => format!("{}: read", feed.id),
                }
            }
        };
        self.outcome.push((name.to_owned(), word));
        true
    }

    fn may_split(&self, _: &str) -> bool {
        false
    }

    fn problem(&mut self, place: &str, what: &str) {
        self.outcome.push((place.to_owned(), format!("unreadable: {what}")));
    }
}

/// Every sample of every format: read, refused with a reason, or of a kind that no feed is; never a silent nothing.
#[test]
fn every_sample_of_a_format_is_read_or_named() {
    let Some(folder) = reference::path("formats") else { return };
    let mut waiting = vec![folder.clone()];
    let mut counts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let Some(place) = waiting.pop() {
        for entry in std::fs::read_dir(&place).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                waiting.push(entry);
                continue;
            }
            let mut sampler = Sampler { outcome: Vec::new() };
            ::feeds::visit(&entry, &mut sampler).expect("it opens");
            let short = entry.strip_prefix(&folder).expect("below").display().to_string();
            assert!(!sampler.outcome.is_empty(), "{short}");
            for (name, word) in sampler.outcome {
                counts.entry(word).or_default().push(format!("{short}!{name}"));
            }
        }
    }
    for (word, files) in &counts {
        println!("{:>5}  {word}, such as {}", files.len(), files[0]);
    }
    let of =
        |word: &'static str| counts.iter().filter(move |(known, _)| known.contains(word)).flat_map(|(_, files)| files);
    assert_eq!(of("unreadable").count(), 0);
    // Nothing to say, and rightly: no vulnerability, no statement, or no update of security in them.
    let silent = ["cve-1999-0003.json", "CVE-2025-0194.json", "-updateinfo.xml"];
    let unexpected: Vec<_> = of("nothing").filter(|file| !silent.iter().any(|name| file.contains(name))).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    // Records of the formats that are read must be recognised, in whatever order their keys stand.
    let ours = |file: &&String| {
        file.ends_with(".json")
            && ["/osv/", "/cves/2", "cve/v5/cves", "/csaf-vex/cve", "/csaf/suse"].iter().any(|part| file.contains(part))
    };
    let missed: Vec<_> = of("of no feed").filter(ours).collect();
    assert!(missed.is_empty(), "{missed:?}");
    assert!(of(": read").count() > 100);
}

/// What the package managers of 38 hosts knew as newer must be newer in our order, and what they did not must not be.
#[test]
fn package_managers_and_our_orders_agree_on_what_is_newer() {
    let Some(index) = reference::text("hosts/inventories/index.tsv") else { return };
    let (mut newer, mut same) = (0, 0);
    for line in index.lines().skip(1) {
        let mut cells = line.split('\t');
        let (name, family) = (cells.next().expect("a name"), cells.next().expect("a family"));
        let scheme = match family {
            "windows" => continue,
            "debian" | "ubuntu" => versions::Scheme::Debian,
            "alpine" => versions::Scheme::Alpine,
            _ => versions::Scheme::Rpm,
        };
        let Some(table) = reference::text(&format!("hosts/inventories/{name}.packages.tsv.zst")) else { continue };
        for row in table.lines().skip(1) {
            let cells: Vec<&str> = row.split('\t').collect();
            let [package, version, release, new_version, new_release, _, _, known] = cells[..] else {
                panic!("{name}: {row}");
            };
            let joined = |version: &str, release: &str| match release {
                "" => version.to_owned(),
                release => format!("{version}-{release}"),
            };
            if new_version.is_empty() {
                continue;
            }
            let (own, offered) = (joined(version, release), joined(new_version, new_release));
            let order = scheme.compare(&offered, &own);
            match known {
                "yes" => {
                    newer += 1;
                    assert!(
                        order.as_ref().is_ok_and(|order| order.is_gt()),
                        "{name} {package}: {own} {offered} {order:?}"
                    );
                }
                _ => {
                    same += 1;
                    assert!(
                        order.as_ref().is_ok_and(|order| order.is_le()),
                        "{name} {package}: {own} {offered} {order:?}"
                    );
                }
            }
        }
    }
    println!("{newer} newer versions and {same} others agree");
    assert!(newer > 1000);
}
