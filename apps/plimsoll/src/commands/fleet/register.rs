//! Registering assets and people, and putting a policy in force.

mod file;

use super::{asset_id, exposure};
use crate::arguments::{AttributeArguments, FleetCommand, RoleArgument};
use crate::exit::{self, Usage};
use crate::progress::say;
use crate::record::Opened;
use anyhow::{Context, Result};
use lifecycle::{AssetId, Attributes, Command, PersonId, Role};
use std::path::Path;
use store::Plan;

/// Runs a command that changes what is said.
pub(super) async fn run(opened: &Opened, command: FleetCommand, is_quiet: bool) -> Result<u8> {
    let tell = |words: String| {
        if !is_quiet {
            say(&words);
        }
    };
    match command {
        FleetCommand::Register { file: Some(path), .. } => {
            let count = many(opened, &path).await?;
            tell(format!("{count} assets are registered as the file says."));
        }
        FleetCommand::Register { asset, attributes, .. } => {
            let asset = asset_id(&asset.unwrap_or_default())?;
            let command = Command::RegisterAsset(asset.clone(), changed(Attributes::default(), attributes));
            opened.organisation.act(&opened.person, opened.now, command).await?;
            tell(format!("`{asset}` is registered."));
        }
        FleetCommand::Set { asset, attributes } => set(opened, asset_id(&asset)?, attributes).await?,
        FleetCommand::Retire { asset, reason } => {
            let command = Command::RetireAsset(asset_id(&asset)?, reason);
            opened.organisation.act(&opened.person, opened.now, command).await?;
        }
        FleetCommand::Policy { policy } => {
            let (name, text) = policy_text(&policy)?;
            let done = opened.organisation.adopt(&opened.person, (&name, &text), opened.now).await?;
            let words = if done.events.is_empty() { "was in force already" } else { "is in force from now on" };
            tell(format!("The policy \"{name}\" {words}."));
        }
        FleetCommand::Person { person, role } => {
            let person = PersonId::new(person).map_err(|refusal| Usage(refusal.to_string()))?;
            let command = Command::SetRoles(person, role.into_iter().map(role_of).collect());
            opened.organisation.act(&opened.person, opened.now, command).await?;
        }
        _ => {}
    }
    Ok(exit::WITHIN_POLICY)
}

fn role_of(argument: RoleArgument) -> Role {
    match argument {
        RoleArgument::Auditor => Role::Auditor,
        RoleArgument::Developer => Role::Developer,
        RoleArgument::Operator => Role::Operator,
        RoleArgument::SecurityLead => Role::SecurityLead,
        RoleArgument::Executive => Role::Executive,
        RoleArgument::Administrator => Role::Administrator,
    }
}

/// A policy's name and text; it must be one that can be used.
fn policy_text(given: &str) -> Result<(String, String)> {
    let policy = crate::commands::scan::policy(given)?;
    let preset = ::policy::PRESETS.iter().find(|preset| preset.id == given);
    let text = match preset {
        Some(preset) => preset.text.to_owned(),
        None => crate::files::read_text(Path::new(given)).with_context(|| format!("failed to read `{given}`"))?,
    };
    Ok((policy.name, text))
}

async fn set(opened: &Opened, asset: AssetId, arguments: AttributeArguments) -> Result<()> {
    let plan = move |record: &store::Record| {
        let known = record.state.assets.get(&asset).map(|known| known.attributes.clone()).unwrap_or_default();
        let command = Command::ChangeAsset(asset, changed(known, arguments));
        Ok(Plan { commands: vec![command], ..Plan::default() })
    };
    opened.organisation.store.commit(&opened.person, opened.now, plan).await?;
    Ok(())
}

/// All assets of a file, in one go: all of them or none.
async fn many(opened: &Opened, path: &Path) -> Result<usize> {
    let assets = file::read(path)?;
    let count = assets.len();
    let plan = move |record: &store::Record| {
        let command = |(asset, attributes): (AssetId, Attributes)| {
            let is_there = record.state.assets.get(&asset).is_some_and(lifecycle::Asset::is_active);
            if is_there { Command::ChangeAsset(asset, attributes) } else { Command::RegisterAsset(asset, attributes) }
        };
        Ok(Plan { commands: assets.into_iter().map(command).collect(), ..Plan::default() })
    };
    opened.organisation.store.commit(&opened.person, opened.now, plan).await?;
    Ok(count)
}

/// What is said about an asset, changed by what the arguments name.
pub(super) fn changed(known: Attributes, arguments: AttributeArguments) -> Attributes {
    let classes = match arguments.data_classes.as_slice() {
        [] => known.data_classes,
        [one] if one.eq_ignore_ascii_case("none") => Some(Vec::new()),
        all => Some(all.to_vec()),
    };
    Attributes {
        name: arguments.name.or(known.name),
        exposure: arguments.exposure.map(exposure).or(known.exposure),
        environment: arguments.environment.or(known.environment),
        criticality: arguments.criticality.or(known.criticality),
        data_classes: classes,
        impact: arguments.impact.or(known.impact),
        owner: arguments.owner.or(known.owner),
        tags: if arguments.tags.is_empty() { known.tags } else { arguments.tags },
    }
}
