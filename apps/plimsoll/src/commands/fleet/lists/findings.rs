//! The list of findings, and groups of them.

use super::super::code;
use super::rest;
use crate::arguments::ListFormat;
use crate::formats::{count, day};
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use fleet::{Filter, Group, GroupBy, Query, Row};
use operations::View;
use serde_json::json;
use std::io::Write;

/// Writes the list.
pub(super) fn write(view: &View<'_>, query: &Query, (format, gaps): (ListFormat, &[String])) -> Result<(Vec<u8>, u8)> {
    let page = view.findings.list(&view.record.facts, query);
    let set_aside = view.findings.set_aside(&view.record.facts, &query.filter, query.now);
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let aside = match set_aside {
                None | Some(0) => String::new(),
                Some(aside) => format!(", {aside} more set aside (--state suppressed)"),
            };
            writeln!(out, "{}, {} overdue{aside}", count(page.total as usize, "finding"), page.overdue)?;
            let mut table = Table::new(&[
                "DUE",
                "CLASS",
                "VULNERABILITY",
                "ASSET",
                "STATE",
                "#CVSS",
                "FIRST SEEN",
                "PACKAGES",
                "TITLE",
            ]);
            for row in &page.rows {
                let colour = if row.is_overdue { AnsiColor::Red.on_default() } else { Style::new() };
                let mut cells = cells(row);
                cells.remove(6);
                table.row(colour, cells);
            }
            table.write(&mut out)?;
            rest(&mut out, page.total as usize, query.offset, page.rows.len())?;
        }
        ListFormat::Csv => {
            let head = [
                "due",
                "class",
                "vulnerability",
                "asset",
                "state",
                "cvss",
                "epss",
                "first_seen",
                "packages",
                "title",
                "overdue",
            ];
            let with_overdue = |row: &Row| {
                let mut cells = cells(row);
                cells.push(if row.is_overdue { "yes" } else { "no" }.to_owned());
                cells
            };
            sheet::csv(&mut out, &head, page.rows.iter().map(with_overdue))?;
        }
        ListFormat::Json => {
            let all: Vec<_> = page.rows.iter().map(as_json).collect();
            let whole = json!({
                "total": page.total, "overdue": page.overdue, "set_aside": set_aside, "offset": query.offset, "gaps": gaps, "items": all,
            });
            out.extend_from_slice(sheet::json(&whole)?.as_bytes());
        }
    }
    Ok((out, code(page.overdue, !gaps.is_empty())))
}

fn state(row: &Row) -> String {
    let mut words = row.state.word().to_owned();
    if row.is_reopened {
        words.push_str(", reopened");
    }
    if row.is_mitigation {
        words.push_str(", no patch yet");
    }
    words
}

fn cells(row: &Row) -> Vec<String> {
    let carriers = row.carriers.iter().map(|(label, fix)| match fix {
        Some(fix) => format!("{label} → {fix}"),
        None => label.clone(),
    });
    vec![
        row.due.map_or_else(|| "-".to_owned(), day),
        row.class.clone(),
        row.vulnerability.clone(),
        row.asset.to_string(),
        state(row),
        row.cvss.map_or_else(|| "-".to_owned(), |cvss| format!("{cvss:.1}")),
        row.epss.map_or_else(|| "-".to_owned(), |epss| format!("{epss:.4}")),
        day(row.first_seen),
        carriers.collect::<Vec<_>>().join(", "),
        row.title.clone(),
    ]
}

fn as_json(row: &Row) -> serde_json::Value {
    let carriers: Vec<_> =
        row.carriers.iter().map(|(label, fix)| json!({ "package": label, "fixed_version": fix })).collect();
    json!({
        "asset": row.asset,
        "vulnerability": row.vulnerability,
        "title": row.title,
        "class": row.class,
        "due_at": row.due,
        "is_overdue": row.is_overdue,
        "state": row.state.word(),
        "is_reopened": row.is_reopened,
        "is_mitigation": row.is_mitigation,
        "first_seen_at": row.first_seen,
        "cvss": row.cvss,
        "epss": row.epss,
        "is_exploited": row.is_exploited,
        "packages": carriers,
    })
}

/// Writes groups.
pub(super) fn write_groups(
    view: &View<'_>,
    filter: &Filter,
    by: GroupBy,
    (offset, limit): (usize, usize),
    (format, gaps): (ListFormat, &[String]),
) -> Result<(Vec<u8>, u8)> {
    let groups = view.findings.groups(&view.record.facts, (filter, by), view.now);
    let overdue: u64 = groups.iter().map(|group| group.counts.overdue).sum();
    let page: Vec<&Group> = groups.iter().skip(offset).take(limit).collect();
    let cells = |group: &Group| {
        vec![
            if group.name.is_empty() { "not stated".to_owned() } else { group.name.clone() },
            group.counts.overdue.to_string(),
            group.counts.due_soon.to_string(),
            group.counts.findings.to_string(),
            group.assets.to_string(),
            group.due.map_or_else(|| "-".to_owned(), day),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["GROUP", "#OVERDUE", "#DUE IN 7 DAYS", "#OWED", "#ASSETS", "FIRST DUE"]);
            for group in &page {
                let colour = if group.counts.overdue > 0 { AnsiColor::Red.on_default() } else { Style::new() };
                table.row(colour, cells(group));
            }
            table.write(&mut out)?;
            rest(&mut out, groups.len(), offset, page.len())?;
        }
        ListFormat::Csv => {
            let head = ["group", "overdue", "due_in_7_days", "owed", "assets", "first_due"];
            sheet::csv(&mut out, &head, page.iter().map(|group| cells(group)))?;
        }
        ListFormat::Json => {
            let of = |group: &&Group| {
                let (counts, assets, due_at) = (super::counts(&group.counts), group.assets, group.due);
                json!({ "name": group.name, "counts": counts, "assets": assets, "due_at": due_at })
            };
            let all: Vec<_> = page.iter().map(of).collect();
            let whole = json!({ "total": groups.len(), "offset": offset, "gaps": gaps, "items": all });
            out.extend_from_slice(sheet::json(&whole)?.as_bytes());
        }
    }
    Ok((out, code(overdue, !gaps.is_empty())))
}
