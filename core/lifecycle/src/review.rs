//! Review: whether an entry of the ledger is one that the rules allow, held against what stood before it.

use crate::error::Refusal;
use crate::event::Event;
use crate::id::PersonId;
use crate::inventory::Pushed;
use crate::person::{Role, SYSTEM};
use crate::state::{Command, State, decide};
use jiff::Timestamp;

/// Says no to an event that the rules would not have let happen: told by somebody without the role, approved by who asked for it,
/// about what was not there. Whoever only takes events in believes whoever wrote them.
///
/// # Errors
/// The refusal that should have been.
pub fn review(state: &State, event: &Event, by: &PersonId, at: Timestamp) -> Result<(), Refusal> {
    let command = match event.clone() {
        // Which digest was looked at the ledger does not say again.
        Event::AssetScanned { asset, at: looked } => {
            state.may_report(by, &asset)?;
            let known = state.active_asset(&asset)?;
            let is_next = known.inventory.is_some() && known.scanned_at.is_none_or(|last| last <= looked || last > at);
            return if is_next && looked <= at { Ok(()) } else { Err(Refusal::Unlike) };
        }
        Event::ScanMissed { asset, due } => {
            if by.as_str() != SYSTEM {
                state.may(by, Role::OPERATES)?;
            }
            let known = state.active_asset(&asset)?;
            let is_due = due < at && state.scan_owed(known, at) == Some(due);
            return if is_due { Ok(()) } else { Err(Refusal::Unlike) };
        }
        Event::InventoryTaken { asset, digest, document, at, packages, unread, .. } => {
            Command::PushInventory(Pushed { asset, digest, document, taken_at: at, packages, unread })
        }
        Event::AdvisoriesJudged { index, document, packages, vulnerabilities } => {
            Command::JudgeAdvisories { index, document, packages, vulnerabilities }
        }
        Event::FeedUpdated { feed, digest, records, newest } => Command::UpdateFeed { feed, digest, records, newest },
        Event::AssetRegistered { asset, attributes } => Command::RegisterAsset(asset, attributes),
        Event::AssetChanged { asset, attributes } => Command::ChangeAsset(asset, attributes),
        Event::AssetRetired { asset, reason } => Command::RetireAsset(asset, reason),
        Event::RolesGiven { person, roles, teams } => Command::SetRoles(person, roles, teams),
        Event::CredentialChanged { person, credential, is_there } => {
            Command::ChangeCredential(person, credential, is_there)
        }
        Event::PersonErased { person } => Command::ErasePerson(person),
        Event::TokenIssued { token, holder, digest, until, scopes } => {
            Command::IssueToken { token, holder, digest, until, scopes }
        }
        Event::AgentEnrolled { token, key, .. } => Command::EnrolAgent(token, key),
        Event::AgentRevoked { asset, reason } => Command::RevokeAgent(asset, reason),
        Event::TokenRevoked { token } => Command::RevokeToken(token),
        Event::PolicyAdopted { name, document, rule } => Command::AdoptPolicy { name, document, rule },
        Event::DecisionRequested { decision, kind, reach, reason, until, renews } => {
            Command::RequestDecision { decision, kind, reach, reason, until, renews }
        }
        Event::DecisionApproved { decision, .. } => Command::AnswerDecision(decision, true),
        // One that was asked for is turned down, or taken back.
        Event::DecisionDeclined { decision } => Command::AnswerDecision(decision, false),
        Event::DecisionRevoked { decision } => Command::RevokeDecision(decision),
    };
    match decide(state, &command, by, at)?.contains(event) {
        true => Ok(()),
        false => Err(Refusal::Unlike),
    }
}
