//! The table for people: one line a patch, the most urgent first.

use super::{Report, count, day, distance, fix_in_words, gaps_in_words, not_judged, verdict_in_words};
use crate::printable::{cut, printable, shell_words};
use anstyle::{AnsiColor, Style};
use anyhow::Result;
use assessment::{Finding, Kind, Patch};
use inventory::PackageType;
use matching::Verdict;
use std::io::Write;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const FAINT: Style = Style::new().dimmed();

/// How many lines a section shows before it says how many follow.
const MOST_LINES: usize = 20;

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    head(report, out)?;
    patches(report, out)?;
    unfixed(report, out)?;
    restarts(report, out)?;
    suppressed(report, out)?;
    undetermined(report, out)?;
    commands(report, out)?;
    foot(report, out)
}

fn head(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let system = report.system();
    let system = if system.is_empty() { String::new() } else { format!("  {}", printable(&system)) };
    writeln!(
        out,
        "{BOLD}{}{BOLD:#}{system}  {}",
        printable(&report.inventory.subject),
        super::day_and_time(report.now)
    )?;
    let (all, overdue) = (report.findings().count(), report.overdue());
    let gaps = report.assessment.coverage.gaps();
    // Green is for what is known to be so.
    let colour = match (overdue, gaps.is_empty()) {
        (0, true) => GREEN,
        (0, false) => YELLOW,
        _ => RED,
    };
    writeln!(
        out,
        "{colour}{} overdue{colour:#} of {}, under the policy \"{}\"",
        overdue,
        count(all, "finding"),
        printable(&report.policy.name)
    )?;
    let classes: Vec<_> = report.by_class().into_iter().filter(|(_, all, _)| *all > 0).collect();
    let longest = classes.iter().map(|(class, ..)| class.len()).max().unwrap_or_default().max(24);
    for (class, all, overdue) in classes {
        writeln!(
            out,
            "  {class:longest$} {all:>5}   {}",
            if overdue > 0 { format!("{overdue} overdue") } else { String::new() }
        )?;
    }
    if !gaps.is_empty() {
        writeln!(out, "{YELLOW}not enough data to call it clean:{YELLOW:#} {}", printable(&gaps_in_words(&gaps)))?;
    }
    Ok(())
}

/// Below this width a line has no room for names, versions and what they resolve: those get a line of their own.
const NARROW: usize = 110;

/// The widths of the columns that may give way on a narrow terminal.
struct Widths {
    name: usize,
    target: usize,
    rest: usize,
}

impl Widths {
    /// Without a width, as in a file or a pipe, nothing needs to give way.
    fn of(terminal: Option<usize>) -> Self {
        let Some(width) = terminal else { return Self { name: 28, target: 34, rest: usize::MAX } };
        // Due date, distance and class stand first, with their gaps.
        let left = width.saturating_sub(44);
        let name = (left * 28 / 96).clamp(12, 28);
        let target = (left * 34 / 96).clamp(12, 34);
        Self { name, target, rest: left.saturating_sub(name + target + 2).max(12) }
    }
}

fn patches(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let all: Vec<&Patch> = report.patches().filter(|patch| patch.target.is_some()).collect();
    if all.is_empty() {
        return Ok(());
    }
    let Widths { name, target, rest } = Widths::of(report.width);
    let is_narrow = report.width.is_some_and(|width| width < NARROW);
    let resolved = if is_narrow { "" } else { "RESOLVES" };
    writeln!(out, "\n{BOLD}Patches to apply{BOLD:#}")?;
    writeln!(
        out,
        "{FAINT}{:10}  {:14}  {:14} {:name$} {:target$} {resolved}{FAINT:#}",
        "DUE", "", "CLASS", "PATCH", "TO VERSION"
    )?;
    for patch in &all {
        let due = patch.due.map_or_else(|| "-".to_owned(), day);
        let colour = if patch.is_overdue { RED } else { Style::new() };
        let resolves = resolves(report, patch);
        let offered = match patch.is_offered {
            Some(false) => " (not offered by this host's repositories)",
            _ => "",
        };
        let head = format!(
            "{colour}{due:10}  {:14}{colour:#}  {:14}",
            distance(patch.due, report.now),
            cut(&patch.class.1, 14)
        );
        let version = patch.target.as_deref().unwrap_or_default();
        if is_narrow {
            // Ids and versions are never cut: a terminal wraps them.
            writeln!(out, "{head} {} {}", printable(&patch.name), printable(version))?;
            writeln!(out, "      {FAINT}{}{FAINT:#}", printable(&format!("{resolves}{offered}")))?;
        } else {
            let (patch, version) = (cut(&patch.name, name), cut(version, target));
            writeln!(out, "{head} {patch:name$} {version:target$} {}", cut(&format!("{resolves}{offered}"), rest))?;
        }
        if report.is_verbose {
            patch_details(report, patch, out)?;
        }
    }
    Ok(())
}

