//! What comes in as nobody would wish: clocks that jump, inventories twice, late, out of order, and too large.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stderr, reason = "tests that say what they measured")]

mod world;

use fleet::{Findings, Fix, InventoryDocument, JudgedDocument, Judgement, Question, Signals, Standing, Statement};
use jiff::Timestamp;
use ledger::{KeyKind, Signer};
use lifecycle::{Command, DecisionId, DecisionKind, PersonId, Pushed, Reach};
use plimsoll_store::{Committed, Error, Options, Plan, Store, WritePoint, digest};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use world::{
    act, assert_is_whole, asset, both, day, open, person, populate, push, register, signer, staff, thing, try_open,
    words,
};

/// Takes an inventory in that was taken at one instant and comes at another.
async fn deliver(
    store: &Store,
    (id, taken_at, now): (&str, Timestamp, Timestamp),
    packages: &[(&str, &str)],
) -> Result<Committed, Error> {
    let (id, named) = (asset(id), format!("{packages:?}"));
    let wanted: Vec<_> = packages.iter().map(|(name, version)| thing(name, version)).collect();
    let plan = move |record: &plimsoll_store::Record| {
        let had: BTreeSet<u32> = record.facts.things_of(&id).collect();
        let mut next = record.facts.things().count() as u32;
        let mut document = InventoryDocument::default();
        let mut has = BTreeSet::new();
        for thing in wanted {
            has.insert(record.facts.number_of(&thing).unwrap_or_else(|| {
                document.new.push(thing);
                next += 1;
                next - 1
            }));
        }
        document.added = has.difference(&had).copied().collect();
        document.removed = had.difference(&has).copied().collect();
        let bytes = document.write().map_err(|error| Error::Plan(error.to_string()))?;
        let (packages, unread) = (has.len() as u64, 0);
        let (found, told) = (digest(named.as_bytes()), digest(&bytes));
        let pushed = Pushed { asset: id, digest: found, document: told, taken_at, packages, unread };
        Ok(Plan { commands: vec![Command::PushInventory(pushed)], documents: vec![bytes], ..Plan::default() })
    };
    store.commit(&person("root"), now, plan).await
}

async fn versions(store: &Store, id: &str) -> Vec<String> {
    let record = store.record().await.expect("read");
    let things: Vec<_> = record.facts.things().collect();
    record.facts.things_of(&asset(id)).map(|number| things[number as usize].version.clone()).collect()
}

/// Says that every package has a vulnerability.
async fn judge(store: &Store, at: Timestamp, fix: Fix) {
    let plan = move |record: &plimsoll_store::Record| {
        let statement = Statement {
            vulnerability: "CVE-2026-1".to_owned(),
            standing: Standing::Affected,
            remark: String::new(),
            fix,
            patch_available: Some(at),
            urgency: None,
            cvss: Some(9.8),
            published: Some(at),
            because: String::new(),
        };
        let judgement = Judgement { statements: vec![statement], undetermined: None };
        let judgements: Vec<_> =
            (0..record.facts.things().count() as u32).map(|number| (number, judgement.clone())).collect();
        let signals = vec![Signals { id: "CVE-2026-1".to_owned(), ..Signals::default() }];
        let packages = judgements.len() as u64;
        let bytes = JudgedDocument { has_catalogue: true, judgements, signals, ..JudgedDocument::default() }
            .write()
            .map_err(|error| Error::Plan(error.to_string()))?;
        let (index, document) = (digest(at.to_string().as_bytes()), digest(&bytes));
        let judge = Command::JudgeAdvisories { index, document, packages, vulnerabilities: 1 };
        Ok(Plan { commands: vec![judge], documents: vec![bytes], ..Plan::default() })
    };
    store.commit(&person("root"), at, plan).await.expect("judged");
}

