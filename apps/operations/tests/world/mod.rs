//! An organisation in a folder of its own, with an asset, packages and advisories.
#![allow(dead_code, clippy::expect_used, reason = "tests; not every one uses all of it")]

use advisories::index::{Builder, FeedState};
use advisories::{Advisory, Affected, Record, Subject};
use fleet::Thing;
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{AssetId, Attributes, Command, PersonId};
use plimsoll_operations::{Advisories, Observed, Organisation, Taken};
use std::path::PathBuf;
use store::{Options, Store};

pub(crate) struct World {
    folder: PathBuf,
    pub(crate) organisation: Organisation,
    pub(crate) person: PersonId,
    pub(crate) asset: AssetId,
}

impl World {
    pub(crate) async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-push-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let url = folder.join("record.sqlite").display().to_string();
        let options = Options::new(&url, signer());
        let organisation = Organisation::new(Store::open(options, |_| {}).await.expect("opened"));
        let person = PersonId::new("olaf").expect("an id");
        let asset = AssetId::new("web-1").expect("an id");
        let preset = &policy::PRESETS[0];
        organisation.found(&person, (preset.id, preset.text), day(0)).await.expect("founded");
        let register = Command::RegisterAsset(asset.clone(), Attributes::default());
        organisation.act(&person, day(0), register).await.expect("registered");
        Self { folder, organisation, person, asset }
    }

    pub(crate) fn url(&self) -> String {
        self.folder.join("record.sqlite").display().to_string()
    }

    pub(crate) async fn push(&self, things: Vec<Thing>, at: Timestamp, advisories: &Advisories) -> Taken {
        let input = (observed(things), at);
        let known = (Some(advisories), at.max(day(20)));
        self.organisation.push(&self.person, self.asset.clone(), input, known).await.expect("taken in")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn signer() -> Signer {
    Signer::from_seed("plimsoll/test", KeyKind::Note, &[5; 32]).expect("a key")
}

pub(crate) fn day(number: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().expect("an instant") + SignedDuration::from_hours(24 * number)
}

pub(crate) fn observed(things: Vec<Thing>) -> Observed {
    Observed::new(things, "Debian 12".to_owned(), Vec::new(), 0).expect("observed")
}

pub(crate) fn thing(name: &str, version: &str) -> Thing {
    let (name, version) = (name.to_owned(), version.to_owned());
    let source = Some((name.clone(), version.clone()));
    Thing { kind: "deb".to_owned(), ecosystem: "Debian:12".to_owned(), source, name, version, ..Thing::default() }
}

/// An index in which `example` is fixed in 2, and another package is not named.
pub(crate) fn advisories() -> Advisories {
    let mut builder = Builder::default();
    let advisory = Advisory {
        id: "DSA-1".to_owned(),
        resolves: vec!["CVE-2026-0001".to_owned()],
        affected: vec![Affected::fixed_in("Debian:12", "example", Subject::Source, "2")],
        published: Some(day(-3)),
        ..Advisory::default()
    };
    builder.add(Builder::prepare(Record::Advisory(Box::new(advisory))), 0);
    let feed = FeedState { feed: "debian_lists".to_owned(), records: 1, newest: Some(day(-3)), ..FeedState::default() };
    Advisories::new(builder.finish(&[feed]).expect("an index")).expect("opened")
}
