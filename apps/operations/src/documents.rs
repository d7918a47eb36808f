//! Documents that are written from a policy: its editions, with cross-references to frameworks; the statement of applicability; and,
//! where that is wanted, what there is in the organisation itself.

use crate::questions::View;
use evidence::{Applicability, Section, applicability, framework, served};
use fleet::{AssetFilter, Filter, GroupBy, Query, Sort};
use jiff::{Timestamp, tz::TimeZone};
use policy::{EDITIONS, Policy, Written};
use std::fmt::Write as _;

/// The id of the statement of applicability among the documents.
pub const APPLICABILITY: &str = "applicability";

/// Every document that can be written from a policy, by its id and for whom it is.
#[must_use]
pub fn policy_documents() -> Vec<(&'static str, &'static str)> {
    let own = EDITIONS.iter().map(|edition| (edition.id, edition.title));
    own.chain([(APPLICABILITY, "Statement of applicability")]).collect()
}

/// Which document is wanted.
#[derive(Debug, Clone, Copy)]
pub struct PolicyDocument<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Its text.
    pub text: &'a str,
    /// The document's id.
    pub id: &'a str,
    /// What there is in the organisation itself, in Markdown, where that is wanted.
    pub examples: Option<&'a str>,
}

/// Writes a document in Markdown; `None` if there is none of that id.
///
/// # Errors
/// What of it cannot be filled in, in words.
#[must_use]
pub fn policy_document(wanted: &PolicyDocument<'_>) -> Option<Result<String, String>> {
    if !policy_documents().iter().any(|(id, _)| *id == wanted.id) {
        return None;
    }
    Some(write(wanted))
}

fn write(wanted: &PolicyDocument<'_>) -> Result<String, String> {
    let PolicyDocument { policy, text, id, examples } = *wanted;
    if id == APPLICABILITY {
        return statement(policy).map_err(|error| error.to_string());
    }
    let written = Written::of(policy, text).map_err(|error| error.to_string())?;
    let made = written.document(id).unwrap_or_else(|| Ok(String::new()));
    let mut markdown = made.map_err(|wrong| {
        let words = wrong.iter().map(|(place, one)| format!("{place}, line {}: {}", one.line, one.what));
        words.collect::<Vec<_>>().join("; ")
    })?;
    if id == "whole" {
        markdown.push_str(&cross_references(policy).map_err(|error| error.to_string())?);
    }
    if let Some(examples) = examples {
        markdown.push_str("\n\n");
        markdown.push_str(examples);
    }
    Ok(markdown)
}

/// Which clauses of the frameworks that a policy names each of its sections serves.
fn cross_references(policy: &Policy) -> Result<String, evidence::Error> {
    let mut named = Vec::new();
    for id in &policy.promises.frameworks {
        named.extend(framework(id.as_ref()).transpose()?);
    }
    let mut text = String::new();
    if named.is_empty() {
        return Ok(text);
    }
    text.push_str("\n\n## Cross-references\n\nThe clauses of these frameworks that each section serves, by their identifiers.\n\n");
    let names: Vec<&str> = named.iter().map(|framework| framework.name.as_str()).collect();
    row(&mut text, std::iter::once("Section").chain(names.iter().copied()));
    row(&mut text, std::iter::repeat_n("---", names.len() + 1));
    for section in Section::ALL.iter().filter(|section| section.is_written(policy)) {
        let clauses: Vec<String> = named.iter().map(|framework| served(framework, *section).join(", ")).collect();
        let cells = clauses.iter().map(|clauses| if clauses.is_empty() { "–" } else { clauses.as_str() });
        row(&mut text, std::iter::once(section.title()).chain(cells));
    }
    Ok(text)
}

