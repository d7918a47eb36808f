//! Pending updates of small hosts of our own making.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

mod hosts;

use hosts::{host, read};
use plimsoll_inventory::{Inventory, Offered};
use std::io::Write;

fn lines(inventory: &Inventory) -> Vec<String> {
    let line = |update: &plimsoll_inventory::PendingUpdate| {
        format!(
            "{} {} -> {} from {}{}",
            update.name,
            update.installed,
            update.candidate,
            update.suite,
            if update.holds_security_fix { ", security" } else { "" }
        )
    };
    inventory.pending.iter().map(line).collect()
}

const STATUS: &[u8] = b"Package: dpkg\nStatus: install ok installed\nVersion: 1.21\nArchitecture: amd64\n\nPackage: a\nStatus: install ok installed\nVersion: 1.0-1\nArchitecture: amd64\n\nPackage: b\nStatus: install ok installed\nVersion: 2.0-1\nArchitecture: all\n\nPackage: c\nStatus: hold ok installed\nVersion: 1\nArchitecture: amd64\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("written");
    encoder.finish().expect("finished")
}

#[test]
fn apt_takes_security_over_main_and_leaves_backports_alone() {
    let main = b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\n\nPackage: b\nVersion: 2.0-1\nArchitecture: all\n\nPackage: c\nVersion: 2\nArchitecture: i386\n";
    let security = gzip(b"Package: a\nVersion: 1.0-1+deb12u1\nArchitecture: amd64\nSize: 1000\n\nPackage: c\nVersion: 3\nArchitecture: amd64\n");
    let backports = b"Package: b\nVersion: 3.0-1~bpo12\nArchitecture: all\n";
    let (root, inventory) = host("apt", &[
        ("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
        ("var/lib/dpkg/status", STATUS),
        ("var/lib/apt/lists/m_dists_bookworm_main_binary-amd64_Packages", main),
        ("var/lib/apt/lists/m_dists_bookworm_InRelease", b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nSuite: stable\nCodename: bookworm\n"),
        ("var/lib/apt/lists/m_dists_bookworm-security_main_binary-amd64_Packages.gz", &security),
        ("var/lib/apt/lists/m_dists_bookworm-security_InRelease", b"Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nDate: Sat, 21 Nov 2026 08:28:25 UTC\nValid-Until: Sat, 28 Nov 2026 08:28:25 UTC\n"),
        ("var/lib/apt/lists/m_dists_bookworm-backports_main_binary-amd64_Packages", backports),
        ("var/lib/apt/lists/m_dists_bookworm-backports_InRelease", b"Suite: stable-backports\nNotAutomatic: yes\nButAutomaticUpgrades: yes\n"),
    ]);
    assert_eq!(
        lines(&inventory),
        ["a 1.0-1 -> 1.0-2 from stable, security", "c 1 -> 3 from stable-security, security"]
    );
    assert_eq!(inventory.repository_valid_until, [("stable-security".to_owned(), 1_795_854_505)]);
    assert!(inventory.pending[1].is_held && inventory.problems.is_empty(), "{:?}", inventory.problems);
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn apt_obeys_pins_and_names_unreadable_ones() {
    let main = b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\n";
    let (root, inventory) = host(
        "pins",
        &[
            ("var/lib/dpkg/status", STATUS),
            ("var/lib/apt/lists/m_dists_x_main_binary-amd64_Packages", main),
            ("var/lib/apt/lists/m_dists_x_Release", b"Suite: x\n"),
            (
                "etc/apt/preferences.d/hold",
                b"Package: a\nPin: release a=x\nPin-Priority: -1\n\nPackage: b\nPin: nonsense\nPin-Priority: 5\n",
            ),
            ("etc/apt/preferences.d/not.read", b"Package: *\nPin: release a=x\nPin-Priority: 1001\n"),
        ],
    );
    assert!(lines(&inventory).is_empty(), "{:?}", lines(&inventory));
    assert_eq!(inventory.problems.len(), 1);
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn a_damaged_list_is_a_problem_and_not_a_clean_host() {
    let mut damaged = gzip(b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\n");
    damaged.truncate(20);
    let (root, inventory) = host(
        "damaged",
        &[("var/lib/dpkg/status", STATUS), ("var/lib/apt/lists/m_dists_x_main_binary-amd64_Packages.gz", &damaged)],
    );
    assert!(inventory.pending.is_empty() && !inventory.has_repository_metadata);
    assert_eq!((inventory.problems.len(), inventory.unread), (1, 1));
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn apk_indexes_name_the_newest_version() {
    let index = b"P:musl\nV:1.2.5-r1\nA:x86_64\no:musl\n\nP:musl\nV:1.2.5-r3\nA:x86_64\no:musl\n\nP:other\nV:1-r0\n\n";
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(index.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, "APKINDEX", &index[..]).expect("appended");
    let bytes = gzip(&archive.into_inner().expect("finished"));
    let (root, inventory) = host(
        "apk",
        &[
            ("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.1\n"),
            ("lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n"),
            ("var/cache/apk/APKINDEX.abc.tar.gz", &bytes),
        ],
    );
    assert_eq!(lines(&inventory), ["musl 1.2.5-r0 -> 1.2.5-r3 from APKINDEX.abc.tar.gz"]);
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn dnf_metadata_names_updates_with_their_advisories() {
    let database = include_bytes!("cases/rpm-ndb/Packages.db");
    let primary = br#"<metadata xmlns="http://linux.duke.edu/metadata/common"><package type="rpm"><name>tiny</name><arch>noarch</arch><version epoch="2" ver="1.6" rel="1.el9"/><size package="77"/><format><rpm:sourcerpm xmlns:rpm="x">tiny-1.6-1.el9.src.rpm</rpm:sourcerpm></format></package></metadata>"#;
    let updateinfo = br#"<updates><update type="security"><id>ALSA-2026:1</id><pkglist><collection><package name="tiny" version="1.6" release="1.el9" epoch="2" arch="noarch"/></collection></pkglist></update></updates>"#;
    let (root, inventory) = host(
        "dnf",
        &[
            ("var/lib/rpm/Packages.db", database),
            ("var/cache/dnf/baseos-0123456789abcdef/repodata/x-primary.xml.gz", &gzip(primary)),
            ("var/cache/dnf/baseos-0123456789abcdef/repodata/x-updateinfo.xml.gz", &gzip(updateinfo)),
        ],
    );
    assert_eq!(lines(&inventory), ["tiny 2:1.5-3.el9 -> 2:1.6-1.el9 from baseos, security"]);
    assert_eq!(inventory.pending[0].advisories, ["ALSA-2026:1"]);
    std::fs::remove_dir_all(root).expect("removed");
}

/// Each of these lists hides an update if it is read carelessly: it must be found, or counted as unread.
#[test]
fn no_list_hides_an_update() {
    let update = b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\n";
    let in_frames = |text: &[u8]| {
        let frame = |part: &[u8]| {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(part).expect("written");
            encoder.finish().expect("finished")
        };
        let (first, second) = text.split_at(12);
        [frame(first), frame(second)].concat()
    };
    let lists: [(&str, Vec<u8>); 3] = [
        ("x_Packages", b"package: a\nversion: 1.0-2\narchitecture: amd64\n".to_vec()),
        ("x_Packages", b"Section: x\nPackage: a\nVersion: 1.0-2\nArchitecture: amd64\n".to_vec()),
        ("x_Packages.lz4", in_frames(update)),
    ];
    for (at, (name, bytes)) in lists.iter().enumerate() {
        let path = format!("var/lib/apt/lists/{name}");
        let (root, inventory) = host(&format!("hides-{at}"), &[("var/lib/dpkg/status", STATUS), (&path, bytes)]);
        assert_eq!(inventory.pending.len(), 1, "{name} {at}: {:?}", inventory.problems);
        std::fs::remove_dir_all(root).expect("removed");
    }
}

#[test]
fn linked_lists_are_read_and_dangling_ones_counted() {
    let (root, _) = host(
        "linked",
        &[("var/lib/dpkg/status", STATUS), ("list", b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\n")],
    );
    std::fs::create_dir_all(root.join("var/lib/apt/lists")).expect("created");
    std::os::unix::fs::symlink("/list", root.join("var/lib/apt/lists/x_Packages")).expect("linked");
    let again = || read(&root);
    assert_eq!((again().pending.len(), again().unread), (1, 0));
    std::os::unix::fs::symlink("/nowhere", root.join("var/lib/apt/lists/y_Packages")).expect("linked");
    assert_eq!((again().pending.len(), again().unread), (1, 1));
    std::fs::remove_dir_all(root).expect("removed");
}

/// Versions that cannot be read once broke the order of the others, so that the sort gave up or chose wrongly.
#[test]
fn unreadable_versions_are_named_and_decide_nothing() {
    let mut main = String::new();
    for number in 0..200 {
        main.push_str(&format!("Package: a\nVersion: 1.0-{number}\nArchitecture: amd64\n\n"));
        main.push_str("Package: a\nVersion: x:1 2\nArchitecture: amd64\n\n");
    }
    let (root, inventory) =
        host("order", &[("var/lib/dpkg/status", STATUS), ("var/lib/apt/lists/x_Packages", main.as_bytes())]);
    assert_eq!(lines(&inventory), ["a 1.0-1 -> 1.0-199 from "]);
    assert_eq!(inventory.unread, 200);
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn an_empty_list_offers_nothing() {
    let (root, inventory) = host("empty", &[("var/lib/dpkg/status", STATUS), ("var/lib/apt/lists/x_Packages", b"")]);
    assert!(
        !inventory.has_repository_metadata && inventory.packages.iter().all(|package| package.offered == Offered::No)
    );
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn patterns_within_patterns_end() {
    let pattern =
        format!("Package: {}a{}\nPin: release a=x\nPin-Priority: 5\n", "/^".repeat(20_000), "$/".repeat(20_000));
    let (root, inventory) = host(
        "patterns",
        &[
            ("var/lib/dpkg/status", STATUS),
            ("var/lib/apt/lists/x_Packages", b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\n"),
            ("etc/apt/preferences", pattern.as_bytes()),
        ],
    );
    assert_eq!(inventory.pending.len(), 1);
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn cut_off_repodata_is_counted() {
    let database = include_bytes!("cases/rpm-ndb/Packages.db");
    let primary = br#"<metadata><package type="rpm"><name>tiny</name><arch>noarch</arch><version epoch="2" ver="1.6" rel="1.el9"/>"#;
    let updateinfo = br#"<updates><update type="security"><id>ALSA-2026:1</id>"#;
    let (root, inventory) = host(
        "cut",
        &[
            ("var/lib/rpm/Packages.db", database),
            ("var/cache/dnf/baseos-0123456789abcdef/repodata/x-primary.xml", primary),
            ("var/cache/dnf/baseos-0123456789abcdef/repodata/x-updateinfo.xml", updateinfo),
        ],
    );
    assert_eq!(inventory.unread, 2, "{:?}", inventory.problems);
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn apt_lists_that_are_not_what_their_release_says_are_counted() {
    let list = b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\n".as_slice();
    let release = |size: usize| {
        format!("Suite: stable\nSHA256:\n 00 {size} main/binary-amd64/Packages\n 00 7 main/binary-amd64/Packages.xz\n")
    };
    let unread = |list: &[u8], release: &str| {
        let (root, inventory) = host(
            "apt-size",
            &[
                ("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
                ("var/lib/dpkg/status", STATUS),
                ("var/lib/apt/lists/m_dists_bookworm_main_binary-amd64_Packages", list),
                ("var/lib/apt/lists/m_dists_bookworm_InRelease", release.as_bytes()),
            ],
        );
        std::fs::remove_dir_all(root).expect("removed");
        inventory.unread
    };
    assert_eq!(unread(list, &release(list.len())), 0);
    assert_eq!(unread(&list[..30], &release(list.len())), 2, "cut off, and its last paragraph with it");
    assert_eq!(unread(b"", &release(list.len())), 1);
    assert_eq!(unread(b"", &release(0)), 0, "a component may have no packages");
    assert_eq!(unread(list, "Suite: stable\nDate: yesterday\n"), 1);
    let joined = b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\nPackage: b\nVersion: 3\nArchitecture: amd64\n";
    assert_eq!(unread(joined, "Suite: stable\n"), 1);
}

#[test]
fn the_age_of_apts_lists_is_that_of_the_security_suite() {
    let status: &[u8] = b"Package: a\nStatus: install ok installed\nVersion: 1.0-1\nArchitecture: amd64\n";
    let (root, inventory) = host(
        "apt-age",
        &[
            ("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
            ("var/lib/dpkg/status", status),
            ("var/lib/dpkg/arch", b"amd64\n"),
            (
                "var/lib/apt/lists/m_dists_bookworm-security_main_binary-amd64_Packages",
                b"Package: a\nVersion: 1.0-2\nArchitecture: all\n",
            ),
            (
                "var/lib/apt/lists/m_dists_bookworm-security_InRelease",
                b"Suite: stable-security\nDate: Fri, 01 Oct 2021 00:00:00 UTC\n",
            ),
            ("var/lib/apt/lists/t_dists_x_main_binary-amd64_Packages", b""),
            ("var/lib/apt/lists/t_dists_x_InRelease", b"Suite: x\nDate: Sat, 21 Nov 2026 08:28:25 UTC\n"),
            ("var/lib/apt/lists/m_dists_bookworm_main_binary-amd64_Packages.new", b""),
            ("var/lib/apt/lists/m_dists_bookworm_main_binary-amd64_Packages.diff_Index", b""),
        ],
    );
    assert_eq!(inventory.repository_metadata_at, Some(1_633_046_400));
    assert_eq!(lines(&inventory), ["a 1.0-1 -> 1.0-2 from stable-security, security"]);
    assert_eq!(inventory.unread, 1, "a list that is packed in an unknown way");
    std::fs::remove_dir_all(root).expect("removed");
}

/// Two security suites speak of different packages; a suite of another release says nothing of this one.
#[test]
fn of_several_security_suites_the_oldest_of_the_own_release_counts() {
    let status: &[u8] = b"Package: a\nStatus: install ok installed\nVersion: 1.0-1\nArchitecture: amd64\n";
    let suite = |name: &str, day: &str| format!("Suite: {name}\nDate: {day} 2026 00:00:00 UTC\n").into_bytes();
    let (infra, own, old) = (
        suite("noble-infra-security", "Thu, 01 Oct"),
        suite("noble-security", "Sat, 21 Nov"),
        suite("jammy-security", "Thu, 01 Jan"),
    );
    let list: &[u8] = b"Package: b\nVersion: 1\nArchitecture: amd64\n";
    let (root, inventory) = host(
        "apt-suites",
        &[
            ("etc/os-release", b"ID=ubuntu\nVERSION_ID=24.04\nVERSION_CODENAME=noble\n"),
            ("var/lib/dpkg/status", status),
            ("var/lib/dpkg/arch", b"amd64\n"),
            ("var/lib/apt/lists/m_dists_noble-security_main_binary-amd64_Packages", list),
            ("var/lib/apt/lists/m_dists_noble-security_InRelease", &own),
            ("var/lib/apt/lists/e_dists_noble-infra-security_main_binary-amd64_Packages", list),
            ("var/lib/apt/lists/e_dists_noble-infra-security_InRelease", &infra),
            ("var/lib/apt/lists/m_dists_jammy-security_main_binary-amd64_Packages", list),
            ("var/lib/apt/lists/m_dists_jammy-security_InRelease", &old),
        ],
    );
    assert_eq!(inventory.repository_metadata_at, Some(1_790_812_800));
    std::fs::remove_dir_all(root).expect("removed");
}

const RPMS: &[u8] = include_bytes!("cases/rpm-ndb/Packages.db");

/// A repository: its name, the architecture of its packages, versions of tiny, errata with the versions they bring.
type Repository<'a> = (&'a str, &'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

/// A host with tiny 2:1.5-3.el9 (noarch), whose repositories have these versions and errata; more files beside.
fn dnf(name: &str, repositories: &[Repository<'_>], more: &[(&str, &[u8])]) -> Inventory {
    let mut files = vec![("var/lib/rpm/Packages.db".to_owned(), RPMS.to_vec())];
    for (repository, architecture, versions, errata) in repositories {
        let folder = format!("var/cache/dnf/{repository}-0123456789abcdef/repodata");
        let package = |version: &&str| {
            format!(
                r#"<package type="rpm"><name>tiny</name><arch>{architecture}</arch><version epoch="2" ver="{version}" rel="1.el9"/></package>"#
            )
        };
        let packages: String = versions.iter().map(package).collect();
        files.push((format!("{folder}/x-primary.xml"), format!("<metadata>{packages}</metadata>").into_bytes()));
        let erratum = |(id, version): &(&str, &str)| {
            format!(
                r#"<update type="security"><id>{id}</id><pkglist><collection><package name="tiny" version="{version}" release="1.el9" epoch="2" arch="{architecture}"/></collection></pkglist></update>"#
            )
        };
        if !errata.is_empty() {
            let errata: String = errata.iter().map(erratum).collect();
            files.push((format!("{folder}/x-updateinfo.xml"), format!("<updates>{errata}</updates>").into_bytes()));
        }
    }
    files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), text.to_vec())));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let (root, inventory) = host(&format!("dnf-{name}"), &files);
    std::fs::remove_dir_all(root).expect("removed");
    inventory
}

#[test]
fn an_erratum_that_the_candidate_passes_over_counts() {
    let inventory =
        dnf("passed", &[("base", "noarch", &["1.6", "1.7"], &[("A-1", "1.6"), ("A-0", "1.4"), ("A-2", "1.8")])], &[]);
    assert_eq!(lines(&inventory), ["tiny 2:1.5-3.el9 -> 2:1.7-1.el9 from base, security"]);
    let update = &inventory.pending[0];
    assert_eq!((update.is_security, update.advisories.as_slice()), (false, ["A-1".to_owned()].as_slice()));
}

#[test]
fn repositories_that_mark_nothing_of_security_are_told_from_those_that_do() {
    let offered = |name: &str, versions: &[&str], errata: &[(&str, &str)]| {
        dnf(name, &[("base", "noarch", versions, errata)], &[]).packages[0].offered
    };
    assert_eq!(offered("unmarked", &["1.6"], &[]), Offered::Elsewhere);
    assert_eq!(offered("marked", &["1.6"], &[("A-1", "1.6")]), Offered::Marked);
    let both = |name: &str, other: &str| {
        let repositories: [Repository<'_>; 2] =
            [("base", "noarch", &["1.5"], &[("A-0", "1.4")]), ("other", "noarch", &[other], &[])];
        dnf(name, &repositories, &[]).packages[0].offered
    };
    assert_eq!(both("other", "1.9"), Offered::Unmarked, "nobody says what the other repository's update fixes");
    assert_eq!(both("same", "1.4"), Offered::Marked);
}

#[test]
fn dnf_takes_nothing_that_its_settings_leave_out() {
    let repositories: &[Repository<'_>] = &[
        ("base", "noarch", &["1.6"], &[("A-1", "1.6")]),
        ("test", "noarch", &["1.9"], &[]),
        ("left", "noarch", &["2.0"], &[]),
    ];
    let repos: &[u8] = b"[base]\nname=x\n[test]\nenabled = 0\n";
    let with = |name: &str, path: &str, text: &[u8]| {
        let inventory = dnf(name, repositories, &[("etc/yum.repos.d/x.repo", repos), (path, text)]);
        inventory.pending.iter().map(|update| (update.candidate.to_string(), update.is_held)).collect::<Vec<_>>()
    };
    let (free, held) = ("2:1.6-1.el9".to_owned(), "2:1.9-1.el9".to_owned());
    assert_eq!(with("disabled", "etc/dnf/dnf.conf", b""), [(free.clone(), false)]);
    let excluded = b"[main]\nexcludepkgs = other,\n  ti*\n";
    assert_eq!(with("excluded", "etc/dnf/dnf.conf", excluded), [(free.clone(), true)]);
    assert_eq!(with("other", "etc/dnf/dnf.conf", b"[main]\nexclude=tin\n"), [(free.clone(), false)]);
    assert_eq!(with("locks", "etc/dnf/plugins/versionlock.list", b"# x\ntiny-2:1.5-3.el9.*\n"), [(free.clone(), true)]);
    assert_eq!(with("locks-6", "etc/dnf/plugins/versionlock.list", b"tiny-2:1.6-*\n"), [(free.clone(), false)]);
    assert_eq!(with("zypp", "etc/zypp/locks", b"\ntype: package\nsolvable_name: tiny\n"), [(free.clone(), true)]);
    let toml = b"version = \"1.0\"\n[[packages]]\nname = \"tiny\"\n[[packages.conditions]]\nkey = \"evr\"\ncomparator = \"<\"\nvalue = \"2:1.6\"\n";
    assert_eq!(with("dnf5", "etc/dnf/versionlock.toml", toml), [(free.clone(), true)]);
    let override_test = b"[test]\nenabled=1\npriority=10\n";
    assert_eq!(with("priority", "etc/dnf/repos.override.d/x.repo", override_test), [(held, false)]);
}

#[test]
fn a_package_may_change_between_noarch_and_the_hosts_architecture() {
    let inventory = dnf("arch", &[("base", "x86_64", &["1.6"], &[("A-1", "1.6")])], &[]);
    assert_eq!(lines(&inventory), ["tiny 2:1.5-3.el9 -> 2:1.6-1.el9 from base, security"]);
}

#[test]
fn metadata_of_yum_3_is_named() {
    let inventory = dnf("yum", &[], &[("var/cache/yum/x86_64/7/base/repomd.xml", b"<repomd/>")]);
    assert_eq!((inventory.problems.len(), inventory.has_repository_metadata), (1, false));
}

fn apk_index(text: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, "APKINDEX", text).expect("appended");
    gzip(&archive.into_inner().expect("finished"))
}

/// The first digits of the SHA-1 of `https://a.example/v3.20/main` and `https://a.example/edge/main`.
const MAIN: &str = "var/cache/apk/APKINDEX.915e79a2.tar.gz";
const EDGE: &str = "var/cache/apk/APKINDEX.77e605f6.tar.gz";

#[test]
fn apk_takes_what_its_repositories_and_its_world_allow() {
    let main = apk_index(b"P:musl\nV:1.2.5-r1\nA:x86_64\n\n");
    let edge = apk_index(b"P:musl\nV:1.2.9-r0\nA:x86_64\n\n");
    let updates = |name: &str, repositories: &str, world: &str| {
        let (root, inventory) = host(
            &format!("apk-{name}"),
            &[
                ("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.1\n"),
                ("lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n"),
                ("etc/apk/repositories", repositories.as_bytes()),
                ("etc/apk/world", world.as_bytes()),
                (MAIN, &main),
                (EDGE, &edge),
            ],
        );
        std::fs::remove_dir_all(root).expect("removed");
        assert_eq!(inventory.packages[0].offered, Offered::Unmarked);
        inventory.pending.iter().map(|update| (update.candidate.to_string(), update.is_held)).collect::<Vec<_>>()
    };
    let (r1, r9) = ("1.2.5-r1".to_owned(), "1.2.9-r0".to_owned());
    let tagged = "https://a.example/v3.20/main\n@edge https://a.example/edge/main\n";
    assert_eq!(updates("tagged", tagged, "musl\n"), [(r1.clone(), false)]);
    assert_eq!(updates("wanted", tagged, "musl@edge\n"), [(r9.clone(), false)]);
    assert_eq!(updates("left", "https://a.example/v3.20/main\n", ""), [(r1.clone(), false)]);
    assert_eq!(
        updates("both", "https://a.example/v3.20/main\nhttps://a.example/edge/main\n", ""),
        [(r9.clone(), false)]
    );
    assert_eq!(updates("other-names", "https://b.example/main\n", ""), [(r9, false)]);
    assert_eq!(updates("pinned", tagged, "busybox musl=1.2.5-r0"), [(r1.clone(), true)]);
    assert_eq!(updates("bounded", tagged, "musl<1.2.6"), [(r1.clone(), false)]);
    assert_eq!(updates("fuzzy", tagged, "musl~1.2.5"), [(r1, false)]);
}

#[test]
fn entries_of_an_index_that_run_together_are_counted() {
    let index = apk_index(b"P:musl\nV:1.2.5-r1\nA:x86_64\nP:other\nV:1\n\n");
    let (root, inventory) =
        host("apk-joined", &[("lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n"), (MAIN, &index)]);
    assert_eq!(inventory.unread, 1);
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn lists_of_removed_sources_are_left_out_and_missing_ones_counted() {
    let list: &[u8] = b"Package: a\nVersion: 3.0-1\nArchitecture: amd64\n";
    let with = |name: &str, sources: &[u8]| {
        let (root, inventory) = host(
            name,
            &[
                ("var/lib/dpkg/status", STATUS),
                ("var/lib/apt/lists/m_dists_sid_main_binary-amd64_Packages", list),
                ("var/lib/apt/lists/m_dists_sid_Release", b"Suite: unstable\n"),
                ("etc/apt/sources.list.d/x.sources", sources),
            ],
        );
        std::fs::remove_dir_all(root).expect("removed");
        (lines(&inventory).len(), inventory.unread)
    };
    let source = |suites: &str, more: &str| {
        format!("# x\nTypes: deb deb-src\nURIs: http://m/\nSuites: {suites}\nComponents: main\n{more}").into_bytes()
    };
    assert_eq!(with("source", &source("sid", "")), (1, 0));
    assert_eq!(with("source-off", &source("sid", "Enabled: no\n")), (1, 0), "then no source is set up at all");
    assert_eq!(with("source-other", &source("bookworm", "")), (0, 1));
    assert_eq!(with("source-more", &source("\n sid\n bookworm", "")), (1, 1));
}

/// Every file of a host that is no package database, changed at random: an answer or a problem, never a panic.
#[test]
fn fuzz_the_metadata_of_hosts() {
    let repodata = "var/cache/dnf/base-0123456789abcdef/repodata";
    let (primary, updateinfo, modules) = (
        format!("{repodata}/x-primary.xml"),
        format!("{repodata}/x-updateinfo.xml"),
        format!("{repodata}/x-modules.yaml"),
    );
    let index = apk_index(b"P:musl\nV:1.2.5-r1\nA:x86_64\no:musl\n\n");
    let files: Vec<(&str, &[u8])> = vec![
        ("etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"),
        ("usr/share/distro-info/debian.csv", b"version,codename,series,created,release,eol\n12,Bookworm,bookworm,2021-08-14,2023-06-10,2026-07-11\n"),
        ("var/lib/dpkg/status", STATUS),
        ("var/lib/apt/lists/m_dists_x_main_binary-amd64_Packages", b"Package: a\nVersion: 1.0-2\nArchitecture: amd64\nSource: b (1.0-2)\nSize: 5\n"),
        ("var/lib/apt/lists/m_dists_x_InRelease", b"Origin: Debian\nSuite: x\nDate: Sat, 21 Nov 2026 08:28:25 UTC\nSHA256:\n 00 78 main/binary-amd64/Packages\n"),
        ("etc/apt/preferences", b"Package: lin[ab]* src:b /^a$/:any\nPin: release o=Debian*,a=/x/\nPin-Priority: 990\n\nPackage: *\nPin: version 1.*\nPin-Priority: never\n"),
        ("etc/apt/apt.conf", b"APT { Default-Release \"x\"; /* c */ };\n#clear X;\n"),
        ("etc/apt/sources.list", b"deb [arch=amd64] http://u:w@m:80/ x main # c\n"),
        ("etc/apt/sources.list.d/y.sources", b"Types: deb\nURIs: http://m/\nSuites: x ./\n y\nComponents: main\nEnabled: yes\n"),
        ("var/lib/rpm/Packages.db", RPMS),
        (&primary, br#"<metadata><package type="rpm"><name>tiny</name><arch>noarch</arch><version epoch="2" ver="1.6" rel="1.el9"/><size package="7"/></package></metadata>"#),
        (&updateinfo, br#"<updates><update type="security"><id>A-1</id><pkglist><collection><package name="tiny" version="1.6" release="1.el9" epoch="2" arch="noarch"/></collection></pkglist></update></updates>"#),
        (&modules, b"---\ndata:\n  name: nodejs\n  stream: \"18\"\n  artifacts:\n    rpms:\n    - tiny-2:1.6-1.el9.noarch\n"),
        ("etc/yum.repos.d/x.repo", b"[base]\nenabled=1\npriority=10\nexcludepkgs=a*,\n  b?\n"),
        ("etc/dnf/plugins/versionlock.list", b"tiny-2:1.5-3.el9.*\n!other-0:1-1.x\n"),
        ("etc/dnf/versionlock.toml", b"[[packages]]\nname = \"tiny\"\n[[packages.conditions]]\nkey = \"evr\"\ncomparator = \"<\"\nvalue = \"2:1.6\"\n"),
        ("lib/apk/db/installed", b"P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\nP:linux-lts\nV:6.6.40-r0\nA:x86_64\n\n"),
        ("etc/apk/repositories", b"@edge https://a.example/edge/main\nhttps://a.example/v3.20/main\n"),
        ("etc/apk/world", b"musl@edge>=1.2 busybox~1.36 !x\n"),
        (MAIN, &index),
        ("proc/sys/kernel/osrelease", b"6.6.32-0-lts\n"),
        ("proc/version", b"Linux version 6.1.0-18-amd64 (x@y) #1 SMP Debian 6.1.76-1 (2024-02-01)\n"),
        ("proc/stat", b"cpu 1 2\nbtime 1709251200\n"),
        ("proc/812/stat", b"812 (a b) S 1 812 812 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100000 0 0\n"),
        ("proc/812/maps", b"7f00-7f01 r-xp 00000000 08:01 12 /usr/lib/x/liba.so.3 (deleted)\n"),
        ("proc/812/cgroup", b"0::/system.slice/ssh.service\n"),
        ("var/lib/dpkg/info/a.list", b"/.\n/lib/x/liba.so.3\n"),
        ("var/log/dpkg.log", b"2024-03-20 10:00:00 upgrade a:amd64 0.9-1 1.0-1\n"),
    ];
    let (root, inventory) = host("fuzz", &files);
    assert!(inventory.pending.len() >= 2, "{:?}", inventory.problems);
    for (path, seed) in &files {
        // Databases have targets of their own.
        if path.ends_with("Packages.db") {
            continue;
        }
        let file = root.join(path);
        testkit::fuzz::run_for(0.3, &[seed.to_vec()], |input| {
            std::fs::write(&file, input).expect("written");
            let mut inventory = read(&root);
            let directory = plimsoll_inventory::Directory::new(std::fs::File::open(&root).expect("opens").into());
            plimsoll_inventory::os::collect(&directory, &mut inventory);
            plimsoll_inventory::host::collect(&directory, &mut inventory);
        });
        std::fs::write(&file, seed).expect("written");
    }
    std::fs::remove_dir_all(root).expect("removed");
}

#[test]
fn opkg_packages_are_kept_by_their_kind() {
    let status: &[u8] = b"Package: busybox\nVersion: 1.36.1-1\nStatus: install user installed\nArchitecture: x86_64\n";
    let (root, inventory) = host("opkg", &[("usr/lib/opkg/status", status)]);
    let package = &inventory.packages[0];
    assert_eq!((package.kind, package.ecosystem.as_str()), (plimsoll_inventory::PackageType::Opkg, ""));
    std::fs::remove_dir_all(root).expect("removed");
}
