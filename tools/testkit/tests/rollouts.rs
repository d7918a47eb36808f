//! Rollouts of a fleet of ten thousand hosts, by seeds. `PLIMSOLL_SEEDS=1000000 cargo test --release -p plimsoll-testkit --test rollouts`
//! plays a million of them.
#![allow(clippy::expect_used, reason = "tests")]

use change::{Candidate, Plan, Upgrade, Wanted, plan};
use jiff::{SignedDuration, Timestamp};
use plimsoll_testkit::rollout::{Chance, Faults, People, Play, Played, play};
use policy::promises::ChangeType;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const HOSTS: usize = 10_000;
/// The ring of the test environment, where there is one, and the canary ring of the policies below.
const CANARY: usize = 1;
const RINGS: &str = r#"
[testing]
environments = ["staging"]
tests = ["it starts"]
soak = "1 day"

[deployment]
failure-threshold = 5
at-once = 400

[[ring]]
id = "staging"
environment = ["staging"]
soak = "1 day"

[[ring]]
id = "canary"
share = 5
soak = "1 day"

[[ring]]
id = "early"
share = 20
soak = "1 day"

[[ring]]
id = "wide"
soak = "1 day"
"#;
const WINDOWS: &str = r#"
[[window]]
id = "nightly"
starts = "2026-01-04T22:00:00"
rule = "FREQ=DAILY"
lasts = "6 hours"
time-zone = "Europe/Berlin"
environment = ["production"]

[[freeze]]
from = "2026-03-05"
until = "2026-03-06"
reason = "quarter end"
"#;

fn seeds() -> u64 {
    std::env::var("PLIMSOLL_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(20_000)
}

fn plan_of(hosts: usize, has_windows: bool, grouped: usize, staging: usize) -> Arc<Plan> {
    let baseline = policy::PRESETS.iter().find(|preset| preset.id == "baseline");
    let classes = baseline.expect("a preset").text;
    let windows = if has_windows { WINDOWS } else { "" };
    let policy = policy::Policy::parse(&format!("{classes}\n{RINGS}{windows}")).expect("a policy");
    let candidates: Vec<Candidate> = (0..hosts)
        .map(|number| Candidate {
            asset: format!("host-{number}"),
            environment: Some(if number < staging { "staging" } else { "production" }.to_owned()),
            group: (number < grouped).then(|| format!("cluster-{}", number / 3)),
            upgrades: vec![Upgrade {
                package: "openssl".to_owned(),
                from: Some("3.0.16-1".to_owned()),
                to: "3.0.17-1".to_owned(),
            }],
            ..Candidate::default()
        })
        .collect();
    let now: Timestamp = "2026-03-02T09:00:00Z".parse().expect("an instant");
    let wanted = Wanted {
        kind: ChangeType::Normal,
        title: "openssl".to_owned(),
        way_back: "what was installed is kept".to_owned(),
        until: now + SignedDuration::from_hours(24 * 40),
        left_out: Vec::new(),
        precedence: Vec::new(),
        health: std::collections::BTreeSet::new(),
        trigger: None,
    };
    Arc::new(plan(&candidates, wanted, &policy, now).expect("a plan"))
}

/// What is played with a seed: a patch that kills none or a share, among hosts that have their own troubles.
fn drawn(seed: u64) -> (u64, Play) {
    let mut chance = Chance::new(seed ^ 0x5eed);
    let dies = [0, 500, 3_000, 10_000][usize::try_from(chance.below(4)).expect("small")];
    let faults = Faults {
        dies,
        fails: chance.below(60),
        breaks: chance.below(20),
        lies: chance.below(20),
        slow: chance.below(30),
        cut_off: chance.below(30),
        skewed: chance.below(30),
        unrestarted: chance.below(30),
        vanishes: chance.below(30),
        away: chance.below(50),
    };
    let people = match chance.below(3) {
        _ if dies > 0 => [People::Abort, People::TakeBack][usize::try_from(chance.below(2)).expect("small")],
        0 => People::Abort,
        1 => People::TakeBack,
        _ => People::Meddle,
    };
    (dies, Play { faults, people })
}

fn check(seed: u64, dies: u64, plan: &Plan, played: &Played) -> Result<(), String> {
    let most = u32::try_from(plan.assets() / 100).expect("small").max(2);
    // One that dies alone in a small ring is no pattern yet: nothing goes on behind it either.
    let stopped_early = played.reached <= CANARY && (played.stopped_in.is_some() || played.killed < 2);
    if dies > 0 && (!stopped_early || played.killed > most) {
        return Err(format!("seed {seed}: a patch that kills {dies} of 10,000 gave {played:?}"));
    }
    Ok(())
}

#[test]
fn whatever_goes_wrong_a_rollout_stays_within_its_bounds_and_ends() {
    let plans = [plan_of(HOSTS, true, 3_000, 0), plan_of(HOSTS, false, 300, 0), plan_of(HOSTS, true, 0, 20)];
    let (next, most) = (AtomicU64::new(0), seeds());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let totals: Vec<Result<(u64, u64, u64), String>> = std::thread::scope(|scope| {
        let work = || {
            let (mut stopped, mut killed, mut events) = (0, 0, 0);
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= most {
                    return Ok((stopped, killed, events));
                }
                let plan = &plans[usize::try_from(seed % 3).expect("small")];
                let (dies, what) = drawn(seed);
                let played = play(plan, &what, seed).map_err(|what| format!("seed {seed}: {what}"))?;
                check(seed, dies, plan, &played)?;
                stopped += u64::from(played.stopped_in.is_some());
                killed += u64::from(played.killed);
                events += played.events as u64;
            }
        };
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        started.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    });
    let mut all = (0, 0, 0);
    for total in totals {
        let (stopped, killed, events) = total.unwrap_or_else(|what| panic!("{what}"));
        all = (all.0 + stopped, all.1 + killed, all.2 + events);
    }
    println!("{most} seeds: {} stopped by themselves, {} hosts killed, {} events", all.0, all.1, all.2);
    assert!(all.0 > 0 && all.1 > 0 && all.2 > most, "it played: {all:?}");
}

#[test]
fn a_patch_that_is_sound_gets_onto_every_host() {
    for (has_windows, grouped) in [(true, 300), (false, 0)] {
        let plan = plan_of(HOSTS, has_windows, grouped, 100);
        let sound = Play { faults: Faults::default(), people: People::Abort };
        let played = play(&plan, &sound, 7).expect("nothing that may not happen");
        assert_eq!((played.verified as usize, played.stopped_in), (HOSTS, None));
    }
}

#[test]
fn in_a_small_fleet_no_more_than_two_hosts_are_lost() {
    for hosts in [2, 3, 7, 20, 100] {
        let plan = plan_of(hosts, false, 0, 0);
        for seed in 0..200 {
            let faults = Faults { dies: 10_000, ..Faults::default() };
            let played =
                play(&plan, &Play { faults, people: People::Abort }, seed).expect("nothing that may not happen");
            assert!(played.killed <= 2 && played.stopped_in == Some(CANARY), "{hosts} hosts, seed {seed}: {played:?}");
        }
    }
}
