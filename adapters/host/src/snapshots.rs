//! Snapshots of a host's file system before packages change: what a person goes back to where the package manager cannot.

use crate::root::{CommandError, Root};
use serde::{Deserialize, Deserializer, Serialize};
use std::fs::File;

/// A way to make snapshots.
struct Way {
    id: &'static str,
    /// What is named with it, for people.
    of: &'static str,
    /// Whether something can be made snapshots of by this name.
    is_name: fn(&str) -> bool,
    /// Makes one of something under a name that nothing else has: by what it is found.
    make: fn(&Root, &str, &str, &mut File) -> Result<String, CommandError>,
    /// Takes one away.
    remove: fn(&Root, &str, &str, &mut File) -> Result<(), CommandError>,
}

/// Every way, one entry each.
const WAYS: &[Way] = &[BTRFS, LVM, SNAPPER, ZFS, PROGRAM];

/// A subvolume (btrfs-subvolume(8)).
const BTRFS: Way = Way {
    id: "btrfs",
    of: "the path of a subvolume",
    is_name: |of| of.starts_with('/'),
    make: |root, of, name, log| {
        let folder = format!("{}/.plimsoll", of.trim_end_matches('/'));
        if !root.below(&folder).exists() {
            root.run(&["mkdir", "--mode=0700", "--", &folder], log)?;
        }
        let made = format!("{folder}/{name}");
        root.run(&["btrfs", "subvolume", "snapshot", "-r", of, &made], log).map(|_| made)
    },
    remove: |root, _, made, log| root.run(&["btrfs", "subvolume", "delete", made], log).map(|_| ()),
};

/// A logical volume (lvcreate(8)); one that is not thin takes a size.
const LVM: Way = Way {
    id: "lvm",
    of: "VOLUME-GROUP/VOLUME, and :SIZE where it is not thin",
    is_name: |of| of.contains('/') && !of.starts_with('/'),
    make: |root, of, name, log| {
        let (volume, size) = of.split_once(':').map_or((of, None), |(volume, size)| (volume, Some(size)));
        let size: Vec<&str> = size.into_iter().flat_map(|size| ["--size", size]).collect();
        let words = [&["lvcreate", "--yes", "--snapshot", "--name", name], &size[..], &[volume]].concat();
        let group = volume.split('/').next().unwrap_or_default();
        root.run(&words, log).map(|_| format!("{group}/{name}"))
    },
    remove: |root, _, made, log| root.run(&["lvremove", "--yes", made], log).map(|_| ()),
};

/// A configuration of snapper (snapper(8)).
const SNAPPER: Way = Way {
    id: "snapper",
    of: "the name of a configuration",
    is_name: |of| !of.contains('/'),
    make: |root, of, name, log| {
        let words = ["snapper", "--no-dbus", "--config", of, "create", "--print-number", "--description", name];
        root.run(&words, log).map(|told| told.trim().to_owned())
    },
    remove: |root, of, made, log| root.run(&["snapper", "--no-dbus", "--config", of, "delete", made], log).map(|_| ()),
};

/// A dataset (zfs-snapshot(8)).
const ZFS: Way = Way {
    id: "zfs",
    of: "the name of a dataset",
    is_name: |of| !of.starts_with('/') && !of.contains('@'),
    make: |root, of, name, log| {
        let made = format!("{of}@{name}");
        root.run(&["zfs", "snapshot", &made], log).map(|_| made)
    },
    remove: |root, _, made, log| root.run(&["zfs", "destroy", made], log).map(|_| ()),
};

/// A program of the host's own, for whatever makes snapshots of its disks from outside: `make NAME` prints by what it is found,
/// `remove` is given that.
const PROGRAM: Way = Way {
    id: "program",
    of: "the path of a program",
    is_name: |of| of.starts_with('/'),
    make: |root, of, name, log| {
        let told = root.run(&[of, "make", name], log)?;
        let made = told.lines().map(str::trim).find(|line| is_plain(line) && !line.starts_with('-'));
        Ok(made.unwrap_or(name).to_owned())
    },
    remove: |root, of, made, log| root.run(&[of, "remove", made], log).map(|_| ()),
};

/// So many of the newest snapshots of orders stay.
pub(crate) const MOST: usize = 2;

/// What snapshots are made of, and how: `btrfs:/`, `lvm:GROUP/VOLUME`, `snapper:root`, `zfs:POOL/DATASET`, `program:/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotOf {
    way: String,
    of: String,
}

