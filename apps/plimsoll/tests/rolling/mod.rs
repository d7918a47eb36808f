//! A service in a process of its own and real Debian hosts in a network of their own, each with the agent; driven by the command line.
#![allow(dead_code, clippy::expect_used, clippy::print_stderr, reason = "tests; not every one uses all of it")]

pub(crate) mod driven;

use super::world::World;
use lifecycle::{AssetId, Attributes, Command as Act, PersonId, Role};
use operations::Organisation;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use store::{Keys, Options, Store};
use testkit::hosts::{Host, Network};

/// What every host here lets be done.
pub(crate) const ALLOWED: &str = "actions = [\"upgrade\", \"roll-back\"]\n";

/// The agent as one static file, as `./test` builds it.
pub(crate) fn agent() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_plimsoll")).ancestors().nth(2).expect("the target folder");
    let program = folder.join("x86_64-unknown-linux-musl/debug/plimsoll-agent");
    if !program.exists() {
        eprintln!("SKIPPED: the agent was not built as one static file (./test builds it)");
        return None;
    }
    Some(program)
}

/// Puts the agent and what it lets be done on a host.
pub(crate) fn install(agent: &Path, host: &Host) {
    host.write("etc/plimsoll/agent.toml", ALLOWED);
    std::fs::create_dir_all(host.root.join("usr/local/bin")).expect("a folder");
    std::fs::copy(agent, host.root.join("usr/local/bin/plimsoll-agent")).expect("copied");
}

