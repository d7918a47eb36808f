//! The program with a folder of its own, small feeds, and two hosts.
#![allow(dead_code, clippy::expect_used, reason = "tests; not every one uses all of it")]

use std::path::PathBuf;
use std::process::{Command, Output};

pub(crate) struct World {
    pub(crate) folder: PathBuf,
}

impl World {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-fleet-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("feeds")).expect("a folder");
        let world = Self { folder };
        world.write("feeds/DSA-list", "[12 Feb 2026] DSA-9999-1 example - security update\n\t{CVE-2026-0001 CVE-2026-0002}\n\t[bookworm] - example 1.2-3+deb12u1\n");
        world.write("feeds/kev.json", r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-03-01","dueDate":"2026-03-22"}]}"#);
        world.write("old", "Package: libexample1\nStatus: install ok installed\nArchitecture: amd64\nSource: example\nVersion: 1.2-3\n");
        world.write("new", "Package: libexample1\nStatus: install ok installed\nArchitecture: amd64\nSource: example\nVersion: 1.2-3+deb12u1\n");
        world.write("assets.csv", "asset,exposure,environment,owner,tags\nweb-1,exposed,production,web,front;eu\ndb-1,internal,production,data,\n");
        world
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("written");
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.env("USER", "olaf").env_remove("PLIMSOLL_STORE").env_remove("PLIMSOLL_PERSON");
        command.arg("--data").arg(self.folder.join("data")).args(arguments).output().expect("it runs")
    }

    pub(crate) fn code(&self, arguments: &[&str]) -> i32 {
        self.run(arguments).status.code().expect("a code")
    }

    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).expect("UTF-8")
    }

    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stderr).expect("UTF-8")
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.text(arguments)).expect("JSON")
    }

    pub(crate) fn push(&self, asset: &str, file: &str, at: &str) -> i32 {
        self.code(&["fleet", "push", asset, &self.path(file), "--release", "debian-12", "--taken-at", at])
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
