//! Carrying an order out, in a process of its own: whoever waits for it may end, or lie on another machine.

use crate::allowed::{Action, Allowed};
use crate::health;
use anyhow::{Context, Result};
use change::{Came, Order, Verified};
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
    let begun = Patching::of_change(root.clone(), order.slip.change.as_str())?;
    match (order.errand, begun) {
        (Errand::Upgrade, Some(begun)) if begun.step() != Step::Ordered => go_on(begun, allowed, root, tell),
        (Errand::Upgrade, begun) => {
            let ready = allowed.check(&order, Timestamp::now());
            // A host that was not well before is not made better by what comes.
            let ready = ready.and_then(|()| health::hold(&allowed.health, Duration::ZERO));
            match (ready, begun) {
                (Err(why), begun) => {
                    begun.map(|mut begun| begun.abandon()).transpose()?;
                    refused(why)
                }
                (Ok(()), Some(begun)) => go_on(begun, allowed, root, tell),
                (Ok(()), None) => upgrade(&order, allowed, root, tell),
            }
        }
        (Errand::RollBack, begun) => {
            // What has begun to go back goes on.
            let is_begun = begun.as_ref().is_some_and(|begun| begun.step() == Step::RollingBack);
            match allowed.check(&order, Timestamp::now()) {
                Err(why) if !is_begun => outcome(Some(Came::Broken), why, None),
                _ => roll_back(begun, root, tell),
            }
        }
    }
}

fn upgrade(order: &AssetOrder, allowed: &Allowed, root: &Root, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
    let planned = Order {
        made_at: order.begun_at,
        host: order.slip.asset.to_string(),
        upgrades: order.slip.upgrades.clone(),
        left_out: Vec::new(),
        size_bytes: 0,
        change: Some(order.slip.change.to_string()),
    };
    let (order, there) = match Patching::as_planned(root, planned.clone()) {
        Ok(made) => made,
        Err(error @ PatchError::Busy) => return Err(error.into()),
        // Nothing was changed: it is as it was.
        Err(error) => return outcome(Some(Came::Failed), format!("{:#}", anyhow::Error::from(error)), None),
    };
    if let Err(why) = allowed.check_packages(&order.upgrades) {
        return outcome(Some(Came::Refused), format!("{why}, and what is ordered needs it"), None);
    }
    let mut words = String::new();
    if !there.is_empty() {
        words = format!("there already, by other hands: {}", there.join(", "));
    }
    if order.upgrades.is_empty() {
        let verified = change::verify(&planned, &look(root)?);
        return installed(&verified, (allowed, None), words, root);
    }
    let patching = Patching::begin(root.clone(), order)?;
    let mut outcome = go_on(patching, allowed, root, tell)?;
    if outcome.words.is_empty() {
        outcome.words = words;
    }
    Ok(outcome)
}

fn go_on(mut patching: Patching, allowed: &Allowed, root: &Root, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
    let within = Duration::from_secs(allowed.health_within_seconds);
    let carried = patching.carry_out(&mut Around::<anyhow::Error> {
        look: &mut || look(root),
        health: &mut || health::hold(&allowed.health, within),
        tell,
        keeps_failed: false,
    })?;
    match carried {
        Carried::Installed(verified) => installed(&verified, (allowed, Some(&patching)), String::new(), root),
        Carried::Untouched { why } | Carried::Failed { why, is_as_before: true, .. } => {
            outcome(Some(Came::Failed), why, Some(&patching))
        }
        Carried::Failed { why, .. } => outcome(Some(Came::Broken), why, Some(&patching)),
    }
}

/// What was ordered is on disk: services are restarted where the host lets it, and it is said what else waits for a restart.
fn installed(
    verified: &Verified,
    (allowed, patching): (&Allowed, Option<&Patching>),
    words: String,
    root: &Root,
) -> Result<Outcome> {
    let mut told = outcome(Some(Came::Installed), words, patching)?;
    if verified.restarts.is_empty() || !root.is_own() {
        return Ok(told);
    }
    if allowed.actions.contains(&Action::RestartServices) {
        told.log.push_str(&crate::restart::services(&look(root)?));
        let within = Duration::from_secs(allowed.health_within_seconds);
        if let Err(why) = health::hold(&allowed.health, within) {
            // What is installed runs, and the host is not well with it.
            return Ok(Outcome { came: Some(Came::Broken), words: short(&why), ..told });
        }
    }
    told.wants_reboot = allowed.actions.contains(&Action::Reboot) && crate::restart::only_a_reboot_helps(&look(root)?);
    Ok(told)
}

fn roll_back(begun: Option<Patching>, root: &Root, tell: &mut dyn FnMut(Step)) -> Result<Outcome> {
    let Some(mut patching) = begun else {
        let why = "nothing is kept here of what was before: this host has not carried it out".to_owned();
        return outcome(Some(Came::Broken), why, None);
    };
    // Whatever is newer came by other hands, and is not what this change has brought.
    let now = change::verify(patching.order(), &look(root)?);
    let other = now.upgrades.iter().find(|(_, standing)| matches!(standing, change::Standing::Other(_)));
    if let (Step::Installed, Some((upgrade, change::Standing::Other(version)))) = (patching.step(), other) {
        let why = format!("{} is {version}, and this change has brought {}", upgrade.package, upgrade.to);
        return outcome(Some(Came::Broken), why, Some(&patching));
    }
    let taken = patching.take_back(&mut Around::<anyhow::Error> {
        look: &mut || look(root),
        health: &mut || Ok(()),
        tell,
        keeps_failed: false,
    })?;
    match taken {
        Ok(()) => outcome(None, "it is as it was before".to_owned(), Some(&patching)),
        Err(why) => outcome(Some(Came::Broken), why, Some(&patching)),
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
