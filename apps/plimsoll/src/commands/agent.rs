//! `plimsoll agent`.

use super::fleet::asset_id;
use crate::arguments::{AgentArguments, AgentCommand};
use crate::exit;
use crate::formats::day_and_time;
use crate::progress::say;
use crate::record::{self, block_on};
use crate::sheet;
use crate::table::Table;
use anstyle::Style;
use anyhow::Result;
use lifecycle::Command;
use serde_json::json;
use std::path::Path;

/// Runs a command on agents.
pub(super) fn run(arguments: AgentArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let AgentArguments { record, command } = arguments;
    block_on(async {
        match command {
            AgentCommand::Enrol { asset, register } => {
                let opened = record::open_or_found(data, &record, is_quiet).await?;
                let asset = asset_id(&asset)?;
                let authority = server::fingerprint(data, opened.now)?;
                let who = (&opened.person, opened.now);
                let ticket = operations::enrolment(&opened.organisation, who, (&asset, register), authority).await?;
                opened.show(format!("{}\n", ticket.reveal()).as_bytes(), false)?;
                if !is_quiet {
                    say(
                        "It holds once, for an hour. On that machine: plimsoll-agent enrol ADDRESS TICKET (`plimsoll serve` says at which address agents report)",
                    );
                }
            }
            AgentCommand::List { json } => list(&record::open(data, &record, is_quiet).await?, json).await?,
            AgentCommand::Revoke { asset, reason } => {
                let opened = record::open_to_change(data, &record, is_quiet).await?;
                let command = Command::RevokeAgent(asset_id(&asset)?, reason);
                opened.organisation.act(&opened.person, opened.now, command).await?;
                if !is_quiet {
                    say(&format!("The agent of `{asset}` is trusted no longer."));
                }
            }
        }
        Ok(exit::WITHIN_POLICY)
    })
}

async fn list(opened: &record::Opened, is_json: bool) -> Result<()> {
    let record = opened.organisation.store.record().await?;
    let agents: Vec<_> = record.state.agents().map(|(id, asset, agent)| (id, agent, asset.scanned_at)).collect();
    if is_json {
        let one = |(id, agent, scanned_at): &(&lifecycle::AssetId, &lifecycle::Agent, Option<jiff::Timestamp>)| json!({ "asset": id, "enrolled_at": agent.since, "scanned_at": scanned_at, "key": agent.key });
        return opened.show(sheet::json(&agents.iter().map(one).collect::<Vec<_>>())?.as_bytes(), false);
    }
    let mut table = Table::new(&["ASSET", "ENROLLED", "LOOKED AT"]);
    for (id, agent, scanned_at) in agents {
        let looked = scanned_at.map_or_else(|| "never".to_owned(), day_and_time);
        table.row(Style::new(), vec![id.to_string(), day_and_time(agent.since), looked]);
    }
    let mut out = Vec::new();
    table.write(&mut out)?;
    opened.show(&out, true)
}
