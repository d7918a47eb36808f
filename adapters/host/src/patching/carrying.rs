//! Carrying an order out, from wherever it stands to its end: a fresh look says whether it is so, and what failed is brought back.

use super::{PatchError, Patching, Step};
use change::{Order, Standing, Upgrade, Verified};
use inventory::Inventory;

/// What came of an order.
#[derive(Debug)]
pub enum Carried {
    /// Everything that was ordered is on disk.
    Installed(Verified),
    /// Nothing was changed, and nothing will be.
    Untouched {
        /// Why.
        why: String,
    },
    /// It failed.
    Failed {
        /// Why.
        why: String,
        /// What a look showed afterwards, before anything was brought back.
        verified: Option<Verified>,
        /// Whether everything is what it was before.
        is_as_before: bool,
    },
}

/// What is done around the packages.
pub struct Around<'a, E> {
    /// Looks at the host afresh.
    pub look: &'a mut dyn FnMut() -> Result<Inventory, E>,
    /// Whether it is well, once everything is installed; otherwise why not.
    pub health: &'a mut dyn FnMut() -> Result<(), String>,
    /// Is told each step as it begins.
    pub tell: &'a mut dyn FnMut(Step),
    /// Whether what failed is left as it is.
    pub keeps_failed: bool,
}

impl Patching {
    /// Carries an order out to its end; one that was cut short goes on where it stands.
    ///
    /// # Errors
    /// If the host cannot be looked at, or the order's own files cannot be used: it stays at its step.
    pub fn carry_out<E: From<PatchError>>(&mut self, around: &mut Around<'_, E>) -> Result<Carried, E> {
        match self.step {
            Step::RollingBack => {
                let why = self.reason().unwrap_or_else(|| "it was cut short while it went back".to_owned());
                return self.bring_back(why, None, around);
            }
            Step::RolledBack => {
                let why = self.reason().unwrap_or_else(|| "it was brought back".to_owned());
                return Ok(Carried::Failed { why, verified: None, is_as_before: true });
            }
            Step::Abandoned => {
                let why = self.reason().unwrap_or_else(|| "it was given up".to_owned());
                return Ok(Carried::Untouched { why });
            }
            Step::Ordered => {
                (around.tell)(Step::Ordered);
                if let Err(error) = self.make_ready() {
                    let why = in_words(&error);
                    // Where even that cannot be written down it is told all the same.
                    let _ = self.keep_reason(&why).and_then(|()| self.abandon());
                    return Ok(Carried::Untouched { why });
                }
            }
            Step::Kept | Step::Installing | Step::Installed => {}
        }
        let installed = match self.step {
            Step::Installed => Ok(()),
            _ => {
                (around.tell)(Step::Installing);
                self.install()
            }
        };
        let verified = change::verify(&self.order, &(around.look)()?);
        let why = match installed {
            Err(error) => in_words(&error),
            Ok(()) if !verified.is_installed() => "not everything is as it was ordered".to_owned(),
            Ok(()) => match (around.health)() {
                Ok(()) => return Ok(Carried::Installed(verified)),
                Err(why) => why,
            },
        };
        if around.keeps_failed {
            return Ok(Carried::Failed { why, verified: Some(verified), is_as_before: false });
        }
        self.bring_back(why, Some(verified), around)
    }

    fn bring_back<E: From<PatchError>>(
        &mut self,
        why: String,
        verified: Option<Verified>,
        around: &mut Around<'_, E>,
    ) -> Result<Carried, E> {
        self.keep_reason(&why)?;
        match self.take_back(around)? {
            Ok(()) => Ok(Carried::Failed { why, verified, is_as_before: true }),
            Err(worse) => Ok(Carried::Failed { why: format!("{why}; and {worse}"), verified, is_as_before: false }),
        }
    }

    /// Brings back what was there before the order, from wherever it stands; otherwise why that is not so.
    ///
    /// # Errors
    /// If the host cannot be looked at, or the order's own files cannot be used: it stays at its step.
    pub fn take_back<E: From<PatchError>>(&mut self, around: &mut Around<'_, E>) -> Result<Result<(), String>, E> {
        let taken = self.taken_back(around)?;
        Ok(taken.map_err(|worse| self.with_way_out(worse)))
    }

    fn taken_back<E: From<PatchError>>(&mut self, around: &mut Around<'_, E>) -> Result<Result<(), String>, E> {
        match self.step {
            Step::Ordered | Step::Kept => self.abandon()?,
            Step::Abandoned | Step::RolledBack => {}
            Step::Installing | Step::Installed | Step::RollingBack => {
                (around.tell)(Step::RollingBack);
                match self.roll_back() {
                    Ok(true) => {}
                    Ok(false) => return Ok(Err("not everything is what it was".to_owned())),
                    Err(error) => return Ok(Err(in_words(&error))),
                }
            }
        }
        // Nothing is believed that a fresh look does not show.
        let shown = change::verify(&self.order, &(around.look)()?);
        match shown.upgrades.iter().find(|(upgrade, standing)| !is_back(upgrade, standing)) {
            None => Ok(Ok(())),
            Some((upgrade, _)) => Ok(Err(format!("{} is not what it was", upgrade.package))),
        }
    }
}

fn is_back(upgrade: &Upgrade, standing: &Standing) -> bool {
    match upgrade.from {
        Some(_) => *standing == Standing::Unchanged,
        None => *standing == Standing::Gone,
    }
}

/// An error with its causes.
fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}"))
}

/// What a host would do for an order that was planned elsewhere: exactly that, and what it needs for it. What is there already is left
/// out, and told.
///
/// # Errors
/// If a package is not what the plan says, or the package manager says no.
pub(super) fn as_planned(planned: Order, closure: Order) -> Result<(Order, Vec<String>), PatchError> {
    let of = |package: &str| {
        let (name, architecture) = package.split_once(':').unwrap_or((package, ""));
        let is_it = |other: &&Upgrade| other.package == package || other.is_of(name, architecture);
        closure.upgrades.iter().find(is_it)
    };
    let mut there = Vec::new();
    for wanted in &planned.upgrades {
        let Some(would) = of(&wanted.package) else {
            there.push(wanted.package.clone());
            continue;
        };
        if would.to != wanted.to || would.from != wanted.from {
            let found = would.from.clone().unwrap_or_else(|| "not installed".to_owned());
            let before = wanted.from.clone().unwrap_or_else(|| "not installed".to_owned());
            let what = match would.from == wanted.from {
                true => format!("{} would go to {}, and {} was planned", wanted.package, would.to, wanted.to),
                false => format!("{} is {found}, and was {before} when it was planned", wanted.package),
            };
            return Err(PatchError::Changed { what });
        }
    }
    Ok((closure, there))
}