both! {
    async fn a_clock_that_jumps_back_and_forth_stops_nothing(place) {
        let options = Options { findings_at: Some(day(0)), ..Options::new(&place.url, signer()) };
        let store = Store::open(options, |_| {}).await.expect("opened");
        populate(&store).await;
        let years = [0, -3, 8, -20, 1, 50, -1, 30, -40, 0];
        for (number, year) in years.into_iter().enumerate() {
            let at = day(365 * year + number as i64);
            let id = format!("host-{number}");
            register(&store, &id, at).await.expect("registered");
            push(&store, &id, at, &[("openssl", &format!("3.{number}")), ("curl", "8")]).await.expect("pushed");
            push(&store, "web-1", at, &[("openssl", &format!("3.{number}"))]).await.expect("pushed");
            judge(&store, at, if number % 2 == 0 { Fix::NotYet } else { Fix::Available("4".to_owned()) }).await;
            let decision = DecisionId::new(format!("d-{number}")).expect("an id");
            let reach = Reach { vulnerability: "CVE-2026-1".to_owned(), package: None, assets: vec![asset(&id)] };
            let (kind, reason, until) = (DecisionKind::Exception, "for a time".to_owned(), day(365 * year + 90));
            let ask = Command::RequestDecision { decision: decision.clone(), kind, reach, reason, until, renews: None, assessment: Default::default() };
            act(&store, "lead", at, ask).await.expect("asked for");
            act(&store, "boss", day(365 * year + 1), Command::AnswerDecision(decision, true)).await.expect("approved");
        }
        assert_is_whole(&store).await;
        let record = store.record().await.expect("read");
        let policy = record.facts.policy().expect("a policy");
        let summary = |at: Timestamp| {
            let question = Question { policy: Arc::clone(&policy), decisions: record.state.decisions_at(at), at: Some(at) };
            Findings::evaluate(&record.facts, question).summary(&record.facts, at).all
        };
        assert_eq!((summary(Timestamp::MIN), summary(Timestamp::UNIX_EPOCH)), (Default::default(), Default::default()));
        let instants = (-50 * 365..60 * 365).step_by(97).map(day);
        let with_findings = instants.chain([Timestamp::MAX]).filter(|at| summary(*at) != Default::default()).count();
        assert!(with_findings > 100, "findings at {with_findings} instants");
        // What was followed entry by entry is what comes of all of it at once.
        let now = day(365 * 50);
        drop(record);
        let record = store.record_at(now).await.expect("read");
        let followed = record.findings.as_ref().expect("kept");
        let decisions = record.state.decisions_at(now);
        let anew = Findings::evaluate(&record.facts, Question { policy, decisions, at: None });
        assert_eq!(format!("{:?}", followed.summary(&record.facts, now)), format!("{:?}", anew.summary(&record.facts, now)));
    }

    async fn an_inventory_that_comes_twice_is_one(place) {
        let store = open(&place.url).await;
        register(&store, "web", day(1)).await.expect("registered");
        let first = deliver(&store, ("web", day(2), day(2)), &[("openssl", "1")]).await.expect("taken in");
        assert_eq!(first.events.len(), 1);
        // Again, much later, and by many at once.
        let again = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { deliver(&store, ("web", day(2), day(2 + number)), &[("openssl", "1")]).await })
        });
        for done in again.collect::<Vec<_>>() {
            assert_eq!(done.await.expect("joined").expect("accepted").events, []);
        }
        assert_eq!(store.record().await.expect("read").state.entries, 3);
        // Another one of the same instant, by a clock that stood still: what came last counts.
        deliver(&store, ("web", day(2), day(3)), &[("openssl", "2")]).await.expect("taken in");
        assert_eq!(versions(&store, "web").await, ["2"]);
        let two = tokio::join!(
            deliver(&store, ("web", day(4), day(4)), &[("openssl", "3")]),
            deliver(&store, ("web", day(4), day(4)), &[("openssl", "4")]),
        );
        let last = if two.0.expect("taken in").first > two.1.expect("taken in").first { "3" } else { "4" };
        assert_eq!(versions(&store, "web").await, [last]);
        assert_is_whole(&store).await;
    }

    async fn inventories_in_any_order_end_with_the_newest(place) {
        let store = open(&place.url).await;
        let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2], [3, 0, 0, 3], [0, 3, 1, 3]];
        for (number, order) in orders.into_iter().enumerate() {
            let id = format!("host-{number}");
            register(&store, &id, day(1)).await.expect("registered");
            for taken in order {
                let version = taken.to_string();
                deliver(&store, (&id, day(2 + taken), day(20)), &[("openssl", &version)]).await.expect("accepted");
            }
            assert_eq!(versions(&store, &id).await, ["3"], "{order:?}");
        }
        assert_is_whole(&store).await;
        let reopened = open(&place.url).await;
        for number in 0..orders.len() {
            assert_eq!(versions(&reopened, &format!("host-{number}")).await, ["3"]);
        }
    }

    async fn an_inventory_of_a_million_packages_is_taken_in(place) {
        // One after the other: what both take is measured.
        static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _alone = ALONE.lock().await;
        let store = open(&place.url).await;
        register(&store, "huge", day(1)).await.expect("registered");
        let names: Vec<String> = (0..1_000_000).map(|number| format!("package-{number}")).collect();
        let packages: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1.2.3-4")).collect();
        let begun = Instant::now();
        push(&store, "huge", day(2), &packages).await.expect("taken in");
        let taken_in = begun.elapsed();
        assert_eq!(store.record().await.expect("read").facts.things_of(&asset("huge")).count(), 1_000_000);
        // One package changes: what is written is the difference.
        let mut changed = packages.clone();
        changed[500_000].1 = "1.2.3-5";
        push(&store, "huge", day(3), &changed).await.expect("taken in");
        drop(store);
        let begun = Instant::now();
        let store = open(&place.url).await;
        let opened = begun.elapsed();
        assert_eq!(store.record().await.expect("read").facts.things_of(&asset("huge")).count(), 1_000_000);
        assert_is_whole(&store).await;
        let most_memory = std::fs::read_to_string("/proc/self/status").expect("read");
        let most_memory = most_memory.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line").trim();
        let kilobytes: u64 = most_memory.trim_end_matches(" kB").parse().expect("a number");
        eprintln!("a million packages: taken in after {taken_in:?}, opened after {opened:?}, {kilobytes} kB at most");
        assert!(taken_in < Duration::from_secs(90) && opened < Duration::from_secs(60), "{taken_in:?}, {opened:?}");
        assert!(kilobytes < 6 << 20, "{kilobytes} kB");
    }

    async fn a_document_that_no_database_can_hold_is_refused_and_others_go_on(place) {
        let store = open(&place.url).await;
        let most = 512 << 20;
        let large = move |_: &plimsoll_store::Record| Ok(Plan { documents: vec![vec![0; most + 1]], ..Plan::default() });
        let nobody = PersonId::new("root").expect("an id");
        let (refused, other) = tokio::join!(store.commit(&nobody, day(1), large), register(&store, "a", day(1)));
        let refused = words(&refused.expect_err("it is too large"));
        assert!(refused.contains("536870913 bytes, more than the 536870912"), "{refused}");
        other.expect("registered");
    }

    async fn a_change_of_keys_that_was_not_kept_leaves_the_old_one(place) {
        let faults: Arc<Mutex<Option<&'static str>>> = Arc::default();
        let at = Arc::clone(&faults);
        let point: WritePoint = Arc::new(move |name| match *at.lock().unwrap() == Some(name) {
            true => Err(std::io::Error::other("no space left on device")),
            false => Ok(()),
        });
        let store = try_open(&place.url, Some(point)).await.expect("opened");
        staff(&store).await;
        let next = |seed| Signer::from_seed("plimsoll/test", KeyKind::Note, &[seed; 32]).expect("a key");
            for (number, name) in ["ledger_batches", "ledger_head", "commit"].into_iter().enumerate() {
            *faults.lock().unwrap() = Some(name);
            store.change_key(&person("root"), day(1), next(90)).await.expect_err("it fails");
            *faults.lock().unwrap() = None;
            register(&store, &format!("host-{number}"), day(2)).await.expect("the old key still signs");
        }
        assert_is_whole(&store).await;
        store.change_key(&person("root"), day(3), next(91)).await.expect("changed");
        register(&store, "after", day(4)).await.expect("the new key signs");
        let report = store.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
        assert_eq!((report.tampering, report.key_changes.len()), (Vec::new(), 1));
    }
}
