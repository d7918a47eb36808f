//! Large documents lie outside the database, are read back as they were written, and nothing is acknowledged without them.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

mod world;

use lifecycle::{Command, Role};
use plimsoll_store::{Error, Options, Plan, Store, backup, digest, replay_at, restore};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use world::{Place, act, both, day, open, person, signer, staff, words};

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(place: &Place, name: &str) -> Self {
        let id: String = place.url.chars().filter(char::is_ascii_alphanumeric).collect();
        Self(std::env::temp_dir().join(format!("plimsoll-blobs-{}-{id}-{name}", std::process::id())))
    }

    fn text(&self) -> String {
        self.0.display().to_string()
    }

    fn files(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.0.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
            }
        }
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn open_with(url: &str, blobs: &str) -> Store {
    let options = Options { blobs: Some(blobs.to_owned()), ..Options::new(url, signer()) };
    let store = Store::open(options, |_| {}).await.expect("opened");
    staff(&store).await;
    store
}

/// A policy that no compression makes small.
fn large() -> Vec<u8> {
    let mut random = testkit::fuzz::Random::new(7);
    let noise: String = (0..700_000).map(|_| char::from(b'a' + (random.next_u64() % 26) as u8)).collect();
    format!("# {noise}\n{}", policy::PRESETS[0].text).into_bytes()
}

async fn adopt(store: &Store, text: Vec<u8>) -> Result<String, Error> {
    if !store.record().await?.state.people.contains_key(&person("lead")) {
        let lead = Command::SetRoles(person("lead"), BTreeSet::from([Role::SecurityLead]), BTreeSet::new());
        act(store, "root", day(0), lead).await?;
    }
    let name = digest(&text);
    let adopt = Command::AdoptPolicy {
        name: "large".to_owned(),
        document: name.clone(),
        rule: lifecycle::PolicyRule::default(),
    };
    let plan = Plan { commands: vec![adopt], documents: vec![text], ..Plan::default() };
    store.commit(&person("lead"), day(1), move |_| Ok(plan)).await?;
    Ok(name)
}

/// What is asked of blobs wherever they are.
async fn are_kept(place: &Place, blobs: &str) {
    let store = open_with(&place.url, blobs).await;
    let name = adopt(&store, large()).await.expect("adopted");
    assert!(store.document(&name).await.expect("read") == large());
    drop(store);
    let store = open_with(&place.url, blobs).await;
    assert!(store.record().await.expect("read").facts.policy().is_some(), "it was read when the record was opened");
    let replayed = replay_at((&place.url, Some(blobs)), None, |_| {}).await.expect("replayed");
    assert_eq!((replayed.differences, replayed.unlawful), (Vec::new(), Vec::new()));
    // A backup is whole by itself, wherever it is put back.
    let mut bytes = Vec::new();
    backup((&place.url, Some(blobs)), &mut bytes, |_| {}).await.expect("backed up");
    let to = Place::sqlite().expect("a place");
    let restored = restore(&to.url, bytes.as_slice(), &signer().verifier(), false, |_| {}).await.expect("restored");
    assert!(restored.is_kept);
    assert!(open(&to.url).await.document(&name).await.expect("read") == large());
}

both! {
    async fn large_documents_lie_in_a_folder(place) {
        let folder = Folder::new(place, "kept");
        are_kept(place, &folder.text()).await;
        let files = folder.files();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(std::fs::metadata(&files[0]).expect("there").permissions().mode() & 0o777, 0o600);
    }

    async fn one_that_is_gone_or_changed_is_named(place) {
        let folder = Folder::new(place, "gone");
        let store = open_with(&place.url, &folder.text()).await;
        let name = adopt(&store, large()).await.expect("adopted");
        let file = folder.files().remove(0);
        let whole = std::fs::read(&file).expect("read");
        let mut flipped = whole.clone();
        flipped[whole.len() / 3] ^= 4;
        for bytes in [&whole[..whole.len() / 2], &flipped, b"x"] {
            std::fs::write(&file, bytes).expect("written");
            let error = store.document(&name).await.expect_err("it is another one");
            assert!(words(&error).contains(&name), "{}", words(&error));
        }
        std::fs::remove_file(&file).expect("removed");
        let error = store.document(&name).await.map(|_| ()).expect_err("it is gone");
        assert!(words(&error).contains(&name), "{}", words(&error));
        let replayed = replay_at((&place.url, Some(&folder.text())), None, |_| {}).await.expect("replayed");
        assert!(replayed.stopped.is_some_and(|why| why.contains(&name)));
    }

    async fn where_one_cannot_be_kept_nothing_is(place) {
        let store = open_with(&place.url, "/proc/nowhere").await;
        adopt(&store, policy::PRESETS[0].text.as_bytes().to_vec()).await.expect("what is small is in the database");
        let before = store.record().await.expect("read").state.entries;
        let failed = adopt(&store, large()).await.expect_err("it cannot be kept");
        assert!(words(&failed).contains("nothing was changed") && words(&failed).contains("/proc/nowhere"), "{}", words(&failed));
        assert_eq!(store.record().await.expect("read").state.entries, before);
        assert_eq!(store.replay(|_| {}).await.expect("replayed").0.differences, []);
    }

    async fn large_documents_lie_in_a_bucket(place) {
        let Some(bucket) = testkit::s3::bucket() else { return };
        are_kept(place, &bucket).await;
        let other = bucket.replace("plimsoll", "nothing-here");
        let elsewhere = replay_at((&place.url, Some(&other)), None, |_| {}).await.map(|_| ());
        assert!(words(&elsewhere.expect_err("it is not there")).contains("nothing-here"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_they_lie_beside_the_file() {
    let place = Place::sqlite().expect("a place");
    let store = open(&place.url).await;
    let name = adopt(&store, large()).await.expect("adopted");
    assert!(Path::new(&place.url).with_file_name("blobs").join("sha256").is_dir());
    assert!(store.document(&name).await.expect("read") == large());
    let nowhere = Store::open(
        Options { blobs: Some("s3://x?colour=blue".to_owned()), ..Options::new(&place.url, signer()) },
        |_| {},
    );
    assert!(matches!(nowhere.await.map(|_| ()), Err(Error::Address { .. })));
}
