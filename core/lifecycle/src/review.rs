//! Review: whether an entry of the ledger is one that the rules allow, held against what stood before it.

use crate::command::{Command, decide};
use crate::error::Refusal;
use crate::event::Event;
use crate::inventory::Pushed;
use crate::person::SYSTEM;
use crate::state::State;
use crate::telling;
use jiff::Timestamp;
use obligations::Standing;
use rules::{PersonId, Role};

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
        Event::DutyMissed { duty, due } => {
            if by.as_str() != SYSTEM {
                state.may(by, Role::OPERATES)?;
            }
            let is_owed =
                state.duty(&duty, at).is_some_and(|owed| owed.due == due && owed.standing(at) == Standing::Missed);
            let is_told = state.missed.get(&duty).is_some_and(|told| told.contains(&due));
            return if is_owed && !is_told { Ok(()) } else { Err(Refusal::Unlike) };
        }
        Event::ViolationOpened(opened) => return telling::check_opened(state, &opened, by, at),
        Event::ViolationsTold { from, until, violations, is_judged } => {
            return telling::check_told(state, (from, until, violations, is_judged), by, at);
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
        Event::PolicyAdopted { name, document, rule, change: None } => Command::AdoptPolicy { name, document, rule },
        Event::PolicyAdopted { name, rule, change: Some(change), .. } => {
            Command::PutInForce { version: change.version, name, rule }
        }
        Event::DecisionRequested { decision, kind, reach, reason, until, renews, assessment } => {
            Command::RequestDecision { decision, kind, reach, reason, until, renews, assessment }
        }
        Event::DecisionApproved { decision, .. } => Command::AnswerDecision(decision, true),
        // One that was asked for is turned down, or taken back.
        Event::DecisionDeclined { decision } => Command::AnswerDecision(decision, false),
        Event::DecisionRevoked { decision } => Command::RevokeDecision(decision),
        Event::Change { change, what } => Command::Change(change, what),
        governing => governing_command(state, governing),
    };
    match decide(state, &command, by, at)?.contains(event) {
        true => Ok(()),
        false => Err(Refusal::Unlike),
    }
}

/// The command of an event about documents, groups and what people owe.
fn governing_command(state: &State, event: Event) -> Command {
    match event {
        Event::DocumentDescribed { document, described } => Command::DescribeDocument(document, described),
        Event::DocumentRetired { document, reason } => Command::RetireDocument(document, reason),
        Event::DocumentReviewed { document, words } => Command::ReviewDocument(document, words),
        Event::ReviewCalled { document, reason } => Command::CallReview(document, reason),
        Event::Acknowledged { document, text, .. } => Command::Acknowledge(document, text),
        Event::VersionDrafted { version, draft } | Event::VersionRevised { version, draft } => {
            Command::DraftVersion(version, draft)
        }
        Event::VersionSubmitted { version, stakeholders, input_until } => {
            Command::SubmitVersion(version, stakeholders, input_until)
        }
        Event::VersionNoted { version, verdict, words, terms } => {
            Command::NoteVersion { version, verdict, words, terms }
        }
        Event::VersionWithdrawn { version } => Command::WithdrawVersion(version),
        Event::VersionPublished { version, .. } => Command::PublishVersion(version),
        Event::GroupChanged { group, title, source, joined, left } => {
            let known = state.groups.get(&group).into_iter().flat_map(|known| known.members.keys().cloned());
            let members = known.filter(|person| !left.contains(person)).chain(joined).collect();
            Command::SetGroup(group, title, source, members)
        }
        Event::GroupRemoved { group } => Command::RemoveGroup(group),
        Event::CampaignOpened { campaign, document, groups, due, .. } => {
            Command::OpenCampaign(campaign, document, groups, due)
        }
        Event::CampaignClosed { campaign } => Command::CloseCampaign(campaign),
        Event::TrainingCompleted(completion) => Command::CompleteTraining(completion),
        Event::DutyExcused { duty, until, reason } => Command::ExcuseDuty(duty, until, reason),
        Event::AssetAttested { asset, said } => Command::AttestAsset(asset, said),
        Event::VendorNotified { asset, notice } => Command::NoteVendorNotice(asset, notice),
        Event::ViolationAnswered { violation, words, is_excused } => {
            Command::AnswerViolation(violation, words, is_excused)
        }
        Event::DecisionReviewed { decision, words } => Command::ReviewDecision(decision, words),
        // INVARIANT: every other event was given its command before.
        _ => Command::TellMissedDuties,
    }
}
