//! `plimsoll change list`, `show` and `hand-out`.

use super::unknown;
use crate::arguments::ListFormat;
use crate::exit::{self, Usage};
use crate::formats::count;
use crate::printable::printable;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use change::{Came, Change, Happening, Place};
use jiff::Timestamp;
use lifecycle::{AssetId, ChangeId};
use operations::{AssetStanding, asset_standings, change_standing, gate_lacks, needs_words, step_words};
use serde_json::json;
use std::fmt::Write as _;
use store::{ChangeStep, Record};

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
            known.came.get(&Came::Verified).copied().unwrap_or_default().to_string(),
            known.bad().to_string(),
            known.planned.until.to_string(),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["CHANGE", "STATE", "TYPE", "TITLE", "ASSETS", "VERIFIED", "FAILED", "UNTIL"]);
            for one in &all {
                let style = if one.1.needs_somebody() { AnsiColor::Red.on_default() } else { Style::new() };
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
    let is_any = all.iter().any(|(_, known)| known.needs_somebody());
    Ok(if is_any { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}

/// Shows a change.
pub(super) async fn show(opened: &Opened, id: &ChangeId, (has_assets, format): (bool, ListFormat)) -> Result<u8> {
    let steps = opened.organisation.change_steps(id).await?;
    let record = opened.organisation.store.record().await?;
    let known = record.state.changes.get(id).ok_or_else(|| unknown(id))?;
    let is_listed = has_assets || format != ListFormat::Table;
    let assets = if is_listed { asset_standings(&record, id, &steps, opened.now) } else { Vec::new() };
    let out = match format {
        ListFormat::Table => {
            let mut text = told(&record, (id, known), &steps, opened.now);
            if has_assets {
                let mut table = Table::new(&["ASSET", "RING", "STATE", "SINCE", "WAITS FOR", "WORDS"]);
                for row in assets.iter().map(cells) {
                    table.row(Style::new(), row.iter().map(|cell| printable(cell).into_owned()).collect());
                }
                table.write(&mut text)?;
            }
            text
        }
        ListFormat::Csv => {
            let mut out = Vec::new();
            sheet::csv(&mut out, &["asset", "ring", "state", "since", "waits_for", "words"], assets.iter().map(cells))?;
            out
        }
        ListFormat::Json => {
            let lacks = gate_lacks(&record, id, known, opened.now);
            let told = json!({ "id": id, "change": known, "lacks": lacks, "steps": steps, "assets": assets });
            sheet::json(&told)?.into_bytes()
        }
    };
    opened.show(&out, format == ListFormat::Table)?;
    Ok(if known.needs_somebody() { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}

fn told(record: &Record, (id, known): (&ChangeId, &Change), steps: &[ChangeStep], now: Timestamp) -> Vec<u8> {
    let mut text = String::new();
    let planned = &known.planned;
    let _ = writeln!(text, "{}: {}", id, printable(&planned.title));
    let _ = writeln!(text, "  {} change of {}, until {}", planned.kind, count(planned.assets, "asset"), planned.until);
    let _ = writeln!(text, "  It is {}.", printable(&change_standing(record, id, known, now)));
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
        for (what, words) in needs_words(plan) {
            let _ = writeln!(text, "  {}: {}", what.to_lowercase(), printable(&words));
        }
        for left in &plan.left_out {
            let _ = writeln!(text, "  left out: {}: {}", printable(&left.asset), printable(&left.reason));
        }
        for (number, ring) in rolled.rollout.plan().rings.iter().enumerate() {
            let Some(count) = rolled.rollout.ring(number) else { continue };
            let places = Place::ALL.iter().filter(|place| count.at(**place) > 0);
            let places = places.map(|place| format!("{} {}", count.at(*place), place.word())).collect::<Vec<_>>();
            let test = if ring.is_test { " (test environment)" } else { "" };
            let _ = writeln!(text, "  ring {}{test}: {}", printable(&ring.id), places.join(", "));
        }
    }
    let _ = writeln!(text, "  What has happened:");
    let is_whole = |step: &&ChangeStep| !matches!(step.what, Happening::Asset { .. });
    for step in steps.iter().filter(is_whole) {
        let _ = writeln!(text, "    {} {} {}", step.at, step.by, printable(&step_words(&step.what)));
    }
    text.into_bytes()
}

/// What happened on an asset in a change, with what the package manager said.
pub(super) async fn log(opened: &Opened, id: &ChangeId, asset: &AssetId) -> Result<u8> {
    let steps = opened.organisation.change_steps(id).await?;
    let mut text = String::new();
    for step in &steps {
        let Happening::Asset { asset: own, came, words, log } = &step.what else { continue };
        if own != asset {
            continue;
        }
        let _ = writeln!(text, "{} {} {} {}", step.at, step.by, came.word(), printable(words));
        if let Some(digest) = log {
            let document = opened.organisation.store.document(digest).await?;
            let _ = writeln!(text, "  log {digest}");
            for line in String::from_utf8_lossy(&document).lines() {
                let _ = writeln!(text, "  | {}", printable(line));
            }
        }
    }
    if text.is_empty() {
        return Err(Usage(format!("nothing has happened on `{asset}` in change `{id}`")).into());
    }
    opened.show(text.as_bytes(), true)?;
    Ok(exit::WITHIN_POLICY)
}

/// Prints the plan of a change, byte for byte as it was kept.
pub(super) async fn document(opened: &Opened, id: &ChangeId) -> Result<u8> {
    let plan = {
        let record = opened.organisation.store.record().await?;
        record.state.changes.get(id).ok_or_else(|| unknown(id))?.planned.plan.clone()
    };
    opened.show(&opened.organisation.store.document(&plan).await?, false)?;
    Ok(exit::WITHIN_POLICY)
}

fn cells(standing: &AssetStanding) -> Vec<String> {
    let since = standing.since.map(|since| since.to_string()).unwrap_or_default();
    let AssetStanding { asset, ring, state, waits_for, words, .. } = standing.clone();
    vec![asset, ring, state.to_owned(), since, waits_for, words]
}
