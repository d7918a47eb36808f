//! What Windows hosts answer, as inventories: hosts of our own making, and what real ones once answered.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

use plimsoll_inventory::windows::{Program, Release, Update, Updates, Windows, collect};
use plimsoll_inventory::{Inventory, Offered};

/// A host that answers what it is told to.
#[derive(Clone, Default)]
struct Host {
    release: Release,
    programs: Vec<Program>,
    updates: Option<Updates>,
    restart: Vec<String>,
}

impl Windows for Host {
    fn name(&self) -> String {
        "WIN-1".to_owned()
    }

    fn release(&self) -> Result<Release, String> {
        Ok(self.release.clone())
    }

    fn programs(&self) -> (Vec<Program>, Vec<(String, String)>) {
        (self.programs.clone(), Vec::new())
    }

    fn updates(&self) -> Result<Updates, String> {
        self.updates.clone().ok_or_else(|| "the service is disabled (0x80070422)".to_owned())
    }

    fn restart_reasons(&self) -> Result<Vec<String>, String> {
        Ok(self.restart.clone())
    }
}

fn server() -> Release {
    Release {
        product: "Windows Server 2022 Datacenter".to_owned(),
        version: "21H2".to_owned(),
        kernel: "10.0".to_owned(),
        build: "20348".to_owned(),
        revision: Some(2031),
        architecture: "amd64".to_owned(),
    }
}

/// An update that is missing; `at` is the day of its publication.
fn update(id: &str, supersedes: &[&str], vulnerabilities: &[&str], at: i64) -> Update {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Update {
        id: id.to_owned(),
        title: format!("Update {id}"),
        articles: vec![format!("KB{id}")],
        supersedes: texts(supersedes),
        vulnerabilities: texts(vulnerabilities),
        published_at: Some(at),
        ..Update::default()
    }
}

fn installed(update: Update) -> Update {
    Update { is_installed: true, ..update }
}

fn host(all: Vec<Update>) -> Host {
    Host {
        release: server(),
        updates: Some(Updates { all, asked_at: Some(900), is_incomplete: false }),
        ..Host::default()
    }
}

fn read(host: &Host) -> Inventory {
    let mut inventory = Inventory::default();
    collect(host, &mut inventory);
    inventory
}

/// An update that is missing, whether it holds a security fix, and what it mends since when.
type Missing = (String, bool, Vec<(String, i64)>);

fn missing(all: Vec<Update>) -> Vec<Missing> {
    let pending = read(&host(all)).pending;
    let fixes = |fixes: Vec<(String, Option<i64>)>| {
        fixes.into_iter().map(|(id, at)| (id, at.unwrap_or_default())).collect::<Vec<_>>()
    };
    pending
        .into_iter()
        .map(|update| (update.candidate.to_string(), update.holds_security_fix, fixes(update.fixes)))
        .collect()
}

fn entry(label: &str, is_security: bool, fixes: &[(&str, i64)]) -> Missing {
    (label.to_owned(), is_security, fixes.iter().map(|(id, at)| ((*id).to_owned(), *at)).collect())
}

#[test]
fn a_host_is_its_release_its_programs_and_its_updates() {
    let program = |name: &str, version: &str| Program {
        name: name.to_owned(),
        version: version.to_owned(),
        publisher: "Example GmbH".to_owned(),
        place: format!(r"HKLM\SOFTWARE\{name}"),
        ..Program::default()
    };
    let mut host = host(vec![installed(update("1", &[], &[], 1)), update("2", &[], &["CVE-2026-1"], 2)]);
    host.programs = vec![program("Editor", "1.2"), program("Nameless version", "")];
    host.restart = vec!["Windows Update asks for a restart".to_owned()];
    let inventory = read(&host);
    assert_eq!(inventory.subject, "WIN-1");
    assert_eq!(inventory.os.as_ref().map(|os| os.name.as_str()), Some("Windows Server 2022 Datacenter 21H2"));
    let named: Vec<String> =
        inventory.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
    assert_eq!(named, ["Windows Server 2022 Datacenter 21H2 10.0.20348.2031", "Editor 1.2", "Nameless version "]);
    assert_eq!(inventory.packages[0].offered, Offered::Marked);
    assert_eq!(inventory.applied, ["KB1"]);
    assert!(inventory.has_repository_metadata && inventory.repository_metadata_at == Some(900));
    assert!(inventory.host.expect("facts").is_reboot_asked);
    let own = &inventory.pending[0];
    assert_eq!((own.name.as_str(), own.suite.as_str()), (inventory.packages[0].name.as_str(), "Windows Update"));
    assert_eq!((inventory.unread, inventory.pending.len()), (0, 1));
}

