//! One self-contained page with charts: no script, nothing loaded from elsewhere, readable in light and dark and on paper.

use super::{Report, count, day, day_and_time, distance, fix_in_words, verdict_in_words};
use crate::printable::{printable, shell_words};
use anyhow::Result;
use assessment::{Finding, Patch};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("html.css");

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let title = format!("Missing patches on {}", printable(&report.inventory.subject));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                h1 { (title) }
                p.lead { (printable(&report.system())) " · " (day_and_time(report.now)) " · policy “" (printable(&report.policy.name)) "”" }
                (figures(report))
                @let gaps = report.assessment.coverage.gaps();
                @if !gaps.is_empty() { p.unsure { "Not enough data to call this system clean: " (printable(&gaps.join("; "))) "." } }
                div.charts { (class_chart(report)) (due_chart(report)) }
                (patches(report))
                (unfixed(report))
                (restarts(report))
                (suppressed(report))
                (rests_on(report))
            } }
        }
    };
    out.extend_from_slice(page.into_string().as_bytes());
    out.push(b'\n');
    Ok(())
}

fn figures(report: &Report<'_>) -> Markup {
    let coverage = &report.assessment.coverage;
    let exploited = report.findings().filter(|finding| finding.signals.listed.is_some()).count();
    html! {
        dl.figures {
            div.figure.bad[report.overdue() > 0] { dt { "overdue" } dd { (report.overdue()) } }
            div.figure { dt { "findings" } dd { (report.findings().count()) } }
            div.figure.bad[exploited > 0] { dt { "known to be exploited" } dd { (exploited) } }
            div.figure { dt { "patches to apply" } dd { (report.patches().filter(|patch| patch.target.is_some()).count()) } }
            div.figure { dt { "packages judged" } dd { (coverage.judged) small { " of " (coverage.packages) } } }
            div.figure.unsure[!coverage.undetermined.is_empty()] { dt { "undetermined" } dd { (coverage.undetermined.len()) } }
        }
    }
}

/// Bars by class: overdue and not.
fn class_chart(report: &Report<'_>) -> Markup {
    let rows: Vec<_> = report.by_class().into_iter().filter(|(_, all, _)| *all > 0).collect();
    let most = rows.iter().map(|(_, all, _)| *all).max().unwrap_or(1).max(1);
    let height = rows.len() * 28 + 8;
    html! {
        figure {
            figcaption { "By class: " span.key.late { "overdue" } " " span.key.open { "open" } }
            svg viewBox=(format!("0 0 470 {height}")) role="img" aria-label="Findings by class" {
                @for (row, (class, all, overdue)) in rows.iter().enumerate() {
                    @let y = row * 28 + 4;
                    @let late = overdue * 170 / most;
                    @let open = (all - overdue) * 170 / most;
                    text x="126" y=(y + 15) text-anchor="end" { (class.chars().take(18).collect::<String>()) }
                    rect.late x="132" y=(y) width=(late) height="20" {}
                    rect.open x=(132 + late) y=(y) width=(open.max(usize::from(all > overdue))) height="20" {}
                    text x=(138 + late + open) y=(y + 15) { (all) @if *overdue > 0 { " (" (overdue) " overdue)" } }
                }
            }
        }
    }
}

/// How many fall due when, in weeks from now.
fn due_chart(report: &Report<'_>) -> Markup {
    const COLUMNS: usize = 10;
    let mut weeks = [0_usize; COLUMNS];
    for finding in report.findings() {
        let place = match finding.deadline.due.map(|due| due.duration_since(report.now).as_hours()) {
            Some(hours) if hours < 0 => 0,
            Some(hours) => usize::try_from(hours / 168 + 1).unwrap_or(COLUMNS).min(COLUMNS - 1),
            None => continue,
        };
        weeks[place] += 1;
    }
    let most = weeks.iter().copied().max().unwrap_or(1).max(1);
    html! {
        figure {
            figcaption { "When they fall due, in weeks" }
            svg viewBox="0 0 420 150" role="img" aria-label="Findings by week of their due date" {
                @for (week, number) in weeks.iter().enumerate() {
                    @let height = number * 100 / most;
                    @let x = week * 41 + 8;
                    rect.late[week == 0].open[week != 0] x=(x) y=(120 - height) width="32" height=(height) {}
                    text x=(x + 16) y=(114 - height) text-anchor="middle" { @if *number > 0 { (number) } }
                    text x=(x + 16) y="138" text-anchor="middle" { @if week == 0 { "over" } @else if week == COLUMNS - 1 { (week) "+" } @else { (week) } }
                }
            }
        }
    }
}

fn patches(report: &Report<'_>) -> Markup {
    let all: Vec<&Patch> = report.patches().filter(|patch| patch.target.is_some()).collect();
    html! {
        h2 { "Patches to apply" }
        @if all.is_empty() { p { "None." } }
        @for patch in all {
            details.late[patch.is_overdue] {
                summary {
                    span.due { (patch.due.map_or_else(|| "next upgrade".to_owned(), day)) }
                    span.left { (distance(patch.due, report.now)) }
                    span.class { (patch.class.1) }
                    strong { (printable(&patch.name)) }
                    span { " to " (printable(patch.target.as_deref().unwrap_or_default())) }
                    span.count { (count(patch.findings.len(), "finding")) }
                }
                p { @for (name, version) in &patch.packages { code { (printable(name)) " " (printable(version)) } " " } }
                @if patch.is_offered == Some(false) { p.unsure { "This host's own repositories do not offer it." } }
                @if !patch.command.is_empty() { pre { (shell_words(&patch.command)) } }
                (findings_table(report, patch.findings.iter().map(|at| &report.assessment.findings[*at])))
            }
        }
    }
}

