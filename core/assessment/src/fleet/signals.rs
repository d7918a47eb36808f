//! A match as a statement on a thing, and what the index knows of a vulnerability, whoever has it.

use crate::facts::{aliases, exploitation};
use ::fleet::{Fix as FleetFix, Signals, Standing, Statement, Subject};
use advisories::index::{Index, VulnerabilityRef};
use advisories::severity::decisive_of_scored;
use jiff::Timestamp;
use matching::{Fix, Match, Verdict};
use std::collections::HashSet;

/// What a match says of a package, and what is known of its vulnerability.
pub(super) fn statement_of(
    index: &Index<'_>,
    found: &Match,
    now: Timestamp,
) -> Result<(Statement, Signals), advisories::Error> {
    let vulnerability = index.vulnerability(found.vulnerability)?;
    let own = decisive_of_scored(vulnerability.severities.iter().copied());
    let (mut severities, mut published, mut title) = (vulnerability.severities.clone(), None, String::new());
    let mut seen = HashSet::new();
    for reason in found.reasons.iter().filter(|reason| seen.insert(reason.advisory)) {
        let advisory = index.advisory(reason.advisory)?;
        severities.extend(advisory.severities.iter().copied());
        // A bundle's date and title speak of the bundle, not of one vulnerability in it.
        if advisory.vulnerabilities.len() == 1 {
            published = published.or(advisory.published);
        }
        if title.is_empty() {
            advisory.summary.clone_into(&mut title);
        }
    }
    let all = decisive_of_scored(severities);
    let (standing, remark) = standing_of(&found.verdict);
    // What can be installed or read now was not published later: such a date says nothing.
    let is_date = |at: &Timestamp| *at <= now;
    let statement = Statement {
        vulnerability: vulnerability.id.to_owned(),
        standing,
        remark,
        fix: fix_of(&found.fix),
        patch_available: found.patch_available.filter(is_date),
        urgency: found.urgency.clone(),
        cvss: all.filter(|all| own.is_none_or(|own| own.0 != all.0)).map(|(score, _)| score),
        published: published.filter(|_| vulnerability.published.is_none()).filter(is_date),
        because: found
            .reasons
            .first()
            .map(|reason| format!("{} {}: {}", reason.ecosystem, reason.name, reason.because))
            .unwrap_or_default(),
    };
    let known = signals_of(&vulnerability, title, now);
    Ok((statement, known))
}

fn standing_of(verdict: &Verdict) -> (Standing, String) {
    match verdict {
        Verdict::Affected => (Standing::Affected, String::new()),
        Verdict::RestartPending { what } => (Standing::RestartPending, what.clone()),
        Verdict::Undetermined { why } => (Standing::Undetermined, why.clone()),
        Verdict::Suppressed(suppression) => {
            (Standing::Suppressed, format!("{}: {}", suppression.by, suppression.reason))
        }
    }
}

pub(super) fn fix_of(fix: &Fix) -> FleetFix {
    match fix {
        Fix::Available(version) => FleetFix::Available(version.to_string()),
        Fix::NotYet => FleetFix::NotYet,
        Fix::WontFix => FleetFix::WontFix,
        Fix::Deferred => FleetFix::Deferred,
        Fix::EndOfLife => FleetFix::EndOfLife,
        Fix::Unknown => FleetFix::Unknown,
    }
}

/// What is known of a vulnerability; `title` stands where it has none of its own.
pub(super) fn signals_of(vulnerability: &VulnerabilityRef<'_>, title: String, now: Timestamp) -> Signals {
    let ssvc = vulnerability.ssvc.as_ref();
    let summary = if vulnerability.summary.is_empty() { title } else { vulnerability.summary.to_owned() };
    Signals {
        id: vulnerability.id.to_owned(),
        subject: Subject::Vulnerability,
        aliases: aliases(vulnerability),
        title: summary,
        cvss: decisive_of_scored(vulnerability.severities.iter().copied())
            .map(|(score, value)| (score, value.to_owned())),
        epss: vulnerability.epss,
        listed: vulnerability.exploited.iter().map(|entry| entry.listed).min(),
        catalogue_due: vulnerability.exploited.iter().filter_map(|entry| entry.due).min(),
        is_used_by_ransomware: vulnerability.exploited.iter().any(|entry| entry.ransomware),
        exploitation: ssvc.and_then(|points| exploitation(&points.exploitation)),
        automatable: ssvc.and_then(|points| points.automatable),
        total_impact: ssvc.and_then(|points| points.total_impact),
        published: vulnerability.published.filter(|at| *at <= now),
    }
}
