//! Pending updates of small hosts of our own making.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

use plimsoll_inventory::{Directory, Inventory, Os, pending, readers};
use std::io::Write;
use std::path::PathBuf;

fn host(name: &str, files: &[(&str, &[u8])]) -> (PathBuf, Inventory) {
    let root = std::env::temp_dir().join(format!("plimsoll-pending-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    for (path, content) in files {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("created");
        std::fs::write(file, content).expect("written");
    }
    let directory = Directory::new(std::fs::File::open(&root).expect("opens").into());
    let os = directory.read("etc/os-release", 1 << 16).expect("read").map(|bytes| Os::parse(&bytes));
    let mut inventory = Inventory { os, ..Inventory::default() };
    readers::read_databases(&directory, &mut inventory);
    pending::collect(&directory, &mut inventory);
    (root, inventory)
}

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
    let again = || {
        let directory = Directory::new(std::fs::File::open(&root).expect("opens").into());
        let mut inventory = Inventory::default();
        readers::read_databases(&directory, &mut inventory);
        pending::collect(&directory, &mut inventory);
        inventory
    };
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
    assert!(!inventory.has_repository_metadata && inventory.packages.iter().all(|package| !package.is_offered));
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
