//! `plimsoll fleet violation`, `alerts` and `attest`: what was not kept, who is told of it, and what vendors say.

use super::{asset_id, instant};
use crate::arguments::{ListFormat, ViolationCommand};
use crate::exit::{self, Usage};
use crate::files;
use crate::printable::printable;
use crate::progress::say;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use jiff::Timestamp;
use lifecycle::{Command, State, Violation};
use operations::{Alert, AlertKind};
use serde_json::json;
use std::path::Path;

/// Runs a command on violations.
pub(super) async fn run(opened: &Opened, command: ViolationCommand, is_quiet: bool) -> Result<u8> {
    let (violation, words, is_excused) = match command {
        ViolationCommand::List { format } => return list(opened, format).await,
        ViolationCommand::Answer { violation, words } => (violation, words, false),
        ViolationCommand::Excuse { violation, why } => (violation, why, true),
    };
    let command = Command::AnswerViolation(violation.clone(), words, is_excused);
    opened.organisation.act(&opened.person, opened.now, command).await?;
    if !is_quiet {
        say(&format!("`{violation}` is {}.", if is_excused { "excused: it does not count" } else { "answered" }));
    }
    Ok(exit::WITHIN_POLICY)
}

async fn list(opened: &Opened, format: ListFormat) -> Result<u8> {
    let record = opened.organisation.store.record().await?;
    let sees = |known: &Violation| record.state.sees_violation(known, &opened.person);
    let all = record.state.violations.iter().rev().filter(|(_, known)| sees(known));
    let cells = |(id, known): (&String, &Violation)| {
        let breach = &known.opened.breach;
        vec![
            id.clone(),
            known.word().to_owned(),
            breach.day.to_string(),
            breach.kind.word().to_owned(),
            breach.party.to_string(),
            breach.count.to_string(),
            known.opened.number.to_string(),
            known.opened.step.map(lifecycle::ResponseStep::word).unwrap_or_default().to_owned(),
            known.opened.by.clone().unwrap_or_default(),
            known.answer.as_ref().map(|answer| answer.words.clone()).unwrap_or_default(),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let head = ["VIOLATION", "STATE", "DAY", "OF", "WHOSE", "HOW MANY", "NUMBER", "FOLLOWS", "BY", "ANSWER"];
            let mut table = Table::new(&head);
            for (id, known) in all {
                let style = if known.waits() { AnsiColor::Red.on_default() } else { Style::new() };
                table.row(style, cells((id, known)).iter().map(|cell| printable(cell).into_owned()).collect());
            }
            table.write(&mut out)?;
        }
        ListFormat::Csv => {
            let head = ["violation", "state", "day", "kind", "party", "count", "number", "step", "by", "answer"];
            sheet::csv(&mut out, &head, all.map(cells))?;
        }
        ListFormat::Json => {
            let one = |(id, known): (&String, &Violation)| {
                let told = &known.opened;
                json!({ "id": id, "state": known.word(), "breach": told.breach, "number": told.number,
                    "step": told.step, "by": told.by, "subjects": record.state.broken_by(&told.breach), "told_at": known.at, "answer": known.answer })
            };
            let told = json!({ "told_until": record.state.told_until, "violations": all.map(one).collect::<Vec<_>>() });
            out.extend_from_slice(sheet::json(&told)?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    let gap = gap(&record.state, opened.now);
    if let Some(gap) = &gap {
        say(&format!("{gap} (plimsoll fleet judge)."));
    }
    let waits = record.state.violations.values().any(|known| known.waits() && sees(known));
    Ok(match (waits, gap) {
        (true, _) => exit::POLICY_NOT_MET,
        (false, Some(_)) => exit::NOT_ENOUGH_DATA,
        (false, None) => exit::WITHIN_POLICY,
    })
}

/// What is not known of violations, in words.
fn gap(state: &State, now: Timestamp) -> Option<String> {
    let nothing = "that nothing stands here says nothing";
    match (state.told_until, state.days_to_tell(now)) {
        (None, _) => Some(format!("No day was told yet: {nothing}")),
        (Some(until), _) if until >= lifecycle::day_of(now) => Some(format!(
            "Days are told up to {until}, which is not over: a clock was ahead, and what is broken until then is not told"
        )),
        (Some(until), Some(_)) => Some(format!("Days are told up to {until}: what was broken since is not known")),
        (Some(_), None) if state.index.is_none() => {
            Some("Nothing was ever held against advisories: which deadlines were missed is not known".to_owned())
        }
        (Some(_), None) => None,
    }
}

/// Lists what the policy has people told of.
pub(super) async fn alerts(opened: &Opened, format: ListFormat) -> Result<u8> {
    let alerts = opened.organisation.view(None, opened.now, |view| view.alerts()).await?;
    let roles = |alert: &Alert| alert.told.iter().map(|seat| seat.role.as_str()).collect::<Vec<_>>().join(" ");
    let cells = |alert: &Alert| {
        vec![
            alert.kind.word().to_owned(),
            alert.at.map(|at| at.to_string()).unwrap_or_default(),
            alert.words(),
            roles(alert),
            alert.subjects.join(" "),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["ALERT", "SINCE OR BY", "WHAT", "TOLD", "OF"]);
            let printed = |alert| cells(alert).iter().map(|cell| printable(cell).into_owned()).collect();
            alerts.iter().for_each(|alert| table.row(Style::new(), printed(alert)));
            table.write(&mut out)?;
        }
        ListFormat::Csv => {
            sheet::csv(&mut out, &["kind", "at", "words", "told", "subjects"], alerts.iter().map(cells))?;
        }
        ListFormat::Json => {
            let one = |alert: &Alert| {
                let told: Vec<&str> = alert.told.iter().map(|seat| seat.role.as_str()).collect();
                json!({ "kind": alert.kind.word(), "words": alert.words(), "team": alert.team, "subjects": alert.subjects,
                    "count": alert.count, "at": alert.at, "told": told })
            };
            out.extend_from_slice(sheet::json(&alerts.iter().map(one).collect::<Vec<_>>())?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    let is_any = |kinds: &[AlertKind]| alerts.iter().any(|alert| kinds.contains(&alert.kind));
    // What says nothing is not known to be well.
    Ok(if is_any(&[AlertKind::Overdue, AlertKind::ScanOverdue]) {
        exit::POLICY_NOT_MET
    } else if is_any(&[AlertKind::AssetSilent, AlertKind::FeedStale]) {
        exit::NOT_ENOUGH_DATA
    } else {
        exit::WITHIN_POLICY
    })
}

/// Notes what the vendor of an asset says.
pub(super) async fn attest(
    opened: &Opened,
    asset: &str,
    (vendor, statement, evidence): (String, String, Option<&Path>),
    is_quiet: bool,
) -> Result<u8> {
    let evidence = handed_in(evidence)?;
    let id = asset_id(asset)?;
    opened.organisation.attest(&opened.person, id, (vendor, statement, evidence), opened.now).await?;
    if !is_quiet {
        say(&format!("What the vendor of `{asset}` says is noted."));
    }
    Ok(exit::WITHIN_POLICY)
}

/// What a vendor has handed in.
fn handed_in(evidence: Option<&Path>) -> Result<Option<Vec<u8>>> {
    let most = files::MOST_TEXT_BYTES;
    let read = |path: &Path| files::read(path, most).with_context(|| format!("failed to read `{}`", path.display()));
    let evidence = evidence.map(read).transpose()?;
    if evidence.as_ref().is_some_and(Vec::is_empty) {
        return Err(Usage("what the vendor has handed in is empty".to_owned()).into());
    }
    Ok(evidence)
}

/// Notes what the vendor of an asset tells of a vulnerability of its own.
pub(super) async fn vendor_notice(
    opened: &Opened,
    (asset, vulnerability, known_since): (&str, String, &str),
    (vendor, statement, evidence): (String, String, Option<&Path>),
    is_quiet: bool,
) -> Result<u8> {
    let told = (vendor, statement, handed_in(evidence)?);
    // A day is known from its beginning on.
    let day = known_since.parse::<jiff::civil::Date>().ok().and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let known_since = match day {
        Some(day) => day.timestamp(),
        None => instant(Some(known_since))?.unwrap_or(opened.now),
    };
    let about = (asset_id(asset)?, vulnerability, known_since);
    opened.organisation.note_vendor_notice(&opened.person, about, told, opened.now).await?;
    let state = &opened.organisation.store.record().await?.state;
    let noted = asset_id(asset).ok().and_then(|id| state.assets.get(&id)?.notices.last().cloned());
    if !is_quiet {
        let in_time = match noted.and_then(|noted| Some((noted.is_in_time()?, noted.due?))) {
            Some((true, _)) => " It came in time.".to_owned(),
            Some((false, due)) => format!(" It came late: the policy asks for it by {due}."),
            None => String::new(),
        };
        say(&format!("What the vendor of `{asset}` tells is noted.{in_time}"));
    }
    Ok(exit::WITHIN_POLICY)
}

/// Excuses somebody from a duty.
pub(super) async fn excuse(opened: &Opened, duty: String, (until, why): (&str, String)) -> Result<()> {
    let until = instant(Some(until))?.unwrap_or(opened.now);
    opened.organisation.act(&opened.person, opened.now, Command::ExcuseDuty(duty, until, why)).await?;
    Ok(())
}
