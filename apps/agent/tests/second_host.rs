//! The agent on a second host, which has a network, a root and packages of its own: it reaches the service over the wire alone.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

extern crate server as plimsoll_server;

#[path = "../../server/tests/world/mod.rs"]
mod world;

mod home;

use home::{Chroot, done, run, ticket};
use std::process::Command;
use world::{World, asset};

/// A network with this host at one end and nobody at the other, yet.
struct Network {
    name: String,
    link: String,
    here: String,
}

impl Network {
    /// None where this process may not make one.
    async fn new() -> Option<Self> {
        let number = std::process::id() % 16_000;
        let (name, link) = (format!("plimsoll-{number}"), format!("pl{number}a"));
        let (high, low) = (number / 64, 4 * (number % 64));
        let (here, there) = (format!("10.213.{high}.{}", low + 1), format!("10.213.{high}.{}", low + 2));
        let (other, here_wide, there_wide) = (format!("pl{number}b"), format!("{here}/30"), format!("{there}/30"));
        let network = Self { name, link, here };
        let (name, link) = (network.name.as_str(), network.link.as_str());
        let steps: [&[&str]; 6] = [
            &["netns", "add", name],
            &["link", "add", link, "type", "veth", "peer", "name", &other, "netns", name],
            &["addr", "add", &here_wide, "dev", link],
            &["link", "set", link, "up"],
            &["-n", name, "addr", "add", &there_wide, "dev", &other],
            &["-n", name, "link", "set", &other, "up"],
        ];
        for step in steps {
            let mut command = Command::new("ip");
            command.args(step);
            let made = tokio::task::spawn_blocking(move || command.output()).await.expect("run");
            if !made.is_ok_and(|made| made.status.success()) {
                eprintln!("SKIPPED: this process may not make a network (`ip {}`)", step.join(" "));
                return None;
            }
        }
        Some(network)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for step in [["link", "del", &self.link], ["netns", "del", &self.name]] {
            let _ = Command::new("ip").args(step).output();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_reports_over_the_wire_what_it_has_and_nothing_of_this_one() {
    let Some(host) = Chroot::new("second-host") else { return };
    let Some(network) = Network::new().await else { return };
    let here = network.here.clone();
    let world = World::with("second-host", |settings| {
        settings.agents = Some(std::net::SocketAddr::new(here.parse().expect("an address"), 0));
        settings.agent_names = vec![here.clone()];
    });
    let world = world.await;
    world.set_clock(jiff::Timestamp::now());
    let port = world.agents.rsplit(':').next().expect("a port").to_owned();
    let address = format!("https://{}:{port}", network.here);
    let text = ticket(&world, "second").await;
    host.install(&[("openssl", "3.0.1-1"), ("nginx", "1.22.1-9")]);
    done(host.agent_in(&network.name, &["enrol", &address, &text])).await;
    done(host.agent_in(&network.name, &["once"])).await;
    let names = || async {
        let record = world.organisation.store.record().await.expect("read");
        let things = record.facts.things_of(&asset("second")).filter_map(|number| record.facts.thing(number));
        things.filter(|thing| thing.is_package()).map(fleet::Thing::label).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["nginx 1.22.1-9", "openssl 3.0.1-1"]);
    // The wire is cut: what it sees meanwhile waits, and is told when there is a wire again.
    host.install(&[("openssl", "3.0.2-1"), ("nginx", "1.22.1-9")]);
    done(ip(&["link", "set", &network.link, "down"])).await;
    let away = run(host.agent_in(&network.name, &["once"])).await;
    assert!(!away.status.success() && host.waiting() == 1, "{}", String::from_utf8_lossy(&away.stderr));
    done(ip(&["link", "set", &network.link, "up"])).await;
    done(host.agent_in(&network.name, &["once"])).await;
    assert_eq!((names().await, host.waiting()), (vec!["nginx 1.22.1-9".to_owned(), "openssl 3.0.2-1".to_owned()], 0));
}

fn ip(arguments: &[&str]) -> Command {
    let mut command = Command::new("ip");
    command.args(arguments);
    command
}
