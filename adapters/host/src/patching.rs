//! Patching one host: an order is carried out step by step, each written down before the next begins, so that whoever comes after a
//! crash knows how far it came; and taken back with what was kept.

mod carrying;
mod error;
mod snapshotting;

pub use carrying::{Around, Carried};
pub use error::PatchError;
pub use snapshotting::snapshot_of;

use crate::packages::{Driver, driver_of};
use crate::root::Root;
use change::{Order, Upgrade};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Where orders lie inside a root, each in a folder of its own.
const FOLDER: &str = "/var/lib/plimsoll/patches";
/// What is needed beside the downloads: lists, logs, and what unpacking takes before it gives back.
const ROOM_BYTES: u64 = 200 << 20;

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It is written down, and nothing has changed.
    Ordered,
    /// What is needed to go back is kept, and what is needed to go on is there.
    Kept,
    /// Packages are being changed.
    Installing,
    /// The package manager says that it is done.
    Installed,
    /// What was kept is being brought back.
    RollingBack,
    /// What was kept is back.
    RolledBack,
    /// Nothing was changed, and nothing will be.
    Abandoned,
}

impl Step {
    /// The same in a word or two.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Kept => "ready",
            Self::Installing => "installing",
            Self::Installed => "installed",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether nothing has changed by it yet.
    #[must_use]
    pub fn is_untouched(self) -> bool {
        matches!(self, Self::Ordered | Self::Kept)
    }

    /// Whether something of it can be taken back.
    #[must_use]
    pub fn can_go_back(self) -> bool {
        matches!(self, Self::Installing | Self::Installed | Self::RollingBack)
    }

    /// Whether a crash at this step leaves the host between two states.
    #[must_use]
    pub fn is_between(self) -> bool {
        matches!(self, Self::Installing | Self::RollingBack)
    }
}

/// An order on its host, held by whoever carries it out.
pub struct Patching {
    id: String,
    root: Root,
    driver: &'static Driver,
    order: Order,
    step: Step,
    log: File,
    /// Held as long as this lives.
    _lock: File,
}

impl Patching {
    /// Everything that would change for an order: it with exactly that. Nothing is changed.
    ///
    /// # Errors
    /// If the host has no package manager that is known, or that one says no.
    pub fn closure(root: &Root, order: Order) -> Result<Order, PatchError> {
        let driver = driver(root)?;
        order.check()?;
        let mut log = sink()?;
        let upgrades = (driver.closure)(root, &order.upgrades, &mut log)?;
        Ok(order.with(upgrades)?)
    }

    /// The order that a host was given as part of a change, with everything that the package manager would change for it; and the
    /// packages of it that are there already, with whose work that was where the package manager's history has it.
    ///
    /// # Errors
    /// If the host has no package manager that is known, that one says no, or a package is not what it was when that was planned.
    pub fn as_planned(root: &Root, planned: Order) -> Result<(Order, Vec<String>), PatchError> {
        let closure = Self::closure(root, planned.clone())?;
        let (order, mut there) = carrying::as_planned(planned.clone(), closure)?;
        let (driver, mut log) = (driver(root)?, sink()?);
        for package in &mut there {
            let own = planned.upgrades.iter().find(|upgrade| upgrade.package == *package);
            if let Some(by) = own.and_then(|own| (driver.hand)(root, own, &mut log)) {
                *package = format!("{package} (by {by})");
            }
        }
        Ok((order, there))
    }

    /// Takes up the order that is part of a change; none where there is none.
    ///
    /// # Errors
    /// If the orders cannot be read, or another one is being carried out.
    pub fn of_change(root: Root, change: &str) -> Result<Option<Self>, PatchError> {
        for (id, _) in orders(&root)?.into_iter().rev() {
            if read_order(&root, &id).is_ok_and(|order| order.change.as_deref() == Some(change)) {
                return Self::take_up(root, Some(&id)).map(Some);
            }
        }
        Ok(None)
    }

