//! Inventory, index and policy put together: findings with their deadlines, grouped by the patch that resolves them.
//!
//! The same inputs give the same assessment on any machine.

mod assess;
mod coverage;
mod facts;
mod findings;
mod fleet;
mod patches;

pub use assess::{Assessment, Error, Input, assess};
pub use coverage::Coverage;
pub use findings::{Carrier, Changelog, Finding, Kind, Signals, Source};
pub use fleet::{judge, platform_of, stale_feeds, things_of};
pub use patches::Patch;
