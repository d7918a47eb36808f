//! The fleet: facts with their intervals of time go in, findings with their deadlines come out, as of any instant.
//!
//! Facts are stored, findings are derived: no row per asset and vulnerability exists anywhere.

mod after;
mod ages;
mod assets;
mod coverage;
mod deadline;
mod document;
mod error;
mod evaluate;
mod explain;
mod facets;
mod fact;
mod facts;
mod follow;
mod group;
mod groups;
mod judgement;
mod kept;
mod keys;
mod moves;
mod owed;
mod pace;
mod packed;
mod plain;
mod plan;
mod query;
mod scans;
mod sieve;
mod slot;
mod snapshot;
mod summary;
mod switch;
mod tally;
mod thing;

pub use after::{AfterAsset, AfterFinding};
pub use ages::{AGE_DAYS, Ages, DAYS_AHEAD};
pub use assets::AssetRow;
pub use coverage::{Coverage, Undetermined};
pub use document::{InventoryDocument, JudgedDocument, check_document};
pub use error::Error;
pub use evaluate::{Findings, Question, State};
pub use explain::{Carrier, Explanation};
pub use facets::{Facet, Words};
pub use facts::Facts;
pub use follow::Touched;
pub use groups::{Group, GroupBy};
pub use judgement::{Fix, Judgement, Signals, Standing, Statement, Subject};
pub use kept::{Kept, Missed};
pub use moves::Moves;
pub use pace::Pace;
pub use query::{AssetFilter, Filter, Page, Query, Row, Sort};
pub use scans::{Looked, Scans};
pub use summary::{Counts, Summary};
pub use switch::Switch;
pub use thing::{Kernel, NewestPackage, Offer, Thing};
