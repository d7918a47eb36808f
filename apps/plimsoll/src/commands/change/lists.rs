//! `plimsoll change list`, `show` and `hand-out`.

use super::unknown;
use crate::arguments::ListFormat;
use crate::exit;
use crate::formats::count;
use crate::printable::printable;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use change::{Came, Change, Happening, Place, Stage};
use jiff::Timestamp;
use lifecycle::{AssetId, ChangeId};
use operations::HandedOut;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use store::{ChangeStep, Record};

/// How a change stands, in words: also what it waits for.
pub(super) fn standing(record: &Record, id: &ChangeId, known: &Change, now: Timestamp) -> String {
    let lacks = lacks(record, id, known, now);
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

fn lacks(record: &Record, id: &ChangeId, known: &Change, now: Timestamp) -> Vec<String> {
    let tested_since = record.rollouts.get(id).and_then(|rolled| rolled.rollout.tested_since());
    if known.may_still_be_judged().is_ok() { record.state.change_lacks(known, tested_since, now) } else { Vec::new() }
}

fn at(known: &Change, places: &[Came]) -> u64 {
    places.iter().filter_map(|came| known.came.get(came)).sum()
}

const BAD: &[Came] = &[Came::Failed, Came::Broken, Came::Silent, Came::Refused];

/// Whether somebody has to look at it.
fn is_in_trouble(known: &Change) -> bool {
    let is_owed = known.owed.iter().any(|owed| owed.settled.is_none());
    let good = at(known, &[Came::Verified, Came::LeftOut, Came::RolledBack]);
    // What is over and not on every asset is nothing to be content with.
    let is_short = known.stage == Stage::Ended && good < known.planned.assets as u64;
    known.stage == Stage::Stopped || known.stage.is_under_way() && at(known, BAD) > 0 || is_short || is_owed
}

/// Lists changes, the newest first.
pub(super) async fn list(opened: &Opened, format: ListFormat) -> Result<u8> {
    let record = opened.organisation.store.record().await?;
    let mut all: Vec<(&ChangeId, &Change)> = record.state.changes.iter().collect();
    all.sort_by_key(|(_, known)| std::cmp::Reverse(known.planned_at));
    let cells = |(id, known): &(&ChangeId, &Change)| {
        vec![
            id.to_string(),
            known.stage.word().to_owned(),
            known.planned.kind.to_string(),
            known.planned.title.clone(),
            known.planned.assets.to_string(),
            at(known, &[Came::Verified]).to_string(),
            at(known, BAD).to_string(),
            known.planned.until.to_string(),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["CHANGE", "STATE", "TYPE", "TITLE", "ASSETS", "VERIFIED", "FAILED", "UNTIL"]);
            for one in &all {
                let style = if is_in_trouble(one.1) { AnsiColor::Red.on_default() } else { Style::new() };
                table.row(style, cells(one).iter().map(|cell| printable(cell).into_owned()).collect());
            }
            table.write(&mut out)?;
        }
        ListFormat::Csv => {
            let head = ["change", "state", "type", "title", "assets", "verified", "failed", "until"];
            sheet::csv(&mut out, &head, all.iter().map(cells))?;
        }
        ListFormat::Json => {
            let one = |(id, known): &(&ChangeId, &Change)| json!({ "id": id, "change": known });
            let told = json!({ "changes": all.iter().map(one).collect::<Vec<_>>() });
            out.extend_from_slice(sheet::json(&told)?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    let is_any = all.iter().any(|(_, known)| is_in_trouble(known));
    Ok(if is_any { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}

/// Shows a change.
pub(super) async fn show(opened: &Opened, id: &ChangeId, (has_assets, format): (bool, ListFormat)) -> Result<u8> {
    let steps = opened.organisation.change_steps(id).await?;
    let record = opened.organisation.store.record().await?;
    let known = record.state.changes.get(id).ok_or_else(|| unknown(id))?;
    let is_listed = has_assets || format == ListFormat::Csv;
    let rows = if is_listed { asset_rows(&record, id, &steps, opened.now) } else { Vec::new() };
    let out = match format {
        ListFormat::Table => {
            let mut text = told(&record, (id, known), &steps, opened.now);
            if has_assets {
                let mut table = Table::new(&["ASSET", "RING", "STATE", "SINCE", "WAITS FOR", "WORDS"]);
                for row in &rows {
                    table.row(Style::new(), row.iter().map(|cell| printable(cell).into_owned()).collect());
                }
                table.write(&mut text)?;
            }
            text
        }
        ListFormat::Csv => {
            let mut out = Vec::new();
            sheet::csv(&mut out, &["asset", "ring", "state", "since", "waits_for", "words"], rows)?;
            out
        }
        ListFormat::Json => {
            let told =
                json!({ "id": id, "change": known, "lacks": lacks(&record, id, known, opened.now), "steps": steps });
            sheet::json(&told)?.into_bytes()
        }
    };
    opened.show(&out, format == ListFormat::Table)?;
    Ok(if is_in_trouble(known) { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}

fn told(record: &Record, (id, known): (&ChangeId, &Change), steps: &[ChangeStep], now: Timestamp) -> Vec<u8> {
    let mut text = String::new();
    let planned = &known.planned;
    let _ = writeln!(text, "{}: {}", id, printable(&planned.title));
    let _ = writeln!(text, "  {} change of {}, until {}", planned.kind, count(planned.assets, "asset"), planned.until);
    let _ = writeln!(text, "  It is {}.", printable(&standing(record, id, known, now)));
    for (number, owed) in known.owed.iter().enumerate() {
        let done = match &owed.settled {
            Some((at, by, words)) => format!("done on {at} by {by}: {words}"),
            None => format!("by {}, until {}", owed.by.title, owed.due),
        };
        let _ = writeln!(text, "  owed {number}: {} ({})", printable(&owed.what), printable(&done));
    }
    let came = known.came.iter().map(|(came, count)| format!("{count} {}", came.word())).collect::<Vec<_>>();
    if !came.is_empty() {
        let _ = writeln!(text, "  of {}: {}", count(planned.assets, "asset"), came.join(", "));
    }
    if let Some(rolled) = record.rollouts.get(id) {
        let plan = rolled.rollout.plan();
        let limits = &plan.limits;
        let _ = writeln!(text, "  way back: {}", printable(&plan.way_back));
        let _ = writeln!(
            text,
            "  bounds: {} at once, {} at risk, stops above {} percent",
            limits.at_once, limits.at_risk, limits.failure_threshold
        );
        for left in &plan.left_out {
            let _ = writeln!(text, "  left out: {}: {}", printable(&left.asset), printable(&left.reason));
        }
        for (number, ring) in rolled.rollout.plan().rings.iter().enumerate() {
            let Some(count) = rolled.rollout.ring(number) else { continue };
            let places = PLACES.iter().filter(|place| count.at(**place) > 0);
            let places = places.map(|place| format!("{} {}", count.at(*place), place.word())).collect::<Vec<_>>();
            let test = if ring.is_test { " (test environment)" } else { "" };
            let _ = writeln!(text, "  ring {}{test}: {}", printable(&ring.id), places.join(", "));
        }
    }
    let _ = writeln!(text, "  What has happened:");
    let is_whole = |step: &&ChangeStep| !matches!(step.what, Happening::Asset { .. });
    for step in steps.iter().filter(is_whole) {
        let _ = writeln!(text, "    {} {} {}", step.at, step.by, printable(&words(&step.what)));
    }
    text.into_bytes()
}

/// Every place, in the order in which they are shown.
const PLACES: &[Place] = &[
    Place::Verified,
    Place::RestartPending,
    Place::Installed,
    Place::Begun,
    Place::Waiting,
    Place::PassedOver,
    Place::Failed,
    Place::Broken,
    Place::Stuck,
    Place::Silent,
    Place::Refused,
    Place::Excluded,
    Place::RollingBack,
    Place::RolledBack,
];

fn words(what: &Happening) -> String {
    match what {
        Happening::Planned(planned) => format!("planned it: {}", planned.plan),
        Happening::Tested { test, has_passed: true, words, .. } => format!("test `{test}` has passed {words}"),
        Happening::Tested { test, words, .. } => format!("test `{test}` has failed: {words}"),
        Happening::Noticed { audience: change::Audience::Customers, words } => format!("customers were told: {words}"),
        Happening::Noticed { words, .. } => format!("the business was told: {words}"),
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

/// One row for each asset: its ring, how far it has come, since when, what it waits for, what was said of it.
fn asset_rows(record: &Record, id: &ChangeId, steps: &[ChangeStep], now: Timestamp) -> Vec<Vec<String>> {
    let mut newest: BTreeMap<&AssetId, (Timestamp, Came, &str)> = BTreeMap::new();
    for step in steps {
        if let Happening::Asset { asset, came, words, .. } = &step.what {
            newest.insert(asset, (step.at, *came, words));
        }
    }
    let Some(rolled) = record.rollouts.get(id) else {
        // Of what is over the last word on each asset is left.
        let row = |(asset, (at, came, words)): (&AssetId, (Timestamp, Came, &str))| {
            let (came, words) = (came.word().to_owned(), words.to_owned());
            vec![asset.to_string(), String::new(), came, at.to_string(), String::new(), words]
        };
        return newest.into_iter().map(row).collect();
    };
    let plan = rolled.rollout.plan();
    let is_started = record.state.changes.get(id).is_some_and(|known| known.stage != Stage::Planned);
    let row = |(number, (ring, member)): (usize, (usize, &change::Member))| {
        let place = rolled.rollout.place(number).map_or("", Place::word).to_owned();
        let since = rolled.rollout.since(number).map(|since| since.to_string()).unwrap_or_default();
        let asset = AssetId::new(member.asset.as_str()).ok();
        let other = asset.as_ref().and_then(|asset| record.state.changing(asset)).filter(|other| *other != id);
        let waits = match (rolled.rollout.may_begin(number, now), other) {
            (Err(change::Wait::NotWaiting(_)), _) => String::new(),
            (_, _) if !is_started => "its start".to_owned(),
            (Err(wait), _) => wait.words(plan),
            (Ok(()), Some(other)) => format!("the end of change {other} on it"),
            (Ok(()), None) => "nothing".to_owned(),
        };
        let said = asset.and_then(|asset| newest.get(&asset).copied());
        let words = said.map(|(.., words)| words.to_owned()).unwrap_or_default();
        vec![member.asset.clone(), plan.rings[ring].id.clone(), place, since, waits, words]
    };
    plan.members().enumerate().map(row).collect()
}

/// Hands out what may begin now.
pub(super) async fn hand_out(opened: &Opened, id: &ChangeId, (most, format): (usize, ListFormat)) -> Result<u8> {
    opened.organisation.follow_changes(opened.now).await?;
    let handed = opened.organisation.hand_out(&opened.person, id, (most, opened.now)).await?;
    let rows = handed.iter().flat_map(|out| {
        out.upgrades.iter().map(move |upgrade| {
            let before = upgrade.from.clone().unwrap_or_default();
            let (from, to) = if out.is_back { (upgrade.to.clone(), before) } else { (before, upgrade.to.clone()) };
            vec![out.asset.to_string(), out.ring.clone(), upgrade.package.clone(), from, to]
        })
    });
    let mut text = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["ASSET", "RING", "PACKAGE", "FROM", "TO"]);
            rows.for_each(|row| table.row(Style::new(), row));
            table.write(&mut text)?;
            let words = match handed.is_empty() {
                true => "Nothing may begin now: plimsoll change show --assets says what each waits for.\n".to_owned(),
                false => format!(
                    "{} said to have begun. An inventory shows what came of it.\n",
                    count(handed.len(), "asset")
                ),
            };
            text.extend_from_slice(words.as_bytes());
        }
        ListFormat::Csv => sheet::csv(&mut text, &["asset", "ring", "package", "from", "to"], rows)?,
        ListFormat::Json => {
            let out = |out: &HandedOut| json!(out);
            text.extend_from_slice(
                sheet::json(&json!({ "assets": handed.iter().map(out).collect::<Vec<_>>() }))?.as_bytes(),
            );
        }
    }
    opened.show(&text, format == ListFormat::Table)?;
    Ok(exit::WITHIN_POLICY)
}
