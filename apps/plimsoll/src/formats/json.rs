//! JSON with all there is. Its shape is versioned; see `docs/formats.md`.

use super::{Report, verdict_in_words};
use anyhow::Result;
use assessment::{Carrier, Finding, Kind, Patch};
use inventory::HostFacts;
use jiff::Timestamp;
use matching::{Fix, Verdict};
use policy::Deadline;
use serde::Serialize;
use serde_json::{Value, json};

/// The version of this shape.
const SHAPE: u32 = 2;

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let shape = ReportShape {
        shape: SHAPE,
        tool: json!({ "name": "plimsoll", "version": env!("CARGO_PKG_VERSION") }),
        subject: &report.inventory.subject,
        system: report.inventory.os.as_ref().map(|os| json!({ "id": os.id, "version": os.version, "name": os.name, "ecosystem": os.ecosystem() })),
        at: report.now,
        policy: json!({ "name": report.policy.name, "source": report.policy.source, "to_check": report.policy.to_check }),
        summary: json!({
            "findings": report.findings().count(),
            "overdue": report.overdue(),
            "by_class": report.by_class().iter().map(|(class, all, overdue)| json!({ "class": class, "findings": all, "overdue": overdue })).collect::<Vec<_>>(),
        }),
        findings: report.findings().map(finding).collect(),
        suppressed: report.assessment.suppressed.iter().map(finding).collect(),
        patches: report.patches().map(|patch| self::patch(report, patch)).collect(),
        other_updates: report.assessment.other_updates.iter().map(|update| json!({
            "name": update.name, "architecture": update.architecture, "installed": update.installed, "candidate": update.candidate,
            "suite": update.suite, "is_held": update.is_held })).collect(),
        host: report.inventory.host.as_ref().map(host),
        coverage: coverage(report),
        sources: report.inventory.sources.iter().map(|(source, packages)| json!({ "source": source, "packages": packages })).collect(),
        problems: report.problems(),
    };
    super::indented::write(&shape, out)
}

fn host(host: &HostFacts) -> Value {
    json!({
        "running_kernel": host.running_kernel, "newest_kernel": host.newest_kernel, "reboot_reasons": host.reboot_reasons,
        "stale_processes": host.stale_processes.iter().map(|process| json!({ "pid": process.pid, "command": process.command, "unit": process.unit, "files": process.files, "since": process.since, "is_explained": process.is_explained })).collect::<Vec<_>>(),
        "unreadable_processes": host.unreadable_processes,
    })
}

fn coverage<'a>(report: &Report<'a>) -> CoverageShape<'a> {
    let coverage = &report.assessment.coverage;
    let undetermined = coverage.undetermined.iter();
    let undetermined = undetermined.map(|(name, version, why)| UndeterminedShape { name, version, why }).collect();
    let rest = json!({
        "packages": coverage.packages,
        "judged": coverage.judged,
        "is_sufficient": coverage.is_sufficient(),
        "gaps": coverage.gaps(),
        "unread": coverage.unread,
        "has_repository_metadata": coverage.has_repository_metadata,
        "repository_metadata_at": report.inventory.repository_metadata_at.and_then(|at| Timestamp::from_second(at).ok()),
        "index": coverage.index_digest,
        "feeds": coverage.feeds,
        "unknown": coverage.unknown,
        "uncovered": coverage.uncovered,
        "statements_without_effect": coverage.idle_statements,
    });
    CoverageShape { rest, undetermined }
}

#[derive(Serialize)]
struct CoverageShape<'a> {
    #[serde(flatten)]
    rest: Value,
    undetermined: Vec<UndeterminedShape<'a>>,
}

#[derive(Serialize)]
struct UndeterminedShape<'a> {
    name: &'a str,
    version: &'a str,
    why: &'a str,
}

/// The whole report. Only what is long has a type of its own; the rest is small.
#[derive(Serialize)]
struct ReportShape<'a> {
    shape: u32,
    tool: Value,
    subject: &'a str,
    system: Option<Value>,
    at: Timestamp,
    policy: Value,
    summary: Value,
    findings: Vec<FindingShape<'a>>,
    suppressed: Vec<FindingShape<'a>>,
    patches: Vec<PatchShape<'a>>,
    other_updates: Vec<Value>,
    host: Option<Value>,
    coverage: CoverageShape<'a>,
    sources: Vec<Value>,
    problems: Vec<String>,
}

/// One finding, as JSON shows it.
#[derive(Serialize)]
pub(crate) struct FindingShape<'a> {
    id: &'a str,
    kind: &'static str,
    aliases: &'a [String],
    title: &'a str,
    verdict: &'static str,
    verdict_in_words: String,
    packages: Vec<CarrierShape<'a>>,
    cvss: Option<CvssShape<'a>>,
    epss: Option<EpssShape>,
    exploited: Option<ExploitedShape>,
    ssvc: Option<&'a str>,
    weaknesses: &'a [String],
    published: Option<Timestamp>,
    patch_available: Option<Timestamp>,
    advisories: Vec<AdvisoryShape<'a>>,
    class: &'a str,
    due_at: Option<Timestamp>,
    is_overdue: bool,
    owes: &'static str,
    also: &'a str,
    derivation: DerivationShape<'a>,
}

#[derive(Serialize)]
struct CvssShape<'a> {
    score: f64,
    vector: &'a str,
}