#[test]
fn windows_11_is_told_by_its_build() {
    let release =
        |product: &str, build: &str| Release { product: product.to_owned(), build: build.to_owned(), ..server() };
    let name = |release| read(&Host { release, ..host(Vec::new()) }).os.expect("a system").name;
    assert_eq!(name(release("Windows 10 Pro", "22631")), "Windows 11 Pro 21H2");
    assert_eq!(name(release("Windows 10 Pro", "19045")), "Windows 10 Pro 21H2");
    assert_eq!(name(release("Windows Server 2025 Standard", "26100")), "Windows Server 2025 Standard 21H2");
}

#[test]
fn what_an_installed_update_supersedes_is_not_missing() {
    // 3 supersedes 2, which supersedes 1: step by step, also where the one in between is not installed.
    let all =
        vec![update("1", &[], &["CVE-2026-1"], 1), update("2", &["1"], &[], 2), installed(update("3", &["2"], &[], 3))];
    assert_eq!(missing(all), []);
    let all = vec![update("1", &[], &["CVE-2026-1"], 1), installed(update("0", &[], &[], 1))];
    assert_eq!(missing(all), [entry("KB1", true, &[("CVE-2026-1", 1)])]);
}

#[test]
fn the_last_of_a_line_stands_for_all_of_it_on_their_clocks() {
    let all = vec![
        update("3", &["2"], &["CVE-2026-3"], 30),
        update("1", &[], &["CVE-2026-1"], 10),
        Update { is_hidden: true, ..update("2", &["1"], &["CVE-2026-1", "CVE-2026-2"], 20) },
    ];
    let fixes = [("CVE-2026-1", 10), ("CVE-2026-2", 20), ("CVE-2026-3", 30)];
    assert_eq!(missing(all), [entry("KB3", true, &fixes)]);
    // A preview without a mark hides the security update that it supersedes from the agent's own list, and not from ours.
    let all = vec![Update { is_security: true, ..update("1", &[], &[], 10) }, update("2", &["1"], &[], 20)];
    assert_eq!(missing(all.clone()), [entry("KB2", true, &[])]);
    assert_eq!(read(&host(all)).pending[0].published_at, Some(10));
    assert_eq!(missing(vec![update("2", &[], &[], 20)]), [entry("KB2", false, &[])]);
}

#[test]
fn a_hidden_update_is_missing_all_the_same() {
    let hidden = Update { is_hidden: true, ..update("1", &[], &["CVE-2026-1"], 1) };
    let inventory = read(&host(vec![hidden]));
    assert!(inventory.pending[0].is_held && inventory.pending[0].holds_security_fix);
    assert!(inventory.pending[0].advisories.contains(&"hidden on this host".to_owned()));
}

#[test]
fn two_updates_that_supersede_each_other_are_both_missing() {
    let all = vec![update("1", &["2", "1"], &["CVE-2026-1"], 1), update("2", &["1"], &["CVE-2026-2"], 2)];
    assert_eq!(missing(all), [entry("KB1", true, &[("CVE-2026-1", 1)]), entry("KB2", true, &[("CVE-2026-2", 2)])]);
}

#[test]
fn a_host_that_does_not_say_what_it_lacks_is_no_host_that_lacks_nothing() {
    let inventory = read(&Host { release: server(), ..Host::default() });
    assert!(!inventory.has_repository_metadata && inventory.unread == 1);
    assert!(inventory.problems[0].what.contains("which updates are missing is not known: the service is disabled"));
}

