//! The policy as code: an ordered table of classes, each with its conditions, its deadline and its clock.
//!
//! A policy is a decision table, not a program. Every deadline comes with its derivation: the rule, the inputs and the
//! instants. A missing input takes the cautious value that the policy names, visibly.

mod calendar;
mod condition;
mod deadline;
mod error;
mod facts;
mod file;
mod presets;

pub use calendar::Calendar;
pub use condition::{EXPLOITATION, EXPLOITED};
pub use deadline::{CATALOGUE_DUE, Clock, Deadline, Due, MITIGATION_CLOCK, Step, UNKNOWN_CLOCK, derive};
pub use error::Error;
pub use facts::{Asset, Exposure, Facts, Input};
pub use file::{Class, Policy};
pub use presets::{PRESETS, Preset, preset};
