//! The fleet in figures.

use super::super::code;
use crate::formats::{count, day_and_time};
use crate::printable::printable;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use fleet::Counts;
use operations::{Gaps, View};
use serde_json::json;
use std::io::Write;

const BOLD: Style = Style::new().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Writes the figures; what is not known stands beside them.
pub(super) fn write(view: &View<'_>, is_json: bool, (gaps, words): (&Gaps, &[String])) -> Result<(Vec<u8>, u8)> {
    let summary = view.findings.summary(&view.record.facts, view.now);
    let policy = view.findings.policy();
    let mut out = Vec::new();
    if is_json {
        let of = |(class, counts): &(String, Counts)| json!({ "class": class, "counts": super::counts(counts) });
        let classes: Vec<_> = summary.classes.iter().map(of).collect();
        let whole = json!({
            "at": view.now, "policy": policy.name, "counts": super::counts(&summary.all), "classes": classes, "assets": summary.assets,
            "assets_overdue": summary.assets_overdue, "never_scanned": gaps.coverage.never_scanned, "scans_overdue": gaps.scans_overdue,
            "packages": summary.packages, "distinct_packages": summary.distinct_packages,
            "assets_uncovered": gaps.coverage.uncovered, "undetermined": gaps.coverage.undetermined, "gaps": words,
        });
        out.extend_from_slice(sheet::json(&whole)?.as_bytes());
        return Ok((out, code(summary.all.overdue, !words.is_empty())));
    }
    writeln!(out, "{BOLD}{}{BOLD:#}  {}", count(summary.assets as usize, "asset"), day_and_time(view.now))?;
    writeln!(
        out,
        "{} overdue of {} owed, on {}, under the policy \"{}\"",
        summary.all.overdue,
        summary.all.findings,
        count(summary.assets_overdue as usize, "asset"),
        printable(&policy.name)
    )?;
    if gaps.coverage.uncovered > 0 {
        let uncovered = count(gaps.coverage.uncovered as usize, "asset");
        writeln!(
            out,
            "{uncovered} not covered by the policy: what is found there is set aside (see `plimsoll fleet assets`)"
        )?;
    }
    writeln!(out, "{} packages on assets, {} distinct", summary.packages, summary.distinct_packages)?;
    if !words.is_empty() {
        writeln!(out, "{YELLOW}not enough data to call it clean:{YELLOW:#} {}", words.join("; "))?;
    }
    writeln!(out)?;
    let mut table =
        Table::new(&["CLASS", "#OVERDUE", "#DUE IN 7 DAYS", "#OWED", "#RESTART PENDING", "#REOPENED", "#SUPPRESSED"]);
    for (class, counts) in &summary.classes {
        let style = if counts.overdue > 0 { AnsiColor::Red.on_default() } else { Style::new() };
        let number = |count: u64| count.to_string();
        table.row(
            style,
            vec![
                class.clone(),
                number(counts.overdue),
                number(counts.due_soon),
                number(counts.findings),
                number(counts.restart_pending),
                number(counts.reopened),
                number(counts.suppressed),
            ],
        );
    }
    table.write(&mut out)?;
    Ok((out, code(summary.all.overdue, !words.is_empty())))
}
