//! Changes from the command line: an emergency from what is missing to what an inventory shows, and what is owed afterwards.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use fleet::{Offer, Thing};
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, Attributes, Command, PersonId, Role};
use operations::{Advisories, Observed, Organisation};
use std::collections::BTreeSet;
use store::{Keys, Options, Store};
use world::World;

fn thing(version: &str, offer: Option<&str>) -> Thing {
    let source = |version: &str| ("example".to_owned(), version.to_owned());
    Thing {
        kind: "deb".to_owned(),
        ecosystem: "Debian:12".to_owned(),
        name: "libexample1".to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        source: Some(source(version)),
        offer: offer.map(|to| {
            Box::new(Offer {
                version: to.to_owned(),
                source: source(to),
                suite: "bookworm-security".to_owned(),
                ..Offer::default()
            })
        }),
        ..Thing::default()
    }
}

const HOSTS: [(&str, &str); 2] = [("stage-1", "staging"), ("prod-1", "production")];

async fn organisation(world: &World) -> Organisation {
    let data = world.folder.join("data");
    let keys = Keys::of(&data);
    let url = data.join("record.sqlite").display().to_string();
    let options = Options::new(&url, keys.signer().expect("a key"));
    Organisation::new(Store::open(options, |_| {}).await.expect("opened"))
}

async fn push(organisation: &Organisation, world: &World, host: &str, things: Vec<Thing>, at: Timestamp) {
    let advisories = Advisories::current(&world.folder.join("data")).expect("read").expect("an index");
    let observed = Observed::new(things, "Debian GNU/Linux 12 (bookworm)".to_owned(), Vec::new(), 0);
    let input = (observed.expect("observed"), at);
    let (olaf, host) = (PersonId::new("olaf").expect("an id"), AssetId::new(host).expect("an id"));
    organisation.push(&olaf, host, input, (Some(&advisories), at)).await.expect("taken in");
}

/// A fleet of two hosts under a whole policy, that miss what their repositories offer.
fn fleet_of(name: &str) -> World {
    let world = World::new(name);
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    let data = world.folder.join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    Keys::of(&data).found().expect("keys");
    let at = Timestamp::now() - SignedDuration::from_hours(24);
    let founding = async {
        let organisation = organisation(&world).await;
        let (olaf, text) = (PersonId::new("olaf").expect("an id"), policy::PROFILES[0].whole().expect("a profile"));
        organisation.found(&olaf, ("saas", &text), at).await.expect("founded");
        for (who, role) in [("boss", Role::Approver), ("otto", Role::Operator)] {
            let given = Command::SetRoles(PersonId::new(who).expect("an id"), BTreeSet::from([role]), BTreeSet::new());
            organisation.act(&olaf, at, given).await.expect("given");
        }
        let advisories = Advisories::current(&data).expect("read").expect("an index");
        organisation.judge(&olaf, &advisories, at, |_, _| {}).await.expect("judged");
        for (host, environment) in HOSTS {
            let attributes = Attributes { environment: Some(environment.to_owned()), ..Attributes::default() };
            let registered = Command::RegisterAsset(AssetId::new(host).expect("an id"), attributes);
            organisation.act(&olaf, at, registered).await.expect("registered");
            let missing = vec![thing("1.2-3", None), thing("1.2-3", Some("1.2-3+deb12u1"))];
            push(&organisation, &world, host, missing, at).await;
        }
    };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(founding);
    world
}

fn patched(world: &World, host: &str) {
    let pushing = async {
        let organisation = organisation(world).await;
        push(&organisation, world, host, vec![thing("1.2-3+deb12u1", None)], Timestamp::now()).await;
    };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(pushing);
}

