//! The fleet's side of assessing: an inventory as things that are judged by themselves, and what the index says of each.

mod ages;
mod judge;
mod offers;
mod signals;
mod things;

pub use ages::stale_feeds;
pub use judge::judge;
pub use things::{platform_of, things_of};
