//! Lists of assets and findings, groups, and the fleet in figures.

mod assets;
mod findings;
mod summary;

use super::{asset_filter, filter, instant};
use crate::arguments::{FleetCommand, GroupArgument, ListArguments, ListFormat, SortArgument};
use crate::record::{self, Opened};
use anyhow::Result;
use fleet::{GroupBy, Query, Sort};
use jiff::Timestamp;
use operations::View;
use std::path::Path;

/// Runs a command that answers a question.
pub(super) async fn run(opened: &Opened, command: FleetCommand, data: &Path, is_quiet: bool) -> Result<u8> {
    let gaps = stale(opened, data).await?;
    let is_table = match &command {
        FleetCommand::Assets { list, .. } | FleetCommand::Findings { list, .. } => list.format == ListFormat::Table,
        FleetCommand::Summary { json, .. } => !json,
        _ => false,
    };
    let (text, code) = match command {
        FleetCommand::Assets { filter, list: ListArguments { limit, offset, at, format } } => {
            let filter = asset_filter(filter)?;
            ask(opened, at.as_deref(), |view| assets::write(view, &filter, (offset, limit), format)).await?
        }
        FleetCommand::Findings {
            filter: arguments,
            group_by,
            sort,
            list: ListArguments { limit, offset, at, format },
        } => {
            let filter = filter(*arguments)?;
            ask(opened, at.as_deref(), |view| {
                known_classes(view, &filter.classes)?;
                match group_by {
                    Some(by) => findings::write_groups(view, &filter, group(by), (offset, limit), format),
                    None => {
                        let query = Query { filter, sort: order(sort), offset, limit, now: view.now };
                        findings::write(view, &query, format)
                    }
                }
            })
            .await?
        }
        FleetCommand::Summary { at, json } => {
            ask(opened, at.as_deref(), |view| summary::write(view, json, gaps.as_deref())).await?
        }
        _ => return Ok(crate::exit::WITHIN_POLICY),
    };
    opened.show(&text, is_table)?;
    if let Some(gaps) = gaps.filter(|_| !is_quiet) {
        crate::progress::say(&gaps);
    }
    Ok(code)
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
    Ok(match record::advisories(data)? {
        Some(advisories) if !opened.organisation.is_judged_by(&advisories).await? => Some(
            "The advisories have changed since packages were held against them: run `plimsoll fleet judge`.".to_owned(),
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
