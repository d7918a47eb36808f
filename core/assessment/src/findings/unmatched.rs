//! Findings that no advisory matched: what is out of support, what runs replaced files, updates that nobody explains.

use super::changelogs::of_pending;
use super::{Carrier, Finding, Kind, Signals};
use crate::assess::Input;
use crate::facts;
use advisories::index::Meta;
use inventory::purl;
use matching::{Fix, Verdict};

/// Releases and packages out of support, and programs that run replaced files.
pub(crate) fn from_lifecycle(input: Input<'_>, meta: Option<&Meta>, unknown: &mut Vec<String>) -> Vec<Finding> {
    let (found, not_known) = matching::end_of_life(input.inventory, meta, input.now);
    unknown.extend(not_known);
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
    if let Some(host) = input.inventory.host.as_ref().filter(|host| !host.stale_processes.is_empty()) {
        let title = format!("{} processes still run files that have been replaced", host.stale_processes.len());
        let what = "restart them".to_owned();
        let mut finding = special(
            input,
            ("RESTART".to_owned(), Kind::Restart, title),
            Vec::new(),
            &facts::of_unexplained(input, None),
        );
        finding.verdict = Verdict::RestartPending { what };
        findings.push(finding);
    }
    findings
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

/// Pending security updates that no finding explains: their danger is not known, so the cautious class applies.
pub(crate) fn from_pending(input: Input<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for update in input.inventory.pending.iter().filter(|update| update.holds_security_fix) {
        let explains = |finding: &&Finding| {
            finding
                .carriers
                .iter()
                .any(|carrier| carrier.source == update.source.name && matches!(carrier.fix, Fix::Available(_)))
        };
        if known.iter().any(|finding| explains(&finding)) {
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
