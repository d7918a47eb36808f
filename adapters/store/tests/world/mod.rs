//! What the store's tests share: a database of each kind, and an organisation to fill it with.
#![allow(dead_code, reason = "each test file uses what it needs")]

pub(crate) mod player;

use fleet::{InventoryDocument, Thing};
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{AssetId, Attributes, Command, PersonId, Pushed, Role};
use plimsoll_store::{Committed, Error, Options, Plan, Store, WritePoint, digest};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A new, empty database.
pub(crate) struct Place {
    pub(crate) url: String,
    folder: Option<PathBuf>,
}

impl Place {
    pub(crate) fn sqlite() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("plimsoll-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Some(Self { url: folder.join("record.sqlite").display().to_string(), folder: Some(folder) })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    pub(crate) fn postgres() -> Option<Self> {
        testkit::postgres::database().map(|url| Self { url, folder: None })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// The key of all test ledgers.
pub(crate) fn signer() -> Signer {
    Signer::from_seed("plimsoll/test", KeyKind::Note, &[7; 32]).expect("a key")
}

/// Opened, and where it is new with those who act in it.
pub(crate) async fn open(url: &str) -> Store {
    let store = try_open(url, None).await.expect("opened");
    staff(&store).await;
    store
}

/// Where nobody is known yet: an administrator who operates too.
pub(crate) async fn staff(store: &Store) {
    if !store.record().await.expect("read").state.people.is_empty() {
        return;
    }
    let roles = BTreeSet::from([Role::Administrator, Role::Operator]);
    act(store, "root", day(0), Command::SetRoles(person("root"), roles, BTreeSet::new())).await.expect("a role");
}

pub(crate) async fn try_open(url: &str, write_point: Option<WritePoint>) -> Result<Store, Error> {
    Store::open(Options { write_point, ..Options::new(url, signer()) }, |_| {}).await
}

pub(crate) fn day(number: i64) -> Timestamp {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    start + SignedDuration::from_hours(24 * number)
}

pub(crate) fn person(id: &str) -> PersonId {
    PersonId::new(id).expect("an id")
}

pub(crate) fn asset(id: &str) -> AssetId {
    AssetId::new(id).expect("an id")
}

pub(crate) fn thing(name: &str, version: &str) -> Thing {
    let (name, version) = (name.to_owned(), version.to_owned());
    Thing { kind: "deb".to_owned(), ecosystem: "Debian:12".to_owned(), name, version, ..Thing::default() }
}

/// One command, as it comes.
pub(crate) async fn act(store: &Store, by: &str, at: Timestamp, command: Command) -> Result<Committed, Error> {
    store.commit(&person(by), at, move |_| Ok(Plan { commands: vec![command], ..Plan::default() })).await
}

pub(crate) async fn register(store: &Store, id: &str, at: Timestamp) -> Result<Committed, Error> {
    act(store, "root", at, Command::RegisterAsset(asset(id), Attributes::default())).await
}

/// Takes the inventory of an asset in: these packages and no others.
pub(crate) async fn push(
    store: &Store,
    id: &str,
    at: Timestamp,
    packages: &[(&str, &str)],
) -> Result<Committed, Error> {
    let id = asset(id);
    let wanted: Vec<Thing> = packages.iter().map(|(name, version)| thing(name, version)).collect();
    store
        .commit(&person(&format!("agent/{id}")), at, move |record| {
            let had: BTreeSet<u32> = record.facts.things_of(&id).collect();
            let mut next = record.facts.things().count() as u32;
            let mut document = InventoryDocument::default();
            let mut has = BTreeSet::new();
            for thing in &wanted {
                has.insert(record.facts.number_of(thing).unwrap_or_else(|| {
                    document.new.push(thing.clone());
                    next += 1;
                    next - 1
                }));
            }
            document.added = has.difference(&had).copied().collect();
            document.removed = had.difference(&has).copied().collect();
            let bytes = document.write().map_err(|error| Error::Plan(error.to_string()))?;
            let pushed = Pushed {
                asset: id,
                digest: digest(format!("{wanted:?}").as_bytes()),
                document: digest(&bytes),
                taken_at: at,
                packages: wanted.len() as u64,
                unread: 0,
            };
            Ok(Plan { commands: vec![Command::PushInventory(pushed)], documents: vec![bytes], ..Plan::default() })
        })
        .await
}

/// A small organisation: people, three assets, some inventories.
pub(crate) async fn populate(store: &Store) {
    staff(store).await;
    let roles = [("boss", Role::Approver), ("lead", Role::SecurityLead)];
    for (who, role) in roles {
        act(store, "root", day(0), Command::SetRoles(person(who), BTreeSet::from([role]), BTreeSet::new()))
            .await
            .expect("a role");
    }
    let text = policy::PRESETS[0].text.as_bytes().to_vec();
    let adopt = Command::AdoptPolicy {
        name: "test".to_owned(),
        document: digest(&text),
        rule: lifecycle::PolicyRule::default(),
    };
    let plan = Plan { commands: vec![adopt], documents: vec![text], ..Plan::default() };
    store.commit(&person("lead"), day(0), move |_| Ok(plan)).await.expect("adopted");
    for id in ["web-1", "web-2", "db-1"] {
        register(store, id, day(1)).await.expect("registered");
    }
    for (id, at, packages) in [
        ("web-1", day(2), &[("openssl", "3.0.1"), ("nginx", "1.22")][..]),
        ("web-2", day(2), &[("openssl", "3.0.1"), ("nginx", "1.24")]),
        ("db-1", day(3), &[("openssl", "3.0.1"), ("postgresql", "15.1")]),
        ("web-1", day(4), &[("openssl", "3.0.2"), ("nginx", "1.22")]),
        ("web-1", day(5), &[("openssl", "3.0.2"), ("nginx", "1.22")]),
    ] {
        push(store, id, at, packages).await.expect("pushed");
    }
    act(store, "root", day(6), Command::RetireAsset(asset("db-1"), "sold".to_owned())).await.expect("retired");
}

/// The ledger is as it was written, the tables follow from it, and so does what is in memory.
pub(crate) async fn assert_is_whole(store: &Store) {
    let report = store.verify(&signer().verifier(), Vec::new(), |_| {}).await.expect("verified");
    assert_eq!(report.tampering, []);
    let (replayed, record) = store.replay(|_| {}).await.expect("replayed");
    assert_eq!(replayed.differences, []);
    assert_eq!(record.state, store.record().await.expect("read").state);
}

/// The words of a failure, with those of its causes.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

/// Runs each test on both databases: `both! { async fn name(place: &Place) { … } }`.
#[allow(unused_macros, reason = "each test file uses what it needs")]
macro_rules! both {
    ($($(#[$words:meta])* async fn $name:ident($place:ident) $body:block)*) => {
        $(async fn $name($place: &crate::world::Place) $body)*

        mod sqlite {
            $($(#[$words])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let place = crate::world::Place::sqlite().expect("a place");
                super::$name(&place).await;
            })*
        }

        mod postgres {
            $($(#[$words])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(place) = crate::world::Place::postgres() {
                    super::$name(&place).await;
                }
            })*
        }
    };
}
#[allow(unused_imports, reason = "each test file uses what it needs")]
pub(crate) use both;
