//! What runs on small hosts of our own making: kernels, replaced files, markers.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests touch the world"
)]

mod hosts;

use plimsoll_inventory::{Directory, HostFacts, Inventory};

/// The facts of a host, and what still runs on it although it was replaced.
fn running(name: &str, files: &[(&str, &[u8])]) -> (HostFacts, Vec<String>) {
    let (root, mut inventory) = hosts::host(&format!("host-{name}"), files);
    let directory = Directory::new(std::fs::File::open(&root).expect("opens").into());
    plimsoll_inventory::host::collect(&directory, &mut inventory);
    std::fs::remove_dir_all(root).expect("removed");
    let Inventory { host, packages, .. } = inventory;
    let still = packages.iter().filter_map(|package| {
        let source = package.source.as_ref().expect("a source");
        let what = package.still_runs.as_ref()?;
        Some(format!("{} {} ({} {}): {what}", package.name, package.version, source.name, source.version))
    });
    (host.expect("facts"), still.collect())
}

const OS: (&str, &[u8]) = ("etc/os-release", b"ID=debian\nVERSION_ID=12\n");
const KERNELS: (&str, &[u8]) = ("var/lib/dpkg/status", b"Package: linux-image-6.1.0-18-amd64\nStatus: install ok installed\nVersion: 6.1.82-1\nArchitecture: amd64\nSource: linux-signed-amd64 (6.1.82+1)\n\nPackage: linux-image-6.1.0-22-cloud-amd64\nStatus: install ok installed\nVersion: 6.1.94-1\nArchitecture: amd64\n");

#[test]
fn a_kernel_that_was_rebuilt_under_its_release_still_runs_as_the_old_one() {
    let of = |name: &str, version: &str| {
        let version =
            format!("Linux version 6.1.0-18-amd64 (x@y) #1 SMP PREEMPT_DYNAMIC Debian {version} (2024-02-01)\n");
        running(
            name,
            &[OS, KERNELS, ("proc/sys/kernel/osrelease", b"6.1.0-18-amd64\n"), ("proc/version", version.as_bytes())],
        )
    };
    let (facts, still) = of("rebuilt", "6.1.76-1");
    assert_eq!(facts.running_kernel_version.as_deref(), Some("6.1.76-1"));
    assert_eq!(facts.reboot_reasons.len(), 1, "{facts:?}");
    assert_eq!(
        still,
        [
            "linux-image-6.1.0-18-amd64 6.1.76-1 (linux 6.1.76-1): reboot into the installed linux-image-6.1.0-18-amd64 6.1.82-1; 6.1.0-18-amd64 is running"
        ]
    );
    let (facts, still) = of("same", "6.1.82-1");
    assert!(facts.reboot_reasons.is_empty() && still.is_empty(), "another flavour is no newer kernel: {facts:?}");
}

#[test]
fn a_kernel_that_is_live_patched_still_waits_for_its_reboot_and_says_so() {
    let files: &[(&str, &[u8])] = &[
        OS,
        KERNELS,
        ("proc/sys/kernel/osrelease", b"6.1.0-18-amd64\n"),
        ("proc/version", b"Linux version 6.1.0-18-amd64 (x@y) #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)\n"),
        ("sys/kernel/livepatch/livepatch_2/enabled", b"1\n"),
        ("sys/kernel/livepatch/livepatch_1/enabled", b"0\n"),
    ];
    let (facts, still) = running("live-patched", files);
    assert_eq!(facts.live_patches, ["livepatch_2"]);
    assert!(facts.reboot_reasons[0].ends_with("(live-patched by livepatch_2)"), "{facts:?}");
    assert_eq!(still.len(), 1, "what a live patch mends nobody has told");
}

#[test]
fn alpine_replaces_the_kernel_that_runs() {
    let files: &[(&str, &[u8])] = &[
        ("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.3\n"),
        ("lib/apk/db/installed", b"P:linux-lts\nV:6.6.40-r0\nA:x86_64\no:linux-lts\n\n"),
        ("proc/sys/kernel/osrelease", b"6.6.32-0-lts\n"),
    ];
    let (facts, still) = running("alpine", files);
    assert_eq!((facts.reboot_reasons.len(), facts.newest_kernel.as_deref()), (1, Some("6.6.40-0-lts")));
    assert_eq!(
        still,
        [
            "linux-lts 6.6.32-r0 (linux-lts 6.6.32-r0): reboot into the installed linux-lts 6.6.40-r0; 6.6.32-0-lts is running"
        ]
    );
}

