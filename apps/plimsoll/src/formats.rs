//! The forms of a scan's output, one file each. All of them show the same findings.

mod csv;
mod cyclonedx;
mod deadline;
mod html;
mod indented;
mod json;
mod markdown;
mod openvex;
mod sarif;
mod table;

pub(crate) use deadline::in_words as deadline_in_words;
pub(crate) use json::finding as finding_as_json;

use crate::arguments::Format;
use advisories::Problem;
use anyhow::Result;
use assessment::{Assessment, Finding, Patch};
use inventory::Inventory;
use jiff::Timestamp;
use matching::{Fix, Verdict};
use policy::Policy;

/// Everything that a report shows.
pub(crate) struct Report<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) assessment: &'a Assessment,
    pub(crate) policy: &'a Policy,
    /// Problems of VEX documents and ignore files.
    pub(crate) problems: &'a [Problem],
    pub(crate) now: Timestamp,
    pub(crate) is_verbose: bool,
    pub(crate) only_fixed: bool,
    /// The terminal's width in characters; none where the output goes elsewhere.
    pub(crate) width: Option<usize>,
}

impl<'a> Report<'a> {
    /// The findings to show, the most urgent first.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &'a Finding> + '_ {
        self.assessment.findings.iter().filter(|finding| !self.only_fixed || finding.is_fixable())
    }

    /// The findings to show for which no patch exists, at least for some that carry them.
    pub(crate) fn unfixed(&self) -> impl Iterator<Item = &'a Finding> + '_ {
        self.findings().filter(|finding| finding.is_partly_unfixed())
    }

    /// What is patched on disk and waits for a restart, the most urgent first.
    pub(crate) fn restarts(&self) -> impl Iterator<Item = &'a Patch> + '_ {
        self.patches().filter(|patch| patch.is_restart)
    }

    /// What the host itself says has to be restarted, in words.
    pub(crate) fn restart_reasons(&self) -> Vec<String> {
        self.inventory.host.as_ref().map(inventory::HostFacts::restarts).unwrap_or_default()
    }

    /// The patches to show, the most urgent first.
    pub(crate) fn patches(&self) -> impl Iterator<Item = &'a Patch> + '_ {
        self.assessment.patches.iter().filter(|patch| !self.only_fixed || patch.target.is_some() || patch.is_restart)
    }

    /// Findings by class, strictest first: class, all, overdue.
    pub(crate) fn by_class(&self) -> Vec<(&'a str, usize, usize)> {
        let count = |id: &str, overdue: bool| {
            self.findings().filter(|finding| finding.deadline.class == id && (!overdue || finding.is_overdue)).count()
        };
        self.policy
            .classes
            .iter()
            .map(|class| (class.id.as_str(), count(&class.id, false), count(&class.id, true)))
            .collect()
    }

    /// How many findings are overdue.
    pub(crate) fn overdue(&self) -> usize {
        self.findings().filter(|finding| finding.is_overdue).count()
    }

    /// All problems: of the inventory, and of the documents given.
    pub(crate) fn problems(&self) -> Vec<String> {
        let own = self.inventory.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.what));
        own.chain(self.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.what))).collect()
    }

    /// The name of the system that was looked at.
    pub(crate) fn system(&self) -> String {
        self.inventory.os.as_ref().map_or_else(String::new, |os| os.name.clone())
    }
}

/// Writes a report.
pub(crate) fn write(format: Format, report: &Report<'_>, out: &mut Vec<u8>) -> Result<()> {
    match format {
        Format::Table => table::write(report, out),
        Format::Json => json::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Cyclonedx => cyclonedx::write(report, out),
        Format::Openvex => openvex::write(report, out),
        Format::Csv => csv::write(report, out),
        Format::Markdown => markdown::write(report, out),
        Format::Html => html::write(report, out),
    }
}

/// `2026-11-23`.
pub(crate) fn day(instant: Timestamp) -> String {
    instant.strftime("%F").to_string()
}

/// `2026-11-23 10:00 UTC`.
pub(crate) fn day_and_time(instant: Timestamp) -> String {
    instant.strftime("%F %H:%M UTC").to_string()
}

/// A fix, in words.
pub(crate) fn fix_in_words(fix: &Fix) -> String {
    match fix {
        Fix::Available(version) => format!("fixed in {version}"),
        Fix::NotYet => "no fix yet".to_owned(),
        Fix::WontFix => "will not be fixed".to_owned(),
        Fix::Deferred => "fix put off".to_owned(),
        Fix::EndOfLife => "out of support".to_owned(),
        Fix::Unknown => "no fix is named".to_owned(),
    }
}

/// A verdict, in words.
pub(crate) fn verdict_in_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Affected => "affected".to_owned(),
        Verdict::RestartPending { what } => format!("patched, restart pending: {what}"),
        Verdict::Undetermined { why } => format!("undetermined: {why}"),
        Verdict::Suppressed(suppression) => {
            let until = suppression.until.map(|until| format!(" until {}", day(until))).unwrap_or_default();
            let reason = match suppression.reason.as_str() {
                "" => ", without a reason".to_owned(),
                reason => format!(": {reason}"),
            };
            format!("suppressed by {}{until}{reason}", suppression.by)
        }
    }
}

/// The distance of a due date from now: `3 days left`, `12 days over`.
pub(crate) fn distance(due: Option<Timestamp>, now: Timestamp) -> String {
    let Some(due) = due else { return "next upgrade".to_owned() };
    let hours = due.duration_since(now).as_hours();
    match hours {
        hours if hours <= -48 => format!("{} days over", -hours / 24),
        hours if hours < 0 => format!("{} hours over", -hours),
        hours if hours < 48 => format!("{hours} hours left"),
        hours => format!("{} days left", hours / 24),
    }
}

/// How many packages could not be judged by advisories, in a sentence; for some of them the host's own repositories speak.
pub(crate) fn not_judged(coverage: &assessment::Coverage) -> String {
    let number = coverage.undetermined.len();
    let vouched = number.saturating_sub(coverage.uncovered);
    let rest = match (vouched, coverage.uncovered) {
        (0, 1) => " and is not called clean".to_owned(),
        (0, _) => " and are not called clean".to_owned(),
        (_, 0) => "; the host's own repositories account for them".to_owned(),
        (vouched, 1) => format!("; the host's own repositories account for {vouched}, 1 is not called clean"),
        (vouched, left) => format!("; the host's own repositories account for {vouched}, {left} are not called clean"),
    };
    format!("{} could not be judged by advisories{rest}", count(number, "package"))
}

/// Why there is not enough data, in one line: the first reasons, and how many more there are.
pub(crate) fn gaps_in_words(gaps: &[String]) -> String {
    const MOST: usize = 3;
    let first = gaps[..gaps.len().min(MOST)].join("; ");
    match gaps.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first}; and {more} more"),
    }
}

/// `1 finding`, `2 findings`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