/// `12 vulnerabilities in 3 packages, 1 exploited`.
fn resolves(report: &Report<'_>, patch: &Patch) -> String {
    let findings = || patch.findings.iter().map(|at| &report.assessment.findings[*at]);
    let vulnerabilities = findings().filter(|finding| finding.kind == Kind::Vulnerability).count();
    let what = match (vulnerabilities, findings().next()) {
        (0, Some(finding)) if finding.kind == Kind::SecurityUpdate => "a security update".to_owned(),
        (0, _) => count(patch.findings.len(), "finding"),
        (1, _) => findings()
            .find(|finding| finding.kind == Kind::Vulnerability)
            .map_or_else(String::new, |finding| printable(&finding.id).into_owned()),
        (number, _) => format!("{number} vulnerabilities"),
    };
    let exploited = findings().filter(|finding| finding.signals.listed.is_some()).count();
    let exploited = if exploited > 0 { format!(", {exploited} exploited") } else { String::new() };
    let packages =
        if patch.packages.len() > 1 { format!(" in {} packages", patch.packages.len()) } else { String::new() };
    let unknown = match what.as_str() {
        "a security update" => "; what it fixes is not known here",
        _ => "",
    };
    let mut also: Vec<&str> = findings().map(|finding| finding.deadline.also.as_str()).collect();
    also.sort_unstable();
    also.dedup();
    let also: String = also.iter().filter(|also| !also.is_empty()).map(|also| format!("; also owed: {also}")).collect();
    format!("{what}{packages}{exploited}{unknown}{also}")
}

fn patch_details(report: &Report<'_>, patch: &Patch, out: &mut Vec<u8>) -> Result<()> {
    for (name, version) in &patch.packages {
        writeln!(out, "    {FAINT}{} {} is installed{FAINT:#}", printable(name), printable(version))?;
    }
    for finding in patch.findings.iter().map(|at| &report.assessment.findings[*at]) {
        finding_line(finding, out)?;
    }
    Ok(())
}

fn finding_line(finding: &Finding, out: &mut Vec<u8>) -> Result<()> {
    let score = finding.signals.cvss.as_ref().map_or_else(|| "  - ".to_owned(), |(score, _)| format!("{score:4.1}"));
    let due = finding.deadline.due.map_or_else(|| "-".to_owned(), day);
    let exploited = if finding.signals.listed.is_some() { " exploited" } else { "" };
    let verdict = match &finding.verdict {
        Verdict::Affected => String::new(),
        other => format!(" [{}]", printable(&verdict_in_words(other))),
    };
    let colour = if finding.is_overdue { RED } else { Style::new() };
    writeln!(
        out,
        "    {colour}{:20}{colour:#} CVSS {score}  {:12} due {due}{exploited}{verdict}  {}",
        printable(&finding.id),
        cut(&finding.deadline.class, 12),
        cut(&finding.title, 70)
    )?;
    Ok(())
}

fn unfixed(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let all: Vec<&Finding> = report.unfixed().collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{BOLD}Without a patch{BOLD:#}  a mitigation, or an upgrade of what is out of support, is owed by the date shown"
    )?;
    let shown = if report.is_verbose { all.len() } else { MOST_LINES };
    let Widths { name, target, rest } = Widths::of(report.width);
    let is_narrow = report.width.is_some_and(|width| width < NARROW);
    for finding in all.iter().take(shown) {
        let due = finding.deadline.due.map_or_else(|| "-".to_owned(), day);
        let carrier = finding.unfixed().next();
        let what =
            carrier.map_or_else(String::new, |carrier| format!("{} {}", carrier.source, fix_in_words(&carrier.fix)));
        let colour = if finding.is_overdue { RED } else { Style::new() };
        let head = format!("{colour}{due:10}{colour:#}  {:14}", cut(&finding.deadline.class, 14));
        if is_narrow {
            writeln!(out, "{head} {}", printable(&finding.id))?;
            let width = report.width.unwrap_or_default().saturating_sub(6);
            writeln!(out, "      {FAINT}{}{FAINT:#}", cut(&format!("{what}: {}", finding.title), width))?;
        } else {
            let (id, what, title) = (cut(&finding.id, name), cut(&what, target), cut(&finding.title, rest.min(80)));
            writeln!(out, "{head} {id:name$} {what:target$} {title}")?;
        }
    }
    more(out, all.len(), shown)
}

fn more(out: &mut Vec<u8>, all: usize, shown: usize) -> Result<()> {
    if all > shown {
        writeln!(out, "  {FAINT}and {} more (--verbose shows them){FAINT:#}", all - shown)?;
    }
    Ok(())
}

fn restarts(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let reasons = report.restart_reasons();
    if reasons.is_empty() && report.restarts().next().is_none() {
        return Ok(());
    }
    writeln!(out, "\n{YELLOW}{BOLD}Patched on disk, not yet in memory{BOLD:#}{YELLOW:#}")?;
    for patch in report.restarts() {
        let due = patch.due.map_or_else(|| "-".to_owned(), day);
        let colour = if patch.is_overdue { RED } else { Style::new() };
        writeln!(
            out,
            "{colour}{due:10}  {:14}{colour:#}  {:14} {}: {}",
            distance(patch.due, report.now),
            cut(&patch.class.1, 14),
            printable(&patch.name),
            resolves(report, patch)
        )?;
    }
    let shown = if report.is_verbose { reasons.len() } else { MOST_LINES };
    let width = report.width.map_or(usize::MAX, |width| width.saturating_sub(2));
    for reason in reasons.iter().take(shown) {
        writeln!(out, "  {}", cut(reason, width))?;
    }
    more(out, reasons.len(), shown)
}

