//! A record of 100,000 hosts in its database: taken in, judged, told of another state of the feeds, and opened again.

use super::Row;
use super::measure::measure;
use super::world::{self, World};
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{Command, PersonId};
use operations::{Advisories, Observed, Organisation};
use std::path::Path;
use std::time::Instant;
use store::{Options, Plan, Store};

/// Assets in one transaction, and inventories that are on their way at once.
const GROUP: u32 = 500;

fn options<'a>(file: &'a str, work: &Path, world: &World) -> Result<Options<'a>> {
    let signer = Signer::from_seed("example.com/bench", KeyKind::Note, &[3; 32])?;
    let snapshot = Some(work.join("scale.facts"));
    Ok(Options { snapshot, findings_at: Some(world.now()), ..Options::new(file, signer) })
}

/// Makes the record, changes it, and opens it in processes of their own.
pub(super) fn run(work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    std::fs::create_dir_all(work)?;
    for name in ["scale.sqlite", "scale.sqlite-wal", "scale.sqlite-shm", "scale.facts"] {
        let _ = std::fs::remove_file(work.join(name));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(make(work, rows))?;
    drop(runtime);
    let program = std::env::current_exe()?;
    let figures = measure(5, || {
        let mut command = std::process::Command::new(&program);
        command.arg("ready").arg(work);
        command
    })?;
    rows.push(Row::of(
        format!("{} hosts: the record opened, every finding evaluated and the fleet in figures", world::HOSTS),
        &figures,
        2.0,
        Some(1024),
    ));
    Ok(())
}

/// Opens the record, and looks at the fleet in figures.
pub(super) fn ready(work: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (world, file) = (World::new(world::HOSTS), work.join("scale.sqlite").display().to_string());
        let start = Instant::now();
        let store = Store::open(options(&file, work, &world)?, |_| {}).await?;
        let opened = start.elapsed().as_secs_f64();
        let record = store.record().await?;
        let findings = record.findings.as_ref().context("findings")?;
        let summary = findings.summary(&record.facts, world.now());
        println!("opened in {opened:.2} s: {} assets, {} findings", summary.assets, summary.all.findings);
        // What is measured ends here: taking all of it apart again is no part of being ready.
        std::process::exit(0)
    })
}

async fn make(work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let world = World::new(world::HOSTS);
    let file = work.join("scale.sqlite").display().to_string();
    let organisation = Organisation::new(Store::open(options(&file, work, &world)?, |_| {}).await?);
    let (person, at) = (PersonId::new("bench")?, Timestamp::from_second(1_775_000_000)?);
    let preset = policy::PRESETS.iter().find(|preset| preset.id == "baseline").context("a policy")?;
    organisation.found(&person, (preset.id, preset.text), at).await?;
    let start = Instant::now();
    let hosts: Vec<u32> = (0..world::HOSTS).collect();
    for group in hosts.chunks(GROUP as usize) {
        let register = |host: &u32| Ok(Command::RegisterAsset(World::asset(*host)?, World::attributes(*host)));
        let commands = group.iter().map(register).collect::<Result<_>>()?;
        organisation.store.commit(&person, at, move |_| Ok(Plan { commands, ..Plan::default() })).await?;
        let mut pushed = Vec::new();
        for host in group {
            let things = world.things(*host).into_iter().map(World::thing).collect();
            let observed = Observed::new(things, "Debian GNU/Linux 12".to_owned(), Vec::new(), 0)?;
            pushed.push(organisation.submit(&person, World::asset(*host)?, (observed, at), (None, at)).await?);
        }
        for one in pushed {
            one.wait().await?;
        }
    }
    let taken = start.elapsed().as_secs_f64();
    let rate = f64::from(world::HOSTS) / taken;
    println!("{} hosts registered and taken in: {taken:.0} s, {rate:.0} a second", world::HOSTS);
    let first = Advisories::new(World::index(0)?)?;
    let start = Instant::now();
    let judged = organisation.judge(&person, &first, at, |_, _| {}).await?;
    println!("everything judged for the first time: {:.2} s, {judged:?}", start.elapsed().as_secs_f64());
    let mut times = Vec::new();
    let mut changed = 0;
    for round in 1..=5 {
        let next = Advisories::new(World::index(round)?)?;
        let now = at + SignedDuration::from_hours(i64::from(round));
        let start = Instant::now();
        organisation.note_feeds(&person, &next, now).await?;
        changed = organisation.judge(&person, &next, now, |_, _| {}).await?.changed;
        let record = organisation.store.record().await?;
        let findings = record.findings.as_ref().context("findings")?;
        std::hint::black_box(findings.summary(&record.facts, now));
        times.push(start.elapsed().as_secs_f64());
        println!("another state of the feeds: {:.2} s, {changed} versions", times[times.len() - 1]);
    }
    let time = super::measure::median(times);
    rows.push(Row::plain(
        format!(
            "{} hosts: a feed says something else of {changed} versions: held against everything, durable and visible",
            world::HOSTS
        ),
        format!("{time:.2} s (median of 5)"),
        "2 s",
        time > 2.0,
    ));
    let start = Instant::now();
    organisation.store.keep_snapshot(&work.join("scale.facts")).await?;
    let size = std::fs::metadata(work.join("scale.facts"))?.len() >> 20;
    println!("a snapshot of the facts: {:.2} s, {size} MiB", start.elapsed().as_secs_f64());
    Ok(())
}
