//! Review: whether an entry of the ledger is one that the rules allow, held against what stood before it.

use crate::error::Refusal;
use crate::event::Event;
use crate::id::PersonId;
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
        Event::InventoryTaken { asset, .. } | Event::AssetScanned { asset, .. } => {
            state.active_asset(&asset)?;
            return state.may_report(by, &asset);
        }
        Event::ScanMissed { .. } if by.as_str() == SYSTEM => return Ok(()),
        Event::ScanMissed { .. } => return state.may(by, Role::OPERATES),
        Event::AdvisoriesJudged { .. } | Event::FeedUpdated { .. } => return state.may_judge(by),
        Event::AssetRegistered { asset, attributes } => Command::RegisterAsset(asset, attributes),
        Event::AssetChanged { asset, attributes } => Command::ChangeAsset(asset, attributes),
        Event::AssetRetired { asset, reason } => Command::RetireAsset(asset, reason),
        Event::RolesGiven { person, roles } => Command::SetRoles(person, roles),
        Event::PersonErased { person } => Command::ErasePerson(person),
        Event::TokenIssued { token, holder, digest, until } => Command::IssueToken { token, holder, digest, until },
        Event::TokenRevoked { token } => Command::RevokeToken(token),
        Event::PolicyAdopted { name, document } => Command::AdoptPolicy { name, document },
        Event::DecisionRequested { decision, kind, reach, reason, until, renews } => {
            Command::RequestDecision { decision, kind, reach, reason, until, renews }
        }
        Event::DecisionApproved { decision } => Command::AnswerDecision(decision, true),
        // One that was asked for is turned down, or taken back.
        Event::DecisionDeclined { decision } => Command::AnswerDecision(decision, false),
        Event::DecisionRevoked { decision } => Command::RevokeDecision(decision),
    };
    decide(state, &command, by, at).map(|_| ())
}
