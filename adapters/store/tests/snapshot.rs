//! A snapshot makes opening faster and nothing else: what it says is what the ledger says, or it is passed over.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod world;

use lifecycle::{Attributes, Command};
use plimsoll_store::{Options, Plan, Store, replay_at};
use std::path::{Path, PathBuf};
use world::{Place, asset, both, day, open, person, populate, push, register, signer};

/// A file beside everything else, gone with the test.
struct File(PathBuf);

impl File {
    fn new(place: &Place, name: &str) -> Self {
        let id: String = place.url.chars().filter(char::is_ascii_alphanumeric).collect();
        Self(std::env::temp_dir().join(format!("plimsoll-snapshot-{}-{id}-{name}", std::process::id())))
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.0).expect("read")
    }

    fn write(&self, bytes: &[u8]) {
        std::fs::write(&self.0, bytes).expect("written");
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn open_with(url: &str, snapshot: &Path) -> Store {
    let options = Options { snapshot: Some(snapshot.to_owned()), ..Options::new(url, signer()) };
    Store::open(options, |_| {}).await.expect("opened")
}

async fn facts(store: &Store) -> Vec<u8> {
    store.record().await.expect("read").facts.write_snapshot().expect("written").concat()
}

both! {
    async fn a_record_opened_from_it_is_the_one_that_the_ledger_tells(place) {
        let file = File::new(place, "same");
        let store = open(&place.url).await;
        populate(&store).await;
        store.keep_snapshot(&file.0).await.expect("kept");
        // What comes after it is followed.
        push(&store, "web-2", day(7), &[("openssl", "3.0.9"), ("curl", "8.0")]).await.expect("pushed");
        register(&store, "web-3", day(8)).await.expect("registered");
        let wanted = facts(&store).await;
        drop(store);
        let store = open_with(&place.url, &file.0).await;
        assert_eq!(facts(&store).await, wanted);
        assert!(!file.bytes().ends_with(&wanted), "it was behind");
        // It goes on from there, and replay has nothing to say against either.
        push(&store, "web-3", day(9), &[("openssl", "3.0.9")]).await.expect("pushed");
        assert_eq!(replay_at((&place.url, None), Some(&file.0), |_| {}).await.expect("replayed").differences, []);
    }

    async fn one_that_is_cut_or_changed_anywhere_is_passed_over(place) {
        let file = File::new(place, "damaged");
        let store = open(&place.url).await;
        populate(&store).await;
        store.keep_snapshot(&file.0).await.expect("kept");
        let (wanted, whole) = (facts(&store).await, file.bytes());
        let step = whole.len().div_ceil(if place.is_sqlite() { 400 } else { 40 });
        for at in (0..whole.len()).filter(|at| *at < 300 && place.is_sqlite() || at.is_multiple_of(step)) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            file.write(&changed);
            assert_eq!(facts(&open_with(&place.url, &file.0).await).await, wanted, "byte {at}");
            file.write(&whole[..at]);
            assert_eq!(facts(&open_with(&place.url, &file.0).await).await, wanted, "cut at {at}");
        }
    }

    async fn one_of_another_ledger_or_of_what_was_rolled_back_is_passed_over(place) {
        let file = File::new(place, "other");
        // The same key, the same number of entries, another history.
        let elsewhere = Place::sqlite().expect("a place");
        let other = open(&elsewhere.url).await;
        populate(&other).await;
        push(&other, "web-1", day(9), &[("openssl", "9.9.9")]).await.expect("pushed");
        other.keep_snapshot(&file.0).await.expect("kept");
        let store = open(&place.url).await;
        populate(&store).await;
        let wanted = facts(&store).await;
        // It is ahead of this one by an entry.
        assert_eq!(facts(&open_with(&place.url, &file.0).await).await, wanted);
        push(&store, "web-2", day(9), &[("openssl", "8.8.8")]).await.expect("pushed");
        let wanted = facts(&store).await;
        assert_ne!(facts(&other).await, wanted);
        assert_eq!(facts(&open_with(&place.url, &file.0).await).await, wanted);
    }

    async fn one_that_somebody_without_the_key_has_made_is_passed_over(place) {
        let file = File::new(place, "forged");
        let store = open(&place.url).await;
        populate(&store).await;
        let wanted = facts(&store).await;
        drop(store);
        // The same entries under another key, and facts that nobody has told.
        let other = ledger::Signer::from_seed("plimsoll/test", ledger::KeyKind::Note, &[9; 32]).expect("a key");
        let elsewhere = Place::sqlite().expect("a place");
        let forger = Store::open(Options::new(&elsewhere.url, other), |_| {}).await.expect("opened");
        world::staff(&forger).await;
        populate(&forger).await;
        push(&forger, "web-1", day(9), &[("openssl", "9.9.9")]).await.expect("pushed");
        forger.keep_snapshot(&file.0).await.expect("kept");
        assert_eq!(facts(&open_with(&place.url, &file.0).await).await, wanted);
        // Whoever has no key of the ledger believes none at all.
        let store = open_with(&place.url, &file.0).await;
        store.keep_snapshot(&file.0).await.expect("kept");
        let reader = Store::open(Options { snapshot: Some(file.0.clone()), ..Options::reading(&place.url) }, |_| {}).await;
        let reader = reader.expect("opened");
        assert_eq!(facts(&reader).await, wanted);
        assert!(reader.keep_snapshot(&file.0).await.is_err(), "nor makes one");
    }

    async fn it_is_written_where_opening_had_to_follow_much(place) {
        let file = File::new(place, "much");
        let store = open(&place.url).await;
        populate(&store).await;
        drop(open_with(&place.url, &file.0).await);
        assert!(!file.0.exists(), "there is little to follow");
        let many = (0..1500).map(|number| Command::RegisterAsset(asset(&format!("more-{number}")), Attributes::default()));
        let plan = Plan { commands: many.collect(), ..Plan::default() };
        store.commit(&person("root"), day(9), move |_| Ok(plan)).await.expect("registered");
        drop(open_with(&place.url, &file.0).await);
        let first = file.bytes();
        drop(open_with(&place.url, &file.0).await);
        assert_eq!(file.bytes(), first, "nothing had to be followed");
        assert_eq!(facts(&open_with(&place.url, &file.0).await).await, facts(&store).await);
        // Whoever only reads and has the key writes and believes it too: another run begins where this one ended.
        std::fs::remove_file(&file.0).expect("removed");
        let read = async |sealers: Vec<ledger::Signer>| {
            let options = Options { snapshot: Some(file.0.clone()), sealers, ..Options::reading(&place.url) };
            let mut first = None;
            let reader = Store::open(options, |entry| { first.get_or_insert(entry); }).await.expect("opened");
            assert_eq!(facts(&reader).await, facts(&store).await);
            first
        };
        assert!(read(Vec::new()).await.is_some() && !file.0.exists(), "it has no key to sign it with");
        assert!(read(vec![signer()]).await.is_some() && file.0.exists(), "everything was followed");
        assert_eq!(read(vec![signer()]).await, None, "nothing had to be followed");
        assert!(read(Vec::new()).await.is_some(), "whose signature it is cannot be said");
        // Where it cannot be written, the record opens all the same.
        let nowhere = Path::new("/proc/plimsoll/record.facts");
        assert_eq!(facts(&open_with(&place.url, nowhere).await).await, facts(&store).await);
    }
}
