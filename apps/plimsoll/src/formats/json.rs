//! JSON with all there is. Its shape is versioned; see `docs/formats.md`.

use super::{Report, verdict_in_words};
use anyhow::Result;
use assessment::{Carrier, Finding, Kind, Patch};
use matching::{Fix, Verdict};
use serde_json::{Value, json};

/// The version of this shape.
const SHAPE: u32 = 1;

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let coverage = &report.assessment.coverage;
    let host = report.inventory.host.as_ref();
    let value = json!({
        "shape": SHAPE,
        "tool": { "name": "plimsoll", "version": env!("CARGO_PKG_VERSION") },
        "subject": report.inventory.subject,
        "system": report.inventory.os.as_ref().map(|os| json!({ "id": os.id, "version": os.version, "name": os.name, "ecosystem": os.ecosystem() })),
        "at": report.now,
        "policy": { "name": report.policy.name, "source": report.policy.source, "to_check": report.policy.to_check },
        "summary": {
            "findings": report.findings().count(),
            "overdue": report.overdue(),
            "by_class": report.by_class().iter().map(|(class, all, overdue)| json!({ "class": class, "findings": all, "overdue": overdue })).collect::<Vec<_>>(),
        },
        "findings": report.findings().map(finding).collect::<Vec<_>>(),
        "suppressed": report.assessment.suppressed.iter().map(finding).collect::<Vec<_>>(),
        "patches": report.patches().map(|patch| self::patch(report, patch)).collect::<Vec<_>>(),
        "other_updates": report.assessment.other_updates.iter().map(|update| json!({
            "name": update.name, "architecture": update.architecture, "installed": update.installed, "candidate": update.candidate,
            "suite": update.suite, "is_held": update.is_held })).collect::<Vec<_>>(),
        "host": host.map(|host| json!({
            "running_kernel": host.running_kernel, "newest_kernel": host.newest_kernel, "reboot_reasons": host.reboot_reasons,
            "stale_processes": host.stale_processes.iter().map(|process| json!({ "pid": process.pid, "command": process.command, "unit": process.unit, "files": process.files })).collect::<Vec<_>>(),
            "unreadable_processes": host.unreadable_processes })),
        "coverage": {
            "packages": coverage.packages,
            "judged": coverage.judged,
            "is_sufficient": coverage.is_sufficient(),
            "gaps": coverage.gaps(),
            "unread": coverage.unread,
            "undetermined": coverage.undetermined.iter().map(|(name, version, why)| json!({ "name": name, "version": version, "why": why })).collect::<Vec<_>>(),
            "has_repository_metadata": coverage.has_repository_metadata,
            "repository_metadata_at": report.inventory.repository_metadata_at.and_then(|at| jiff::Timestamp::from_second(at).ok()),
            "index": coverage.index_digest,
            "feeds": coverage.feeds,
            "unknown": coverage.unknown,
            "statements_without_effect": coverage.idle_statements,
        },
        "sources": report.inventory.sources.iter().map(|(source, packages)| json!({ "source": source, "packages": packages })).collect::<Vec<_>>(),
        "problems": report.problems(),
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    out.push(b'\n');
    Ok(())
}

/// One finding.
pub(crate) fn finding(finding: &Finding) -> Value {
    let signals = &finding.signals;
    json!({
        "id": finding.id,
        "kind": match finding.kind { Kind::Vulnerability => "vulnerability", Kind::EndOfLife => "end_of_life", Kind::SecurityUpdate => "security_update", Kind::Restart => "restart" },
        "aliases": finding.aliases,
        "title": finding.title,
        "verdict": match &finding.verdict { Verdict::Affected => "affected", Verdict::RestartPending { .. } => "restart_pending", Verdict::Undetermined { .. } => "undetermined", Verdict::Suppressed(_) => "suppressed" },
        "verdict_in_words": verdict_in_words(&finding.verdict),
        "packages": finding.carriers.iter().map(carrier).collect::<Vec<_>>(),
        "cvss": signals.cvss.as_ref().map(|(score, value)| json!({ "score": score, "vector": value })),
        "epss": signals.epss.map(|(score, percentile)| json!({ "score": score, "percentile": percentile })),
        "exploited": signals.listed.map(|listed| json!({ "listed": listed, "ransomware": signals.is_used_by_ransomware })),
        "ssvc": signals.ssvc,
        "weaknesses": signals.weaknesses,
        "published": signals.published,
        "patch_available": signals.patch_available,
        "advisories": finding.sources.iter().map(|source| json!({ "id": source.id, "feed": source.feed, "url": source.url })).collect::<Vec<_>>(),
        "class": finding.deadline.class,
        "due": finding.deadline.due,
        "is_overdue": finding.is_overdue,
        "owes": if finding.deadline.is_mitigation { "mitigation" } else { "patch" },
        "derivation": {
            "steps": finding.deadline.steps.iter().map(|step| json!({ "class": step.class, "started_at": step.started_at, "started_by": step.started_by, "due": step.due })).collect::<Vec<_>>(),
            "inputs": finding.deadline.inputs.iter().map(|input| json!({ "name": input.name, "value": input.value, "is_assumed": input.is_assumed })).collect::<Vec<_>>(),
        },
    })
}

fn carrier(carrier: &Carrier) -> Value {
    let (state, fixed) = match &carrier.fix {
        Fix::Available(version) => ("available", Some(version)),
        Fix::NotYet => ("not_yet", None),
        Fix::WontFix => ("wont_fix", None),
        Fix::Deferred => ("deferred", None),
        Fix::EndOfLife => ("end_of_life", None),
        Fix::Unknown => ("unknown", None),
    };
    json!({ "name": carrier.name, "version": carrier.version, "source": carrier.source, "purl": carrier.purl, "fix": state, "fixed_version": fixed,
        "because": carrier.because, "is_idle_kernel": carrier.is_idle_kernel })
}

fn patch(report: &Report<'_>, patch: &Patch) -> Value {
    json!({
        "name": patch.name,
        "type": patch.kind.map(inventory::PackageType::name),
        "packages": patch.packages.iter().map(|(name, version)| json!({ "name": name, "version": version })).collect::<Vec<_>>(),
        "target": patch.target,
        "is_offered": patch.is_offered,
        "findings": patch.findings.iter().map(|at| report.assessment.findings[*at].id.as_str()).collect::<Vec<_>>(),
        "class": patch.class.1,
        "due": patch.due,
        "is_overdue": patch.is_overdue,
        "command": patch.command,
    })
}