#[test]
fn an_emergency_goes_ring_by_ring_and_owes_its_approval() {
    let world = fleet_of("emergency");
    let proposed = world.json(&["change", "propose", "--format", "json"]);
    assert_eq!(proposed["proposals"][0]["type"], "emergency", "{proposed}");
    assert_eq!(proposed["proposals"][0]["fall_due"], 4, "two vulnerabilities on two hosts: {proposed}");
    let plan = ["change", "plan", "e1", "--kind", "emergency", "--title", "example", "--until", "2099-01-01"];
    let said = world.said(&[&plan[..], &["--as", "otto"]].concat());
    assert!(said.contains("within 180 days"), "{said}");
    let until = (Timestamp::now() + SignedDuration::from_hours(48)).to_string();
    let plan = ["change", "plan", "e1", "--kind", "emergency", "--title", "example", "--until", &until, "--as", "otto"];
    let back = ["--way-back", "what was installed is kept"];
    assert_eq!(world.code(&[&plan[..], &back[..]].concat()), 0);
    assert_eq!(world.code(&["change", "hand-out", "e1", "--as", "otto"]), 2, "it was not started");
    assert_eq!(world.code(&["change", "start", "e1", "--as", "otto"]), 0);
    let handed = world.text(&["change", "hand-out", "e1", "--format", "csv", "--as", "otto"]);
    assert_eq!(handed, "asset,ring,package,from,to\nstage-1,test,libexample1:amd64,1.2-3,1.2-3+deb12u1\n");
    patched(&world, "stage-1");
    assert_eq!(world.code(&["change", "follow"]), 0);
    let shown = world.text(&["change", "show", "e1", "--assets"]);
    assert!(shown.contains("its gate lacks the approval of"), "{shown}");
    assert!(shown.contains("ring test (test environment): 1 verified"), "{shown}");
    assert_eq!(world.code(&["change", "approve", "e1", "--as", "otto"]), 2, "nobody approves their own");
    assert_eq!(world.code(&["change", "approve", "e1", "--as", "boss"]), 0);
    let handed = world.json(&["change", "hand-out", "e1", "--format", "json", "--as", "otto"]);
    assert_eq!(handed["assets"][0]["asset"], "prod-1", "{handed}");
    patched(&world, "prod-1");
    assert_eq!(world.code(&["change", "follow"]), 0);
    assert_eq!(world.code(&["change", "list"]), 1, "something is owed");
    let shown = world.text(&["change", "show", "e1"]);
    assert!(shown.contains("It is ended."), "{shown}");
    assert!(shown.contains("owed 0: an approval after the fact"), "{shown}");
    assert!(shown.contains("its gate is passed, without tests, soak, notice"), "{shown}");
    assert_eq!(world.code(&["change", "settle", "e1", "0", "it was right", "--as", "boss"]), 0);
    let list = world.text(&["change", "list", "--format", "csv"]);
    assert!(list.contains("e1,ended,emergency,example,2,2,0,"), "{list}");
    assert_eq!(world.code(&["ledger", "replay"]), 0);
}

/// What answers with these, one after the other, and tells what it was sent: the head in small letters, and the body.
fn receiver(answers: &'static [&'static str]) -> (String, std::sync::mpsc::Receiver<(String, serde_json::Value)>) {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(reader.read_line(&mut head).expect("a line") > 0, "{head}");
            }
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            let mut body = vec![0; length.parse().expect("a number")];
            reader.read_exact(&mut body).expect("a body");
            told.send((head, serde_json::from_slice(&body).expect("JSON"))).expect("heard");
            write!(&stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("answered");
        }
    });
    (address, heard)
}

