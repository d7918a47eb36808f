//! The fleet: facts with their intervals of time go in, findings with their deadlines come out, as of any instant.
//!
//! Facts are stored, findings are derived: no row per asset and vulnerability exists anywhere.

mod document;
mod error;
mod facts;
mod judgement;
mod packed;
mod thing;

pub use document::{InventoryDocument, JudgedDocument};
pub use error::Error;
pub use facts::Facts;
pub use judgement::{Fix, Judgement, Signals, Standing, Statement, Subject};
pub use thing::{Kernel, Thing};
