//! Processes that still map files which have been replaced, by service, as needrestart finds them.

use super::replaced::Replaced;
use crate::directory::{Directory, EntryKind};
use crate::model::{HostFacts, Inventory, StaleProcess};

/// Finds them. The replaced versions that are known become packages that still run.
pub(super) fn collect(root: &Directory, facts: &mut HostFacts, inventory: &mut Inventory) {
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
    if facts.stale_processes.is_empty() {
        return;
    }
    let mut replaced = Replaced::read(root, inventory);
    for process in &mut facts.stale_processes {
        let started = started_at(root, process.pid);
        // Every file is looked at, whatever came of the one before.
        let known = process.files.iter().map(|file| replaced.note(file, started, process)).collect::<Vec<_>>();
        process.is_explained = known.iter().all(|known| *known);
    }
    inventory.packages.extend(replaced.into_packages());
}

/// Mapped program text that is gone from disk; memory files, temporary files and shared memory are no programs.
fn replaced_files(maps: &str) -> Vec<String> {
    const NOT_PROGRAMS: &[&str] =
        &["/memfd:", "/dev/", "/SYSV", "/tmp/", "/var/tmp/", "/run/", "/proc/", "/[aio]", "/i915", "/anon_hugepage"];
    let mut files: Vec<String> = Vec::new();
    for line in maps.lines().filter_map(|line| line.strip_suffix(" (deleted)")) {
        let mut words = line.split_whitespace();
        let permissions = words.nth(1).unwrap_or_default();
        let path = line.find('/').map_or("", |at| &line[at..]);
        // dpkg renames what it replaces, until it is done.
        let path = path.strip_suffix(".dpkg-tmp").or_else(|| path.strip_suffix(".dpkg-new")).unwrap_or(path);
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
    let since = files.iter().filter_map(|file| root.placed_at(file)).min();
    let (command, unit) = (text("comm").trim().to_owned(), unit_of(&text("cgroup")));
    StaleProcess { pid, command, unit, files, since, is_explained: false }
}

/// The innermost service or scope of a control group path: `…/system.slice/ssh.service`.
fn unit_of(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().filter_map(|line| line.rsplit(':').next()).max_by_key(|path| path.len())?;
    path.split('/').rev().find(|part| part.ends_with(".service") || part.ends_with(".scope")).map(str::to_owned)
}

/// When a process started, in seconds since 1970: ticks after the boot (proc_pid_stat(5), field 22; proc_stat(5)).
fn started_at(root: &Directory, pid: u32) -> Option<i64> {
    /// What Linux tells programs, whatever its own ticks are (`USER_HZ`).
    const TICKS_PER_SECOND: i64 = 100;
    let text = |path: &str| Some(String::from_utf8_lossy(&root.read(path, 1 << 20).ok()??).into_owned());
    let stat = text(&format!("proc/{pid}/stat"))?;
    // The command may hold spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: i64 = rest.split_whitespace().nth(19)?.parse().ok()?;
    let boot = text("proc/stat")?;
    let boot: i64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + ticks / TICKS_PER_SECOND)
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
}
