//! `plimsoll policy simulate`: a draft beside the policy in force, now and month by month.

use crate::arguments::{RecordArguments, WhyFormat};
use crate::exit;
use crate::formats::{count, day};
use crate::printable::printable;
use crate::progress::{Counter, say};
use crate::record::{block_on, open};
use crate::sheet;
use crate::table::Table;
use ::policy::Policy;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use operations::{Side, Simulation, simulate};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

/// Simulates a draft.
pub(super) fn run(
    draft: &str,
    (data, record): (&Path, &RecordArguments),
    (months, transition): (u32, lifecycle::Transition),
    (format, is_quiet): (WhyFormat, bool),
) -> Result<u8> {
    let (text, path) = super::text(draft)?;
    let policy = Policy::parse(&text).with_context(|| format!("the policy `{}` cannot be used", path.display()))?;
    let policy = Arc::new(policy);
    let errors = operations::check_policy(&text, jiff::Timestamp::now())?
        .problems
        .iter()
        .filter(|problem| problem.is_error)
        .count();
    if errors > 0 && !is_quiet {
        let words = count(errors, "error");
        say(&format!(
            "The draft has {words}, so that it could not be put in force as it is: plimsoll policy check {draft}"
        ));
    }
    block_on(async {
        let opened = open(data, record, is_quiet).await?;
        let mut counter = Counter::new("evaluated", "instants", is_quiet);
        let simulated = opened.organisation.view(None, opened.now, |view| {
            simulate(view, (&policy, transition), months, |done, total| counter.at(done, Some(total)))
        });
        let simulated = simulated.await?;
        counter.end();
        let shown = match format {
            WhyFormat::Json => sheet::json(&as_json(&simulated))?,
            WhyFormat::Text => in_words(&simulated)?,
        };
        opened.show(shown.as_bytes(), format == WhyFormat::Text)?;
        Ok(exit::WITHIN_POLICY)
    })
}

fn in_words(found: &Simulation) -> Result<String> {
    let mut out = Vec::new();
    let (current, draft) = (&found.current, &found.draft);
    let mut text = String::new();
    writeln!(text, "In force  {}", printable(&current.policy))?;
    writeln!(text, "Draft     {}\n", printable(&draft.policy))?;
    let moves = &found.moves;
    writeln!(text, "Findings that there are now")?;
    for (count, words) in [
        (moves.sooner, "due sooner"),
        (moves.later, "due later"),
        (moves.same, "due when they were"),
        (moves.newly_overdue, "overdue by the draft alone"),
        (moves.no_longer_overdue, "overdue by the policy in force alone"),
        (moves.newly_owed, "owed by the draft alone"),
        (moves.no_longer_owed, "owed by the policy in force alone"),
    ] {
        writeln!(text, "{count:>9}  {words}")?;
    }
    writeln!(text)?;
    out.extend_from_slice(text.as_bytes());
    classes(&mut out, current, "By class, as in force")?;
    classes(&mut out, draft, "By class, as in the draft")?;
    let rows = found.months.iter().map(|month| (day(month.at), month.current, month.draft));
    compare(&mut out, ("Overdue, month by month", "AS OF"), rows)?;
    out.extend_from_slice(
        b"Days before now: as if each policy had always been in force. The last line: the draft put in force today, by the transition that was asked for.\n\n",
    );
    let team = |name: &String| if name.is_empty() { "not known".to_owned() } else { name.clone() };
    let rows = found.teams.iter().map(|(name, current, draft)| (team(name), *current, *draft));
    compare(&mut out, ("Overdue now, by team", "TEAM"), rows)?;
    let work =
        [("patches to deploy", current.patches, draft.patches), ("assets to change", current.assets, draft.assets)];
    let rows = work.into_iter().map(|(what, current, draft)| (what.to_owned(), current, draft));
    compare(&mut out, ("Work of the next 30 days, with what is overdue", "WHAT"), rows)?;
    let uncovered =
        format!("Assets that are not covered: {} in force, {} in the draft\n", current.uncovered, draft.uncovered);
    out.extend_from_slice(uncovered.as_bytes());
    let openings = |side: &Side| side.openings.map_or_else(|| "not said".to_owned(), |count| count.to_string());
    let line =
        format!("Windows that open in these days: {} in force, {} in the draft\n", openings(current), openings(draft));
    out.extend_from_slice(line.as_bytes());
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn classes(out: &mut Vec<u8>, side: &Side, title: &str) -> Result<()> {
    out.extend_from_slice(format!("{title}\n").as_bytes());
    let mut table = Table::new(&["CLASS", "#OWED", "#OVERDUE", "#DUE IN 7 DAYS"]);
    for (class, counts) in &side.classes {
        let style = if counts.overdue > 0 { AnsiColor::Red.on_default() } else { Style::new() };
        let numbers = [counts.findings, counts.overdue, counts.due_soon].map(|count| count.to_string());
        table.row(style, std::iter::once(printable(class).into_owned()).chain(numbers).collect());
    }
    table.write(out)?;
    out.push(b'\n');
    Ok(())
}

fn compare(
    out: &mut Vec<u8>,
    (title, head): (&str, &'static str),
    rows: impl Iterator<Item = (String, u64, u64)>,
) -> Result<()> {
    out.extend_from_slice(format!("{title}\n").as_bytes());
    let mut table = Table::new(&[head, "#IN FORCE", "#DRAFT"]);
    for (name, current, draft) in rows {
        let style = match draft.cmp(&current) {
            std::cmp::Ordering::Greater => AnsiColor::Yellow.on_default(),
            _ => Style::new(),
        };
        table.row(style, vec![printable(&name).into_owned(), current.to_string(), draft.to_string()]);
    }
    table.write(out)?;
    out.push(b'\n');
    Ok(())
}

fn as_json(found: &Simulation) -> serde_json::Value {
    let counts = |counts: &fleet::Counts| json!({ "owed": counts.findings, "overdue": counts.overdue, "due_soon": counts.due_soon, "set_aside": counts.suppressed });
    let side = |side: &Side| {
        let class = |(class, of): &(String, fleet::Counts)| json!({ "class": class, "counts": counts(of) });
        json!({
            "policy": side.policy, "counts": counts(&side.all),
            "classes": side.classes.iter().map(class).collect::<Vec<_>>(),
            "patches": side.patches, "assets": side.assets, "window_openings": side.openings,
            "assets_uncovered": side.uncovered,
        })
    };
    let moves = &found.moves;
    json!({
        "current": side(&found.current),
        "draft": side(&found.draft),
        "moves": {
            "sooner": moves.sooner, "later": moves.later, "same": moves.same,
            "newly_overdue": moves.newly_overdue, "no_longer_overdue": moves.no_longer_overdue,
            "newly_owed": moves.newly_owed, "no_longer_owed": moves.no_longer_owed,
        },
        "teams": found.teams.iter().map(|(team, current, draft)| json!({ "team": team, "current_overdue": current, "draft_overdue": draft })).collect::<Vec<_>>(),
        "months": found.months.iter().map(|month| json!({ "at": month.at, "current_overdue": month.current, "draft_overdue": month.draft })).collect::<Vec<_>>(),
    })
}
