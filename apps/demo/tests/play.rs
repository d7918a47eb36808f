//! An organisation played twice is the same one, on either database, and after replay.
#![allow(clippy::expect_used, reason = "tests")]

use fleet::{Findings, Page, Query, Question, Summary};
use jiff::{SignedDuration, Timestamp};
use operations::Organisation;
use plimsoll_demo::{Error, Settings, play, signer};
use std::path::PathBuf;
use store::{Options, Record, Store};

const SETTINGS: Settings = Settings { assets: 24, days: 60, seed: 7, until: Timestamp::constant(1_790_000_000, 0) };

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plimsoll-demo-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn url(&self) -> String {
        self.0.join("record.sqlite").display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn open(url: &str, findings_at: Option<Timestamp>) -> Organisation {
    let signer = signer(SETTINGS.seed).expect("a key");
    let options = Options { findings_at, ..Options::new(url, signer) };
    Organisation::new(Store::open(options, |_| {}).await.expect("opened"))
}

/// What the record answers as of each tenth day, and of now.
fn answers(record: &Record) -> Vec<(Summary, Page)> {
    let days = (0..=6).map(|tenth| Some(SETTINGS.until - SignedDuration::from_hours(24 * (60 - tenth * 10) - 1)));
    let answer = |at: Option<Timestamp>| {
        let now = at.unwrap_or(SETTINGS.until);
        let policy = record.facts.policy_at(at)?;
        let question = Question { policy, decisions: record.state.decisions_at(now), at };
        let findings = Findings::evaluate(&record.facts, question);
        let query = Query { limit: usize::MAX, now, ..Query::default() };
        Some((findings.summary(&record.facts, now), findings.list(&record.facts, &query)))
    };
    days.chain([None]).filter_map(answer).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_plays_the_same_organisation_on_both_databases_and_after_replay() {
    let folder = Folder::new("same");
    let organisation = open(&folder.url(), Some(SETTINGS.until)).await;
    let played = play(&organisation, SETTINGS, |_, _| {}).await.expect("played");
    assert!(played.inventories > 100 && played.unchanged > 20, "{played:?}");
    let record = organisation.store.record_at(SETTINGS.until).await.expect("read");
    let expected = answers(&record);
    let (last, _) = expected.last().expect("of now");
    assert!(last.all.overdue > 0 && last.all.findings > last.all.overdue, "{last:?}");
    assert_eq!(expected.len(), 7);
    // What was followed all the way equals what is evaluated from zero.
    let followed = record.findings.as_ref().expect("kept");
    assert_eq!(followed.summary(&record.facts, SETTINGS.until), last.clone());
    drop(record);
    let (replayed, record) = organisation.store.replay(|_| {}).await.expect("replayed");
    assert_eq!((replayed.differences, replayed.unlawful, replayed.dated_back), (Vec::new(), Vec::new(), Vec::new()));
    assert_eq!(answers(&record), expected);
    let checkpoint = organisation.store.checkpoint().await.expect("a checkpoint");
    let report = organisation.store.verify(&signer(7).expect("a key").verifier(), Vec::new(), |_| {}).await;
    assert_eq!(report.expect("verified").tampering, []);
    let Some(url) = testkit::postgres::database() else { return };
    let other = open(&url, None).await;
    play(&other, SETTINGS, |_, _| {}).await.expect("played");
    assert_eq!(other.store.checkpoint().await.expect("a checkpoint"), checkpoint, "the same, entry by entry");
    assert_eq!(answers(&other.store.record().await.expect("read")), expected);
    // And what one database has, the other takes over.
    let mut backup = Vec::new();
    store::backup((&url, None), &mut backup, |_| {}).await.expect("backed up");
    let second = Folder::new("restored");
    let key = signer(7).expect("a key").verifier();
    let restored = store::restore(&second.url(), backup.as_slice(), &key, false, |_| {}).await.expect("restored");
    assert_eq!(restored.report.expect("verified").tampering, []);
    assert_eq!(restored.replayed.differences, []);
    assert_eq!(answers(&open(&second.url(), None).await.store.record().await.expect("read")), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_begins_in_an_empty_place() {
    let folder = Folder::new("twice");
    let organisation = open(&folder.url(), None).await;
    let short = Settings { assets: 10, days: 2, ..SETTINGS };
    play(&organisation, short, |_, _| {}).await.expect("played");
    assert!(matches!(play(&organisation, short, |_, _| {}).await, Err(Error::NotEmpty)));
}
