//! What every door does: take inventories in, hold what assets have against the advisories, answer questions.
//!
//! Nothing here reads a clock: the instant and the person who acts are arguments.

mod advisories;
mod error;
mod gaps;
mod names;
mod observed;
mod organisation;
mod questions;

pub use advisories::Advisories;
pub use error::Error;
pub use gaps::Gaps;
pub use names::package_name;
pub use observed::Observed;
pub use organisation::{Judged, Organisation, Taken};
pub use questions::View;
