//! The record on both databases: durable entries, inventories that are new, and ones that have not changed.

use super::Row;
use super::measure::{cpu_seconds, median};
use super::world::package;
use anyhow::{Context, Result};
use fleet::Thing;
use jiff::{SignedDuration, Timestamp};
use ledger::{KeyKind, Signer};
use lifecycle::{AssetId, Attributes, PersonId};
use operations::{Observed, Organisation};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use store::{Options, Plan, Store};

/// Entries in a group, and groups.
const GROUP: usize = 400;
const GROUPS: usize = 250;
const HOSTS: usize = 300;
const LOOKS: usize = 1000;

/// Measures SQLite in a file of the working folder, and PostgreSQL where it is installed.
pub(super) fn run(work: &Path, rows: &mut Vec<Row>) -> Result<()> {
    std::fs::create_dir_all(work)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let file = work.join("record.sqlite");
    let _ = std::fs::remove_file(&file);
    runtime.block_on(of_database("SQLite", &file.display().to_string(), rows))?;
    match testkit::postgres::database() {
        Some(url) => {
            run_in(&url)?;
            runtime.block_on(of_database("PostgreSQL", &url, rows))
        }
        None => Ok(()),
    }
}

/// Has a new server make the files of its log, which one that has run for a while uses again.
fn run_in(url: &str) -> Result<()> {
    let mut psql = Command::new("psql");
    psql.args(["--quiet", "--no-psqlrc", "--dbname", url]).stdout(Stdio::null());
    for _ in 0..8 {
        psql.args(["--command", "SELECT txid_current()", "--command", "SELECT pg_switch_wal()"]);
    }
    let done = psql.args(["--command", "CHECKPOINT"]).status().context("failed to run psql")?.success();
    anyhow::ensure!(done, "psql failed");
    Ok(())
}

async fn of_database(name: &str, url: &str, rows: &mut Vec<Row>) -> Result<()> {
    let signer = Signer::from_seed("example.com/bench", KeyKind::Note, &[3; 32])?;
    let options = Options::new(url, signer);
    let organisation = Organisation::new(Store::open(options, |_| {}).await?);
    let (person, at) = (PersonId::new("bench")?, Timestamp::from_second(1_790_000_000)?);
    let preset = policy::PRESETS.first().context("a policy")?;
    organisation.found(&person, (preset.id, preset.text), at).await?;
    entries(name, &organisation, (&person, at), rows).await?;
    inventories(name, &organisation, (&person, at), rows).await
}

async fn entries(
    name: &str,
    organisation: &Organisation,
    (person, at): (&PersonId, Timestamp),
    rows: &mut Vec<Row>,
) -> Result<()> {
    let mut times = Vec::new();
    let start = Instant::now();
    for group in 0..GROUPS {
        let id = |number: usize| AssetId::new(format!("asset-{group:04}-{number:04}"));
        let commands: Vec<lifecycle::Command> = (0..GROUP)
            .map(|number| Ok(lifecycle::Command::RegisterAsset(id(number)?, Attributes::default())))
            .collect::<Result<_, lifecycle::Refusal>>()?;
        let begun = Instant::now();
        organisation.store.commit(person, at, move |_| Ok(Plan { commands, ..Plan::default() })).await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let rate = (GROUP * GROUPS) as f64 / start.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let slow = times[times.len() * 99 / 100];
    rows.push(Row::plain(
        format!("{name}: durable entries in groups of {GROUP}, each with the row that follows from it"),
        format!("{rate:.0} a second, p99 of a group {slow:.1} ms"),
        "50,000 a second, 10 ms",
        rate < 50_000.0 || slow > 10.0,
    ));
    Ok(())
}

fn thing(number: usize, version: usize) -> Thing {
    package(format!("project-{number}"), format!("1.2.{version}-1+deb12u1"))
}

async fn inventories(
    name: &str,
    organisation: &Organisation,
    (person, at): (&PersonId, Timestamp),
    rows: &mut Vec<Row>,
) -> Result<()> {
    let id = |host: usize| AssetId::new(format!("asset-0000-{host:04}"));
    let mut times = Vec::new();
    for host in 0..HOSTS {
        // A tenth of what a host has is its own.
        let things = (0..700).map(|number| thing(number, if number % 10 == 0 { host } else { host % 3 })).collect();
        let begun = Instant::now();
        let observed = Observed::new(things, "Debian 12".to_owned(), Vec::new(), 0)?;
        organisation.push(person, id(host)?, (observed, at), (None, at)).await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let time = median(times);
    rows.push(Row::plain(
        format!("{name}: a first inventory of 700 packages, taken in by itself"),
        format!("{time:.2} ms (median of {HOSTS})"),
        "5 ms",
        time > 5.0,
    ));
    let things: Vec<Thing> = (0..700).map(|number| thing(number, 0)).collect();
    let observed = Observed::new(things, "Debian 12".to_owned(), Vec::new(), 0)?;
    // An agent hands in what it has once; to make copies of it is not what is measured.
    let looks = vec![observed; LOOKS];
    let before = cpu_seconds();
    let mut submitted = Vec::new();
    for (look, observed) in looks.into_iter().enumerate() {
        let at = at + SignedDuration::from_secs(1 + look as i64);
        submitted.push(organisation.submit(person, id(0)?, (observed, at), (None, at)).await?);
    }
    for one in submitted {
        organisation.taken(one).await?;
    }
    let time = (cpu_seconds() - before) * 1e3 / LOOKS as f64;
    rows.push(Row::plain(
        format!("{name}: an unchanged inventory of 700 packages, its digest known: processor time of this process"),
        format!("{time:.3} ms (mean of {LOOKS})"),
        "0.5 ms",
        time > 0.5,
    ));
    Ok(())
}
