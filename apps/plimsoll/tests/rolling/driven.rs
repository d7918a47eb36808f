//! Hosts on which no agent runs, with SSH servers, keys, configuration and inventory of their own.

use super::{Fleet, agent, well};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::hosts::Host;

pub(crate) const HOSTS: [(&str, &str); 2] = [("stage-1", "staging"), ("prod-1", "production")];
pub(crate) const PACKAGE: &str = "plimsoll-case";

/// Hosts that let SSH in, and what knows how to get in.
pub(crate) struct Driven {
    pub(crate) fleet: Fleet,
    servers: Vec<Child>,
}

impl Drop for Driven {
    fn drop(&mut self) {
        for (_, host) in &self.fleet.hosts {
            host.end_all();
        }
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Driven {
    /// Hosts of Debian's with the case.
    pub(crate) fn new(name: &str) -> Option<Self> {
        Self::of(name, |key| {
            let prepare = |host: &Host| {
                host.offer("1", "exit 0");
                host.inside(&["apt-get", "-qq", "-y", "install", PACKAGE]);
                host.inside(&["apt-get", "clean"]);
                host.offer("2", "exit 0");
                let_in(host, key);
            };
            Fleet::bare(name, &HOSTS, (&["openssh-server", "python3-minimal", "python3-apt"], prepare))
        })
    }

    /// A fleet made with a key that its hosts are to let in.
    pub(crate) fn of(name: &str, make: impl FnOnce(&str) -> Option<Fleet>) -> Option<Self> {
        let program = agent()?;
        for needed in ["ssh", "ssh-keygen", "ansible"] {
            let tried = Command::new("sh").args(["-c", &format!("command -v {needed}")]).output().expect("it runs");
            if !tried.status.success() {
                eprintln!("SKIPPED: {needed} is not installed");
                return None;
            }
        }
        let key = std::env::temp_dir().join(format!("plimsoll-key-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&key);
        well(
            &Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(&key)
                .output()
                .expect("it runs"),
        );
        let fleet = make(&std::fs::read_to_string(key.with_extension("pub")).expect("a key"))?;
        let mut driven = Self { fleet, servers: Vec::new() };
        driven.begin_servers(&key, &program);
        Some(driven)
    }

    /// Begins the servers, and writes down how to get in.
    fn begin_servers(&mut self, key: &Path, program: &Path) {
        let world = &self.fleet.world;
        std::fs::rename(key, world.folder.join("id")).expect("moved");
        let _ = std::fs::remove_file(key.with_extension("pub"));
        let (mut config, mut known, mut inventory) = (String::new(), String::new(), String::new());
        for (id, host) in &self.fleet.hosts {
            let address = self.fleet.network.address(self.fleet.number(id));
            let words = ["/usr/sbin/sshd", "-D", "-e", "-o", "UsePAM=no", "-o", "PidFile=none"];
            let server = host.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("begun");
            self.servers.push(server);
            let begun = Instant::now();
            while std::net::TcpStream::connect((address.as_str(), 22)).is_err() {
                assert!(begun.elapsed() < Duration::from_secs(30), "no SSH on {id}");
                std::thread::sleep(Duration::from_millis(100));
            }
            let host_key = std::fs::read_to_string(host.root.join("etc/ssh/ssh_host_ed25519_key.pub")).expect("a key");
            known.push_str(&format!("{address} {host_key}"));
            config.push_str(&format!("Host {id}\n  HostName {address}\n"));
            inventory.push_str(&format!("{id} ansible_host={address} ansible_python_interpreter=/usr/bin/python3\n"));
        }
        let own =
            format!("  User root\n  IdentityFile {}\n  UserKnownHostsFile {}\n", world.path("id"), world.path("known"));
        let all = format!("Host *\n{own}  IdentitiesOnly yes\n  StrictHostKeyChecking yes\n");
        world.write("config", &format!("{config}{all}"));
        world.write("known", &known);
        let arguments = format!("[all:vars]\nansible_user=root\nansible_ssh_common_args=-F {}\n", world.path("config"));
        world.write("inventory.ini", &format!("[servers]\n{inventory}{arguments}"));
        std::fs::copy(program, world.folder.join("agent")).expect("copied");
    }

    /// A command with the way to the hosts.
    pub(crate) fn over(&self, words: &[&str], way: &[&str]) -> Vec<String> {
        let program = self.fleet.world.path("agent");
        let all = [words, way, &["--program", &program, "--as", "otto"]].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    pub(crate) fn code(&self, words: &[&str], way: &[&str]) -> i32 {
        let all = self.over(words, way);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let output = self.fleet.world.run(&all);
        eprintln!("{words:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        output.status.code().expect("a code")
    }

    pub(crate) fn journey(&self, [first, second]: [&str; 2], way: &[&str]) {
        let fleet = &self.fleet;
        let before = [fleet.host("stage-1").state(), fleet.host("prod-1").state()];
        assert_eq!(self.code(&["fleet", "look", "stage-1", "prod-1"], way), 0);
        assert_eq!(fleet.world.code(&["fleet", "judge"]), 0);
        fleet.emergency(first, &["--package", PACKAGE]);
        assert_eq!(self.code(&["change", "drive", first], way), 0);
        let places = || ["stage-1", "prod-1"].map(|id| fleet.place(first, id));
        assert_eq!(places(), ["verified", "waiting"], "the gate is closed");
        assert_eq!(fleet.host("prod-1").state(), before[1]);
        fleet.does(&["change", "approve", first, "--as", "boss"]);
        assert_eq!(self.code(&["change", "drive", first], way), 0);
        assert_eq!(places(), ["verified", "verified"]);
        assert_eq!(["stage-1", "prod-1"].map(|id| fleet.host(id).version_of(PACKAGE)), ["2", "2"]);
        fleet.does(&["change", "follow"]);
        fleet.does(&["change", "rollback", first, "--why", "it is slow after all", "--as", "otto"]);
        assert_eq!(self.code(&["change", "drive", first], way), 0);
        fleet.does(&["change", "follow"]);
        assert_eq!(places(), ["rolled back", "rolled back"]);
        assert_eq!([fleet.host("stage-1").state(), fleet.host("prod-1").state()], before);
        assert!(fleet.world.text(&["change", "log", first, "prod-1"]).contains("log sha256:"));
        // A host's own file counts, whoever gets in.
        fleet.host("stage-1").write("etc/plimsoll/agent.toml", "actions = []\n");
        fleet.emergency(second, &["--package", PACKAGE]);
        assert_eq!(self.code(&["change", "drive", second], way), 1);
        assert_eq!(fleet.place(second, "stage-1"), "refused");
        assert_eq!(fleet.host("stage-1").version_of(PACKAGE), "1");
        assert_eq!(fleet.world.code(&["ledger", "replay"]), 0);
    }
}

/// Has a host let this key in.
pub(crate) fn let_in(host: &Host, key: &str) {
    host.write("root/.ssh/authorized_keys", key);
    host.inside(&["chmod", "-R", "go=", "/root/.ssh"]);
    host.inside(&["mkdir", "-p", "/run/sshd"]);
}
