//! A policy as code: proving it, writing its document, holding another one against a fleet's history.

use super::Row;
use super::measure::median;
use super::world::World;
use anyhow::{Context, Result};
use fleet::{Findings, Question};
use jiff::SignedDuration;
use policy::{PROFILES, Policy, Written};
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 21;
/// The fleet whose history is played again, and for how many instants.
const HOSTS: u32 = 10_000;
const MONTHS: i64 = 12;

/// Measures what people wait for while they write.
pub(super) fn run(rows: &mut Vec<Row>) -> Result<()> {
    let profile = PROFILES.iter().find(|profile| profile.id == "defense").context("a profile")?;
    let text = profile.whole()?;
    let now = "2026-11-30T00:00:00Z".parse()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let checked = operations::check_policy(&text, now)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(!checked.has_errors() && checked.proven.len() > 5, "the profile is not proven");
    }
    let time = median(times);
    rows.push(Row::plain(
        "policy: check of a whole policy, every proof and framework".to_owned(),
        format!("{time:.1} ms (median of {ROUNDS})"),
        "100 ms",
        time > 100.0,
    ));
    let policy = Policy::parse(&text)?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let written = Written::of(&policy, &text)?.document("whole").context("a document")?;
        let written = written.map_err(|unfilled| anyhow::anyhow!("{unfilled:?}"))?;
        anyhow::ensure!(documents::page(&policy.name, &written).len() > written.len(), "the page is not whole");
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    rows.push(Row::plain(
        "policy: the whole document, as HTML".to_owned(),
        format!("{:.2} ms (median of {ROUNDS})", median(times)),
        "",
        false,
    ));
    files(&policy, &text, rows)?;
    owed(&policy, rows)?;
    history(Arc::new(policy), rows)
}

/// The whole policy as files, each made anew.
fn files(policy: &Policy, text: &str, rows: &mut Vec<Row>) -> Result<()> {
    let wanted = operations::PolicyDocument { policy, text, id: "whole", examples: None };
    let markdown = operations::policy_document(&wanted).context("a document")?.map_err(anyhow::Error::msg)?;
    let sheet = documents::Sheet { title: &policy.name, imprint: "measured", at: "2026-11-30T00:00:00Z".parse()? };
    let mut measure = |name: &str, limit: (&'static str, f64), set: &dyn Fn() -> Result<Vec<u8>, documents::Error>| {
        let mut times = Vec::new();
        for _ in 0..5 {
            let begun = Instant::now();
            let bytes = set()?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            anyhow::ensure!(bytes.len() > 5_000, "{name} is not whole");
        }
        let time = median(times);
        rows.push(Row::plain(
            format!("policy: the whole document, as {name}"),
            format!("{time:.0} ms (median of 5)"),
            limit.0,
            time > limit.1,
        ));
        Ok(())
    };
    measure("PDF (tagged, PDF/A-2a)", ("2 s", 2_000.0), &|| documents::pdf(&sheet, &markdown))?;
    measure("DOCX", ("", f64::INFINITY), &|| documents::docx(&sheet, &markdown))
}

/// What 20,000 people owe by a policy.
fn owed(policy: &Policy, rows: &mut Vec<Row>) -> Result<()> {
    const PEOPLE: usize = 20_000;
    let now: jiff::Timestamp = "2026-11-30T00:00:00Z".parse()?;
    let mut state = lifecycle::State {
        policy: Some(lifecycle::PolicyInForce {
            name: policy.name.clone(),
            document: "sha256:0".to_owned(),
            since: now - SignedDuration::from_hours(24),
            rule: lifecycle::PolicyRule::of(policy),
        }),
        ..lifecycle::State::default()
    };
    for number in 0..PEOPLE {
        let mut person =
            lifecycle::Person { joined: Some(now - SignedDuration::from_hours(240)), ..Default::default() };
        person.roles.insert(lifecycle::Role::Employee);
        state.people.insert(lifecycle::PersonId::new(format!("person-{number}"))?, person);
    }
    let begun = Instant::now();
    let duties = state.duties(now).len();
    let time = begun.elapsed().as_secs_f64() * 1e3;
    anyhow::ensure!(duties >= 2 * PEOPLE, "only {duties} duties");
    rows.push(Row::plain(
        format!("policy: what {PEOPLE} people owe ({duties} duties)"),
        format!("{time:.0} ms"),
        "",
        false,
    ));
    Ok(())
}

/// Two policies, as of a row of instants at which all is there, and of now.
fn history(draft: Arc<Policy>, rows: &mut Vec<Row>) -> Result<()> {
    let world = World::new(HOSTS);
    let (facts, now) = (world.facts()?, world.now());
    let current = facts.policy().context("a policy")?;
    let evaluate = |policy: &Arc<Policy>, at| {
        Findings::evaluate(&facts, Question { policy: Arc::clone(policy), decisions: Vec::new(), at })
    };
    let begun = Instant::now();
    let [one, other] = [&current, &draft].map(|policy| evaluate(policy, None).counts(now));
    anyhow::ensure!(one.findings == other.findings, "the policies find different things");
    let findings = one.findings;
    let mut past = Vec::new();
    for back in 1..=MONTHS {
        let at = now - SignedDuration::from_hours(back);
        let question = Question { policy: Arc::clone(&draft), decisions: Vec::new(), at: Some(at) };
        past.push((at, Findings::overdue_by(&facts, [&current, &draft], (&question, at))));
    }
    let time = begun.elapsed().as_secs_f64();
    // What is counted without the findings themselves is what they come to.
    let (at, told) = past.pop().context("a past instant")?;
    for (policy, told) in [&current, &draft].into_iter().zip(told) {
        anyhow::ensure!(evaluate(policy, Some(at)).counts(at).overdue == told, "the past is another one");
    }
    rows.push(Row::plain(
        format!("policy: a draft beside the one in force, {HOSTS} hosts, {findings} findings, {MONTHS} past instants and now"),
        format!("{time:.2} s"),
        "5 s",
        time > 5.0,
    ));
    Ok(())
}
