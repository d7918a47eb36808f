//! `plimsoll fleet`.

mod decisions;
mod governing;
mod lists;
mod push;
mod register;
mod violations;
mod why;

use crate::arguments::{
    AssetFilterArguments, DecisionCommand, DutyCommand, ExposureArgument, FacetArgument, FilterArguments,
    FleetArguments, FleetCommand, VersionCommand, ViolationCommand,
};
use crate::exit::{self, Usage};
use crate::record::{self, block_on};
use anyhow::Result;
use fleet::{AssetFilter, Facet, Filter, State};
use jiff::Timestamp;
use lifecycle::{AssetId, Exposure};
use std::path::Path;

/// Runs a command on the fleet.
pub(super) fn run(arguments: FleetArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let FleetArguments { record, command } = arguments;
    block_on(async {
        match command {
            FleetCommand::Register { .. }
            | FleetCommand::Set { .. }
            | FleetCommand::Retire { .. }
            | FleetCommand::Policy { policy: Some(_) }
            | FleetCommand::Person { .. } => {
                let opened = record::open_or_found(data, &record, is_quiet).await?;
                register::run(&opened, command, is_quiet).await
            }
            FleetCommand::Push(arguments) => {
                let opened = record::open_or_found(data, &record, is_quiet).await?;
                push::push(&opened, &arguments, data, is_quiet).await
            }
            FleetCommand::Look { assets, reach } => {
                let opened = record::open_to_change(data, &record, is_quiet).await?;
                push::look(&opened, (&assets, &reach), data, is_quiet).await
            }
            FleetCommand::Judge => {
                let opened = record::open_to_change(data, &record, is_quiet).await?;
                push::judge(&opened, data, is_quiet).await
            }
            FleetCommand::Decision(command) => {
                let opened = match command {
                    DecisionCommand::List { .. } => record::open(data, &record, is_quiet).await?,
                    _ => record::open_to_change(data, &record, is_quiet).await?,
                };
                decisions::run(&opened, command, is_quiet).await
            }
            FleetCommand::Version(command) => {
                let opened = match command {
                    VersionCommand::List { .. } | VersionCommand::Show { .. } => {
                        record::open(data, &record, is_quiet).await?
                    }
                    _ => record::open_to_change(data, &record, is_quiet).await?,
                };
                governing::versions(&opened, command, is_quiet).await
            }
            FleetCommand::Duty(command) => {
                let opened = match command {
                    DutyCommand::List { .. } => record::open(data, &record, is_quiet).await?,
                    _ => record::open_to_change(data, &record, is_quiet).await?,
                };
                governing::duties(&opened, command, is_quiet).await
            }
            FleetCommand::Violation(command) => {
                let opened = match command {
                    ViolationCommand::List { .. } => record::open(data, &record, is_quiet).await?,
                    _ => record::open_to_change(data, &record, is_quiet).await?,
                };
                violations::run(&opened, command, is_quiet).await
            }
            FleetCommand::Attest { asset, vendor, statement, evidence } => {
                let opened = record::open_to_change(data, &record, is_quiet).await?;
                violations::attest(&opened, &asset, (vendor, statement, evidence.as_deref()), is_quiet).await
            }
            FleetCommand::VendorNotice { asset, vendor, vulnerability, known_since, statement, evidence } => {
                let opened = record::open_to_change(data, &record, is_quiet).await?;
                let about = (asset.as_str(), vulnerability, known_since.as_str());
                violations::vendor_notice(&opened, about, (vendor, statement, evidence.as_deref()), is_quiet).await
            }
            look => {
                let opened = record::open(data, &record, is_quiet).await?;
                shown(&opened, look, data).await
            }
        }
    })
}

/// Shows something of the fleet.
async fn shown(opened: &record::Opened, command: FleetCommand, data: &Path) -> Result<u8> {
    match command {
        FleetCommand::Why { id, asset, at, format } => why::run(opened, (&id, &asset), at.as_deref(), format).await,
        FleetCommand::Alerts { format } => violations::alerts(opened, format).await,
        FleetCommand::People { format } => register::people(opened, format).await,
        FleetCommand::Policy { .. } => register::show_policy(opened).await,
        list => lists::run(opened, list, data).await,
    }
}

/// An asset's id, as an argument.
pub(super) fn asset_id(text: &str) -> Result<AssetId> {
    AssetId::new(text).map_err(|refusal| Usage(refusal.to_string()).into())
}

/// A package as people name it, as the record knows it.
fn package(text: &str) -> Result<String> {
    operations::package_name(text).map_err(|what| Usage(what).into())
}

/// An instant, as an argument; none means now.
pub(super) fn instant(text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|text| super::scan::instant(Some(text))).transpose()
}

fn exposure(argument: ExposureArgument) -> Exposure {
    match argument {
        ExposureArgument::Exposed => Exposure::Exposed,
        ExposureArgument::Internal => Exposure::Internal,
    }
}

fn facet(argument: FacetArgument) -> Facet {
    match argument {
        FacetArgument::Owner => Facet::Owner,
        FacetArgument::Environment => Facet::Environment,
        FacetArgument::Criticality => Facet::Criticality,
        FacetArgument::Exposure => Facet::Exposure,
        FacetArgument::Platform => Facet::Platform,
        FacetArgument::Tag => Facet::Tag,
    }
}

pub(super) fn asset_filter(arguments: AssetFilterArguments) -> Result<AssetFilter> {
    Ok(AssetFilter {
        name: arguments.search,
        id: arguments.asset.as_deref().map(asset_id).transpose()?,
        environment: arguments.environment,
        owner: arguments.owner,
        owners: None,
        among: None,
        criticality: arguments.criticality,
        exposure: arguments.exposure.map(exposure),
        tag: arguments.tag,
        platform: arguments.platform,
        unknown: arguments.unknown.into_iter().map(facet).collect(),
    })
}

fn filter(arguments: FilterArguments) -> Result<Filter> {
    use crate::arguments::StateArgument;
    let state = |argument: &StateArgument| match argument {
        StateArgument::Open => State::Open,
        StateArgument::RestartPending => State::RestartPending,
        StateArgument::Undetermined => State::Undetermined,
        StateArgument::Suppressed => State::Suppressed,
    };
    Ok(Filter {
        states: arguments.state.iter().map(state).collect(),
        classes: arguments.class,
        vulnerability: arguments.vulnerability,
        exactly: None,
        package: arguments.package.as_deref().map(package).transpose()?,
        is_overdue: arguments.overdue.then_some(true),
        due_before: instant(arguments.due_before.as_deref())?,
        assets: asset_filter(arguments.assets)?,
    })
}

/// The exit code of what is owed.
fn code(overdue: u64, has_gaps: bool) -> u8 {
    match (overdue, has_gaps) {
        (1.., _) => exit::POLICY_NOT_MET,
        (0, true) => exit::NOT_ENOUGH_DATA,
        (0, false) => exit::WITHIN_POLICY,
    }
}
