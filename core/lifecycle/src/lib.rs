//! What may happen, and what follows from it: `decide` says yes with events or no with a reason, `apply` takes an event in.
//!
//! Nothing here touches the world: the state, the command and the instant are arguments.

mod agent;
mod approval;
mod asset;
mod campaign;
mod command;
mod decision;
mod document;
mod duty;
mod error;
mod event;
mod feed;
mod follow;
mod governance;
mod group;
mod id;
mod inventory;
mod person;
mod policy;
mod review;
mod rule;
mod scan;
mod state;
mod token;
mod training;
mod version;

pub use ::policy::Exposure;
pub use agent::Agent;
pub use asset::{Asset, Attributes};
pub use campaign::Campaign;
pub use command::{Command, decide};
pub use decision::{Decision, DecisionKind, Progress, Reach};
pub use document::{Described, Document, InForce, Level, POLICY};
pub use duty::{Duty, DutyKind, Standing};
pub use error::{Error, Refusal};
pub use event::{Adoption, Event};
pub use feed::Feed;
pub use governance::{AcknowledgementRule, Course, Governance, ReviewRule, Seat, empty_seats};
pub use group::{Group, Source};
pub use id::{AssetId, CampaignId, DecisionId, DocumentId, FeedId, GroupId, PersonId, TokenId, VersionId};
pub use inventory::{Inventory, Pushed};
pub use person::{AGENT, Credential, Person, Role, SYSTEM};
pub use review::review;
pub use rule::PolicyRule;
pub use state::{PolicyInForce, State};
pub use token::{Holder, Token, TokenScope};
pub use training::{Completion, Word};
pub use version::{Draft, Note, Stage, Transition, Verdict, Version};
