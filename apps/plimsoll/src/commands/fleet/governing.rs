//! `plimsoll fleet version` and `plimsoll fleet duty`: documents on their way, and what people owe.

use super::instant;
use crate::arguments::{DutyCommand, ListFormat, VersionCommand};
use crate::exit::{self, Usage};
use crate::files;
use crate::formats::count;
use crate::printable::printable;
use crate::progress::say;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use lifecycle::{Command, DocumentId, Duty, PersonId, Standing, Version, VersionId};
use operations::{Drafted, PeopleFile};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// Runs a command on versions.
pub(super) async fn versions(opened: &Opened, command: VersionCommand, is_quiet: bool) -> Result<u8> {
    let tell = |words: String| {
        if !is_quiet {
            say(&words);
        }
    };
    let (organisation, person, now) = (&opened.organisation, &opened.person, opened.now);
    match command {
        draft @ VersionCommand::Draft { .. } => tell(self::draft(opened, draft).await?),
        VersionCommand::Submit { version, ask, until } => {
            let people = ask.into_iter().map(person_id).collect::<Result<BTreeSet<_>>>()?;
            let until = instant(until.as_deref())?;
            organisation.submit_version(person, version_id(&version)?, (people, until), now).await?;
            tell(format!(
                "Version `{version}` is in review: somebody else says whether it is sound (plimsoll fleet version say {version} sound)."
            ));
        }
        VersionCommand::Say { version, verdict, words } => {
            let id = version_id(&version)?;
            let terms = organisation.store.record().await?.state.versions.get(&id).map(|known| known.terms());
            let terms = terms.ok_or_else(|| Usage(format!("there is no version `{version}`")))?;
            let note = Command::NoteVersion { version: id.clone(), verdict: verdict.into(), words, terms };
            organisation.act(person, now, note).await?;
            let lacks = {
                let record = organisation.store.record().await?;
                record.state.versions.get(&id).map(|known| lacking(&record.state, known, opened)).unwrap_or_default()
            };
            tell(match lacks.is_empty() {
                true => format!("It lacks nothing more: plimsoll fleet version publish {version}"),
                false => format!("It lacks: {lacks}"),
            });
        }
        VersionCommand::Publish { version } => {
            organisation.publish_version(person, version_id(&version)?, now).await?;
            tell(format!("Version `{version}` is published."));
        }
        VersionCommand::Withdraw { version } => {
            organisation.act(person, now, Command::WithdrawVersion(version_id(&version)?)).await?;
            tell(format!("Version `{version}` is taken back."));
        }
        VersionCommand::Show { version } => {
            let id = version_id(&version)?;
            let digest =
                organisation.store.record().await?.state.versions.get(&id).map(|known| known.draft.text.clone());
            let digest = digest.ok_or_else(|| Usage(format!("there is no version `{version}`")))?;
            opened.show(organisation.text(&digest).await?.as_bytes(), true)?;
        }
        VersionCommand::List { format } => list_versions(opened, format).await?,
    }
    Ok(exit::WITHIN_POLICY)
}

/// Drafts a version, or revises one, and says what is next.
async fn draft(opened: &Opened, command: VersionCommand) -> Result<String> {
    let VersionCommand::Draft { version, text, document, why, from, transition } = command else {
        return Ok(String::new());
    };
    let (organisation, now) = (&opened.organisation, opened.now);
    let (id, document) = (version_id(&version)?, document_id(&document)?);
    let text = match document.is_policy() {
        true => crate::commands::policy::text(&text)?.0,
        false => files::read_text(Path::new(&text)).with_context(|| format!("failed to read `{text}`"))?,
    };
    // Whoever revises a draft and says nothing of its day leaves it.
    let known = organisation.store.record().await?.state.versions.get(&id).and_then(|known| known.draft.effective_at);
    let effective_at = instant(from.as_deref())?.or(known.filter(|at| *at > now));
    let drafted = Drafted { document, text, rationale: why, effective_at, transition: transition.into() };
    let errors = match drafted.document.is_policy() {
        true => operations::check_policy(&drafted.text, now)?.problems.iter().filter(|one| one.is_error).count(),
        false => 0,
    };
    organisation.draft(&opened.person, id, drafted, now).await?;
    Ok(match errors {
        0 => format!("Version `{version}` is a draft: plimsoll fleet version submit {version}"),
        _ => format!("Version `{version}` is a draft with {}: plimsoll policy check", count(errors, "error")),
    })
}

fn version_id(text: &str) -> Result<VersionId> {
    VersionId::new(text).map_err(|refusal| Usage(refusal.to_string()).into())
}

fn document_id(text: &str) -> Result<DocumentId> {
    DocumentId::new(text).map_err(|refusal| Usage(refusal.to_string()).into())
}

fn person_id(text: String) -> Result<PersonId> {
    PersonId::new(text).map_err(|refusal| Usage(refusal.to_string()).into())
}

fn lacking(state: &lifecycle::State, version: &Version, opened: &Opened) -> String {
    if !version.is_open() {
        return String::new();
    }
    let approvals = state.approvals_lacking(version).into_iter().map(|title| format!("the approval of: {title}"));
    state.lacks(version, opened.now).into_iter().chain(approvals).collect::<Vec<_>>().join("; ")
}

