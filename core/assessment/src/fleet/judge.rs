//! What an index says of things, each by itself.

use super::offers;
use super::signals::statement_of;
use super::things::package_of;
use crate::assess::Error;
use ::fleet::{Fix as FleetFix, Judgement, Kernel as KernelFacts, Signals, Standing, Statement, Subject, Thing};
use advisories::index::{Index, Meta};
use inventory::{HostFacts, Inventory, Package, SourcePackage};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// What an index says of things as of an instant, in their order, and what is known of the vulnerabilities in them, in the
/// order of their ids.
///
/// # Errors
/// If the index is damaged.
pub fn judge(things: &[&Thing], index: &Index<'_>, now: Timestamp) -> Result<(Vec<Judgement>, Vec<Signals>), Error> {
    let meta = index.meta()?;
    let mut judgements = vec![Judgement::default(); things.len()];
    let mut signals: BTreeMap<String, Signals> = BTreeMap::new();
    for (places, inventory) in inventories(things) {
        let matching = matching::find(&inventory, index)?;
        for entry in &matching.undetermined {
            if let Some(place) = places.get(entry.package) {
                judgements[*place].undetermined = Some(entry.why.clone());
            }
        }
        for found in &matching.matches {
            // The newest kernel's package may stand behind the ones that are judged.
            let Some(place) = places.get(found.package) else { continue };
            let (statement, known) = statement_of(index, found, now)?;
            signals.entry(known.id.clone()).or_insert(known);
            judgements[*place].statements.push(statement);
        }
        ended(&inventory.packages, &places, (&meta, now), &mut judgements, &mut signals);
    }
    for (place, thing) in things.iter().enumerate().filter(|(_, thing)| thing.kind == Thing::PLATFORM) {
        platform(thing, (&meta, now), &mut judgements[place], &mut signals);
    }
    offers::judge(things, index, &mut judgements, &mut signals)?;
    for (place, thing) in things.iter().enumerate().filter(|(_, thing)| thing.kind == Thing::RESTART) {
        restart(thing, &mut judgements[place], &mut signals);
    }
    for judgement in &mut judgements {
        judgement.statements.sort_by(|a, b| (&a.vulnerability, a.standing).cmp(&(&b.vulnerability, b.standing)));
        judgement.statements.dedup_by(|second, first| second.vulnerability == first.vulnerability);
    }
    Ok((judgements, signals.into_values().collect()))
}

/// What decides how a thing is judged beside itself: whether it only still runs, and the kernels of its host.
type Setting<'t> = (bool, Option<&'t KernelFacts>);
/// The places of things, and the packages that they are.
type Part = (Vec<usize>, Vec<Package>);

/// Things as inventories in which none changes what is said of another, each with the things' places: what is installed,
/// what only still runs, and kernels beside the one that runs.
fn inventories(things: &[&Thing]) -> Vec<(Vec<usize>, Inventory)> {
    let mut parts: BTreeMap<Setting<'_>, Part> = BTreeMap::new();
    for (place, thing) in things.iter().enumerate() {
        if let Some(package) = package_of(thing).filter(|_| thing.offer.is_none()) {
            let part = parts.entry((thing.still_runs.is_some(), thing.kernel.as_deref())).or_default();
            part.0.push(place);
            part.1.push(package);
        }
    }
    let whole = |((_, kernel), (places, mut packages)): (Setting<'_>, Part)| {
        let host = kernel.map(|kernel| {
            packages.extend(newest_of(kernel, packages.first()));
            HostFacts {
                running_kernel: Some(kernel.running.clone()),
                newest_kernel: Some(kernel.newest.clone()),
                running_kernel_version: kernel.running_version.clone(),
                has_kernels: true,
                ..HostFacts::default()
            }
        });
        (places, Inventory { packages, host, ..Inventory::default() })
    };
    parts.into_iter().map(whole).collect()
}

/// The package of the newest kernel, of the same kind as the ones beside it.
fn newest_of(kernel: &KernelFacts, beside: Option<&Package>) -> Option<Package> {
    let (name, version, source) = kernel.newest_package.as_ref()?;
    let mut package = Package { still_runs: None, ..beside?.clone() };
    package.name = name.as_str().into();
    package.version = version.as_str().into();
    package.source = source
        .as_ref()
        .map(|(name, version)| SourcePackage { name: name.as_str().into(), version: version.as_str().into() });
    Some(package)
}

/// Packages that are out of support before their release.
fn ended(
    packages: &[Package],
    places: &[usize],
    (meta, now): (&Meta, Timestamp),
    judgements: &mut [Judgement],
    signals: &mut BTreeMap<String, Signals>,
) {
    let ecosystems: HashSet<&str> = packages.iter().map(|package| package.ecosystem.as_str()).collect();
    for ecosystem in ecosystems {
        for end in matching::end_of_packages(packages, ecosystem, Some(meta), now) {
            let (statement, known) = end_of_life(&end.subject, end.ended, &end.remark);
            signals.insert(known.id.clone(), known);
            let of_ecosystem =
                |at: &&usize| packages[**at].ecosystem == ecosystem && packages[**at].still_runs.is_none();
            for place in end.packages.iter().filter(of_ecosystem).filter_map(|at| places.get(*at)) {
                judgements[*place].statements.push(statement.clone());
            }
        }
    }
}

fn platform(
    thing: &Thing,
    (meta, now): (&Meta, Timestamp),
    judgement: &mut Judgement,
    signals: &mut BTreeMap<String, Signals>,
) {
    if thing.ecosystem.is_empty() {
        judgement.undetermined = Some(format!("whether `{}` is still supported is not known", thing.name));
        return;
    }
    match matching::end_of_release(&thing.ecosystem, None, Some(meta), now) {
        Err(why) => judgement.undetermined = Some(why),
        Ok(None) => {}
        Ok(Some(end)) => {
            let (statement, known) = end_of_life(&end.subject, end.ended, &end.remark);
            signals.insert(known.id.clone(), known);
            judgement.statements.push(statement);
        }
    }
}

fn end_of_life(subject: &str, ended: Timestamp, remark: &str) -> (Statement, Signals) {
    let id = format!("EOL-{subject}");
    let title = format!("{subject} has been out of support since {}: {remark}", ended.strftime("%F"));
    let signals =
        Signals { id: id.clone(), subject: Subject::EndOfLife, title, published: Some(ended), ..Signals::default() };
    let statement = Statement {
        vulnerability: id,
        standing: Standing::Affected,
        remark: String::new(),
        fix: FleetFix::EndOfLife,
        patch_available: Some(ended),
        urgency: None,
        cvss: None,
        published: None,
        because: remark.to_owned(),
    };
    (statement, signals)
}

/// The id of what has to be restarted for reasons that no package explains.
const RESTART: &str = "RESTART";

fn restart(thing: &Thing, judgement: &mut Judgement, signals: &mut BTreeMap<String, Signals>) {
    let title = "programs still run what has been replaced on disk".to_owned();
    let known = Signals { id: RESTART.to_owned(), subject: Subject::Restart, title, ..Signals::default() };
    signals.insert(known.id.clone(), known);
    judgement.statements.push(Statement {
        vulnerability: RESTART.to_owned(),
        standing: Standing::RestartPending,
        remark: thing.restart.clone(),
        fix: FleetFix::Unknown,
        patch_available: thing.since.and_then(|at| Timestamp::from_second(at).ok()),
        urgency: None,
        cvss: None,
        published: None,
        because: "the system itself says so".to_owned(),
    });
}
