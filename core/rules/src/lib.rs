//! What decisions rest on: the ids of the record's nouns, the roles of people, and what the policy in force asks, in the form in
//! which an entry of the ledger holds it.

mod changes;
mod governance;
mod id;
mod oversight;
mod role;
mod rule;
mod time;

pub use changes::{ChangeRule, EmergencyRule, GateRule, OwedRule};
pub use governance::{AcknowledgementRule, Course, Governance, ReviewRule, Seat, USUAL};
pub use id::{
    AGENT, AssetId, CampaignId, ChangeId, DecisionId, DocumentId, FeedId, GroupId, NoId, POLICY, PersonId, TokenId,
    VersionId,
};
pub use oversight::{AlertRule, Escalation, ExceptionRule, Oversight, ResponseRule};
pub use role::Role;
pub use rule::PolicyRule;
pub use time::{after, before};
