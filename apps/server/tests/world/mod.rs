//! A service in a folder of its own, with a clock that is set, and people of every role.
#![allow(dead_code, clippy::expect_used, reason = "tests; not every one uses all of it")]

pub(crate) mod agent;

use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{AssetId, Attributes, Command, Holder, PersonId, Role, TokenScope};
use operations::{Observed, Organisation};
use plimsoll_server::{Clock, Service, Settings};
use protocol::Ticket;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use store::{Options, Plan, Session, Store};

/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A service and its surroundings.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) organisation: Organisation,
    pub(crate) service: Option<Service>,
    pub(crate) base: String,
    pub(crate) agents: String,
    pub(crate) client: reqwest::Client,
    clock: Arc<Mutex<Timestamp>>,
}

pub(crate) fn person(id: &str) -> PersonId {
    PersonId::new(id).expect("an id")
}

pub(crate) fn asset(id: &str) -> AssetId {
    AssetId::new(id).expect("an id")
}

pub(crate) fn day(number: i64) -> Timestamp {
    "2026-11-01T12:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_hours(24 * number)
}

/// A package.
pub(crate) fn thing(name: &str, version: &str) -> fleet::Thing {
    fleet::Thing {
        kind: "deb".to_owned(),
        ecosystem: "Debian:12".to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        ..fleet::Thing::default()
    }
}

pub(crate) fn observed(things: Vec<fleet::Thing>) -> Observed {
    Observed::new(things, "Debian GNU/Linux 12 (bookworm)".to_owned(), Vec::new(), 0).expect("observed")
}

impl World {
    /// A service on SQLite, as of the first day.
    pub(crate) async fn new(name: &str) -> Self {
        Self::with(name, |_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn with(name: &str, set: impl FnOnce(&mut Settings)) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-server-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("keys")).expect("a folder");
        let url = folder.join("record.sqlite").display().to_string();
        Self::at(folder, &url, set).await
    }

    /// A service on a database.
    pub(crate) async fn at(folder: PathBuf, url: &str, set: impl FnOnce(&mut Settings)) -> Self {
        std::fs::create_dir_all(folder.join("keys")).expect("a folder");
        let signer = Signer::from_seed("plimsoll/test", KeyKind::Note, &[5; 32]).expect("a key");
        let options = Options { findings_at: Some(day(0)), ..Options::new(url, signer) };
        let organisation = Organisation::new(Store::open(options, |_| {}).await.expect("opened"));
        let preset = &policy::PRESETS[0];
        organisation.found(&person("root"), (preset.id, preset.text), day(0)).await.expect("founded");
        let clock = Arc::new(Mutex::new(day(0)));
        let told = Arc::clone(&clock);
        let now: Clock = Arc::new(move || *told.lock().expect("the clock"));
        let here = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let mut settings = Settings::new(here(0), Some(here(0)));
        settings.agent_names = vec!["localhost".to_owned()];
        set(&mut settings);
        let begun = Service::begin(organisation.clone(), folder.clone(), (settings, now), &person("root")).await;
        let service = begun.expect("begun");
        let client = feeds::client_builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let (base, agents) =
            (service.address.trim_end_matches('/').to_owned(), service.agents.clone().unwrap_or_default());
        Self { folder, organisation, service: Some(service), base, agents, client, clock }
    }

    /// The same record, served again where agents found it before.
    pub(crate) async fn again(world: Self, agents_port: u16) -> Self {
        let (clock, folder) = (Arc::clone(&world.clock), world.folder.clone());
        let told = Arc::clone(&clock);
        let now: Clock = Arc::new(move || *told.lock().expect("the clock"));
        let here = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let mut settings = Settings::new(here(0), Some(here(agents_port)));
        settings.agent_names = vec!["localhost".to_owned()];
        let begun = Service::begin(world.organisation.clone(), folder, (settings, now), &person("root")).await;
        let service = begun.expect("begun");
        let base = service.address.trim_end_matches('/').to_owned();
        let mut world = world;
        (world.base, world.service) = (base, Some(service));
        world
    }

