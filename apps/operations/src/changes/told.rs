//! How a change and its assets stand, for whoever looks.

use change::{Came, Change, Happening, Place, Stage};
use jiff::Timestamp;
use lifecycle::{AssetId, ChangeId, Command, PersonId, State};
use serde::Serialize;
use std::collections::BTreeMap;
use store::{ChangeStep, Record};

/// How an asset of a change stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssetStanding {
    /// Its id.
    pub asset: String,
    /// Its ring; empty where the change is over.
    pub ring: String,
    /// How far it has come, in words.
    pub state: &'static str,
    /// Since when.
    pub since: Option<Timestamp>,
    /// What it waits for; empty where it does not wait.
    pub waits_for: String,
    /// What was said of it last.
    pub words: String,
    /// The digest of its newest log.
    pub log: Option<String>,
    /// Whether somebody has to look at it.
    pub is_bad: bool,
}

/// The last word on an asset.
struct Newest<'s> {
    at: Timestamp,
    came: Came,
    words: &'s str,
    log: Option<&'s String>,
}

/// What the gate of a change lacks, in words; nothing where it is passed or over.
#[must_use]
pub fn gate_lacks(record: &Record, id: &ChangeId, known: &Change, now: Timestamp) -> Vec<String> {
    let tested_since = record.rollouts.get(id).and_then(|rolled| rolled.rollout.tested_since());
    if known.may_still_be_judged().is_ok() { record.state.change_lacks(known, tested_since, now) } else { Vec::new() }
}

/// How a change stands, in words: also what it waits for.
#[must_use]
pub fn change_standing(record: &Record, id: &ChangeId, known: &Change, now: Timestamp) -> String {
    let lacks = gate_lacks(record, id, known, now);
    match known.stage {
        Stage::Planned => "planned, and was not started".to_owned(),
        Stage::RollingOut if !lacks.is_empty() => {
            format!("in its test environments; its gate lacks {}", lacks.join("; "))
        }
        // Why it was held before it ended is none of its end.
        Stage::Ended => Stage::Ended.word().to_owned(),
        stage if known.reason.is_empty() => stage.word().to_owned(),
        stage => format!("{} ({})", stage.word(), known.reason),
    }
}

/// How each asset of a change stands, in the order of its plan; of one that is over, the last word on each.
#[must_use]
pub fn asset_standings(record: &Record, id: &ChangeId, steps: &[ChangeStep], now: Timestamp) -> Vec<AssetStanding> {
    let mut newest: BTreeMap<&AssetId, Newest<'_>> = BTreeMap::new();
    for step in steps {
        if let Happening::Asset { asset, came, words, log } = &step.what {
            let log = log.as_ref().or_else(|| newest.get(asset).and_then(|before| before.log));
            newest.insert(asset, Newest { at: step.at, came: *came, words, log });
        }
    }
    let Some(rolled) = record.rollouts.get(id) else {
        let told = |(asset, newest): (&AssetId, Newest<'_>)| AssetStanding {
            asset: asset.to_string(),
            ring: String::new(),
            state: newest.came.word(),
            since: Some(newest.at),
            waits_for: String::new(),
            words: newest.words.to_owned(),
            log: newest.log.cloned(),
            is_bad: newest.came.is_bad(),
        };
        return newest.into_iter().map(told).collect();
    };
    let plan = rolled.rollout.plan();
    let is_started = record.state.changes.get(id).is_some_and(|known| known.stage != Stage::Planned);
    let told = |(number, (ring, member)): (usize, (usize, &change::Member))| {
        let asset = AssetId::new(member.asset.as_str()).ok();
        let other = asset.as_ref().and_then(|asset| record.state.changing(asset)).filter(|other| *other != id);
        let waits_for = match (rolled.rollout.may_begin(number, now), other) {
            (Err(change::Wait::NotWaiting(_)), _) => String::new(),
            (_, _) if !is_started => "its start".to_owned(),
            (Err(wait), _) => wait.words(plan),
            (Ok(()), Some(other)) => format!("the end of change {other} on it"),
            (Ok(()), None) => "nothing".to_owned(),
        };
        let place = rolled.rollout.place(number);
        let said = asset.and_then(|asset| newest.get(&asset));
        AssetStanding {
            asset: member.asset.clone(),
            ring: plan.rings[ring].id.clone(),
            state: place.map_or("", Place::word),
            since: rolled.rollout.since(number),
            waits_for,
            words: said.map(|said| said.words.to_owned()).unwrap_or_default(),
            log: said.and_then(|said| said.log.cloned()),
            is_bad: place.is_some_and(Place::is_bad),
        }
    };
    plan.members().enumerate().map(told).collect()
}

/// Whether somebody may have something happen to a change now.
#[must_use]
pub fn may_happen(state: &State, id: &ChangeId, what: Happening, (by, now): (&PersonId, Timestamp)) -> bool {
    lifecycle::decide(state, &Command::Change(id.clone(), what), by, now).is_ok()
}

/// What happened, in a few words; of an asset with its name.
#[must_use]
pub fn step_words(what: &Happening) -> String {
    match what {
        Happening::Planned(planned) => format!("planned it: {}", planned.plan),
        Happening::Tested { test, has_passed: true, words, .. } => format!("test `{test}` has passed {words}"),
        Happening::Tested { test, words, .. } => format!("test `{test}` has failed: {words}"),
        Happening::Noticed { audience: change::Audience::Customers, words } => format!("customers were told: {words}"),
        Happening::Noticed { words, .. } => format!("the business was told: {words}"),
        Happening::Signed { .. } => "handed its signed plan in".to_owned(),
        Happening::Approved { .. } => "approved it".to_owned(),
        Happening::Declined { reason } => format!("turned it down: {reason}"),
        Happening::Started {} => "started it".to_owned(),
        Happening::Opened { skipped, .. } if skipped.is_empty() => "its gate is passed".to_owned(),
        Happening::Opened { skipped, .. } => {
            let skipped = skipped.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!("its gate is passed, without {skipped}")
        }
        Happening::Paused { reason } => format!("paused it: {reason}"),
        Happening::Resumed { reason } => format!("let it go on: {reason}"),
        Happening::Stopped { reason } => format!("it stopped: {reason}"),
        Happening::Aborted { reason } => format!("aborted it: {reason}"),
        Happening::TakenBack { reason } => format!("takes it back: {reason}"),
        Happening::Ended {} => "it is over".to_owned(),
        Happening::Asset { asset, came, words, .. } => format!("{asset} is {} {words}", came.word()),
        Happening::Settled { owed, words } => format!("settled {owed}: {words}"),
    }
}
