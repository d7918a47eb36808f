//! What a host is to be patched with, and whether it has it afterwards.
//!
//! An [`Order`] names exactly which packages go from which version to which. Carrying it out twice changes nothing. A host has what was
//! ordered once a fresh inventory shows it and nothing still runs what was there before: not when a package manager says so.

mod error;
mod order;
mod verify;
mod word;

pub use error::Error;
pub use order::{Left, LeftOut, Order, Selection, Upgrade};
pub use verify::{Standing, Verified, verify};
pub use word::{is_package, is_version};
