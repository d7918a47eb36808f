//! Package managers that carry orders out, one file each.

mod apt;
mod dnf;
mod kept;
mod rebuilt;
mod rpm;
mod zypper;

use crate::root::{CommandError, Root};
use change::Upgrade;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

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
    /// Who brought a package to its version last, in words, as the package manager's own history has it.
    pub hand: fn(&Root, &Upgrade, &mut File) -> Option<String>,
}

/// Every package manager that orders are carried out with.
pub const DRIVERS: &[Driver] = &[apt::DRIVER, zypper::DRIVER, dnf::DRIVER];

/// The one of a root.
#[must_use]
pub fn driver_of(root: &Root) -> Option<&'static Driver> {
    DRIVERS.iter().find(|driver| (driver.is_there)(root))
}

/// How long the package manager of somebody else is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until nobody holds a lock. It is let go of at once, when the file is closed: whoever comes next takes it by itself.
fn wait_for_lock(path: &Path) {
    let Ok(lock) = File::options().write(true).open(path) else { return };
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE
        && rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err()
    {
        std::thread::sleep(Duration::from_millis(200));
    }
}
