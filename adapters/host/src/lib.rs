//! One machine: what is on it and what runs on it.

mod collect;
mod order;
mod walk;
#[cfg(windows)]
mod windows;

pub use collect::{Error, mounted, this_host, tree};
pub use order::sort;

/// The largest document that is read.
pub const MOST_BYTES: u64 = 1 << 30;
