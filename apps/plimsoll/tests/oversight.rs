//! Violations, alerts, attestations and excuses from the command line.
#![allow(clippy::expect_used, reason = "tests")]

mod world;

use fleet::Thing;
use jiff::{Span, Timestamp, tz::TimeZone};
use lifecycle::{AssetId, Attributes, Command, PersonId};
use operations::{Advisories, Observed, Organisation};
use store::{Keys, Options, Store};
use world::World;

/// A fleet under a whole policy, with people, whose one host `web-1` missed a deadline of 72 hours yesterday (in UTC).
fn overseen(name: &str) -> (World, String) {
    let world = World::new(name);
    let yesterday = Timestamp::now().to_zoned(TimeZone::UTC).date().yesterday().expect("a day");
    let before = yesterday.checked_sub(Span::new().days(3)).expect("a day");
    let listed = format!(
        r#"{{"catalogVersion":"1","vulnerabilities":[{{"cveID":"CVE-2026-0001","dateAdded":"{before}","dueDate":"2027-03-22"}}]}}"#
    );
    world.write("feeds/kev.json", &listed);
    let told = before.strftime("%d %b %Y");
    world.write("feeds/DSA-list", &format!("[{told}] DSA-9999-1 example - security update\n\t{{CVE-2026-0001 CVE-2026-0002}}\n\t[bookworm] - example 1.2-3+deb12u1\n"));
    world.write(
        "more.csv",
        "asset,exposure,environment,owner,tags\nweb-1,exposed,production,web,front\ncrm,,,sales,vendor-managed\n",
    );
    assert_eq!(world.code(&["feeds", "import", &world.path("feeds")]), 0);
    begin(&world, before.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).expect("an instant").timestamp());
    assert_eq!(world.code(&["fleet", "register", "--file", &world.path("more.csv")]), 0);
    for (who, role) in [("bob", "approver"), ("lea", "security-lead"), ("otto", "operator")] {
        assert_eq!(world.code(&["fleet", "person", who, "--role", role]), 0);
    }
    (world, yesterday.to_string())
}

/// Begins the record days ago, with a whole policy, `web-1` and what is on it: no promise is broken before it was made.
fn begin(world: &World, at: Timestamp) {
    let data = world.folder.join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let keys = Keys::of(&data);
    keys.found().expect("keys");
    let url = data.join("record.sqlite").display().to_string();
    let founding = async {
        let options = Options::new(&url, keys.signer().expect("a key"));
        let organisation = Organisation::new(Store::open(options, |_| {}).await.expect("opened"));
        let (olaf, text) = (PersonId::new("olaf").expect("an id"), policy::PROFILES[0].whole().expect("a profile"));
        organisation.found(&olaf, ("saas", &text), at).await.expect("founded");
        let web = AssetId::new("web-1").expect("an id");
        let attributes = Attributes { owner: Some("web".to_owned()), ..Attributes::default() };
        organisation.act(&olaf, at, Command::RegisterAsset(web.clone(), attributes)).await.expect("registered");
        let advisories = Advisories::current(&data).expect("read").expect("an index");
        organisation.judge(&olaf, &advisories, at, |_, _| {}).await.expect("judged");
        let thing = Thing {
            kind: "deb".to_owned(),
            ecosystem: "Debian:12".to_owned(),
            name: "libexample1".to_owned(),
            version: "1.2-3".to_owned(),
            source: Some(("example".to_owned(), "1.2-3".to_owned())),
            ..Thing::default()
        };
        let observed = Observed::new(vec![thing], "Debian GNU/Linux 12 (bookworm)".to_owned(), Vec::new(), 0);
        let input = (observed.expect("observed"), at);
        organisation.push(&olaf, web, input, (Some(&advisories), at)).await.expect("taken in");
    };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(founding);
}

#[test]
fn a_deadline_that_passed_is_told_answered_and_excused() {
    let (world, yesterday) = overseen("violations");
    let list = ["fleet", "violation", "list"];
    assert_eq!(world.code(&list), 3, "no day was told");
    assert!(world.said(&list).contains("No day was told yet"));
    let said = world.said(&["fleet", "judge"]);
    assert!(said.contains("Violations on the days that are over: 1"), "{said}");
    assert!(!world.said(&["fleet", "judge"]).contains("Violations"), "told once");
    assert_eq!(world.code(&list), 1, "an answer is owed");
    let table = world.text(&list);
    let id = format!("{yesterday}#deadline#team/web");
    assert!(table.contains(&id) && table.contains("training"), "{table}");
    let listed = world.json(&["fleet", "violation", "list", "-f", "json"]);
    assert_eq!(listed["told_until"], yesterday);
    assert_eq!(
        (&listed["violations"][0]["state"], &listed["violations"][0]["by"]),
        (&"open".into(), &"operations".into())
    );
    let answer = ["fleet", "violation", "answer", &id, "--words", "the team was trained"];
    let by_bob = world.run(&[&answer[..], &["--as", "bob"]].concat());
    assert!(String::from_utf8_lossy(&by_bob.stderr).contains("Operations engineer"), "{by_bob:?}");
    assert_eq!(world.code(&[&answer[..], &["--as", "otto"]].concat()), 0);
    assert_eq!(world.code(&list), 0);
    let excuse = ["fleet", "violation", "excuse", &id, "--why", "too late", "--as", "lea"];
    assert_ne!(world.code(&excuse), 0, "it is answered");
    let csv = world.text(&["fleet", "violation", "list", "-f", "csv"]);
    assert!(csv.contains(&format!("{id},answered,{yesterday},deadline,team web,1,1,training,operations")), "{csv}");
    assert_eq!(world.code(&["ledger", "replay"]), 0);
    let backup = world.path("backup");
    assert_eq!(world.code(&["backup", &backup]), 0);
    let there = world.path("restored.sqlite");
    let restored = world.run(&["restore", &backup, "--store", &there]);
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    assert!(world.text(&["fleet", "violation", "list", "--store", &there]).contains(&id));
}

