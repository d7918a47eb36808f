//! What may happen, and what follows from it: `decide` says yes with events or no with a reason, `apply` takes an event in.
//!
//! Nothing here touches the world: the state, the command and the instant are arguments.

mod agent;
mod approval;
mod asset;
mod attestation;
mod breach;
mod campaign;
mod change;
mod command;
mod decision;
mod document;
mod duty;
mod entry;
mod error;
mod event;
mod excuse;
mod feed;
mod follow;
mod group;
mod inventory;
mod oversight;
mod owed;
mod person;
mod policy;
mod review;
mod rolled;
mod scan;
mod seat;
mod state;
mod telling;
mod token;
mod training;
mod version;
mod violation;

pub use ::obligations::{Breach, BreachKind, Duty, DutyKind, Excuse, Party, Standing, day_of};
pub use ::policy::Exposure;
pub use ::policy::promises::{ExceptionNeed, ResponseStep};
pub use ::rules::{
    AGENT, AcknowledgementRule, AlertRule, AssetId, CampaignId, ChangeId, ChangeRule, Course, DecisionId, DocumentId,
    Escalation, ExceptionRule, FeedId, Governance, GroupId, NoId, Oversight, POLICY, PersonId, PolicyRule,
    ResponseRule, ReviewRule, Role, Seat, TokenId, VersionId, after, before,
};
pub use agent::Agent;
pub use asset::{Asset, Attributes};
pub use attestation::{Attestation, Noticed, VendorNotice};
pub use campaign::Campaign;
pub use command::{Command, decide};
pub use decision::{Assessment, Decision, DecisionKind, Look, Progress, Reach};
pub use document::{Described, Document, InForce, Level};
pub use error::{Error, Refusal};
pub use event::{Adoption, Event};
pub use feed::Feed;
pub use group::{Group, Source};
pub use inventory::{Inventory, Pushed};
pub use person::{Credential, Person, SYSTEM};
pub use review::review;
pub use rolled::Rolled;
pub use seat::empty_seats;
pub use state::{PolicyInForce, State};
pub use token::{Holder, Token, TokenScope};
pub use training::{Completion, Word};
pub use version::{Draft, Note, Stage, Transition, Verdict, Version};
pub use violation::{Answer, Opened, Violation, Violations};
