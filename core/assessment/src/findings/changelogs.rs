//! Findings that only the changelogs of pending updates name.

use super::{Carrier, Changelog, Finding, Kind, Signals, Source};
use crate::assess::Input;
use crate::facts;
use advisories::severity::decisive_of_scored;
use inventory::{PendingUpdate, purl};
use jiff::Timestamp;
use matching::{Fix, Suppression, Verdict};
use std::collections::{HashMap, HashSet};

/// Vulnerabilities that the changelogs of pending updates name and no advisory matched.
pub(crate) fn from_changelogs(input: Input<'_>, known: &[Finding]) -> Result<Vec<Finding>, advisories::Error> {
    let mut findings: Vec<Finding> = Vec::new();
    let is_known: HashSet<(&str, &str)> = known
        .iter()
        .flat_map(|finding| finding.carriers.iter().map(|carrier| (finding.id.as_str(), carrier.source.as_str())))
        .collect();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for changelog in input.changelogs {
        let pending: Vec<&PendingUpdate> =
            input.inventory.pending.iter().filter(|update| update.source.name == changelog.source).collect();
        let because = format!("the changelog of {} {} names it", changelog.source, changelog.version);
        let carriers: Vec<Carrier> = pending.iter().map(|update| of_pending(input, update, because.clone())).collect();
        for (id, patched) in &changelog.vulnerabilities {
            if carriers.is_empty() || is_known.contains(&(id.as_str(), changelog.source.as_str())) {
                continue;
            }
            let own = from_changelog(input, changelog, (id, *patched), carriers.clone())?;
            match places.get(id.as_str()) {
                Some(at) => findings[*at].join(own),
                None => {
                    places.insert(id, findings.len());
                    findings.push(own);
                }
            }
        }
    }
    Ok(findings)
}

fn from_changelog(
    input: Input<'_>,
    changelog: &Changelog,
    (id, patched): (&str, Option<Timestamp>),
    mut carriers: Vec<Carrier>,
) -> Result<Finding, advisories::Error> {
    let number = input.index.map(|index| index.vulnerability_number(id)).transpose()?.flatten();
    let vulnerability = match (input.index, number) {
        (Some(index), Some(number)) => index.vulnerability(number)?,
        _ => advisories::index::VulnerabilityRef { id, ..Default::default() },
    };
    let signals = Signals {
        cvss: decisive_of_scored(vulnerability.severities.iter().copied())
            .map(|(score, value)| (score, value.to_owned())),
        epss: vulnerability.epss,
        listed: vulnerability.exploited.iter().map(|entry| entry.listed).min(),
        is_used_by_ransomware: vulnerability.exploited.iter().any(|entry| entry.ransomware),
        ssvc: vulnerability.ssvc.as_ref().map(facts::ssvc_in_words),
        weaknesses: Vec::new(),
        published: vulnerability.published,
        patch_available: patched,
    };
    let facts = facts::of_vulnerability(input, &vulnerability, &signals, &carriers);
    let deadline = policy::derive(input.policy, &facts);
    carriers.iter_mut().for_each(|carrier| carrier.due = deadline.due);
    let source = Source {
        id: format!("changelog of {} {}", changelog.source, changelog.version),
        feed: "changelog".to_owned(),
        url: String::new(),
    };
    Ok(Finding {
        id: id.to_owned(),
        kind: Kind::Vulnerability,
        aliases: Vec::new(),
        title: vulnerability.summary.to_owned(),
        carriers,
        verdict: match vulnerability.rejected {
            Some(_) => Verdict::Suppressed(Suppression::rejected(id)),
            None => Verdict::Affected,
        },
        signals,
        sources: vec![source],
        is_overdue: deadline.due.is_some_and(|due| due < input.now),
        deadline,
    })
}

pub(super) fn of_pending(input: Input<'_>, update: &PendingUpdate, because: String) -> Carrier {
    let package = input.inventory.packages.iter().position(|package| {
        package.name == update.name
            && package.architecture == update.architecture
            && package.kind.language_ecosystem().is_none()
    });
    Carrier {
        package,
        name: update.name.clone(),
        version: update.installed.clone(),
        source: update.source.name.clone(),
        fix: Fix::Available(update.source.version.clone()),
        purl: package.map_or_else(String::new, |at| purl::write(&input.inventory.packages[at])),
        because,
        is_idle_kernel: false,
        restart: None,
        due: None,
    }
}
