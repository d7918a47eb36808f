//! People are written to: what they owe and have missed, what waits for their word, and what is said of changes of what is theirs; each
//! thing once, also where the mail server says no at first.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use lifecycle::{Role, TokenScope};
use plimsoll_server::Settings;
use serde_json::json;
use std::time::Duration;
use testkit::smtp::{MailBox, Taken};
use world::{World, day, person, shown};

const SOON: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_millis(2500);

fn mailed(mailbox: &MailBox) -> impl FnOnce(&mut Settings) {
    let address = format!("smtp://{}", mailbox.address);
    let from = "Plimsoll <plimsoll@example.org>".to_owned();
    move |settings| {
        settings.mail = Some(connectors::MailServer { address, from, credentials: None, authorities: None });
        settings.write_every = Duration::from_millis(200);
    }
}

/// People with addresses, under a whole policy.
async fn governed(name: &str, mailbox: &MailBox, people: &str) -> World {
    let world = World::with(name, mailed(mailbox)).await;
    let text = policy::PROFILES[0].whole().expect("a profile");
    world.organisation.adopt(&person("root"), ("saas", &text), day(0)).await.expect("adopted");
    let csv = format!("person,name,email,roles,teams,groups\n{people}");
    let answer = world.form("/people/import", &world.cookie("root").await, &[("csv", &csv)]).await;
    assert_eq!(answer.status(), 200);
    world
}

/// What arrives from now on: the first within a while, the others soon after.
fn arriving(mailbox: &MailBox) -> Vec<Taken> {
    let first = mailbox.next(SOON);
    first.into_iter().chain(std::iter::from_fn(|| mailbox.next(QUIET * 2))).collect()
}

