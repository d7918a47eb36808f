//! What was observed on an asset, ready to be taken in.

use assessment::Changelog;
use fleet::Thing;
use inventory::Inventory;

/// What was observed on an asset at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What it has, in order and each once.
    pub things: Vec<Thing>,
    /// Its operating system, in words; may be empty.
    pub platform: String,
    /// What could not be read, in words.
    pub problems: Vec<String>,
    /// How many files or entries could not be read.
    pub unread: u64,
    /// The digest of all that.
    pub digest: String,
}

/// More problems are counted, not listed.
const MOST_PROBLEMS: usize = 100;

impl Observed {
    /// What an inventory says, with what the changelogs of its pending updates say.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn of(inventory: &Inventory, changelogs: &[Changelog]) -> Result<Self, serde_json::Error> {
        let things = assessment::things_of(inventory, changelogs);
        let problems = inventory.problems.iter().take(MOST_PROBLEMS);
        let problems = problems.map(|problem| format!("{}: {}", problem.place, problem.what)).collect();
        Self::new(things, assessment::platform_of(inventory), problems, inventory.unread as u64)
    }

    /// What an asset has, by itself.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn new(
        mut things: Vec<Thing>,
        platform: String,
        problems: Vec<String>,
        unread: u64,
    ) -> Result<Self, serde_json::Error> {
        things.sort_unstable();
        things.dedup();
        let digest = store::digest(&serde_json::to_vec(&(&things, &platform, &problems, unread))?);
        Ok(Self { things, platform, problems, unread, digest })
    }

    /// How many installed packages there are.
    #[must_use]
    pub fn packages(&self) -> u64 {
        self.things.iter().filter(|thing| thing.is_package()).count() as u64
    }
}