async fn list_versions(opened: &Opened, format: ListFormat) -> Result<()> {
    let record = opened.organisation.store.record().await?;
    let state = &record.state;
    let cells = |(id, version): (&VersionId, &Version)| {
        let authors: Vec<String> = version.authors.iter().map(ToString::to_string).collect();
        vec![
            id.to_string(),
            version.draft.document.to_string(),
            version.stage.word().to_owned(),
            authors.join(" "),
            lacking(state, version, opened),
            version.draft.rationale.clone(),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["VERSION", "OF", "STATE", "BY", "LACKS", "WHY"]);
            let printed = |one| cells(one).iter().map(|cell| printable(cell).into_owned()).collect();
            state.versions.iter().for_each(|one| table.row(Style::new(), printed(one)));
            table.write(&mut out)?;
        }
        ListFormat::Csv => {
            let head = ["version", "document", "state", "authors", "lacks", "rationale"];
            sheet::csv(&mut out, &head, state.versions.iter().map(cells))?;
        }
        ListFormat::Json => {
            let one = |(id, version): (&VersionId, &Version)| {
                json!({ "version": id, "document": version.draft.document, "state": version.stage.word(), "authors": version.authors,
                    "digest": version.draft.text, "rationale": version.draft.rationale, "transition": version.draft.transition,
                    "approved_by": version.approved_by(), "lacks": lacking(state, version, opened) })
            };
            out.extend_from_slice(sheet::json(&state.versions.iter().map(one).collect::<Vec<_>>())?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    Ok(())
}

/// Runs a command on what people owe.
pub(super) async fn duties(opened: &Opened, command: DutyCommand, is_quiet: bool) -> Result<u8> {
    match command {
        DutyCommand::List { person, format } => list_duties(opened, person, format).await,
        DutyCommand::Excuse { duty, until, why } => {
            super::violations::excuse(opened, duty.clone(), (&until, why)).await?;
            if !is_quiet {
                say(&format!("`{duty}` is excused until {until}."));
            }
            Ok(exit::WITHIN_POLICY)
        }
        DutyCommand::ImportPeople { file } => {
            let text = files::read_text(&file).with_context(|| format!("failed to read `{}`", file.display()))?;
            let read = PeopleFile::read(&text).map_err(|wrong| {
                let lines =
                    wrong.iter().map(|one| format!("\n  {}:{}: {}", file.display(), one.line, printable(&one.what)));
                anyhow::anyhow!("the file has errors, and nothing was done:{}", lines.collect::<String>())
            })?;
            let taken = opened.organisation.take_people(&opened.person, read, opened.now).await?;
            if !is_quiet {
                let operations::PeopleTaken { people, changed, groups } = taken;
                say(&format!(
                    "{people} people: {changed} came in or have other roles now; {groups} groups have other people."
                ));
            }
            Ok(exit::WITHIN_POLICY)
        }
        DutyCommand::ImportTraining { file } => {
            let text = files::read_text(&file).with_context(|| format!("failed to read `{}`", file.display()))?;
            let taken = opened.organisation.take_completions(&opened.person, &text, opened.now).await?;
            if !is_quiet {
                say(&format!("{} completions were told, {} of them are new.", taken.told, taken.new));
            }
            for problem in &taken.problems {
                say(&format!("{}:{}: {}", file.display(), problem.line, printable(&problem.what)));
            }
            // What could not be taken is not done.
            Ok(if taken.problems.is_empty() { exit::WITHIN_POLICY } else { exit::NOT_ENOUGH_DATA })
        }
    }
}

async fn list_duties(opened: &Opened, person: Option<String>, format: ListFormat) -> Result<u8> {
    let now = opened.now;
    let record = opened.organisation.store.record().await?;
    let mut duties = match person {
        Some(person) => record.state.duties_of(&person_id(person)?, now),
        None => record.state.duties(now),
    };
    duties
        .sort_by(|one, other| (one.standing(now), one.due, &one.id).cmp(&(other.standing(now), other.due, &other.id)));
    let cells = |duty: &Duty| {
        let owners: Vec<String> = duty.owners.iter().map(ToString::to_string).collect();
        let due = if duty.due == jiff::Timestamp::MAX { String::new() } else { duty.due.to_string() };
        vec![
            duty.standing(now).word().to_owned(),
            due,
            duty.kind.word().to_owned(),
            owners.join(" "),
            duty.title.clone(),
            duty.id.clone(),
        ]
    };
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["STATE", "DUE", "WHAT", "WHO", "OF", "DUTY"]);
            for duty in &duties {
                let style = match duty.standing(now) {
                    Standing::Missed => AnsiColor::Red.on_default(),
                    _ => Style::new(),
                };
                table.row(style, cells(duty).iter().map(|cell| printable(cell).into_owned()).collect());
            }
            table.write(&mut out)?;
        }
        ListFormat::Csv => {
            sheet::csv(&mut out, &["state", "due_at", "kind", "people", "title", "id"], duties.iter().map(cells))?
        }
        ListFormat::Json => {
            let one = |duty: &Duty| {
                json!({ "id": duty.id, "kind": duty.kind.word(), "subject": duty.subject, "title": duty.title, "people": duty.owners,
                    "state": duty.standing(now).word(), "due_at": Some(duty.due).filter(|due| *due != jiff::Timestamp::MAX), "done_at": duty.done_at, "excused": duty.excused })
            };
            out.extend_from_slice(sheet::json(&duties.iter().map(one).collect::<Vec<_>>())?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    let has_missed = duties.iter().any(|duty| duty.standing(now) == Standing::Missed);
    Ok(if has_missed { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}
