//! The agent on a second host, which has a network, a root and packages of its own: it reaches the service over the wire alone.
#![allow(clippy::expect_used, clippy::print_stderr, reason = "tests")]

extern crate server as plimsoll_server;

#[path = "../../server/tests/world/mod.rs"]
mod world;

mod home;

use home::{Chroot, done, run, ticket};
use testkit::hosts::Network;
use world::{World, asset};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_reports_over_the_wire_what_it_has_and_nothing_of_this_one() {
    let Some(host) = Chroot::new("second-host") else { return };
    let Some(network) = Network::new() else { return };
    let (here, there) = (network.address(1), network.give(2));
    let world = World::with("second-host", |settings| {
        settings.agents = Some(std::net::SocketAddr::new(here.parse().expect("an address"), 0));
        settings.agent_names = vec![here.clone()];
    });
    let world = world.await;
    world.set_clock(jiff::Timestamp::now());
    let port = world.agents.rsplit(':').next().expect("a port").to_owned();
    let address = format!("https://{}:{port}", network.address(1));
    let text = ticket(&world, "second").await;
    host.install(&[("openssl", "3.0.1-1"), ("nginx", "1.22.1-9")]);
    done(host.agent_in(&there, &["enrol", &address, &text])).await;
    done(host.agent_in(&there, &["once"])).await;
    let names = || async {
        let record = world.organisation.store.record().await.expect("read");
        let things = record.facts.things_of(&asset("second")).filter_map(|number| record.facts.thing(number));
        things.filter(|thing| thing.is_package()).map(fleet::Thing::label).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["nginx 1.22.1-9", "openssl 3.0.1-1"]);
    // The wire is cut: what it sees meanwhile waits, and is told when there is a wire again.
    host.install(&[("openssl", "3.0.2-1"), ("nginx", "1.22.1-9")]);
    network.wire(2, false);
    let away = run(host.agent_in(&there, &["once"])).await;
    assert!(!away.status.success() && host.waiting() == 1, "{}", String::from_utf8_lossy(&away.stderr));
    network.wire(2, true);
    done(host.agent_in(&there, &["once"])).await;
    assert_eq!((names().await, host.waiting()), (vec!["nginx 1.22.1-9".to_owned(), "openssl 3.0.2-1".to_owned()], 0));
}
