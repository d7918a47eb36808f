//! One machine: what is on it and what runs on it, and how it is patched.

mod collect;
mod order;
#[cfg(unix)]
mod packages;
#[cfg(unix)]
mod patching;
#[cfg(unix)]
mod root;
#[cfg(unix)]
mod snapshots;
mod walk;
#[cfg(windows)]
mod windows;

pub use collect::{Error, mounted, this_host, tree};
pub use order::sort;
#[cfg(unix)]
pub use packages::{DRIVERS, Done, Driver, driver_of};
#[cfg(unix)]
pub use patching::{Around, Carried, PatchError, Patching, Step, orders, read_order, snapshot_of};
#[cfg(unix)]
pub use root::{CommandError, Root};
#[cfg(unix)]
pub use snapshots::SnapshotOf;

/// The largest document that is read.
pub const MOST_BYTES: u64 = 1 << 30;
