//! Campaigns: that people read one text of a document, and say so.

use crate::event::Event;
use crate::token::check_end;
use crate::{Refusal, State};
use jiff::Timestamp;
use rules::{CampaignId, DocumentId, GroupId, PersonId, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most days that a campaign may go on.
const MOST_DAYS: i32 = 366;

/// A campaign as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Which document.
    pub document: DocumentId,
    /// The digest of the text that is to be read.
    pub text: String,
    /// By the people of these groups; by everybody where none is named.
    pub groups: BTreeSet<GroupId>,
    /// Since when.
    pub since: Timestamp,
    /// By when.
    pub due: Timestamp,
    /// When it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
}

/// Opens a campaign for the text of a document that is in force.
pub(crate) fn open(
    state: &State,
    (id, document, groups, due): (&CampaignId, &DocumentId, &BTreeSet<GroupId>, Timestamp),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::SecurityLead])?;
    if id.as_str() == rules::POLICY {
        return Err(Refusal::Reserved { id: id.to_string() });
    }
    if state.campaigns.contains_key(id) {
        return Err(Refusal::Exists { what: "campaign", id: id.to_string() });
    }
    let known = state.active_document(document)?;
    let Some(text) = known.in_force(now) else {
        return Err(Refusal::State { found: "without a text in force", wanted: "in force" });
    };
    for group in groups {
        state.active_group(group)?;
    }
    check_end(due, now, MOST_DAYS)?;
    let (campaign, document, text) = (id.clone(), document.clone(), text.text.clone());
    Ok(vec![Event::CampaignOpened { campaign, document, text, groups: groups.clone(), due }])
}

/// Ends a campaign: who has not read it by then owes it no longer.
pub(crate) fn close(state: &State, id: &CampaignId, by: &PersonId) -> Result<Vec<Event>, Refusal> {
    state.may(by, &[Role::SecurityLead])?;
    match state.campaigns.get(id) {
        None => Err(Refusal::Unknown { what: "campaign", id: id.to_string() }),
        Some(known) if known.closed_at.is_some() => Ok(Vec::new()),
        Some(_) => Ok(vec![Event::CampaignClosed { campaign: id.clone() }]),
    }
}

/// Somebody says that they have read a text: themselves, and one that is in force or was.
pub(crate) fn acknowledge(
    state: &State,
    (document, text): (&DocumentId, &str),
    (by, now): (&PersonId, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    state.active_person(by)?;
    let known = state.active_document(document)?;
    let is_in_force = known.in_force(now).is_some_and(|in_force| in_force.text == text);
    let mut campaigns = state.campaigns.values().filter(|campaign| campaign.closed_at.is_none());
    if !is_in_force && !campaigns.any(|campaign| campaign.document == *document && campaign.text == text) {
        return Err(Refusal::State { found: "another text than is in force", wanted: "the text in force" });
    }
    Ok(vec![Event::Acknowledged { person: by.clone(), document: document.clone(), text: text.to_owned() }])
}

impl State {
    pub(crate) fn active_group(&self, group: &GroupId) -> Result<(), Refusal> {
        let is_there = self.groups.get(group).is_some_and(|known| !known.is_gone);
        if is_there { Ok(()) } else { Err(Refusal::Unknown { what: "group", id: group.to_string() }) }
    }
}
