//! Hosts over the files of others: made in a moment, written to in memory, kept as they are at any instant; and a dpkg that stands
//! still at what it does, call by call.

use super::{Host, skip};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

/// What `dpkg` is replaced by: itself, stopped before every so-manieth call by which it changes something.
const STEPPED: &str = r#"#!/bin/sh
if [ -d /run/steps ]; then
    number=$(ls /run/steps | wc -l)
    calls=rename,link,unlink,symlink,ftruncate,wait4,clone
    exec strace -qq -o "/run/steps/$number" -e trace=$calls -e "inject=$calls:signal=SIGSTOP:when=1+$(cat /etc/steps)" /usr/bin/dpkg.real "$@"
fi
exec /usr/bin/dpkg.real "$@"
"#;

impl Host {
    /// A host over this one's files, which stay as they are; with what was kept of such a one, if some is given. `None`, said visibly,
    /// where it cannot be made.
    #[must_use]
    pub fn layered(&self, name: &str, kept: Option<&Path>) -> Option<Self> {
        let root = std::env::temp_dir().join(format!("plimsoll-host-{name}-{}", std::process::id()));
        let layer = root.with_extension("layer");
        let done = fs::create_dir_all(&root).and_then(|()| fs::create_dir_all(&layer));
        if done.is_err() || !ran(Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(&layer)) {
            return skip("this process may not mount");
        }
        let host = Self { root, network: None, layer: Some(layer.clone()) };
        let (upper, work) = (layer.join("upper"), layer.join("work"));
        let has_upper = match kept {
            Some(kept) => copied(kept, &upper),
            None => fs::create_dir(&upper).is_ok(),
        };
        let options =
            format!("lowerdir={},upperdir={},workdir={}", self.root.display(), upper.display(), work.display());
        let is_made = has_upper && fs::create_dir(&work).is_ok();
        let mut mount = Command::new("mount");
        mount.args(["-t", "overlay", "overlay", "-o", &options]).arg(&host.root);
        if is_made && ran(&mut mount) { Some(host) } else { skip("one folder cannot be laid over another here") }
    }

    /// A host with this one's files on a btrfs file system of its own. `None`, said visibly, where there is none.
    #[must_use]
    pub fn on_btrfs(&self, name: &str) -> Option<Self> {
        let root = std::env::temp_dir().join(format!("plimsoll-host-{name}-{}", std::process::id()));
        let layer = root.with_extension("layer");
        if fs::create_dir_all(&root).is_err() || fs::create_dir_all(&layer).is_err() {
            return skip("no folder can be made");
        }
        let host = Self { root, network: None, layer: Some(layer.clone()) };
        let (image, bytes) = (layer.join("image"), 3 << 30);
        let is_made = fs::File::create(&image).and_then(|file| file.set_len(bytes)).is_ok()
            && ran(Command::new("mkfs.btrfs").arg("--quiet").arg(&image))
            && ran(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&host.root));
        if !is_made {
            return skip("btrfs cannot be mounted here");
        }
        let copied = ran(Command::new("cp").arg("--archive").arg(self.root.join(".")).arg(&host.root));
        if copied { Some(host) } else { skip("no room on btrfs") }
    }

    /// Keeps what was written over the files below as it is now: where.
    ///
    /// # Panics
    /// If it is no such host, or there is no room.
    #[must_use]
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn kept_layer(&self, name: &str) -> PathBuf {
        let layer = self.layer.as_ref().expect("a layered host");
        let to = layer.join(name);
        assert!(copied(&layer.join("upper"), &to), "no room for {}", to.display());
        to
    }

    /// Has its dpkg stand still before every so-manieth call by which it changes something, once `stop_dpkg` says so; it needs `strace`.
    ///
    /// # Panics
    /// If it cannot be replaced.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn step_dpkg(&self, every: usize) {
        let dpkg = self.root.join("usr/bin/dpkg");
        fs::rename(&dpkg, dpkg.with_extension("real")).expect("renamed");
        self.write("usr/bin/dpkg", STEPPED);
        self.write("etc/steps", &every.to_string());
        self.inside(&["chmod", "0755", "/usr/bin/dpkg"]);
    }

    /// From now on it stands still, or no longer does.
    ///
    /// # Panics
    /// If that cannot be said to it.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn stop_dpkg(&self, does_stop: bool) {
        let steps = self.root.join("run/steps");
        let done = if does_stop { fs::create_dir_all(steps) } else { fs::remove_dir_all(steps) };
        done.expect("said");
    }

    /// Does something each time its dpkg stands still, until what runs for it has ended.
    ///
    /// # Panics
    /// If nobody knows whether it has ended.
    #[allow(clippy::expect_used, reason = "tests end where they cannot go on")]
    pub fn at_each_stop(&self, running: &mut Child, mut act: impl FnMut()) {
        let mut seen = HashMap::new();
        while running.try_wait().expect("known").is_none() {
            if self.stands_still(&mut seen) {
                act();
                self.signal("dpkg.real", rustix::process::Signal::CONT);
            } else {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Whether one of its runs of dpkg stands still at a call where it did not before.
    fn stands_still(&self, seen: &mut HashMap<PathBuf, usize>) -> bool {
        let runs = fs::read_dir(self.root.join("run/steps")).into_iter().flatten().flatten();
        runs.map(|entry| entry.path()).any(|run| {
            let told = fs::read_to_string(&run).unwrap_or_default();
            let stands = told.ends_with("--- stopped by SIGSTOP ---\n") && seen.get(&run) != Some(&told.len());
            if stands {
                seen.insert(run, told.len());
            }
            stands
        })
    }
}

/// Takes the layer of a host away, and what was kept of it.
pub(super) fn forget(root: &Path, layer: &Path) {
    ran(Command::new("umount").arg(root));
    // Of one that is mounted nothing is left; otherwise a file is.
    ran(Command::new("umount").arg(layer));
    let _ = fs::remove_file(layer.join("image"));
    let _ = fs::remove_dir(layer);
    let _ = fs::remove_dir(root);
}

fn copied(from: &Path, to: &Path) -> bool {
    ran(Command::new("cp").arg("--archive").arg(from).arg(to))
}

fn ran(command: &mut Command) -> bool {
    command.output().is_ok_and(|made| made.status.success())
}
