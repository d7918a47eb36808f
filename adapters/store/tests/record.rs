//! What is committed is there, in the ledger, the tables and memory alike; on SQLite and on PostgreSQL.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod world;

use ledger::Entry;
use lifecycle::{Attributes, Command, Role};
use plimsoll_store::{EntriesFound, EntryFilter, Error, NewJob, Outcome, Plan, digest};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use world::{Place, act, asset, both, day, open, person, populate, push, register, signer, try_open, words};

both! {
    async fn what_was_committed_is_there_after_opening_again(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let before = store.record().await.expect("read").state.clone();
        assert_eq!(before.assets.len(), 3);
        let things: Vec<u32> = store.record().await.expect("read").facts.things_of(&asset("web-1")).collect();
        assert_eq!(things.len(), 2);
        drop(store);
        let store = open(&place.url).await;
        assert_eq!(store.record().await.expect("read").state, before);
        assert_eq!(store.record().await.expect("read").facts.things_of(&asset("web-1")).collect::<Vec<_>>(), things);
        assert_eq!(store.record().await.expect("read").facts.things_of(&asset("db-1")).count(), 0, "it is retired");
        // And it goes on from there.
        register(&store, "web-3", day(7)).await.expect("registered");
        assert_eq!(store.record().await.expect("read").state.entries, before.entries + 1);
    }

    async fn the_ledger_verifies_and_every_entry_can_be_proven(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        // Over the edge of a bundle, one by one and in groups.
        for number in 0..300 {
            register(&store, &format!("host-{number}"), day(8)).await.expect("registered");
        }
        let many = (0..700).map(|number| Command::RegisterAsset(asset(&format!("more-{number}")), Attributes::default()));
        let plan = Plan { commands: many.collect(), ..Plan::default() };
        store.commit(&person("root"), day(9), move |_| Ok(plan)).await.expect("registered");
        let report = store.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
        assert_eq!(report.tampering, []);
        let size = report.checkpoint.size;
        assert_eq!(size, store.record().await.expect("read").state.entries);
        for number in [0, 1, 255, 256, 257, size - 1] {
            let proven = store.prove(number).await.expect("proven");
            let leaf = ledger::Hash::leaf(&proven.entry);
            ledger::verify_inclusion(leaf, number, size, report.checkpoint.root, &proven.proof).expect("it holds");
        }
        assert!(store.prove(size).await.is_err(), "there is no such entry");
    }

    async fn entries_are_found_by_what_they_are_about_what_they_are_and_who_did_it(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        // Over the edges of bundles, and of what is read at a time.
        let many = (0..5000).map(|number| Command::RegisterAsset(asset(&format!("more-{number}")), Attributes::default()));
        let plan = Plan { commands: many.collect(), ..Plan::default() };
        store.commit(&person("root"), day(9), move |_| Ok(plan)).await.expect("registered");
        let total = store.record().await.expect("read").state.entries;
        let all = store.entries(0, total).await.expect("entries");
        let all: Vec<(u64, Entry)> = (0..).zip(all.iter().map(|bytes| Entry::parse(bytes).expect("an entry"))).collect();
        let filters = [
            EntryFilter::default(),
            EntryFilter { subject: Some("web-1".to_owned()), ..EntryFilter::default() },
            EntryFilter { kind: Some("asset/".to_owned()), ..EntryFilter::default() },
            EntryFilter { kind: Some("asset/retired".to_owned()), ..EntryFilter::default() },
            EntryFilter { kind: Some("asset/ret".to_owned()), ..EntryFilter::default() },
            EntryFilter { actor: Some("root".to_owned()), subject: Some("more-7".to_owned()), ..EntryFilter::default() },
            EntryFilter { is_of_assets: true, subject: Some("root".to_owned()), ..EntryFilter::default() },
            EntryFilter { subject: Some("a\"b\\".to_owned()), ..EntryFilter::default() },
        ];
        for filter in &filters {
            let lets = |entry: &Entry| {
                filter.subject.as_ref().is_none_or(|text| entry.subject == *text)
                    && (!filter.is_of_assets || entry.kind.starts_with("asset/"))
                    && filter.actor.as_ref().is_none_or(|text| entry.actor == *text)
                    && filter.kind.as_ref().is_none_or(|text| entry.kind == *text || text.ends_with('/') && entry.kind.starts_with(text.as_str()))
            };
            let mut expected: Vec<(u64, Entry)> = all.iter().filter(|(_, entry)| lets(entry)).cloned().collect();
            expected.reverse();
            let mut found = Vec::new();
            let mut before = total;
            while before > 0 {
                let part = store.search(filter, before, 333).await.expect("searched");
                assert!(part.from < before && part.entries.len() <= 333, "{part:?}");
                (found, before) = ([found, part.entries].concat(), part.from);
            }
            assert_eq!(found, expected, "{filter:?}");
        }
        assert_eq!(store.search(&filters[0], 0, 10).await.expect("searched"), EntriesFound::default());
    }

    async fn replay_makes_the_same_tables(place) {
        let store = open(&place.url).await;
        populate(&store).await;
        let (replayed, record) = store.replay(|_| {}).await.expect("replayed");
        assert_eq!(replayed.differences, []);
        assert_eq!(replayed.entries, store.record().await.expect("read").state.entries);
        assert!(replayed.rows > 5, "{replayed:?}");
        assert_eq!(record.state, store.record().await.expect("read").state);
    }

    async fn a_refused_command_leaves_nothing_behind_and_others_go_on(place) {
        let store = open(&place.url).await;
        register(&store, "a", day(1)).await.expect("registered");
        let (twice, other) = tokio::join!(register(&store, "a", day(2)), register(&store, "b", day(2)));
        assert!(matches!(twice, Err(Error::Refused(_))), "{twice:?}");
        other.expect("registered");
        assert_eq!(store.record().await.expect("read").state.entries, 3);
        // All of a plan or nothing.
        let half = Plan {
            commands: vec![
                Command::RegisterAsset(asset("c"), Attributes::default()),
                Command::RegisterAsset(asset("a"), Attributes::default()),
            ],
            ..Plan::default()
        };
        let refused = store.commit(&person("root"), day(3), move |_| Ok(half)).await;
        assert!(matches!(refused, Err(Error::Refused(_))));
        assert!(!store.record().await.expect("read").state.assets.contains_key(&asset("c")));
    }

    async fn two_writers_at_once_lose_nothing(place) {
        let (one, two) = (open(&place.url).await, open(&place.url).await);
        let write = |store: plimsoll_store::Store, prefix: &'static str| async move {
            for number in 0..60 {
                register(&store, &format!("{prefix}-{number}"), day(number)).await.expect("registered");
            }
        };
        let (first, second) = (tokio::spawn(write(one.clone(), "one")), tokio::spawn(write(two.clone(), "two")));
        first.await.expect("done");
        second.await.expect("done");
        // Each sees the other's when it writes next.
        register(&one, "last-of-one", day(90)).await.expect("registered");
        register(&two, "last-of-two", day(91)).await.expect("registered");
        assert_eq!(two.record().await.expect("read").state.assets.len(), 122);
        let report = two.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
        assert_eq!((report.tampering.len(), report.checkpoint.size), (0, 123));
        assert_eq!(two.replay(|_| {}).await.expect("replayed").0.differences, []);
    }

    async fn what_many_ask_for_at_once_is_kept_once_each(place) {
        let store = open(&place.url).await;
        let asked = (0..500).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { register(&store, &format!("host-{number}"), day(1)).await })
        });
        let mut numbers = BTreeSet::new();
        for answer in asked.collect::<Vec<_>>() {
            numbers.insert(answer.await.expect("joined").expect("registered").first);
        }
        assert_eq!(numbers, (1..501).collect());
    }

    async fn a_write_that_fails_changes_nothing_and_the_next_one_works(place) {
        let faults: Arc<Mutex<Option<&'static str>>> = Arc::default();
        let at = Arc::clone(&faults);
        let point: plimsoll_store::WritePoint = Arc::new(move |name| {
            match *at.lock().unwrap() == Some(name) {
                true => Err(std::io::Error::other("no space left on device")),
                false => Ok(()),
            }
        });
        let store = try_open(&place.url, Some(point)).await.expect("opened");
        populate(&store).await;
        let before = store.record().await.expect("read").state.entries;
        for name in ["begin", "ledger_batches", "ledger_tiles", "ledger_head", "documents", "assets", "commit"] {
            *faults.lock().unwrap() = Some(name);
            let failed = push(&store, "web-2", day(10), &[("openssl", name)]).await.expect_err("it fails");
            assert!(words(&failed).contains("nothing was changed"), "{}", words(&failed));
            assert!(words(&failed).contains("no space left"), "{}", words(&failed));
            assert_eq!(store.record().await.expect("read").state.entries, before, "nobody sees what was not kept");
        }
        *faults.lock().unwrap() = None;
        push(&store, "web-2", day(11), &[("openssl", "4")]).await.expect("pushed");
        assert_eq!(store.record().await.expect("read").state.entries, before + 1);
        assert_eq!(store.replay(|_| {}).await.expect("replayed").0.differences, []);
        assert_eq!(open(&place.url).await.record().await.expect("read").state, store.record().await.expect("read").state);
    }

    async fn another_key_may_not_write(place) {
        let store = open(&place.url).await;
        register(&store, "a", day(1)).await.expect("registered");
        let other = ledger::Signer::from_seed("plimsoll/test", ledger::KeyKind::Note, &[8; 32]).expect("a key");
        let options = plimsoll_store::Options::new(&place.url, other);
        let refused = plimsoll_store::Store::open(options, |_| {}).await;
        assert!(matches!(refused, Err(Error::Key { .. })));
    }

    async fn a_change_of_keys_is_vouched_for(place) {
        let store = open(&place.url).await;
        register(&store, "a", day(1)).await.expect("registered");
        let next = ledger::Signer::from_seed("plimsoll/test", ledger::KeyKind::Note, &[9; 32]).expect("a key");
        store.change_key(&person("root"), day(2), next.clone()).await.expect("changed");
        register(&store, "b", day(3)).await.expect("registered");
        let report = store.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
        assert_eq!((report.tampering.len(), report.key_changes.len(), report.checkpoint.size), (0, 1, 4));
        assert!(store.change_key(&person("lead"), day(3), next.clone()).await.is_err(), "not everybody changes keys");
        assert!(matches!(try_open(&place.url, None).await, Err(Error::Key { .. })), "the old key signs no longer");
        let options = plimsoll_store::Options::new(&place.url, next);
        let store = plimsoll_store::Store::open(options, |_| {}).await.expect("opened");
        assert_eq!(store.replay(|_| {}).await.expect("replayed").0.differences, []);
    }

    async fn a_missing_document_is_refused(place) {
        let store = open(&place.url).await;
        act(&store, "root", day(0), Command::SetRoles(person("lead"), BTreeSet::from([Role::SecurityLead]), BTreeSet::new())).await.expect("a role");
        let nowhere = Command::AdoptPolicy { name: "x".to_owned(), document: digest(b"nowhere"), rule: lifecycle::PolicyRule::default() };
        let failed = act(&store, "lead", day(1), nowhere).await.expect_err("it fails");
        assert!(words(&failed).contains("is missing"), "{}", words(&failed));
        register(&store, "a", day(2)).await.expect("the store goes on");
        assert_eq!(store.record().await.expect("read").state.entries, 3);
    }

    async fn jobs_are_held_lost_tried_again_and_done_once(place) {
        let store = open(&place.url).await;
        let new = |id: &str| NewJob { id: id.to_owned(), queue: "mail".to_owned(), body: "{}".to_owned(), not_before: day(1) };
        store.queue(&person("system"), day(1), vec![new("a"), new("b"), new("a")]).await.expect("queued");
        assert!(store.claim("mail", "w1", (day(0), day(1)), 9).await.expect("asked").is_empty(), "not yet");
        assert!(store.claim("other", "w1", (day(1), day(2)), 9).await.expect("asked").is_empty());
        let first = store.claim("mail", "w1", (day(1), day(2)), 1).await.expect("taken");
        let second = store.claim("mail", "w2", (day(1), day(2)), 9).await.expect("taken");
        assert_eq!((first[0].id.as_str(), second[0].id.as_str(), second.len()), ("a", "b", 1));
        assert!(store.finish(&second[0], "w2", Outcome::Done, day(1)).await.expect("told"));
        // Whoever went away loses it.
        assert!(store.hold("a", "w1", day(3)).await.expect("told"));
        assert!(store.claim("mail", "w2", (day(2), day(4)), 9).await.expect("asked").is_empty(), "still held");
        let again = store.claim("mail", "w2", (day(3), day(4)), 9).await.expect("taken");
        assert_eq!((again[0].id.as_str(), again[0].attempt), ("a", 2));
        assert!(!store.hold("a", "w1", day(5)).await.expect("told"), "lost");
        assert!(!store.finish(&first[0], "w1", Outcome::Done, day(3)).await.expect("told"), "lost");
        assert!(store.finish(&again[0], "w2", Outcome::Failed("no route".to_owned()), day(3)).await.expect("told"));
        assert!(store.claim("mail", "w2", (day(3), day(4)), 9).await.expect("asked").is_empty(), "it waits");
        let last = store.claim("mail", "w2", (day(4), day(5)), 9).await.expect("taken");
        assert!(store.finish(&last[0], "w2", Outcome::Dead("gone".to_owned()), day(4)).await.expect("told"));
        let counts = store.count_jobs("mail").await.expect("counted");
        assert_eq!((counts["done"], counts["dead"]), (1, 1));
        // The same work is not queued again.
        store.queue(&person("system"), day(5), vec![new("b")]).await.expect("queued");
        assert!(store.claim("mail", "w1", (day(9), day(10)), 9).await.expect("asked").is_empty());
    }

    async fn an_effect_leaves_once_however_often_it_is_asked_for(place) {
        let store = open(&place.url).await;
        let effects = |all: &[&str]| all.iter().map(|effect| (*effect).to_owned()).collect::<Vec<_>>();
        let body = |new: &[usize]| format!("{new:?}");
        assert!(store.queue_once("mail", &effects(&["a", "b"]), day(1), body).await.expect("queued"));
        assert!(!store.queue_once("mail", &effects(&["b", "a"]), day(1), body).await.expect("asked"), "both were");
        assert!(store.queue_once("mail", &effects(&["a", "c", "b", "d"]), day(1), body).await.expect("queued"));
        assert!(!store.queue_once("mail", &[], day(1), body).await.expect("asked"));
        let mut taken = store.claim("mail", "w1", (day(1), day(2)), 9).await.expect("taken");
        taken.sort_by(|one, other| one.body.cmp(&other.body));
        assert_eq!(taken.iter().map(|job| job.body.as_str()).collect::<Vec<_>>(), ["[0, 1]", "[1, 3]"]);
        for job in &taken {
            assert!(store.finish(job, "w1", Outcome::Done, day(1)).await.expect("told"));
        }
        assert!(!store.queue_once("mail", &effects(&["d", "b"]), day(3), body).await.expect("asked"), "it has left");
        assert_eq!(store.count_jobs("mail").await.expect("counted")["done"], 2);
        // The same of another queue is another effect.
        assert!(store.queue_once("chat", &effects(&["a"]), day(3), body).await.expect("queued"));
    }

    async fn one_leads(place) {
        let (one, two) = (open(&place.url).await, open(&place.url).await);
        assert!(one.lead("scheduler", "one", (day(1), day(2))).await.expect("asked"));
        assert!(!two.lead("scheduler", "two", (day(1), day(2))).await.expect("asked"));
        assert!(one.lead("scheduler", "one", (day(1), day(3))).await.expect("asked"), "it keeps it");
        assert!(!two.lead("scheduler", "two", (day(2), day(3))).await.expect("asked"));
        assert!(two.lead("scheduler", "two", (day(3), day(4))).await.expect("asked"), "it is over");
        assert!(!one.lead("scheduler", "one", (day(3), day(4))).await.expect("asked"));
    }
}

#[tokio::test]
async fn an_address_that_is_none_says_so_without_its_password() {
    let error = try_open("mysql://me:secret@db/x", None).await.expect_err("no");
    let text = words(&error);
    assert!(text.contains("mysql://me:***@db/x") && !text.contains("secret"), "{text}");
    let _ = Place::sqlite();
}
