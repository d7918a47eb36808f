//! Facts about a running host that decide risk: kernel, reboot markers, processes that run replaced files.

use crate::directory::{Directory, EntryKind};
use crate::model::{HostFacts, Inventory, PackageType, StaleProcess};
use versions::Scheme;

/// Reads the facts of the host whose root is given; `/proc` below it must be the running kernel's.
#[must_use]
pub fn collect(root: &Directory, inventory: &Inventory) -> HostFacts {
    let text = |path: &str| {
        root.read(path, 1 << 20).ok().flatten().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    let mut facts = HostFacts { running_kernel: text("proc/sys/kernel/osrelease"), ..HostFacts::default() };
    kernels(&mut facts, inventory);
    reboot_markers(root, &mut facts);
    processes(root, &mut facts);
    facts
}

/// The release string (`uname -r`) and version of a package that is a bootable kernel.
#[must_use]
pub fn kernel_release(package: &crate::Package) -> Option<(String, &str)> {
    match package.kind {
        PackageType::Deb => {
            let release = package.name.strip_prefix("linux-image-")?;
            // Metapackages (`linux-image-amd64`) follow; unsigned and debug builds are not what boots.
            let is_real = release.starts_with(|c: char| c.is_ascii_digit())
                && !release.ends_with("-dbg")
                && !release.ends_with("-unsigned");
            is_real.then(|| (release.to_owned(), package.version.as_str()))
        }
        PackageType::Rpm
            if matches!(
                package.name.as_str(),
                "kernel-core" | "kernel" | "kernel-default" | "kernel-uek-core" | "kernel-rt-core"
            ) =>
        {
            let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
            Some((format!("{version}.{}", package.architecture), package.version.as_str()))
        }
        _ => None,
    }
}

/// The flavour of a release string: `-amd64`, `-cloud-amd64`, `-generic`.
fn flavour(release: &str) -> &str {
    let is_flavour = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && !part.starts_with("bpo") && !part.starts_with("rc")
    };
    release.match_indices('-').find(|(at, _)| is_flavour(&release[at + 1..])).map_or("", |(at, _)| &release[at..])
}

fn kernels(facts: &mut HostFacts, inventory: &Inventory) {
    let Some(running) = facts.running_kernel.clone() else { return };
    let installed: Vec<(String, &str, Scheme)> = inventory
        .packages
        .iter()
        .filter_map(|package| {
            let (release, version) = kernel_release(package)?;
            let scheme = if package.kind == PackageType::Deb { Scheme::Debian } else { Scheme::Rpm };
            // INVARIANT: only versions that can be read are compared below, so that is a total order.
            scheme.check(version).ok().map(|()| (release, version, scheme))
        })
        .collect();
    let same_flavour = |release: &str| flavour(release) == flavour(&running) || release == running;
    let own = installed.iter().find(|(release, ..)| *release == running);
    facts.running_kernel_version = own.map(|(_, version, _)| (*version).to_owned());
    let candidates = installed.iter().filter(|(release, ..)| same_flavour(release));
    let newest = candidates.max_by(|a, b| a.2.compare(a.1, b.1).unwrap_or(std::cmp::Ordering::Equal));
    facts.newest_kernel = newest.map(|(release, ..)| release.clone());
    // A kernel that the host did not install itself (a container, a virtual machine booted from outside) has no newest.
    if let (Some(newest), Some(_)) = (&facts.newest_kernel, own)
        && *newest != running
    {
        facts.reboot_reasons.push(format!("the running kernel is {running}, the newest installed one is {newest}"));
    }
}

fn reboot_markers(root: &Directory, facts: &mut HostFacts) {
    for marker in ["run/reboot-required", "var/run/reboot-required", "run/reboot-needed"] {
        if !root.exists(marker) {
            continue;
        }
        let packages = root.read(&format!("{marker}.pkgs"), 1 << 20).ok().flatten().unwrap_or_default();
        let mut names: Vec<String> = String::from_utf8_lossy(&packages).lines().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        let names = if names.is_empty() { String::new() } else { format!(" for {}", names.join(", ")) };
        facts.reboot_reasons.push(format!("the package manager asks for a reboot{names}"));
        return;
    }
}

fn processes(root: &Directory, facts: &mut HostFacts) {
    for entry in root.list("proc").unwrap_or_default() {
        let Some(pid) = entry.name.parse::<u32>().ok().filter(|_| entry.kind == EntryKind::Folder) else { continue };
        match root.read(&format!("proc/{pid}/maps"), 64 << 20) {
            Ok(Some(maps)) => {
                let files = replaced_files(&String::from_utf8_lossy(&maps));
                if !files.is_empty() {
                    facts.stale_processes.push(stale_process(root, pid, files));
                }
            }
            Ok(None) => {}
            Err(_) => facts.unreadable_processes += 1,
        }
    }
}

/// Mapped program text that is gone from disk; memory files, temporary files and shared memory are no programs.
fn replaced_files(maps: &str) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for line in maps.lines().filter_map(|line| line.strip_suffix(" (deleted)")) {
        let mut words = line.split_whitespace();
        let permissions = words.nth(1).unwrap_or_default();
        let path = line.find('/').map_or("", |at| &line[at..]);
        const NOT_PROGRAMS: &[&str] = &[
            "/memfd:",
            "/dev/",
            "/SYSV",
            "/tmp/",
            "/var/tmp/",
            "/run/",
            "/proc/",
            "/[aio]",
            "/i915",
            "/anon_hugepage",
        ];
        let is_program = permissions.contains('x') || path.contains(".so");
        if is_program
            && !path.is_empty()
            && !NOT_PROGRAMS.iter().any(|prefix| path.starts_with(prefix))
            && !files.iter().any(|known| known == path)
        {
            files.push(path.to_owned());
        }
    }
    files
}

fn stale_process(root: &Directory, pid: u32, files: Vec<String>) -> StaleProcess {
    let text = |name: &str| {
        let bytes = root.read(&format!("proc/{pid}/{name}"), 1 << 16).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    StaleProcess { pid, command: text("comm").trim().to_owned(), unit: unit_of(&text("cgroup")), files }
}

/// The innermost service or scope of a control group path: `…/system.slice/ssh.service`.
fn unit_of(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().filter_map(|line| line.rsplit(':').next()).max_by_key(|path| path.len())?;
    path.split('/').rev().find(|part| part.ends_with(".service") || part.ends_with(".scope")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replaced_programs_count() {
        let maps = "7f00-7f01 r-xp 00000000 08:01 12 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n\
                    7f02-7f03 rw-s 00000000 00:01 13 /memfd:pulse (deleted)\n\
                    7f04-7f05 r--p 00000000 08:01 12 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n\
                    7f06-7f07 r-xp 00000000 08:01 14 /usr/bin/bash\n";
        assert_eq!(replaced_files(maps), ["/usr/lib/x86_64-linux-gnu/libssl.so.3"]);
        assert_eq!(unit_of("0::/system.slice/ssh.service\n").as_deref(), Some("ssh.service"));
    }

    #[test]
    fn flavours_keep_kernels_apart() {
        assert_eq!(flavour("6.1.0-18-cloud-amd64"), "-cloud-amd64");
        assert_eq!(flavour("6.8.0-31-generic"), "-generic");
        assert_eq!(flavour("5.14.0-362.8.1.el9_3.x86_64"), "");
    }
}
