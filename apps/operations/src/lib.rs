//! What every door does: take inventories in, hold what assets have against the advisories, answer questions.
//!
//! Nothing here reads a clock: the instant and the person who acts are arguments.

mod advisories;
mod alerts;
mod changes;
mod completions;
mod documents;
mod enrolment;
mod error;
mod explanation;
mod gaps;
mod governing;
mod names;
mod notices;
mod organisation;
mod people_file;
mod policies;
mod proof;
mod questions;
mod retention;
mod simulation;
mod tasks;
mod violations;

pub use advisories::Advisories;
pub use alerts::{Alert, AlertKind};
pub use changes::{
    AssetStanding, Errant, HandedOut, Missing, Opening, OrderBook, Scope, as_calendar, asset_standings, begun,
    change_standing, gate_lacks, may_begin, may_happen, needs_words, openings, step_words,
};
pub use completions::CompletionsTaken;
pub use documents::{APPLICABILITY, PolicyDocument, examples, policy_document, policy_documents};
pub use enrolment::enrolment;
pub use error::Error;
pub use explanation::{deadline_as_json, explanation_as_json};
pub use gaps::Gaps;
pub use governing::{Drafted, fill_document};
pub use names::package_name;
pub use notices::{Announcement, Notice, notices};
pub use organisation::{Judged, Organisation, Taken};
pub use people_file::{Named, PeopleFile, PeopleTaken, Wrong, called};
pub use policies::check_policy;
pub use policy::Checked;
pub use proof::proof_as_json;
pub use protocol::Observed;
pub use questions::View;
pub use retention::Kept;
pub use simulation::{Month, Side, Simulation, simulate};
pub use tasks::{NewPerson, Tasks, duty_words, new_people};
pub use violations::DaysTold;