#[test]
fn an_answer_that_may_lack_something_is_not_a_whole_one() {
    let mut host = host(vec![update("1", &[], &["CVE-2026-1"], 1)]);
    host.updates = host.updates.map(|updates| Updates { is_incomplete: true, asked_at: None, ..updates });
    let inventory = read(&host);
    assert_eq!((inventory.unread, inventory.pending.len()), (2, 1));
    let words: String = inventory.problems.into_iter().map(|problem| problem.what).collect();
    assert!(words.contains("could not tell all") && words.contains("last asked its update service"), "{words}");
}

#[test]
fn what_is_longer_than_anything_real_keeps_no_host_from_reporting() {
    let long = "x".repeat(5000);
    let mut host = host(vec![Update { title: long.clone(), articles: Vec::new(), ..update("1", &[], &[], 1) }]);
    host.release.product.clone_from(&long);
    let program = Program { name: long.clone(), ..Program::default() };
    host.programs = vec![program, Program { name: "Editor".to_owned(), publisher: long, ..Program::default() }];
    let all = host.updates.as_mut().expect("updates");
    all.all.extend((2..40).map(|number| update(&number.to_string(), &[], &[], number)));
    let ids: Vec<String> = (0..5000).map(|number| format!("CVE-2026-{number}")).collect();
    all.all[3].vulnerabilities = ids;
    let inventory = read(&host);
    assert!(inventory.packages.iter().all(|package| package.name.len() <= 4096));
    assert_eq!((inventory.packages[0].name.as_str(), inventory.packages.len()), ("Windows 21H2", 2));
    assert!(inventory.pending.iter().all(|update| update.candidate.len() <= 4096 && update.fixes.len() <= 4096));
    assert!(inventory.pending.iter().flat_map(|update| &update.advisories).all(|text| text.len() <= 4096));
    assert_eq!(inventory.unread, 2, "{:?}", inventory.problems);
}

/// Hosts that a scanner has seen: what it found applied and missing comes out as it went in.
#[test]
fn what_real_hosts_answered_is_told_whole() {
    let Some(index) = testkit::reference::text("hosts/inventories/index.tsv") else { return };
    let mut hosts = 0;
    for line in index.lines().filter(|line| line.contains("\twindows\t")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, _, release, kernel, _, packages, _, applied, lacking] = fields[..] else { panic!("{line}") };
        let numbers: Vec<&str> = kernel.trim_start_matches('/').split('.').collect();
        let recorded = Host {
            release: Release {
                product: release.to_owned(),
                kernel: numbers[..2].join("."),
                build: numbers[2].to_owned(),
                revision: numbers.get(3).and_then(|number| number.parse().ok()),
                ..Release::default()
            },
            programs: programs(name),
            updates: Some(Updates { all: answered(name), asked_at: Some(1), is_incomplete: false }),
            restart: Vec::new(),
        };
        let inventory = read(&recorded);
        let count = |text: &str| text.parse::<usize>().expect("a count");
        assert_eq!(inventory.applied.len(), count(applied), "{name}");
        assert_eq!(
            inventory.pending.iter().filter(|update| update.holds_security_fix).count(),
            count(lacking),
            "{name}"
        );
        assert_eq!(inventory.packages.len(), 1 + count(packages), "{name}");
        assert_eq!(format!("/{}", inventory.packages[0].version), kernel, "{name}");
        hosts += 1;
    }
    assert_eq!(hosts, 26);
}

fn answered(name: &str) -> Vec<Update> {
    let table = testkit::reference::text(&format!("hosts/inventories/{name}.kb.tsv")).expect("a table");
    let rows = table.lines().skip(1).filter_map(|line| line.split_once('\t'));
    let update = |(article, state): (&str, &str)| Update {
        id: article.to_owned(),
        articles: vec![article.to_owned()],
        is_security: true,
        is_installed: state == "applied",
        ..Update::default()
    };
    rows.map(update).collect()
}

fn programs(name: &str) -> Vec<Program> {
    let table = testkit::reference::text(&format!("hosts/inventories/{name}.packages.tsv.zst")).expect("a table");
    let rows = table.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.split('\t').collect::<Vec<_>>());
    let program =
        |row: Vec<&str>| Program { name: row[0].to_owned(), version: row[1].to_owned(), ..Program::default() };
    rows.map(program).collect()
}
