//! Taking inventories in, and holding what assets have against the advisories.

use super::{asset_id, instant};
use crate::arguments::{PushArguments, ReachArguments, Subject};
use crate::commands::changelogs;
use crate::commands::reach::Reach;
use crate::exit::{self, Usage};
use crate::formats::count;
use crate::printable::printable;
use crate::progress::{Counter, say};
use crate::record::Opened;
use crate::target;
use anyhow::Result;
use fleet::AssetFilter;
use jiff::Timestamp;
use lifecycle::{AssetId, Attributes, Command};
use operations::{Observed, Taken, View};
use std::path::{Path, PathBuf};

/// Reads an inventory and takes it in.
pub(super) async fn push(opened: &Opened, arguments: &PushArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    // `push FILE` has no asset: one argument that is a path is no id.
    let (named, path) = match (&arguments.asset, &arguments.target) {
        (Some(only), None) if arguments.root.is_none() && PathBuf::from(only).exists() => {
            return Err(Usage(format!("name the asset before the file: plimsoll fleet push ASSET {only}")).into());
        }
        (named, path) => (named, path.clone()),
    };
    let is_this_host = path.is_none() && arguments.root.is_none();
    if named.is_none() && !is_this_host {
        return Err(Usage("name the asset that the inventory is of".to_owned()).into());
    }
    let subject = Subject {
        target: path,
        root: arguments.root.clone(),
        release: arguments.release.clone(),
        ..Subject::default()
    };
    let taken_at = instant(arguments.taken_at.as_deref())?.unwrap_or(opened.now);
    let mut inventory = target::read(&subject, is_quiet)?;
    let changelogs = if arguments.changelogs { changelogs::collect(&mut inventory, is_quiet)? } else { Vec::new() };
    let asset = asset_id(named.as_deref().unwrap_or(&inventory.subject))?;
    let observed = Observed::of(&inventory, &changelogs)?;
    let is_there =
        opened.organisation.store.record().await?.state.assets.get(&asset).is_some_and(lifecycle::Asset::is_active);
    if !is_there && (arguments.register || is_this_host) {
        let command = Command::RegisterAsset(asset.clone(), Attributes::default());
        opened.organisation.act(&opened.person, opened.now, command).await?;
        tell(is_quiet, format!("`{asset}` is registered."));
    } else if !is_there {
        return Err(Usage(format!("there is no asset `{asset}`: register it first, or with --register")).into());
    }
    let advisories = operations::Advisories::current(data)?;
    if let Some(advisories) = &advisories
        && !opened.organisation.is_judged_by(advisories).await?
    {
        judge_by(opened, advisories, is_quiet).await?;
    }
    take_in(opened, asset, (observed, taken_at), (advisories.as_ref(), opened.now), is_quiet).await
}

/// Looks at assets from this machine, one after the other, and takes in what they have.
pub(super) async fn look(
    opened: &Opened,
    (assets, arguments): (&[String], &ReachArguments),
    data: &Path,
    is_quiet: bool,
) -> Result<u8> {
    let reach = Reach::new(arguments)?;
    let advisories = operations::Advisories::current(data)?;
    let mut is_well = true;
    for asset in assets {
        let asset = asset_id(asset)?;
        let seen = async {
            reach.put(&asset).await?;
            let seen = reach.look(&asset).await?;
            take_in(opened, asset.clone(), seen, (advisories.as_ref(), Timestamp::now()), is_quiet).await
        };
        if let Err(error) = seen.await {
            say(&format!("`{asset}`: {}", printable(&format!("{error:#}"))));
            is_well = false;
        }
    }
    Ok(if is_well { exit::WITHIN_POLICY } else { exit::COULD_NOT_FINISH })
}

