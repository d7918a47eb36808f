//! Published statements about vulnerabilities: their model, one reader per feed format, and the compiled index.
//!
//! This crate reads bytes that it is given and opens nothing itself.

mod ecosystem;
mod error;
pub mod feeds;
pub mod index;
pub mod lifecycle;
mod model;
pub mod severity;
pub mod vex;

pub use ecosystem::{Family, split as split_ecosystem};
pub use error::Error;
pub use model::{
    Advisory, Affected, Event, Exploited, FixState, Problem, Range, RangeKind, Record, Release, Severity, Ssvc,
    Subject, SupportNote, Vulnerability,
};
