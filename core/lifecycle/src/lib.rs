//! What may happen, and what follows from it: `decide` says yes with events or no with a reason, `apply` takes an event in.
//!
//! Nothing here touches the world: the state, the command and the instant are arguments.

mod agent;
mod asset;
mod decision;
mod error;
mod event;
mod feed;
mod id;
mod inventory;
mod person;
mod policy;
mod review;
mod scan;
mod state;
mod token;

pub use ::policy::Exposure;
pub use agent::Agent;
pub use asset::{Asset, Attributes};
pub use decision::{Decision, DecisionKind, Progress, Reach};
pub use error::{Error, Refusal};
pub use event::Event;
pub use feed::Feed;
pub use id::{AssetId, DecisionId, FeedId, PersonId, TokenId};
pub use inventory::{Inventory, Pushed};
pub use person::{AGENT, Credential, Person, Role, SYSTEM};
pub use review::review;
pub use scan::ScanRule;
pub use state::{Command, PolicyInForce, State, decide};
pub use token::{Holder, Token, TokenScope};