async fn take_in(
    opened: &Opened,
    asset: AssetId,
    (observed, taken_at): (Observed, Timestamp),
    (advisories, now): (Option<&operations::Advisories>, Timestamp),
    is_quiet: bool,
) -> Result<u8> {
    let packages = observed.packages();
    let (unread, problems) = (observed.unread, observed.problems.clone());
    let input = (observed, taken_at);
    let taken = opened.organisation.push(&opened.person, asset.clone(), input, (advisories, now)).await?;
    let words = match taken {
        Taken::Changed { added, removed } => format!("{packages} packages; {added} things came and {removed} went"),
        Taken::Unchanged => format!("{packages} packages; nothing has changed"),
        Taken::Late => "it is older than the newest inventory, and is kept as history".to_owned(),
        Taken::Known => "nothing new: this was taken in before".to_owned(),
    };
    tell(is_quiet, format!("`{asset}`: {words}."));
    if unread > 0 {
        let behind = problems.len().saturating_sub(MOST_TOLD);
        say(&format!("Files or entries that could not be read: {unread}. What they hold is not known."));
        problems.iter().take(MOST_TOLD).for_each(|problem| say(&format!("  {}", printable(problem))));
        if behind > 0 {
            say(&format!("  … and {behind} more"));
        }
    }
    if !is_quiet && advisories.is_some() {
        tell_findings(opened, &asset).await?;
    }
    if advisories.is_none() {
        say(
            "There is no index of advisories yet, so nothing can be said of these packages: run `plimsoll feeds sync` or `feeds import`, then `plimsoll fleet judge`.",
        );
    }
    Ok(exit::WITHIN_POLICY)
}

/// How many of the things that could not be read are told.
const MOST_TOLD: usize = 10;

/// What is owed on an asset now.
async fn tell_findings(opened: &Opened, asset: &AssetId) -> Result<()> {
    let filter = AssetFilter { id: Some(asset.clone()), ..AssetFilter::default() };
    let answer = |view: &View<'_>| {
        let rows = view.findings.assets(&view.record.facts, (&filter, view.now), (0, 1)).1;
        rows.first().map(|row| (row.counts, row.undetermined))
    };
    if let Some((counts, undetermined)) = opened.organisation.view(None, opened.now, answer).await? {
        let unknown = match undetermined {
            0 => String::new(),
            number => {
                let packages = count(number as usize, "package");
                format!("; {packages} could not be judged (see `plimsoll fleet undetermined`)")
            }
        };
        say(&format!("{}, {} overdue{unknown}.", count(counts.findings as usize, "finding"), counts.overdue));
    }
    Ok(())
}

/// Holds everything against the current index, and notes the scans that were missed.
pub(super) async fn judge(opened: &Opened, data: &Path, is_quiet: bool) -> Result<u8> {
    let advisories = operations::Advisories::current(data)?;
    if let Some(advisories) = &advisories {
        judge_by(opened, advisories, is_quiet).await?;
    }
    let told = opened.organisation.tell_missed(&opened.person, opened.now).await?;
    if told.scans > 0 {
        say(&format!("Scans that were due and have not happened: {} (see `plimsoll fleet assets`).", told.scans));
    }
    if told.duties > 0 {
        say(&format!("Duties that were due and are not done: {} (see `plimsoll fleet duty list`).", told.duties));
    }
    if told.violations > 0 {
        say(&format!(
            "Violations on the days that are over: {} (see `plimsoll fleet violation list`).",
            told.violations
        ));
    }
    if advisories.is_none() {
        say(
            "There is no index of advisories, so nothing was held against any: run `plimsoll feeds sync`, or `plimsoll feeds import FILE…`.",
        );
        return Ok(exit::NOT_ENOUGH_DATA);
    }
    Ok(exit::WITHIN_POLICY)
}

async fn judge_by(opened: &Opened, advisories: &operations::Advisories, is_quiet: bool) -> Result<()> {
    let mut counter = Counter::new("held against the advisories", "packages", is_quiet);
    let (organisation, person) = (&opened.organisation, &opened.person);
    organisation.note_feeds(person, advisories, opened.now).await?;
    let progress = |done, total| counter.at(done as u64, Some(total as u64));
    let judged = organisation.judge(person, advisories, opened.now, progress).await?;
    counter.end();
    tell(
        is_quiet,
        format!(
            "Held against the advisories: {}. Something new is said of {} of them; vulnerabilities of which more is known: {}.",
            count(judged.things as usize, "package version"),
            judged.changed,
            judged.vulnerabilities
        ),
    );
    Ok(())
}

fn tell(is_quiet: bool, words: String) {
    if !is_quiet {
        say(&words);
    }
}