/// An organisation with a service, and its hosts by their ids.
pub(crate) struct Fleet {
    pub(crate) world: World,
    pub(crate) hosts: Vec<(&'static str, Host)>,
    service: Option<Child>,
    pub(crate) network: Network,
    port: u16,
}

impl Fleet {
    /// Hosts with these ids and environments, all alike and enrolled; `None`, said visibly, where they cannot be made. What is done to
    /// the first of them before the others are made of it is the caller's.
    pub(crate) fn new(name: &str, ids: &[(&'static str, &str)], prepare: impl FnOnce(&Host)) -> Option<Self> {
        let agent = agent()?;
        let with_agent = |host: &Host| {
            install(&agent, host);
            prepare(host);
        };
        let mut fleet = Self::bare(name, ids, (&[], with_agent))?;
        fleet.enrol();
        Some(fleet)
    }

    /// Begins the service and has the agent on every host report to it.
    pub(crate) fn enrol(&mut self) {
        self.serve();
        for (id, host) in &self.hosts {
            let said = self.world.text(&["agent", "enrol", id, "--as", "otto"]);
            let ticket = said.split_whitespace().find(|word| word.starts_with("plimsoll_")).expect("a ticket");
            let server = format!("https://{}:{}", self.network.address(1), self.port);
            well(&host.run(&["plimsoll-agent", "enrol", &server, ticket]));
            well(&host.run(&["plimsoll-agent", "once"]));
        }
    }

    /// The same without agents and service, and with these packages on every host.
    pub(crate) fn bare(
        name: &str,
        ids: &[(&'static str, &str)],
        (packages, prepare): (&[&str], impl FnOnce(&Host)),
    ) -> Option<Self> {
        let first = Host::debian_with(&format!("{name}-0"), packages)?;
        prepare(&first);
        let mut hosts: Vec<(&'static str, Host)> = Vec::new();
        for (number, (id, _)) in ids.iter().enumerate().skip(1) {
            hosts.push((id, first.again(&format!("{name}-{number}"))));
        }
        let advisories = advisories(&first);
        hosts.insert(0, (ids[0].0, first));
        Self::of(name, ids, (hosts, ("DSA-list", &advisories)))
    }

    /// These hosts, and a feed with advisories of what they miss.
    pub(crate) fn of(
        name: &str,
        ids: &[(&'static str, &str)],
        (mut hosts, (feed, advisories)): (Vec<(&'static str, Host)>, (&str, &str)),
    ) -> Option<Self> {
        let network = Network::new()?;
        for (number, (_, host)) in hosts.iter_mut().enumerate() {
            host.join(&network, u8::try_from(number + 2).expect("few hosts"));
        }
        let world = World::new(name);
        world.write(&format!("feeds/{feed}"), advisories);
        found(&world, ids);
        Some(Self { world, hosts, service: None, network, port: free_port() })
    }

    /// Begins the service.
    pub(crate) fn serve(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        command.env("USER", "olaf").env_remove("PLIMSOLL_STORE").env_remove("PLIMSOLL_PERSON");
        command.arg("--data").arg(self.world.folder.join("data")).args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--agents", &format!("0.0.0.0:{}", self.port), "--agents-name", &self.network.address(1)]);
        let mut service =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("begun");
        let lines = BufReader::new(service.stderr.take().expect("piped"));
        let (told, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                eprintln!("service: {line}");
                let _ = told.send(line);
            }
        });
        self.service = Some(service);
        let begun = Instant::now();
        let port = self.port;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the service has not begun");
            std::thread::sleep(Duration::from_millis(100));
        }
        drop(heard);
    }

    /// Ends the service at once, as a power cut would.
    pub(crate) fn kill_service(&mut self) {
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
    }

    pub(crate) fn host(&self, id: &str) -> &Host {
        &self.hosts.iter().find(|(known, _)| *known == id).expect("a host").1
    }

    /// The number of a host in the network.
    pub(crate) fn number(&self, id: &str) -> u8 {
        let place = self.hosts.iter().position(|(known, _)| *known == id).expect("a host");
        u8::try_from(place + 2).expect("few hosts")
    }

    /// A command of the program that has to end well.
    pub(crate) fn does(&self, words: &[&str]) {
        well(&self.world.run(words));
    }

    /// The agent of a host asks once for an order, and carries it out if there is one.
    pub(crate) fn ask(&self, id: &str) -> String {
        // Whoever begins it may keep everything to themselves: packages do not.
        let output = self.host(id).run(&["sh", "-c", "umask 077; exec plimsoll-agent orders --once"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        eprintln!("{id}: {said}");
        said
    }

    /// Where an asset stands in a change.
    pub(crate) fn place(&self, change: &str, id: &str) -> String {
        let shown = self.world.json(&["change", "show", change, "--assets", "--format", "json"]);
        let assets = shown["assets"].as_array().expect("assets").clone();
        let own = assets.iter().find(|asset| asset["asset"] == id).expect("the asset");
        own["state"].as_str().expect("a state").to_owned()
    }

    /// Waits until an asset stands there.
    pub(crate) fn until(&self, change: &str, id: &str, place: &str) {
        let begun = Instant::now();
        while self.place(change, id) != place {
            let is = self.place(change, id);
            assert!(begun.elapsed() < Duration::from_secs(60), "{id} is {is}, and should be {place}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Plans and starts an emergency change of everything that is offered.
    pub(crate) fn emergency(&self, change: &str, more: &[&str]) {
        let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).to_string();
        let plan = ["change", "plan", change, "--kind", "emergency", "--title", "patches", "--until", &until];
        let rest = ["--way-back", "each host keeps what was installed", "--as", "otto"];
        // The service holds what was reported against the advisories first.
        let begun = Instant::now();
        let waits = || {
            self.world.json(&["change", "propose", "--format", "json"])["proposals"]
                .as_array()
                .is_none_or(Vec::is_empty)
        };
        while waits() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing falls due");
            std::thread::sleep(Duration::from_millis(500));
        }
        self.does(&[&plan[..], &rest, more].concat());
        self.does(&["change", "start", change, "--as", "otto"]);
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill_service();
    }
}

/// A command that has to end well.
pub(crate) fn well(output: &Output) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
}

/// Advisories for every package that a host could upgrade, all of one vulnerability that is exploited.
fn advisories(host: &Host) -> String {
    let would = host.inside(&["apt-get", "--simulate", "dist-upgrade"]);
    let mut lines = BTreeSet::new();
    for line in would.lines().filter_map(|line| line.strip_prefix("Inst ")) {
        let (package, rest) = line.split_once(' ').expect("a package");
        let Some((version, _)) = rest.split_once('(').and_then(|(_, inside)| inside.split_once(' ')) else { continue };
        let source = host.inside(&["dpkg-query", "--show", "--showformat=${source:Package}", package]);
        lines.insert(format!("{source} {version}"));
    }
    assert!(!lines.is_empty(), "nothing is missing: {would}");
    let advisory = |(number, line): (usize, &String)| {
        let (source, version) = line.split_once(' ').expect("a version");
        format!(
            "[12 Feb 2026] DSA-{}-1 {source} - security update\n\t{{CVE-2026-0001}}\n\t[bookworm] - {source} {version}\n",
            9000 + number
        )
    };
    lines.iter().enumerate().map(advisory).collect()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("0.0.0.0:0").expect("bound");
    listener.local_addr().expect("an address").port()
}

/// A record with people, a whole policy and these assets.
fn found(world: &World, ids: &[(&'static str, &str)]) {
    let data = world.folder.join("data");
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    Keys::of(&data).found().expect("keys");
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);
    let (olaf, text) = (PersonId::new("olaf").expect("an id"), policy::PROFILES[0].whole().expect("a profile"));
    let founding = async {
        let url = data.join("record.sqlite").display().to_string();
        let options = Options::new(&url, Keys::of(&data).signer().expect("a key"));
        let organisation = Organisation::new(Store::open(options, |_| {}).await.expect("opened"));
        organisation.found(&olaf, ("saas", &text), at).await.expect("founded");
        for (who, role) in [("boss", Role::Approver), ("otto", Role::Operator)] {
            let given = Act::SetRoles(PersonId::new(who).expect("an id"), BTreeSet::from([role]), BTreeSet::new());
            organisation.act(&olaf, at, given).await.expect("given");
        }
        for (id, environment) in ids {
            let attributes = Attributes { environment: Some((*environment).to_owned()), ..Attributes::default() };
            let registered = Act::RegisterAsset(AssetId::new(*id).expect("an id"), attributes);
            organisation.act(&olaf, at, registered).await.expect("registered");
        }
    };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(founding);
}
