//! Enrolment: tickets by which agents are let in.

use crate::error::Error;
use crate::organisation::Organisation;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{AssetId, Attributes, Command, Holder, PersonId};
use protocol::Ticket;
use std::collections::BTreeSet;

/// How long a ticket holds.
const HOURS: i64 = 1;

/// Makes a ticket with which an asset's agent enrols once, within an hour. `authority` is the digest of the certificate by which
/// the agent knows the server. An asset that is not there is registered where that is asked for.
///
/// # Errors
/// If the person may not, the asset is not there, or it cannot be kept.
pub async fn enrolment(
    organisation: &Organisation,
    (by, now): (&PersonId, Timestamp),
    (asset, is_new): (&AssetId, bool),
    authority: String,
) -> Result<Ticket, Error> {
    let mut random = [0_u8; 40];
    getrandom::fill(&mut random).map_err(|_| Error::Random)?;
    let ticket = Ticket::new(&random, Some(authority)).map_err(|_| Error::Random)?;
    let is_there = organisation.store.record().await?.state.assets.get(asset).is_some_and(lifecycle::Asset::is_active);
    if is_new && !is_there {
        organisation.act(by, now, Command::RegisterAsset(asset.clone(), Attributes::default())).await?;
    }
    let command = Command::IssueToken {
        token: ticket.token.clone(),
        holder: Holder::Asset(asset.clone()),
        digest: ticket.digest(),
        until: now + SignedDuration::from_hours(HOURS),
        scopes: BTreeSet::new(),
    };
    organisation.act(by, now, command).await?;
    Ok(ticket)
}
