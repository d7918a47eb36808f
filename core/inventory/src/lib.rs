//! What is installed: the model, one reader per package database, bill of materials or lock file, and host facts.
//!
//! This crate reads bytes, or a [`Directory`] that it is given, and opens nothing else.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests make the files they read"))]

mod bill;
pub mod changelog;
mod control;
mod directory;
mod document;
mod error;
pub mod host;
mod model;
pub mod os;
mod pattern;
pub mod pending;
pub mod purl;
pub mod readers;
mod text;
mod unpack;
pub mod windows;

pub use directory::{Directory, Entry, EntryKind};
pub use error::Error;
pub use model::{
    HostFacts, Inventory, Offered, Package, PackageType, PendingUpdate, Problem, SourcePackage, StaleProcess,
};
pub use os::Os;
pub use unpack::{Limits, unpack};
