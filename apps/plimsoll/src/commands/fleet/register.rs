//! Registering assets and people, and putting a policy in force.

mod file;

use super::{asset_id, exposure};
use crate::arguments::{AttributeArguments, FleetCommand, ListFormat, RoleArgument};
use crate::exit::{self, Usage};
use crate::formats::count;
use crate::progress::say;
use crate::record::Opened;
use crate::sheet;
use crate::table::Table;
use anyhow::{Context, Result};
use lifecycle::{AssetId, Attributes, Command, Person, PersonId, Role};
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
        FleetCommand::Set { asset, attributes } => {
            let is_changed = set(opened, asset_id(&asset)?, attributes).await?;
            tell(format!("`{asset}`: {}.", if is_changed { "noted" } else { "that was said of it already" }));
        }
        FleetCommand::Retire { asset, reason } => {
            let command = Command::RetireAsset(asset_id(&asset)?, reason);
            opened.organisation.act(&opened.person, opened.now, command).await?;
            tell(format!("`{asset}` is out of service: nothing is owed on it any more."));
        }
        FleetCommand::Policy { policy: Some(policy) } => {
            let (name, text) = policy_text(&policy)?;
            let done = opened.organisation.adopt(&opened.person, (&name, &text), opened.now).await?;
            let words = if done.events.is_empty() { "was in force already" } else { "is in force from now on" };
            tell(format!("The policy \"{}\" {words}.", crate::printable::printable(&name)));
            tell_of_policy(opened, &text).await?;
        }
        FleetCommand::Person { person, role, team, .. } => {
            let person = PersonId::new(person).map_err(|refusal| Usage(refusal.to_string()))?;
            let command =
                Command::SetRoles(person, role.into_iter().map(role_of).collect(), team.into_iter().collect());
            opened.organisation.act(&opened.person, opened.now, command).await?;
            tell("The roles are given.".to_owned());
        }
        _ => {}
    }
    Ok(exit::WITHIN_POLICY)
}

fn role_of(argument: RoleArgument) -> Role {
    match argument {
        RoleArgument::Auditor => Role::Auditor,
        RoleArgument::Employee => Role::Employee,
        RoleArgument::Developer => Role::Developer,
        RoleArgument::Operator => Role::Operator,
        RoleArgument::SecurityLead => Role::SecurityLead,
        RoleArgument::Approver => Role::Approver,
        RoleArgument::Administrator => Role::Administrator,
    }
}

/// Says what comes with a policy: its warnings, and how many assets it does not cover.
async fn tell_of_policy(opened: &Opened, text: &str) -> Result<()> {
    let warnings = operations::check_policy(text, opened.now)?.problems.len();
    if warnings > 0 {
        let words = count(warnings, "warning");
        crate::progress::say(&format!("It has {words}: plimsoll policy check"));
    }
    let coverage =
        |view: &operations::View<'_>| view.findings.coverage(&view.record.facts, &fleet::AssetFilter::default());
    let coverage = opened.organisation.view(None, opened.now, coverage).await?;
    if coverage.uncovered > 0 {
        let (uncovered, all) = (coverage.uncovered, coverage.uncovered + coverage.assets);
        crate::progress::say(&format!("It does not cover {uncovered} of {all} assets (see `plimsoll fleet assets`)."));
    }
    Ok(())
}

/// A policy's name and text; it must be one that can be used.
fn policy_text(given: &str) -> Result<(String, String)> {
    let (text, path) = crate::commands::policy::text(given)?;
    let read = ::policy::Policy::parse(&text);
    let policy = read.with_context(|| format!("the policy `{}` cannot be used", path.display()))?;
    Ok((policy.name, text))
}

async fn set(opened: &Opened, asset: AssetId, arguments: AttributeArguments) -> Result<bool> {
    let plan = move |record: &store::Record| {
        let known = record.state.assets.get(&asset).map(|known| known.attributes.clone()).unwrap_or_default();
        let command = Command::ChangeAsset(asset, changed(known, arguments));
        Ok(Plan { commands: vec![command], ..Plan::default() })
    };
    Ok(!opened.organisation.store.commit(&opened.person, opened.now, plan).await?.events.is_empty())
}

/// Lists people and their roles.
pub(super) async fn people(opened: &Opened, format: ListFormat) -> Result<u8> {
    let record = opened.organisation.store.record().await?;
    let roles = |person: &Person| person.roles.iter().map(|role| role.word()).collect::<Vec<_>>();
    let cells = |(id, person): (&PersonId, &Person)| {
        let state = if person.is_erased { "gone" } else { "" };
        vec![id.to_string(), roles(person).join(" "), state.to_owned()]
    };
    let people = &record.state.people;
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["PERSON", "ROLES", ""]);
            people.iter().for_each(|one| table.row(anstyle::Style::new(), cells(one)));
            table.write(&mut out)?;
        }
        ListFormat::Csv => sheet::csv(&mut out, &["person", "roles", "state"], people.iter().map(cells))?,
        ListFormat::Json => {
            let one = |(id, person): (&PersonId, &Person)| serde_json::json!({ "person": id, "roles": roles(person), "is_erased": person.is_erased });
            out.extend_from_slice(sheet::json(&people.iter().map(one).collect::<Vec<_>>())?.as_bytes());
        }
    }
    opened.show(&out, format == ListFormat::Table)?;
    Ok(exit::WITHIN_POLICY)
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

/// Prints the text of the policy in force.
pub(super) async fn show_policy(opened: &Opened) -> Result<u8> {
    let record = opened.organisation.store.record().await?;
    let text = record.facts.policies_by(None).last().map(|(.., text)| (*text).to_owned());
    let text = text.ok_or(operations::Error::NoPolicy { at: None })?;
    opened.show(text.as_bytes(), false)?;
    Ok(exit::WITHIN_POLICY)
}
