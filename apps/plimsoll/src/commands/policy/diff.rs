//! `plimsoll policy diff`: what one policy changes in another, in plain words.

use crate::arguments::WhyFormat;
use crate::exit;
use crate::printable::printable;
use crate::sheet;
use ::policy::{CaseChange, Difference, diff};
use anyhow::{Context, Result};
use serde_json::json;
use std::cmp::Ordering;
use std::fmt::Write as _;

/// Compares two policies.
pub(super) fn run((old, new): (&str, &str), format: WhyFormat) -> Result<u8> {
    let (old, new) = (super::text(old)?.0, super::text(new)?.0);
    let found = diff(&old, &new).context("one of the two cannot be read")?;
    let shown = match format {
        WhyFormat::Json => sheet::json(&as_json(&found))?,
        WhyFormat::Text => in_words(&found)?,
    };
    crate::pager::show(shown.as_bytes()).context("failed to write")?;
    Ok(exit::WITHIN_POLICY)
}

fn in_words(found: &Difference) -> Result<String> {
    let mut text = String::new();
    if found.cases.is_empty() && found.values.is_empty() && !found.is_too_large {
        return Ok("They say the same.\n".to_owned());
    }
    if found.is_too_large {
        writeln!(
            text,
            "The tables tell more cases apart than can be looked at: which findings change is not known.\n"
        )?;
    }
    for (wanted, title) in [
        (Ordering::Less, "Findings that must be remediated sooner"),
        (Ordering::Greater, "Findings that may be remediated later"),
        (Ordering::Equal, "Findings that get another class or clock, and the same time"),
    ] {
        let cases: Vec<&CaseChange> = found.cases.iter().filter(|case| case.direction() == wanted).collect();
        if cases.is_empty() {
            continue;
        }
        writeln!(text, "{title}")?;
        for case in cases {
            let others = match case.others {
                0 => String::new(),
                1 => " (and 1 other case)".to_owned(),
                others => format!(" (and {others} other cases)"),
            };
            let side = |(class, due): &(String, ::policy::Due)| format!("{} ({due})", printable(class));
            let clock = if case.is_other_clock { ", counted from something else" } else { "" };
            let (case, before, after) = (printable(&case.case), side(&case.before), side(&case.after));
            writeln!(text, "  {case}{others}: {before} → {after}{clock}")?;
        }
        writeln!(text)?;
    }
    if !found.values.is_empty() {
        writeln!(text, "What is written otherwise")?;
        for value in &found.values {
            let said = |side: &Option<String>| side.as_ref().map(|said| printable(said).into_owned());
            let name = printable(&value.name);
            match (said(&value.before), said(&value.after)) {
                (Some(before), Some(after)) => writeln!(text, "  {name}: {before} → {after}")?,
                (Some(before), None) => writeln!(text, "  {name}: not any more (was {before})")?,
                (None, Some(after)) => writeln!(text, "  {name}: new, {after}")?,
                (None, None) => {}
            }
        }
        writeln!(text)?;
    }
    writeln!(text, "What it means for what is owed now: plimsoll policy simulate")?;
    Ok(text)
}

fn as_json(found: &Difference) -> serde_json::Value {
    let side = |(class, due): &(String, ::policy::Due)| json!({ "class": class, "due": due.to_string() });
    let case = |case: &CaseChange| {
        let direction = match case.direction() {
            Ordering::Less => "sooner",
            Ordering::Greater => "later",
            Ordering::Equal => "same",
        };
        json!({ "case": case.case, "other_cases": case.others, "before": side(&case.before), "after": side(&case.after), "direction": direction, "is_other_clock": case.is_other_clock })
    };
    let value =
        |value: &::policy::ValueChange| json!({ "name": value.name, "before": value.before, "after": value.after });
    json!({
        "cases": found.cases.iter().map(case).collect::<Vec<_>>(),
        "is_too_large": found.is_too_large,
        "values": found.values.iter().map(value).collect::<Vec<_>>(),
    })
}
