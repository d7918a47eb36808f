//! Commands: what somebody wants done, and the one list of who decides on each.

use crate::asset::Attributes;
use crate::attestation::{Attestation, VendorNotice};
use crate::decision::{Assessment, DecisionKind, Reach};
use crate::document::Described;
use crate::error::Refusal;
use crate::event::Event;
use crate::group::Source;
use crate::inventory::Pushed;
use crate::person::Credential;
use crate::state::State;
use crate::token::{Holder, TokenScope};
use crate::training::Completion;
use crate::version::{Draft, Verdict};
use crate::{
    agent, asset, attestation, campaign, change, decision, document, duty, excuse, feed, group, inventory, person,
    policy, scan, telling, token, training, version, violation,
};
use ::change::Happening;
use jiff::{Timestamp, civil::Date};
use obligations::Breach;
use rules::{
    AssetId, CampaignId, ChangeId, DecisionId, DocumentId, FeedId, GroupId, PersonId, PolicyRule, Role, TokenId,
    VersionId,
};
use std::collections::BTreeSet;

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Register an asset.
    RegisterAsset(AssetId, Attributes),
    /// Say something else about an asset.
    ChangeAsset(AssetId, Attributes),
    /// Take an asset out of service, with the reason.
    RetireAsset(AssetId, String),
    /// Take an inventory in.
    PushInventory(Pushed),
    /// Tell the scans that were missed.
    TellMissedScans,
    /// Give somebody these roles and teams, and no others.
    SetRoles(PersonId, BTreeSet<Role>, BTreeSet<String>),
    /// Say that somebody signs in otherwise: by what, and whether that is there now.
    ChangeCredential(PersonId, Credential, bool),
    /// Erase what is known of somebody.
    ErasePerson(PersonId),
    /// Give out a token with this digest of its secret.
    IssueToken {
        /// Its id.
        token: TokenId,
        /// Whose it is to be.
        holder: Holder,
        /// The digest of its secret.
        digest: String,
        /// Until when.
        until: Timestamp,
        /// For what.
        scopes: BTreeSet<TokenScope>,
    },
    /// Take a token back.
    RevokeToken(TokenId),
    /// Enrol the agent that holds a token, with the digest of its public key.
    EnrolAgent(TokenId, String),
    /// Trust an asset's agent no longer, with the reason.
    RevokeAgent(AssetId, String),
    /// Put a state of a feed in force.
    UpdateFeed {
        /// Which.
        feed: FeedId,
        /// The digest of its documents.
        digest: String,
        /// How many records it has.
        records: u64,
        /// The newest instant inside it.
        newest: Option<Timestamp>,
    },
    /// Say what changed in what the advisories say of the packages.
    JudgeAdvisories {
        /// The digest of the compiled index.
        index: String,
        /// The digest of the document that tells it.
        document: String,
        /// Of how many packages something else is said.
        packages: u64,
        /// Of how many vulnerabilities something else is known.
        vulnerabilities: u64,
    },
    /// Put a policy in force.
    AdoptPolicy {
        /// Its name.
        name: String,
        /// The digest of its text.
        document: String,
        /// What it asks of looking at assets.
        rule: PolicyRule,
    },
    /// Put a published version of the policy in force, whose day has come.
    PutInForce {
        /// Which version.
        version: VersionId,
        /// The policy's name.
        name: String,
        /// What it asks.
        rule: PolicyRule,
    },
    /// Register a document, or say something else of one.
    DescribeDocument(DocumentId, Described),
    /// Take a document out of the register, with the reason.
    RetireDocument(DocumentId, String),
    /// Say that a document was looked at and holds, with what was found.
    ReviewDocument(DocumentId, String),
    /// Ask that a document is looked at at once, with the reason.
    CallReview(DocumentId, String),
    /// Draft a version of a document, or revise one.
    DraftVersion(VersionId, Draft),
    /// Hand a draft in for review, with whose input is waited for and until when.
    SubmitVersion(VersionId, BTreeSet<PersonId>, Option<Timestamp>),
    /// Say something of a version.
    NoteVersion {
        /// Which.
        version: VersionId,
        /// What.
        verdict: Verdict,
        /// In words.
        words: String,
        /// The digest of what was read.
        terms: String,
    },
    /// Take a version back.
    WithdrawVersion(VersionId),
    /// Publish a version.
    PublishVersion(VersionId),
    /// Say who is in a group, and nobody else: its title, whose word it is, its members.
    SetGroup(GroupId, String, Source, BTreeSet<PersonId>),
    /// Do away with a group.
    RemoveGroup(GroupId),
    /// Have people read a document: those of these groups, or everybody, by an instant.
    OpenCampaign(CampaignId, DocumentId, BTreeSet<GroupId>, Timestamp),
    /// End a campaign.
    CloseCampaign(CampaignId),
    /// Say that one has read a text of a document, by its digest.
    Acknowledge(DocumentId, String),
    /// Say that somebody has done a course.
    CompleteTraining(Completion),
    /// Tell what people have missed.
    TellMissedDuties,
    /// Excuse somebody from a duty until an instant, with the reason.
    ExcuseDuty(String, Timestamp, String),
    /// Note what the vendor of an asset says.
    AttestAsset(AssetId, Attestation),
    /// Note what the vendor of an asset tells of a vulnerability of its own.
    NoteVendorNotice(AssetId, VendorNotice),
    /// Tell what was broken on days that are over, the first and the last; with the deadlines that were missed on them.
    TellViolations(Date, Date, Vec<Breach>),
    /// Say what was done about a violation, or excuse it (`true`).
    AnswerViolation(String, String, bool),
    /// Say that an exception was looked at and still holds, with what was found.
    ReviewDecision(DecisionId, String),
    /// Ask for a decision on findings.
    RequestDecision {
        /// Its id.
        decision: DecisionId,
        /// What is to be decided.
        kind: DecisionKind,
        /// What it speaks of.
        reach: Reach,
        /// Why.
        reason: String,
        /// Until when.
        until: Timestamp,
        /// The decision that it renews.
        renews: Option<DecisionId>,
        /// What comes with it.
        assessment: Assessment,
    },
    /// Approve a decision (`true`) or turn it down.
    AnswerDecision(DecisionId, bool),
    /// Take a decision back.
    RevokeDecision(DecisionId),
    /// Have something happen to a change.
    Change(ChangeId, Happening),
}