/// A snapshot that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    way: String,
    of: String,
    made: String,
}

impl std::str::FromStr for SnapshotOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || WAYS.iter().map(|way| format!("`{}:` and {}", way.id, way.of)).collect::<Vec<_>>().join(", ");
        let found = text.split_once(':').and_then(|(id, of)| Some((way(id)?, of)));
        match found.filter(|(way, of)| is_plain(of) && !of.starts_with('-') && (way.is_name)(of)) {
            Some((way, of)) => Ok(Self { way: way.id.to_owned(), of: of.to_owned() }),
            None => Err(format!("`{}` is nothing of which snapshots are made: write {}", text.escape_debug(), known())),
        }
    }
}

impl std::fmt::Display for SnapshotOf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.way, self.of)
    }
}

impl<'d> Deserialize<'d> for SnapshotOf {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl SnapshotOf {
    /// Makes one for an order.
    pub(crate) fn make(&self, root: &Root, order: &str, log: &mut File) -> Result<Snapshot, CommandError> {
        let Self { way: id, of } = self.clone();
        // INVARIANT: it was parsed.
        let made = match way(&id) {
            Some(way) => (way.make)(root, &of, &format!("plimsoll-{order}"), log)?,
            None => String::new(),
        };
        Ok(Snapshot { way: id, of, made })
    }
}

impl Snapshot {
    /// Takes it away.
    pub(crate) fn remove(&self, root: &Root, log: &mut File) -> Result<(), CommandError> {
        way(&self.way).map_or(Ok(()), |way| (way.remove)(root, &self.of, &self.made, log))
    }
}

impl std::fmt::Display for Snapshot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{} of {}", self.way, self.made, self.of)
    }
}

fn way(id: &str) -> Option<&'static Way> {
    WAYS.iter().find(|way| way.id == id)
}

/// Whether something is read as one word by whatever it is handed to, and as nothing else.
fn is_plain(text: &str) -> bool {
    let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-@:+".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::{SnapshotOf, way};
    use crate::root::Root;
    use std::fs::OpenOptions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_could_be_read_as_something_else_is_no_name() {
        for text in [
            "btrfs:/",
            "lvm:vg0/root",
            "lvm:vg0/root:10G",
            "zfs:rpool/ROOT/debian",
            "snapper:root",
            "program:/usr/local/sbin/snapshot",
        ] {
            assert!(text.parse::<SnapshotOf>().is_ok(), "{text}");
        }
        for text in [
            "",
            "btrfs",
            "btrfs:",
            "btrfs:srv",
            "lvm:/dev/vg0/root",
            "zfs:a@b",
            "zfs:-r",
            "snapper:a b",
            "program:sh",
            "program:/a;b",
            "ext4:/",
        ] {
            let error = text.parse::<SnapshotOf>().expect_err(text);
            assert!(error.contains("is nothing of which snapshots are made"), "{error}");
        }
    }

    /// What each way runs, by programs of the same names that write down their words: LVM and ZFS take disks of their own.
    #[test]
    fn each_way_runs_the_words_of_its_manual() {
        let folder = std::env::temp_dir().join(format!("plimsoll-ways-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let words = |id: &str, of: &str| {
            let program = folder.join("snapshot");
            std::fs::write(&program, "#!/bin/sh\necho \"made-$2\"\n").expect("written");
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("set");
            let of = of.replace("PROGRAM", &program.display().to_string());
            let log = folder.join("log");
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&log).expect("a log");
            let way = way(id).expect("a way");
            let made = (way.make)(&Root::at(None), &of, "plimsoll-1", &mut file);
            // Where the program is not here its words are told all the same.
            match made {
                Ok(made) => made,
                Err(error) => format!("{error:?}"),
            }
        };
        assert_eq!(words("program", "PROGRAM"), "made-plimsoll-1");
        for (id, of, expected) in [
            ("lvm", "vg0/root", r#"["lvcreate", "--yes", "--snapshot", "--name", "plimsoll-1", "vg0/root"]"#),
            (
                "lvm",
                "vg0/root:9G",
                r#"["lvcreate", "--yes", "--snapshot", "--name", "plimsoll-1", "--size", "9G", "vg0/root"]"#,
            ),
            ("zfs", "rpool/ROOT", r#"["zfs", "snapshot", "rpool/ROOT@plimsoll-1"]"#),
        ] {
            let told = words(id, of);
            assert!(told.contains(expected), "{told}");
        }
        std::fs::remove_dir_all(&folder).expect("gone");
    }
}
