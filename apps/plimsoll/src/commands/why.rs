//! `plimsoll why`: one finding explained.

use super::scan::{self, Prepared};
use crate::arguments::{WhyArguments, WhyFormat};
use crate::exit;
use crate::formats::{finding_as_json, fix_in_words};
use crate::pager;
use crate::printable::printable;
use ::feeds::MappedIndex;
use advisories::index::Index;
use anyhow::{Context, Result};
use assessment::Finding;
use matching::Verdict;
use std::fmt::Write as _;
use std::path::Path;

/// Explains a finding; says so plainly where there is none.
pub(super) fn run(arguments: &WhyArguments, data: &Path, is_quiet: bool) -> Result<u8> {
    let prepared = scan::prepare(&arguments.subject, data, is_quiet)?;
    let index = prepared.index.as_ref().map(MappedIndex::index).transpose()?;
    let assessment = prepared.assess(index.as_ref())?;
    let wanted = canonical_id(&arguments.id);
    let is_meant = |finding: &&Finding| {
        let ids =
            std::iter::once(&finding.id).chain(&finding.aliases).chain(finding.sources.iter().map(|source| &source.id));
        // `DSA-5972` means `DSA-5972-1` too.
        ids.into_iter().any(|id| {
            let id = id.to_ascii_uppercase();
            id == wanted
                || id.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with('-') && !wanted.starts_with("CVE"))
        })
    };
    let found: Vec<&Finding> = assessment.findings.iter().chain(&assessment.suppressed).filter(is_meant).collect();
    if found.is_empty() {
        let (text, code) = not_found(&wanted, &prepared, index.as_ref(), assessment.coverage.is_sufficient())?;
        let text = match arguments.format {
            WhyFormat::Json => {
                let answer = serde_json::json!({
                    "id": wanted, "found": false, "verdict": text.trim_end(), "gaps": assessment.coverage.gaps(),
                });
                serde_json::to_string_pretty(&answer)? + "\n"
            }
            WhyFormat::Text => text,
        };
        pager::show(text.as_bytes()).context("failed to write")?;
        return Ok(code);
    }
    let text = match arguments.format {
        WhyFormat::Json => {
            let all: Vec<_> = found.iter().map(|finding| finding_as_json(finding)).collect();
            serde_json::to_string_pretty(&all)? + "\n"
        }
        WhyFormat::Text => found.iter().map(|finding| in_words(finding, &prepared)).collect(),
    };
    pager::show(text.as_bytes()).context("failed to write")?;
    let is_open = |finding: &&Finding| finding.is_undated() || matches!(finding.verdict, Verdict::Undetermined { .. });
    Ok(match (found.iter().any(|finding| finding.is_overdue), found.iter().any(is_open)) {
        (true, _) => exit::POLICY_NOT_MET,
        (false, true) => exit::NOT_ENOUGH_DATA,
        (false, false) => exit::WITHIN_POLICY,
    })
}

/// Ids as publishers write them: `cve_2026_1234` and `2026-1234` are CVE-2026-1234.
pub(super) fn canonical_id(text: &str) -> String {
    let id = text.trim().to_ascii_uppercase().replace(['_', ' '], "-");
    let is_bare = id.split_once('-').is_some_and(|(year, number)| {
        year.len() == 4 && [year, number].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if is_bare { format!("CVE-{id}") } else { id }
}

/// What to say where nothing is affected: what the index says about it and the packages at hand.
fn not_found(
    wanted: &str,
    prepared: &Prepared,
    index: Option<&Index<'_>>,
    is_sufficient: bool,
) -> Result<(String, u8)> {
    let known = index.map(|index| Ok::<_, anyhow::Error>((index, index.vulnerability_number(wanted)?))).transpose()?;
    let known = known.and_then(|(index, number)| Some((index, number?)));
    let words = match (known.is_some(), is_sufficient) {
        (true, true) => "the index knows it, and no installed package that could be judged is affected by it",
        (false, true) => {
            "neither the index nor the pending updates name it; that is no proof that it does not concern this system"
        }
        (_, false) => "no package that could be judged is affected by it, and there is not enough data to say more",
    };
    let mut text = format!("{}: {words}.\n", printable(wanted));
    if let Some((index, number)) = known {
        for mention in matching::mentions(&prepared.inventory, index, number)? {
            let (package, advisory) =
                (&prepared.inventory.packages[mention.package], index.advisory(mention.advisory)?);
            writeln!(
                text,
                "  {} {}: {} ({})",
                printable(&package.name),
                printable(&package.version),
                printable(&mention.what),
                printable(advisory.id)
            )?;
        }
    }
    Ok((text, if known.is_some() && is_sufficient { exit::WITHIN_POLICY } else { exit::NOT_ENOUGH_DATA }))
}

fn in_words(finding: &Finding, prepared: &Prepared) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    line(format!("{}  {}", printable(&finding.id), printable(&finding.title)));
    if !finding.aliases.is_empty() {
        line(format!("  also known as  {}", printable(&finding.aliases.join(", "))));
    }
    line(String::new());
    line("  What was matched".to_owned());
    for carrier in &finding.carriers {
        line(format!(
            "    {} {}: {}",
            printable(&carrier.name),
            printable(&carrier.version),
            printable(&fix_in_words(&carrier.fix))
        ));
        line(format!("      {}", printable(&carrier.because)));
    }
    for source in &finding.sources {
        line(format!(
            "    source: {} (feed {}) {}",
            printable(&source.id),
            printable(&source.feed),
            printable(&source.url)
        ));
    }
    line(format!("    verdict: {}", printable(&crate::formats::verdict_in_words(&finding.verdict))));
    line(String::new());
    text.push_str(&crate::formats::deadline_in_words(&finding.deadline, &prepared.policy, prepared.now));
    text.push('\n');
    text
}
