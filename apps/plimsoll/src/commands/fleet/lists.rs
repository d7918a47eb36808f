//! Lists of assets and findings, groups, and the fleet in figures.

mod assets;
mod findings;
mod summary;
mod undetermined;

use super::{asset_filter, filter, instant};
use crate::arguments::{FleetCommand, GroupArgument, ListFormat, SortArgument, WhyFormat};
use crate::record::Opened;
use anyhow::Result;
use fleet::{AssetFilter, Counts, GroupBy, Query, Sort};
use jiff::Timestamp;
use operations::View;
use serde_json::json;
use std::path::Path;

/// What is owed, for programs.
fn counts(counts: &Counts) -> serde_json::Value {
    json!({
        "findings": counts.findings, "overdue": counts.overdue, "due_soon": counts.due_soon,
        "restart_pending": counts.restart_pending, "undetermined": counts.undetermined,
        "reopened": counts.reopened, "suppressed": counts.suppressed,
    })
}

/// Runs a command that answers a question.
pub(super) async fn run(opened: &Opened, command: FleetCommand, data: &Path) -> Result<u8> {
    let stale = stale(opened, data).await?;
    let is_table = match &command {
        FleetCommand::Assets { list, .. }
        | FleetCommand::Findings { list, .. }
        | FleetCommand::Undetermined { list, .. } => list.format == ListFormat::Table,
        FleetCommand::Summary { format, .. } => *format == WhyFormat::Text,
        _ => false,
    };
    let gaps_of = |view: &View<'_>, filter: &AssetFilter| {
        let gaps = view.gaps(filter);
        let words: Vec<String> = gaps.words().into_iter().chain(stale.clone().filter(|_| view.at.is_none())).collect();
        (gaps, words)
    };
    let mut told = Vec::new();
    let (text, code) = match command {
        FleetCommand::Assets { filter, list } => {
            let filter = asset_filter(filter)?;
            ask(opened, list.at.as_deref(), |view| {
                is_known(view, &filter)?;
                told = gaps_of(view, &filter).1;
                assets::write(view, &filter, (list.offset, list.limit()), (list.format, &told))
            })
            .await?
        }
        FleetCommand::Findings { filter: arguments, group_by, sort, list } => {
            let filter = filter(*arguments)?;
            let (offset, limit) = (list.offset, list.limit());
            ask(opened, list.at.as_deref(), |view| {
                is_known(view, &filter.assets)?;
                known_classes(view, &filter.classes)?;
                told = gaps_of(view, &filter.assets).1;
                match group_by {
                    Some(by) => findings::write_groups(view, &filter, group(by), (offset, limit), (list.format, &told)),
                    None => {
                        let query =
                            Query { filter, sort: order(sort), offset, limit, now: view.now, ..Query::default() };
                        findings::write(view, &query, (list.format, &told))
                    }
                }
            })
            .await?
        }
        FleetCommand::Undetermined { filter, list } => {
            let filter = asset_filter(filter)?;
            ask(opened, list.at.as_deref(), |view| {
                is_known(view, &filter)?;
                told = gaps_of(view, &filter).1;
                undetermined::write(view, &filter, (&list, &told))
            })
            .await?
        }
        FleetCommand::Summary { at, format } => {
            ask(opened, at.as_deref(), |view| {
                let (gaps, words) = gaps_of(view, &AssetFilter::default());
                summary::write(view, format == WhyFormat::Json, (&gaps, &words))
            })
            .await?
        }
        _ => return Ok(crate::exit::WITHIN_POLICY),
    };
    opened.show(&text, is_table)?;
    // Not even who wants it quiet is left to take this for an all-clear.
    if !told.is_empty() {
        crate::progress::say(&format!("Not enough data to call it clean: {}.", told.join("; ")));
    }
    Ok(code)
}

/// An asset that nobody knows is a mistake, not an empty list.
fn is_known(view: &View<'_>, filter: &AssetFilter) -> Result<()> {
    match filter.id.as_ref().filter(|id| !view.record.state.assets.contains_key(id)) {
        None => Ok(()),
        Some(id) => Err(crate::exit::Usage(format!("there is no asset `{id}`")).into()),
    }
}

async fn ask(
    opened: &Opened,
    at: Option<&str>,
    answer: impl FnOnce(&View<'_>) -> Result<(Vec<u8>, u8)>,
) -> Result<(Vec<u8>, u8)> {
    let at: Option<Timestamp> = instant(at)?;
    opened.organisation.view(at, opened.now, answer).await?
}

/// What keeps the answer from being of today: nothing was held against the advisories that are here.
async fn stale(opened: &Opened, data: &Path) -> Result<Option<String>> {
    Ok(match operations::Advisories::current(data)? {
        Some(advisories) if !opened.organisation.is_judged_by(&advisories).await? => Some(
            "the advisories have changed since packages were held against them (run `plimsoll fleet judge`)".to_owned(),
        ),
        _ => None,
    })
}

/// A class that the policy has not is a mistake, not an empty list.
fn known_classes(view: &View<'_>, classes: &[String]) -> Result<()> {
    let known = view.findings.classes();
    match classes.iter().find(|class| !known.contains(class)) {
        None => Ok(()),
        Some(class) => {
            Err(crate::exit::Usage(format!("the policy has no class `{class}`; it has {}", known.join(", "))).into())
        }
    }
}

fn order(sort: SortArgument) -> Sort {
    match sort {
        SortArgument::Due => Sort::Due,
        SortArgument::Class => Sort::Class,
        SortArgument::Cvss => Sort::Cvss,
        SortArgument::Epss => Sort::Epss,
        SortArgument::Vulnerability => Sort::Vulnerability,
        SortArgument::Asset => Sort::Asset,
    }
}

fn group(by: GroupArgument) -> GroupBy {
    match by {
        GroupArgument::Vulnerability => GroupBy::Vulnerability,
        GroupArgument::Package => GroupBy::Package,
        GroupArgument::Asset => GroupBy::Asset,
        GroupArgument::Class => GroupBy::Class,
        GroupArgument::State => GroupBy::State,
        GroupArgument::Environment => GroupBy::Environment,
        GroupArgument::Owner => GroupBy::Owner,
        GroupArgument::Platform => GroupBy::Platform,
    }
}

/// `12 more: --offset 50` where a list goes on.
fn rest(out: &mut Vec<u8>, total: usize, offset: usize, shown: usize) -> Result<()> {
    use std::io::Write;
    let behind = total.saturating_sub(offset + shown);
    if behind > 0 {
        writeln!(out, "… and {behind} more: --offset {} or a larger --limit", offset + shown)?;
    }
    Ok(())
}
