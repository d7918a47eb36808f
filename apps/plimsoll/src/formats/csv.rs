//! One row a finding and package. Cells that a spreadsheet would take for a formula get an apostrophe.

use super::{Report, verdict_in_words};
use anyhow::Result;
use ecow::EcoString;
use matching::Fix;

pub(super) fn write(report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut rows = Vec::new();
    let head = [
        "id",
        "class",
        "due",
        "overdue",
        "verdict",
        "package",
        "version",
        "source_package",
        "fixed_version",
        "cvss",
        "epss",
        "exploited",
        "published",
        "patch_available",
        "advisories",
        "title",
        "purl",
    ];
    for finding in report.findings().chain(&report.assessment.suppressed) {
        let instant = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let none = assessment::Carrier {
            package: None,
            name: EcoString::new(),
            version: EcoString::new(),
            source: EcoString::new(),
            fix: Fix::Unknown,
            purl: String::new(),
            because: String::new(),
            is_idle_kernel: false,
            restart: None,
            due: None,
        };
        let carriers = if finding.carriers.is_empty() { std::slice::from_ref(&none) } else { &finding.carriers };
        for carrier in carriers {
            let fixed = if let Fix::Available(version) = &carrier.fix { version.to_string() } else { String::new() };
            let advisories: Vec<&str> = finding.sources.iter().map(|source| source.id.as_str()).collect();
            rows.push(vec![
                finding.id.clone(),
                finding.deadline.class.clone(),
                instant(finding.deadline.due),
                if finding.is_overdue { "yes" } else { "no" }.to_owned(),
                verdict_in_words(&finding.verdict),
                carrier.name.to_string(),
                carrier.version.to_string(),
                carrier.source.to_string(),
                fixed,
                finding.signals.cvss.as_ref().map(|(score, _)| format!("{score:.1}")).unwrap_or_default(),
                finding.signals.epss.map(|(score, _)| format!("{score:.5}")).unwrap_or_default(),
                instant(finding.signals.listed),
                instant(finding.signals.published),
                instant(finding.signals.patch_available),
                advisories.join(" "),
                finding.title.clone(),
                carrier.purl.clone(),
            ]);
        }
    }
    crate::sheet::csv(out, &head, rows)
}