    /// Another replica of the same record and data directory.
    pub(crate) async fn beside(world: &Self) -> Self {
        let beside = Self {
            folder: world.folder.clone(),
            organisation: world.organisation.clone(),
            service: None,
            base: String::new(),
            agents: String::new(),
            client: world.client.clone(),
            clock: Arc::clone(&world.clock),
        };
        Self::again(beside, 0).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.clock.lock().expect("the clock")
    }

    pub(crate) fn set_clock(&self, at: Timestamp) {
        *self.clock.lock().expect("the clock") = at;
    }

    pub(crate) async fn act(&self, by: &str, command: Command) {
        self.organisation.act(&person(by), self.now(), command).await.expect("done");
    }

    /// Somebody with these roles and teams.
    pub(crate) async fn somebody(&self, id: &str, roles: &[Role], teams: &[&str]) {
        let teams = teams.iter().map(|team| (*team).to_owned()).collect();
        self.act("root", Command::SetRoles(person(id), roles.iter().copied().collect(), teams)).await;
    }

    /// A cookie with which somebody is signed in.
    pub(crate) async fn cookie(&self, id: &str) -> String {
        let secret = format!("{id}{}", "0".repeat(40));
        let digest = ledger::digest(secret.as_bytes());
        let session = Session { digest, person: person(id), until: day(30), body: String::new() };
        let plan = Plan { sessions: vec![session], ..Plan::default() };
        self.organisation.store.commit(&person("root"), self.now(), move |_| Ok(plan)).await.expect("signed in");
        format!("plimsoll={secret}")
    }

    /// A token of somebody's.
    pub(crate) async fn token(&self, id: &str, scopes: &[TokenScope]) -> String {
        let mut random = [0; 40];
        getrandom::fill(&mut random).expect("randomness");
        let ticket = Ticket::new(&random, None).expect("a ticket");
        let command = Command::IssueToken {
            token: ticket.token.clone(),
            holder: Holder::Person(person(id)),
            digest: ticket.digest(),
            until: day(300),
            scopes: scopes.iter().copied().collect(),
        };
        self.act("root", command).await;
        ticket.reveal()
    }

    /// An asset that has these packages.
    pub(crate) async fn host(&self, id: &str, owner: &str, things: Vec<fleet::Thing>) {
        let attributes = Attributes { owner: Some(owner.to_owned()), ..Attributes::default() };
        self.act("root", Command::RegisterAsset(asset(id), attributes)).await;
        let input = (observed(things), self.now());
        self.organisation.push(&person("root"), asset(id), input, (None, self.now())).await.expect("taken in");
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    /// The status of what a token is answered, where it may only read.
    pub(crate) async fn status_with(&self, token: &str) -> u16 {
        let asked = self.get("/api/v1/assets").header("authorization", format!("Bearer {token}"));
        asked.send().await.expect("answered").status().as_u16()
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    /// A form that somebody sends from a page.
    pub(crate) async fn form(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let body = serde_urlencoded::to_string(fields).expect("a form");
        let request =
            self.post(path).header("cookie", cookie).header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send().await.expect("answered")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What stands in the main part of a page, with its status, as somebody sees it.
pub(crate) async fn main_of(world: &World, who: &str, path: &str) -> (u16, String) {
    let cookie = world.cookie(who).await;
    let answer = world.get(path).header("cookie", &cookie).send().await.expect("answered");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, text.split("<main").nth(1).unwrap_or(&text).to_owned())
}

/// The same of a page that is there.
pub(crate) async fn shown(world: &World, who: &str, path: &str) -> String {
    let (status, text) = main_of(world, who, path).await;
    assert_eq!(status, 200, "{who} {path}: {text}");
    text
}

/// The status and the code of a problem.
pub(crate) async fn problem(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: serde_json::Value = serde_json::from_str(&response.text().await.expect("a body")).unwrap_or_default();
    (status, body["type"].as_str().unwrap_or_default().trim_start_matches("urn:plimsoll:").to_owned())
}

/// All of a set of roles.
pub(crate) fn roles(all: &[Role]) -> BTreeSet<Role> {
    all.iter().copied().collect()
}
