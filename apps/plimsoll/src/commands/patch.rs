//! `plimsoll patch`: one host from missing to verified, and back.

use crate::arguments::{ListFormat, PatchCommand, Wanted};
use crate::exit::{self, Usage};
use crate::pager;
use crate::progress::say;
use crate::sheet;
use crate::table::Table;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};
use change::{Order, Selection, Standing, Upgrade, Verified};
use host::{Around, Carried, PatchError, Patching, Root, SnapshotOf, Step};
use jiff::Timestamp;
use serde_json::json;
use std::io::{BufRead, IsTerminal};
use std::path::Path;

/// Runs a command on one host.
pub(super) fn run(command: PatchCommand, is_quiet: bool) -> Result<u8> {
    match command {
        PatchCommand::Plan { wanted, format } => plan(&wanted, format),
        PatchCommand::Apply { wanted, keep_failed, snapshot, yes } => {
            apply(&wanted, snapshot.as_ref(), (keep_failed, yes), is_quiet)
        }
        PatchCommand::Resume { id, root } => {
            let patching = Patching::take_up(Root::at(root.as_deref()), id.as_deref())?;
            carry_out(patching, root.as_deref(), (false, is_quiet))
        }
        PatchCommand::Rollback { id, root, yes } => {
            let patching = Patching::take_up(Root::at(root.as_deref()), id.as_deref())?;
            confirm(&format!("Bring back what was there before the order `{}`?", patching.id()), yes)?;
            roll_back(patching, root.as_deref(), is_quiet)
        }
        PatchCommand::List { root, format } => list(&Root::at(root.as_deref()), format),
    }
}

fn look(root: Option<&Path>) -> Result<inventory::Inventory> {
    let looked = match root {
        Some(root) => host::mounted(root, &mut |_| {}),
        None => host::this_host(&mut |_| {}),
    };
    Ok(looked?)
}

/// What is wanted, with everything that the package manager would change for it.
fn order(wanted: &Wanted) -> Result<Order> {
    let selection = Selection { is_everything: wanted.everything, packages: wanted.packages.iter().cloned().collect() };
    let inventory = look(wanted.root.as_deref())?;
    let order = Order::of(&inventory, &selection, Timestamp::now()).map_err(|error| match error {
        change::Error::NotOffered { .. } | change::Error::Word { .. } => anyhow::Error::new(Usage(error.to_string())),
        other => other.into(),
    })?;
    Ok(Patching::closure(&Root::at(wanted.root.as_deref()), order)?)
}

fn plan(wanted: &Wanted, format: ListFormat) -> Result<u8> {
    let order = match order(wanted) {
        Err(error) if matches!(error.downcast_ref(), Some(change::Error::NotKnown)) => {
            say(&format!("{error:#}"));
            return Ok(exit::NOT_ENOUGH_DATA);
        }
        made => made?,
    };
    show(&order, format)
}

/// Shows an order; something is missing as long as there is anything in it, or held.
fn show(order: &Order, format: ListFormat) -> Result<u8> {
    let mut out = Vec::new();
    match format {
        ListFormat::Table => tell(order, &mut out)?,
        ListFormat::Csv => {
            let row = |upgrade: &Upgrade| {
                let Upgrade { package, from, to } = upgrade.clone();
                vec![package, from.unwrap_or_default(), to]
            };
            sheet::csv(&mut out, &["package", "from", "to"], order.upgrades.iter().map(row))?;
        }
        ListFormat::Json => out.extend_from_slice(sheet::json(&json!(order))?.as_bytes()),
    }
    pager::print(&out)?;
    let is_held = order.left_out.iter().any(|left| left.why == change::Left::Held);
    Ok(if order.upgrades.is_empty() && !is_held { exit::WITHIN_POLICY } else { exit::POLICY_NOT_MET })
}

/// An order for people.
fn tell(order: &Order, out: &mut Vec<u8>) -> Result<()> {
    let mut table = Table::new(&["PACKAGE", "INSTALLED", "WOULD BE"]);
    for Upgrade { package, from, to } in &order.upgrades {
        let from = from.clone().unwrap_or_else(|| "new".to_owned());
        table.row(Style::new(), vec![package.clone(), from, to.clone()]);
    }
    for left in &order.left_out {
        let words = format!("left out: {}", left.why.words());
        table.row(Style::new().dimmed(), vec![left.package.clone(), left.candidate.clone(), words]);
    }
    table.write(out)
}

fn apply(
    wanted: &Wanted,
    snapshot: Option<&SnapshotOf>,
    (keep_failed, yes): (bool, bool),
    is_quiet: bool,
) -> Result<u8> {
    let order = order(wanted)?;
    if order.upgrades.is_empty() {
        return show(&order, ListFormat::Table);
    }
    if !is_quiet {
        show(&order, ListFormat::Table)?;
    }
    confirm(&format!("Patch {} packages?", order.upgrades.len()), yes)?;
    let patching = Patching::begin(Root::at(wanted.root.as_deref()), order)?;
    patching.want_snapshot(snapshot)?;
    carry_out(patching, wanted.root.as_deref(), (keep_failed, is_quiet))
}

