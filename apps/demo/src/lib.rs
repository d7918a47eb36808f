//! An invented organisation, played through the real commands with a clock of its own: the way to see the product full.

mod advisories;
mod asset;
mod catalogue;
mod error;
mod governing;
mod play;
mod random;

pub use error::Error;
pub use play::{Played, Settings, play, signer};

/// What the name of a demonstration's ledger begins with: whatever shows one says that it is invented.
pub const ORIGIN: &str = "demo/";
