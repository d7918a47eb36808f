//! Package managers that carry orders out, one file each.

mod apt;
mod rebuilt;

use crate::root::{CommandError, Root};
use change::Upgrade;
use std::fs::File;

/// What came of a command.
pub type Done<T> = Result<T, CommandError>;

/// What carries orders out on a kind of host.
pub struct Driver {
    /// Its id.
    pub id: &'static str,
    /// Whether a root is one of its kind.
    pub is_there: fn(&Root) -> bool,
    /// Repairs what was cut short before, if anything was.
    pub repair: fn(&Root, &mut File) -> Done<bool>,
    /// Everything that would change for some upgrades: they, and what they need. Nothing is taken away for them.
    pub closure: fn(&Root, &[Upgrade], &mut File) -> Done<Vec<Upgrade>>,
    /// Fetches what is to be installed.
    pub download: fn(&Root, &[Upgrade], &mut File) -> Done<()>,
    /// Keeps in a folder, named by its path inside the root, what is needed to go back.
    pub keep: fn(&Root, &[Upgrade], &str, &mut File) -> Done<()>,
    /// Installs exactly these versions.
    pub install: fn(&Root, &[Upgrade], &mut File) -> Done<()>,
    /// Brings back what was kept in a folder.
    pub restore: fn(&Root, &[Upgrade], &str, &mut File) -> Done<()>,
    /// What is installed, one package a line, so that two states can be compared.
    pub state: fn(&Root, &mut File) -> Done<String>,
}

/// Every package manager that orders are carried out with.
pub const DRIVERS: &[Driver] = &[apt::DRIVER];

/// The one of a root.
#[must_use]
pub fn driver_of(root: &Root) -> Option<&'static Driver> {
    DRIVERS.iter().find(|driver| (driver.is_there)(root))
}