/// Carries an order out from where it stands, and looks whether it is so.
fn carry_out(mut patching: Patching, root: Option<&Path>, (keep_failed, is_quiet): (bool, bool)) -> Result<u8> {
    if patching.step() == Step::RollingBack {
        return roll_back(patching, root, is_quiet);
    }
    let id = patching.id().to_owned();
    let carried = patching.carry_out(&mut Around {
        look: &mut || look(root),
        health: &mut || Ok(()),
        tell: &mut |step| tell_step(&id, step, is_quiet),
        keeps_failed: keep_failed,
    })?;
    match carried {
        Carried::Installed(verified) => report(&verified, is_quiet),
        Carried::Untouched { why } => bail!("nothing was changed: {why}"),
        Carried::Failed { why, verified, is_as_before } => {
            say(&format!("It failed: {why}"));
            verified.iter().for_each(tell_what_is_not_so);
            match (is_as_before, keep_failed) {
                (true, _) => note(is_quiet, &as_before(&id)),
                (false, true) => say(&format!("What failed is left as it is (plimsoll patch rollback {id}).")),
                (false, false) => bail!("not everything is what it was before the order `{id}`: its log says why"),
            }
            Ok(exit::POLICY_NOT_MET)
        }
    }
}

fn tell_step(id: &str, step: Step, is_quiet: bool) {
    match step {
        Step::Ordered => note(is_quiet, &format!("Order `{id}`: fetching, and keeping what is needed to go back.")),
        Step::Installing => note(is_quiet, "Installing."),
        Step::RollingBack => note(is_quiet, "Bringing back what was there before."),
        _ => {}
    }
}

fn as_before(id: &str) -> String {
    format!("Everything is what it was before the order `{id}`.")
}

fn report(verified: &Verified, is_quiet: bool) -> Result<u8> {
    let count = verified.upgrades.len();
    if !verified.is_restart_pending() && verified.restarts.is_empty() {
        let words = match verified.is_running_known {
            true => "and nothing runs what was there before",
            false => "what runs on it is not known: it is not this host",
        };
        note(is_quiet, &format!("{count} packages are as ordered; {words}."));
        return Ok(if verified.is_running_known { exit::WITHIN_POLICY } else { exit::NOT_ENOUGH_DATA });
    }
    say(&format!("{count} packages are as ordered on disk, and what was there before still runs:"));
    verified.restarts.iter().for_each(|restart| say(&format!("  {restart}")));
    Ok(exit::POLICY_NOT_MET)
}

fn tell_what_is_not_so(verified: &Verified) {
    for (upgrade, standing) in &verified.upgrades {
        let words = match standing {
            Standing::Verified | Standing::RestartPending => continue,
            Standing::Unchanged => "is what it was".to_owned(),
            Standing::Other(version) => format!("is {version}"),
            Standing::Gone => "is not there".to_owned(),
        };
        say(&format!("  {} {words}, and not {}", upgrade.package, upgrade.to));
    }
}

fn roll_back(mut patching: Patching, root: Option<&Path>, is_quiet: bool) -> Result<u8> {
    let id = patching.id().to_owned();
    if !patching.step().can_go_back() {
        bail!("the order `{id}` is {}: nothing of it can be taken back", patching.step().words());
    }
    let taken = patching.take_back(&mut Around::<anyhow::Error> {
        look: &mut || look(root),
        health: &mut || Ok(()),
        tell: &mut |step| tell_step(&id, step, is_quiet),
        keeps_failed: false,
    })?;
    match taken {
        Ok(()) => note(is_quiet, &as_before(&id)),
        Err(why) => bail!("not everything is what it was before the order `{id}` ({why}): its log says why"),
    }
    Ok(exit::WITHIN_POLICY)
}

fn list(root: &Root, format: ListFormat) -> Result<u8> {
    let known = host::orders(root)?;
    let cells = |(id, step): &(String, Step)| -> Result<Vec<String>, PatchError> {
        let order = host::read_order(root, id)?;
        let snapshot = host::snapshot_of(root, id)?.unwrap_or_default();
        let count = order.upgrades.len().to_string();
        Ok(vec![id.clone(), step.words().to_owned(), count, order.made_at.to_string(), snapshot])
    };
    let rows: Vec<Vec<String>> = known.iter().map(cells).collect::<Result<_, _>>()?;
    let mut out = Vec::new();
    match format {
        ListFormat::Table => {
            let mut table = Table::new(&["ORDER", "STATE", "#PACKAGES", "MADE", "SNAPSHOT"]);
            for ((_, step), row) in known.iter().zip(rows) {
                let style = if step.is_between() { AnsiColor::Red.on_default() } else { Style::new() };
                table.row(style, row);
            }
            table.write(&mut out)?;
        }
        ListFormat::Csv => sheet::csv(&mut out, &["order", "state", "packages", "made_at", "snapshot"], rows)?,
        ListFormat::Json => {
            let one = |row: Vec<String>| json!({ "id": row[0], "state": row[1], "packages": row[2].parse::<u64>().ok(), "made_at": row[3], "snapshot": row[4] });
            let all: Vec<_> = rows.into_iter().map(one).collect();
            out.extend_from_slice(sheet::json(&all)?.as_bytes());
        }
    }
    pager::print(&out)?;
    let is_between = known.iter().any(|(_, step)| step.is_between());
    Ok(if is_between { exit::POLICY_NOT_MET } else { exit::WITHIN_POLICY })
}

/// Asks before something is changed; where nobody can be asked it must have been said.
fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Usage(format!("{question} Say so with --yes")).into());
    }
    say(&format!("{question} [y/N]"));
    let mut answer = String::new();
    input.lock().read_line(&mut answer).context("failed to read the answer")?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Usage("nothing was changed".to_owned()).into()),
    }
}

fn note(is_quiet: bool, words: &str) {
    if !is_quiet {
        say(words);
    }
}
