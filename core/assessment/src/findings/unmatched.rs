//! Findings that no advisory matched: what is out of support, what runs replaced files, updates that nobody explains.

use super::changelogs::of_pending;
use super::{Carrier, Finding, Kind, Signals};
use crate::assess::Input;
use crate::facts;
use advisories::Family;
use advisories::index::Meta;
use inventory::{Package, PackageType, PendingUpdate, StaleProcess, purl};
use jiff::Timestamp;
use matching::{Fix, Verdict};

/// Releases and packages out of support, and programs that run replaced files.
pub(crate) fn from_lifecycle(input: Input<'_>, meta: Option<&Meta>, unreliable: &mut Vec<String>) -> Vec<Finding> {
    let (found, not_known) = matching::end_of_life(input.inventory, meta, input.now);
    // What is out of support shows no findings: not to know it is no all-clear.
    unreliable.extend(not_known);
    let mut findings: Vec<Finding> = found
        .into_iter()
        .map(|end| {
            let carriers =
                end.packages.iter().map(|at| plain_carrier(input, *at, Fix::EndOfLife, &end.remark)).collect();
            let title =
                format!("{} has been out of support since {}: {}", end.subject, end.ended.strftime("%F"), end.remark);
            let facts = facts::of_end_of_life(input, end.ended);
            special(input, (format!("EOL-{}", end.subject), Kind::EndOfLife, title), carriers, &facts)
        })
        .collect();
    findings.extend(restart(input));
    findings
}

/// What has to be restarted for reasons that no vulnerability explains: its danger is not known.
fn restart(input: Input<'_>) -> Option<Finding> {
    let host = input.inventory.host.as_ref()?;
    // What still runs is judged like what is installed, if there is something to judge it by.
    let is_explained = |process: &&StaleProcess| process.is_explained && input.index.is_some();
    let processes: Vec<&StaleProcess> = host.stale_processes.iter().filter(|process| !is_explained(process)).collect();
    let has_kernel = !host.reboot_reasons.is_empty() && input.index.is_none();
    let mut words = Vec::new();
    if host.is_reboot_asked || has_kernel {
        words.push("a reboot is owed".to_owned());
    }
    match processes.len() {
        0 => {}
        1 => words.push("1 process still runs files that have been replaced".to_owned()),
        count => words.push(format!("{count} processes still run files that have been replaced")),
    }
    if words.is_empty() {
        return None;
    }
    let of_processes = processes.iter().map(|process| process.since);
    let since = of_processes.chain(host.is_reboot_asked.then_some(host.reboot_since)).flatten().min();
    let since = since.and_then(|at| Timestamp::from_second(at).ok());
    let names = ("RESTART".to_owned(), Kind::Restart, words.join(", "));
    let mut finding = special(input, names, Vec::new(), &facts::of_unexplained(input, since));
    finding.verdict = Verdict::RestartPending { what: words.join(", ") };
    Some(finding)
}

fn plain_carrier(input: Input<'_>, at: usize, fix: Fix, because: &str) -> Carrier {
    let package = &input.inventory.packages[at];
    Carrier {
        package: Some(at),
        name: package.name.clone(),
        version: package.version.clone(),
        source: package.source.as_ref().map_or_else(|| package.name.clone(), |source| source.name.clone()),
        fix,
        purl: purl::write(package),
        because: because.to_owned(),
        is_idle_kernel: false,
        restart: None,
        due: None,
    }
}

fn special(
    input: Input<'_>,
    (id, kind, title): (String, Kind, String),
    mut carriers: Vec<Carrier>,
    facts: &policy::Facts,
) -> Finding {
    let deadline = policy::derive(input.policy, facts);
    carriers.iter_mut().for_each(|carrier| carrier.due = deadline.due);
    Finding {
        id,
        kind,
        aliases: Vec::new(),
        title,
        carriers,
        verdict: Verdict::Affected,
        signals: Signals { patch_available: facts.patch_available, ..Signals::default() },
        sources: Vec::new(),
        is_overdue: deadline.due.is_some_and(|due| due < input.now),
        deadline,
    }
}

/// Whether a finding says what an update fixes: one on a package of the same kind and source. What is suppressed, or was
/// there before, explains only an update that brings no more than its own fix.
fn explains(input: Input<'_>, finding: &Finding, update: &PendingUpdate) -> bool {
    let packages = &input.inventory.packages;
    let of_update = packages.iter().find(|package| package.name == update.name && is_of_distribution(package));
    let Some(of_update) = of_update else { return false };
    let scheme = Family::of(&of_update.ecosystem).map(|family| family.scheme);
    finding.carriers.iter().any(|carrier| {
        let package = carrier.package.map(|at| &packages[at]);
        let Fix::Available(fixed) = &carrier.fix else { return false };
        let is_same = carrier.source == update.source.name && package.is_none_or(|own| own.kind == of_update.kind);
        let version = if of_update.kind == PackageType::Deb { &update.source.version } else { &update.candidate };
        let is_last =
            || scheme.is_some_and(|scheme| scheme.compare(fixed, version).is_ok_and(std::cmp::Ordering::is_ge));
        is_same && (!matches!(finding.verdict, Verdict::Suppressed(_)) || is_last())
    })
}

fn is_of_distribution(package: &Package) -> bool {
    matches!(package.kind, PackageType::Deb | PackageType::Rpm | PackageType::Apk)
}

/// Pending security updates that no finding explains: their danger is not known, so the cautious class applies.
pub(crate) fn from_pending(input: Input<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for update in input.inventory.pending.iter().filter(|update| update.holds_security_fix) {
        if known.iter().any(|finding| explains(input, finding, update)) {
            continue;
        }
        let carrier =
            of_pending(input, update, format!("{} offers {} as a security update", update.suite, update.candidate));
        let id = format!("UPDATE-{}-{}", update.source.name, update.source.version);
        if let Some(same) = findings.iter_mut().find(|finding| finding.id == id) {
            same.carriers.push(carrier);
            continue;
        }
        // Its changelog may say since when it has been there, even where it names no vulnerability.
        let changelog = input.changelogs.iter().find(|changelog| changelog.source == update.source.name);
        let since = changelog.and_then(|changelog| changelog.at);
        let named =
            if update.advisories.is_empty() { String::new() } else { format!(" ({})", update.advisories.join(", ")) };
        let title = format!(
            "security update of {} to {}{named}; which vulnerabilities it fixes is not known here",
            update.source.name, update.source.version
        );
        findings.push(special(
            input,
            (id, Kind::SecurityUpdate, title),
            vec![carrier],
            &facts::of_unexplained(input, since),
        ));
    }
    findings
}
