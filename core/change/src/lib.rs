//! Changes: what hosts are to be patched with, in which order, and whether they have it afterwards.
//!
//! An [`Order`] names exactly which packages of one host go from which version to which. Carrying it out twice changes nothing. A host
//! has what was ordered once a fresh inventory shows it and nothing still runs what was there before: not when a package manager says
//! so. A [`Plan`] puts the assets of a fleet into rings, each with its hours; a [`Rollout`] says how far it has come, and what may
//! happen next.

mod error;
mod happening;
mod life;
mod needs;
mod order;
mod plan;
mod planning;
mod rollout;
mod shown;
mod verify;
mod word;

pub use error::Error;
pub use happening::{Audience, Came, Happening, Planned};
pub use life::{Change, Owed, Stage, TestResult};
pub use needs::{Health, Needs, asks_for_reboot};
pub use order::{Left, LeftOut, Order, Selection, Upgrade, address, are_words};
pub use plan::{Exclusion, Hours, Limits, MOST_MINUTES, Member, Plan, Precedence, RingPlan, Span};
pub use planning::{
    Candidate, Due, Proposal, Said, Wanted, conforms, has_automatic, is_automatic, is_in_test, plan, propose,
};
pub use rollout::{BACK_WITHIN, Count, Phase, Place, Rollout, RolloutEvent, Stop, Wait};
pub use shown::{OnDisk, Shown};
pub use verify::{Standing, Verified, verify};
pub use word::{is_package, is_version};