#[test]
fn a_kernel_from_elsewhere_has_no_newer_one_here() {
    let (facts, still) = running("elsewhere", &[OS, KERNELS, ("proc/sys/kernel/osrelease", b"6.18.4-cloud\n")]);
    assert!(facts.has_kernels && facts.running_kernel_version.is_none() && still.is_empty());
    assert!(facts.reboot_reasons.is_empty(), "{facts:?}");
}

#[test]
fn processes_are_told_with_the_versions_that_they_still_run() {
    let status: &[u8] = b"Package: libssl3\nStatus: install ok installed\nVersion: 3.0.15-1\nArchitecture: amd64\nSource: openssl\nMulti-Arch: same\n";
    let maps: &[u8] = b"7f00-7f01 r-xp 00000000 08:01 12 /usr/lib/x/libssl.so.3 (deleted)\n";
    // The process started 1,000 s after a boot at 2024-03-01 00:00 UTC, between the two upgrades.
    let stat: &[u8] = b"812 (my (odd) name) S 1 812 812 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100000 0 0\n";
    let log: &[u8] = b"2024-02-01 10:00:00 upgrade libssl3:amd64 3.0.9-1 3.0.11-1\n2024-03-20 10:00:00 upgrade libssl3:amd64 3.0.11-1 3.0.13-1\n2024-05-20 10:00:00 upgrade libssl3:amd64 3.0.13-1 3.0.15-1\n";
    let mut files = vec![
        OS,
        ("var/lib/dpkg/status", status),
        ("proc/812/maps", maps),
        ("proc/812/stat", stat),
        ("proc/812/comm", b"sshd\n"),
        ("proc/812/cgroup", b"0::/system.slice/ssh.service\n"),
        ("proc/stat", b"cpu 1 2 3\nbtime 1709251200\n"),
        ("usr/lib/x/libssl.so.3", b"new"),
        ("var/lib/dpkg/info/libssl3:amd64.list", b"/.\n/lib/x/libssl.so.3\n"),
        ("var/log/dpkg.log", log),
    ];
    let (facts, still) = running("stale", &files);
    assert_eq!(still, ["libssl3 3.0.11-1 (openssl 3.0.11-1): restart ssh.service"]);
    let process = &facts.stale_processes[0];
    assert!(process.is_explained && process.since.is_some() && process.unit.as_deref() == Some("ssh.service"));
    // Without the log nobody knows which version runs.
    files.pop();
    let (facts, still) = running("unexplained", &files);
    assert!(still.is_empty() && !facts.stale_processes[0].is_explained);
}

#[test]
fn a_marker_asks_for_a_reboot_since_its_day() {
    let files: &[(&str, &[u8])] = &[
        OS,
        ("run/reboot-required", b"*** System restart required ***\n"),
        ("run/reboot-required.pkgs", b"libc6\nlibc6\ndbus\n"),
    ];
    let (facts, _) = running("marker", files);
    assert!(facts.is_reboot_asked && facts.reboot_since.is_some());
    assert_eq!(facts.reboot_reasons, ["the package manager asks for a reboot for dbus, libc6"]);
}

#[test]
fn a_program_says_the_same_of_itself_in_a_file_and_in_memory() {
    use plimsoll_inventory::Inventory;
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let go = std::path::Path::new(cases).join("go-binary/program");
    let own = std::env::current_exe().expect("this program");
    // A program that ends too early, and one whose modules lie far behind where it is searched first.
    let folder = std::env::temp_dir().join(format!("plimsoll-programs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("created");
    let bytes = std::fs::read(&own).expect("read");
    let (cut, far, late) = (folder.join("cut"), folder.join("far"), folder.join("late"));
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("written");
    std::fs::write(&far, [&bytes[..], &[0; 300_000], &std::fs::read(&go).expect("read")].concat()).expect("written");
    std::fs::write(&late, [&b"\x7fELF"[..], &[0; 262_130], b"\xff Go buildinf:\x08\x02"].concat()).expect("written");
    for path in [&go, &own, &cut, &far, &late] {
        let (mut of_file, mut of_memory) = (Inventory::default(), Inventory::default());
        let file = std::fs::File::open(path).expect("opened");
        plimsoll_inventory::readers::read_program(&file, "program", &mut of_file);
        let bytes = std::fs::read(path).expect("read");
        let document = plimsoll_inventory::readers::Document { name: "program", bytes: &bytes };
        plimsoll_inventory::readers::read_document(&document, &mut of_memory);
        assert_eq!(of_file.packages, of_memory.packages, "{}", path.display());
        assert_eq!((of_file.problems, of_file.sources), (of_memory.problems, of_memory.sources), "{}", path.display());
    }
    std::fs::remove_dir_all(folder).expect("removed");
}
