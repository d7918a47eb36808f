//! A fleet of 100,000 hosts with 700 packages each: what following it costs.

use super::Row;
use super::measure::median;
use super::world::{self, World};
use anyhow::{Context, Result, bail};
use fleet::{AssetFilter, Facts, Filter, Findings, GroupBy, Query, Question, Sort, State};
use jiff::Timestamp;
use std::time::Instant;

/// How many times each question is asked.
const ROUNDS: usize = 21;

/// Builds the fleet, asks it everything, and changes it.
pub(super) fn run(rows: &mut Vec<Row>) -> Result<()> {
    let world = World::new(world::HOSTS);
    let start = Instant::now();
    let mut facts = world.facts()?;
    let taken = start.elapsed().as_secs_f64();
    let now = world.now();
    let policy = facts.policy().context("a policy")?;
    let question = Question { policy, decisions: Vec::new(), at: None };
    let start = Instant::now();
    let mut findings = Findings::evaluate(&facts, question.clone());
    let evaluated = start.elapsed().as_secs_f64();
    let summary = findings.summary(&facts, now);
    let fleet = format!(
        "{} hosts, {} packages on them ({} distinct), {} findings",
        summary.assets, summary.packages, summary.distinct_packages, summary.all.findings
    );
    println!("{fleet}; taken in {taken:.2} s");
    rows.push(Row::plain(
        format!("fleet: {fleet}: every finding with its deadline, from the facts"),
        format!("{evaluated:.2} s"),
        "5 s",
        evaluated > 5.0,
    ));
    lists(&facts, &findings, now, rows);
    touch(&world, &mut facts, &mut findings, rows)?;
    let again = Findings::evaluate(&facts, question);
    if again.summary(&facts, now) != findings.summary(&facts, now) {
        bail!("what was followed differs from what is evaluated from zero");
    }
    Ok(())
}

fn milliseconds(mut ask: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        ask();
        start.elapsed().as_secs_f64() * 1e3
    };
    median((0..ROUNDS).map(once).collect())
}

/// The first page of every kind of list.
fn lists(facts: &Facts, findings: &Findings, now: Timestamp, rows: &mut Vec<Row>) {
    let filters: Vec<(&str, Filter)> = vec![
        ("all", Filter::default()),
        ("overdue", Filter { is_overdue: Some(true), ..Filter::default() }),
        ("one class", Filter { classes: vec!["critical".to_owned()], ..Filter::default() }),
        ("a package", Filter { package: Some("project-17".to_owned()), ..Filter::default() }),
        ("a vulnerability", Filter { vulnerability: Some("2026-12".to_owned()), ..Filter::default() }),
        ("a state", Filter { states: vec![State::Open], ..Filter::default() }),
        (
            "an environment",
            Filter {
                assets: AssetFilter { environment: Some("test".to_owned()), ..AssetFilter::default() },
                ..Filter::default()
            },
        ),
        (
            "an owner and a package",
            Filter {
                package: Some("project-3".to_owned()),
                assets: AssetFilter { owner: Some("team-4".to_owned()), ..AssetFilter::default() },
                ..Filter::default()
            },
        ),
        (
            "one asset",
            Filter {
                assets: AssetFilter { name: Some("host-077123".to_owned()), ..AssetFilter::default() },
                ..Filter::default()
            },
        ),
    ];
    let sorts = [Sort::Due, Sort::Class, Sort::Cvss, Sort::Epss, Sort::Vulnerability, Sort::Asset];
    let mut slowest = (0.0, String::new());
    for (name, filter) in &filters {
        for sort in sorts {
            let query = Query { filter: filter.clone(), sort, limit: 50, now, ..Query::default() };
            let time = milliseconds(|| {
                std::hint::black_box(findings.list(facts, &query));
            });
            println!("list: {name}, by {sort:?}: {time:.2} ms");
            if time > slowest.0 {
                slowest = (time, format!("{name}, by {sort:?}"));
            }
        }
    }
    let (time, name) = slowest;
    rows.push(Row::plain(
        format!(
            "the first page of findings, the slowest of {} filters and sorts ({name})",
            filters.len() * sorts.len()
        ),
        format!("{time:.1} ms (median of {ROUNDS})"),
        "10 ms",
        time > 10.0,
    ));
    let summary = milliseconds(|| {
        std::hint::black_box(findings.summary(facts, now));
    });
    rows.push(Row::plain("the fleet in figures", format!("{summary:.1} ms (median of {ROUNDS})"), "", false));
    for by in [GroupBy::Class, GroupBy::Owner, GroupBy::Vulnerability, GroupBy::Package] {
        let time = milliseconds(|| {
            std::hint::black_box(findings.groups(facts, (&Filter::default(), by), now));
        });
        println!("groups by {by:?}: {time:.1} ms");
    }
}

/// Changes: a feed that speaks of 1,200 package versions anew, an inventory, another policy.
fn touch(world: &World, facts: &mut Facts, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<()> {
    let before = findings.summary(facts, world.now()).all.findings;
    let mut times = Vec::new();
    let mut reached = 0;
    for round in 0..5 {
        let (event, bytes) = world.feed_update(facts, round)?;
        let touched = facts.apply(&event, world.now(), Some(&bytes))?;
        let start = Instant::now();
        findings.follow(facts, &touched);
        times.push(start.elapsed().as_secs_f64() * 1e3);
        reached = findings.findings_in(&touched);
    }
    let time = median(times);
    println!("before {before}, after {}", findings.summary(facts, world.now()).all.findings);
    rows.push(Row::plain(
        format!("a feed says something else of 1,200 package versions ({reached} findings): the computation"),
        format!("{time:.1} ms (median of 5)"),
        "10 ms",
        time > 10.0,
    ));
    let mut times = Vec::new();
    for round in 0..ROUNDS as u32 {
        let (event, bytes) = world.upgrade(facts, round * 997)?;
        let start = Instant::now();
        let touched = facts.apply(&event, world.now(), Some(&bytes))?;
        findings.follow(facts, &touched);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let time = median(times);
    rows.push(Row::plain(
        "a host's 20 upgrades: its findings",
        format!("{time:.2} ms (median of {ROUNDS})"),
        "",
        false,
    ));
    let mut times = Vec::new();
    for preset in ["cisa-bod-26-04", "baseline", "pci-dss", "baseline"] {
        let (event, bytes) = world.policy(preset)?;
        let touched = facts.apply(&event, world.now(), Some(&bytes))?;
        let start = Instant::now();
        findings.follow(facts, &touched);
        times.push(start.elapsed().as_secs_f64());
    }
    let time = median(times);
    rows.push(Row::plain(
        "another policy: everything classified anew",
        format!("{time:.2} s (median of 4)"),
        "1 s",
        time > 1.0,
    ));
    Ok(())
}
