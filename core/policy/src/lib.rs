//! The policy as code: an ordered table of classes, each with its conditions, its deadline and its clock.
//!
//! A policy is a decision table, not a program. Every deadline comes with its derivation: the rule, the inputs and the
//! instants. A missing input takes the cautious value that the policy names, visibly.

/// The JSON Schema (2020-12) of policy files, for editors that complete from it.
pub const SCHEMA: &str = include_str!("../policy.schema.json");

mod calendar;
mod check;
mod condition;
mod deadline;
mod diff;
mod due;
mod error;
mod facts;
mod file;
mod length;
mod openness;
mod presets;
mod problem;
mod profiles;
pub mod promises;
mod recurrence;
mod template;
mod words;

pub use calendar::Calendar;
pub use check::{Checked, Known, Longest, check, longest_deadline};
pub use condition::{EXPLOITATION, EXPLOITED};
pub use deadline::{
    CATALOGUE_DUE, Clock, Deadline, Due, MITIGATION_CLOCK, Step, UNKNOWN_CLOCK, derive, derive_without_words,
};
pub use diff::{CaseChange, Difference, ValueChange, diff};
pub use error::{Error, Fault};
pub use facts::{Asset, Exposure, Facts, Input};
pub use file::{Class, Policy, line_of};
pub use length::{Length, Unit};
pub use openness::Openness;
pub use presets::{PRESETS, Preset, preset};
pub use problem::Problem;
pub use profiles::{PROFILES, Profile};
pub use promises::Promises;
pub use template::{EDITIONS, Edition, SECTIONS, Unfilled, Written, assemble};
pub use words::{TABLES, Table};