#[test]
fn alerts_attestations_and_excuses_are_there_from_the_command_line() {
    let (world, _) = overseen("alerts");
    let alerts = world.json(&["fleet", "alerts", "-f", "json"]);
    let overdue = alerts.as_array().expect("a list").iter().find(|alert| alert["kind"] == "overdue");
    assert_eq!(overdue.expect("an alert")["team"], "web", "{alerts}");
    assert_eq!(world.code(&["fleet", "alerts"]), 1);
    assert!(world.text(&["fleet", "alerts"]).contains("of team web"));
    let duties = world.text(&["fleet", "duty", "list"]);
    assert!(duties.contains("attest#crm"), "{duties}");
    world.write("report", "report 7");
    let attest = ["fleet", "attest", "crm", "--vendor", "Acme", "--statement", "we patch", "--evidence"];
    assert_eq!(world.code(&[&attest[..], &["nowhere"]].concat()), 2);
    assert_eq!(world.code(&[&attest[..], &[&world.path("report")]].concat()), 0);
    let notice =
        ["fleet", "vendor-notice", "crm", "--vendor", "Acme", "--vulnerability", "CVE-2026-7", "--statement", "all"];
    let long_ago = world.said(&[&notice[..], &["--known-since", "2026-01-01"]].concat());
    assert!(long_ago.contains("It came late: the policy asks for it by 2026-01-"), "{long_ago}");
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date().to_string();
    let today = world.said(&[&notice[..], &["--known-since", &today]].concat());
    assert!(today.contains("It came in time."), "{today}");
    assert_eq!(world.code(&[&notice[..], &["--known-since", "2999-01-01"]].concat()), 2);
    let other = ["fleet", "attest", "web-1", "--vendor", "Acme", "--statement", "we patch"];
    assert!(world.said(&other).contains("not left to its vendor"), "{}", world.said(&other));
    let excuse = ["fleet", "duty", "excuse", "acknowledge#policy#otto", "--until", "2030-01-01", "--why", "on leave"];
    assert_ne!(world.code(&[&excuse[..], &["--as", "lea"]].concat()), 0, "no more than a year");
    let until = Timestamp::now().to_zoned(TimeZone::UTC).date().checked_add(Span::new().days(30)).expect("a day");
    let until = until.to_string();
    let excuse = ["fleet", "duty", "excuse", "acknowledge#policy#otto", "--until", &until, "--why", "on leave"];
    assert_ne!(world.code(&[&excuse[..], &["--as", "otto"]].concat()), 0, "nobody excuses themselves");
    assert_eq!(world.code(&[&excuse[..], &["--as", "lea"]].concat()), 0);
    assert!(world.text(&["fleet", "duty", "list"]).contains("excused"));
}

#[test]
fn what_the_policy_promises_to_keep_is_there_or_missed() {
    let (world, _) = overseen("records");
    let blobs = world.path("blobs");
    let mut state = 1u64;
    let mut sign = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 16).unwrap_or(0))
    };
    world.write("report", &std::iter::repeat_with(&mut sign).take(1_000_000).collect::<String>());
    let attest =
        ["fleet", "--blobs", &blobs, "attest", "crm", "--vendor", "Acme", "--statement", "we patch", "--evidence"];
    assert_eq!(world.code(&[&attest[..], &[&world.path("report")]].concat()), 0);
    let records = ["ledger", "--blobs", &blobs, "records"];
    let kept = world.text(&[&records[..], &["-f", "csv"]].concat());
    let row = |name: &str| kept.lines().find(|line| line.starts_with(name)).expect(name).split(',').collect::<Vec<_>>();
    assert_eq!(row("attestations of vendors")[2..3], ["1"], "{kept}");
    assert_eq!(row("attestations of vendors")[4..], ["0", "1", "0"], "{kept}");
    assert_ne!(row("inventories")[2], "0", "{kept}");
    assert_eq!(row("training")[2..], ["0", "", "0", "0", "0"], "{kept}");
    std::fs::remove_dir_all(&blobs).expect("removed");
    std::fs::create_dir(&blobs).expect("a folder");
    let lost = world.run(&records);
    assert_eq!(lost.status.code(), Some(1), "{lost:?}");
    let lost = String::from_utf8_lossy(&lost.stdout).into_owned();
    assert!(lost.contains("LOST: entry ") && lost.contains("Documents that have to be kept are not there"), "{lost}");
}