#[derive(Serialize)]
struct EpssShape {
    score: f64,
    percentile: f64,
}

#[derive(Serialize)]
struct ExploitedShape {
    listed: Timestamp,
    ransomware: bool,
}

#[derive(Serialize)]
struct AdvisoryShape<'a> {
    id: &'a str,
    feed: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct DerivationShape<'a> {
    steps: Vec<StepShape<'a>>,
    inputs: Vec<InputShape<'a>>,
}

#[derive(Serialize)]
struct StepShape<'a> {
    class: &'a str,
    started_at: Timestamp,
    started_by: &'a str,
    due_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct InputShape<'a> {
    name: &'a str,
    value: &'a str,
    is_assumed: bool,
}

#[derive(Serialize)]
struct CarrierShape<'a> {
    name: &'a str,
    version: &'a str,
    source: &'a str,
    purl: &'a str,
    fix: &'static str,
    fixed_version: Option<&'a str>,
    because: &'a str,
    is_idle_kernel: bool,
    due_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct PatchShape<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    packages: Vec<PackageShape<'a>>,
    target: Option<&'a str>,
    is_offered: Option<bool>,
    is_restart: bool,
    findings: Vec<&'a str>,
    class: &'a str,
    due_at: Option<Timestamp>,
    is_overdue: bool,
    command: &'a [String],
}

#[derive(Serialize)]
struct PackageShape<'a> {
    name: &'a str,
    version: &'a str,
}

/// One finding.
pub(crate) fn finding(finding: &Finding) -> FindingShape<'_> {
    let (signals, deadline) = (&finding.signals, &finding.deadline);
    FindingShape {
        id: &finding.id,
        kind: match finding.kind {
            Kind::Vulnerability => "vulnerability",
            Kind::EndOfLife => "end_of_life",
            Kind::SecurityUpdate => "security_update",
            Kind::Restart => "restart",
        },
        aliases: &finding.aliases,
        title: &finding.title,
        verdict: match &finding.verdict {
            Verdict::Affected => "affected",
            Verdict::RestartPending { .. } => "restart_pending",
            Verdict::Undetermined { .. } => "undetermined",
            Verdict::Suppressed(_) => "suppressed",
        },
        verdict_in_words: verdict_in_words(&finding.verdict),
        packages: finding.carriers.iter().map(carrier).collect(),
        cvss: signals.cvss.as_ref().map(|(score, vector)| CvssShape { score: *score, vector }),
        epss: signals.epss.map(|(score, percentile)| EpssShape { score, percentile }),
        exploited: signals.listed.map(|listed| ExploitedShape { listed, ransomware: signals.is_used_by_ransomware }),
        ssvc: signals.ssvc.as_deref(),
        weaknesses: &signals.weaknesses,
        published: signals.published,
        patch_available: signals.patch_available,
        advisories: finding
            .sources
            .iter()
            .map(|source| AdvisoryShape { id: &source.id, feed: &source.feed, url: &source.url })
            .collect(),
        class: &deadline.class,
        due_at: deadline.due,
        is_overdue: finding.is_overdue,
        owes: match finding.kind {
            Kind::EndOfLife => "upgrade",
            Kind::Restart => "restart",
            _ if matches!(finding.verdict, Verdict::RestartPending { .. }) => "restart",
            _ if deadline.is_mitigation => "mitigation",
            _ => "patch",
        },
        also: &deadline.also,
        derivation: derivation(deadline),
    }
}

fn derivation(deadline: &Deadline) -> DerivationShape<'_> {
    let steps = deadline.steps.iter().map(|step| StepShape {
        class: &step.class,
        started_at: step.started_at,
        started_by: &step.started_by,
        due_at: step.due,
    });
    let inputs = deadline.inputs.iter().map(|input| InputShape {
        name: input.name,
        value: &input.value,
        is_assumed: input.is_assumed,
    });
    DerivationShape { steps: steps.collect(), inputs: inputs.collect() }
}

fn carrier(carrier: &Carrier) -> CarrierShape<'_> {
    let (fix, fixed_version) = match &carrier.fix {
        Fix::Available(version) => ("available", Some(version.as_str())),
        Fix::NotYet => ("not_yet", None),
        Fix::WontFix => ("wont_fix", None),
        Fix::Deferred => ("deferred", None),
        Fix::EndOfLife => ("end_of_life", None),
        Fix::Unknown => ("unknown", None),
    };
    CarrierShape {
        name: &carrier.name,
        version: &carrier.version,
        source: &carrier.source,
        purl: &carrier.purl,
        fix,
        fixed_version,
        because: &carrier.because,
        is_idle_kernel: carrier.is_idle_kernel,
        due_at: carrier.due,
    }
}

fn patch<'a>(report: &Report<'a>, patch: &'a Patch) -> PatchShape<'a> {
    PatchShape {
        name: &patch.name,
        kind: patch.kind.map(inventory::PackageType::name),
        packages: patch.packages.iter().map(|(name, version)| PackageShape { name, version }).collect(),
        target: patch.target.as_deref(),
        is_offered: patch.is_offered,
        is_restart: patch.is_restart,
        findings: patch.findings.iter().map(|at| report.assessment.findings[*at].id.as_str()).collect(),
        class: &patch.class.1,
        due_at: patch.due,
        is_overdue: patch.is_overdue,
        command: &patch.command,
    }
}
