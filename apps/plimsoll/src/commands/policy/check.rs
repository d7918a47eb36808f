//! `plimsoll policy check`: what is wrong with a policy, line by line, and what was proven of it.

use crate::arguments::WhyFormat;
use crate::exit;
use crate::formats::count;
use crate::printable::printable;
use crate::sheet;
use ::policy::{Checked, Policy, Problem};
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Checks a policy.
pub(super) fn run(name: &str, format: WhyFormat) -> Result<u8> {
    let (text, path) = super::text(name)?;
    let checked = operations::check_policy(&text, jiff::Timestamp::now())?;
    let shown = match format {
        WhyFormat::Json => sheet::json(&as_json(&checked))?,
        WhyFormat::Text => in_words(&checked, &path)?,
    };
    crate::pager::show(shown.as_bytes()).context("failed to write")?;
    Ok(if checked.has_errors() { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}

fn in_words(checked: &Checked, path: &Path) -> Result<String> {
    let mut text = String::new();
    for problem in &checked.problems {
        one(&mut text, problem, path)?;
    }
    let errors = checked.problems.iter().filter(|problem| problem.is_error).count();
    let warnings = checked.problems.len() - errors;
    if let Some(policy) = &checked.policy {
        classes(&mut text, policy)?;
    }
    for proven in &checked.proven {
        let (green, end) = (AnsiColor::Green.on_default(), anstyle::Reset);
        writeln!(text, "{green}proven{end}  {proven}")?;
    }
    let words = match (errors, warnings) {
        (0, 0) => "Nothing is wrong with it.".to_owned(),
        (0, warnings) => format!("{}, no errors.", count(warnings, "warning")),
        (errors, 0) => format!("{}: it cannot be put in force so.", count(errors, "error")),
        (errors, warnings) => {
            format!("{}, {}: it cannot be put in force so.", count(errors, "error"), count(warnings, "warning"))
        }
    };
    writeln!(text, "\n{words}")?;
    Ok(text)
}

fn one(text: &mut String, problem: &Problem, path: &Path) -> Result<()> {
    let (style, word): (Style, &str) = match problem.is_error {
        true => (AnsiColor::Red.on_default().bold(), "error"),
        false => (AnsiColor::Yellow.on_default().bold(), "warning"),
    };
    let place = printable(&path.display().to_string()).into_owned();
    let line = problem.line.map_or_else(String::new, |line| format!(":{line}"));
    writeln!(text, "{place}{line}: {style}{word}{style:#} {}: {}", problem.code, printable(&problem.what))?;
    if !problem.example.is_empty() {
        writeln!(text, "    case  {}", printable(&problem.example))?;
    }
    if !problem.hint.is_empty() {
        writeln!(text, "    hint  {}", printable(&problem.hint))?;
    }
    writeln!(text)?;
    Ok(())
}

fn classes(text: &mut String, policy: &Policy) -> Result<()> {
    writeln!(text, "{}, time zone {}", printable(&policy.name), policy.calendar.zone_name())?;
    for class in &policy.classes {
        writeln!(text, "  {:24} {:16} {}", printable(&class.id), class.due.to_string(), printable(&class.title))?;
    }
    writeln!(text)?;
    Ok(())
}

fn as_json(checked: &Checked) -> serde_json::Value {
    let problem = |problem: &Problem| {
        json!({
            "code": problem.code, "is_error": problem.is_error, "line": problem.line, "what": problem.what,
            "hint": problem.hint, "example": problem.example,
        })
    };
    json!({
        "has_errors": checked.has_errors(),
        "problems": checked.problems.iter().map(problem).collect::<Vec<_>>(),
        "proven": checked.proven,
    })
}
