//! The agent itself, as a program, against a service: it enrols, reports this machine, works while the service is away, and stops
//! when it is turned away.
#![allow(clippy::expect_used, reason = "tests")]

extern crate server as plimsoll_server;

#[path = "../../server/tests/world/mod.rs"]
mod world;

mod home;

use home::{Folder, done, run, ticket};
use lifecycle::Command as Act;
use std::process::{Command, Output};
use world::{World, asset};

/// An agent's folder.
struct Home(Folder);

impl Home {
    fn new(name: &str) -> Self {
        Self(Folder::new(name))
    }

    fn agent(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll-agent"));
        command.arg("--state").arg(&self.0.0).args(arguments);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        run(self.agent(arguments)).await
    }

    async fn done(&self, arguments: &[&str]) -> String {
        done(self.agent(arguments)).await
    }

    async fn waiting(&self) -> usize {
        let status = self.done(&["status"]).await;
        let line = status.lines().find(|line| line.starts_with("waiting")).expect("a line").to_owned();
        line.split_whitespace().last().expect("a number").parse().expect("a number")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_reports_this_machine_and_goes_on_when_the_service_comes_back() {
    let mut world = World::new("program").await;
    world.set_clock(jiff::Timestamp::now());
    let home = Home::new("program");
    let text = ticket(&world, "here").await;
    home.done(&["enrol", &world.agents, &text]).await;
    home.done(&["once"]).await;
    let looked: protocol::Observed = serde_json::from_str(&home.done(&["look"]).await).expect("an inventory");
    {
        let record = world.organisation.store.record().await.expect("read");
        let known = record.state.assets[&asset("here")].inventory.as_ref().expect("an inventory").clone();
        assert_eq!(known.packages, looked.packages());
        assert!(known.packages > 50, "{} packages", known.packages);
    }
    // What it could not send waits, and is sent when the service is there again.
    let memory = home.0.0.join("memory.json");
    world.service.take().expect("running").end().await;
    std::fs::remove_file(&memory).expect("forgotten");
    let away = home.run(&["once"]).await;
    assert!(!away.status.success() && String::from_utf8_lossy(&away.stderr).contains("failed to reach"));
    assert_eq!(home.waiting().await, 1);
    let port = world.agents.rsplit(':').next().expect("a port").parse().expect("a port");
    let world = World::again(world, port).await;
    world.set_clock(jiff::Timestamp::now());
    home.done(&["once"]).await;
    assert_eq!(home.waiting().await, 0);
    let act = Act::RevokeAgent(asset("here"), "turned away".to_owned());
    world.act("root", act).await;
    let away = home.run(&["once"]).await;
    assert_eq!(away.status.code(), Some(2), "who is turned away has not reported");
    assert!(
        String::from_utf8_lossy(&away.stderr).contains("does not let this agent in"),
        "{}",
        String::from_utf8_lossy(&away.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_believes_the_server_of_its_ticket_alone() {
    let (world, other) = (World::new("real").await, World::new("impostor").await);
    world.set_clock(jiff::Timestamp::now());
    let home = Home::new("believes");
    let text = ticket(&world, "here").await;
    let refused = home.run(&["enrol", &other.agents, &text]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("is not the server that the ticket is for"), "{words}");
    let plain = home.run(&["enrol", &world.base, &text]).await;
    assert!(String::from_utf8_lossy(&plain.stderr).contains("begins with https://"));
    assert!(!home.0.0.join("identity.json").exists());
}