fn row<'c>(text: &mut String, cells: impl Iterator<Item = &'c str>) {
    let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
    // Writing to a text cannot fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// The statement of applicability: a row for each control that concerns patching.
fn statement(policy: &Policy) -> Result<String, evidence::Error> {
    let all = applicability(policy)?;
    let mut text =
        format!("# Statement of applicability\n\nOf “{}”. ", policy.name.replace(['*', '_', '`', '<', '['], " "));
    text.push_str(
        "Each row is a control that concerns patching: whether it applies, which sections of the policy serve it, and what is missing. \
         The identifiers are those of the published frameworks; the words are ours.\n",
    );
    for framework in &all {
        let held =
            if framework.is_named { "the policy names it, and is held to it" } else { "the policy does not name it" };
        let _ = writeln!(text, "\n## {}\n\n*{held}*\n", framework.name);
        controls(&mut text, framework);
    }
    Ok(text)
}

fn controls(text: &mut String, framework: &Applicability) {
    row(text, ["Control", "Asks that", "Applies", "Served by", "State"].into_iter());
    row(text, std::iter::repeat_n("---", 5));
    for applied in &framework.clauses {
        let titles =
            |sections: &[Section]| sections.iter().map(|section| section.title()).collect::<Vec<_>>().join("; ");
        let (served, missing) = (titles(&applied.served_by), titles(&applied.missing));
        let state = match (applied.missing.is_empty(), applied.is_below) {
            (true, false) => "served".to_owned(),
            (true, true) => "the policy promises less than it asks for".to_owned(),
            (false, _) => format!("not written: {missing}"),
        };
        let served = if served.is_empty() { "–" } else { served.as_str() };
        row(text, [applied.clause.as_str(), applied.says.as_str(), "yes", served, state.as_str()].into_iter());
    }
}

/// How many findings are shown as examples.
const EXAMPLES: usize = 5;

/// What there is in the organisation itself, or of one team, as a piece of a document: what is owed by class, what is overdue the
/// longest, and which patches help most. As much as whoever asks may see.
#[must_use]
pub fn examples(view: &View<'_>, (seen, team): (&AssetFilter, Option<&str>)) -> String {
    let mut filter = seen.clone();
    if let Some(team) = team {
        filter.owner = Some(team.to_owned());
    }
    let (facts, now) = (&view.record.facts, view.now);
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string();
    let whose = team.map_or_else(|| "in the organisation".to_owned(), |team| format!("in the team {}", plain(team)));
    let mut text = format!("## How it stands {whose}\n\nAs of {}.\n\n", day(now));
    row(&mut text, ["Class", "Owed", "Overdue", "Due within seven days"].into_iter());
    row(&mut text, std::iter::repeat_n("---", 4));
    for (class, counts) in &view.findings.summary_of(facts, &filter, now).classes {
        let numbers = [counts.findings, counts.overdue, counts.due_soon].map(|count| count.to_string());
        let class = plain(class);
        row(&mut text, std::iter::once(class.as_str()).chain(numbers.iter().map(String::as_str)));
    }
    let asked = Filter { assets: filter.clone(), is_overdue: Some(true), ..Filter::default() };
    let query = Query { filter: asked.clone(), sort: Sort::Due, limit: EXAMPLES, now, ..Query::default() };
    let page = view.findings.list(facts, &query);
    if !page.rows.is_empty() {
        text.push_str("\n### What is overdue the longest\n\n");
        row(&mut text, ["Vulnerability", "Asset", "Class", "Was due"].into_iter());
        row(&mut text, std::iter::repeat_n("---", 4));
        for one in &page.rows {
            let cells = [
                plain(&one.vulnerability),
                plain(one.asset.as_str()),
                plain(&one.class),
                one.due.map(day).unwrap_or_default(),
            ];
            row(&mut text, cells.iter().map(String::as_str));
        }
    }
    let mut groups =
        view.findings.groups(facts, (&Filter { assets: filter, ..Filter::default() }, GroupBy::Package), now);
    groups.sort_by_key(|group| std::cmp::Reverse(group.counts.findings));
    if !groups.is_empty() {
        text.push_str("\n### Which patches help most\n\n");
        for group in groups.iter().take(EXAMPLES) {
            let _ = writeln!(text, "- {}: {} findings", plain(&group.name), group.counts.findings);
        }
    }
    text
}

/// Text that Markdown takes for text.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        if sign.is_ascii_punctuation() && !".,:;-+/()'".contains(sign) {
            out.push('\\');
        }
        out.push(if sign.is_control() { ' ' } else { sign });
    }
    out
}
