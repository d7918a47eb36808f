//! A report in Markdown.

use super::{Report, count, day, distance, verdict_in_words};
use crate::printable::{printable, shell_words};
use anyhow::Result;
use std::io::Write;

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    writeln!(out, "# Missing patches on {}\n", cell(&report.inventory.subject))?;
    writeln!(
        out,
        "{}{}, under the policy \"{}\": **{} overdue** of {}.\n",
        cell(&match report.system() {
            system if system.is_empty() => String::new(),
            system => format!("{system}, "),
        }),
        super::day_and_time(report.now),
        cell(&report.policy.name),
        report.overdue(),
        count(report.findings().count(), "finding")
    )?;
    let gaps = report.assessment.coverage.gaps();
    if !gaps.is_empty() {
        writeln!(out, "**There is not enough data to call it clean:** {}\n", cell(&gaps.join("; ")))?;
    }
    writeln!(out, "| class | findings | overdue |\n| --- | ---: | ---: |")?;
    for (class, all, overdue) in report.by_class() {
        writeln!(out, "| {class} | {all} | {overdue} |")?;
    }
    patches(report, out)?;
    unfixed(report, out)?;
    let restart = |patch: &assessment::Patch| {
        let due = patch.due.map_or_else(|| "-".to_owned(), day);
        format!("{}, due {due}, class {}: {}", patch.name, patch.class.1, count(patch.findings.len(), "finding"))
    };
    let restarts = report.restarts().map(restart).chain(report.restart_reasons()).collect();
    list(out, "Patched on disk, not yet in memory", restarts)?;
    suppressed_and_commands(report, out)?;
    rests_on(report, out)
}

fn patches(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    writeln!(
        out,
        "\n## Patches\n\n| due | | class | patch | to version | resolves |\n| --- | --- | --- | --- | --- | --- |"
    )?;
    for patch in report.patches().filter(|patch| patch.target.is_some()) {
        let ids: Vec<&str> = patch.findings.iter().map(|at| report.assessment.findings[*at].id.as_str()).collect();
        let due = patch.due.map_or_else(|| "-".to_owned(), day);
        writeln!(
            out,
            "| {due} | {} | {} | {} | {} | {} |",
            distance(patch.due, report.now),
            cell(&patch.class.1),
            cell(&patch.name),
            cell(patch.target.as_deref().unwrap_or_default()),
            cell(&ids.join(", "))
        )?;
    }
    Ok(())
}

fn unfixed(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let unfixed: Vec<_> = report.unfixed().collect();
    if !unfixed.is_empty() {
        writeln!(
            out,
            "\n## Without a patch\n\n| mitigation due | class | id | packages | |\n| --- | --- | --- | --- | --- |"
        )?;
        for finding in unfixed {
            let names: Vec<&str> = finding.unfixed().map(|carrier| carrier.name.as_str()).collect();
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                finding.deadline.due.map_or_else(|| "-".to_owned(), day),
                cell(&finding.deadline.class),
                cell(&finding.id),
                cell(&names.join(", ")),
                cell(&finding.title)
            )?;
        }
    }
    Ok(())
}

fn suppressed_and_commands(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    if !report.assessment.suppressed.is_empty() {
        writeln!(out, "\n## Suppressed\n")?;
        for finding in &report.assessment.suppressed {
            writeln!(out, "- {}: {}", cell(&finding.id), cell(&verdict_in_words(&finding.verdict)))?;
        }
    }
    list(out, "Exceptions without effect", report.assessment.coverage.idle_statements.clone())?;
    let commands: Vec<String> = report
        .patches()
        .filter(|patch| !patch.command.is_empty() && patch.is_offered != Some(false))
        .map(|patch| shell_words(&patch.command))
        .collect();
    if !commands.is_empty() {
        writeln!(out, "\n## Commands\n\n```sh\n{}\n```", commands.join("\n"))?;
    }
    Ok(())
}

/// A section of lines; none if there are no lines.
fn list(out: &mut Vec<u8>, title: &str, lines: Vec<String>) -> Result<()> {
    if !lines.is_empty() {
        writeln!(out, "\n## {title}\n")?;
    }
    for line in lines {
        writeln!(out, "- {}", cell(&line))?;
    }
    Ok(())
}

fn rests_on(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let coverage = &report.assessment.coverage;
    writeln!(
        out,
        "\n## What this rests on\n\n- {} of {} judged, {} undetermined",
        coverage.judged,
        count(coverage.packages, "package"),
        coverage.undetermined.len()
    )?;
    for feed in &coverage.feeds {
        writeln!(
            out,
            "- feed {}: {} records, newest {}",
            feed.feed,
            feed.records,
            feed.newest.map_or_else(|| "not known".to_owned(), day)
        )?;
    }
    for unknown in coverage.unknown.iter().chain(&report.problems()) {
        writeln!(out, "- not known or not read: {}", cell(unknown))?;
    }
    let undetermined = coverage.undetermined.iter().map(|(name, version, why)| format!("{name} {version}: {why}"));
    list(out, "Undetermined", undetermined.collect())?;
    Ok(())
}

/// Text that cannot break out of a table's cell or become markup.
fn cell(text: &str) -> String {
    let text = printable(text);
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}
