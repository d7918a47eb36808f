//! What every door does: take inventories in, hold what assets have against the advisories, answer questions.
//!
//! Nothing here reads a clock: the instant and the person who acts are arguments.

mod advisories;
mod enrolment;
mod error;
mod explanation;
mod gaps;
mod names;
mod organisation;
mod policies;
mod proof;
mod questions;
mod simulation;

pub use advisories::Advisories;
pub use enrolment::enrolment;
pub use error::Error;
pub use explanation::{deadline_as_json, explanation_as_json};
pub use gaps::Gaps;
pub use names::package_name;
pub use organisation::{Judged, Organisation, Taken};
pub use policies::check_policy;
pub use proof::proof_as_json;
pub use protocol::Observed;
pub use questions::View;
pub use simulation::{Month, Side, Simulation, simulate};
