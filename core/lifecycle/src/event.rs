//! Events: what the ledger says has happened, one kind a row of [`Event`].

use crate::asset::Attributes;
use crate::attestation::{Attestation, VendorNotice};
use crate::decision::{Assessment, DecisionKind, Reach};
use crate::document::Described;
use crate::group::Source;
use crate::person::Credential;
use crate::token::{Holder, TokenScope};
use crate::training::Completion;
use crate::version::{Draft, Transition, Verdict};
use crate::violation::Opened;
use ::change::Happening;
use jiff::{Timestamp, civil::Date};
use rules::{
    AssetId, CampaignId, ChangeId, DecisionId, DocumentId, FeedId, GroupId, PersonId, PolicyRule, Role, TokenId,
    VersionId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a policy came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Adoption {
    /// The version that was published.
    pub version: VersionId,
    /// What holds for findings that were open then.
    pub transition: Transition,
}

/// Something that has happened.
#[expect(clippy::large_enum_variant, reason = "events are few at a time, and none is kept")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", deny_unknown_fields)]
pub enum Event {
    /// An asset is there.
    #[serde(rename = "asset/registered")]
    AssetRegistered {
        /// Which.
        asset: AssetId,
        /// What is said about it.
        attributes: Attributes,
    },
    /// Something else is said about an asset.
    #[serde(rename = "asset/changed")]
    AssetChanged {
        /// Which.
        asset: AssetId,
        /// What is said about it now.
        attributes: Attributes,
    },
    /// An asset is gone.
    #[serde(rename = "asset/retired")]
    AssetRetired {
        /// Which.
        asset: AssetId,
        /// Why.
        reason: String,
    },
    /// An asset was looked at, and something had changed.
    #[serde(rename = "inventory/taken")]
    InventoryTaken {
        /// Which.
        asset: AssetId,
        /// The digest of what was found.
        digest: String,
        /// The digest of the document that tells what changed.
        document: String,
        /// When it was looked at.
        at: Timestamp,
        /// How many packages there are.
        packages: u64,
        /// How many files or entries could not be read.
        unread: u64,
        /// Whether a newer one was there already: then this one is history only.
        is_late: bool,
    },
    /// An asset was looked at, and nothing had changed.
    #[serde(rename = "asset/scanned")]
    AssetScanned {
        /// Which.
        asset: AssetId,
        /// When.
        at: Timestamp,
    },
    /// An asset was not looked at in time.
    #[serde(rename = "scan/missed")]
    ScanMissed {
        /// Which.
        asset: AssetId,
        /// By when it should have been.
        due: Timestamp,
    },
    /// Somebody has these roles, and no others.
    #[serde(rename = "person/roles-given")]
    RolesGiven {
        /// Who.
        person: PersonId,
        /// Which.
        roles: BTreeSet<Role>,
        /// The teams whose assets are theirs.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        teams: BTreeSet<String>,
    },
    /// Somebody signs in otherwise than before.
    #[serde(rename = "person/credential-changed")]
    CredentialChanged {
        /// Who.
        person: PersonId,
        /// By what.
        credential: Credential,
        /// Whether that is there now, or is no longer.
        is_there: bool,
    },
    /// What was known of somebody beside the id is erased.
    #[serde(rename = "person/erased")]
    PersonErased {
        /// Who.
        person: PersonId,
    },
    /// A token was given out.
    #[serde(rename = "token/issued")]
    TokenIssued {
        /// Which.
        token: TokenId,
        /// Whose it is.
        holder: Holder,
        /// The digest of its secret.
        digest: String,
        /// Until when it may be used.
        until: Timestamp,
        /// What it may be used for.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        scopes: BTreeSet<TokenScope>,
    },
    /// A token was taken back.
    #[serde(rename = "token/revoked")]
    TokenRevoked {
        /// Which.
        token: TokenId,
    },
    /// An asset's agent was enrolled, with a token that is used up by it; the one before it, if any, is out.
    #[serde(rename = "agent/enrolled")]
    AgentEnrolled {
        /// Whose agent.
        asset: AssetId,
        /// The token.
        token: TokenId,
        /// The digest of its public key.
        key: String,
    },
    /// An asset's agent is trusted no longer.
    #[serde(rename = "agent/revoked")]
    AgentRevoked {
        /// Whose agent.
        asset: AssetId,
        /// Why.
        reason: String,
    },
    /// Another state of a feed is in force.
    #[serde(rename = "feed/updated")]
    FeedUpdated {
        /// Which.
        feed: FeedId,
        /// The digest of its documents.
        digest: String,
        /// How many records it has.
        records: u64,
        /// The newest instant inside it.
        newest: Option<Timestamp>,
    },
    /// Packages were held against the advisories: what changed in what is said of them.
    #[serde(rename = "advisories/judged")]
    AdvisoriesJudged {
        /// The digest of the compiled index.
        index: String,
        /// The digest of the document that tells what changed.
        document: String,
        /// Of how many packages something else is said now.
        packages: u64,
        /// Of how many vulnerabilities something else is known now.
        vulnerabilities: u64,
    },
    /// A policy is in force.
    #[serde(rename = "policy/adopted")]
    PolicyAdopted {
        /// Its name.
        name: String,
        /// The digest of its text.
        document: String,
        /// What it asks of looking at assets; left out where it asks for what holds for all.
        #[serde(default, skip_serializing_if = "PolicyRule::is_default")]
        rule: PolicyRule,
        /// The version that it came with; none where one person put it in force.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<Adoption>,
    },
    /// A document is in the register, or something else is said of it.
    #[serde(rename = "document/described")]
    DocumentDescribed {
        /// Which.
        document: DocumentId,
        /// What is said of it.
        described: Described,
    },
    /// A document is out of the register.
    #[serde(rename = "document/retired")]
    DocumentRetired {
        /// Which.
        document: DocumentId,
        /// Why.
        reason: String,
    },
    /// A document was looked at, and holds.
    #[serde(rename = "document/reviewed")]
    DocumentReviewed {
        /// Which.
        document: DocumentId,
        /// What was found.
        words: String,
    },
    /// Something asks that a document is looked at at once.
    #[serde(rename = "document/review-called")]
    ReviewCalled {
        /// Which.
        document: DocumentId,
        /// What.
        reason: String,
    },
    /// Somebody has read a text of a document.
    #[serde(rename = "document/acknowledged")]
    Acknowledged {
        /// Who.
        person: PersonId,
        /// Which.
        document: DocumentId,
        /// The digest of the text.
        text: String,
    },
    /// A version of a document was drafted.
    #[serde(rename = "version/drafted")]
    VersionDrafted {
        /// Which.
        version: VersionId,
        /// What it is.
        draft: Draft,
    },
    /// A version was written otherwise: what was said of it before holds no longer.
    #[serde(rename = "version/revised")]
    VersionRevised {
        /// Which.
        version: VersionId,
        /// What it is now.
        draft: Draft,
    },
    /// A version was handed in for review.
    #[serde(rename = "version/submitted")]
    VersionSubmitted {
        /// Which.
        version: VersionId,
        /// Who is asked for input.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        stakeholders: BTreeSet<PersonId>,
        /// Until when it is waited for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input_until: Option<Timestamp>,
    },
    /// Somebody said something of a version.
    #[serde(rename = "version/noted")]
    VersionNoted {
        /// Which.
        version: VersionId,
        /// What.
        verdict: Verdict,
        /// In words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        words: String,
        /// The digest of what they have read.
        terms: String,
    },
    /// A version was taken back.
    #[serde(rename = "version/withdrawn")]
    VersionWithdrawn {
        /// Which.
        version: VersionId,
    },
    /// A version was published.
    #[serde(rename = "version/published")]
    VersionPublished {
        /// Which.
        version: VersionId,
        /// The digest of what was approved.
        terms: String,
        /// From when on it holds.
        effective_at: Timestamp,
    },
    /// Other people are in a group.
    #[serde(rename = "group/changed")]
    GroupChanged {
        /// Which.
        group: GroupId,
        /// Its name for people.
        title: String,
        /// Whose word it is.
        source: Source,
        /// Who has joined.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        joined: BTreeSet<PersonId>,
        /// Who has left.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        left: BTreeSet<PersonId>,
    },
    /// A group is gone.
    #[serde(rename = "group/removed")]
    GroupRemoved {
        /// Which.
        group: GroupId,
    },
    /// People are to read a document.
    #[serde(rename = "campaign/opened")]
    CampaignOpened {
        /// Which campaign.
        campaign: CampaignId,
        /// Which document.
        document: DocumentId,
        /// The digest of the text.
        text: String,
        /// The people of these groups; everybody where none is named.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        groups: BTreeSet<GroupId>,
        /// By when.
        due: Timestamp,
    },
    /// A campaign was ended.
    #[serde(rename = "campaign/closed")]
    CampaignClosed {
        /// Which.
        campaign: CampaignId,
    },
    /// Somebody has done a course.
    #[serde(rename = "training/completed")]
    TrainingCompleted(Completion),
    /// Somebody did not do in time what they owed.
    #[serde(rename = "duty/missed")]
    DutyMissed {
        /// What, and who.
        duty: String,
        /// By when it should have been done.
        due: Timestamp,
    },
    /// Somebody need not do something before an instant.
    #[serde(rename = "duty/excused")]
    DutyExcused {
        /// What, and who.
        duty: String,
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// The vendor of an asset has said how it patches.
    #[serde(rename = "asset/attested")]
    AssetAttested {
        /// Which asset.
        asset: AssetId,
        /// What was said.
        said: Attestation,
    },
    /// The vendor of an asset has told of a vulnerability of its own.
    #[serde(rename = "asset/vendor-notified")]
    VendorNotified {
        /// Which asset.
        asset: AssetId,
        /// What it told.
        notice: VendorNotice,
    },
    /// A promise was broken by one party on one day.
    #[serde(rename = "violation/opened")]
    ViolationOpened(Opened),
    /// What was broken on these days is told, also where that is nothing.
    #[serde(rename = "violations/told")]
    ViolationsTold {
        /// The first day, in UTC.
        from: Date,
        /// The last day.
        until: Date,
        /// How many violations there were.
        violations: u64,
        /// Whether anything was held against advisories by then: else nobody knows which deadlines were missed.
        is_judged: bool,
    },
    /// Something was done about a violation, or it was excused.
    #[serde(rename = "violation/answered")]
    ViolationAnswered {
        /// Which.
        violation: String,
        /// What, in words.
        words: String,
        /// Whether it is excused: then it does not count.
        is_excused: bool,
    },
    /// Somebody asks for a decision on findings.
    #[serde(rename = "decision/requested")]
    DecisionRequested {
        /// Which.
        decision: DecisionId,
        /// What is to be decided.
        #[serde(rename = "decides")]
        kind: DecisionKind,
        /// What it speaks of.
        reach: Reach,
        /// Why.
        reason: String,
        /// Until when it is to hold.
        until: Timestamp,
        /// The decision that it renews.
        renews: Option<DecisionId>,
        /// What comes with it.
        #[serde(default, skip_serializing_if = "Assessment::is_empty")]
        assessment: Assessment,
    },
    /// A decision is in force.
    #[serde(rename = "decision/approved")]
    DecisionApproved {
        /// Which.
        decision: DecisionId,
        /// The digest of what was approved: whoever approves has seen that.
        terms: String,
    },
    /// A decision was turned down.
    #[serde(rename = "decision/declined")]
    DecisionDeclined {
        /// Which.
        decision: DecisionId,
    },
    /// A decision that holds was looked at.
    #[serde(rename = "decision/reviewed")]
    DecisionReviewed {
        /// Which.
        decision: DecisionId,
        /// What was found.
        words: String,
    },
    /// A decision was taken back.
    #[serde(rename = "decision/revoked")]
    DecisionRevoked {
        /// Which.
        decision: DecisionId,
    },
    /// Something has happened to a change: its kind and body are those of what happened, its subject is the change.
    #[serde(skip)]
    Change {
        /// Which.
        change: ChangeId,
        /// What.
        what: Happening,
    },
}