    /// The end of what its commands said: so many bytes of it at most.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn log(&self, most: usize) -> Result<String, PatchError> {
        let path = self.root.below(&format!("{}/log", self.folder()));
        let bytes = std::fs::read(&path).map_err(at(&path))?;
        Ok(String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(most)..]).into_owned())
    }

    /// Takes an order on: from here on it is written down on the host.
    ///
    /// # Errors
    /// If another one is being carried out or was cut short, or the folder cannot be written.
    pub fn begin(root: Root, order: Order) -> Result<Self, PatchError> {
        as_package_managers_do();
        let driver = driver(&root)?;
        order.check()?;
        let lock = lock(&root)?;
        if let Some((id, step)) = orders(&root)?.into_iter().rfind(|(_, step)| step.is_between()) {
            return Err(PatchError::CutShort { id, step: step.words() });
        }
        let id = order.made_at.strftime("%Y%m%dT%H%M%S%3fZ").to_string().replace('.', "");
        let folder = root.below(&format!("{FOLDER}/{id}"));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            // It was cut short before it was written down.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && !folder.join("journal").exists() => {}
            done => done.map_err(at(&folder))?,
        }
        let path = folder.join("order.json");
        let text =
            serde_json::to_vec_pretty(&order).map_err(|source| PatchError::Damaged { path: path.clone(), source })?;
        write(&path, &text)?;
        let log = appended(&folder.join("log"))?;
        let mut patching = Self { id, root, driver, order, step: Step::Ordered, log, _lock: lock };
        patching.note(Step::Ordered)?;
        Ok(patching)
    }

    /// Takes up an order that is there; the newest where none is named.
    ///
    /// # Errors
    /// If there is none, or another one is being carried out.
    pub fn take_up(root: Root, id: Option<&str>) -> Result<Self, PatchError> {
        as_package_managers_do();
        let driver = driver(&root)?;
        let lock = lock(&root)?;
        let known = orders(&root)?;
        let found = match id {
            Some(id) => known.into_iter().find(|(known, _)| known == id),
            None => known.into_iter().next_back(),
        };
        let (id, step) = found.ok_or_else(|| PatchError::Unknown { id: id.unwrap_or("newest").to_owned() })?;
        let order = read_order(&root, &id)?;
        let log = appended(&root.below(&format!("{FOLDER}/{id}/log")))?;
        Ok(Self { id, root, driver, order, step, log, _lock: lock })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was ordered.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// How far it has come.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// Makes ready: repairs what was cut short before, fetches, and keeps what is needed to go back. No package changes.
    ///
    /// # Errors
    /// If the package manager would do something else than was ordered, there is too little room, or something cannot be kept.
    pub fn make_ready(&mut self) -> Result<(), PatchError> {
        self.at(&[Step::Ordered, Step::Kept])?;
        let (driver, folder) = (self.driver, self.folder());
        (driver.repair)(&self.root, &mut self.log)?;
        let would = (driver.closure)(&self.root, &self.order.upgrades, &mut self.log)?;
        check_same(&self.order.upgrades, would)?;
        self.check_room()?;
        (driver.download)(&self.root, &self.order.upgrades, &mut self.log)?;
        let before = (driver.state)(&self.root, &mut self.log)?;
        write(&self.root.below(&format!("{folder}/before")), before.as_bytes())?;
        let kept = format!("{folder}/kept");
        let path = self.root.below(&kept);
        match std::fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(at(&path)(error)),
            _ => {}
        }
        (driver.keep)(&self.root, &self.order.upgrades, &kept, &mut self.log)?;
        self.make_snapshot()?;
        self.note(Step::Kept)
    }

    /// Installs what was ordered. Done again after a crash it goes on.
    ///
    /// # Errors
    /// If the package manager fails: the host is between two states then, and what was kept brings it back.
    pub fn install(&mut self) -> Result<(), PatchError> {
        self.at(&[Step::Kept, Step::Installing])?;
        self.note(Step::Installing)?;
        (self.driver.repair)(&self.root, &mut self.log)?;
        (self.driver.install)(&self.root, &self.order.upgrades, &mut self.log)?;
        self.note(Step::Installed)
    }

    /// Brings back what was there before; whether everything is as it was is said by what the package manager lists then.
    ///
    /// # Errors
    /// If it cannot be brought back. Done again it goes on.
    pub fn roll_back(&mut self) -> Result<bool, PatchError> {
        self.at(&[Step::Installing, Step::Installed, Step::RollingBack])?;
        self.note(Step::RollingBack)?;
        let folder = self.folder();
        (self.driver.restore)(&self.root, &self.order.upgrades, &format!("{folder}/kept"), &mut self.log)?;
        let path = self.root.below(&format!("{folder}/before"));
        let before = std::fs::read_to_string(&path).map_err(at(&path))?;
        let now = (self.driver.state)(&self.root, &mut self.log)?;
        // What others did to other packages meanwhile is none of it.
        let is_as_before = self.own_lines(&now).eq(self.own_lines(&before));
        if is_as_before {
            self.note(Step::RolledBack)?;
        }
        Ok(is_as_before)
    }

    /// Gives an order up of which nothing was carried out.
    ///
    /// # Errors
    /// If something was.
    pub fn abandon(&mut self) -> Result<(), PatchError> {
        self.at(&[Step::Ordered, Step::Kept])?;
        self.note(Step::Abandoned)
    }

    /// The lines of a package manager's list that are of the order's packages.
    fn own_lines<'s>(&'s self, state: &'s str) -> impl Iterator<Item = &'s str> {
        let bare = |package: &'s str| package.split(':').next().unwrap_or(package);
        let own: BTreeSet<&str> = self.order.upgrades.iter().map(|upgrade| bare(&upgrade.package)).collect();
        state.lines().filter(move |line| own.contains(bare(line.split(' ').next().unwrap_or_default())))
    }

    /// Writes down why it is taken back: whoever comes after a crash tells it.
    fn keep_reason(&self, why: &str) -> Result<(), PatchError> {
        write(&self.root.below(&format!("{}/reason", self.folder())), why.as_bytes())
    }

    /// Why it was taken back, if that was written down.
    fn reason(&self) -> Option<String> {
        std::fs::read_to_string(self.root.below(&format!("{}/reason", self.folder()))).ok()
    }

    fn folder(&self) -> String {
        format!("{FOLDER}/{}", self.id)
    }

    fn at(&self, steps: &[Step]) -> Result<(), PatchError> {
        match steps.contains(&self.step) {
            true => Ok(()),
            false => Err(PatchError::Step { id: self.id.clone(), step: self.step.words() }),
        }
    }

    /// Writes the step down before it is begun.
    fn note(&mut self, step: Step) -> Result<(), PatchError> {
        let path = self.root.below(&format!("{}/journal", self.folder()));
        let mut journal = appended(&path)?;
        // A line that was cut short takes none with it.
        let is_torn = std::fs::read(&path).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n'));
        let begins = if is_torn { "\n" } else { "" };
        let line = serde_json::to_string(&step).map_err(|source| PatchError::Damaged { path: path.clone(), source })?;
        writeln!(journal, "{begins}{line}").and_then(|()| journal.sync_all()).map_err(at(&path))?;
        self.step = step;
        Ok(())
    }

    fn check_room(&mut self) -> Result<(), PatchError> {
        let told = self.root.run(&["df", "--output=avail", "--block-size=1", "/var/lib"], &mut self.log)?;
        let free = told.lines().last().and_then(|line| line.trim().parse::<u64>().ok()).unwrap_or(0);
        // What comes, unpacked; and what is kept.
        let needed = ROOM_BYTES + self.order.size_bytes.saturating_mul(6);
        if free < needed { Err(PatchError::Room { needed, free }) } else { Ok(()) }
    }
}

