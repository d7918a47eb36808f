//! Carrying an order out, in a process of its own: whoever waits for it may end, or lie on another machine.

use crate::allowed::{Action, Allowed};
use crate::health;
use anyhow::{Context, Result};
use change::{Came, Order, Standing, Verified};
use host::{Around, Carried, PatchError, Patching, Root, Step};
use inventory::Inventory;
use jiff::Timestamp;
use ledger::Verifier;
use protocol::{AssetOrder, Errand, MOST_LOG_BYTES, Outcome};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

fn outcome(came: Option<Came>, words: String, patching: Option<&Patching>) -> Result<Outcome> {
    let log = patching.map(|patching| patching.log(MOST_LOG_BYTES / 4)).transpose()?.unwrap_or_default();
    // It goes into JSON, in which a control character takes six bytes: none of them says anything here.
    let log = log.chars().filter(|character| !character.is_control() || *character == '\n').collect();
    Ok(Outcome { came, words: short(&words), log, wants_reboot: false })
}

/// What went wrong in short: how it begins, and how it ends, where package managers say why; the rest stands in the log.
fn short(words: &str) -> String {
    const BEGINS: usize = 100;
    const ENDS: usize = 400;
    let words: Vec<&str> = words.split(|character: char| character.is_whitespace() || character.is_control()).collect();
    let words: Vec<char> =
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").chars().collect();
    if words.len() <= BEGINS + ENDS {
        return words.into_iter().collect();
    }
    let (begins, ends) = (&words[..BEGINS], &words[words.len() - ENDS..]);
    format!("{} [...] {}", begins.iter().collect::<String>(), ends.iter().collect::<String>())
}

/// Carries an order out, or goes on with it where it was cut short; says what came of it.
///
/// # Errors
/// If it is not known what came of it, so that it has to be tried again: another order is being carried out, or the host cannot be
/// looked at.
pub(crate) fn carry_out(
    note: &str,
    (allowed, enrolled): (&Allowed, &[Verifier]),
    root: &Root,
    tell: &mut dyn FnMut(Step),
) -> Result<Outcome> {
    let refused = |why: String| outcome(Some(Came::Refused), why, None);
    let order = match allowed.open(note, enrolled) {
        Ok(order) => order,
        Err(error) => return refused(format!("{error:#}")),
    };
    let carrying = Carrying { order: &order, allowed, root };
    let begun = match Patching::of_change(root.clone(), &carrying.name()) {
        Ok(begun) => begun,
        Err(error @ PatchError::Busy) => return Err(error.into()),
        // What was done is not known, and is not called nothing.
        Err(error) => return outcome(Some(Came::Broken), format!("{:#}", anyhow::Error::from(error)), None),
    };
    match (order.errand, begun) {
        // Packages have changed: it is brought to its end, whatever the hour is.
        (Errand::Upgrade, Some(begun)) if !begun.step().is_untouched() => carrying.go_on(begun, tell),
        (Errand::Upgrade, begun) => carrying.begin(begun, tell),
        (Errand::RollBack, begun) => carrying.roll_back(begun, tell),
    }
}

/// An order on its host.
struct Carrying<'a> {
    order: &'a AssetOrder,
    allowed: &'a Allowed,
    root: &'a Root,
}