#[test]
fn a_change_is_handed_over_by_webhook_and_what_is_not_taken_has_failed() {
    let world = fleet_of("webhook");
    let until = (Timestamp::now() + SignedDuration::from_hours(48)).to_string();
    let plan = ["change", "plan", "e1", "--kind", "emergency", "--title", "example", "--until", &until, "--as", "otto"];
    let more = ["--way-back", "what was installed is kept", "--health", "port:443"];
    assert_eq!(world.code(&[&plan[..], &more].concat()), 0);
    assert_eq!(world.code(&["change", "start", "e1", "--as", "otto"]), 0);
    let (address, heard) = receiver(&["503 Later", "204 Taken", "410 Gone"]);
    let hand =
        ["change", "hand-out", "e1", "--webhook", &address, "--secret-file", &world.path("secret"), "--as", "otto"];
    assert_eq!(world.code(&hand), 2, "there is no secret");
    world.write("secret", "short");
    assert_eq!(world.code(&hand), 2, "it is none");
    world.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    assert_eq!(world.code(&hand), 0);
    let (first, second) = (heard.recv().expect("tried"), heard.recv().expect("tried again"));
    let line = |head: &str, name: &str| head.lines().find(|line| line.starts_with(name)).expect(name).to_owned();
    assert_eq!(line(&first.0, "webhook-id: "), line(&second.0, "webhook-id: "), "whoever gets it twice knows it");
    assert!(line(&second.0, "webhook-signature: v1,").len() > 40 && second.0.contains("webhook-timestamp: "));
    let data = &second.1["data"];
    assert_eq!((&second.1["type"], &data["change"]), (&"change.handed_out".into(), &"e1".into()));
    assert_eq!(data["handed_out"]["asset"], "stage-1", "{data}");
    assert_eq!(data["handed_out"]["health"], serde_json::json!(["port:443"]), "{data}");
    assert_eq!(data["handed_out"]["upgrades"][0]["to"], "1.2-3+deb12u1", "{data}");
    patched(&world, "stage-1");
    assert_eq!(world.code(&["change", "follow"]), 0);
    assert_eq!(world.code(&["change", "approve", "e1", "--as", "boss"]), 0);
    // What is not taken is known to be as it was, and nothing else begins.
    let third = world.run(&[&hand[..], &["--format", "json"]].concat());
    assert_eq!(third.status.code(), Some(1));
    let printed: serde_json::Value = serde_json::from_slice(&third.stdout).expect("JSON");
    assert_eq!(printed["assets"], serde_json::json!([]), "{printed}");
    assert_eq!(printed["not_taken"]["handed_out"]["asset"], "prod-1", "{printed}");
    assert!(printed["not_taken"]["why"].as_str().is_some_and(|why| why.contains("410")), "{printed}");
    let shown = world.text(&["change", "show", "e1", "--assets"]);
    assert!(shown.contains("failed, as before") && shown.contains("it was not handed over"), "{shown}");
    assert_eq!(world.code(&["ledger", "replay"]), 0);
}

#[test]
fn a_change_is_held_ended_and_left_out_of_with_reasons() {
    let world = fleet_of("held");
    let until = (Timestamp::now() + SignedDuration::from_hours(24 * 30)).to_string();
    let plan = ["change", "plan", "n1", "--title", "example", "--until", &until, "--as", "otto"];
    assert_eq!(world.code(&[&plan[..], &["--leave-out", "prod-1"]].concat()), 64, "a reason is owed");
    assert_eq!(world.code(&[&plan[..], &["--health", "program:/bin/sh"]].concat()), 64, "nobody sends programs");
    let own = ["--leave-out", "prod-1=its vendor patches it", "--health", "unit:nginx.service", "--health", "port:443"];
    let said = world.said(&[&plan[..], &own[..]].concat());
    assert!(
        said.contains("Health: before and after: unit:nginx.service, port:443, and what each host's own"),
        "{said}"
    );
    assert!(said.contains("Download: nobody says how much"), "{said}");
    assert_eq!(world.code(&["change", "start", "n1", "--as", "otto"]), 0);
    let said = world.said(&["change", "pause", "n1", "--why", "the shop is slow", "--as", "boss"]);
    assert!(said.contains("Change `n1` is paused (the shop is slow)."), "{said}");
    assert_eq!(world.code(&["change", "hand-out", "n1", "--as", "otto"]), 2);
    assert_eq!(world.code(&["change", "resume", "n1", "--why", "it is fast", "--as", "boss"]), 2, "who operates");
    assert_eq!(world.code(&["change", "abort", "n1", "--why", "not today", "--as", "otto"]), 0);
    let shown = world.text(&["change", "show", "n1"]);
    assert!(shown.contains("aborted it: not today"), "{shown}");
    assert!(shown.contains("restarts: no reboot is to be expected"), "{shown}");
    assert_eq!(world.code(&["change", "show", "nothing"]), 64);
}

#[test]
fn the_calendar_is_read_by_people_and_by_calendars() {
    let world = fleet_of("calendar");
    assert!(world.text(&["change", "calendar"]).lines().count() > 3);
    let ics = world.text(&["change", "calendar", "--days", "14", "--ics"]);
    assert!(ics.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && ics.ends_with("END:VCALENDAR\r\n"), "{ics}");
    assert!(ics.matches("BEGIN:VEVENT").count() >= 1 && ics.contains("SUMMARY:Maintenance window"), "{ics}");
}

#[test]
fn the_policy_in_force_is_printed_as_it_was_put_in_force() {
    let world = fleet_of("printed");
    let whole = policy::PROFILES[0].whole().expect("a profile");
    assert_eq!(world.text(&["fleet", "policy"]), whole);
}