fn told(letter: Option<Taken>, whom: &str, what: &[&str]) {
    let letter = letter.expect("a letter");
    assert_eq!(letter.to, format!("RCPT TO:<{whom}@example.org>"), "{letter:?}");
    what.iter().for_each(|what| assert!(letter.text.contains(what), "{what} in {}", letter.text));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owes_something_is_told_once_and_who_answers_for_it_once_it_is_missed() {
    let mailbox = MailBox::new(1);
    let people = "emma,Emma,emma@example.org,employee,,\nlea,Lea,,security-lead,,\n";
    let world = governed("mail-duties", &mailbox, people).await;
    let begun = std::time::Instant::now();
    loop {
        let settings = shown(&world, "root", "/settings").await;
        if settings.contains("1 waiting, 0 sent, 0 given up") && settings.contains("451") {
            break;
        }
        assert!(begun.elapsed() < SOON, "{settings}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(mailbox.next(QUIET), None, "the server takes nothing yet");
    world.set_clock(day(0) + jiff::SignedDuration::from_mins(1));
    let tasks = format!("{}/tasks", world.base);
    told(mailbox.next(SOON), "emma", &["Do the course “", &tasks, "Subject: Plimsoll: "]);
    assert!(mailbox.next(QUIET).is_none(), "it was told");
    let settings = shown(&world, "root", "/settings").await;
    assert!(settings.contains("0 waiting, 1 sent, 0 given up") && !settings.contains("451"), "{settings}");
    world.set_clock(day(8));
    told(mailbox.next(SOON), "emma", &["- Read “", "and say so, by 2026-11-15"]);
    // It is missed; who was added since is told what came up to them.
    let csv = "person,name,email,roles,teams,groups\nlea,Lea,lea@example.org,security-lead,,\n";
    let answer = world.form("/people/import", &world.cookie("root").await, &[("csv", csv)]).await;
    assert_eq!(answer.status(), 200);
    told(mailbox.next(SOON), "lea", &["Do the course “"]);
    world.set_clock(day(16));
    let mut letters = arriving(&mailbox);
    letters.sort_by(|one, other| one.to.cmp(&other.to));
    let all: Vec<(&str, bool)> =
        letters.iter().map(|letter| (letter.to.as_str(), letter.text.contains("Missed"))).collect();
    assert!(all.contains(&("RCPT TO:<emma@example.org>", true)), "{letters:#?}");
    assert!(
        letters.iter().any(|letter| letter.to.contains("lea@") && letter.text.contains("Missed by emma")),
        "{letters:#?}"
    );
    // Who has gone is told nothing.
    world.somebody("emma", &[], &[]).await;
    world.set_clock(day(32));
    let more: Vec<Taken> = std::iter::from_fn(|| mailbox.next(QUIET)).collect();
    assert!(!more.iter().any(|letter| letter.to.contains("emma@")), "{more:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_announced_to_those_whose_assets_they_are_and_decisions_to_those_who_answer() {
    let mailbox = MailBox::new(0);
    let people = "boss,Boss,boss@example.org,approver,,\notto,Otto,,operator,,\ndora,Dora,dora@example.org,developer,web,\nana,Ana,ana@example.org,developer,data,\n";
    let world = governed("mail-changes", &mailbox, people).await;
    let source = |version: &str| ("example".to_owned(), version.to_owned());
    let own = fleet::Thing { source: Some(source("1")), ..world::thing("libexample1", "1") };
    let offer = fleet::Offer {
        version: "2".to_owned(),
        source: source("2"),
        suite: "bookworm-security".to_owned(),
        ..fleet::Offer::default()
    };
    world.host("web-1", "web", vec![own.clone(), fleet::Thing { offer: Some(Box::new(offer)), ..own }]).await;
    for _ in ["boss", "dora", "ana"] {
        assert!(mailbox.next(SOON).expect("a letter").text.contains("Do the course “"));
    }
    assert_eq!(mailbox.next(QUIET), None);
    let bearer = format!("Bearer {}", world.token("otto", TokenScope::ALL).await);
    let post = async |path: &str, body: serde_json::Value| {
        let request = world.post(path).header("authorization", &bearer).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.expect("answered");
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.expect("a body"));
    };
    let until = (world.now() + jiff::SignedDuration::from_hours(24 * 20)).to_string();
    let plan = json!({ "id": "c1", "kind": "normal", "title": "example", "until": until, "packages": ["example"], "way_back": "what was installed is kept" });
    post("/api/v1/changes", plan).await;
    post("/api/v1/changes/c1/acts", json!({ "act": "tell-business", "why": "On Sunday from 02:00 the shop is slow" }))
        .await;
    let request = lifecycle::Command::RequestDecision {
        decision: lifecycle::DecisionId::new("d1").expect("an id"),
        kind: lifecycle::DecisionKind::FalsePositive,
        reach: lifecycle::Reach { vulnerability: "CVE-2026-404".to_owned(), package: None, assets: Default::default() },
        reason: "it is not compiled in".to_owned(),
        until: day(20),
        renews: None,
        assessment: lifecycle::Assessment::default(),
    };
    world.act("otto", request).await;
    let mut letters = arriving(&mailbox);
    letters.sort_by(|one, other| one.to.cmp(&other.to));
    let to: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(to, ["RCPT TO:<boss@example.org>", "RCPT TO:<dora@example.org>"], "{letters:#?}");
    assert!(letters[0].text.contains("Decision d1 on CVE-2026-404 waits for your answer"), "{letters:#?}");
    assert!(letters[1].text.contains("Change c1 of assets of your team: On Sunday from 02:00 the shop is slow"));
    assert!(letters[1].text.contains(&format!("{}/changes/c1", world.base)), "{letters:#?}");
    // A second word is another one.
    world.set_clock(world.now() + jiff::SignedDuration::from_mins(1));
    post("/api/v1/changes/c1/acts", json!({ "act": "tell-business", "why": "It is on Monday now" })).await;
    told(mailbox.next(SOON), "dora", &["Change c1 of assets of your team: It is on Monday now"]);
    assert_eq!(
        world.organisation.store.record().await.expect("read").state.people[&person("dora")].roles,
        world::roles(&[Role::Developer])
    );
}
