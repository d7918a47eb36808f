//! `plimsoll change`.

mod drive;
mod hand_out;
mod lists;
mod plan;
mod signing;

use crate::arguments::{AudienceArgument, ChangeArguments, ChangeCommand, ResultArgument};
use crate::exit::{self, Usage};
use crate::formats::count;
use crate::progress::say;
use crate::record::{self, Opened, block_on};
use anyhow::{Context, Result};
use change::{Audience, Came, Happening};
use lifecycle::{ChangeId, Command};
use std::io::Read;
use std::path::{Path, PathBuf};
use store::{Plan, digest};

/// The most bytes of a test's result.
const MOST_EVIDENCE_BYTES: usize = 8 << 20;

/// Runs a command on changes.
pub(super) fn run(arguments: ChangeArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let ChangeArguments { record, command } = arguments;
    match &command {
        ChangeCommand::Key { name, file } => return signing::key(name, file),
        ChangeCommand::Sign { change, plan, key } => return signing::sign(&change_id(change)?, plan, key),
        _ => {}
    }
    block_on(async {
        let is_look = matches!(
            command,
            ChangeCommand::List { .. }
                | ChangeCommand::Show { .. }
                | ChangeCommand::Document { .. }
                | ChangeCommand::Log { .. }
                | ChangeCommand::Propose { .. }
                | ChangeCommand::Calendar { .. }
        );
        let opened = match is_look {
            true => record::open(data, &record, is_quiet).await?,
            false => record::open_to_change(data, &record, is_quiet).await?,
        };
        match command {
            ChangeCommand::Propose { scope, format } => plan::propose(&opened, scope, format).await,
            ChangeCommand::Plan { .. } => plan::plan(&opened, command, is_quiet).await,
            ChangeCommand::List { format } => lists::list(&opened, format).await,
            ChangeCommand::Show { change, assets, format } => {
                lists::show(&opened, &change_id(&change)?, (assets, format)).await
            }
            ChangeCommand::Document { change } => lists::document(&opened, &change_id(&change)?).await,
            ChangeCommand::Log { change, asset } => {
                lists::log(&opened, &change_id(&change)?, &super::fleet::asset_id(&asset)?).await
            }
            ChangeCommand::Signed { change, note } => {
                signing::signed(&opened, &change_id(&change)?, &note).await?;
                followed(&opened, &change, is_quiet).await
            }
            ChangeCommand::Calendar { days, ics } => plan::calendar(&opened, days, ics).await,
            ChangeCommand::HandOut { change, most, webhook, format } => {
                hand_out::hand_out(&opened, &change_id(&change)?, (most, format), &webhook).await
            }
            ChangeCommand::Drive { change, take_up, reach } => {
                drive::drive(&opened, (&change, take_up), &reach, (data, is_quiet)).await
            }
            ChangeCommand::Test { change, test, result, words, evidence } => {
                let tested = (test, result == ResultArgument::Passed, words);
                test_result(&opened, &change_id(&change)?, tested, evidence.as_ref()).await?;
                followed(&opened, &change, is_quiet).await
            }
            ChangeCommand::Automatic => plan::automatic(&opened, is_quiet).await,
            ChangeCommand::Follow => {
                let told = opened.organisation.follow_changes(opened.now).await?;
                if !is_quiet {
                    say(&format!("{} followed.", count(told, "step")));
                }
                Ok(exit::WITHIN_POLICY)
            }
            command => {
                let (change, what) = happening(&opened, command).await?;
                let id = change_id(&change)?;
                opened.organisation.act(&opened.person, opened.now, Command::Change(id, what)).await?;
                followed(&opened, &change, is_quiet).await
            }
        }
    })
}

/// What a command has happen to which change.
async fn happening(opened: &Opened, command: ChangeCommand) -> Result<(String, Happening)> {
    Ok(match command {
        ChangeCommand::Notice { change, audience, words } => {
            let audience = match audience {
                AudienceArgument::Customers => Audience::Customers,
                AudienceArgument::Business => Audience::Business,
            };
            (change, Happening::Noticed { audience, words })
        }
        ChangeCommand::Approve { change } => {
            let id = change_id(&change)?;
            let record = opened.organisation.store.record().await?;
            let plan = record.state.changes.get(&id).map(|known| known.planned.plan.clone());
            (change, Happening::Approved { plan: plan.ok_or_else(|| unknown(&id))? })
        }
        ChangeCommand::Decline { change, why: reason } => (change, Happening::Declined { reason }),
        ChangeCommand::Start { change } => (change, Happening::Started {}),
        ChangeCommand::Pause { change, why: reason } => (change, Happening::Paused { reason }),
        ChangeCommand::Resume { change, why: reason } => (change, Happening::Resumed { reason }),
        ChangeCommand::Abort { change, why: reason } => (change, Happening::Aborted { reason }),
        ChangeCommand::Rollback { change, why: reason } => (change, Happening::TakenBack { reason }),
        ChangeCommand::Settle { change, owed, words } => (change, Happening::Settled { owed, words }),
        ChangeCommand::LeaveOut { change, asset, why } => (change, asset_came(&asset, Came::LeftOut, why)?),
        ChangeCommand::Failed { change, asset, broken, why } => {
            let came = if broken { Came::Broken } else { Came::Failed };
            (change, asset_came(&asset, came, why)?)
        }
        // INVARIANT: every other command was carried out before.
        _ => return Err(Usage("nothing to do".to_owned()).into()),
    })
}

fn asset_came(asset: &str, came: Came, words: String) -> Result<Happening> {
    Ok(Happening::Asset { asset: super::fleet::asset_id(asset)?, came, words, log: None })
}

async fn test_result(
    opened: &Opened,
    id: &ChangeId,
    (test, has_passed, words): (String, bool, String),
    evidence: Option<&PathBuf>,
) -> Result<()> {
    let read = |path: &PathBuf| {
        let read = || {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?.take(MOST_EVIDENCE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        };
        read().with_context(|| format!("failed to read `{}`", path.display()))
    };
    let evidence = evidence.map(read).transpose()?;
    if evidence.as_ref().is_some_and(|bytes| bytes.len() > MOST_EVIDENCE_BYTES) {
        return Err(Usage(format!("a test's result has {} MiB at the most", MOST_EVIDENCE_BYTES >> 20)).into());
    }
    let what = Happening::Tested { test, has_passed, words, evidence: evidence.as_deref().map(digest) };
    let plan = Plan {
        commands: vec![Command::Change(id.clone(), what)],
        documents: evidence.into_iter().collect(),
        ..Plan::default()
    };
    opened.organisation.store.commit(&opened.person, opened.now, move |_| Ok(plan)).await?;
    Ok(())
}

/// Says what follows from a step, and how the change stands then.
async fn followed(opened: &Opened, change: &str, is_quiet: bool) -> Result<u8> {
    opened.organisation.follow_changes(opened.now).await?;
    if !is_quiet {
        let record = opened.organisation.store.record().await?;
        let id = change_id(change)?;
        if let Some(known) = record.state.changes.get(&id) {
            say(&format!("Change `{change}` is {}.", operations::change_standing(&record, &id, known, opened.now)));
        }
    }
    Ok(exit::WITHIN_POLICY)
}

fn change_id(text: &str) -> Result<ChangeId> {
    ChangeId::new(text).map_err(|no_id| Usage(no_id.to_string()).into())
}

fn unknown(id: &ChangeId) -> Usage {
    Usage(format!("there is no change `{id}`"))
}
