//! CycloneDX 1.6 with components and vulnerabilities (<https://cyclonedx.org/docs/1.6/json/>).

use super::{Report, verdict_in_words};
use anyhow::Result;
use assessment::Finding;
use matching::{Fix, Verdict};
use serde_json::{Value, json};

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let components: Vec<Value> = report.inventory.packages.iter().enumerate().map(|(at, package)| {
        json!({ "type": "library", "bom-ref": reference(at), "name": package.name, "version": package.version, "purl": inventory::purl::write(package) })
    }).collect();
    let vulnerabilities: Vec<Value> = report
        .findings()
        .chain(&report.assessment.suppressed)
        .filter(|finding| !finding.carriers.is_empty())
        .map(vulnerability)
        .collect();
    let value = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": report.now,
            "tools": { "components": [{ "type": "application", "name": "plimsoll", "version": env!("CARGO_PKG_VERSION") }] },
            "component": { "type": if report.inventory.os.is_some() { "operating-system" } else { "application" }, "bom-ref": "subject", "name": report.inventory.subject },
        },
        "components": components,
        "vulnerabilities": vulnerabilities,
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    out.push(b'\n');
    Ok(())
}

fn reference(at: usize) -> String {
    format!("package-{at}")
}

fn vulnerability(finding: &Finding) -> Value {
    let state = match &finding.verdict {
        Verdict::Affected => "exploitable",
        Verdict::RestartPending { .. } | Verdict::Undetermined { .. } => "in_triage",
        Verdict::Suppressed(_) => "not_affected",
    };
    let affects: Vec<Value> = finding
        .carriers
        .iter()
        .filter_map(|carrier| carrier.package)
        .map(|at| json!({ "ref": reference(at) }))
        .collect();
    let fixed: Vec<String> = finding
        .carriers
        .iter()
        .filter_map(|carrier| {
            if let Fix::Available(version) = &carrier.fix {
                Some(format!("{} {version}", carrier.source))
            } else {
                None
            }
        })
        .collect();
    let mut value = json!({
        "bom-ref": format!("finding-{}", finding.id),
        "id": finding.id,
        "description": finding.title,
        "analysis": { "state": state, "detail": verdict_in_words(&finding.verdict) },
        "affects": affects,
        "properties": [
            { "name": "plimsoll:class", "value": finding.deadline.class },
            { "name": "plimsoll:due", "value": finding.deadline.due.map_or_else(|| "next upgrade".to_owned(), |due| due.to_string()) },
            { "name": "plimsoll:overdue", "value": finding.is_overdue.to_string() },
        ],
    });
    if !fixed.is_empty() {
        value["recommendation"] = json!(format!("Upgrade to {}", fixed.join(", ")));
    }
    if let Some((score, vector)) = &finding.signals.cvss {
        let method = match vector.get(..8) {
            Some("CVSS:4.0") => "CVSSv4",
            Some("CVSS:3.1") => "CVSSv31",
            Some("CVSS:3.0") => "CVSSv3",
            _ if vector.contains('/') => "CVSSv2",
            _ => "other",
        };
        value["ratings"] = json!([if method == "other" {
            json!({ "severity": advisories::severity::word(*score), "method": method })
        } else {
            json!({ "score": score, "severity": advisories::severity::word(*score), "method": method, "vector": vector })
        }]);
    }
    if let Some(published) = finding.signals.published {
        value["published"] = json!(published);
    }
    let urls: Vec<Value> = finding
        .sources
        .iter()
        .filter(|source| !source.url.is_empty())
        .map(|source| json!({ "title": source.id, "url": source.url }))
        .collect();
    if !urls.is_empty() {
        value["advisories"] = json!(urls);
    }
    value
}