impl Carrying<'_> {
    /// Begins an upgrade, or goes on with one that has changed nothing yet.
    fn begin(&self, begun: Option<Patching>, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
        let ready = self.allowed.check(self.order, Timestamp::now());
        // A host that was not well before is not made better by what comes.
        let ready = ready.and_then(|()| health::hold(&self.checks(), Duration::ZERO));
        match (ready, begun) {
            (Err(why), begun) => {
                begun.map(|mut begun| begun.abandon()).transpose()?;
                outcome(Some(Came::Refused), why, None)
            }
            (Ok(()), Some(begun)) => self.go_on(begun, tell),
            (Ok(()), None) => self.upgrade(tell),
        }
    }

    /// By what the order is known here: an id may come again, for another plan.
    fn name(&self) -> String {
        format!("{} {}", self.order.slip.change, self.order.slip.plan)
    }

    /// The order as it was planned.
    fn planned(&self) -> Order {
        Order {
            made_at: self.order.begun_at,
            host: self.order.slip.asset.to_string(),
            upgrades: self.order.slip.upgrades.clone(),
            left_out: Vec::new(),
            size_bytes: self.order.slip.size_bytes,
            change: Some(self.name()),
        }
    }

    fn upgrade(&self, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
        // Nothing was changed: it is as it was.
        let failed = |error: PatchError| match error {
            error @ PatchError::Busy => Err(error.into()),
            error => outcome(Some(Came::Failed), format!("{:#}", anyhow::Error::from(error)), None),
        };
        let (order, there) = match Patching::as_planned(self.root, self.planned()) {
            Ok(made) => made,
            Err(error) => return failed(error),
        };
        if let Err(why) = self.allowed.check_packages(&order.upgrades) {
            return outcome(Some(Came::Refused), format!("{why}, and what is ordered needs it"), None);
        }
        let words = match there.is_empty() {
            true => String::new(),
            false => format!("there already, by other hands: {}", there.join(", ")),
        };
        if order.upgrades.is_empty() {
            return self.there_already(words);
        }
        let patching = match Patching::begin(self.root.clone(), order) {
            Ok(patching) => patching,
            Err(error) => return failed(error),
        };
        let mut told = self.go_on(patching, tell)?;
        if told.words.is_empty() {
            told.words = short(&words);
        }
        Ok(told)
    }

    /// Everything that was ordered came by other hands.
    fn there_already(&self, words: String) -> Result<Outcome> {
        let verified = change::verify(&self.planned(), &look(self.root)?);
        if !verified.is_installed() {
            return outcome(Some(Came::Failed), "not everything is as it was ordered".to_owned(), None);
        }
        match health::hold(&self.checks(), self.patience()) {
            Ok(()) => self.installed(&verified, (None, ""), words),
            Err(why) => outcome(Some(Came::Broken), format!("{words}; {why}"), None),
        }
    }

    /// What has to hold here: what the host's own settings say, and what the plan does.
    fn checks(&self) -> Vec<health::Check> {
        self.allowed.health.iter().cloned().chain(self.order.slip.health.iter().map(health::Check::from)).collect()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.allowed.health_within_seconds)
    }

    /// Restarts services where the host lets it, and says what came of it.
    fn restart(&self) -> String {
        if !self.allowed.actions.contains(&Action::RestartServices) || !self.root.is_own() {
            return String::new();
        }
        match look(self.root) {
            Ok(seen) => crate::restart::services(&seen),
            Err(error) => format!("services were not restarted: {error:#}\n"),
        }
    }

    fn go_on(&self, mut patching: Patching, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
        patching.want_snapshot(self.allowed.snapshot.as_ref())?;
        let mut restarted = String::new();
        let carried = patching.carry_out(&mut Around::<anyhow::Error> {
            look: &mut || look(self.root),
            health: &mut || {
                restarted.push_str(&self.restart());
                health::hold(&self.checks(), self.patience())
            },
            tell,
            keeps_failed: false,
        })?;
        let patching = Some(&patching);
        let mut told = match carried {
            Carried::Installed(verified) => return self.installed(&verified, (patching, &restarted), String::new()),
            Carried::Untouched { why } => outcome(Some(Came::Failed), why, patching)?,
            Carried::Failed { why, is_as_before: true, .. } => {
                // What was brought back is what is to run.
                restarted.push_str(&self.restart());
                outcome(Some(Came::Failed), why, patching)?
            }
            Carried::Failed { why, .. } => outcome(Some(Came::Broken), why, patching)?,
        };
        told.log.push_str(&restarted);
        Ok(told)
    }

    /// What was ordered is on disk: it is said whether only a reboot helps what waits for a restart.
    fn installed(
        &self,
        verified: &Verified,
        (patching, restarted): (Option<&Patching>, &str),
        words: String,
    ) -> Result<Outcome> {
        let mut told = outcome(Some(Came::Installed), words, patching)?;
        told.log.push_str(restarted);
        // An order restarts a host once at the most.
        let is_let = self.allowed.actions.contains(&Action::Reboot) && self.order.slip.restarts != Some(0);
        let may_reboot = is_let && self.root.is_own();
        told.wants_reboot =
            may_reboot && !verified.restarts.is_empty() && crate::restart::only_a_reboot_helps(&look(self.root)?);
        Ok(told)
    }

    fn roll_back(&self, begun: Option<Patching>, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
        // What has begun to go back goes on, and what is back is.
        let is_begun = begun.as_ref().is_some_and(|begun| begun.step() >= Step::RollingBack);
        match self.allowed.check(self.order, Timestamp::now()) {
            Err(why) if !is_begun => return outcome(Some(Came::Broken), why, None),
            _ => {}
        }
        let Some(mut patching) = begun else { return self.nothing_kept() };
        // Whatever is newer came by other hands, and is not what this change has brought.
        let seen = change::verify(patching.order(), &look(self.root)?);
        let other = seen.upgrades.iter().find(|(_, standing)| matches!(standing, Standing::Other(_)));
        if let (Step::Installed, Some((upgrade, Standing::Other(version)))) = (patching.step(), other) {
            let why = format!("{} is {version}, and this change has brought {}", upgrade.package, upgrade.to);
            return outcome(Some(Came::Broken), why, Some(&patching));
        }
        let taken = patching.take_back(&mut Around::<anyhow::Error> {
            look: &mut || look(self.root),
            health: &mut || Ok(()),
            tell,
            keeps_failed: false,
        })?;
        let restarted = self.restart();
        let well = taken.and_then(|()| health::hold(&self.checks(), self.patience()));
        // What came by other hands before this change stays, and is not as it was when that was planned.
        let seen = change::verify(&self.planned(), &look(self.root)?);
        let stays = seen.upgrades.iter().find(|(_, standing)| *standing != Standing::Unchanged);
        let well = match (well, stays) {
            (Ok(()), Some((upgrade, _))) => Err(format!("{} came by other hands, and stays", upgrade.package)),
            (well, _) => well,
        };
        let mut told = match well {
            Ok(()) => outcome(None, "it is as it was before".to_owned(), Some(&patching))?,
            Err(why) => outcome(Some(Came::Broken), why, Some(&patching))?,
        };
        told.log.push_str(&restarted);
        Ok(told)
    }

    /// Nothing is kept here of what was before: where it is as before nothing has to be.
    fn nothing_kept(&self) -> Result<Outcome> {
        let seen = change::verify(&self.planned(), &look(self.root)?);
        match seen.upgrades.iter().find(|(_, standing)| *standing != Standing::Unchanged) {
            None => outcome(None, "nothing of it was carried out here".to_owned(), None),
            Some((upgrade, _)) => {
                let why = format!("{} is not as before, and nothing is kept here of that", upgrade.package);
                outcome(Some(Came::Broken), why, None)
            }
        }
    }
}

fn look(root: &Root) -> Result<Inventory> {
    let looked = match root.is_own() {
        true => host::this_host(&mut |_| {}),
        false => host::mounted(&root.below(""), &mut |_| {}),
    };
    looked.context("failed to look at the host")
}

/// Carries out an order, of a file or of standard input; each step goes to standard error, what came of it to standard output.
pub(crate) fn run(allowed: &Allowed, keys: &[String], (order, root): (Option<&Path>, Option<&Path>)) -> Result<()> {
    let note = match order {
        Some(path) => std::fs::read_to_string(path),
        None => std::io::read_to_string(std::io::stdin()),
    };
    let note = note.context("failed to read the order")?;
    let keys: Vec<Verifier> = keys.iter().map(|key| Verifier::parse(key)).collect::<Result<_, _>>()?;
    // Whoever began it may have ended: it goes on to its end.
    let tell = &mut |step: Step| drop(writeln!(std::io::stderr(), "{STEP}{}", step.words()));
    let outcome = carry_out(&note, (allowed, &keys), &Root::at(root), tell)?;
    crate::print(&serde_json::to_vec(&outcome)?)
}

/// How a line begins that tells a step.
pub(crate) const STEP: &str = "step: ";
