//! The list of assets.

use super::super::code;
use super::rest;
use crate::arguments::ListFormat;
use crate::formats::{count, day};
use crate::printable::printable;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use fleet::{AssetFilter, AssetRow};
use lifecycle::{Asset, Exposure, PolicyRule};
use operations::View;
use serde_json::json;

/// Writes the list.
pub(super) fn write(
    view: &View<'_>,
    filter: &AssetFilter,
    (offset, limit): (usize, usize),
    (format, gaps): (ListFormat, &[String]),
) -> Result<(Vec<u8>, u8)> {
    let (total, rows) = view.findings.assets(&view.record.facts, (filter, view.now), (offset, limit));
    let (mut out, rule) = (Vec::new(), view.policy_rule());
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&[
                "ASSET",
                "PLATFORM",
                "EXPOSURE",
                "ENVIRONMENT",
                "OWNER",
                "#OVERDUE",
                "#OWED",
                "FIRST DUE",
                "LAST SCAN",
                "STATE",
            ]);
            for row in &rows {
                table.row(colour(view, &rule, row), cells(view, &rule, row));
            }
            table.write(&mut out)?;
            rest(&mut out, total, offset, rows.len())?;
        }
        ListFormat::Csv => {
            let head = [
                "asset",
                "platform",
                "exposure",
                "environment",
                "owner",
                "overdue",
                "owed",
                "first_due",
                "last_scan",
                "state",
            ];
            sheet::csv(&mut out, &head, rows.iter().map(|row| cells(view, &rule, row)))?;
        }
        ListFormat::Json => {
            let all: Vec<_> = rows.iter().map(|row| as_json(view, &rule, row)).collect();
            let whole = json!({ "total": total, "offset": offset, "gaps": gaps, "items": all });
            out.extend_from_slice(sheet::json(&whole)?.as_bytes());
        }
    }
    let overdue = rows.iter().map(|row| row.counts.overdue).sum();
    Ok((out, code(overdue, !gaps.is_empty())))
}

fn asset<'v>(view: &View<'v>, row: &AssetRow) -> Option<&'v Asset> {
    view.record.state.assets.get(&row.asset)
}

fn colour(view: &View<'_>, rule: &PolicyRule, row: &AssetRow) -> Style {
    match (row.counts.overdue, state(view, rule, row) == "current") {
        (1.., _) => AnsiColor::Red.on_default(),
        (0, false) => AnsiColor::Yellow.on_default(),
        (0, true) => Style::new(),
    }
}

/// What stands between the figures and an all-clear.
fn state(view: &View<'_>, rule: &PolicyRule, row: &AssetRow) -> String {
    let mut words = Vec::new();
    if let Some(why) = &row.uncovered {
        return format!("not covered: {}", printable(why));
    }
    if let Some(asset) = asset(view, row) {
        if !row.is_scanned {
            words.push("never scanned".to_owned());
        }
        if asset.is_scan_overdue(&row.attributes, view.now, rule)
            && let Some(due) = asset.scan_due(&row.attributes, view.now, rule)
        {
            words.push(format!("scan overdue since {}", day(due)));
        }
        if row.unread > 0 {
            words.push("not all could be read".to_owned());
        }
    }
    if row.undetermined > 0 {
        words.push(format!("{} undetermined", count(row.undetermined as usize, "package")));
    }
    if words.is_empty() { "current".to_owned() } else { words.join(", ") }
}

fn scanned(view: &View<'_>, row: &AssetRow) -> Option<jiff::Timestamp> {
    asset(view, row).and_then(|asset| asset.scanned_by(view.now))
}

/// A number, where there is anything to count.
fn known(row: &AssetRow, count: u64) -> String {
    let is_known = row.is_scanned && row.undetermined < row.packages.max(1);
    if is_known || count > 0 { count.to_string() } else { "?".to_owned() }
}

fn cells(view: &View<'_>, rule: &PolicyRule, row: &AssetRow) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let exposure = match row.attributes.exposure {
        Some(Exposure::Exposed) => "exposed",
        Some(Exposure::Internal) => "internal",
        None => "not stated",
    };
    vec![
        row.asset.to_string(),
        if row.platform.is_empty() { "-".to_owned() } else { row.platform.clone() },
        exposure.to_owned(),
        text(&row.attributes.environment),
        text(&row.attributes.owner),
        known(row, row.counts.overdue),
        known(row, row.counts.findings),
        row.due.map_or_else(|| "-".to_owned(), day),
        scanned(view, row).map_or_else(|| "-".to_owned(), day),
        state(view, rule, row),
    ]
}

fn as_json(view: &View<'_>, rule: &PolicyRule, row: &AssetRow) -> serde_json::Value {
    let asset = asset(view, row);
    json!({
        "id": row.asset,
        "attributes": row.attributes,
        "platform": row.platform,
        "packages": row.packages,
        "undetermined": row.undetermined,
        "unread": row.unread,
        "is_scanned": row.is_scanned,
        "counts": super::counts(&row.counts),
        "due_at": row.due,
        "scanned_at": scanned(view, row),
        "scan_due_at": asset.and_then(|asset| asset.scan_due(&row.attributes, view.now, rule)),
        "missed_scans": asset.map(|asset| asset.missed_scans.iter().filter(|due| **due <= view.now).collect::<Vec<_>>()),
        "state": state(view, rule, row),
        "problems": row.problems,
        "uncovered_because": row.uncovered,
    })
}