fn suppressed(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let all = &report.assessment.suppressed;
    if all.is_empty() && report.assessment.coverage.idle_statements.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Suppressed{BOLD:#}  {}", count(all.len(), "finding"))?;
    let shown = if report.is_verbose { all.len() } else { MOST_LINES };
    for finding in all.iter().take(shown) {
        writeln!(out, "  {:20} {}", printable(&finding.id), printable(&verdict_in_words(&finding.verdict)))?;
    }
    more(out, all.len(), shown)?;
    for idle in &report.assessment.coverage.idle_statements {
        writeln!(out, "  {YELLOW}without effect:{YELLOW:#} {}", printable(idle))?;
    }
    Ok(())
}

fn undetermined(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let all = &report.assessment.coverage.undetermined;
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{YELLOW}{BOLD}Undetermined{BOLD:#}{YELLOW:#}  {}", not_judged(&report.assessment.coverage))?;
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, _, why) in all {
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, names)) if names.last() == Some(&name.as_str()) => {}
            Some((_, names)) => names.push(name),
            None => reasons.push((why, vec![name])),
        }
    }
    let shown = if report.is_verbose { reasons.len() } else { 8 };
    for (why, names) in reasons.iter().take(shown) {
        let list = if report.is_verbose { names.join(", ") } else { cut(&names.join(", "), 70) };
        writeln!(out, "  {:>5}  {}: {}", names.len(), printable(why), printable(&list))?;
    }
    more(out, reasons.len(), shown)
}

/// What to run, with all system packages in one command.
fn commands(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    for patch in report.patches().filter(|patch| !patch.command.is_empty() && patch.is_offered != Some(false)) {
        let is_system = matches!(patch.kind, Some(PackageType::Deb | PackageType::Rpm | PackageType::Apk));
        let head = patch.command.len()
            - if is_system {
                patch.packages.iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>().len()
            } else {
                0
            };
        let same = lines.iter_mut().find(|line| is_system && line.starts_with(&patch.command[..head]));
        match same {
            Some(line) => {
                let new: Vec<String> =
                    patch.command[head..].iter().filter(|word| !line.contains(word)).cloned().collect();
                line.extend(new);
            }
            None => lines.push(patch.command.clone()),
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}To apply them{BOLD:#}")?;
    let shown = if report.is_verbose { lines.len() } else { MOST_LINES };
    for line in lines.iter().take(shown) {
        wrapped(line, report.width.unwrap_or(100), out)?;
    }
    more(out, lines.len(), shown)
}

/// A command over as many lines as it needs, for a shell to read as one.
fn wrapped(words: &[String], width: usize, out: &mut Vec<u8>) -> Result<()> {
    let mut used = 0;
    for word in words {
        let word = shell_words(std::slice::from_ref(word));
        let length = word.chars().count() + 1;
        if used > 0 && used + length + 4 > width {
            write!(out, " \\\n     ")?;
            used = 5;
        }
        write!(out, "{}{word}", if used == 0 { "  " } else { " " })?;
        used += length;
    }
    writeln!(out)?;
    Ok(())
}

fn foot(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let coverage = &report.assessment.coverage;
    writeln!(out, "\n{BOLD}What this rests on{BOLD:#}")?;
    writeln!(
        out,
        "  {} of {} compared with advisories that cover them",
        coverage.judged,
        count(coverage.packages, "package")
    )?;
    if coverage.has_repository_metadata {
        let age = report.inventory.repository_metadata_at.and_then(|at| jiff::Timestamp::from_second(at).ok());
        let age = age.map_or_else(String::new, |at| format!(", as of {}", super::day_and_time(at)));
        writeln!(
            out,
            "  {} offered by the host's own repositories{age}; {} of them no finding",
            count(report.inventory.pending.len(), "update"),
            report.assessment.other_updates.len()
        )?;
    }
    for feed in &coverage.feeds {
        let newest = feed.newest.map_or_else(|| "age not known".to_owned(), |newest| format!("newest {}", day(newest)));
        writeln!(out, "  feed {:16} {:>7} records, {newest}", feed.feed, feed.records)?;
    }
    for unknown in &coverage.unknown {
        writeln!(out, "  {YELLOW}not known:{YELLOW:#} {}", printable(unknown))?;
    }
    let problems = report.problems();
    let shown = if report.is_verbose { problems.len() } else { 10 };
    for problem in problems.iter().take(shown) {
        writeln!(out, "  {YELLOW}problem:{YELLOW:#} {}", printable(problem))?;
    }
    more(out, problems.len(), shown)
}