/// Says what happens if this is done now by somebody, or why it may not be.
///
/// # Errors
/// The refusal, if the rules say no.
pub fn decide(state: &State, command: &Command, by: &PersonId, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::RegisterAsset(asset, attributes) => asset::register(state, asset, attributes, by),
        Command::ChangeAsset(asset, attributes) => asset::change(state, asset, attributes, by),
        Command::RetireAsset(asset, reason) => asset::retire(state, asset, reason, by),
        Command::PushInventory(pushed) => inventory::push(state, pushed, by, now),
        Command::TellMissedScans => scan::miss(state, (by, now)),
        Command::SetRoles(person, roles, teams) => person::set_roles(state, person, (roles, teams), by),
        Command::ChangeCredential(person, credential, is_there) => {
            person::change_credential(state, person, (*credential, *is_there), by)
        }
        Command::ErasePerson(person) => person::erase(state, person, by),
        Command::IssueToken { token, holder, digest, until, scopes } => {
            token::issue(state, (token, holder, digest), (*until, scopes), (by, now))
        }
        Command::EnrolAgent(token, key) => agent::enrol(state, (token, key), (by, now)),
        Command::RevokeAgent(asset, reason) => agent::revoke(state, asset, reason, by),
        Command::RevokeToken(token) => token::revoke(state, token, by),
        Command::UpdateFeed { feed, digest, records, newest } => {
            feed::update(state, feed, (digest, *records, *newest), by)
        }
        Command::JudgeAdvisories { index, document, packages, vulnerabilities } => {
            feed::judge(state, (index, document), (*packages, *vulnerabilities), by)
        }
        Command::AdoptPolicy { name, document, rule } => policy::adopt(state, (name, document, rule), by),
        Command::RequestDecision { decision, kind, reach, reason, until, renews, assessment } => {
            let terms = (reason.as_str(), *until, renews.as_ref());
            decision::request(state, (decision, *kind, reach, assessment), terms, (by, now))
        }
        Command::AnswerDecision(decision, is_approved) => decision::answer(state, decision, *is_approved, (by, now)),
        Command::RevokeDecision(decision) => decision::revoke(state, decision, by),
        Command::Change(id, what) => change::happen(state, (id, what), (by, now)),
        governing => decide_governing(state, governing, by, now),
    }
}

/// The same for documents, and for what people owe.
fn decide_governing(state: &State, command: &Command, by: &PersonId, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::PutInForce { version, name, rule } => policy::put_in_force(state, version, (name, rule), (by, now)),
        Command::DescribeDocument(document, described) => document::describe(state, document, described, by),
        Command::RetireDocument(document, reason) => document::retire(state, document, reason, by),
        Command::ReviewDocument(document, words) => document::review(state, document, words, (by, now)),
        Command::CallReview(document, reason) => document::call_review(state, document, reason, by),
        Command::DraftVersion(version, draft) => version::draft(state, (version, draft), (by, now)),
        Command::SubmitVersion(version, stakeholders, until) => {
            version::submit(state, (version, stakeholders, *until), (by, now))
        }
        Command::NoteVersion { version, verdict, words, terms } => {
            version::note(state, (version, *verdict, words, terms), (by, now))
        }
        Command::WithdrawVersion(version) => version::withdraw(state, version, (by, now)),
        Command::PublishVersion(version) => version::publish(state, version, (by, now)),
        Command::SetGroup(group, title, source, members) => group::set(state, (group, title, *source), members, by),
        Command::RemoveGroup(group) => group::remove(state, group, by),
        Command::OpenCampaign(campaign, document, groups, due) => {
            campaign::open(state, (campaign, document, groups, *due), (by, now))
        }
        Command::CloseCampaign(campaign) => campaign::close(state, campaign, by),
        Command::Acknowledge(document, text) => campaign::acknowledge(state, (document, text), (by, now)),
        Command::CompleteTraining(completion) => training::complete(state, completion, (by, now)),
        Command::TellMissedDuties => duty::miss(state, (by, now)),
        Command::ExcuseDuty(duty, until, reason) => excuse::excuse(state, (duty, *until, reason), (by, now)),
        Command::AttestAsset(asset, said) => attestation::attest(state, (asset, said), by),
        Command::NoteVendorNotice(asset, notice) => attestation::notice(state, (asset, notice), (by, now)),
        Command::TellViolations(first, last, deadlines) => telling::tell(state, (*first, *last, deadlines), (by, now)),
        Command::AnswerViolation(violation, words, is_excused) => {
            violation::answer(state, (violation, words, *is_excused), by)
        }
        Command::ReviewDecision(decision, words) => decision::review(state, (decision, words), (by, now)),
        // Every other command was decided before.
        _ => Ok(Vec::new()),
    }
}