/// The orders of a host, the oldest first, with how far each has come.
///
/// # Errors
/// If they cannot be read.
pub fn orders(root: &Root) -> Result<Vec<(String, Step)>, PatchError> {
    let folder = root.below(FOLDER);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&folder)(error)),
    };
    let mut known = Vec::new();
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        let id = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path().join("journal");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // A line that was cut short was never begun.
        let step = text.lines().rev().find_map(|line| serde_json::from_str(line).ok()).unwrap_or(Step::Ordered);
        known.push((id, step));
    }
    known.sort();
    Ok(known)
}

/// What was ordered.
///
/// # Errors
/// If it cannot be read, or is not as it was written.
pub fn read_order(root: &Root, id: &str) -> Result<Order, PatchError> {
    let path = root.below(&format!("{FOLDER}/{id}/order.json"));
    let bytes = std::fs::read(&path).map_err(at(&path))?;
    let order: Order = serde_json::from_slice(&bytes).map_err(|source| PatchError::Damaged { path, source })?;
    order.check()?;
    Ok(order)
}

fn driver(root: &Root) -> Result<&'static Driver, PatchError> {
    driver_of(root).ok_or_else(|| PatchError::NoDriver { root: root.below("") })
}

fn check_same(ordered: &[Upgrade], mut would: Vec<Upgrade>) -> Result<(), PatchError> {
    would.sort();
    would.dedup();
    let differs = |upgrade: &&Upgrade, others: &[Upgrade]| !others.contains(upgrade);
    let more = would.iter().find(|upgrade| differs(upgrade, ordered)).map(|upgrade| (upgrade, "would be installed"));
    let less = ordered.iter().find(|upgrade| differs(upgrade, &would)).map(|upgrade| (upgrade, "would not be"));
    match more.or(less) {
        None => Ok(()),
        Some((upgrade, words)) => {
            Err(PatchError::Changed { what: format!("{} {} {words}", upgrade.package, upgrade.to) })
        }
    }
}

/// What packages and their scripts write everybody reads, whatever whoever begins this keeps to themselves; what is written here says
/// by itself who reads it.
fn as_package_managers_do() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
}

fn lock(root: &Root) -> Result<File, PatchError> {
    let folder = root.below(FOLDER);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(at(&folder))?;
    let path = folder.join("lock");
    let file = appended(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(PatchError::Busy),
        Err(std::fs::TryLockError::Error(source)) => Err(at(&path)(source)),
    }
}

/// A log that nobody reads.
fn sink() -> Result<File, PatchError> {
    let path = Path::new("/dev/null");
    OpenOptions::new().write(true).open(path).map_err(at(path))
}

fn appended(path: &Path) -> Result<File, PatchError> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(at(path))
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), PatchError> {
    let beside = path.with_extension("new");
    let written = File::create(&beside).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::rename(&beside, path)).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> PatchError {
    let path = path.to_owned();
    |source| PatchError::File { path, source }
}