fn findings_table<'a>(report: &Report<'_>, findings: impl Iterator<Item = &'a Finding>) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "id" } th { "class" } th { "due" } th { "CVSS" } th { "EPSS" } th { "what" } } }
            tbody { @for finding in findings { tr.late[finding.is_overdue] {
                td.id { @match link(finding) { Some(url) => a href=(url) rel="noreferrer" { (printable(&finding.id)) }, None => (printable(&finding.id)) }
                    @if finding.signals.listed.is_some() { " " span.flag { "exploited" } } }
                td { (finding.deadline.class) }
                td.date { (finding.deadline.due.map_or_else(|| "next upgrade".to_owned(), day)) br; small { (distance(finding.deadline.due, report.now)) } }
                td.number { (finding.signals.cvss.as_ref().map_or_else(|| "not known".to_owned(), |(score, _)| format!("{score:.1}"))) }
                td.number { (finding.signals.epss.map_or_else(|| "not known".to_owned(), |(score, _)| format!("{:.2} %", score * 100.0))) }
                td.what { (printable(&finding.title)) @if finding.verdict != matching::Verdict::Affected { br; em { (printable(&verdict_in_words(&finding.verdict))) } }
                    details { summary { "why" } (why(finding)) } }
            } } }
        } }
    }
}

/// Only addresses of the web become links.
fn link(finding: &Finding) -> Option<&str> {
    finding
        .sources
        .iter()
        .map(|source| source.url.as_str())
        .find(|url| url.starts_with("https://") || url.starts_with("http://"))
}

fn why(finding: &Finding) -> Markup {
    html! {
        ul {
            @for carrier in finding.carriers.iter().take(12) { li { code { (printable(&carrier.name)) } " — " (printable(&carrier.because)) "; " (printable(&fix_in_words(&carrier.fix))) } }
            @for input in &finding.deadline.inputs { li { (input.name) ": " (printable(&input.value)) @if input.is_assumed { em { " (not known: the value that stands in for it)" } } } }
            @if !finding.deadline.also.is_empty() { li { "also owed: " (printable(&finding.deadline.also)) } }
            @for step in &finding.deadline.steps { li { "class " (step.class) ": clock started " (day_and_time(step.started_at)) " (" (step.started_by) "), due " (step.due.map_or_else(|| "with the next upgrade".to_owned(), day_and_time)) } }
            @for source in &finding.sources { li { (printable(&source.id)) " from feed " (source.feed) } }
        }
    }
}

fn unfixed(report: &Report<'_>) -> Markup {
    let all: Vec<&Finding> = report.unfixed().collect();
    html! {
        @if !all.is_empty() {
            h2 { "Without a patch" }
            p { "A mitigation is owed by the date shown; the patch's own clock starts when one appears." }
            (findings_table(report, all.into_iter()))
        }
    }
}

fn restarts(report: &Report<'_>) -> Markup {
    let reasons = report.restart_reasons();
    html! {
        @if !reasons.is_empty() || report.restarts().next().is_some() {
            h2 { "Patched on disk, not yet in memory" }
            @for patch in report.restarts() {
                p { "Due " (patch.due.map_or_else(|| "with the next upgrade".to_owned(), day)) ", class " (patch.class.1) ": " (printable(&patch.name)) " (" (count(patch.findings.len(), "finding")) ")." }
            }
            ul { @for reason in &reasons { li { (printable(reason)) } } }
        }
    }
}

fn suppressed(report: &Report<'_>) -> Markup {
    html! {
        @if !report.assessment.suppressed.is_empty() {
            h2 { "Suppressed" }
            ul { @for finding in &report.assessment.suppressed { li { (printable(&finding.id)) ": " (printable(&verdict_in_words(&finding.verdict))) } } }
        }
        @let idle = &report.assessment.coverage.idle_statements;
        @if !idle.is_empty() {
            h2 { "Exceptions without effect" }
            ul.unsure { @for statement in idle { li { (printable(statement)) } } }
        }
    }
}

fn rests_on(report: &Report<'_>) -> Markup {
    let coverage = &report.assessment.coverage;
    let age = |newest: Option<Timestamp>| newest.map_or_else(|| "not known".to_owned(), day);
    html! {
        h2 { "What this rests on" }
        div.scroll { table {
            thead { tr { th { "feed" } th { "records" } th { "problems" } th { "newest record" } } }
            tbody { @for feed in &coverage.feeds { tr { td { (feed.feed) } td { (feed.records) } td { (feed.problems) } td { (age(feed.newest)) } } } }
        } }
        @if let Some(digest) = &coverage.index_digest { p { "Index " code { (digest) } } }
        @if !coverage.unknown.is_empty() { ul.unsure { @for unknown in &coverage.unknown { li { "Not known: " (printable(unknown)) } } } }
        @if !coverage.undetermined.is_empty() {
            details { summary { (super::not_judged(coverage)) }
                ul { @for (name, version, why) in &coverage.undetermined { li { code { (printable(name)) " " (printable(version)) } ": " (printable(why)) } } } }
        }
        @let problems = report.problems();
        @if !problems.is_empty() { details open { summary { (count(problems.len(), "problem")) " while reading" } ul { @for problem in &problems { li { (printable(problem)) } } } } }
        p.foot { "Made by plimsoll " (env!("CARGO_PKG_VERSION")) }
    }
}
