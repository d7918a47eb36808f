//! An agent's folder, a service that lets it in, and hosts of our own making.
#![allow(dead_code, clippy::expect_used, clippy::print_stderr, reason = "tests; not every one uses all of it")]

use super::world::{World, asset, person};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of the test's own, gone when it ends.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-agent-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A ticket for an asset of this id, which is registered.
pub(crate) async fn ticket(world: &World, id: &str) -> String {
    let who = (&person("root"), world.now());
    let fingerprint = server::fingerprint(&world.folder, world.now()).expect("a fingerprint");
    operations::enrolment(&world.organisation, who, (&asset(id), true), fingerprint).await.expect("a ticket").reveal()
}

/// Runs a command beside the service.
pub(crate) async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("run")).await.expect("run")
}

/// What a command wrote that has to succeed.
pub(crate) async fn done(command: Command) -> String {
    let words = format!("{command:?}");
    let output = run(command).await;
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The agent as it was built for another target, if it was.
pub(crate) fn built_for(target: &str, file: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_plimsoll-agent")).ancestors().nth(2).expect("the target folder");
    let program = folder.join(target).join("debug").join(file);
    if !program.exists() {
        eprintln!("SKIPPED: the agent was not built for {target} (./test builds it)");
        return None;
    }
    Some(program)
}

/// A Debian host of our own making that the agent sees as its own: it runs with the host's folder as its root.
pub(crate) struct Chroot(Folder);

impl Chroot {
    /// None where this process may not make one.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let program = built_for("x86_64-unknown-linux-musl", "plimsoll-agent")?;
        let folder = Folder::new(name);
        let root = &folder.0;
        for path in ["etc", "var/lib/dpkg", "proc", "tmp", "dev"] {
            std::fs::create_dir_all(root.join(path)).expect("a folder");
        }
        std::fs::copy(program, root.join("plimsoll-agent")).expect("copied");
        let release = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
        let host = Self(folder);
        host.write("etc/os-release", release);
        host.write("dev/null", "");
        host.install(&[("base-files", "12.4")]);
        let tried = host.agent(&["--version"]).output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            eprintln!("SKIPPED: this process may not change its root");
            return None;
        }
        Some(host)
    }

    /// Has these packages from now on, and no others.
    pub(crate) fn install(&self, packages: &[(&str, &str)]) {
        let paragraph = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\nMaintainer: nobody\n\n"
            )
        };
        let status: String = packages.iter().map(paragraph).collect();
        self.write("var/lib/dpkg/status", &status);
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.0.0.join(path), text).expect("written");
    }

    /// The agent on this host.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Command {
        let root = &self.0.0;
        let mut command = Command::new("unshare");
        // It has processes of its own too, and sees no others.
        command.args(["--mount", "--pid", "--fork"]).arg(format!("--mount-proc={}", root.join("proc").display()));
        command.arg("chroot").arg(root).args(["/plimsoll-agent", "--state", "/state"]).args(arguments);
        command
    }

    /// The same in a network of its own.
    pub(crate) fn agent_in(&self, network: &str, arguments: &[&str]) -> Command {
        let own = self.agent(arguments);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", network]).arg(own.get_program()).args(own.get_args());
        command
    }

    /// Forgets that it has enrolled.
    pub(crate) fn forget(&self) {
        let _ = std::fs::remove_dir_all(self.0.0.join("state"));
    }

    /// How many inventories wait to be sent.
    pub(crate) fn waiting(&self) -> usize {
        std::fs::read_dir(self.0.0.join("state/waiting")).map_or(0, Iterator::count)
    }
}
